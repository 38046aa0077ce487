//! How many messages of a day stand where: changes within a transaction are added up by row, and written once before
//! the commit, however many messages there are.

use std::collections::BTreeMap;

use model::message::{Message, MessageType};
use model::quota::UtcDay;
use model::{MessageId, Owner, Status};

use crate::contract::usage::CountedStatus;

/// What is counted of a message whatever becomes of it: its type, and its segments as it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The type of the message.
    pub kind: MessageType,
    /// Its segments at acceptance.
    pub segments: u16,
}

/// The name of a row. The order is that in which every transaction locks rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The owner of the messages.
    pub owner: Owner,
    /// The day of their acceptance, in UTC.
    pub day: UtcDay,
    /// Their type.
    pub kind: &'static str,
    /// Their status.
    pub status: &'static str,
}

/// What is added to a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Messages; below zero for messages that left the row.
    pub messages: i64,
    /// Their segments.
    pub segments: i64,
}

/// Changes of counts that are not written yet.
#[derive(Debug, Default)]
pub struct DailyTally(BTreeMap<Row, Added>);

impl DailyTally {
    /// A message was accepted.
    pub fn accepted(&mut self, message: &Message) {
        let Message { kind, segments, .. } = *message;
        let status = CountedStatus::Outbound(message.status_at_acceptance());
        self.add(message.owner(), message.id, kind, status, 1, i64::from(segments));
    }

    /// A message went from one status to another.
    pub fn moved(&mut self, owner: Owner, id: MessageId, counted: Counted, from: Status, to: Status) {
        let Counted { kind, segments } = counted;
        self.add(owner, id, kind, CountedStatus::Outbound(from), -1, -i64::from(segments));
        self.add(owner, id, kind, CountedStatus::Outbound(to), 1, i64::from(segments));
    }

    /// A message of a handset came to an owner, or more of one that had come.
    pub(crate) fn received(&mut self, owner: Owner, id: MessageId, kind: MessageType, added: Added) {
        self.add(owner, id, kind, CountedStatus::Received, added.messages, added.segments);
    }

    fn add(
        &mut self,
        owner: Owner,
        id: MessageId,
        kind: MessageType,
        status: CountedStatus,
        messages: i64,
        segments: i64,
    ) {
        let row = Row { owner, day: UtcDay::of(id.made_at()), kind: kind.as_str(), status: status.as_str() };
        let added = self.0.entry(row).or_default();
        added.messages += messages;
        added.segments += segments;
    }

    /// Takes the changes out, in the order of the rows. Those that cancel each other out are none.
    pub fn take(&mut self) -> Vec<(Row, Added)> {
        std::mem::take(&mut self.0).into_iter().filter(|(_, added)| *added != Added::default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use model::{AccountId, Mode, Timestamp};

    use super::*;

    const OWNER: Owner = Owner { account: AccountId::from_bytes([1; 16]), mode: Mode::Live };

    fn id(secs: i64) -> MessageId {
        MessageId::lowest_at(Timestamp::from_millis(secs * 1_000))
    }

    #[test]
    fn however_many_messages_move_there_is_one_change_of_a_row() {
        let mut tally = DailyTally::default();
        let counted = Counted { kind: MessageType::Sms, segments: 2 };
        for _ in 0..1_000 {
            tally.moved(OWNER, id(86_399), counted, Status::Queued, Status::Sent);
            tally.moved(OWNER, id(86_399), counted, Status::Sent, Status::Delivered);
        }
        tally.received(OWNER, id(86_400), MessageType::Mms, Added { messages: 1, segments: 1 });
        let row = |day, kind, status| Row { owner: OWNER, day: UtcDay(day), kind, status };
        let expected = [
            (row(0, "SMS", "delivered"), Added { messages: 1_000, segments: 2_000 }),
            (row(0, "SMS", "queued"), Added { messages: -1_000, segments: -2_000 }),
            (row(1, "MMS", "received"), Added { messages: 1, segments: 1 }),
        ];
        assert_eq!(tally.take(), expected);
        assert_eq!(tally.take(), []);
    }
}
