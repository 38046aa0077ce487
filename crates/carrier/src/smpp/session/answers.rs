//! The meaning of the SMSC's answers, for the segment and for the session.

use std::time::Instant;
use wire::smpp::{BindKind, Body, CommandStatus, Pdu, encode, tag};

use super::{LATE_MAX, Late, Phase, SegmentRef, Session};
use crate::SegmentOutcome;
use crate::action::{Action, BindAction};
use crate::codes::{Answers, Consequence};
use crate::smpp::effect::{Counted, Effect};

/// Why a session ends when the SMSC answers `ESME_RINVBNDSTS` (SMPP 3.4, 5.1.3).
const NOT_BOUND: &str = "the SMSC says that the session is not bound";

impl Session {
    pub(super) fn bound(&mut self, kind: BindKind, status: CommandStatus, out: &mut Vec<u8>) {
        if !matches!(self.phase, Phase::Binding { .. }) {
            return;
        }
        if !status.is_ok() {
            return self.refused(status);
        }
        if kind != self.kind {
            // It would send no receipts or take no messages, and nobody would notice. The SMSC believes that something
            // is bound, so that is ended in order.
            encode(&Pdu::new(self.sequence.next_number(), Body::Unbind), out);
            let why = format!("the SMSC answered {} with {}", self.kind.command(), kind.command().response());
            return self.effects.push(Effect::Refused { why, action: BindAction::Retry });
        }
        self.insight.codes.status(Answers::Bind, status, Consequence::Accepted);
        self.phase = Phase::Bound;
        self.effects.push(Effect::Bound);
        self.take_early(out);
    }

    fn refused(&mut self, status: CommandStatus) {
        let action = self.errors.bind_action(status);
        self.insight.codes.status(Answers::Bind, status, Consequence::of_bind(action));
        self.effects.push(Effect::Refused { why: format!("the bind was refused: {status}"), action });
    }

    /// An answer to `enquire_link` is a sign of life, whatever its status.
    pub(super) fn answered_enquiry(&mut self, status: CommandStatus) {
        if !status.is_ok() {
            self.remark(format!("the SMSC answers enquire_link with {status}"));
        }
    }

    /// Notes something odd that changes nothing, once for each session.
    fn remark(&mut self, what: String) {
        if !self.remarked {
            self.remarked = true;
            self.effects.push(Effect::Remark(what));
        }
    }

    pub(super) fn unbound(&mut self, now: Instant) {
        self.end("unbound", now);
    }

    pub(super) fn acknowledged(&mut self, sequence: u32, status: CommandStatus, id: Vec<u8>, now: Instant) {
        let carrier_id =
            Some(id).filter(|id| !id.is_empty()).map(|id| id.iter().map(|octet| char::from(*octet)).collect());
        let Some(in_flight) = self.pending.remove(&sequence) else {
            self.answered_late(sequence, status, carrier_id);
            return;
        };
        let segment = in_flight.segment;
        self.forget_answered();
        let action = self.errors.action(status);
        self.insight.codes.status(Answers::Message, status, Consequence::of(action));
        match action {
            Action::Accept => {
                self.remember(segment, carrier_id.as_deref());
                self.rest.over(now);
                self.full_queues.over();
                self.settle(segment, SegmentOutcome::Accepted { carrier_id, remark: None });
            }
            Action::Throttle => self.throttled(segment, status, now),
            Action::QueueFull => self.queue_full(segment, status, now),
            Action::Retry => self.settle(segment, SegmentOutcome::TryLater { status: status.to_string() }),
            Action::Rebind => {
                self.settle(segment, SegmentOutcome::NotBound { status: status.to_string() });
                self.end(NOT_BOUND, now);
            }
            action @ (Action::Reject | Action::InvalidDestination | Action::Block | Action::Expire) => {
                let error_type = action.error_type().unwrap_or(model::ErrorType::Unknown);
                self.settle(segment, SegmentOutcome::Refused { error_type, status: status.to_string() });
            }
        }
    }

    /// Has the trace find the message when a receipt names this id.
    fn remember(&self, segment: SegmentRef, carrier_id: Option<&str>) {
        if self.insight.trace.is_on()
            && let Some(carrier_id) = carrier_id
            && let Some((submission, ..)) = self.flights.find(segment)
        {
            self.insight.trace.took(carrier_id, submission.message.id);
        }
    }

