//! What is remembered for a short while, by name, so that strangers cannot fill the memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Timestamp;
use model::limits::FixedWindow;

/// How many addresses are remembered for each entrance: some 4 MB. Past it all are forgotten. An attacker who has so
/// many addresses has no need of that.
pub const ADDRESSES_MAX: usize = 65_536;

/// What need not be kept for ever.
pub trait Fading {
    /// Whether it means nothing at `now`, so that it need not be kept.
    fn is_idle(&self, now: Timestamp) -> bool;
}

impl Fading for FixedWindow {
    fn is_idle(&self, now: Timestamp) -> bool {
        Self::is_idle(self, now)
    }
}

/// Things by name. Idle ones are dropped when the table has doubled since the last time, and all when it is full.
pub struct Table<K, V>(Mutex<Rows<K, V>>);

struct Rows<K, V> {
    things: HashMap<K, V>,
    sweep_at: usize,
    most: usize,
}

/// Below this size a table is not swept.
pub const SWEEP_FLOOR: usize = 1024;

impl<K: Hash + Eq, V: Fading + Default + Copy> Table<K, V> {
    /// An empty table of at most so many rows. One that is full forgets all of them.
    pub fn new(most: usize) -> Self {
        Self(Mutex::new(Rows { things: HashMap::new(), sweep_at: SWEEP_FLOOR, most }))
    }

    /// Uses the row of `key`, which is a new one where there is none.
    pub fn with<T>(&self, key: K, now: Timestamp, use_thing: impl FnOnce(&mut V) -> T) -> T {
        let mut rows = self.rows();
        if rows.things.len() >= rows.sweep_at {
            rows.things.retain(|_, thing| !thing.is_idle(now));
            if rows.things.len() >= rows.most {
                rows.things.clear();
            }
            rows.sweep_at = (rows.things.len() * 2).clamp(SWEEP_FLOOR, rows.most.max(SWEEP_FLOOR));
        }
        use_thing(rows.things.entry(key).or_default())
    }

    /// A copy of the row of `key`, or a new one.
    pub fn get(&self, key: &K) -> V {
        self.rows().things.get(key).copied().unwrap_or_default()
    }

    /// The number of rows.
    pub fn size(&self) -> usize {
        self.rows().things.len()
    }

    fn rows(&self) -> MutexGuard<'_, Rows<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
