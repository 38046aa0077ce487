//! What the session offers to the other side: reports and messages of handsets, until they are taken.

use std::time::{Duration, Instant};

use wire::smpp::{CommandStatus, Sm, Tlvs, tag};

use super::{Later, Session, decoded};
use crate::handsets::What;
use crate::smsc::inbound::Handset;
use crate::smsc::receipts;
use crate::smsc::registry::Offer;

/// Reports and messages of handsets that may be unanswered.
const REPORT_WINDOW: usize = 500;

/// How long something that was refused for now is kept before it is offered again.
const OFFER_AGAIN: Duration = Duration::from_secs(1);

impl Session {
    /// Lets the recipient of a message answer it, if it is one that does: when the last part of the message has come.
    pub(super) fn let_handset_answer(&mut self, sm: &Sm, tlvs: &Tlvs, delay: Duration, now: Instant) {
        let recipient = sm.destination.text();
        let rules = &self.shared.options.inbound.inbound_answer;
        let Some(rule) = rules.iter().find(|rule| recipient.ends_with(&rule.digits)) else { return };
        let concat = if sm.has_header() { wire::concat::read(&sm.short_message).0 } else { None };
        let is_last = concat.is_none_or(|concat| concat.number == concat.total)
            && tlvs.number(tag::SAR_SEGMENT_SEQNUM) == tlvs.number(tag::SAR_TOTAL_SEGMENTS);
        if !is_last {
            return;
        }
        let answer = Handset { from: sm.destination.clone(), to: sm.source.clone(), text: rule.text.clone() };
        let delay = delay + self.shared.options.receipt_delay_ms.pick(&mut self.random);
        for part in self.shared.clone().deliveries(&answer, &mut self.random) {
            self.offer_in(delay, now, Offer::Inbound(part));
        }
    }

    pub(super) fn offer_in(&mut self, delay: Duration, now: Instant, offer: Offer) {
        if delay.is_zero() { self.queue(offer) } else { self.do_at(now + delay, Later::Offer(offer)) }
    }

    /// Queues something here, or with a session that receives where this one does not.
    pub(super) fn queue(&mut self, offer: Offer) {
        if self.state.can_deliver() {
            self.waiting.push_back(offer);
        } else {
            self.shared.registry.deliver(&self.system_id, offer);
        }
    }

    /// Offers what waits as far as its window lets.
    pub(super) fn offer(&mut self) {
        while self.offered.len() < REPORT_WINDOW {
            let Some(offer) = self.waiting.pop_front() else { return };
            let sequence = self.sequence.next_number();
            match &offer {
                Offer::Report(report) => {
                    let pdu = receipts::pdu(&self.shared.options, report, sequence);
                    self.send(&pdu);
                    self.show_sent(report.place.as_ref(), report.state.stat(), report.error, &pdu);
                    self.shared.journal.count(|summary| summary.receipts_sent += 1);
                }
                Offer::Inbound(part) => {
                    let pdu = part.pdu(sequence);
                    self.send(&pdu);
                    self.show_sent(part.place.as_ref(), "", None, &pdu);
                    let mut line = part.line(sequence);
                    if self.shared.options.log_text {
                        let (data_coding, text) = part.text();
                        line["text"] = decoded(data_coding, text).into();
                    }
                    self.log(line);
                    self.shared.journal.count(|summary| summary.inbound_sent += 1);
                    let within = Duration::from_millis(self.shared.options.inbound.inbound_answer_within_ms);
                    self.do_at(self.now() + within, Later::Check(sequence));
                }
            }
            self.offered.insert(sequence, offer);
        }
    }

    pub(super) fn offer_answered(&mut self, sequence: u32, status: CommandStatus, octets: &[u8]) {
        let Some(mut offer) = self.offered.remove(&sequence) else { return };
        if let (Some(handsets), Some(place)) = (&self.shared.handsets, offer.place()) {
            handsets.answered(place, status.is_ok(), status.to_string(), Some(What::Pdu(octets.to_vec())));
        }
        self.shared.journal.count(|summary| {
            let (taken, refused) = match offer {
                Offer::Report(_) => (&mut summary.receipts_taken, &mut summary.receipts_refused),
                Offer::Inbound(_) => (&mut summary.inbound_taken, &mut summary.inbound_refused),
            };
            if status.is_ok() {
                *taken += 1;
            } else {
                *refused.entry(status.to_string()).or_default() += 1;
            }
        });
        if matches!(offer, Offer::Inbound(_)) {
            self.log(
                serde_json::json!({"event": "inbound answered", "sequence": sequence, "status": status.to_string()}),
            );
        }
        let for_now = matches!(
            status,
            CommandStatus::RX_T_APPN | CommandStatus::RMSGQFUL | CommandStatus::RTHROTTLED | CommandStatus::RSYSERR
        );
        let failures = match &mut offer {
            Offer::Report(report) => &mut report.failures,
            Offer::Inbound(part) => &mut part.failures,
        };
        if for_now && *failures < 100 {
            *failures += 1;
            self.do_at(self.now() + OFFER_AGAIN, Later::Offer(offer));
        }
    }

    /// Sends again what has no answer yet, as an SMSC does whose response timer has run out.
    pub(super) fn check(&mut self, sequence: u32) {
        if let Some(offer) = self.offered.remove(&sequence) {
            self.shared.journal.count(|summary| summary.inbound_repeated += 1);
            self.queue(offer);
        }
    }
}
