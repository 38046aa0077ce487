//! What other nodes do, as far as this one has to know it soon: a task looks four times a second.
//!
//! The news are what others changed of tenants. Each process tells its tails all news in the order of their numbers:
//! its own at once, and those of others with the next look. Own news have those of others before them that this process
//! had not told yet, so that of two changes of one account the later one is told last. What is told is known by its
//! number alone: own news whose commit was not answered are told as those of others are.
//!
//! The bell rings for logs of events that others added to.
//!
//! What else is to be followed, such as messages of other nodes that a call here waits for, is a further look in
//! [`look`].

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use model::Owner;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::core::Core;
use super::fault::Fault;
use super::followed::News;
use super::unit::Unit;
use super::{event_logs, news, rows};
use ledger::StoreError;

/// How often the task looks.
const EVERY: Duration = Duration::from_millis(250);

/// How long before its commit a transaction may have moved the end of a log: longer than any is let run.
const OVERLAP: Duration = Duration::from_secs(10);

/// How many news one look takes.
const AT_ONCE: i64 = 4_096;

/// How often old news are removed.
const REMOVAL: Duration = Duration::from_secs(60);

const LAST: &str = "SELECT last FROM news_log";
const NEWS: &str = "SELECT seq, position, at, account_id, test, facts FROM news WHERE seq > $1 ORDER BY seq LIMIT $2";
const MOVED: &str = "SELECT account_id, test, last FROM webhook_logs \
    WHERE moved > clock_timestamp() - make_interval(secs => $1)";
const REMOVE_OLD: &str = "DELETE FROM news WHERE seq = ANY(ARRAY(SELECT seq FROM news ORDER BY seq LIMIT 10000)) \
    AND made < clock_timestamp() - interval '10 minutes'";

/// Begins to follow the other nodes. What they commit from now on is told.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub(super) async fn begin(core: &Arc<Core>) -> Result<(), StoreError> {
    let begun = core.runtime.instant();
    core.followed.have_told(core.read((), |unit, ()| Box::pin(last(unit))).await?);
    let follower = Follower { core: Arc::downgrade(core), looked: begun, removed: begun, is_cut_off: false };
    core.runtime.spawn("follow the other nodes", Box::pin(follower.run(Arc::clone(&core.runtime))));
    Ok(())
}

/// Tells at once what the other nodes have committed so far.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub(super) async fn catch_up(core: &Arc<Core>) -> Result<(), StoreError> {
    look_and_tell(core, OVERLAP).await
}

/// Looks once, at logs whose ends have moved within so much time, and tells what was seen.
async fn look_and_tell(core: &Arc<Core>, moved_within: Duration) -> Result<(), StoreError> {
    let input = (core.followed.told(), moved_within.as_secs_f64());
    let seen = core.read(input, |unit, (from, secs)| Box::pin(look(unit, *from, *secs))).await?;
    let ends = seen.tell(core, input.0).await;
    event_logs::publish(core, ends);
    Ok(())
}

async fn last(unit: &Unit) -> Result<i64, Fault> {
    rows::get(&unit.one(LAST, &[]).await?, 0)
}

/// The task. It ends with the store.
struct Follower {
    core: Weak<Core>,
    /// When the last look began that succeeded.
    looked: Instant,
    /// When old news were removed last.
    removed: Instant,
    is_cut_off: bool,
}

impl Follower {
    async fn run(mut self, runtime: Arc<dyn runtime::Runtime>) {
        loop {
            runtime.sleep(EVERY).await;
            let Some(core) = self.core.upgrade().filter(|core| !core.is_closed()) else { return };
            match self.follow(&core).await {
                Ok(()) => self.is_cut_off = false,
                Err(error) if self.is_cut_off || core.is_closed() => {
                    tracing::debug!("Still nothing is heard of the other nodes: {error}");
                }
                Err(error) => {
                    self.is_cut_off = true;
                    tracing::warn!("Changes of other nodes are not seen until the database answers: {error}");
                }
            }
        }
    }

    async fn follow(&mut self, core: &Arc<Core>) -> Result<(), StoreError> {
        let began = core.runtime.instant();
        look_and_tell(core, began.duration_since(self.looked) + OVERLAP).await?;
        self.looked = began;
        if began.duration_since(self.removed) >= REMOVAL {
            core.write((), |unit, ()| Box::pin(async { unit.execute(REMOVE_OLD, &[]).await })).await?;
            self.removed = began;
        }
        Ok(())
    }
}

/// What a look saw.
struct Seen {
    /// The number of the last news.
    last: i64,
    news: Vec<News>,
    /// Whether there may be more of them.
    is_full: bool,
    ends: BTreeMap<Owner, u64>,
}

impl Seen {
    /// Tells the news that came after `from`. Returns the ends of logs.
    async fn tell(self, core: &Core, from: i64) -> BTreeMap<Owner, u64> {
        let _publishing = core.publishing.lock().await;
        if self.last < from {
            core.followed.begin_anew(&core.tails, self.last);
        }
        let end = match self.news.last() {
            Some(last) if self.is_full => last.seq,
            _ => self.last,
        };
        core.followed.tell(&core.tails, self.news, end);
        self.ends
    }
}

async fn look(unit: &Unit, from: i64, moved_within: f64) -> Result<Seen, Fault> {
    let (after, within): ([&(dyn ToSql + Sync); 2], [&(dyn ToSql + Sync); 1]) = ([&from, &AT_ONCE], [&moved_within]);
    let (last, news, moved) =
        tokio::try_join!(biased; last(unit), unit.query(NEWS, &after), unit.query(MOVED, &within))?;
    let news: Vec<News> = news.iter().map(news::read).collect::<Result<_, _>>()?;
    let is_full = news.len() as i64 == AT_ONCE;
    let end = |row: &Row| Ok((rows::owner(row, 0)?, rows::count(row, 2)?));
    let ends = moved.iter().map(end).collect::<Result<_, Fault>>()?;
    Ok(Seen { last, news, is_full, ends })
}
