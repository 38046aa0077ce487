//! The counting, as [`model::limits::FixedWindow`] counts: in the statement that has the row locked.

use std::collections::{BTreeMap, VecDeque};

use model::Timestamp;
use model::limits::{READINGS_APART, RequestKind, Standing, WINDOW};
use tokio_postgres::Row;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use crate::valkey::Count;
use ledger::contract::windows::{Entrance, Taken, Window};

/// How many windows that are over are removed at a time.
const SWEPT_MAX: i64 = 5_000;

/// A request that is to be counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Take {
    pub(super) window: Window,
    pub(super) limit: u32,
    /// The present moment; `None` for that of the database's clock.
    pub(super) now: Option<Timestamp>,
    /// How many are known to have passed, where the row may not say so.
    pub(super) known: Count,
}

impl Take {
    /// What its row is called.
    pub(super) fn name(&self) -> String {
        match self.window {
            Window::Requests(owner, kind) => {
                let kind = match kind {
                    RequestKind::Message => "message",
                    RequestKind::Broadcast => "broadcast",
                    RequestKind::Read => "read",
                };
                format!("{} {} {kind}", owner.account, owner.mode.as_str())
            }
            Window::FailedAuth(Entrance::Public, address) => format!("public {address}"),
            Window::FailedAuth(Entrance::Admin, address) => format!("admin {address}"),
        }
    }
}

/// A reading of the clock: the caller's, or the database's.
macro_rules! now {
    ($callers:literal) => {
        concat!("coalesce(", $callers, ", (extract(epoch FROM clock_timestamp()) * 1000)::bigint)")
    };
}

/// A row has what was asked last, because that is all that the counting of a row that is there already sees: of `asked`
/// requests, `passed` passed under the limit `most`, when `known` had passed elsewhere in a window that was to end
/// `sooner` than one that begins now. A window in which nothing is counted has not begun. `$5` is how long a window
/// lasts, and `$6` how far readings of the clock may be apart.
const TAKE: &str = concat!(
    "INSERT INTO windows AS w (name, ends_at, used, asked, most, passed, known, sooner) \
     SELECT name, at + $5 - sooner, known + greatest(0, least(asked, most - known)), asked, most, \
            greatest(0, least(asked, most - known)), known, sooner \
     FROM (SELECT name, asked, most, at, CASE WHEN holds THEN known ELSE 0 END AS known, \
                  CASE WHEN holds THEN greatest(0, at + $5 - until) ELSE 0 END AS sooner \
           FROM (SELECT *, known > 0 AND at < until AND until <= at + $5 + $6 AS holds \
                 FROM (SELECT name, asked, most, known, until, ",
    now!("now"),
    " AS at FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $7::bigint[], $8::bigint[]) \
                  AS n(name, asked, most, now, known, until)) AS a) AS b) AS c \
     ON CONFLICT (name) DO UPDATE SET (ends_at, used, asked, most, passed, known, sooner) = ( \
     SELECT CASE WHEN before = 0 AND excluded.known = 0 THEN fresh WHEN before = 0 THEN excluded.ends_at \
                 WHEN excluded.known > before THEN least(w.ends_at, excluded.ends_at) \
                 WHEN fit = 0 THEN w.ends_at ELSE least(w.ends_at, fresh) END, \
            greatest(before, excluded.known) + fit, excluded.asked, excluded.most, fit, \
            excluded.known, excluded.sooner \
     FROM (SELECT fresh, before, \
                  greatest(0, least(excluded.asked, excluded.most - greatest(before, excluded.known))) AS fit \
           FROM (SELECT fresh, CASE WHEN w.ends_at <= fresh + $6 AND fresh < w.ends_at + $5 \
                                    THEN w.used ELSE 0 END AS before \
                 FROM (SELECT excluded.ends_at + excluded.sooner AS fresh) AS n) AS b) AS f) \
     RETURNING name, used, passed, ends_at"
);

/// Counts requests as they come, those of a window under the same limit together.
pub(super) async fn take_all(unit: &Unit, takes: &[Take]) -> Result<Vec<Taken>, Fault> {
    let mut waiting: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (at, take) in takes.iter().enumerate() {
        waiting.entry(take.name()).or_default().push_back(at);
    }
    let mut taken: Vec<Option<Taken>> = vec![None; takes.len()];
    while !waiting.is_empty() {
        // By name, as every transaction locks them.
        let runs: BTreeMap<&String, Vec<usize>> =
            waiting.iter_mut().map(|(name, places)| (name, next_run(takes, places))).collect();
        for row in take_runs(unit, takes, &runs).await? {
            let name: String = rows::get(&row, 0)?;
            tell(&row, takes, runs.get(&name).map_or(&[], Vec::as_slice), &mut taken)?;
        }
        waiting.retain(|_, places| !places.is_empty());
    }
    taken.into_iter().map(|taken| taken.ok_or_else(|| Fault::Broken("a window without a row".to_owned()))).collect()
}

