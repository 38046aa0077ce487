//! The daily quota, counted in the admitting transaction.
//!
//! A count is a row that is locked from the counting until the commit, so that it is exact whatever is admitted at
//! other nodes. It is counted last, since groups of all nodes wait for each other from there on. Counts only grow: what
//! does not fit a count that is committed is refused without a lock, and before anything is written for it.

use std::collections::BTreeMap;

use model::Owner;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::admission::Quota;

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
}

/// How many are counted for each owner and day.
#[derive(Default)]
pub(super) struct Counts(BTreeMap<Name, u64>);

impl Counts {
    /// Whether the recipients of an admission fit.
    pub(super) fn fits(&self, need: &Need) -> bool {
        let used = self.0.get(&need.name()).copied().unwrap_or_default();
        used.checked_add(need.recipients).is_some_and(|after| after <= need.quota.limit)
    }

    /// Counts all recipients of an admission, or none where they do not all fit. Says whether they do.
    pub(super) fn take(&mut self, need: &Need) -> bool {
        let fits = self.fits(need);
        if fits {
            *self.0.entry(need.name()).or_default() += need.recipients;
        }
        fits
    }

    /// Puts newer counts in place of these.
    pub(super) fn update(&mut self, newer: Self) {
        self.0.extend(newer.0);
    }
}

/// The columns of rows' names.
struct Names {
    days: Vec<i64>,
    accounts: Vec<Uuid>,
    tests: Vec<bool>,
}

impl Names {
    fn of<T>(counts: &BTreeMap<Name, T>) -> Self {
        Self {
            days: counts.keys().map(|(day, ..)| *day).collect(),
            accounts: counts.keys().map(|(_, account, _)| *account).collect(),
            tests: counts.keys().map(|(.., test)| *test).collect(),
        }
    }
}

const LOOK: &str = "SELECT q.day, q.account_id, q.test, q.used FROM quota q \
    JOIN unnest($1::bigint[], $2::uuid[], $3::boolean[]) AS n(day, account_id, test) \
    ON q.day = n.day AND q.account_id = n.account_id AND q.test = n.test";

/// What is committed of the counts that these admissions need.
pub(super) async fn look(unit: &Unit, needs: &[Need]) -> Result<Counts, Fault> {
    let names: BTreeMap<Name, ()> = needs.iter().map(|need| (need.name(), ())).collect();
    let Names { days, accounts, tests } = Names::of(&names);
    let mut counts = Counts::default();
    for row in unit.query(LOOK, &[&days, &accounts, &tests]).await? {
        let name = (rows::get(&row, 0)?, rows::get(&row, 1)?, rows::get(&row, 2)?);
        counts.0.insert(name, rows::count(&row, 3)?);
    }
    Ok(counts)
}

const ADD: &str = "INSERT INTO quota AS q (day, account_id, test, used) \
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::boolean[], $4::bigint[]) \
    ON CONFLICT (day, account_id, test) DO UPDATE SET used = q.used + excluded.used \
    RETURNING day, account_id, test, used";

/// Counts recipients, in the order of the admissions: all of an admission, or none where they do not all fit its quota.
/// Says of each whether they do, and how many are counted now.
pub(super) async fn take(unit: &Unit, needs: &[Need]) -> Result<(Vec<bool>, Counts), Fault> {
    // In the order of their names, as every transaction locks them.
    let mut sums: BTreeMap<Name, u64> = BTreeMap::new();
    for need in needs.iter().filter(|need| need.recipients > 0) {
        let sum = sums.entry(need.name()).or_default();
        *sum = sum.saturating_add(need.recipients);
    }
    if sums.is_empty() {
        return Ok((vec![true; needs.len()], Counts::default()));
    }
    let Names { days, accounts, tests } = Names::of(&sums);
    let added: Vec<i64> = sums.values().map(|sum| sum.cast_signed()).collect();
    let mut counts = Counts::default();
    let mut added_up = BTreeMap::new();
    for row in unit.query(ADD, &[&days, &accounts, &tests, &added]).await? {
        let name = (rows::get(&row, 0)?, rows::get(&row, 1)?, rows::get(&row, 2)?);
        let after: u64 = rows::count(&row, 3)?;
        let sum = sums.get(&name).copied().unwrap_or_default();
        counts.0.insert(name, after - sum);
        added_up.insert(name, after);
    }
    let fits = needs.iter().map(|need| need.recipients == 0 || counts.take(need)).collect();
    let wrong = counts.0.iter().filter(|(name, used)| added_up.get(name) != Some(used));
    correct(unit, &wrong.map(|(name, used)| (*name, *used)).collect()).await?;
    Ok((fits, counts))
}

const CORRECT: &str = "UPDATE quota q SET used = n.used \
    FROM unnest($1::bigint[], $2::uuid[], $3::boolean[], $4::bigint[]) AS n(day, account_id, test, used) \
    WHERE q.day = n.day AND q.account_id = n.account_id AND q.test = n.test";

/// Takes back what did not fit.
async fn correct(unit: &Unit, counts: &BTreeMap<Name, u64>) -> Result<(), Fault> {
    if counts.is_empty() {
        return Ok(());
    }
    let Names { days, accounts, tests } = Names::of(counts);
    let used: Vec<i64> = counts.values().map(|used| used.cast_signed()).collect();
    unit.execute(CORRECT, &[&days, &accounts, &tests, &used]).await.map(drop)
}
