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
//! | `0007` | nobody knows whether the first attempt was taken: sent again and delivered |
//! | `0008` | not taken at the first attempt, then delivered |
//! | anything else | sent, then `delivered` |

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::{CarrierName, ErrorType, ReceiptScope};
use tokio::sync::mpsc;
use wire::receipt::ReceiptState;

use crate::ack::Ack;
use crate::{Carrier, CarrierEvent, CarrierStatus, Event, Events, Receipt, SegmentOutcome, Submission};

/// The built-in carrier that reaches nobody.
pub struct Sandbox {
    name: CarrierName,
    events: Events,
    submitted: AtomicU64,
    accepted: AtomicU64,
}

/// How many messages the dispatcher hands over at once. Nothing stands behind the number but that there is one.
const WINDOW: usize = 100;

impl Sandbox {
    /// A sandbox of this name.
    pub fn new(name: &str, events: Events) -> Self {
        Self { name: name.into(), events, submitted: AtomicU64::new(0), accepted: AtomicU64::new(0) }
    }

    fn tell(&self, event: Event) {
        // A pipeline that no longer listens has stopped.
        let _ = self.events.send(CarrierEvent { carrier: self.name.clone(), event });
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
        self.tell(Event::Receipt(receipt, Ack::new(0, answers)));
    }
}

#[async_trait]
impl Carrier for Sandbox {
    fn name(&self) -> &str {
        &self.name
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
        self.tell(Event::Outcome(submission.ended(total, segments)));
        if let Some(state) = report {
            ids.iter().for_each(|id| self.report(&submission, id, state));
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
