//! One session with an SMSC, without its socket: PDUs and the time go in, octets and effects come out.
//!
//! It holds the window, pairs answers with requests, rests when the SMSC asks for it, asks after an SMSC that has gone
//! quiet, and gives every submission exactly one outcome, whatever happens to the session. `answers` has what follows
//! from the SMSC's answers, `ending` how a session ends.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::unmatched::Reason;
use wire::smpp::{BindKind, Body, CommandId, CommandStatus, Pdu, Sequence, decode, encode};

use self::deliveries::{Delivery, Unconfirmed};
use super::config::SmppConfig;
use super::effect::{Counted, Effect};
use super::errors::ErrorTable;
use super::flights::{Flights, SegmentRef};
use super::link_state::Standing;
use super::parts::Parts;
use super::shared::Shared;
use super::submit::Outgoing;
use crate::throttle::{Bucket, FullQueues, Rest};
use crate::{Insight, Submission};

mod answers;
mod deliveries;
mod ending;
mod seen;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Binding {
        until: Instant,
    },
    Bound,
    /// We have asked to unbind.
    Unbinding {
        until: Instant,
    },
    /// Nothing more is submitted; what is under way may be answered until then.
    Ending {
        until: Instant,
        why: &'static str,
    },
}

/// A segment that was handed to the connection and is unanswered.
struct InFlight {
    segment: SegmentRef,
    /// Where its PDU ends, counted in octets from the connection's beginning.
    end: u64,
}

/// A segment that was given up, and for which an answer may still come.
struct Late {
    submission: Submission,
    total: u16,
    number: u16,
}

/// Segments given up that are remembered.
const LATE_MAX: usize = 1_000;

/// One session.
pub(crate) struct Session {
    config: Arc<SmppConfig>,
    errors: Arc<ErrorTable>,
    insight: Arc<Insight>,
    kind: BindKind,
    phase: Phase,
    sequence: Sequence,
    flights: Flights,
    /// Unanswered segments, by sequence number, and the numbers in the order in which they were sent.
    pending: HashMap<u32, InFlight>,
    sent: VecDeque<(u32, Instant)>,
    late: VecDeque<(u32, Late)>,
    window: usize,
    rest: Rest,
    full_queues: FullQueues,
    bucket: Bucket,
    heard_at: Instant,
    enquired: Option<Instant>,
    unacked_receipts: usize,
    unacked_inbound: usize,
    /// Deliveries that wait for their answers, by the numbers under which they were handed out.
    deliveries: HashMap<u32, Delivery>,
    next_delivery: u32,
    /// Parts of receipts, which may come on any session of the carrier.
    parts: Arc<Parts>,
    /// What was delivered before the answer to the bind, and when.
    early: Vec<(Pdu, Instant)>,
    /// Answers to messages of handsets that the connection has not taken yet, in their order.
    unconfirmed: VecDeque<Unconfirmed>,
    /// The SMSC has ended its side of the connection: what is answered now it may never read.
    has_hung_up: bool,
    draining: bool,
    remarked: bool,
    effects: Vec<Effect>,
}

