//! Reports of a link to the trace of its carrier.

use model::MessageId;

use super::Driver;
use crate::smpp::traced;
use crate::trace::{Direction, Seen};

impl Driver<'_> {
    /// Traces the PDUs that are about to be written.
    pub(super) fn trace_sent(&self, mut octets: &[u8]) {
        if !self.link.shared.insight.trace.is_on() {
            return;
        }
        while let Some((length, _)) = octets.split_first_chunk::<4>() {
            let length = (u32::from_be_bytes(*length) as usize).clamp(4, octets.len());
            let (pdu, rest) = octets.split_at(length);
            self.note(Direction::Out, pdu, self.session.sent_message(pdu));
            octets = rest;
        }
    }

    /// Traces a PDU.
    pub(super) fn note(&self, direction: Direction, pdu: &[u8], message: Option<MessageId>) {
        let at = self.alarm.runtime().now();
        let seen = Seen { at, session: Some(self.link.index + 1), direction, message };
        self.link.shared.insight.trace.note(seen, |texts| traced::of_octets(pdu, texts));
    }
}
