//! One session with an SMSC, without its socket: PDUs and the time go in, octets and effects come out.
//!
//! It holds the window, pairs answers with requests, rests when the SMSC asks for it, asks after an SMSC that has gone quiet, and gives every
//! submission exactly one outcome, whatever happens to the session.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::unmatched::Reason;
use tokio::time::Instant;
use wire::smpp::{BindKind, Body, CommandId, CommandStatus, DecodeError, Pdu, Sequence, decode, encode, tag};

use super::config::SmppConfig;
use super::errors::{Action, ErrorTable};
use super::evidence;
use super::flights::{Flights, SegmentRef};
use super::receipts::{self, Delivered, Read};
use super::submit::Outgoing;
use crate::ack::Answer;
use crate::throttle::{Bucket, Rest};
use crate::unusable::{SHOWN_OCTETS_MAX, SHOWN_TEXT_OCTETS_MAX};
use crate::{Receipt, SegmentOutcome, Submission, SubmissionOutcome};

/// What a session tells its link.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The SMSC took the bind.
    Bound,
    /// It refused the bind.
    Refused(CommandStatus),
    /// A submission ended; how many segments were reserved for it.
    Outcome(SubmissionOutcome, usize),
    /// A late answer to a submission that had ended as unknown.
    LateOutcome(SubmissionOutcome),
    /// A report; its answer goes to [`Session::answer`] under this number.
    Receipt(Receipt, u32),
    /// Something that nothing here can use was refused: why, in a word and in words, and how it came.
    Unusable(Reason, &'static str, String),
    /// Something to count.
    Count(Counted),
    /// The session is over: close the connection.
    Close(String),
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Submitted,
    Throttled,
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Binding { until: Instant },
    Bound,
    Unbinding { until: Instant },
}

/// A segment that was given up, and for which an answer may still come.
struct Late {
    submission: Submission,
    total: u16,
    number: u16,
}

/// Segments given up that are remembered.
const LATE_MAX: usize = 1_000;

/// How long an SMSC may take to answer `enquire_link` or `unbind`.
const PROMPT: Duration = Duration::from_secs(10);

/// One session.
pub(crate) struct Session {
    config: Arc<SmppConfig>,
    errors: Arc<ErrorTable>,
    kind: BindKind,
    phase: Phase,
    sequence: Sequence,
    flights: Flights,
    /// Unanswered segments, by sequence number, and the numbers in the order in which they were sent.
    pending: HashMap<u32, SegmentRef>,
    sent: VecDeque<(u32, Instant)>,
    late: VecDeque<(u32, Late)>,
    window: usize,
    rest: Rest,
    bucket: Bucket,
    heard_at: Instant,
    enquired: Option<Instant>,
    unacked_receipts: usize,
    /// Numbers of unanswered receipts, for the answer's operation.
    deliveries: HashMap<u32, (CommandId, u32)>,
    next_delivery: u32,
    draining: bool,
    effects: Vec<Effect>,
}

impl Session {
    /// A session on a connection that has just opened; its bind is in `out`.
    pub(crate) fn new(config: Arc<SmppConfig>, errors: Arc<ErrorTable>, kind: BindKind, password: &str, now: Instant, out: &mut Vec<u8>) -> Self {
        let mut sequence = Sequence::new();
        let bind = wire::smpp::Bind {
            system_id: config.system_id.clone().into_bytes(),
            password: password.as_bytes().to_vec(),
            system_type: config.system_type.clone().into_bytes(),
            interface_version: config.version(),
            ..Default::default()
        };
        encode(&Pdu::new(sequence.next_number(), Body::Bind(kind, bind)), out);
        let until = now + Duration::from_secs(config.bind_timeout_secs);
        Self {
            kind,
            phase: Phase::Binding { until },
            sequence,
            flights: Flights::default(),
            pending: HashMap::new(),
            sent: VecDeque::new(),
            late: VecDeque::new(),
            window: config.window,
            rest: Rest::new(Duration::from_millis(config.throttle_floor_ms), Duration::from_millis(config.throttle_ceiling_ms)),
            bucket: Bucket::new(config.session_rate, now),
            heard_at: now,
            enquired: None,
            unacked_receipts: 0,
            deliveries: HashMap::new(),
            next_delivery: 0,
            draining: false,
            effects: Vec::new(),
            config,
            errors,
        }
    }

