//! What came from carriers whose answers are not known to have reached them: it may come again.

use std::collections::HashMap;

use model::Timestamp;

use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::inbound::{Arrival, ArrivalId};
use ledger::handsets::arrivals::{comes_again, digest};

/// An answer that is noted meanwhile is waited for: what it is about is forgotten then.
const FIND: &str = "SELECT digest, at FROM inbound_arrivals WHERE digest = ANY($1) ORDER BY digest FOR UPDATE";
/// From this answer on, the carrier may be late again.
const SAVE: &str = "INSERT INTO inbound_arrivals (digest, at) SELECT * FROM unnest($1::bytea[], $2::bigint[]) \
    ON CONFLICT (digest) DO UPDATE SET at = excluded.at RETURNING digest, id";
const DELETE: &str = "DELETE FROM inbound_arrivals WHERE id = ANY($1)";

/// Notes arrivals as ones that are not answered. Says of each whether it is on record already. Their handsets are
/// locked.
pub(super) async fn note(unit: &Unit, arrivals: &[Arrival]) -> Result<Vec<(ArrivalId, bool)>, Fault> {
    let digests: Vec<[u8; 16]> = arrivals.iter().map(digest).collect();
    let mut known: HashMap<Vec<u8>, Timestamp> = HashMap::new();
    let wanted: Vec<&[u8]> = digests.iter().map(<[u8; 16]>::as_slice).collect();
    for row in unit.query(FIND, &[&wanted]).await? {
        known.insert(rows::get(&row, 0)?, rows::time(&row, 1)?);
    }
    let mut repeats = Vec::with_capacity(arrivals.len());
    for (arrival, digest) in arrivals.iter().zip(&digests) {
        let before = known.insert(digest.to_vec(), arrival.at);
        repeats.push(before.is_some_and(|before| comes_again(before, arrival.at)));
    }
    let mut last: Vec<(Vec<u8>, Timestamp)> = known.into_iter().collect();
    last.sort_unstable();
    let (last, at): (Vec<Vec<u8>>, Vec<i64>) = last.into_iter().map(|(digest, at)| (digest, at.as_millis())).unzip();
    let mut ids: HashMap<Vec<u8>, i64> = HashMap::new();
    for row in unit.query(SAVE, &[&last, &at]).await? {
        ids.insert(rows::get(&row, 0)?, rows::get(&row, 1)?);
    }
    let named = |(digest, is_repeat): (&[u8; 16], bool)| {
        let missing = || Fault::Broken("an arrival was not noted".to_owned());
        Ok((ids.get(digest.as_slice()).copied().map(ArrivalId).ok_or_else(missing)?, is_repeat))
    };
    digests.iter().zip(repeats).map(named).collect()
}

/// Forgets arrivals of which the carrier has the answer.
pub(super) async fn answered(unit: &Unit, arrivals: &[ArrivalId]) -> Result<(), Fault> {
    let ids: Vec<i64> = arrivals.iter().map(|arrival| arrival.0).collect();
    unit.execute(DELETE, &[&ids]).await.map(drop)
}
