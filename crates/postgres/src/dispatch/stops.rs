//! What forbids that a message is sent, or tried again: an opt-out, an erasure, a canceled broadcast.

use std::collections::{BTreeMap, BTreeSet};

use model::{BroadcastId, KeywordKind, MessageId, Msisdn};
use uuid::Uuid;

use crate::broadcast_records::canceled;
use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::handsets::stop::may_end;
use ledger::life::Life;
use ledger::reasons::{CANCELED, ERASED, OPTED_OUT};

/// Most numbers have no opt-out, and then one look into the index is all.
const OPT_OUTS: &str = "SELECT number, account_id, test, sender FROM opt_outs WHERE number = ANY($1)";

const MESSAGES: &str = "SELECT id, account_id, test, originator, automatic FROM messages WHERE id = ANY($1) \
    AND id BETWEEN $2 AND $3";

const BEING_ERASED: &str = "SELECT number FROM erasures WHERE number = ANY($1) AND ended_at IS NULL";

/// Those of these messages that an opt-out of their recipient stops.
pub(super) async fn opted_out(
    unit: &Unit,
    messages: impl Iterator<Item = (MessageId, Msisdn)>,
) -> Result<BTreeSet<MessageId>, Fault> {
    let messages: Vec<(Uuid, i64)> =
        messages.map(|(id, recipient)| (rows::id(id.to_bytes()), recipient.to_u64().cast_signed())).collect();
    let numbers: Vec<i64> = messages.iter().map(|(_, number)| *number).collect();
    let mut opt_outs: BTreeMap<i64, Vec<(Uuid, bool, String)>> = BTreeMap::new();
    for row in unit.query(OPT_OUTS, &[&numbers]).await? {
        let opt_out = (rows::get(&row, 1)?, rows::get(&row, 2)?, rows::get(&row, 3)?);
        opt_outs.entry(rows::get(&row, 0)?).or_default().push(opt_out);
    }
    let named: BTreeMap<Uuid, i64> = messages.into_iter().filter(|(_, number)| opt_outs.contains_key(number)).collect();
    let ids: Vec<Uuid> = named.keys().copied().collect();
    let (Some(low), Some(high)) = (ids.first(), ids.last()) else { return Ok(BTreeSet::new()) };
    let mut stopped = BTreeSet::new();
    for row in unit.query(MESSAGES, &[&ids, low, high]).await? {
        let (id, account, test): (Uuid, Uuid, bool) = (rows::get(&row, 0)?, rows::get(&row, 1)?, rows::get(&row, 2)?);
        let originator: &str = rows::get(&row, 3)?;
        let covers = |(of, is_test, sender): &(Uuid, bool, String)| {
            (*of, *is_test) == (account, test) && (sender.is_empty() || sender == originator)
        };
        let is_covered =
            named.get(&id).and_then(|number| opt_outs.get(number)).is_some_and(|found| found.iter().any(covers));
        if is_covered && may_end(rows::word_if_any(&row, 4, KeywordKind::parse)?) {
            stopped.insert(MessageId::from_bytes(id.into_bytes()));
        }
    }
    Ok(stopped)
}

/// What forbids further tries of some messages.
#[derive(Default)]
pub(super) struct Stops {
    canceled: BTreeSet<BroadcastId>,
    being_erased: BTreeSet<String>,
    opted_out: BTreeSet<MessageId>,
}

impl Stops {
    /// What forbids further tries of these messages, which are locked, each with its recipient.
    pub(super) async fn find(unit: &Unit, tried: &[(&Life, Msisdn)]) -> Result<Self, Fault> {
        let mut stops = Self::default();
        if tried.is_empty() {
            return Ok(stops);
        }
        stops.canceled = canceled(unit, &tried.iter().filter_map(|(life, _)| life.broadcast).collect()).await?;
        let numbers: Vec<String> = tried.iter().map(|(_, recipient)| recipient.to_string()).collect();
        for row in unit.query(BEING_ERASED, &[&numbers]).await? {
            stops.being_erased.insert(rows::get(&row, 0)?);
        }
        stops.opted_out = opted_out(unit, tried.iter().map(|(life, recipient)| (life.id, *recipient))).await?;
        Ok(stops)
    }

    /// Why a message is not to be tried again, if something forbids it.
    pub(super) fn of(&self, life: &Life, recipient: Msisdn) -> Option<&'static str> {
        if life.broadcast.is_some_and(|broadcast| self.canceled.contains(&broadcast)) {
            return Some(CANCELED);
        }
        if self.being_erased.contains(&recipient.to_string()) {
            return Some(ERASED);
        }
        self.opted_out.contains(&life.id).then_some(OPTED_OUT)
    }
}