    /// What has happened since the last call.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Whether the SMSC has asked for a rest.
    pub(crate) fn rests(&self, now: Instant) -> bool {
        self.rest.until(now).is_some()
    }

    /// How many segments are unanswered.
    pub(crate) fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// How many unanswered segments there may be now.
    pub(crate) const fn window(&self) -> usize {
        self.window
    }

    /// Takes a submission. Its segments leave with [`Self::fill`].
    pub(crate) fn submit(&mut self, outgoing: Outgoing, now: Instant) {
        let effect = if self.draining {
            Some(Effect::Outcome(outgoing.not_sent(), outgoing.segments.len()))
        } else {
            // It may wait as long as an answer may take; its lease outlasts both.
            let leave_by = now + self.response_timeout();
            self.flights.begin(outgoing, leave_by)
        };
        self.effects.extend(effect);
    }

    /// Answers a report that was handed out under `number`.
    pub(crate) fn answer(&mut self, number: u32, answer: Answer, out: &mut Vec<u8>) {
        let Some((command, sequence)) = self.deliveries.remove(&number) else { return };
        self.unacked_receipts -= 1;
        let status = match answer {
            Answer::Taken => CommandStatus::ROK,
            Answer::TryLater => CommandStatus::RX_T_APPN,
        };
        respond(command, sequence, status, out);
    }

    /// Writes what the window, the pace and the SMSC's patience let leave now, as long as `out` holds less than `bytes_max`.
    pub(crate) fn fill(&mut self, now: Instant, bytes_max: usize, out: &mut Vec<u8>) {
        self.effects.extend(self.flights.give_up(now));
        if self.phase != Phase::Bound || self.draining || self.rest.until(now).is_some() {
            return;
        }
        while self.pending.len() < self.window && out.len() < bytes_max && self.bucket.take(now) {
            let Some((segment, submit)) = self.flights.pop() else {
                self.bucket.give_back();
                return;
            };
            let sequence = self.sequence.next_number();
            encode(&Pdu { status: CommandStatus::ROK, sequence, body: Body::SubmitSm(submit.sm.clone()), tlvs: submit.tlvs.clone() }, out);
            self.pending.insert(sequence, segment);
            self.sent.push_back((sequence, now));
            self.effects.push(Effect::Count(Counted::Submitted));
        }
    }

    /// Takes one PDU, as it was cut out of the stream.
    pub(crate) fn receive(&mut self, octets: &[u8], now: Instant, out: &mut Vec<u8>) {
        self.heard_at = now;
        self.enquired = None;
        match decode(octets) {
            Ok(pdu) => self.take(pdu, now, out),
            Err(error) => self.refuse(error, octets, out),
        }
    }

    /// The stream has lost its step.
    pub(crate) fn lost_step(&mut self, sequence: u32, out: &mut Vec<u8>) {
        self.effects.push(Effect::Count(Counted::Malformed));
        encode(&Pdu::answer(sequence, CommandStatus::RINVCMDLEN, Body::GenericNack), out);
        self.effects.push(Effect::Close("the SMSC sent an impossible command_length".to_owned()));
    }

