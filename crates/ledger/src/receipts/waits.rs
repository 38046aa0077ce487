//! The end of the wait for missing receipts.

use model::event::EventKind;
use model::{Status, Timestamp};

use crate::contract::receipts::WaitStep;
use crate::life::{Life, NewEvent};

/// Ends a message's wait that began to be over at `receipt_by`. Says whether it waited so: receipts may have come
/// since, or a later attempt may have begun another wait.
pub fn end(life: &mut Life, receipt_by: Timestamp, now: Timestamp, step: &mut WaitStep) -> bool {
    if life.delivery.status != Status::Sent || life.receipt_by != Some(receipt_by) {
        return false;
    }
    life.receipt_by = None;
    // The reason is that of the segment, which stands in the row since its receipt came.
    if life.lost != 0 && life.change(Status::Undelivered, now, None) {
        let detail = "undelivered: a segment was lost, and the carrier did not report on the others";
        life.note(now, EventKind::Ended, detail);
        step.ended += 1;
        return true;
    }
    life.delivery.receipt_missing = true;
    let carrier = life.delivery.carrier.carrier().cloned();
    let detail =
        if life.delivered == 0 { "no receipt came in time" } else { "not every segment had its receipt in time" };
    let event = NewEvent::plain(life.id, now, EventKind::Missing, detail);
    life.events.push(NewEvent { carrier: carrier.clone(), ..event });
    step.missing.extend(carrier);
    true
}
