//! What follows for a message from a receipt for one of its segments.

use model::Status;
use model::event::EventKind;
use model::status::SegmentFate;

use super::Filed;
use crate::contract::receipts::Receipt;
use crate::life::{Life, NewEvent};

/// Events of receipts that a message may have beside one for each of its segments.
const SPARE_RECEIPT_EVENTS: u64 = 16;

/// Gives a segment the final fate that a receipt says, and its message the status that follows.
pub fn settle(life: &mut Life, filed: &Filed, receipt: &Receipt) {
    life.events.push(event(filed, receipt, particulars(filed, receipt)));
    conclude(life, filed, receipt);
}

/// How many events of receipts a message may have before those that settle nothing leave none.
pub fn notes_max(filed: &Filed) -> u64 {
    u64::from(filed.total) + SPARE_RECEIPT_EVENTS
}

/// The event of a receipt that settles nothing, unless the message has too many of them: `known` so far. A carrier may
/// repeat itself without end.
pub fn note(filed: &Filed, receipt: &Receipt, known: u64) -> Option<NewEvent> {
    let most = notes_max(filed);
    if known >= most {
        return None;
    }
    let mut detail = particulars(filed, receipt);
    if filed.fate.is_final() {
        detail.push_str("; it changes nothing, the segment has its fate");
    }
    if known + 1 == most {
        detail.push_str("; further receipts that change nothing are only counted");
    }
    Some(event(filed, receipt, detail))
}

fn particulars(filed: &Filed, receipt: &Receipt) -> String {
    match receipt.scope {
        // The carrier's words may be about the person who was erased.
        _ if filed.is_of_nobody() => format!("segment {}", filed.number),
        scope if filed.total > 1 && scope.covers(filed.total) => {
            format!("all {} segments: {}", filed.total, receipt.detail)
        }
        _ => format!("segment {}: {}", filed.number, receipt.detail),
    }
}

/// The event of a receipt.
fn event(filed: &Filed, receipt: &Receipt, detail: String) -> NewEvent {
    let carrier = Some(receipt.carrier.clone());
    NewEvent { carrier, ..NewEvent::plain(filed.id, receipt.at, EventKind::Receipt, detail) }
}

/// The status that follows once every segment has its fate, or the wait for the others is over.
fn conclude(life: &mut Life, filed: &Filed, receipt: &Receipt) {
    // From a carrier that the message has left, only the word that all of it arrived means anything.
    let has_left = life.delivery.carrier.carrier() != Some(&receipt.carrier);
    let bits = match filed.total {
        total if receipt.scope.covers(total) => u64::MAX,
        _ if has_left => 0,
        _ => Life::bit(filed.number),
    };
    if has_left && let Some(share) = life.shares.of(&receipt.carrier) {
        share.settle(Life::bit(filed.number), receipt.fate);
    }
    match receipt.fate {
        SegmentFate::Delivered => {
            life.delivered |= bits;
            life.lost &= !bits;
        }
        SegmentFate::Undelivered(why) if !has_left => {
            life.lost |= bits & !life.delivered;
            if life.delivery.error_type.is_none() && !life.is_whole(life.delivered) {
                life.delivery.error_type = Some(why);
                life.delivery.error_message = Some(why.sentence().to_owned());
            }
        }
        SegmentFate::Undelivered(_) | SegmentFate::Pending => {}
    }
    if life.is_whole(life.delivered) {
        life.change(Status::Delivered, receipt.at, None);
        return;
    }
    let is_known = life.is_whole(life.delivered | life.lost) || life.delivery.receipt_missing && life.lost != 0;
    if is_known {
        life.change(Status::Undelivered, receipt.at, None);
    }
}
