//! Changes of the list. All of them are by handsets that the transaction has locked.

use std::collections::BTreeMap;

use model::{MessageId, OptOut, OptOutName, OptOutScope, OptOutSource, Owner};
use uuid::Uuid;

use super::list::name;
use crate::fault::Fault;
use crate::unit::Unit;
use crate::{handsets, rows};
use ledger::contract::optouts::{OptIn, OptedIn};
use ledger::handsets::opting::{self, Put};

/// An opt-out that is on the list.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Its row, where it is written.
    id: Option<i64>,
    source: OptOutSource,
}

const IN_FORCE: &str =
    "SELECT o.account_id, o.test, o.number, o.sender, o.id, o.source FROM opt_outs o WHERE o.number = ANY($1)";

/// What the list has of these handsets, of all owners.
async fn in_force(unit: &Unit, names: impl Iterator<Item = OptOutName>) -> Result<BTreeMap<OptOutName, Known>, Fault> {
    let mut numbers: Vec<i64> = names.map(|name| name.number.to_u64().cast_signed()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut known = BTreeMap::new();
    for row in unit.query(IN_FORCE, &[&numbers]).await? {
        let source = rows::word(&row, 5, OptOutSource::parse)?;
        known.insert(name(&row)?, Known { id: Some(rows::get(&row, 4)?), source });
    }
    Ok(known)
}

/// Whether the list has an opt-out of this name.
pub(crate) async fn is_in_force(unit: &Unit, name: OptOutName) -> Result<bool, Fault> {
    Ok(in_force(unit, std::iter::once(name)).await?.contains_key(&name))
}

/// Puts opt-outs on the list, one after the other.
pub(crate) async fn put(unit: &mut Unit, opt_outs: &[OptOut]) -> Result<Vec<Put>, Fault> {
    let mut known = in_force(unit, opt_outs.iter().map(|opt_out| opt_out.name)).await?;
    let (mut new, mut lines) = (Vec::new(), Vec::new());
    let mut changed: BTreeMap<OptOutName, &OptOut> = BTreeMap::new();
    let mut all = Vec::with_capacity(opt_outs.len());
    for opt_out in opt_outs {
        let before = known.get(&opt_out.name).copied();
        let put = Put::of(opt_out, before.map(|known| known.source));
        if put != Put::Known {
            known.insert(opt_out.name, Known { id: before.and_then(|known| known.id), source: opt_out.source });
            changed.insert(opt_out.name, opt_out);
            lines.push(opt_out);
        }
        if put == Put::New {
            new.push(opt_out.name);
        }
        all.push(put);
    }
    let new: Vec<&OptOut> = new.iter().filter_map(|name| changed.remove(name)).collect();
    insert(unit, &new).await?;
    let theirs = changed.into_iter().filter_map(|(name, opt_out)| Some((known.get(&name)?.id?, opt_out)));
    update(unit, &theirs.collect::<Vec<_>>()).await?;
    add_lines(unit, true, lines.into_iter().cloned().collect()).await?;
    Ok(all)
}

/// Ends the opt-outs of a handset that are in a scope. The value says what the history shows. Says whether there was
/// one.
pub(crate) async fn end(unit: &mut Unit, asked: &OptOut, scope: OptOutScope) -> Result<bool, Fault> {
    let OptOutName { owner, from, .. } = asked.name;
    let mut known = in_force(unit, std::iter::once(asked.name)).await?;
    known.retain(|name, _| name.owner == owner && opting::ends(scope, from, name.from));
    let lines = known.keys().map(|name| OptOut { name: *name, ..asked.clone() }).collect();
    remove(unit, known.values().filter_map(|known| known.id).collect(), lines).await?;
    Ok(!known.is_empty())
}

/// Ends an opt-out.
pub(super) async fn opt_in(unit: &mut Unit, opt_in: &OptIn) -> Result<OptedIn, Fault> {
    handsets::lock_numbers(unit, &[opt_in.name.number]).await?;
    let known = in_force(unit, std::iter::once(opt_in.name)).await?;
    let Some(Known { id: Some(id), source }) = known.get(&opt_in.name).copied() else {
        return Ok(OptedIn::Unchanged);
    };
    if opting::lacks_reason(source, opt_in) {
        return Ok(OptedIn::ReasonRequired);
    }
    remove(unit, vec![id], vec![opting::line_of(opt_in)]).await?;
    Ok(OptedIn::Changed)
}

const DELETE: &str = "DELETE FROM opt_outs WHERE id = ANY($1)";

async fn remove(unit: &mut Unit, ids: Vec<i64>, lines: Vec<OptOut>) -> Result<(), Fault> {
    if !ids.is_empty() {
        unit.execute(DELETE, &[&ids]).await?;
    }
    add_lines(unit, false, lines).await
}

const INSERT: &str = "INSERT INTO opt_outs (account_id, test, number, sender, source, keyword, message_id, reason, at) \
    SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::uuid[], \
    $8::text[], $9::bigint[])";
/// Each keeps its place in the list.
const UPDATE: &str = "UPDATE opt_outs o SET source = n.source, keyword = n.keyword, message_id = n.message_id, \
    reason = n.reason, at = n.at FROM unnest($1::bigint[], $2::text[], $3::text[], $4::uuid[], $5::text[], \
    $6::bigint[]) \
    AS n(id, source, keyword, message_id, reason, at) WHERE o.id = n.id";
const INSERT_LINE: &str = "INSERT INTO opt_out_history (account_id, test, number, sender, source, keyword, message_id, \
    reason, at, is_out) SELECT n.*, $10 FROM unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::text[], $5::text[], \
    $6::text[], $7::uuid[], $8::text[], $9::bigint[]) AS n";

/// The columns of opt-outs.
#[derive(Default)]
struct Columns {
    accounts: Vec<Uuid>,
    tests: Vec<bool>,
    numbers: Vec<i64>,
    senders: Vec<String>,
    sources: Vec<&'static str>,
    keywords: Vec<Option<String>>,
    messages: Vec<Option<Uuid>>,
    reasons: Vec<Option<String>>,
    at: Vec<i64>,
}

impl Columns {
    fn of<'o>(opt_outs: impl Iterator<Item = &'o OptOut>) -> Self {
        let mut columns = Self::default();
        let kept = |text: Option<&str>| text.map(|text| rows::kept(text).into_owned());
        for opt_out in opt_outs {
            let OptOutName { owner: Owner { account, mode }, number, from } = opt_out.name;
            columns.accounts.push(rows::id(account.to_bytes()));
            columns.tests.push(rows::is_test(mode));
            columns.numbers.push(number.to_u64().cast_signed());
            columns.senders.push(from.map(rows::address).unwrap_or_default());
            columns.sources.push(opt_out.source.as_str());
            columns.keywords.push(kept(opt_out.keyword.as_deref()));
            columns.messages.push(opt_out.message.map(MessageId::to_bytes).map(rows::id));
            columns.reasons.push(kept(opt_out.reason.as_deref()));
            columns.at.push(opt_out.created_at.as_millis());
        }
        columns
    }
}

