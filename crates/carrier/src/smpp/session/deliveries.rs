//! What the SMSC delivers: receipts, in one piece or several, and what nothing here can use.

use model::unmatched::Reason;
use std::time::Instant;
use wire::smpp::{BindKind, Body, CommandId, CommandStatus, DecodeError, Pdu, encode};

use super::{Phase, Session, respond};
use crate::ack::Answer;
use crate::smpp::delivered::Delivered;
use crate::smpp::effect::{Counted, Effect};
use crate::smpp::evidence;
use crate::smpp::parts::{Name, Part, Taken};
use crate::smpp::receipts::{self, Read};
use crate::unusable::{SHOWN_OCTETS_MAX, SHOWN_TEXT_OCTETS_MAX};

/// Deliveries that are kept until the bind is answered. Further ones are refused.
const EARLY_MAX: usize = 100;

/// A report that was handed out and is not answered yet.
pub(super) struct Delivery {
    command: CommandId,
    sequence: u32,
    /// The receipt of several parts that it completes.
    name: Option<Name>,
}

impl Session {
    /// Takes a `deliver_sm` or `data_sm`. One that comes before the answer to a bind that receives is kept until that
    /// is there.
    pub(super) fn take_delivery(&mut self, pdu: Pdu, now: Instant, out: &mut Vec<u8>) {
        let is_early = matches!(self.phase, Phase::Binding { .. }) && self.kind != BindKind::Transmitter;
        if is_early && self.early.len() < EARLY_MAX {
            return self.early.push(pdu);
        }
        match &pdu.body {
            Body::DeliverSm(sm) => {
                self.delivered(CommandId::DELIVER_SM, pdu.sequence, &Delivered::of_sm(sm, &pdu.tlvs), now, out);
            }
            Body::DataSm(data) => {
                self.delivered(CommandId::DATA_SM, pdu.sequence, &Delivered::of_data(data, &pdu.tlvs), now, out);
            }
            _ => {}
        }
    }

    /// Takes what came before the answer to the bind.
    pub(super) fn take_early(&mut self, now: Instant, out: &mut Vec<u8>) {
        for pdu in std::mem::take(&mut self.early) {
            self.take_delivery(pdu, now, out);
        }
    }

    /// The session ends without having been bound: what came before is not answered, and the SMSC has it still.
    pub(super) fn abandon_early(&mut self) {
        for pdu in std::mem::take(&mut self.early) {
            let raw = match &pdu.body {
                Body::DeliverSm(sm) => evidence::of(&Delivered::of_sm(sm, &pdu.tlvs), SHOWN_TEXT_OCTETS_MAX),
                Body::DataSm(data) => evidence::of(&Delivered::of_data(data, &pdu.tlvs), SHOWN_TEXT_OCTETS_MAX),
                _ => continue,
            };
            self.unusable(Reason::Unreadable, "the session ended before it was bound", raw);
        }
    }

    fn delivered(
        &mut self,
        command: CommandId,
        sequence: u32,
        delivered: &Delivered<'_>,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        if self.phase == Phase::Bound && self.kind == BindKind::Transmitter
            || matches!(self.phase, Phase::Binding { .. })
        {
            self.unusable(
                Reason::Unreadable,
                "it came on a session that does not receive",
                evidence::of(delivered, SHOWN_TEXT_OCTETS_MAX),
            );
            return respond(command, sequence, CommandStatus::RINVBNDSTS, out);
        }
        let read = receipts::read(&self.config, delivered);
        let taken = Part::of(delivered).map_or(Taken::Alone, |part| {
            self.parts.take(part, receipts::standing(&self.config, &read, delivered), now)
        });
        match taken {
            Taken::Alone => self.hand_out(read, delivered, Delivery { command, sequence, name: None }, out),
            Taken::Kept => respond(command, sequence, CommandStatus::ROK, out),
            Taken::Whole(joined) => {
                let whole = joined.delivered();
                let read = receipts::read(&self.config, &whole);
                self.hand_out(read, &whole, Delivery { command, sequence, name: Some(joined.name.clone()) }, out);
            }
        }
    }

