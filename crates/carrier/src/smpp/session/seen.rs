//! A session as the operator sees it: its state in a word, and the messages that traced PDUs belong to.

use std::time::Instant;

use model::MessageId;
use wire::smpp::CommandId;

use super::{Phase, Session};
use crate::smpp::effect::Effect;

impl Session {
    /// Its state in one word.
    pub(crate) fn word(&self, now: Instant) -> &'static str {
        match self.phase {
            Phase::Binding { .. } => "binding",
            Phase::Bound if self.rest.until(now).is_some() => "throttled",
            Phase::Bound => "bound",
            Phase::Unbinding { .. } => "unbinding",
            Phase::Ending { .. } => "ending",
        }
    }

    /// As [`Self::receive`], while the trace is on. The message that the PDU belongs to, where that is known.
    pub(crate) fn receive_traced(&mut self, octets: &[u8], now: Instant, out: &mut Vec<u8>) -> Option<MessageId> {
        let of_answer = match head(octets) {
            Some((CommandId::SUBMIT_SM_RESP | CommandId::GENERIC_NACK, sequence)) => self.message_of(sequence),
            _ => None,
        };
        let before = self.effects.len();
        self.receive(octets, now, out);
        let of_receipt = || {
            self.effects[before..].iter().find_map(|effect| match effect {
                Effect::Receipt(receipt, _) => self.insight.trace.message_of(&receipt.keys),
                _ => None,
            })
        };
        of_answer.or_else(of_receipt)
    }

    /// The message that a PDU of ours belongs to, which is on its way.
    pub(crate) fn sent_message(&self, octets: &[u8]) -> Option<MessageId> {
        match head(octets)? {
            (CommandId::SUBMIT_SM, sequence) => self.message_of(sequence),
            _ => None,
        }
    }

    /// The message of a `submit_sm` that has not been answered, or was given up.
    fn message_of(&self, sequence: u32) -> Option<MessageId> {
        match self.pending.get(&sequence) {
            Some(in_flight) => self.flights.find(in_flight.segment).map(|(submission, ..)| submission.message.id),
            None => {
                let late = self.late.iter().find(|(late, _)| *late == sequence);
                late.map(|(_, late)| late.submission.message.id)
            }
        }
    }
}

/// The operation and the number of a PDU.
fn head(octets: &[u8]) -> Option<(CommandId, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(octets.get(at..at + 4)?.try_into().ok()?));
    Some((CommandId(number(4)?), number(12)?))
}
