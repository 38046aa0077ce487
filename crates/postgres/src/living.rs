//! Which epochs are not over.

use std::collections::BTreeSet;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use ledger::StoreError;
use ledger::contract::nodes::Epoch;

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
pub(super) async fn held(unit: &Unit, tokens: impl Iterator<Item = u64>) -> Result<BTreeSet<Epoch>, Fault> {
    among(unit, tokens.filter_map(Epoch::of_token)).await
}

/// Those of these epochs that are not over. Nobody ends them before this transaction is over.
pub(super) async fn among(unit: &Unit, epochs: impl Iterator<Item = Epoch>) -> Result<BTreeSet<Epoch>, Fault> {
    let epochs: BTreeSet<i64> = epochs.map(rows::epoch_number).collect();
    if epochs.is_empty() {
        return Ok(BTreeSet::new());
    }
    let epochs: Vec<i64> = epochs.into_iter().collect();
    unit.query(HOLD, &[&epochs]).await?.iter().map(|row| rows::epoch(row, 0)).collect()
}

/// Whose leases bind others. Epochs that join later do not matter: what is free now is leased by them under a lock.
pub(super) struct Owners {
    /// The last epoch that has begun. Those up to it that are not among the living are over for ever.
    pub(super) last: i64,
    /// The living ones.
    pub(super) living: Vec<i64>,
}

impl Owners {
    /// Whether a lease with this token keeps nobody from the message.
    pub(super) fn leave_free(&self, token: u64) -> bool {
        let epoch = Epoch::of_token(token).map_or(0, rows::epoch_number);
        epoch <= self.last && !self.living.contains(&epoch)
    }
}

/// Whose leases bind everybody but `node`.
pub(super) async fn owners(unit: &Unit, node: Option<Epoch>) -> Result<Owners, Fault> {
    let sql = "SELECT epoch, is_over FROM nodes ORDER BY epoch DESC";
    let mut owners = Owners { last: 0, living: Vec::new() };
    let own = node.map_or(0, rows::epoch_number);
    for row in unit.query(sql, &[]).await? {
        let epoch: i64 = rows::get(&row, 0)?;
        owners.last = owners.last.max(epoch);
        if !rows::get::<bool>(&row, 1)? && epoch != own {
            owners.living.push(epoch);
        }
    }
    Ok(owners)
}

/// The epochs that are not over.
pub(super) async fn all(unit: &Unit) -> Result<BTreeSet<Epoch>, Fault> {
    unit.query(LIVING, &[]).await?.iter().map(|row| rows::epoch(row, 0)).collect()
}
