//! What became of a message, while a transaction changes it: the rules, without the rows.
//!
//! A backend reads a [`LifeRow`], makes a [`Life`] of it, and writes what the rules made of it: the row, and the events
//! that were noted.

use model::event::EventKind;
use model::message::Delivery;
use model::{AccountId, Assignment, BroadcastId, CarrierName, ErrorType, MessageId, Mode, Moment, Status, Timestamp};

use crate::contract::changes::Resource;
use crate::contract::dispatch::SegmentAck;
use crate::contract::schedule::LaunchDecision;
use crate::daily::Counted;
use crate::reasons::TAKEN_BACK;
use crate::shares::{Share, Shares};
use crate::tally::Tally;

/// An event of a message's life that is not written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The message.
    pub id: MessageId,
    /// The time.
    pub at: Timestamp,
    /// The kind of the event.
    pub kind: EventKind,
    /// The carrier that it is about.
    pub carrier: Option<CarrierName>,
    /// The number of the attempt that it is about, from 1.
    pub attempt: Option<u32>,
    /// A remark for the operator.
    pub detail: String,
}

impl NewEvent {
    /// An event that no carrier and no attempt belongs to.
    pub fn plain(id: MessageId, at: Timestamp, kind: EventKind, detail: impl Into<String>) -> Self {
        Self { id, at, kind, carrier: None, attempt: None, detail: detail.into() }
    }
}

/// What is on record of a message.
#[derive(Clone, Debug)]
pub struct LifeRow {
    /// The message.
    pub id: MessageId,
    /// Its account.
    pub account: AccountId,
    /// Which world of the account it belongs to, where the row says so.
    pub mode: Option<Mode>,
    /// The state of its delivery.
    pub delivery: Delivery,
    /// The time of its next attempt.
    pub due_at: Timestamp,
    /// The end of the wait for its receipts.
    pub receipt_by: Option<Timestamp>,
    /// The number of its newest lease.
    pub lease: u64,
    /// Whether an attempt is under way.
    pub in_flight: bool,
    /// Mask of the segments that the carrier took.
    pub accepted: u64,
    /// Mask of the segments that arrived.
    pub delivered: u64,
    /// Mask of the segments that never will.
    pub lost: u64,
    /// The number of segments that the masks are about.
    pub segments: u16,
    /// Segments at carriers that it has left.
    pub shares: Shares,
    /// The broadcast that it counts in.
    pub broadcast: Option<BroadcastId>,
    /// What is counted of it, where the row says so.
    pub counted: Option<Counted>,
}

/// What became of a message so far, and who holds it.
#[derive(Clone, Debug)]
pub struct Life {
    /// The message.
    pub id: MessageId,
    /// Its account.
    pub account: AccountId,
    /// Which world of the account it belongs to, where the row says so.
    pub mode: Option<Mode>,
    /// The state of its delivery.
    pub delivery: Delivery,
    /// The time of its next attempt.
    pub due_at: Timestamp,
    /// Until when it waits for its receipts.
    pub receipt_by: Option<Timestamp>,
    /// The number of its newest lease.
    pub lease: u64,
    /// Whether an attempt is under way.
    pub in_flight: bool,
    /// Mask of the segments, in the cut of the carrier that it stands with, that this carrier took.
    pub accepted: u64,
    /// Mask of the segments that arrived.
    pub delivered: u64,
    /// Mask of the segments that never will.
    pub lost: u64,
    /// How many there are in that cut.
    pub segments: u16,
    /// What carriers took that it has left.
    pub shares: Shares,
    /// The broadcast that it counts in.
    pub broadcast: Option<BroadcastId>,
    /// What is counted of it whatever becomes of it, where the row says so.
    pub counted: Option<Counted>,
    /// Events that are not written yet, in their order.
    pub events: Vec<NewEvent>,
    /// How it stands on record.
    pub stored: Stored,
    /// Whether its recipient counts as skipped now.
    skipped: bool,
}

/// The columns that decide where a message stands in the indexes, and the one that nearly always is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The status.
    pub status: Status,
    pub(crate) carrier: Assignment,
    pub(crate) due_at: Timestamp,
    pub(crate) held: bool,
    /// The end of the wait for receipts.
    pub receipt_by: Option<Timestamp>,
    pub(crate) shares: Shares,
}