    /// The SMSC is asked too much: the link rests, and the segment keeps its place at the front.
    fn throttled(&mut self, segment: SegmentRef, status: CommandStatus, now: Instant) {
        self.rest_from(now);
        if self.draining || self.phase != Phase::Bound {
            self.settle(segment, SegmentOutcome::NotSent);
        } else {
            self.flights.push_back(segment, status);
        }
    }

    /// The recipient's queue is full: the message waits by itself, and the link rests only where that is said of many
    /// recipients in a row.
    fn queue_full(&mut self, segment: SegmentRef, status: CommandStatus, now: Instant) {
        let of_many = self
            .flights
            .find(segment)
            .is_some_and(|(submission, ..)| self.full_queues.note(submission.message.recipient));
        if of_many {
            self.rest_from(now);
        }
        self.settle(segment, SegmentOutcome::TryLater { status: status.to_string() });
    }

    fn rest_from(&mut self, now: Instant) {
        self.effects.push(Effect::Count(Counted::Throttled));
        self.rest.begin(now);
    }

    /// A `generic_nack` answers a request that the SMSC could not read, or one without a number any request. That we
    /// are not bound it may say of either.
    pub(super) fn nacked(&mut self, sequence: u32, status: CommandStatus, now: Instant) {
        let status = if status.is_ok() { CommandStatus::RSYSERR } else { status };
        match self.phase {
            Phase::Binding { .. } => self.refused(status),
            _ if self.pending.contains_key(&sequence) => self.acknowledged(sequence, status, Vec::new(), now),
            _ if self.errors.action(status) == Action::Rebind => self.end(NOT_BOUND, now),
            Phase::Unbinding { .. } => self.unbound(now),
            Phase::Bound | Phase::Ending { .. } => {
                self.remark(format!("the SMSC answers a request with generic_nack {status}"));
            }
        }
    }

    pub(super) fn give_up(&mut self, sequence: u32) {
        let Some(in_flight) = self.pending.remove(&sequence) else { return };
        if let Some((submission, total, number)) = self.flights.find(in_flight.segment) {
            let late = Late { submission: submission.clone(), total, number };
            self.late.push_back((sequence, late));
            if self.late.len() > LATE_MAX {
                self.late.pop_front();
            }
        }
        self.settle(in_flight.segment, SegmentOutcome::Unknown { why: "no answer in time" });
    }

    /// An answer to a segment that was given up tells what nobody knew.
    fn answered_late(&mut self, sequence: u32, status: CommandStatus, carrier_id: Option<String>) {
        let Some(at) = self.late.iter().position(|(late, _)| *late == sequence) else { return };
        let Some((_, late)) = self.late.remove(at) else { return };
        let action = self.errors.action(status);
        self.insight.codes.status(Answers::Message, status, Consequence::of(action));
        if action == Action::Accept {
            let segments = vec![(late.number, SegmentOutcome::Accepted { carrier_id, remark: None })];
            self.effects.push(Effect::LateOutcome(late.submission.ended(late.total, segments)));
        }
    }

    pub(super) fn settle(&mut self, segment: SegmentRef, outcome: SegmentOutcome) {
        self.effects.extend(self.flights.settle(segment, outcome));
    }

    /// Drops answered numbers from the front, so that the front is the oldest unanswered one.
    pub(super) fn forget_answered(&mut self) {
        while self.sent.front().is_some_and(|(sequence, _)| !self.pending.contains_key(sequence)) {
            self.sent.pop_front();
        }
    }

    /// SMPP 5.0, 4.8.4.18: an SMSC that is nearly or wholly congested (90 and above) gets half as much. One that is
    /// not, or takes something and says nothing of it, gets more again.
    pub(super) fn heed_congestion(&mut self, pdu: &Pdu) {
        let takes = pdu.status.is_ok() && matches!(pdu.body, Body::SubmitSmResp(_));
        match pdu.tlvs.number(tag::CONGESTION_STATE) {
            Some(90..) => self.window = (self.window / 2).max(1),
            Some(80..) => {}
            None if !takes => {}
            Some(_) | None => self.window = (self.window + 1).min(self.config.window),
        }
    }
}
