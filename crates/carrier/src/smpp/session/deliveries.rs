//! Deliveries of the SMSC: receipts, whole or in parts, inbound messages, and PDUs that cannot be used.

use std::time::Instant;

use model::unmatched::Reason;
use wire::smpp::{BindKind, Body, CommandId, CommandStatus, DecodeError, Pdu, encode};

use super::{Phase, Session, respond};
use crate::AckId;
use crate::ack::Answer;
use crate::inbound::ANSWERED_WITHIN;
use crate::smpp::delivered::Delivered;
use crate::smpp::effect::{Counted, Effect};
use crate::smpp::parts::{Name, Part, Taken};
use crate::smpp::receipts::{self, Read};
use crate::smpp::{evidence, inbound};
use crate::unusable::{SHOWN_OCTETS_MAX, SHOWN_TEXT_OCTETS_MAX};

/// Deliveries that are kept until the bind is answered. Further ones are refused.
const EARLY_MAX: usize = 100;

/// Octets of the head of a PDU (SMPP 3.4, 3.2).
const HEAD: usize = 16;

/// Something that was handed out and is not answered yet.
pub(super) struct Delivery {
    request: Request,
    /// Its name where it came in several parts that were taken for a receipt's.
    name: Option<Name>,
    what: What,
}

/// Where something comes from.
struct Origin {
    request: Request,
    name: Option<Name>,
    came_at: Instant,
}

/// What an answer goes to.
#[derive(Clone, Copy)]
struct Request {
    command: CommandId,
    sequence: u32,
}

/// What was handed out.
enum What {
    /// A receipt.
    Receipt,
    /// A message of a handset: the name of its answer, and when it came.
    Inbound(AckId, Instant),
}

/// An answer to a message of a handset that is being written.
pub(super) struct Unconfirmed {
    id: AckId,
    came_at: Instant,
    /// Where its PDU ends, counted in octets from the connection's beginning.
    end: u64,
}

impl Request {
    fn answer(self, status: CommandStatus, out: &mut Vec<u8>) {
        respond(self.command, self.sequence, status, out);
    }
}

impl Session {
    /// Takes a `deliver_sm` or `data_sm`. One that comes before the answer to a bind that receives is kept until that
    /// is there.
    pub(super) fn take_delivery(&mut self, pdu: Pdu, came_at: Instant, out: &mut Vec<u8>) {
        let is_early = matches!(self.phase, Phase::Binding { .. }) && self.kind != BindKind::Transmitter;
        if is_early && self.early.len() < EARLY_MAX {
            return self.early.push((pdu, came_at));
        }
        match &pdu.body {
            Body::DeliverSm(sm) => {
                let request = Request { command: CommandId::DELIVER_SM, sequence: pdu.sequence };
                self.delivered(request, &Delivered::of_sm(sm, &pdu.tlvs), came_at, out);
            }
            Body::DataSm(data) => {
                let request = Request { command: CommandId::DATA_SM, sequence: pdu.sequence };
                self.delivered(request, &Delivered::of_data(data, &pdu.tlvs), came_at, out);
            }
            _ => {}
        }
    }

    /// Takes what came before the answer to the bind.
    pub(super) fn take_early(&mut self, out: &mut Vec<u8>) {
        for (pdu, came_at) in std::mem::take(&mut self.early) {
            self.take_delivery(pdu, came_at, out);
        }
    }

    /// The session ends without having been bound: what came before is not answered, and the SMSC has it still.
    pub(super) fn abandon_early(&mut self) {
        for (pdu, _) in std::mem::take(&mut self.early) {
            let raw = match &pdu.body {
                Body::DeliverSm(sm) => evidence::of(&Delivered::of_sm(sm, &pdu.tlvs), SHOWN_TEXT_OCTETS_MAX),
                Body::DataSm(data) => evidence::of(&Delivered::of_data(data, &pdu.tlvs), SHOWN_TEXT_OCTETS_MAX),
                _ => continue,
            };
            self.unusable(Reason::Unreadable, "the session ended before it was bound", raw);
        }
    }

    fn delivered(&mut self, request: Request, delivered: &Delivered<'_>, came_at: Instant, out: &mut Vec<u8>) {
        if self.phase == Phase::Bound && self.kind == BindKind::Transmitter
            || matches!(self.phase, Phase::Binding { .. })
        {
            self.unusable(
                Reason::Unreadable,
                "it came on a session that does not receive",
                evidence::of(delivered, SHOWN_TEXT_OCTETS_MAX),
            );
            return request.answer(CommandStatus::RINVBNDSTS, out);
        }
        let read = receipts::read(&self.config, delivered);
        let taken = Part::of(delivered).map_or(Taken::Alone, |part| {
            self.parts.take(part, receipts::standing(&self.config, &read, delivered), came_at)
        });
        match taken {
            Taken::Alone => self.hand_out(read, delivered, Origin { request, name: None, came_at }, out),
            Taken::Kept => request.answer(CommandStatus::ROK, out),
            Taken::Whole(joined) => {
                let whole = joined.delivered();
                let read = receipts::read(&self.config, &whole);
                self.hand_out(read, &whole, Origin { request, name: Some(joined.name.clone()), came_at }, out);
            }
        }
    }

