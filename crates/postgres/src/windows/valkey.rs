//! Counting in Valkey, and in the database while Valkey does not answer.
//!
//! Each counter is exact. Two counters cannot be changed at once, so what passes from one to the other decides what a
//! change costs. A take that wrote both would be as slow as the slower and would fail with either, and so a take writes
//! one, and whoever asks tells the counter what was last heard of the window, wherever that was ([`Seen`]). A counter
//! that knows less goes on from there: the database when Valkey fails, Valkey when it is back, and a Valkey that has
//! lost its data. So:
//!
//! - With one node, nothing passes twice at a change but what was under way at that moment.
//! - With several nodes, what has passed at others since a node last heard of the window may pass once more as well:
//!   within a window at most the limit again, and only in windows during which there was a change. The next window is
//!   exact.
//! - While some nodes reach Valkey and others do not, both counters count. Each is exact, so that at most twice the
//!   limit passes in a window.
//! - A take that Valkey counts after nobody waited for it any more is counted in the database as well, and a window can
//!   be full a few requests early. Nothing passes more often because of it.

use std::sync::Arc;

use model::Timestamp;
use model::limits::Standing;

use super::counting::Take;
use super::seen::{Last, Seen};
use crate::valkey::{Ask, Count, Valkey};
use ledger::StoreError;
use ledger::contract::windows::Taken;

/// Valkey, and what was heard of windows.
pub(crate) struct Fast {
    pub(crate) valkey: Arc<Valkey>,
    seen: Seen,
}

impl Fast {
    pub(crate) fn of(valkey: Valkey) -> Self {
        Self { valkey: Arc::new(valkey), seen: Seen::default() }
    }

    /// Counts a request: in Valkey, or else by `slowly`. `now` is the caller's present.
    pub(super) async fn take<F: Future<Output = Result<Taken, StoreError>>>(
        &self,
        take: Take,
        now: Timestamp,
        slowly: impl FnOnce(Take) -> F,
    ) -> Result<Taken, StoreError> {
        let last = self.seen.last(&take.window);
        let (taken, is_in_database) = match self.valkey.count(&ask(&take, last, true)).await {
            Some(counted) => {
                let standing = standing(take.limit, counted.count);
                (if counted.passed { Taken::Passed(standing) } else { Taken::Full(standing) }, false)
            }
            None => {
                // Others may have heard of it meanwhile.
                let last = self.seen.last(&take.window);
                let known = if last.is_in_database { Count::default() } else { last.count };
                (slowly(Take { known, ..take }).await?, true)
            }
        };
        self.seen.note(take.window, now, Last { count: count(&taken), is_in_database });
        Ok(taken)
    }

    /// How a window stands, as Valkey says, or else `slowly`.
    pub(super) async fn standing<F: Future<Output = Result<Standing, StoreError>>>(
        &self,
        look: Take,
        now: Timestamp,
        slowly: impl FnOnce(Take) -> F,
    ) -> Result<Standing, StoreError> {
        let last = self.seen.last(&look.window);
        match self.valkey.count(&ask(&look, last, false)).await {
            Some(counted) => Ok(standing(look.limit, counted.count)),
            None => Ok(last.correct(slowly(look).await?, now)),
        }
    }
}

fn ask(take: &Take, last: Last, is_take: bool) -> Ask {
    Ask { name: take.name(), limit: take.limit, now: take.now, known: last.count, is_take }
}

fn standing(limit: u32, count: Count) -> Standing {
    Standing { limit, remaining: limit.saturating_sub(count.used), resets_at: count.ends_at }
}

/// How many have passed at least: under a limit that was lowered there may be more.
fn count(taken: &Taken) -> Count {
    let (Taken::Passed(standing) | Taken::Full(standing)) = taken;
    Count { used: standing.limit - standing.remaining.min(standing.limit), ends_at: standing.resets_at }
}
