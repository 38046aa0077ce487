//! Handsets: what they send and which opt-outs they have is changed by one transaction at a time.
//!
//! Parts of one message come over several nodes at once, and so does the same message twice. Whoever decides by what is
//! on record of a handset, and changes it, has the handset's row locked, and reads in later statements.

use std::collections::BTreeSet;

use model::Msisdn;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;

/// A condition that is never met: the row that is there is locked, and no other one is written.
const LOCK: &str = "INSERT INTO handsets (number) SELECT * FROM unnest($1::text[]) \
    ON CONFLICT (number) DO UPDATE SET number = excluded.number WHERE false";

/// Locks handsets, named by their addresses as texts, in one order.
pub(super) async fn lock(unit: &Unit, handsets: impl IntoIterator<Item = String>) -> Result<(), Fault> {
    let handsets: BTreeSet<String> = handsets.into_iter().map(|handset| rows::kept(&handset).into_owned()).collect();
    if handsets.is_empty() {
        return Ok(());
    }
    let handsets: Vec<String> = handsets.into_iter().collect();
    unit.execute(LOCK, &[&handsets]).await.map(drop)
}

/// Locks handsets by their numbers.
pub(super) async fn lock_numbers(unit: &Unit, numbers: &[Msisdn]) -> Result<(), Fault> {
    lock(unit, numbers.iter().map(ToString::to_string)).await
}
