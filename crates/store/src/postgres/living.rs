//! Which epochs are not over.

use std::collections::BTreeSet;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use crate::StoreError;
use crate::contract::nodes::Epoch;

/// The lock lets the epoch be renewed, and keeps others from ending it before this transaction is over.
const REQUIRE: &str = "SELECT 1 FROM nodes WHERE epoch = $1 AND NOT is_over FOR KEY SHARE";
const HOLD: &str = "SELECT epoch FROM nodes WHERE epoch = ANY($1) AND NOT is_over ORDER BY epoch FOR KEY SHARE";
const LIVING: &str = "SELECT epoch FROM nodes WHERE NOT is_over";

/// Refuses a call of an epoch that is over. Nobody ends it before this transaction is over.
pub(super) async fn require(unit: &Unit, epoch: Epoch) -> Result<(), Fault> {
    match unit.find(REQUIRE, &[&rows::epoch_number(epoch)]).await? {
        Some(_) => Ok(()),
        None => Err(Fault::Told(StoreError::Over)),
    }
}

/// Those of the epochs of these lease tokens that are not over. Nobody ends them before this transaction is over.
pub(super) async fn held(
    unit: &Unit,
    tokens: impl Iterator<Item = u64>,
) -> Result<BTreeSet<Epoch>, Fault> {
    let epochs: BTreeSet<i64> = tokens.filter_map(Epoch::of_token).map(rows::epoch_number).collect();
    if epochs.is_empty() {
        return Ok(BTreeSet::new());
    }
    let epochs: Vec<i64> = epochs.into_iter().collect();
    unit.query(HOLD, &[&epochs]).await?.iter().map(|row| rows::epoch(row, 0)).collect()
}

/// The epochs that are not over.
pub(super) async fn all(unit: &Unit) -> Result<BTreeSet<Epoch>, Fault> {
    unit.query(LIVING, &[]).await?.iter().map(|row| rows::epoch(row, 0)).collect()
}