    fn hand_out(&mut self, read: Read, delivered: &Delivered<'_>, origin: Origin, out: &mut Vec<u8>) {
        let why = match read {
            Read::Receipt(_) if self.unacked_receipts >= self.config.receipts_pending_max => {
                return self.put_off(origin.request, out);
            }
            Read::Receipt(receipt) => {
                self.unacked_receipts += 1;
                let number = self.expect_answer(origin.request, origin.name, What::Receipt);
                return self.effects.push(Effect::Receipt(receipt, number));
            }
            Read::Inbound => return self.hand_out_inbound(delivered, origin, out),
            Read::Unreadable { why } => why,
        };
        self.unusable(Reason::Unreadable, why, evidence::of(delivered, SHOWN_OCTETS_MAX));
        if let Some(name) = &origin.name {
            self.parts.done(name);
        }
        // Say so for good, or the SMSC would offer it for days.
        origin.request.answer(CommandStatus::RX_R_APPN, out);
    }

    /// Hands out a message of a handset, or a part of one; or the whole of parts that were taken for a receipt's, and
    /// make none.
    fn hand_out_inbound(&mut self, delivered: &Delivered<'_>, origin: Origin, out: &mut Vec<u8>) {
        let Origin { request, name, came_at } = origin;
        if inbound::is_silent(delivered) {
            self.effects.push(Effect::Count(Counted::Silent));
            return request.answer(CommandStatus::ROK, out);
        }
        if self.unacked_inbound >= self.config.inbound_pending_max {
            return self.put_off(request, out);
        }
        self.unacked_inbound += 1;
        let id = AckId::next();
        let number = self.expect_answer(request, name, What::Inbound(id, came_at));
        self.effects.push(Effect::Inbound(Box::new(inbound::read(&self.config, delivered)), id, number));
    }

    /// Asks the SMSC to come back, since too many wait.
    fn put_off(&mut self, request: Request, out: &mut Vec<u8>) {
        self.effects.push(Effect::Count(Counted::PutOff));
        request.answer(CommandStatus::RMSGQFUL, out);
    }

    fn expect_answer(&mut self, request: Request, name: Option<Name>, what: What) -> u32 {
        let number = self.next_number();
        self.deliveries.insert(number, Delivery { request, name, what });
        number
    }

    /// Answers what was handed out under `number`. Before `out`, the connection was given `handed_over` octets.
    pub(crate) fn answer(&mut self, number: u32, answer: Answer, handed_over: u64, out: &mut Vec<u8>) {
        let Some(Delivery { request, name, what }) = self.deliveries.remove(&number) else { return };
        request.answer(
            match answer {
                Answer::Taken => CommandStatus::ROK,
                Answer::TryLater => CommandStatus::RX_T_APPN,
            },
            out,
        );
        // One that is to come again is completed by the same part.
        if let Some(name) = name.filter(|_| answer == Answer::Taken) {
            self.parts.done(&name);
        }
        match what {
            What::Receipt => self.unacked_receipts -= 1,
            What::Inbound(id, came_at) => {
                self.unacked_inbound -= 1;
                if answer == Answer::Taken && !self.has_hung_up {
                    self.unconfirmed.push_back(Unconfirmed { id, came_at, end: handed_over + out.len() as u64 });
                }
            }
        }
    }

    /// The connection has taken `written` octets: tells which answers are among them in time.
    pub(crate) fn has_written(&mut self, written: u64, now: Instant) {
        while let Some(answer) = self.unconfirmed.pop_front_if(|answer| answer.end <= written) {
            if now <= answer.came_at + ANSWERED_WITHIN {
                self.effects.push(Effect::Answered(answer.id));
            }
        }
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
                // They were taken for a receipt's, and are what a person wrote.
                Read::Inbound => {
                    let inbound = Box::new(inbound::read(&self.config, &delivered));
                    let number = self.next_number();
                    self.effects.push(Effect::Inbound(inbound, AckId::next(), number));
                }
                Read::Unreadable { .. } => {
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
        // A request to bind has a password.
        let shown = if error.command == CommandId::OUTBIND { &octets[..octets.len().min(HEAD)] } else { octets };
        self.unusable(Reason::Unreadable, "a malformed PDU", evidence::of_octets(shown));
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