impl Life {
    /// The life of a message that is on record so.
    pub fn of(row: LifeRow) -> Self {
        let LifeRow { id, account, mode, delivery, due_at, receipt_by, lease, in_flight, .. } = row;
        let LifeRow { accepted, delivered, lost, segments, shares, broadcast, counted, .. } = row;
        let stored = Stored {
            status: delivery.status,
            carrier: delivery.carrier.clone(),
            due_at,
            held: delivery.held,
            receipt_by,
            shares: shares.clone(),
        };
        let (events, skipped) = (Vec::new(), false);
        Self {
            id,
            account,
            mode,
            delivery,
            due_at,
            receipt_by,
            lease,
            in_flight,
            accepted,
            delivered,
            lost,
            segments,
            shares,
            broadcast,
            counted,
            events,
            stored,
            skipped,
        }
    }

    /// Whether it stands elsewhere in the indexes than on record.
    pub fn has_moved(&self) -> bool {
        let Self { delivery, due_at, receipt_by, shares, stored, .. } = self;
        (delivery.status, &delivery.carrier, *due_at, delivery.held, *receipt_by, shares)
            != (stored.status, &stored.carrier, stored.due_at, stored.held, stored.receipt_by, &stored.shares)
    }

    /// Whether its status is another one than on record.
    pub fn has_changed_status(&self) -> bool {
        self.delivery.status != self.stored.status
    }

    /// Counts a changed status in the message's broadcast.
    pub fn count_in(&self, tally: &mut Tally) {
        let taken = self.stored.status.is_waiting()
            && (matches!(self.delivery.status, Status::Sent | Status::Delivered) || self.lost != 0);
        tally.moved(self.stored.status, self.delivery.status, self.skipped, taken, self.changed_at());
    }

    /// The change of the message's status, for those who follow.
    pub fn change_told(&self) -> Resource {
        Resource::Message { id: self.id, broadcast: self.broadcast, delivery: told(self.delivery.clone()) }
    }

    /// Whether this change ends the message: nothing of it is sent any more, and it waits for no receipt.
    pub fn ends(&self) -> bool {
        let has_ended = |status: Status, receipt_by: Option<Timestamp>| !status.is_waiting() && receipt_by.is_none();
        has_ended(self.delivery.status, self.receipt_by) && !has_ended(self.stored.status, self.stored.receipt_by)
    }

    /// Whether it has a time to leave, from which its age is counted.
    pub fn leaves_later(&self) -> bool {
        self.delivery.queued_at.is_some() || self.stored.status == Status::Scheduled
    }

    /// Whether `token` is the lease that the message is held under.
    pub const fn is_held_under(&self, token: u64) -> bool {
        token != 0 && self.lease == token && matches!(self.delivery.status, Status::Queued)
    }

    /// Notes an event that no carrier and no attempt belongs to.
    pub(crate) fn note(&mut self, at: Timestamp, kind: EventKind, detail: impl Into<String>) {
        self.events.push(NewEvent::plain(self.id, at, kind, detail));
    }

    /// Ends the lease and whatever attempt it covered.
    pub(crate) const fn let_go(&mut self) {
        self.lease = 0;
        self.in_flight = false;
    }

    /// Assigns the message to a carrier. What another one took of it counts no more until it comes back to that one:
    /// carriers cut a text differently, and a handset cannot join what they made.
    pub(crate) fn stand_with(&mut self, carrier: &Assignment) {
        if self.delivery.carrier == *carrier {
            return;
        }
        let left = std::mem::replace(&mut self.delivery.carrier, carrier.clone());
        if let Assignment::Carrier(left) = left {
            let Self { segments, accepted, delivered, lost, .. } = *self;
            self.shares.keep(left, Share { segments, accepted, delivered, lost });
        }
        let share = carrier
            .carrier()
            .and_then(|name| self.shares.take(name))
            .unwrap_or(Share { segments: self.segments, ..Share::default() });
        (self.segments, self.accepted, self.delivered, self.lost) =
            (share.segments, share.accepted, share.delivered, share.lost);
    }

    /// Notes that its carrier will never take what it has not taken yet.
    pub(crate) fn refuse(&mut self) {
        let all = u64::MAX >> (64 - self.segments.clamp(1, 64));
        self.lost |= all & !self.accepted;
    }

