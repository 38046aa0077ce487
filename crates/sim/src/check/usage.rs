//! The counts by day are those of the messages that are there.

use std::collections::BTreeMap;

use model::Owner;
use model::message::MessageType;
use model::quota::UtcDay;
use store::contract::usage::{CountedStatus, UsageCount};

use super::{Everything, Wrong};

/// Of each owner and day, type and status: how many messages, and how many segments.
type Counts = BTreeMap<(Owner, UtcDay, &'static str, &'static str), (u64, u64)>;

/// Every message counts once, in its day and with its status, whatever was killed while it moved.
pub(super) fn counts_by_day_are_exact(all: &Everything, wrong: &mut Wrong) {
    let mut expected = Counts::new();
    let mut add = |owner, id: model::MessageId, kind: MessageType, status: CountedStatus, segments: u16| {
        let name = (owner, UtcDay::of(id.made_at()), kind.as_str(), status.as_str());
        let (messages, all_segments) = expected.entry(name).or_default();
        *messages += 1;
        *all_segments += u64::from(segments);
    };
    for record in all.messages.values().map(|found| &found.record) {
        let (message, status) = (&record.message, CountedStatus::Outbound(record.delivery.status));
        add(message.owner(), message.id, message.kind, status, message.segments);
    }
    for message in &all.inbound {
        add(message.owner(), message.id, message.kind, CountedStatus::Received, message.segments);
    }
    let counted: Counts = all.usage.iter().map(|(owner, count)| named(*owner, count)).collect();
    let names: std::collections::BTreeSet<_> = expected.keys().chain(counted.keys()).copied().collect();
    for name in names {
        let (is, should) = (counted.get(&name), expected.get(&name));
        if is != should {
            wrong.push(format!("{name:?} is counted as {is:?} messages and segments, and there are {should:?}"));
        }
    }
}

fn named(owner: Owner, count: &UsageCount) -> ((Owner, UtcDay, &'static str, &'static str), (u64, u64)) {
    ((owner, count.day, count.kind.as_str(), count.status.as_str()), (count.messages, count.segments))
}
