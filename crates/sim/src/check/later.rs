//! Messages that leave later.

use model::event::EventKind;
use model::{Status, Timestamp};

use super::{Everything, Found, Wrong};

/// A message with a time to leave is queued once, when the wall clock shows that time or a later one, and no attempt
/// begins before. At rest, none waits any more whose time has come at `now`.
pub(super) fn messages_wait_for_their_time(all: &Everything, now: Timestamp, wrong: &mut Wrong) {
    for (id, found) in &all.messages {
        let Found { record, events } = found;
        let queued = found.count(EventKind::Queued);
        let Some(send_at) = record.message.send_at else {
            if queued > 0 {
                wrong.push(format!("{id} leaves at once, and was queued {queued} times"));
            }
            continue;
        };
        if record.delivery.status == Status::Scheduled && send_at <= now {
            wrong.push(format!("{id} was to leave at {send_at}, and is scheduled at {now}"));
        }
        if queued > 1 {
            wrong.push(format!("{id} was queued {queued} times"));
        }
        let first = events.iter().find(|event| matches!(event.kind, EventKind::Queued | EventKind::Attempt));
        match first {
            Some(event) if event.kind == EventKind::Attempt => {
                wrong.push(format!("{id} was attempted before it was queued"));
            }
            Some(event) if event.at < send_at => {
                wrong.push(format!("{id} was queued at {}, and was to leave at {send_at}", event.at));
            }
            _ => {}
        }
        let queued_at = first.map(|event| event.at);
        if record.delivery.queued_at != queued_at {
            wrong.push(format!("{id} was queued at {queued_at:?} and says {:?}", record.delivery.queued_at));
        }
    }
}
