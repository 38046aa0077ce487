//! The keys of requests: what is on record under them, and which requests under way hold them.
//!
//! A request that is admitted claims its key before anything else is written: it inserts the record. Of two that do so
//! at once, at two nodes, the second waits at the unique key for the transaction of the first, and looks again. Rows
//! are claimed in the order of their keys, so that groups wait for each other and never in a circle.

use std::collections::BTreeSet;

use model::Owner;
use model::idempotency::AnswerForm;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::admission::IdempotencyClaim;
use ledger::contract::nodes::Epoch;
use ledger::contract::requests::RequestKey;

/// What tells a key from others, in the order in which keys are claimed.
pub(super) type Name<'a> = (Uuid, bool, &'static str, &'a str);

/// The name of a request's key.
pub(super) fn name_of(owner: Owner, claim: &IdempotencyClaim) -> Name<'_> {
    (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode), claim.endpoint.as_str(), claim.key.as_str())
}

/// The name of a key.
pub(crate) fn name_of_key(key: &RequestKey) -> Name<'_> {
    let RequestKey { owner, endpoint, key } = key;
    (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode), endpoint.as_str(), key.as_str())
}

/// A request with a key that is about to be admitted.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) name: Name<'a>,
    pub(super) claim: &'a IdempotencyClaim,
    pub(super) node: Epoch,
    /// What it would make.
    pub(super) made: Uuid,
    pub(super) created_at: i64,
}

/// What stands under a key.
pub(super) struct Seen {
    pub(super) record: Option<Record>,
    /// Whether a request holds it.
    pub(super) is_held: bool,
    /// Whether the answer to the request on record is awaited.
    pub(super) is_awaited: bool,
}

/// What is on record under a key.
pub(super) struct Record {
    /// Whether it is of the same request.
    pub(super) is_same: bool,
    /// Whether it is young enough to count.
    pub(super) counts: bool,
    /// What its request made.
    pub(super) made: Uuid,
    pub(super) answer: Option<String>,
    pub(super) form: AnswerForm,
}

/// The columns that name keys.
struct Names<'a> {
    accounts: Vec<Uuid>,
    tests: Vec<bool>,
    endpoints: Vec<&'static str>,
    keys: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(names: impl Iterator<Item = Name<'a>>) -> Self {
        let mut columns = Self { accounts: Vec::new(), tests: Vec::new(), endpoints: Vec::new(), keys: Vec::new() };
        for (account, test, endpoint, key) in names {
            columns.accounts.push(account);
            columns.tests.push(test);
            columns.endpoints.push(endpoint);
            columns.keys.push(key);
        }
        columns
    }

    /// These columns as parameters, and more after them.
    fn and<'v>(&'v self, more: &[&'v (dyn ToSql + Sync)]) -> Vec<&'v (dyn ToSql + Sync)> {
        let names: [&(dyn ToSql + Sync); 4] = [&self.accounts, &self.tests, &self.endpoints, &self.keys];
        names.into_iter().chain(more.iter().copied()).collect()
    }
}

const LOOK: &str = "SELECT i.fingerprint, i.created_at, i.message_id, i.answer, i.form, h.epoch IS NOT NULL, \
    h.made IS NOT NULL FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[]) \
    WITH ORDINALITY AS n(account_id, test, endpoint, key, place) \
    LEFT JOIN idempotency i ON i.account_id = n.account_id AND i.test = n.test AND i.endpoint = n.endpoint \
    AND i.key = n.key \
    LEFT JOIN held_keys h ON h.account_id = n.account_id AND h.test = n.test AND h.endpoint = n.endpoint \
    AND h.key = n.key ORDER BY n.place";

/// What stands under the keys of these requests, all as of one moment, in their order.
pub(super) async fn look(unit: &Unit, requests: &[(Owner, &IdempotencyClaim)]) -> Result<Vec<Seen>, Fault> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let names = Names::of(requests.iter().map(|(owner, claim)| name_of(*owner, claim)));
    let found = unit.query(LOOK, &names.and(&[])).await?;
    found.iter().zip(requests).map(|(row, (_, claim))| seen(row, claim)).collect()
}