    /// When [`Self::tick`] wants to be called next.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        let phase = match self.phase {
            Phase::Binding { until } | Phase::Unbinding { until } => Some(until),
            Phase::Bound => None,
        };
        let answer = self.sent.front().map(|(_, at)| *at + self.response_timeout());
        // The end of a rest is due even with an empty queue: until it is shown, nobody hands anything over.
        let pace = self.rest.until(now).or_else(|| if self.flights.has_queued() { self.bucket.free_at(now) } else { None });
        let quiet = self.enquired.map_or(self.heard_at + Duration::from_secs(self.config.enquire_link_secs), |at| at + PROMPT);
        [phase, answer, pace, self.flights.leave_by()].into_iter().flatten().fold(quiet, Instant::min)
    }

    /// Does what is due at `now`.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Vec<u8>) {
        match self.phase {
            Phase::Binding { until } if now >= until => self.effects.push(Effect::Close("the SMSC did not answer the bind".to_owned())),
            Phase::Unbinding { until } if now >= until => self.effects.push(Effect::Close("unbound".to_owned())),
            _ => {}
        }
        while let Some((sequence, at)) = self.sent.front().copied()
            && now >= at + self.response_timeout()
        {
            self.sent.pop_front();
            self.give_up(sequence);
        }
        match self.enquired {
            Some(at) if now >= at + PROMPT => self.effects.push(Effect::Close("the SMSC went silent".to_owned())),
            Some(_) => {}
            None if now >= self.heard_at + Duration::from_secs(self.config.enquire_link_secs) => {
                self.enquired = Some(now);
                encode(&Pdu::new(self.sequence.next_number(), Body::EnquireLink), out);
            }
            None => {}
        }
    }

    pub(crate) const fn is_draining(&self) -> bool {
        self.draining
    }

    /// Sends nothing more; unbinds once everything is answered.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
        self.effects.extend(self.flights.clear_queue());
    }

    /// Unbinds, once nothing is unanswered.
    pub(crate) fn unbind_when_done(&mut self, now: Instant, out: &mut Vec<u8>) {
        if self.draining && self.pending.is_empty() && self.unacked_receipts == 0 && self.phase == Phase::Bound {
            self.phase = Phase::Unbinding { until: now + PROMPT };
            encode(&Pdu::new(self.sequence.next_number(), Body::Unbind), out);
        }
    }

    /// The connection is gone: what was not sent was not, and what was not answered nobody knows.
    pub(crate) fn abort(&mut self) {
        self.effects.extend(self.flights.clear_queue());
        for segment in std::mem::take(&mut self.pending).into_values() {
            self.settle(segment, SegmentOutcome::Unknown { why: "the connection was lost before the answer" });
        }
        self.sent.clear();
    }

    fn response_timeout(&self) -> Duration {
        Duration::from_secs(self.config.response_timeout_secs)
    }

    fn take(&mut self, pdu: Pdu, now: Instant, out: &mut Vec<u8>) {
        self.heed_congestion(&pdu);
        match pdu.body {
            Body::SubmitSmResp(id) => self.acknowledged(pdu.sequence, pdu.status, id, now),
            Body::DeliverSm(sm) => self.delivered(CommandId::DELIVER_SM, pdu.sequence, &Delivered::of_sm(&sm, &pdu.tlvs), out),
            Body::DataSm(data) => self.delivered(CommandId::DATA_SM, pdu.sequence, &Delivered::of_data(&data, &pdu.tlvs), out),
            Body::EnquireLink => respond(CommandId::ENQUIRE_LINK, pdu.sequence, CommandStatus::ROK, out),
            Body::BindResp(..) => self.bound(pdu.status),
            Body::GenericNack => self.nacked(pdu.sequence, pdu.status, now),
            Body::Unbind => {
                respond(CommandId::UNBIND, pdu.sequence, CommandStatus::ROK, out);
                self.effects.push(Effect::Close("the SMSC unbound".to_owned()));
            }
            Body::UnbindResp => self.effects.push(Effect::Close("unbound".to_owned())),
            Body::EnquireLinkResp | Body::AlertNotification { .. } | Body::Outbind { .. } => {}
            other if other.command().is_response() => {}
            // A request that an ESME does not serve.
            _ => encode(&Pdu::answer(pdu.sequence, CommandStatus::RINVCMDID, Body::GenericNack), out),
        }
    }

    fn bound(&mut self, status: CommandStatus) {
        if !matches!(self.phase, Phase::Binding { .. }) {
            return;
        }
        if status.is_ok() {
            self.phase = Phase::Bound;
            self.effects.push(Effect::Bound);
        } else {
            self.effects.push(Effect::Refused(status));
        }
    }

    fn acknowledged(&mut self, sequence: u32, status: CommandStatus, id: Vec<u8>, now: Instant) {
        let carrier_id = Some(id).filter(|id| !id.is_empty()).map(|id| id.iter().map(|octet| char::from(*octet)).collect());
        let Some(segment) = self.pending.remove(&sequence) else {
            self.answered_late(sequence, status, carrier_id);
            return;
        };
        self.forget_answered();
        match self.errors.action(status) {
            Action::Accept => {
                self.rest.over(now);
                self.settle(segment, SegmentOutcome::Accepted { carrier_id });
            }
            Action::Throttle => self.throttled(segment, status, now),
            Action::Retry => self.settle(segment, SegmentOutcome::TryLater { status: status.to_string() }),
            action @ (Action::Reject | Action::InvalidDestination | Action::Block | Action::Expire) => {
                let error_type = action.error_type().unwrap_or(model::ErrorType::Unknown);
                self.settle(segment, SegmentOutcome::Refused { error_type, status: status.to_string() });
            }
        }
    }

    /// The SMSC is asked too much: the link rests, and the segment keeps its place at the front.
    fn throttled(&mut self, segment: SegmentRef, status: CommandStatus, now: Instant) {
        self.effects.push(Effect::Count(Counted::Throttled));
        self.rest.begin(now);
        if self.draining {
            self.settle(segment, SegmentOutcome::NotSent);
        } else {
            self.flights.push_back(segment, status);
        }
    }

    /// A `generic_nack` answers a request that the SMSC could not read. One without a number answers none that we know of.
    fn nacked(&mut self, sequence: u32, status: CommandStatus, now: Instant) {
        let status = if status.is_ok() { CommandStatus::RSYSERR } else { status };
        if matches!(self.phase, Phase::Binding { .. }) {
            self.effects.push(Effect::Refused(status));
        } else if self.pending.contains_key(&sequence) {
            self.acknowledged(sequence, status, Vec::new(), now);
        }
    }

    fn delivered(&mut self, command: CommandId, sequence: u32, delivered: &Delivered<'_>, out: &mut Vec<u8>) {
        if self.phase == Phase::Bound && self.kind == BindKind::Transmitter || matches!(self.phase, Phase::Binding { .. }) {
            self.unusable(Reason::Unreadable, "it came on a session that does not receive", evidence::of(delivered, SHOWN_TEXT_OCTETS_MAX));
            return respond(command, sequence, CommandStatus::RINVBNDSTS, out);
        }
        let receipt = match receipts::read(&self.config, delivered) {
            Read::Receipt(receipt) => receipt,
            Read::Inbound => {
                self.unusable(Reason::Inbound, "this platform receives no messages yet", evidence::of(delivered, SHOWN_TEXT_OCTETS_MAX));
                // Say so for good, or the SMSC would offer them for days.
                return respond(command, sequence, CommandStatus::RX_R_APPN, out);
            }
            Read::Unreadable { why, .. } => {
                self.unusable(Reason::Unreadable, why, evidence::of(delivered, SHOWN_OCTETS_MAX));
                return respond(command, sequence, CommandStatus::RX_R_APPN, out);
            }
        };
        if self.unacked_receipts >= self.config.receipts_pending_max {
            return respond(command, sequence, CommandStatus::RMSGQFUL, out);
        }
        let number = self.next_delivery;
        self.next_delivery = self.next_delivery.wrapping_add(1);
        self.unacked_receipts += 1;
        self.deliveries.insert(number, (command, sequence));
        self.effects.push(Effect::Receipt(receipt, number));
    }

    fn unusable(&mut self, reason: Reason, why: &'static str, raw: String) {
        self.effects.push(Effect::Unusable(reason, why, raw));
    }

    /// Answers what could not be read, so that it does not come again for ever.
    fn refuse(&mut self, error: DecodeError, octets: &[u8], out: &mut Vec<u8>) {
        self.effects.push(Effect::Count(Counted::Malformed));
        if matches!(error.command, CommandId::DELIVER_SM | CommandId::DATA_SM) {
            self.unusable(Reason::Unreadable, "a malformed PDU", evidence::of_octets(octets));
        }
        match error.command {
            command if command.is_response() => {}
            CommandId::DELIVER_SM | CommandId::DATA_SM => respond(error.command, error.sequence, CommandStatus::RX_P_APPN, out),
            _ if error.status == CommandStatus::RINVCMDID => encode(&Pdu::answer(error.sequence, error.status, Body::GenericNack), out),
            command => respond(command, error.sequence, error.status, out),
        }
    }

    fn give_up(&mut self, sequence: u32) {
        let Some(segment) = self.pending.remove(&sequence) else { return };
        if let Some((submission, total, number)) = self.flights.find(segment) {
            let late = Late { submission: submission.clone(), total, number };
            self.late.push_back((sequence, late));
            if self.late.len() > LATE_MAX {
                self.late.pop_front();
            }
        }
        self.settle(segment, SegmentOutcome::Unknown { why: "no answer in time" });
    }

    /// An answer to a segment that was given up tells what nobody knew.
    fn answered_late(&mut self, sequence: u32, status: CommandStatus, carrier_id: Option<String>) {
        let Some(at) = self.late.iter().position(|(late, _)| *late == sequence) else { return };
        let Some((_, late)) = self.late.remove(at) else { return };
        if self.errors.action(status) == Action::Accept {
            let segments = vec![(late.number, SegmentOutcome::Accepted { carrier_id })];
            self.effects.push(Effect::LateOutcome(late.submission.ended(late.total, segments)));
        }
    }

    fn settle(&mut self, segment: SegmentRef, outcome: SegmentOutcome) {
        self.effects.extend(self.flights.settle(segment, outcome));
    }

    /// Drops answered numbers from the front, so that the front is the oldest unanswered one.
    fn forget_answered(&mut self) {
        while self.sent.front().is_some_and(|(sequence, _)| !self.pending.contains_key(sequence)) {
            self.sent.pop_front();
        }
    }

    /// SMPP 5.0, 4.8.4.18: an SMSC that is nearly or wholly congested (90 and above) gets half as much. One that is not, or takes
    /// something and says nothing of it, gets more again.
    fn heed_congestion(&mut self, pdu: &Pdu) {
        let takes = pdu.status.is_ok() && matches!(pdu.body, Body::SubmitSmResp(_));
        match pdu.tlvs.number(tag::CONGESTION_STATE) {
            Some(90..) => self.window = (self.window / 2).max(1),
            Some(80..) => {}
            None if !takes => {}
            Some(_) | None => self.window = (self.window + 1).min(self.config.window),
        }
    }
}

fn respond(command: CommandId, sequence: u32, status: CommandStatus, out: &mut Vec<u8>) {
    let body = match command {
        CommandId::DELIVER_SM => Body::DeliverSmResp(Vec::new()),
        CommandId::DATA_SM => Body::DataSmResp(Vec::new()),
        CommandId::ENQUIRE_LINK => Body::EnquireLinkResp,
        CommandId::UNBIND => Body::UnbindResp,
        other => Body::Other(other.response(), Vec::new()),
    };
    encode(&Pdu::answer(sequence, status, body), out);
}

#[cfg(test)]
mod tests;
