//! What follows from a message: the opt-out list, the end of queued messages, and the automatic message. The handset is
//! locked.

use std::sync::Arc;
use std::time::Duration;

use model::{Assignment, InboundMessage, KeywordKind, Msisdn, Owner, Timestamp};
use tokio_postgres::types::ToSql;

use crate::admission::insert_messages;
use crate::fault::Fault;
use crate::stop::{Rest, end_queued};
use crate::unit::Unit;
use crate::{lists, optouts, rows};
use ledger::contract::admission::NewMessage;
use ledger::contract::inbound::{Consequence, Followed, Opt, Reply, Suppressed};
use ledger::handsets::opting::Put;
use ledger::handsets::replies::{self, ECHO_TEXTS, HOUR};
use ledger::handsets::stop::Stops;

/// Applies what follows from a message at `now`.
pub(super) async fn apply(
    unit: &mut Unit,
    message: &InboundMessage,
    consequence: &Consequence,
    now: Timestamp,
) -> Result<(Followed, Option<Rest>), Fault> {
    let (mut followed, mut rest) = (Followed::default(), None);
    match &consequence.opt {
        Some(Opt::Out(opt_out)) => {
            followed.opt_changed = optouts::put(unit, std::slice::from_ref(opt_out)).await? == [Put::New];
            // A handset that says STOP again and again has nothing queued any more.
            if followed.opt_changed {
                let stops = Stops::of(opt_out.name.owner, std::iter::once(opt_out.name), now);
                (followed.canceled, rest) = end_queued(unit, stops).await?;
            }
        }
        Some(Opt::In(asked, scope)) => followed.opt_changed = optouts::end(unit, asked, *scope).await?,
        None => {}
    }
    if let Some(reply) = &consequence.reply {
        match suppressed(unit, reply, message, followed.opt_changed, now).await? {
            Some(why) => followed.suppressed = Some(why),
            None => followed.replied = Some(write(unit, reply, now).await?),
        }
    }
    Ok((followed, rest))
}

/// Why an automatic message is not written.
async fn suppressed(
    unit: &Unit,
    reply: &Reply,
    message: &InboundMessage,
    has_changed: bool,
    now: Timestamp,
) -> Result<Option<Suppressed>, Fault> {
    let within = match replies::within(reply.bound, has_changed) {
        Ok(within) => within,
        Err(why) => return Ok(Some(why)),
    };
    let (of_kind, of_all) = count(unit, reply, within.unwrap_or_default(), now).await?;
    if within.is_some() && of_kind > 0 {
        return Ok(Some(Suppressed::TooSoon));
    }
    if replies::are_enough(of_all) {
        return Ok(Some(Suppressed::TooMany));
    }
    Ok(is_echo(unit, reply, message, now).await?.then_some(Suppressed::Echo))
}

/// The clock may have been set back since one was written.
const COUNT: &str = "SELECT count(*) FILTER (WHERE at > $5 AND at < $6 AND ($9::text IS NULL OR kind = $9)), \
    count(*) FILTER (WHERE at > $7 AND at < $8) FROM automatic_messages WHERE number = $1 AND account_id = $2 \
    AND test = $3 AND sender = $4 AND at > least($5, $7) AND at < greatest($6, $8)";

/// How many automatic messages were written for the handset and the number: of the same kind within a time, and of all
/// within the hour.
async fn count(unit: &Unit, reply: &Reply, within: Duration, now: Timestamp) -> Result<(u64, u64), Fault> {
    let Name { number, owner, sender } = Name::of(reply);
    let kind = reply.message.automatic.map(KeywordKind::as_str);
    let values: [&(dyn ToSql + Sync); 9] = [
        &number.to_u64().cast_signed(),
        &rows::id(owner.account.to_bytes()),
        &rows::is_test(owner.mode),
        &sender,
        &(now - within).as_millis(),
        &(now + within).as_millis(),
        &(now - HOUR).as_millis(),
        &(now + HOUR).as_millis(),
        &kind,
    ];
    let row = unit.one(COUNT, &values).await?;
    Ok((rows::count(&row, 0)?, rows::count(&row, 1)?))
}

/// Whether the handset sends back a text that it had within the hour. A text that is not found among those that are
/// looked at is none: the other bounds end a loop as well.
async fn is_echo(unit: &Unit, reply: &Reply, message: &InboundMessage, now: Timestamp) -> Result<bool, Fault> {
    let Some(text) = message.body.text().filter(|text| !text.is_empty()) else { return Ok(false) };
    let (owner, filter) = (Some(reply.message.owner()), replies::echoes(reply, now));
    let page = lists::page(unit, owner, &filter, None, ECHO_TEXTS).await?;
    Ok(page.messages.iter().any(|record| replies::is_echo(record, text, now)))
}

const INSERT: &str = "INSERT INTO automatic_messages (number, account_id, test, sender, at, message_id, kind) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Writes an automatic message: queued, due now, nobody's yet. Returns its carrier.
async fn write(unit: &mut Unit, reply: &Reply, now: Timestamp) -> Result<Assignment, Fault> {
    let message = &reply.message;
    let id = rows::id(message.id.to_bytes());
    unit.require_room(id)?;
    let new =
        NewMessage { message: Arc::clone(message), carrier: reply.carrier.clone(), lease: None, due_at: reply.due_at };
    insert_messages(unit, &[&new]).await?;
    let Name { number, owner, sender } = Name::of(reply);
    let values: [&(dyn ToSql + Sync); 7] = [
        &number.to_u64().cast_signed(),
        &rows::id(owner.account.to_bytes()),
        &rows::is_test(owner.mode),
        &sender,
        &now.as_millis(),
        &id,
        &message.automatic.map_or("", KeywordKind::as_str),
    ];
    unit.execute(INSERT, &values).await?;
    Ok(reply.carrier.clone())
}

/// What automatic messages are counted by.
struct Name {
    number: Msisdn,
    owner: Owner,
    sender: String,
}

impl Name {
    fn of(reply: &Reply) -> Self {
        let message = &*reply.message;
        Self { number: message.recipient, owner: message.owner(), sender: rows::address(message.originator) }
    }
}