async fn insert(unit: &Unit, new: &[&OptOut]) -> Result<(), Fault> {
    if new.is_empty() {
        return Ok(());
    }
    let Columns { accounts, tests, numbers, senders, sources, keywords, messages, reasons, at } =
        &Columns::of(new.iter().copied());
    unit.execute(INSERT, &[accounts, tests, numbers, senders, sources, keywords, messages, reasons, at]).await.map(drop)
}

async fn update(unit: &Unit, changed: &[(i64, &OptOut)]) -> Result<(), Fault> {
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = changed.iter().map(|(id, _)| *id).collect();
    let Columns { sources, keywords, messages, reasons, at, .. } =
        &Columns::of(changed.iter().map(|(_, opt_out)| *opt_out));
    unit.execute(UPDATE, &[&ids, sources, keywords, messages, reasons, at]).await.map(drop)
}

/// Adds lines to the history, and notes the changes. What changes the list calls this, so that nothing in it changes in
/// silence.
async fn add_lines(unit: &mut Unit, is_out: bool, lines: Vec<OptOut>) -> Result<(), Fault> {
    if lines.is_empty() {
        return Ok(());
    }
    let Columns { accounts, tests, numbers, senders, sources, keywords, messages, reasons, at } =
        &Columns::of(lines.iter());
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
        [accounts, tests, numbers, senders, sources, keywords, messages, reasons, at, &is_out];
    unit.execute(INSERT_LINE, &values).await?;
    for line in lines {
        let (at, owner, resource) = opting::change(is_out, line);
        unit.note(at, owner, resource);
    }
    Ok(())
}
