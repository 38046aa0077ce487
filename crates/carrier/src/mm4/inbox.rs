//! Mails from the MMSC: answers to forwarded messages, reports on them, and inbound messages.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::sampler::{Line, Sampler};
use model::unmatched::{Reason, escaped};
use model::{InboundAddress, MessageId, ReceiptScope};
use runtime::Runtime;
use tokio::sync::mpsc;
use wire::mm4::{Address, AddressKind, Answer, DeliveryReportReq, ForwardReq, Mm4, Mm4Error, Request, RequestStatus};
use wire::receipt::id;

use super::answerer::Outgoing;
use super::config::Mm4Config;
use super::outcome::{explained, status_of, word_or};
use super::pending::{Heard, Pending, key_of};
use super::smtp::{self, ServerEnvelope, Taken, Verdict};
use crate::ack::{Ack, AckId, Answer as OnDisk};
use crate::exchange::{Teller, Unconfirmed};
use crate::inbound::mms::{self, TOO_LARGE, TooLarge};
use crate::trace::{Decoded, Direction};
use crate::unusable::SHOWN_HEAD_OCTETS_MAX;
use crate::{Inbound, Receipt, ReceiptState, heads};

/// Reads the mails of a carrier's listener.
pub(super) struct Inbox {
    runtime: Arc<dyn Runtime>,
    config: Arc<Mm4Config>,
    teller: Arc<Teller>,
    pending: Arc<Pending>,
    /// Answers that are to go back.
    answers: mpsc::Sender<Outgoing>,
    /// Log lines about answers that could not be queued: each request of the peer can cause one.
    unanswered: Sampler,
}

#[async_trait]
impl smtp::Inbox for Inbox {
    async fn take(&self, envelope: &ServerEnvelope, mail: &[u8]) -> Taken {
        let parsed = wire::mm4::parse(mail, self.config.listen_bytes_max);
        if self.teller.insight().trace.is_on() {
            self.trace(envelope, mail, parsed.as_ref().err(), self.message_of(&parsed));
        }
        match parsed {
            Ok(Mm4::Answer(answer)) => self.answered(*answer, mail).await.into(),
            Ok(Mm4::Report(report)) => self.reported(*report, envelope.from(), mail).await.into(),
            Ok(Mm4::Forward(forward)) => self.forwarded(&forward, envelope, mail).await,
            Ok(Mm4::ReadReply) => Verdict::Taken.into(),
            Err(error) => self.not_understood(error, mail).into(),
        }
    }

    fn too_long(&self) {
        self.teller.unusable(Reason::Inbound, "a mail of more octets than `listen_bytes_max`", b"");
    }
}

impl Inbox {
    pub(super) const fn new(
        runtime: Arc<dyn Runtime>,
        config: Arc<Mm4Config>,
        teller: Arc<Teller>,
        pending: Arc<Pending>,
        answers: mpsc::Sender<Outgoing>,
    ) -> Self {
        Self { runtime, config, teller, pending, answers, unanswered: Sampler::new(1) }
    }

    fn trace(&self, envelope: &ServerEnvelope, mail: &[u8], error: Option<&Mm4Error>, message: Option<MessageId>) {
        self.teller.trace(&self.runtime, Direction::In, message, |texts| Decoded {
            unreadable: error.map(ToString::to_string),
            ..heads::of_mail(envelope.from(), envelope.recipients().iter().map(|to| &**to), mail, texts)
        });
    }

    /// The message that an answer or a report speaks of, where it left while the trace was on.
    fn message_of(&self, parsed: &Result<Mm4, Mm4Error>) -> Option<MessageId> {
        let id = match parsed {
            Ok(Mm4::Report(report)) => &report.message_id,
            Ok(Mm4::Answer(answer)) => answer.message_id.as_ref()?,
            _ => return None,
        };
        self.teller.insight().trace.message_of(&self.keys(id))
    }

    /// An answer: to whom waits for it, or a refusal of what was believed to be taken.
    async fn answered(&self, answer: Answer, mail: &[u8]) -> Verdict {
        if answer.request != Request::Forward {
            return Verdict::Taken;
        }
        let mut ids: Vec<String> =
            answer.message_id.iter().chain([&answer.transaction_id]).filter(|id| !id.is_empty()).cloned().collect();
        ids.dedup_by_key(|id| key_of(id));
        let raw_id = ids.first().cloned().unwrap_or_default();
        let (error, recipients) = (Some(status_of(&answer)), digits(&answer.recipients));
        match self.pending.hear(answer) {
            Heard::Awaited | Heard::Nothing => Verdict::Taken,
            Heard::Refusal => {
                // A peer may give the message an id of its own, and then only the transaction's is one of ours.
                let keys = ids.iter().flat_map(|id| self.keys(id)).collect();
                let (state, scope, raw) =
                    (ReceiptState::Rejected, ReceiptScope::Message, escaped(mail, SHOWN_HEAD_OCTETS_MAX).into());
                let receipt = Receipt { keys, addresses: recipients, state, error, raw_id, scope, raw };
                let verdict = self.tell(|ack| self.teller.receipt(receipt, ack)).await.0;
                if verdict != Verdict::Taken {
                    ids.iter().for_each(|id| self.pending.forget(id));
                }
                verdict
            }
        }
    }

