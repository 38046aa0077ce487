//! The carrier that reaches nobody: what test keys send to. The last four digits of the recipient decide what happens,
//! so that a client can see every state of a message's life.
//!
//! | recipient ends in | what happens |
//! |---|---|
//! | `0001` | sent, then `undelivered` / `unreachable` |
//! | `0002` | `failed` / `carrier_rejected` |
//! | `0003` | `failed` / `invalid_destination` |
//! | `0004` | `failed` / `blocked_by_carrier` |
//! | `0005` | sent, and never reported on |
//! | `0006` | sent, then `undelivered` / `expired` |
//! | `0007` | the first attempt has an unknown outcome: sent again and delivered |
//! | `0008` | not taken at the first attempt, then delivered |
//! | `0009` | sent, `delivered`, and the handset answers STOP |
//! | `0010` | sent, `delivered`, and it answers START |
//! | `0011` | sent, `delivered`, and it answers a text of two parts |
//! | `0012` | sent, `delivered`, and it answers a picture |
//! | anything else | sent, then `delivered` |
//!
//! No handset answers an automatic message.

mod handset;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::sampler::{Line, Sampler};
use model::{CarrierName, ErrorType, ReceiptScope};
use runtime::Runtime;
use tokio::sync::{Semaphore, mpsc};
use wire::receipt::ReceiptState;

use crate::ack::{Ack, Answer};
use crate::inbound::ANSWERED_WITHIN;
use crate::{Carrier, CarrierEvent, CarrierStatus, Event, Events, Inbound, Receipt, SegmentOutcome, Submission};

/// The built-in carrier that reaches nobody.
pub struct Sandbox {
    network: Arc<Network>,
    submitted: AtomicU64,
    accepted: AtomicU64,
}

/// What is between the pipeline and the handsets of the sandbox.
struct Network {
    name: CarrierName,
    events: Events,
    runtime: Arc<dyn Runtime>,
    /// For handsets that are answering.
    places: Arc<Semaphore>,
    inbound: AtomicU64,
    /// Log lines about answers that were given up: each message of a client can cause one.
    given_up: Sampler,
}

/// So many handsets answer at once. Further ones say nothing.
const ANSWERING_MAX: usize = 1_000;

/// How often an answer is brought that is not taken.
const TRIES_MAX: u32 = 5;

/// How long the first rest between two tries is; each is twice the one before.
const REST: Duration = Duration::from_secs(1);

/// How many messages the dispatcher hands over at once. Nothing stands behind the number but that there is one.
const WINDOW: usize = 100;

impl Sandbox {
    /// A sandbox of this name.
    pub fn new(name: &str, events: Events, runtime: Arc<dyn Runtime>) -> Self {
        let network = Network {
            name: name.into(),
            events,
            runtime,
            places: Arc::new(Semaphore::new(ANSWERING_MAX)),
            inbound: AtomicU64::new(0),
            given_up: Sampler::new(1),
        };
        Self { network: Arc::new(network), submitted: AtomicU64::new(0), accepted: AtomicU64::new(0) }
    }

    fn report(&self, submission: &Submission, carrier_id: &str, state: ReceiptState) {
        // Nobody waits for the answer: if it is lost, so was the whole sandbox.
        let (answers, _) = mpsc::unbounded_channel();
        let receipt = Receipt {
            keys: vec![wire::receipt::id::canonical(carrier_id)],
            addresses: vec![submission.message.recipient.digits().to_string()],
            state,
            error: None,
            raw_id: carrier_id.to_owned(),
            scope: ReceiptScope::Message,
            raw: model::unmatched::Raw::default(),
        };
        self.network.tell(Event::Receipt(receipt, Ack::new(0, answers)));
    }

    /// Lets the recipient of a message answer it, if it is one that does.
    fn answer(&self, submission: &Submission) {
        let answers = handset::answers(&submission.message);
        if answers.is_empty() || submission.message.automatic.is_some() {
            return;
        }
        let network = Arc::clone(&self.network);
        let Ok(place) = Arc::clone(&network.places).try_acquire_owned() else { return network.give_up() };
        let answering = async move {
            let _place = place;
            for answer in answers {
                network.bring(answer).await;
            }
        };
        self.network.runtime.spawn("handset of the sandbox", Box::pin(answering));
    }
}

