//! How far the walks of this process through old things have come.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use ledger::contract::retention::Walk;
use ledger::walks::Place;

/// Where the walks of this process stand that the store keeps no mark of.
#[derive(Default)]
pub(super) struct Walking(pub(super) Mutex<Places>);

#[derive(Default)]
pub(super) struct Places {
    pub(super) of: BTreeMap<Walk, Place>,
    /// Until when no whole week is to be removed: others need the tables.
    pub(super) no_week_until: Option<Instant>,
}
