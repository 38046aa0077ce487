//! The end of messages that wait for a handset that opts out.
//!
//! They are found by the index of lists; what that does not have yet is looked through. A transaction looks at a
//! bounded number of rows. Where there are more, the rest is found on a reading connection, and ended in transactions
//! that follow. No message leaves meanwhile: the opt-out is in force, and the transaction that begins an attempt finds
//! it.

use std::collections::BTreeMap;

use model::message::Direction;
use model::{KeywordKind, Message, MessageId, Msisdn, OptOutName, Originator, Owner, Status, Timestamp};
use rusqlite::Connection;

use super::Sqlite;
use super::life;
use super::lists;
use crate::reasons::OPTED_OUT;
use crate::turns::{Reader, Work};
use super::writer::Group;
use crate::StoreError;
use crate::contract::messages::MessageFilter;

/// How many rows one transaction looks at for one opt-out: about two milliseconds.
const ROWS: usize = 2_000;

/// How many messages one transaction ends.
const STEP: usize = 100;

/// Messages that are still to be ended because of opt-outs of one owner.
pub(super) struct Rest {
    owner: Owner,
    /// The handsets, each with the senders whose messages end; an empty list means every sender.
    handsets: BTreeMap<Msisdn, Vec<Originator>>,
    at: Timestamp,
    after: Option<MessageId>,
}

impl Rest {
    /// All messages of these opt-outs, which were made at `at` for one owner.
    pub(super) fn of(owner: Owner, names: impl Iterator<Item = OptOutName>, at: Timestamp) -> Self {
        let mut handsets: BTreeMap<Msisdn, Vec<Originator>> = BTreeMap::new();
        let mut wide = Vec::new();
        for name in names.filter(|name| name.owner == owner) {
            match name.from {
                Some(from) => handsets.entry(name.number).or_default().push(from),
                None => wide.push(name.number),
            }
        }
        handsets.extend(wide.into_iter().map(|number| (number, Vec::new())));
        Self { owner, handsets, at, after: None }
    }

    fn ends(&self, message: &Message) -> bool {
        let senders = self.handsets.get(&message.recipient);
        senders.is_some_and(|senders| senders.is_empty() || senders.contains(&message.originator)) && may_end(message)
    }

    fn filter(&self) -> MessageFilter {
        // One handset is looked up; of many, the owner's queued messages are compared with all.
        let only = self.handsets.keys().next().filter(|_| self.handsets.len() == 1);
        MessageFilter {
            status: Some(Status::Queued),
            direction: Some(Direction::Outbound),
            recipient: only.copied(),
            ..MessageFilter::default()
        }
    }

    /// Looks at some of them. Returns those that end, and where to go on.
    fn look(&self, connection: &Connection, rows: usize) -> rusqlite::Result<(Vec<MessageId>, Option<MessageId>)> {
        let page = lists::page(connection, Some(self.owner), &self.filter(), self.after, STEP, rows)?;
        let ids = page.messages.iter().filter(|record| self.ends(&record.message)).map(|record| record.message.id);
        Ok((ids.collect(), page.next))
    }
}

/// Whether an opt-out stops the message. It stops neither the confirmation of a STOP nor the answer to a HELP.
fn may_end(message: &Message) -> bool {
    matches!(message.automatic, None | Some(KeywordKind::Start))
}

/// Ends queued messages to a handset that has opted out, unless an attempt of them is under way: as many as one
/// transaction may. Returns how many, and the rest.
pub(super) fn end_queued(group: &mut Group, name: OptOutName, at: Timestamp) -> rusqlite::Result<(u64, Option<Rest>)> {
    let mut rest = Rest::of(name.owner, std::iter::once(name), at);
    let (ids, next) = rest.look(&group.connection, ROWS)?;
    let ended = end(group, &ids, at)?;
    rest.after = next;
    Ok((ended, next.is_some().then_some(rest)))
}

fn end(group: &mut Group, ids: &[MessageId], at: Timestamp) -> rusqlite::Result<u64> {
    let mut ended = 0;
    for id in ids {
        let Some(mut life) = life::load(&group.connection, *id)? else { continue };
        // What is held back may have left, and only a receipt will tell.
        if life.delivery.status != Status::Queued || life.in_flight || life.delivery.held {
            continue;
        }
        if life.skip(at, OPTED_OUT) {
            life::save(group, &life)?;
            ended += 1;
        }
    }
    Ok(ended)
}

impl Sqlite {
    /// Ends what one transaction had to leave. Returns how many messages.
    pub(super) async fn end_rest(&self, rest: Rest) -> Result<u64, StoreError> {
        let (mut rest, mut ended) = (rest, 0);
        loop {
            let rows = self.rows_per_page;
            let look = move |connection: &Connection| rest.look(connection, rows).map(|found| (rest, found));
            let (looked, (ids, next)) = self.readers.read_for(Reader::Platform, Work::Page, look).await?;
            if !ids.is_empty() {
                let at = looked.at;
                ended += self.writer.write(move |group| Ok(end(group, &ids, at)?)).await?;
            }
            if next.is_none() {
                return Ok(ended);
            }
            rest = Rest { after: next, ..looked };
        }
    }
}
