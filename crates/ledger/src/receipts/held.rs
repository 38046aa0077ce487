//! Receipts that can only mean a message that is held: it was attempted, and nobody knows whether it was taken.

use model::Timestamp;

use super::matching::CLOCKS;
use crate::contract::receipts::Receipt;

/// Whether a parked receipt for the recipient of the only message that is held for it means that one: its
/// acknowledgement was awaited since before `unclaimed_since`, and the message was accepted before it came.
pub fn is_meant(receipt: &Receipt, unclaimed_since: Timestamp, accepted_at: Timestamp) -> bool {
    receipt.at < unclaimed_since && receipt.at + CLOCKS >= accepted_at
}