/// The places of the next requests that can be counted together.
fn next_run(takes: &[Take], places: &mut VecDeque<usize>) -> Vec<usize> {
    let like = |place: usize| (takes[place].limit, takes[place].now);
    let first = places.front().map(|place| like(*place));
    let length = places.iter().take_while(|place| Some(like(**place)) == first).count();
    places.drain(..length).collect()
}

async fn take_runs(unit: &Unit, takes: &[Take], runs: &BTreeMap<&String, Vec<usize>>) -> Result<Vec<Row>, Fault> {
    let first = |run: &Vec<usize>| run.first().map(|place| takes[*place]);
    let names: Vec<&String> = runs.keys().copied().collect();
    let asked: Vec<i64> = runs.values().map(|run| run.len().cast_signed() as i64).collect();
    let most: Vec<i64> = runs.values().filter_map(first).map(|take| i64::from(take.limit)).collect();
    let now: Vec<Option<i64>> = runs.values().filter_map(first).map(|take| rows::millis(take.now)).collect();
    let known: Vec<Count> = runs.values().map(|run| most_known(takes, run)).collect();
    let until: Vec<Option<i64>> = known.iter().map(|count| rows::millis(Some(count.ends_at))).collect();
    let known: Vec<i64> = known.iter().map(|count| i64::from(count.used)).collect();
    let (window, apart) = (millis(WINDOW), millis(READINGS_APART));
    unit.query(TAKE, &[&names, &asked, &most, &now, &window, &apart, &known, &until]).await
}

/// The most that is known of the newest window that these requests know of.
fn most_known(takes: &[Take], run: &[usize]) -> Count {
    let known = run.iter().map(|place| takes[*place].known);
    known.max_by_key(|count| (count.ends_at, count.used)).unwrap_or_default()
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Says of each request of a run whether it passed: the first ones did.
fn tell(row: &Row, takes: &[Take], run: &[usize], taken: &mut [Option<Taken>]) -> Result<(), Fault> {
    let (used, passed): (u32, u32) = (rows::count(row, 1)?, rows::count(row, 2)?);
    let ends_at = rows::time(row, 3)?;
    for (place, number) in run.iter().zip(1..) {
        let Take { limit, now, .. } = takes[*place];
        let used_then = if number <= passed { used - passed + number } else { used };
        let resets_at = now.map_or(ends_at, |now| ends_at.min(now + WINDOW));
        let standing = Standing { limit, remaining: limit.saturating_sub(used_then), resets_at };
        taken[*place] = Some(if number <= passed { Taken::Passed(standing) } else { Taken::Full(standing) });
    }
    Ok(())
}

const LOOK: &str = concat!(
    "SELECT n.now, w.used, w.ends_at FROM (SELECT ",
    now!("$2::bigint"),
    " AS now) AS n LEFT JOIN windows w \
     ON w.name = $1 AND w.used > 0 AND w.ends_at <= n.now + $3::bigint + $4::bigint AND n.now < w.ends_at"
);

/// How a window stands.
pub(super) async fn standing(unit: &Unit, look: Take) -> Result<Standing, Fault> {
    let values: super::super::unit::Values<'_> =
        &[&look.name(), &rows::millis(look.now), &millis(WINDOW), &millis(READINGS_APART)];
    let row = unit.one(LOOK, values).await?;
    let (limit, fresh) = (look.limit, rows::time(&row, 0)? + WINDOW);
    Ok(match rows::time_if_any(&row, 2)? {
        Some(ends_at) => {
            let used: u32 = rows::count(&row, 1)?;
            Standing { limit, remaining: limit.saturating_sub(used), resets_at: ends_at.min(fresh) }
        }
        None => Standing { limit, remaining: limit, resets_at: fresh },
    })
}

const REMOVE: &str = concat!(
    "DELETE FROM windows WHERE name = ANY(ARRAY(SELECT name FROM windows WHERE ends_at <= (SELECT ",
    now!("$1::bigint"),
    ") ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED))"
);

/// Removes windows that are over, as many as are worth the wait.
pub(super) async fn remove_over(unit: &Unit, now: Option<Timestamp>) -> Result<(), Fault> {
    unit.execute(REMOVE, &[&rows::millis(now), &SWEPT_MAX]).await.map(drop)
}