impl Network {
    fn tell(&self, event: Event) {
        // A pipeline that no longer listens has stopped.
        let _ = self.events.send(CarrierEvent { carrier: self.name.clone(), event });
    }

    /// Brings a message of a handset until it is taken, a few times.
    async fn bring(&self, inbound: Inbound) {
        for attempt in 0..TRIES_MAX {
            if attempt > 0 {
                self.runtime.sleep(REST * (1 << (attempt - 1))).await;
            }
            let (answers, mut answer) = mpsc::unbounded_channel();
            let ack = Ack::new(0, answers);
            let (id, came_at) = (ack.id(), self.runtime.instant());
            self.inbound.fetch_add(1, Ordering::Relaxed);
            self.tell(Event::Inbound(Box::new(inbound.clone()), ack));
            // An acknowledgement that is dropped answers too.
            if let Some((_, Answer::Taken)) = answer.recv().await {
                if self.runtime.instant() <= came_at + ANSWERED_WITHIN {
                    self.tell(Event::Answered(id));
                }
                return;
            }
        }
        self.give_up();
    }

    fn give_up(&self) {
        if let Some(Line { left_out }) = self.given_up.line(self.runtime.instant()) {
            tracing::warn!(carrier.name = %self.name, left_out, "Carrier {}: an inbound message was dropped, because \
                it could not be stored", self.name);
        }
    }
}

#[async_trait]
impl Carrier for Sandbox {
    fn name(&self) -> &str {
        &self.network.name
    }

    async fn ready(&self) -> usize {
        WINDOW
    }

    fn window(&self) -> usize {
        WINDOW
    }

    fn answers_within(&self) -> Duration {
        Duration::ZERO
    }

    fn submit(&self, submission: Submission) {
        let digits = submission.message.recipient.digits();
        let (fate, report) = fate_of(&digits[digits.len() - 4..], submission.attempt);
        let mut ids = Vec::new();
        let total = submission.message.segments.max(1);
        let segments = (1..=total).filter(|number| submission.lacks(*number)).map(|number| {
            self.submitted.fetch_add(1, Ordering::Relaxed);
            let outcome = fate.clone().unwrap_or_else(|| {
                self.accepted.fetch_add(1, Ordering::Relaxed);
                let id = format!("{}-{}-{number}", submission.message.id, submission.attempt);
                ids.push(id.clone());
                SegmentOutcome::Accepted { carrier_id: Some(id), remark: None }
            });
            (number, outcome)
        });
        let segments = segments.collect();
        self.network.tell(Event::Outcome(submission.ended(total, segments)));
        if let Some(state) = report {
            ids.iter().for_each(|id| self.report(&submission, id, state));
        }
        if !ids.is_empty() {
            self.answer(&submission);
        }
    }

    fn down_for(&self) -> Option<Duration> {
        None
    }

    fn status(&self) -> CarrierStatus {
        CarrierStatus {
            state: "bound",
            window: WINDOW,
            submitted: self.submitted.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            inbound: self.network.inbound.load(Ordering::Relaxed),
            ..CarrierStatus::default()
        }
    }

    async fn drain(&self, _limit: Duration) {}
}

/// What becomes of a message by its recipient's last digits: its outcome, if it is not accepted, and what is reported
/// if it is.
fn fate_of(digits: &str, attempt: u32) -> (Option<SegmentOutcome>, Option<ReceiptState>) {
    let refused =
        |error_type: ErrorType| Some(SegmentOutcome::Refused { error_type, status: format!("sandbox {digits}") });
    match digits {
        "0001" => (None, Some(ReceiptState::Undeliverable)),
        "0002" => (refused(ErrorType::CarrierRejected), None),
        "0003" => (refused(ErrorType::InvalidDestination), None),
        "0004" => (refused(ErrorType::BlockedByCarrier), None),
        "0005" => (None, None),
        "0006" => (None, Some(ReceiptState::Expired)),
        "0007" if attempt == 1 => (Some(SegmentOutcome::Unknown { why: "sandbox 0007" }), None),
        "0008" if attempt == 1 => (Some(SegmentOutcome::TryLater { status: "sandbox 0008".to_owned() }), None),
        _ => (None, Some(ReceiptState::Delivered)),
    }
}

#[cfg(test)]
mod tests;
