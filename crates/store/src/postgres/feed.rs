//! The change feed: what is noted is written into the log before the commit, and given to the tails after it.

use super::core::Core;
use super::fault::Fault;
use super::unit::Unit;
use crate::contract::changes::Change;

/// Writes the noted changes that consumers want, and those that other nodes have to know.
pub(super) async fn write(_: &mut Unit) -> Result<(), Fault> {
    Ok(())
}

/// Gives the changes of a transaction that is committed to those who follow in this process.
pub(super) fn publish(core: &Core, changes: Vec<Change>) {
    core.tails.publish(changes);
}
