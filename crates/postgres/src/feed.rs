//! The change feed: what is noted is written into the log before the commit, and given to the tails after it.
//!
//! The log of changes has what a consumer wants; the news have what every node has to know ([`follow`]). Both are
//! numbered under a lock that is held until the commit, so that the order of their numbers is that of commits.

use uuid::Uuid;

use super::change_rows::WRITER;
use super::core::Core;
use super::fault::Fault;
use super::unit::Unit;
use super::{followed, news, rows};
use ledger::contract::changes::{Change, Kinds, Position};
use ledger::facts;

/// What of a transaction is told in this process once it is committed.
#[derive(Default)]
pub(super) struct Told {
    changes: Vec<Change>,
    news: Option<OwnNews>,
}

/// The news that a transaction wrote.
struct OwnNews {
    /// Those of others that this process has not told yet, and that were committed before.
    before: Vec<followed::News>,
    /// The number of the first, and of the last.
    first: i64,
    last: i64,
}

impl Told {
    /// Whether nothing is to be told.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.news.is_none()
    }
}

const NUMBER_NEWS: &str = "UPDATE news_log SET last = last + $1 RETURNING last";
const NUMBER: &str = "UPDATE change_log SET last = last + $1 RETURNING last";
const INSERT_NEWS: &str = "INSERT INTO news (seq, position, at, account_id, test, facts) SELECT * FROM \
    unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::boolean[], $6::bytea[])";
const INSERT: &str = "INSERT INTO changes (seq, kind, at, account_id, test, facts) SELECT * FROM \
    unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::uuid[], $5::boolean[], $6::bytea[])";

/// Writes the noted changes that consumers want, and those that other nodes have to know. Returns what is told after
/// the commit.
pub(super) async fn write(unit: &mut Unit, wanted: Kinds) -> Result<Told, Fault> {
    let mut changes = std::mem::take(&mut unit.noted);
    let news: Vec<usize> = places(&changes, Kinds::TENANTS);
    let logged: Vec<usize> = places(&changes, wanted);
    let ends = (number(unit, NUMBER_NEWS, &news).await?, number(unit, NUMBER, &logged).await?);
    if let Some(numbers) = &ends.1 {
        for (place, seq) in logged.iter().zip(numbers) {
            changes[*place].position = Some(Position { writer: WRITER, seq: seq.cast_unsigned() });
        }
        let written = Columns::of(&changes, &logged);
        let kinds: Vec<i16> = logged.iter().map(|at| i16::from(changes[*at].resource.kind().number())).collect();
        let Columns { at, accounts, tests, facts, .. } = &written;
        unit.execute(INSERT, &[numbers, &kinds, at, accounts, tests, facts]).await?;
    }
    let mut told = Told::default();
    if let Some(numbers) = ends.0 {
        let Columns { positions, at, accounts, tests, facts } = &Columns::of(&changes, &news);
        unit.execute(INSERT_NEWS, &[&numbers, positions, at, accounts, tests, facts]).await?;
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        told.news = Some(OwnNews { before: news::before(unit, first).await?, first, last });
    }
    let tails = &unit.core.tails;
    changes.retain(|change| tails.want(change.resource.kind()));
    Ok(Told { changes, ..told })
}

/// Which of these changes are of some of the kinds.
fn places(changes: &[Change], kinds: Kinds) -> Vec<usize> {
    let is_one = |place: &usize| kinds.has(changes[*place].resource.kind());
    (0..changes.len()).filter(is_one).collect()
}

/// Gives each of these changes a number. Nobody else is given one before this transaction is over.
async fn number(unit: &Unit, sql: &str, changes: &[usize]) -> Result<Option<Vec<i64>>, Fault> {
    if changes.is_empty() {
        return Ok(None);
    }
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let last: i64 = rows::get(&unit.one(sql, &[&count]).await?, 0)?;
    Ok(Some((last - count + 1..=last).collect()))
}

/// The columns that both tables have.
struct Columns {
    positions: Vec<Option<i64>>,
    at: Vec<i64>,
    accounts: Vec<Option<Uuid>>,
    tests: Vec<Option<bool>>,
    facts: Vec<Vec<u8>>,
}

impl Columns {
    fn of(changes: &[Change], places: &[usize]) -> Self {
        let changes = || places.iter().map(|place| &changes[*place]);
        let facts = |change: &Change| {
            let mut octets = Vec::new();
            facts::encode(&change.resource, &mut octets);
            octets
        };
        let owners = || changes().map(|change| change.owner);
        Self {
            positions: changes().map(|change| change.position.map(|position| position.seq.cast_signed())).collect(),
            at: changes().map(|change| change.at.as_millis()).collect(),
            accounts: owners().map(|owner| owner.map(|owner| rows::id(owner.account.to_bytes()))).collect(),
            tests: owners().map(|owner| owner.map(|owner| rows::is_test(owner.mode))).collect(),
            facts: changes().map(facts).collect(),
        }
    }
}

/// Gives the changes of a transaction that is committed to those who follow in this process. Whoever calls this has
/// held [`Core::publishing`] since before the commit.
pub(super) fn publish(core: &Core, told: Told) {
    if let Some(OwnNews { before, first, last }) = told.news {
        core.followed.tell(&core.tails, before, first - 1);
        core.followed.have_told(last);
    }
    core.tails.publish(told.changes);
}