    /// Notes what its carrier took, of `total` segments.
    pub(crate) fn took(&mut self, total: u16, segments: &[SegmentAck]) {
        if !segments.is_empty() {
            self.accepted = segments.iter().fold(self.accepted, |mask, segment| mask | Self::bit(segment.number));
            self.segments = total;
        }
    }

    /// Changes the status, where the status machine lets it. Says whether it did.
    pub(crate) fn change(&mut self, status: Status, at: Timestamp, error: Option<(ErrorType, String)>) -> bool {
        if !self.delivery.status.may_become(status) {
            return false;
        }
        self.let_go();
        self.delivery.held = false;
        (self.receipt_by, self.delivery.receipt_missing) = (None, false);
        self.delivery.status = status;
        match status {
            Status::Scheduled => {}
            Status::Queued => self.delivery.queued_at = Some(at),
            Status::Sent => self.delivery.sent_at = Some(at),
            Status::Delivered => self.delivery.delivered_at = Some(at),
            Status::Undelivered | Status::Failed | Status::Canceled => self.delivery.failed_at = Some(at),
        }
        if let Some((kind, message)) = error {
            self.delivery.error_type = Some(kind);
            self.delivery.error_message = Some(message);
        }
        true
    }

    /// Ends a message that is not to be sent any more. Where an earlier attempt may have reached the recipient it has
    /// failed for no known reason; otherwise the recipient is skipped. Says whether the status changed.
    pub fn skip(&mut self, at: Timestamp, why: &str) -> bool {
        let may_have_left = self.may_have_left();
        if !self.change(Status::Failed, at, may_have_left.then(|| (ErrorType::Unknown, String::new()))) {
            return false;
        }
        self.skipped = !may_have_left;
        self.delivery.error_message = Some(why.to_owned());
        self.note(at, EventKind::Ended, why);
        true
    }

    /// Ends the wait of a scheduled message. Says whether it was scheduled.
    pub fn launch(&mut self, decision: &LaunchDecision, now: Moment) -> bool {
        if self.delivery.status != Status::Scheduled {
            return false;
        }
        match decision {
            LaunchDecision::Queue(carrier) => {
                self.delivery.carrier = carrier.clone();
                self.due_at = now.steady;
                self.note(now.wall, EventKind::Queued, "");
                self.change(Status::Queued, now.wall, None)
            }
            LaunchDecision::Refuse(why) => self.skip(now.wall, why),
        }
    }

    /// Cancels a message of which no attempt is under way and nothing can have left. Its recipient
    /// is skipped. Says whether it did.
    pub fn cancel(&mut self, at: Timestamp) -> bool {
        let is_too_late = self.in_flight || self.delivery.held || self.may_have_left();
        if is_too_late || !self.change(Status::Canceled, at, None) {
            return false;
        }
        self.skipped = true;
        self.note(at, EventKind::Ended, TAKEN_BACK);
        true
    }

    /// Whether an attempt that has ended may have reached the recipient, with all of the message or a part of it.
    fn may_have_left(&self) -> bool {
        self.accepted != 0 || self.shares.took_any() || self.delivery.unknown_outcomes > 0
    }

    /// The mask of segment `number`, from 1; none for a number that cannot be.
    pub(crate) const fn bit(number: u16) -> u64 {
        if number == 0 || number > 64 { 0 } else { 1 << (number - 1) }
    }

    /// Whether every segment is in `mask`. What has no text is handed over in one piece.
    pub(crate) fn is_whole(&self, mask: u64) -> bool {
        let all = u64::MAX >> (64 - self.segments.clamp(1, 64));
        mask & all == all
    }

    /// When the message came to the status that it has.
    pub fn changed_at(&self) -> Timestamp {
        let at = match self.delivery.status {
            Status::Scheduled => None,
            Status::Queued => self.delivery.queued_at,
            Status::Sent => self.delivery.sent_at,
            Status::Delivered => self.delivery.delivered_at,
            Status::Undelivered | Status::Failed | Status::Canceled => self.delivery.failed_at,
        };
        at.unwrap_or_default()
    }
}

/// What is told of what became of a message: the row has a reason from the first lost segment on, but it is the
/// message's only once that is given up.
pub fn told(delivery: Delivery) -> Delivery {
    match delivery.status {
        Status::Undelivered | Status::Failed => delivery,
        Status::Scheduled | Status::Queued | Status::Sent | Status::Delivered | Status::Canceled => {
            Delivery { error_type: None, error_message: None, ..delivery }
        }
    }
}
