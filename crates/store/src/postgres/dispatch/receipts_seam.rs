//! What an acknowledgement brings about among receipts.

use model::{CarrierName, MessageId, Timestamp};

use crate::contract::dispatch::Outcome;
use crate::postgres::fault::Fault;
use crate::postgres::unit::Unit;

/// Files held messages of one segment under their recipients.
pub(super) async fn file_held(_: &mut Unit, _: &[&Outcome]) -> Result<(), Fault> {
    Ok(())
}

/// Applies the receipts that are parked under these keys.
pub(super) async fn apply(_: &mut Unit, _: &[(CarrierName, String)], _: Timestamp) -> Result<(), Fault> {
    Ok(())
}

/// Looks again at the receipts that waited for attempts of these messages, which have ended.
pub(super) async fn settle_waiting(_: &mut Unit, _: &[MessageId], _: Timestamp) -> Result<(), Fault> {
    Ok(())
}
