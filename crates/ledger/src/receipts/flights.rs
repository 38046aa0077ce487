//! Attempts under way, whose acknowledgements may bring the exact id of a receipt.
//!
//! Carriers write an id in hexadecimal here and in decimal there, so a receipt is also looked for under other readings
//! of its id. The same digits may be the exact id of a message whose acknowledgement has not come yet. While such an
//! attempt is under way, another reading settles nothing: the receipt is parked, and looked at again when the attempt
//! has ended.

use super::Filed;
use super::numbers::shared_digits;
use crate::contract::receipts::Receipt;

/// The question which attempts may bring the exact id of a receipt, of which another reading means a segment.
pub struct Suspicion<'r> {
    receipt: &'r Receipt,
    /// Whether the receipt's addresses name the recipient of the segment.
    is_named: bool,
}

impl<'r> Suspicion<'r> {
    /// The question for `receipt`, of which another reading means `filed`.
    pub fn of(receipt: &'r Receipt, filed: &Filed) -> Self {
        Self { receipt, is_named: names(receipt, &filed.recipient) }
    }

    /// Whether the recipients of attempts matter.
    pub const fn asks_for_recipients(&self) -> bool {
        self.is_named
    }

    /// Whether an attempt to `recipient` may bring the id: the receipt's addresses do not exclude it.
    pub fn is_of(&self, recipient: &str) -> bool {
        !self.is_named || names(self.receipt, recipient)
    }
}

fn names(receipt: &Receipt, number: &str) -> bool {
    receipt.addresses.iter().any(|address| shared_digits(address, number).is_some())
}
