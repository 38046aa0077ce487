//! What the MMSC sends us: answers to what we forwarded, reports on it, and messages that nobody here takes yet.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::ReceiptScope;
use model::sampler::{Line, Sampler};
use model::unmatched::{Reason, escaped};
use runtime::Runtime;
use tokio::sync::mpsc;
use wire::mm4::{Address, Answer, DeliveryReportReq, ForwardReq, Mm4, Mm4Error, Request, RequestStatus};
use wire::receipt::id;

use super::config::Mm4Config;
use super::outcome::{explained, status_of, word_or};
use super::pending::{Heard, Pending, key_of};
use super::smtp::{self, Verdict};
use crate::ack::{Ack, Answer as OnDisk};
use crate::exchange::Teller;
use crate::unusable::SHOWN_HEAD_OCTETS_MAX;
use crate::{Receipt, ReceiptState};

/// Reads the mails of a carrier's listener.
pub(super) struct Inbox {
    runtime: Arc<dyn Runtime>,
    config: Arc<Mm4Config>,
    teller: Arc<Teller>,
    pending: Arc<Pending>,
    /// Answers that are to go back.
    answers: mpsc::Sender<Answer>,
    /// Log lines about answers that could not be queued: each request of the peer can cause one.
    unanswered: Sampler,
}

#[async_trait]
impl smtp::Inbox for Inbox {
    async fn take(&self, from: &str, mail: &[u8]) -> Verdict {
        match wire::mm4::parse(mail, self.config.listen_bytes_max) {
            Ok(Mm4::Answer(answer)) => self.answered(*answer, mail).await,
            Ok(Mm4::Report(report)) => self.reported(*report, from, mail).await,
            Ok(Mm4::Forward(forward)) => self.forwarded(&forward, from, mail),
            Ok(Mm4::ReadReply) => Verdict::Taken,
            Err(error) => self.not_understood(error, mail),
        }
    }
}

impl Inbox {
    pub(super) const fn new(
        runtime: Arc<dyn Runtime>,
        config: Arc<Mm4Config>,
        teller: Arc<Teller>,
        pending: Arc<Pending>,
        answers: mpsc::Sender<Answer>,
    ) -> Self {
        Self { runtime, config, teller, pending, answers, unanswered: Sampler::new(1) }
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
                let verdict =
                    self.tell(Receipt { keys, addresses: recipients, state, error, raw_id, scope, raw }).await;
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
        let verdict = self.tell(receipt).await;
        if verdict == Verdict::Taken && report.ack_request {
            self.send_back(report.answer(RequestStatus::Ok), from);
        }
        verdict
    }

    /// A message for a handset of ours, of which there is none.
    fn forwarded(&self, forward: &ForwardReq, from: &str, mail: &[u8]) -> Verdict {
        self.teller.unusable(Reason::Inbound, "this platform receives no messages yet", mail);
        if !forward.ack_request {
            return Verdict::NotServed;
        }
        self.send_back(forward.answer(RequestStatus::ServiceDenied), from);
        Verdict::Taken
    }

    fn not_understood(&self, error: Mm4Error, mail: &[u8]) -> Verdict {
        self.teller.unreadable(error.to_string(), mail);
        Verdict::NotUnderstood
    }

    /// Tells the pipeline, and waits until it has it on disk; not for longer than the peer may be silent, because a
    /// store that hangs would hold its connection for ever.
    async fn tell(&self, receipt: Receipt) -> Verdict {
        let (answers, mut answer) = mpsc::unbounded_channel();
        self.teller.receipt(receipt, Ack::new(0, answers));
        let patience = Duration::from_secs(self.config.listen_timeout_secs);
        match self.runtime.timeout(patience, answer.recv()).await {
            Ok(Some((_, OnDisk::Taken))) => Verdict::Taken,
            Ok(Some((_, OnDisk::TryLater)) | None) | Err(_) => Verdict::TryLater,
        }
    }

    /// Sends an answer, as well as that goes: a peer that does not hear it asks again.
    fn send_back(&self, answer: Answer, from: &str) {
        let to = answer.to.clone().or_else(|| Address::parse(from)).filter(|address| address.domain().is_some());
        let answer = Answer { sender: self.config.system(), to, ..answer };
        if (answer.to.is_none() || self.answers.try_send(answer).is_err())
            && let Some(Line { left_out }) = self.unanswered.line(self.runtime.instant())
        {
            tracing::warn!(carrier.name = %self.teller.name(), left_out, "Carrier {} waits for an answer that could \
                not be sent", self.teller.name());
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
