//! The end of messages that wait for a handset that opts out.
//!
//! They are found by the index of lists; what that does not have yet is looked through. A transaction looks at a
//! bounded number of rows. Where there are more, the rest is found on a reading connection, and ended in transactions
//! that follow. No message leaves meanwhile: the opt-out is in force, and the transaction that begins an attempt finds
//! it.

use model::message::Direction;
use model::{Message, MessageId, OptOutName, Status, Timestamp};
use rusqlite::Connection;

use super::Sqlite;
use super::life;
use super::lists;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::messages::MessageFilter;
use ledger::handsets::stop::{Stops, may_end};
use ledger::turns::{Reader, Work};

/// How many rows one transaction looks at for one opt-out: about two milliseconds.
const ROWS: usize = 2_000;

/// How many messages one transaction ends.
const STEP: usize = 100;

/// Messages that are still to be ended because of opt-outs of one owner.
pub(super) struct Rest {
    stops: Stops,
    after: Option<MessageId>,
}

impl Rest {
    /// All messages of these opt-outs.
    pub(super) const fn of(stops: Stops) -> Self {
        Self { stops, after: None }
    }

    fn ends(&self, message: &Message) -> bool {
        self.stops.cover(message.recipient, message.originator) && may_end(message.automatic)
    }

    fn filter(&self) -> MessageFilter {
        // One handset is looked up; of many, the owner's queued messages are compared with all.
        let only = self.stops.handsets.keys().next().filter(|_| self.stops.handsets.len() == 1);
        MessageFilter {
            status: Some(Status::Queued),
            direction: Some(Direction::Outbound),
            recipient: only.copied(),
            ..MessageFilter::default()
        }
    }

    /// Looks at some of them. Returns those that end, and where to go on.
    fn look(&self, connection: &Connection, rows: usize) -> rusqlite::Result<(Vec<MessageId>, Option<MessageId>)> {
        let page = lists::page(connection, Some(self.stops.owner), &self.filter(), self.after, STEP, rows)?;
        let ids = page.messages.iter().filter(|record| self.ends(&record.message)).map(|record| record.message.id);
        Ok((ids.collect(), page.next))
    }
}

/// Ends queued messages to a handset that has opted out, unless an attempt of them is under way: as many as one
/// transaction may. Returns how many, and the rest.
pub(super) fn end_queued(group: &mut Group, name: OptOutName, at: Timestamp) -> rusqlite::Result<(u64, Option<Rest>)> {
    let mut rest = Rest::of(Stops::of(name.owner, std::iter::once(name), at));
    let (ids, next) = rest.look(&group.connection, ROWS)?;
    let ended = end(group, &ids, &rest.stops)?;
    rest.after = next;
    Ok((ended, next.is_some().then_some(rest)))
}

fn end(group: &mut Group, ids: &[MessageId], stops: &Stops) -> rusqlite::Result<u64> {
    let mut ended = 0;
    for id in ids {
        let Some(mut life) = life::load(&group.connection, *id)? else { continue };
        if stops.end(&mut life) {
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
                let stops = looked.stops.clone();
                ended += self.writer.write(move |group| Ok(end(group, &ids, &stops)?)).await?;
            }
            if next.is_none() {
                return Ok(ended);
            }
            rest = Rest { after: next, ..looked };
        }
    }
}
