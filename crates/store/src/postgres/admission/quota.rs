//! The daily quota, counted in the admitting transaction.
//!
//! A count is a row that the transaction has locked from the look at it until its end, so that it is exact whatever is
//! admitted at other nodes. Rows are locked in the order of their names, counted in memory, and written once.

use std::collections::BTreeMap;

use model::Owner;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use crate::contract::admission::Quota;

/// A row: the day, and the owner.
type Name = (i64, Uuid, bool);

/// What an admission needs.
#[derive(Clone, Copy)]
pub(super) struct Need {
    pub(super) owner: Owner,
    pub(super) quota: Quota,
    pub(super) recipients: u64,
}

impl Need {
    fn name(&self) -> Name {
        (self.quota.day.0, rows::id(self.owner.account.to_bytes()), rows::is_test(self.owner.mode))
    }

    /// Whether it fits a day on which so many are counted.
    fn fits(&self, used: u64) -> bool {
        used.checked_add(self.recipients).is_some_and(|used| used <= self.quota.limit)
    }
}

/// A row as it is counted.
struct Count {
    used: u64,
    has_changed: bool,
}

/// Counts recipients, in the order of the admissions: all of an admission, or none where they do not all fit its quota.
/// Says of each whether they do.
pub(super) async fn take(unit: &Unit, needs: &[Need]) -> Result<Vec<bool>, Fault> {
    // What fits no empty day needs no row.
    let names = needs.iter().filter(|need| need.recipients > 0 && need.fits(0)).map(Need::name);
    let mut counts = lock(unit, names).await?;
    let take = |need: &Need| {
        let Some(count) = counts.get_mut(&need.name()) else { return need.fits(0) };
        let fits = need.fits(count.used);
        if fits && need.recipients > 0 {
            *count = Count { used: count.used + need.recipients, has_changed: true };
        }
        fits
    };
    let taken = needs.iter().map(take).collect();
    write(unit, &counts).await?;
    Ok(taken)
}

const LOCK: &str = "SELECT q.day, q.account_id, q.test, q.used FROM quota q \
    JOIN unnest($1::bigint[], $2::uuid[], $3::boolean[]) AS n(day, account_id, test) \
    ON q.day = n.day AND q.account_id = n.account_id AND q.test = n.test \
    ORDER BY q.day, q.account_id, q.test FOR UPDATE OF q";

const BEGIN: &str = "INSERT INTO quota (day, account_id, test, used) \
    SELECT *, 0 FROM unnest($1::bigint[], $2::uuid[], $3::boolean[]) ON CONFLICT (day, account_id, test) DO NOTHING";

/// Locks these rows, which are made where they are missing.
async fn lock(unit: &Unit, names: impl Iterator<Item = Name>) -> Result<BTreeMap<Name, Count>, Fault> {
    let mut counts: BTreeMap<Name, Count> = names.map(|name| (name, Count { used: 0, has_changed: false })).collect();
    if counts.is_empty() {
        return Ok(counts);
    }
    let days: Vec<i64> = counts.keys().map(|(day, ..)| *day).collect();
    let accounts: Vec<Uuid> = counts.keys().map(|(_, account, _)| *account).collect();
    let tests: Vec<bool> = counts.keys().map(|(.., test)| *test).collect();
    let mut found = unit.query(LOCK, &[&days, &accounts, &tests]).await?;
    if found.len() < counts.len() {
        unit.execute(BEGIN, &[&days, &accounts, &tests]).await?;
        found = unit.query(LOCK, &[&days, &accounts, &tests]).await?;
    }
    for row in &found {
        let name = (rows::get(row, 0)?, rows::get(row, 1)?, rows::get(row, 2)?);
        counts.insert(name, Count { used: rows::count(row, 3)?, has_changed: false });
    }
    Ok(counts)
}

const WRITE: &str = "UPDATE quota q SET used = n.used \
    FROM unnest($1::bigint[], $2::uuid[], $3::boolean[], $4::bigint[]) AS n(day, account_id, test, used) \
    WHERE q.day = n.day AND q.account_id = n.account_id AND q.test = n.test";

async fn write(unit: &Unit, counts: &BTreeMap<Name, Count>) -> Result<(), Fault> {
    let changed = || counts.iter().filter(|(_, count)| count.has_changed);
    let days: Vec<i64> = changed().map(|((day, ..), _)| *day).collect();
    if days.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Uuid> = changed().map(|((_, account, _), _)| *account).collect();
    let tests: Vec<bool> = changed().map(|((.., test), _)| *test).collect();
    let used: Vec<i64> = changed().map(|(_, count)| count.used.cast_signed()).collect();
    unit.execute(WRITE, &[&days, &accounts, &tests, &used]).await.map(drop)
}
