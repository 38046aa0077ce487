//! The row of a message that changes, while a transaction changes it.

use std::sync::LazyLock;

use model::event::EventKind;
use model::message::Delivery;
use model::{AccountId, Assignment, BroadcastId, ErrorType, MessageId, Mode, Owner, Status, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::changes::mode_of_message;
use super::messages::add_event;
use super::retention::blank_message;
use super::rows::{self, DELIVERY, mask_from_sql, mask_to_sql};
use super::shares::{Share, Shares};
use super::wait_index;
use super::writer::Group;
use crate::contract::changes::Resource;
use crate::contract::dispatch::SegmentAck;

macro_rules! update {
    ($more:literal) => {
        concat!(
            "UPDATE delivery SET lease = ?2, in_flight = ?3, attempts = ?5, unknown_outcomes = ?6, accepted_segments \
             = ?7, ",
            "delivered_segments = ?8, lost_segments = ?9, segments = ?10, sent_at = ?11, delivered_at = ?12, \
             failed_at = ?13, error_type = ?14, error_message = ?15",
            $more,
            " WHERE message_id = ?1"
        )
    };
}

static SELECT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {DELIVERY}, d.account_id, d.due_at, d.lease, d.in_flight, d.accepted_segments, d.delivered_segments, \
         d.lost_segments, d.segments, d.broadcast_id, d.receipt_by, d.test, d.shares FROM delivery d \
         WHERE d.message_id = ?1"
    )
});

const UPDATE_STILL: &str = update!("");
const UPDATE_MOVED: &str = update!(
    ", held = ?4, status = ?16, carrier = ?17, due_at = ?18, receipt_by = ?19, receipt_missing = ?20, shares = ?21"
);

/// What became of a message so far, and who holds it.
pub(super) struct Life {
    pub(super) id: MessageId,
    pub(super) account: AccountId,
    /// Which world of the account it belongs to, where the row says so.
    mode: Option<Mode>,
    pub(super) delivery: Delivery,
    pub(super) due_at: Timestamp,
    /// Until when it waits for its receipts.
    pub(super) receipt_by: Option<Timestamp>,
    pub(super) lease: u64,
    pub(super) in_flight: bool,
    /// Masks of segments, in the cut of the carrier that it stands with: those that this carrier took, those that
    /// arrived, those that never will.
    pub(super) accepted: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
    /// How many there are in that cut.
    segments: u16,
    /// What carriers took that it has left.
    pub(super) shares: Shares,
    /// The broadcast that it counts in.
    pub(super) broadcast: Option<BroadcastId>,
    /// Whether its recipient counts as skipped now.
    skipped: bool,
    /// The indexed columns as they stand in the file.
    stored: Stored,
}

/// The columns that decide where a message stands in the indexes, and the one that nearly always is empty.
struct Stored {
    status: Status,
    carrier: Assignment,
    due_at: Timestamp,
    held: bool,
    receipt_by: Option<Timestamp>,
    shares: Shares,
}

impl Life {
    pub(super) fn load(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Self>> {
        let read = |row: &rusqlite::Row<'_>| {
            let delivery = rows::delivery(row, 0)?;
            let (due_at, receipt_by) = (rows::time(row, 13)?, rows::time_if_any(row, 21)?);
            let shares: Shares = row.get(23)?;
            Ok(Self {
                id,
                account: AccountId::from_bytes(row.get(12)?),
                mode: row.get::<_, Option<bool>>(22)?.map(rows::mode_if_test),
                due_at,
                lease: mask_from_sql(row.get(14)?),
                in_flight: row.get(15)?,
                accepted: mask_from_sql(row.get(16)?),
                delivered: mask_from_sql(row.get(17)?),
                lost: mask_from_sql(row.get(18)?),
                segments: row.get(19)?,
                broadcast: row.get::<_, Option<[u8; 16]>>(20)?.map(BroadcastId::from_bytes),
                skipped: false,
                receipt_by,
                stored: Stored {
                    status: delivery.status,
                    carrier: delivery.carrier.clone(),
                    due_at,
                    held: delivery.held,
                    receipt_by,
                    shares: shares.clone(),
                },
                shares,
                delivery,
            })
        };
        connection.prepare_cached(&SELECT)?.query_row([id.to_bytes()], read).optional()
    }

    /// Writes the row, counts a changed status in the message's broadcast, and notes the change. Nothing else writes a
    /// status, so that none changes in silence. Touches the indexes only where the message moves in them: most
    /// changes leave it where it is.
    pub(super) fn save(&self, group: &mut Group) -> rusqlite::Result<()> {
        if let Some(broadcast) = self.broadcast {
            let taken = self.stored.status == Status::Queued
                && (matches!(self.delivery.status, Status::Sent | Status::Delivered) || self.lost != 0);
            group.tally(broadcast).moved(
                self.stored.status,
                self.delivery.status,
                self.skipped,
                taken,
                self.changed_at(),
            );
        }
        let connection = &group.connection;
        let d = &self.delivery;
        let time = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        let (id, lease) = (self.id.to_bytes(), mask_to_sql(self.lease));
        let (accepted, delivered, lost) =
            (mask_to_sql(self.accepted), mask_to_sql(self.delivered), mask_to_sql(self.lost));
        let (sent_at, delivered_at, failed_at) = (time(d.sent_at), time(d.delivered_at), time(d.failed_at));
        let error = d.error_type.map(ErrorType::as_str);
        let stored = &self.stored;
        let moved = (d.status, &d.carrier, self.due_at, d.held, self.receipt_by, &self.shares)
            != (stored.status, &stored.carrier, stored.due_at, stored.held, stored.receipt_by, &stored.shares);
        let (status, due_at, receipt_by) = (d.status.as_str(), self.due_at.as_millis(), time(self.receipt_by));
        let values = params![
            id,
            lease,
            self.in_flight,
            d.held,
            d.attempts,
            d.unknown_outcomes,
            accepted,
            delivered,
            lost,
            self.segments,
            sent_at,
            delivered_at,
            failed_at,
            error,
            d.error_message,
            status,
            d.carrier.as_str(),
            due_at,
            receipt_by,
            d.receipt_missing,
            self.shares.to_column()
        ];
        if moved {
            connection.prepare_cached(UPDATE_MOVED)?.execute(values)?;
        } else {
            connection.prepare_cached(UPDATE_STILL)?.execute(&values[..15])?;
        }
        if !self.in_flight {
            group.flights.end(self.id);
        }
        if self.ends() && group.texts.goes_with_message(self.account, u128::from_be_bytes(id)) {
            blank_message(&group.connection, self.account, self.id)?;
        }
        if d.status != self.stored.status {
            group.relist(self.id, self.broadcast, self.stored.status, d.status)?;
            self.note(group)?;
        }
        if self.receipt_by.is_some() && self.receipt_by != stored.receipt_by && group.is_listed(self.id, self.broadcast)
        {
            wait_index::file(&group.connection, id, receipt_by)?;
        }
        Ok(())
    }

