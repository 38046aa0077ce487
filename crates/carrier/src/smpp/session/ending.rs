//! How a session ends: nothing more is submitted, and what is under way is still answered for a while. An answer that
//! is not read here is a message that is sent twice.

use std::time::Instant;
use wire::smpp::{Body, Pdu, encode};

use super::{Phase, Session};
use crate::SegmentOutcome;
use crate::smpp::effect::Effect;

/// Why what left and was not answered ends as unknown when its session is over.
const LOST: SegmentOutcome = SegmentOutcome::Unknown { why: "the connection was lost before the answer" };

impl Session {
    pub(crate) const fn is_draining(&self) -> bool {
        self.draining
    }

    /// Submits nothing more; unbinds once everything is answered.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
        self.effects.extend(self.flights.clear_queue());
    }

    /// Takes the next step of an end that has begun: unbinds once a drain is through, and closes once nothing is under
    /// way any more.
    pub(crate) fn finish(&mut self, now: Instant, out: &mut Vec<u8>) {
        let settled = self.pending.is_empty() && self.deliveries.is_empty();
        match self.phase {
            // Nothing was submitted yet, and nothing will be.
            Phase::Binding { .. } if self.draining => self.effects.push(Effect::Close("unbound".to_owned())),
            Phase::Bound if self.draining && settled => {
                self.phase = Phase::Unbinding { until: now + self.unbind_timeout() };
                encode(&Pdu::new(self.sequence.next_number(), Body::Unbind), out);
            }
            Phase::Ending { why, .. } if settled => self.effects.push(Effect::Close(why.to_owned())),
            _ => {}
        }
    }

    /// The session is to end: submits nothing more, and waits for what is under way, as long as an unbind may take. The
    /// first reason stays.
    pub(super) fn end(&mut self, why: &'static str, now: Instant) {
        self.effects.extend(self.flights.clear_queue());
        let until = match self.phase {
            Phase::Ending { .. } => return,
            Phase::Unbinding { until } => until,
            Phase::Binding { .. } | Phase::Bound => now + self.unbind_timeout(),
        };
        self.phase = Phase::Ending { until, why };
        self.effects.push(Effect::Ending(why));
    }

    /// The connection takes no more octets: those beyond the first `written` never left. Answers to the others may
    /// still come.
    pub(crate) fn cannot_write(&mut self, why: &'static str, written: u64, now: Instant) {
        self.end(why, now);
        self.unconfirmed.clear();
        self.give_back_unwritten(written);
    }

    /// The SMSC will send nothing more, so that what is unanswered stays so. Its own requests may still be answered.
    pub(crate) fn hung_up(&mut self, why: &'static str, written: u64, now: Instant) {
        self.end(why, now);
        self.has_hung_up = true;
        self.unconfirmed.clear();
        self.abandon(written);
    }

    /// The connection is gone: of what left and was not answered nobody knows what became of it, and the rest did not
    /// leave.
    pub(crate) fn abort(&mut self, written: u64) {
        self.effects.extend(self.flights.clear_queue());
        self.abandon_early();
        self.abandon(written);
    }

    fn abandon(&mut self, written: u64) {
        self.give_back_unwritten(written);
        for (_, segment) in self.pending_in_order() {
            self.settle(segment, LOST);
        }
        self.pending.clear();
        self.sent.clear();
    }

    /// Ends segments as not sent whose last octet the connection never took: the SMSC cannot have them.
    fn give_back_unwritten(&mut self, written: u64) {
        for (sequence, segment) in self.pending_in_order() {
            if self.pending.get(&sequence).is_some_and(|in_flight| in_flight.end > written) {
                self.pending.remove(&sequence);
                self.settle(segment, SegmentOutcome::NotSent);
            }
        }
        self.forget_answered();
    }

    fn pending_in_order(&self) -> Vec<(u32, super::SegmentRef)> {
        self.sent.iter().filter_map(|(sequence, _)| Some((*sequence, self.pending.get(sequence)?.segment))).collect()
    }
}