impl Session {
    /// A session on a connection that has just opened; its bind is in `out`.
    pub(crate) fn new(of: &Shared, kind: BindKind, password: &str, now: Instant, out: &mut Vec<u8>) -> Self {
        let (config, errors, parts) = (Arc::clone(&of.config), Arc::clone(&of.errors), Arc::clone(&of.parts));
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
            rest: Rest::new(
                Duration::from_millis(config.throttle_floor_ms),
                Duration::from_millis(config.throttle_ceiling_ms),
            ),
            full_queues: FullQueues::new(config.queue_full_recipients),
            bucket: Bucket::new(config.session_rate, now),
            heard_at: now,
            enquired: None,
            unacked_receipts: 0,
            unacked_inbound: 0,
            deliveries: HashMap::new(),
            next_delivery: 0,
            parts,
            early: Vec::new(),
            unconfirmed: VecDeque::new(),
            has_hung_up: false,
            draining: false,
            remarked: false,
            effects: Vec::new(),
            insight: Arc::clone(&of.insight),
            config,
            errors,
        }
    }

    /// What has happened since the last call.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// How it stands.
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        Standing {
            bound: matches!(self.phase, Phase::Bound | Phase::Unbinding { .. }),
            resting: self.rest.until(now).is_some(),
            window: self.window,
            unanswered: self.pending.len(),
        }
    }

    /// Takes a submission. Its segments leave with [`Self::fill`].
    pub(crate) fn submit(&mut self, outgoing: Outgoing, now: Instant) {
        let effect = if self.draining || matches!(self.phase, Phase::Unbinding { .. } | Phase::Ending { .. }) {
            Some(Effect::Outcome(outgoing.not_sent(), outgoing.segments.len()))
        } else {
            // As `SmppConfig::answers_within` promises.
            let leave_by = now + self.config.response_timeout();
            self.flights.begin(outgoing, leave_by)
        };
        self.effects.extend(effect);
    }

    /// Writes what the window, the pace and the SMSC's patience let leave now, as long as `out` holds less than
    /// `bytes_max`. Before `out`, the connection was given `handed_over` octets.
    pub(crate) fn fill(&mut self, now: Instant, bytes_max: usize, handed_over: u64, out: &mut Vec<u8>) {
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
            encode(
                &Pdu {
                    status: CommandStatus::ROK,
                    sequence,
                    body: Body::SubmitSm(submit.sm.clone()),
                    tlvs: submit.tlvs.clone(),
                },
                out,
            );
            self.pending.insert(sequence, InFlight { segment, end: handed_over + out.len() as u64 });
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
        let shown = format!("a command_length that no PDU has, sequence_number {sequence}");
        self.effects.push(Effect::Unusable(Reason::Unreadable, "an impossible command_length", shown));
        encode(&Pdu::answer(sequence, CommandStatus::RINVCMDLEN, Body::GenericNack), out);
        self.effects.push(Effect::Close("the SMSC sent an impossible command_length".to_owned()));
    }

    /// When [`Self::tick`] wants to be called next.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        let phase = match self.phase {
            Phase::Binding { until } | Phase::Unbinding { until } | Phase::Ending { until, .. } => until,
            Phase::Bound => self.enquired.map_or_else(|| self.enquire_at(), |at| at + self.enquire_timeout()),
        };
        let answer = self.sent.front().map(|(_, at)| *at + self.config.response_timeout());
        // The end of a rest is due even with an empty queue: until it is shown, nobody hands anything over.
        let pace =
            self.rest.until(now).or_else(|| if self.flights.has_queued() { self.bucket.free_at(now) } else { None });
        [answer, pace, self.flights.leave_by()].into_iter().flatten().fold(phase, Instant::min)
    }

    /// Does what is due at `now`.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Vec<u8>) {
        while let Some((sequence, at)) = self.sent.front().copied()
            && now >= at + self.config.response_timeout()
        {
            self.sent.pop_front();
            self.give_up(sequence);
        }
        self.give_up_parts(now);
        match self.phase {
            Phase::Binding { until } if now >= until => {
                self.effects.push(Effect::Close("the SMSC did not answer the bind".to_owned()));
            }
            Phase::Unbinding { until } if now >= until => self.effects.push(Effect::Close("unbound".to_owned())),
            Phase::Ending { until, why } if now >= until => self.effects.push(Effect::Close(why.to_owned())),
            Phase::Bound if self.enquired.is_some_and(|at| now >= at + self.enquire_timeout()) => {
                self.effects.push(Effect::Close("the SMSC went silent".to_owned()));
            }
            Phase::Bound if self.enquired.is_none() && now >= self.enquire_at() => {
                self.enquired = Some(now);
                encode(&Pdu::new(self.sequence.next_number(), Body::EnquireLink), out);
            }
            _ => {}
        }
    }

    /// When the SMSC is asked whether it is there, unless it says something before.
    fn enquire_at(&self) -> Instant {
        self.heard_at + Duration::from_secs(self.config.enquire_link_secs)
    }

    fn enquire_timeout(&self) -> Duration {
        Duration::from_secs(self.config.enquire_link_timeout_secs)
    }

    fn unbind_timeout(&self) -> Duration {
        Duration::from_secs(self.config.unbind_timeout_secs)
    }

    fn take(&mut self, pdu: Pdu, now: Instant, out: &mut Vec<u8>) {
        self.heed_congestion(&pdu);
        match pdu.body {
            Body::SubmitSmResp(id) => self.acknowledged(pdu.sequence, pdu.status, id, now),
            Body::DeliverSm(_) | Body::DataSm(_) => self.take_delivery(pdu, now, out),
            Body::EnquireLink => respond(CommandId::ENQUIRE_LINK, pdu.sequence, CommandStatus::ROK, out),
            Body::BindResp(kind, _) => self.bound(kind, pdu.status, out),
            Body::GenericNack => self.nacked(pdu.sequence, pdu.status, now),
            Body::Unbind => {
                respond(CommandId::UNBIND, pdu.sequence, CommandStatus::ROK, out);
                self.end("the SMSC unbound", now);
            }
            Body::UnbindResp => self.unbound(now),
            Body::EnquireLinkResp => self.answered_enquiry(pdu.status),
            Body::AlertNotification { .. } | Body::Outbind { .. } => {}
            other if other.command().is_response() => {}
            // A request that an ESME does not serve.
            _ => encode(&Pdu::answer(pdu.sequence, CommandStatus::RINVCMDID, Body::GenericNack), out),
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