    /// A report: on disk first, then answered.
    async fn reported(&self, report: DeliveryReportReq, from: &str, mail: &[u8]) -> Verdict {
        let state = report.status.receipt_state();
        let has_more = report.explained().next().is_some();
        let error = (state != ReceiptState::Delivered || has_more)
            .then(|| explained(word_or(&report.code, report.status.name()), report.explained()));
        let receipt = Receipt {
            keys: self.keys(&report.message_id),
            addresses: digits(report.from.iter().chain(&report.to)),
            state,
            error,
            raw_id: report.message_id.clone(),
            scope: ReceiptScope::Message,
            raw: escaped(mail, SHOWN_HEAD_OCTETS_MAX).into(),
        };
        // What has arrived was taken: a refusal that comes later does not undo that.
        if state == ReceiptState::Delivered {
            self.pending.is_delivered(&report.message_id);
        }
        let verdict = self.tell(|ack| self.teller.receipt(receipt, ack)).await.0;
        if verdict == Verdict::Taken && report.ack_request {
            self.send_back(report.answer(RequestStatus::Ok), from, None);
        }
        verdict
    }

    /// A message of a handset: on disk first, then answered. The sender has the answer with the `MM4_forward.RES` where
    /// it asks for one, or else with SMTP's reply.
    async fn forwarded(&self, forward: &ForwardReq, envelope: &ServerEnvelope, mail: &[u8]) -> Taken {
        let came_at = self.runtime.instant();
        let content = match mms::content(forward.subject.as_deref(), &forward.parts) {
            Ok(content) => content,
            Err(TooLarge) => return self.too_large(forward, envelope, mail).into(),
        };
        let inbound = Inbound {
            from: forward.from.as_ref().map_or_else(|| InboundAddress::of(""), |from| self.read(from)),
            to: self.recipients(forward, envelope),
            content,
        };
        let (verdict, id) = self.tell(|ack| self.teller.inbound(inbound, ack)).await;
        if verdict != Verdict::Taken {
            return verdict.into();
        }
        let unconfirmed = Some(Unconfirmed::new(Arc::clone(&self.teller), id, came_at));
        if !forward.ack_request {
            return Taken { verdict, unconfirmed };
        }
        self.send_back(forward.answer(RequestStatus::Ok), envelope.from(), unconfirmed);
        verdict.into()
    }

    fn read(&self, address: &Address) -> InboundAddress {
        mms::of_mm4(address, self.config.national_prefix.as_deref())
    }

    /// The recipients of a message: those in its head, and those handsets that only its envelope names.
    fn recipients(&self, forward: &ForwardReq, envelope: &ServerEnvelope) -> Vec<InboundAddress> {
        let hidden = envelope.recipients().iter().filter_map(|recipient| Address::parse(recipient));
        let hidden: Vec<Address> = hidden.filter(|address| address.kind() == AddressKind::Plmn).collect();
        mms::distinct(forward.to.iter().chain(&forward.cc).chain(&hidden).map(|address| self.read(address)))
    }

    /// A message that will never be taken: the sender is to know why, and not to send it again.
    fn too_large(&self, forward: &ForwardReq, envelope: &ServerEnvelope, mail: &[u8]) -> Verdict {
        self.teller.unusable(Reason::Inbound, TOO_LARGE, mail);
        if !forward.ack_request {
            return Verdict::TooLarge;
        }
        let answer = forward.answer(RequestStatus::ContentNotAccepted);
        self.send_back(Answer { status_text: Some(TOO_LARGE.to_owned()), ..answer }, envelope.from(), None);
        Verdict::Taken
    }

    fn not_understood(&self, error: Mm4Error, mail: &[u8]) -> Verdict {
        self.teller.unreadable(error.to_string(), mail);
        Verdict::NotUnderstood
    }

    /// Tells the pipeline, and waits until it has it on disk; not for longer than the peer may be silent, because a
    /// store that hangs would hold its connection for ever. Returns the name of the answer too.
    async fn tell(&self, tell: impl FnOnce(Ack)) -> (Verdict, AckId) {
        let (answers, mut answer) = mpsc::unbounded_channel();
        let ack = Ack::new(0, answers);
        let id = ack.id();
        tell(ack);
        let patience = Duration::from_secs(self.config.listen_timeout_secs);
        let verdict = match self.runtime.timeout(patience, answer.recv()).await {
            Ok(Some((_, OnDisk::Taken))) => Verdict::Taken,
            Ok(Some((_, OnDisk::TryLater)) | None) | Err(_) => Verdict::TryLater,
        };
        (verdict, id)
    }

    /// Sends an answer, as well as that goes: a peer that does not hear it asks again.
    fn send_back(&self, answer: Answer, from: &str, unconfirmed: Option<Unconfirmed>) {
        let to = answer.to.clone().or_else(|| Address::parse(from)).filter(|address| address.domain().is_some());
        let answer = Answer { sender: self.config.system(), to, ..answer };
        if (answer.to.is_none() || self.answers.try_send(Outgoing { answer, unconfirmed }).is_err())
            && let Some(Line { left_out }) = self.unanswered.line(self.runtime.instant())
        {
            tracing::warn!(carrier.name = %self.teller.name(), left_out, "Carrier {}: its request could not be \
                answered, and it waits for the answer", self.teller.name());
        }
    }

    /// The forms in which a message's id may be filed: as it came, and with our domain where the peer left it out.
    fn keys(&self, raw_id: &str) -> Vec<String> {
        let mut keys = vec![id::canonical(raw_id)];
        if !raw_id.contains('@') {
            keys.push(id::canonical(&format!("{raw_id}@{}", self.config.domain)));
        }
        keys
    }
}

/// The digits of those addresses that are numbers.
fn digits<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
    addresses.into_iter().filter_map(Address::digits).map(str::to_owned).collect()
}
