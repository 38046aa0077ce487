//! What this process has last heard of each window, so that a counter that knows less can be told.

use std::time::Duration;

use model::Timestamp;
use model::limits::{Standing, WINDOW};

use crate::valkey::Count;
use ledger::contract::windows::Window;
use ledger::fading::{ADDRESSES_MAX, Fading, Table};

/// Counts that are further apart are of two windows.
const APART: Duration = Duration::from_secs(WINDOW.as_secs() / 2);

/// Counts of windows.
pub(super) struct Seen(Table<Window, Last>);

/// What was heard last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) count: Count,
    /// Whether the database has said so, or has been told.
    pub(super) is_in_database: bool,
}

impl Fading for Last {
    fn is_idle(&self, now: Timestamp) -> bool {
        self.count.ends_at <= now
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self(Table::new(2 * ADDRESSES_MAX))
    }
}

impl Seen {
    /// What is known of a window.
    pub(super) fn last(&self, window: &Window) -> Last {
        self.0.get(window)
    }

    /// Notes an answer. Of answers about the same window, which may come in any order, the highest counts.
    pub(super) fn note(&self, window: Window, now: Timestamp, heard: Last) {
        self.0.with(window, now, |last| *last = last.after(heard));
    }
}

impl Last {
    fn after(self, heard: Self) -> Self {
        let (old, new) = (self.count, heard.count);
        let is_same = old.ends_at < new.ends_at + APART && new.ends_at < old.ends_at + APART;
        if !is_same {
            return heard;
        }
        let count = Count { used: old.used.max(new.used), ends_at: old.ends_at.min(new.ends_at) };
        Self { count, is_in_database: heard.is_in_database }
    }

    /// Corrects what somebody says who knows less of the same window.
    pub(super) fn correct(&self, said: Standing, now: Timestamp) -> Standing {
        let remaining = said.limit.saturating_sub(self.count.used);
        let holds = now < self.count.ends_at && self.count.ends_at < said.resets_at + APART;
        if holds && remaining < said.remaining {
            Standing { remaining, resets_at: said.resets_at.min(self.count.ends_at), ..said }
        } else {
            said
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(used: u32, ends_secs: i64) -> Last {
        Last { count: Count { used, ends_at: Timestamp::from_millis(ends_secs * 1_000) }, is_in_database: false }
    }

    #[test]
    fn the_highest_count_of_a_window_counts_and_another_window_begins_anew() {
        for (old, new, expected) in [
            (last(0, 0), last(1, 1_060), last(1, 1_060)),
            (last(5, 1_060), last(4, 1_060), last(5, 1_060)),
            (last(5, 1_060), last(6, 1_059), last(6, 1_059)),
            (last(5, 1_060), last(1, 1_120), last(1, 1_120)),
            // A clock that was set back.
            (last(5, 9_060), last(1, 1_060), last(1, 1_060)),
        ] {
            assert_eq!(old.after(new), expected, "{old:?} and then {new:?}");
        }
    }

    #[test]
    fn who_knows_less_is_corrected() {
        let at = |secs: i64| Timestamp::from_millis(secs * 1_000);
        let said = Standing { limit: 10, remaining: 10, resets_at: at(1_090) };
        let corrected = Standing { limit: 10, remaining: 4, resets_at: at(1_060) };
        assert_eq!(last(6, 1_060).correct(said, at(1_030)), corrected);
        assert_eq!(last(6, 1_060).correct(said, at(1_060)), said, "that window is over");
        let knows_more = Standing { remaining: 3, ..said };
        assert_eq!(last(6, 1_060).correct(knows_more, at(1_030)), knows_more);
    }
}