fn seen(row: &Row, claim: &IdempotencyClaim) -> Result<Seen, Fault> {
    let record = match rows::get::<Option<&[u8]>>(row, 0)? {
        None => None,
        Some(fingerprint) => Some(Record {
            is_same: fingerprint == claim.fingerprint.0,
            counts: rows::time(row, 1)? >= claim.not_before,
            made: rows::get(row, 2)?,
            answer: rows::text_if_any(row, 3)?,
            form: AnswerForm::from_number(rows::small(row, 4)?),
        }),
    };
    Ok(Seen { record, is_held: rows::get(row, 5)?, is_awaited: rows::get(row, 6)? })
}

const MAKE_WAY: &str = "DELETE FROM idempotency i \
    USING unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[]) AS n(account_id, test, endpoint, key, \
    made) \
    WHERE i.account_id = n.account_id AND i.test = n.test AND i.endpoint = n.endpoint AND i.key = n.key \
    AND i.message_id = n.made";

/// Removes records, each named by its key and what its request made.
pub(super) async fn remove(unit: &Unit, records: &[(Name<'_>, Uuid)]) -> Result<(), Fault> {
    if records.is_empty() {
        return Ok(());
    }
    let names = Names::of(records.iter().map(|(name, _)| *name));
    let made: Vec<Uuid> = records.iter().map(|(_, made)| *made).collect();
    unit.execute(MAKE_WAY, &names.and(&[&made])).await.map(drop)
}

const CLAIM: &str = "INSERT INTO idempotency (account_id, test, endpoint, key, message_id, fingerprint, created_at, \
    form) \
    SELECT *, $8::integer \
    FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[], $6::bytea[], $7::bigint[]) \
    ON CONFLICT (account_id, test, endpoint, key) DO NOTHING RETURNING message_id";

/// Puts these requests on record, each of which has another key. Returns what those would make that are on record now;
/// the others were not the first.
pub(super) async fn claim(unit: &Unit, asked: &[Asked<'_>]) -> Result<BTreeSet<Uuid>, Fault> {
    let sorted = sorted(asked.iter().copied());
    let names = Names::of(sorted.iter().map(|asked| asked.name));
    let made: Vec<Uuid> = sorted.iter().map(|asked| asked.made).collect();
    let fingerprints: Vec<&[u8]> = sorted.iter().map(|asked| asked.claim.fingerprint.0.as_slice()).collect();
    let created: Vec<i64> = sorted.iter().map(|asked| asked.created_at).collect();
    let form = i32::from(AnswerForm::NEWEST.number());
    let claimed = unit.query(CLAIM, &names.and(&[&made, &fingerprints, &created, &form])).await?;
    claimed.iter().map(|row| rows::get(row, 0)).collect()
}

fn sorted<'a>(asked: impl Iterator<Item = Asked<'a>>) -> Vec<Asked<'a>> {
    let mut sorted: Vec<Asked<'a>> = asked.collect();
    sorted.sort_unstable_by_key(|asked| asked.name);
    sorted
}

const HOLD: &str = "INSERT INTO held_keys (account_id, test, endpoint, key, made, epoch) \
    SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[], $6::bigint[]) \
    ON CONFLICT (account_id, test, endpoint, key) DO NOTHING RETURNING made";

/// A request that began holds its key already.
const HOLD_ON: &str = "INSERT INTO held_keys (account_id, test, endpoint, key, made, epoch) \
    SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[], $6::bigint[]) \
    ON CONFLICT (account_id, test, endpoint, key) DO UPDATE SET made = excluded.made, epoch = excluded.epoch \
    RETURNING made";

/// Has those of these requests hold their keys whose answers are awaited. Returns what those would make whose keys
/// other requests hold.
pub(super) async fn hold(unit: &Unit, asked: &[Asked<'_>]) -> Result<BTreeSet<Uuid>, Fault> {
    let awaited = || asked.iter().filter(|asked| asked.claim.awaited).copied();
    let mut refused: BTreeSet<Uuid> = awaited().map(|asked| asked.made).collect();
    for (sql, begun) in [(HOLD, false), (HOLD_ON, true)] {
        let wanted = sorted(awaited().filter(|asked| asked.claim.begun == begun));
        if wanted.is_empty() {
            continue;
        }
        let names = Names::of(wanted.iter().map(|asked| asked.name));
        let made: Vec<Uuid> = wanted.iter().map(|asked| asked.made).collect();
        let epochs: Vec<i64> = wanted.iter().map(|asked| rows::epoch_number(asked.node)).collect();
        for row in unit.query(sql, &names.and(&[&made, &epochs])).await? {
            refused.remove(&rows::get(&row, 0)?);
        }
    }
    Ok(refused)
}

const BEGIN: &str = "INSERT INTO held_keys (account_id, test, endpoint, key, epoch, begun) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, test, endpoint, key) DO NOTHING";

/// Has a request hold its key from before it is admitted. `false` where another request holds it; it waits for one that
/// is about to.
pub(crate) async fn begin(unit: &Unit, name: Name<'_>, node: Epoch, number: i64) -> Result<bool, Fault> {
    let (account, test, endpoint, key) = name;
    let begun = unit.execute(BEGIN, &[&account, &test, &endpoint, &key, &rows::epoch_number(node), &number]).await?;
    Ok(begun > 0)
}

const GIVE_BACK: &str = "DELETE FROM held_keys WHERE account_id = $1 AND test = $2 AND endpoint = $3 AND key = $4 \
    AND epoch = $5 AND begun = $6";

/// Undoes [`begin`], whether or not that was committed: the insertion waits until it is known.
pub(super) async fn give_back(unit: &Unit, name: Name<'_>, node: Epoch, number: i64) -> Result<(), Fault> {
    begin(unit, name, node, number).await?;
    let (account, test, endpoint, key) = name;
    unit.execute(GIVE_BACK, &[&account, &test, &endpoint, &key, &rows::epoch_number(node), &number]).await.map(drop)
}

const AWAIT_HOLDER: &str =
    "SELECT 1 FROM held_keys WHERE account_id = $1 AND test = $2 AND endpoint = $3 AND key = $4 FOR UPDATE";

/// As [`let_go`], for a request of which nobody knows whether it was admitted: its transaction may not be over,
/// although its connection is lost.
pub(super) async fn let_go_if_held(
    unit: &Unit,
    name: Name<'_>,
    node: Epoch,
    made: Uuid,
    begun: bool,
) -> Result<(), Fault> {
    if begun {
        let (account, test, endpoint, key) = name;
        unit.query(AWAIT_HOLDER, &[&account, &test, &endpoint, &key]).await?;
    } else {
        let names = Names::of(std::iter::once(name));
        unit.query(HOLD, &names.and(&[&vec![made], &vec![rows::epoch_number(node)]])).await?;
    }
    let_go(unit, &[(name, made, begun)]).await
}

const LET_GO: &str = "DELETE FROM held_keys h \
    USING unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[]) AS n(account_id, test, endpoint, key, \
    made) \
    WHERE h.account_id = n.account_id AND h.test = n.test AND h.endpoint = n.endpoint AND h.key = n.key \
    AND h.made = n.made";

const HOLD_AS_BEFORE: &str = "UPDATE held_keys h SET made = NULL \
    FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[]) AS n(account_id, test, endpoint, key, \
    made) \
    WHERE h.account_id = n.account_id AND h.test = n.test AND h.endpoint = n.endpoint AND h.key = n.key \
    AND h.made = n.made";

/// Undoes [`hold`]: who had begun holds the key as before, and the keys of the others are free. Each is named by its
/// key, what its request would have made, and whether it had begun.
pub(super) async fn let_go(unit: &Unit, held: &[(Name<'_>, Uuid, bool)]) -> Result<(), Fault> {
    for (sql, begun) in [(LET_GO, false), (HOLD_AS_BEFORE, true)] {
        let those = || held.iter().filter(|(.., had_begun)| *had_begun == begun);
        let made: Vec<Uuid> = those().map(|(_, made, _)| *made).collect();
        if !made.is_empty() {
            let names = Names::of(those().map(|(name, ..)| *name));
            unit.execute(sql, &names.and(&[&made])).await?;
        }
    }
    Ok(())
}