    fn hand_out(&mut self, read: Read, delivered: &Delivered<'_>, delivery: Delivery, out: &mut Vec<u8>) {
        let (reason, why, octets_max) = match read {
            Read::Receipt(_) if self.unacked_receipts >= self.config.receipts_pending_max => {
                return respond(delivery.command, delivery.sequence, CommandStatus::RMSGQFUL, out);
            }
            Read::Receipt(receipt) => {
                let number = self.next_number();
                self.unacked_receipts += 1;
                self.deliveries.insert(number, delivery);
                return self.effects.push(Effect::Receipt(receipt, number));
            }
            Read::Inbound => (Reason::Inbound, "this platform receives no messages yet", SHOWN_TEXT_OCTETS_MAX),
            Read::Unreadable { why } => (Reason::Unreadable, why, SHOWN_OCTETS_MAX),
        };
        self.unusable(reason, why, evidence::of(delivered, octets_max));
        if let Some(name) = &delivery.name {
            self.parts.done(name);
        }
        // Say so for good, or the SMSC would offer it for days.
        respond(delivery.command, delivery.sequence, CommandStatus::RX_R_APPN, out);
    }

    /// Answers a report that was handed out under `number`.
    pub(crate) fn answer(&mut self, number: u32, answer: Answer, out: &mut Vec<u8>) {
        let Some(Delivery { command, sequence, name }) = self.deliveries.remove(&number) else { return };
        self.unacked_receipts -= 1;
        let status = match answer {
            Answer::Taken => CommandStatus::ROK,
            Answer::TryLater => CommandStatus::RX_T_APPN,
        };
        // One that is to come again is completed by the same part.
        if let Some(name) = name.filter(|_| answer == Answer::Taken) {
            self.parts.done(&name);
        }
        respond(command, sequence, status, out);
    }

    /// Reads what there is of receipts whose other parts did not come. Their parts are answered already.
    pub(super) fn give_up_parts(&mut self, now: Instant) {
        for joined in self.parts.expired(now) {
            let delivered = joined.delivered();
            match receipts::read(&self.config, &delivered) {
                Read::Receipt(receipt) => {
                    let number = self.next_number();
                    self.effects.push(Effect::Receipt(receipt, number));
                }
                Read::Inbound | Read::Unreadable { .. } => {
                    self.unusable(
                        Reason::Unreadable,
                        "its other parts did not come",
                        evidence::of(&delivered, SHOWN_OCTETS_MAX),
                    );
                }
            }
        }
    }

    fn next_number(&mut self) -> u32 {
        let number = self.next_delivery;
        self.next_delivery = self.next_delivery.wrapping_add(1);
        number
    }

    fn unusable(&mut self, reason: Reason, why: &'static str, raw: String) {
        self.effects.push(Effect::Unusable(reason, why, raw));
    }

    /// Answers what could not be read, so that it does not come again for ever.
    pub(super) fn refuse(&mut self, error: DecodeError, octets: &[u8], out: &mut Vec<u8>) {
        self.effects.push(Effect::Count(Counted::Malformed));
        if matches!(error.command, CommandId::DELIVER_SM | CommandId::DATA_SM) {
            self.unusable(Reason::Unreadable, "a malformed PDU", evidence::of_octets(octets));
        }
        match error.command {
            command if command.is_response() => {}
            CommandId::DELIVER_SM | CommandId::DATA_SM => {
                respond(error.command, error.sequence, CommandStatus::RX_P_APPN, out);
            }
            _ if error.status == CommandStatus::RINVCMDID => {
                encode(&Pdu::answer(error.sequence, error.status, Body::GenericNack), out);
            }
            command => respond(command, error.sequence, error.status, out),
        }
    }
}