    /// Whether this change ends the message: nothing of it is sent any more, and it waits for no receipt.
    fn ends(&self) -> bool {
        let has_ended = |status, receipt_by: Option<Timestamp>| status != Status::Queued && receipt_by.is_none();
        has_ended(self.delivery.status, self.receipt_by) && !has_ended(self.stored.status, self.stored.receipt_by)
    }

    /// Whether `token` is the lease that the message is held under.
    pub(super) const fn is_held_under(&self, token: u64) -> bool {
        token != 0 && self.lease == token && matches!(self.delivery.status, Status::Queued)
    }

    /// Ends the lease and whatever attempt it covered.
    pub(super) const fn let_go(&mut self) {
        self.lease = 0;
        self.in_flight = false;
    }

    /// Assigns the message to a carrier. What another one took of it counts no more until it comes back to that one:
    /// carriers cut a text differently, and a handset cannot join what they made.
    pub(super) fn stand_with(&mut self, carrier: &Assignment) {
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
    pub(super) fn refuse(&mut self) {
        let all = u64::MAX >> (64 - self.segments.clamp(1, 64));
        self.lost |= all & !self.accepted;
    }

    /// Notes what its carrier took, of `total` segments.
    pub(super) fn took(&mut self, total: u16, segments: &[SegmentAck]) {
        if !segments.is_empty() {
            self.accepted = segments.iter().fold(self.accepted, |mask, segment| mask | Self::bit(segment.number));
            self.segments = total;
        }
    }

    /// Changes the status, where the status machine lets it. Says whether it did.
    pub(super) fn change(&mut self, status: Status, at: Timestamp, error: Option<(ErrorType, String)>) -> bool {
        if !self.delivery.status.may_become(status) {
            return false;
        }
        self.let_go();
        self.delivery.held = false;
        (self.receipt_by, self.delivery.receipt_missing) = (None, false);
        self.delivery.status = status;
        match status {
            Status::Queued => {}
            Status::Sent => self.delivery.sent_at = Some(at),
            Status::Delivered => self.delivery.delivered_at = Some(at),
            Status::Undelivered | Status::Failed => self.delivery.failed_at = Some(at),
        }
        if let Some((kind, message)) = error {
            self.delivery.error_type = Some(kind);
            self.delivery.error_message = Some(message);
        }
        true
    }

    /// Ends a message that is not to be sent any more. Where an earlier attempt may have reached the recipient it has
    /// failed for no known reason; otherwise the recipient is skipped. Says whether the status changed.
    pub(super) fn skip(&mut self, connection: &Connection, at: Timestamp, why: &str) -> rusqlite::Result<bool> {
        let may_have_left = self.accepted != 0 || self.shares.took_any() || self.delivery.unknown_outcomes > 0;
        if !self.change(Status::Failed, at, may_have_left.then(|| (ErrorType::Unknown, String::new()))) {
            return Ok(false);
        }
        self.skipped = !may_have_left;
        self.delivery.error_message = Some(why.to_owned());
        add_event(connection, self.id, at, EventKind::Ended, None, None, why)?;
        Ok(true)
    }

    /// The mask of segment `number`, from 1; none for a number that cannot be.
    pub(super) const fn bit(number: u16) -> u64 {
        if number == 0 || number > 64 { 0 } else { 1 << (number - 1) }
    }

    /// Whether every segment is in `mask`. What has no text is handed over in one piece.
    pub(super) fn is_whole(&self, mask: u64) -> bool {
        let all = u64::MAX >> (64 - self.segments.clamp(1, 64));
        mask & all == all
    }

    fn note(&self, group: &mut Group) -> rusqlite::Result<()> {
        let mode = match self.mode {
            Some(mode) => mode,
            None => mode_of_message(&group.connection, self.account.to_bytes(), self.id.to_bytes())?,
        };
        let owner = Owner { account: self.account, mode };
        let resource =
            Resource::Message { id: self.id, broadcast: self.broadcast, delivery: rows::told(self.delivery.clone()) };
        group.note(self.changed_at(), Some(owner), resource);
        Ok(())
    }

    /// When the message came to the status that it has.
    fn changed_at(&self) -> Timestamp {
        let at = match self.delivery.status {
            Status::Queued => None,
            Status::Sent => self.delivery.sent_at,
            Status::Delivered => self.delivery.delivered_at,
            Status::Undelivered | Status::Failed => self.delivery.failed_at,
        };
        at.unwrap_or_default()
    }
}
