//! Recording, without its store and its carriers: what carriers report goes in, what is to be written and answered
//! comes out.
//!
//! What a carrier answered to an attempt is a fact that must not be lost, so it is offered to the store until that
//! takes it, or the process ends. A receipt, and a message of a handset, is offered once: its carrier sends it again
//! unless it is on disk.

mod arrived;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use carrier::{Ack, CarrierEvent, Event, Inbound, ReceiptState, Unusable};
use model::backoff::Backoff;
use model::status::SegmentFate;
use model::unmatched::{Reason, clipped};
use model::{CarrierName, Entropy, ErrorType, InboundMedia, Moment};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::inbound::{Arrival, ArrivalId, InboundOutcome, Recorded};
use store::contract::receipts::{Receipt, ReceiptOutcome, Refused};

use crate::heard::Heard;
use crate::outcome::{Circumstances, ID_SHOWN_BYTES_MAX, judge};
use crate::route::{Carriers, Routes};
use arrived::{Arrived, has_files};
pub(super) use arrived::{IsOurs, Placed};

/// The waits between offers of outcomes that the store does not take.
const AGAIN: Backoff = Backoff { floor: Duration::from_millis(100), ceiling: Duration::from_secs(5) };

/// The event.
pub(super) enum Input<'a> {
    /// Carriers report these, in this order. Nothing that the driver was to do is left undone.
    Told(&'a mut Vec<CarrierEvent>),
    /// The files of these messages are in their place.
    Placed(&'a mut Vec<Placed>),
    /// The writes were offered to the store.
    Written(Written),
    /// The rest is over.
    Rested,
    /// The process ends, and the store has had its time.
    GiveUp,
}

/// What the store made of writes.
#[derive(Debug)]
pub(super) struct Written {
    /// What became of the outcomes.
    pub(super) outcomes: Taken,
    /// What became of the receipts; `None` where the store did not take them.
    pub(super) receipts: Option<Vec<ReceiptOutcome>>,
    /// What became of the messages of handsets.
    pub(super) arrivals: Kept,
}

/// What a store made of messages of handsets.
#[derive(Debug)]
pub(super) enum Kept {
    /// They are on disk, and what followed from each.
    Yes(Vec<Recorded>),
    /// They are not, or there were none.
    No,
    /// The store failed, and they may be on disk or not.
    Unknown,
}

/// What a store made of outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// They are on disk.
    Yes,
    /// It may take them later.
    Later,
    /// It will take nothing any more.
    Never,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Action {
    /// Put the files of a message of a handset into their place, beside everything else: it is among
    /// [`Input::Placed`] then. Where that fails, the message is left, and its carrier sends it again.
    Place(CarrierName, Box<Inbound>, Ack),
    /// Write these side by side: [`Input::Written`], or [`Input::GiveUp`].
    Write(Writes),
    /// Wait for so long: [`Input::Rested`], or [`Input::GiveUp`].
    Rest(Duration),
    /// These receipts and messages are on disk.
    Accept(Vec<Ack>),
    /// These files belong to no message: remove them, beside everything else.
    Discard(Vec<InboundMedia>),
    /// Something is due in the store for these carriers.
    LookAt(BTreeSet<CarrierName>),
    /// These outcomes are on disk, and for these carriers something is due in the store.
    Ended(Vec<Outcome>, BTreeSet<CarrierName>),
    /// Something to tell the operator.
    Report(Report),
}

/// What is written together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Writes {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) receipts: Vec<Receipt>,
    /// Messages of handsets, and parts of such.
    pub(super) arrivals: Vec<Arrival>,
    /// Those of before to which the carriers have the answers. That this is noted is worth one try.
    pub(super) answered: Vec<ArrivalId>,
    /// Kept for the operator. They are counted and logged already, so that a store that cannot take them is no reason
    /// to try again.
    pub(super) refused: Vec<Refused>,
}

/// The reports to the operator, in counters and in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// A carrier sent something that nothing here can use: why, in words of ours.
    Unusable(CarrierName, Reason, String),
    /// Attempts are to be repeated, and the outcome of attempts is unknown: how many.
    Attempts {
        /// To be repeated.
        retried: u64,
        /// Of unknown outcome.
        unknown: u64,
    },
    /// Receipts found their segment, and receipts said nothing new: how many.
    Receipts {
        /// Found it.
        matched: u64,
        /// Said nothing new.
        repeated: u64,
    },
    /// A receipt of this carrier waits for its acknowledgement, and so many were dropped for it.
    Parked(CarrierName, u64),
    /// What became of something that a handset sent.
    Arrived(Heard, InboundOutcome),
    /// So many outcomes are not recorded, because the process ends.
    GivenUp(usize),
    /// So many outcomes are lost, because the store failed.
    Lost(usize),
}

/// Says how long a message waits for its receipts, by the name of its carrier.
pub(super) type ReceiptWait = Box<dyn Fn(&str) -> Option<Duration> + Send + Sync>;

/// What verdicts depend on, beside the answers.
pub(super) struct Books {
    pub(super) routes: Arc<Routes>,
    pub(super) carriers: Box<dyn Carriers>,
    pub(super) retry: Backoff,
    pub(super) attempts_per_carrier: u32,
    /// How long a message waits for its receipts, by the name of its carrier.
    pub(super) receipt_wait: ReceiptWait,
    /// Which addresses are numbers of ours.
    pub(super) is_ours: IsOurs,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// The recording of what carriers report.
pub(super) struct Recording {
    books: Books,
    /// Outcomes that are not on disk yet.
    outcomes: Vec<Outcome>,
    /// The carriers of the receipts that are being written, and what these are answered with.
    receipts: Vec<(CarrierName, Ack)>,
    /// What is refused keeps its place among those that wait to be recorded until it is.
    unusable: Vec<Unusable>,
    /// Inbound messages.
    arrived: Arrived,
    /// How often the store did not take the outcomes.
    failures: u32,
    given_up: bool,
}

impl Recording {
    pub(super) fn new(books: Books) -> Self {
        let (outcomes, receipts, unusable) = (Vec::new(), Vec::new(), Vec::new());
        Self { books, outcomes, receipts, unusable, arrived: Arrived::default(), failures: 0, given_up: false }
    }

    /// What follows from `input` at `now`.
    pub(super) fn on(&mut self, input: Input<'_>, now: Moment) -> Vec<Action> {
        match input {
            Input::Told(events) => self.told(events, now),
            Input::Placed(placed) => {
                let mut writes = Writes::default();
                for placed in placed.drain(..) {
                    self.arrived.take(placed, &self.books.is_ours, now, &mut writes.arrivals);
                }
                self.write(writes)
            }
            Input::Written(Written { outcomes, receipts, arrivals }) => {
                let mut actions = self.receipts_written(receipts);
                actions.extend(self.arrived.written(arrivals, now));
                actions.extend(self.outcomes_written(outcomes));
                actions
            }
            Input::Rested if self.outcomes.is_empty() => Vec::new(),
            Input::Rested => vec![Action::Write(Writes { outcomes: self.outcomes.clone(), ..Writes::default() })],
            Input::GiveUp => self.give_up(),
        }
    }

    fn told(&mut self, events: &mut Vec<CarrierEvent>, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut writes = Writes::default();
        for CarrierEvent { carrier, event } in events.drain(..) {
            match event {
                Event::Outcome(answer) => self.outcomes.push(judge(&answer, &self.circumstances(&carrier, now))),
                Event::Receipt(receipt, ack) => {
                    writes.receipts.push(written(carrier.clone(), receipt, now));
                    self.receipts.push((carrier, ack));
                }
                Event::Inbound(inbound, ack) if has_files(&inbound) => {
                    actions.push(Action::Place(carrier, inbound, ack));
                }
                Event::Inbound(inbound, ack) => {
                    let placed = Placed { carrier, inbound, media: Vec::new(), ack };
                    self.arrived.take(placed, &self.books.is_ours, now, &mut writes.arrivals);
                }
                Event::Answered(ack) => self.arrived.answered(ack),
                Event::Unusable(unusable) => {
                    let (reason, detail, raw) = (unusable.reason, unusable.why.clone(), unusable.raw.clone());
                    actions.push(Action::Report(Report::Unusable(carrier.clone(), reason, detail.clone())));
                    writes.refused.push(Refused { carrier, at: now.wall, reason, detail, raw });
                    self.unusable.push(unusable);
                }
            }
        }
        actions.extend(self.write(writes));
        actions
    }

    fn write(&mut self, writes: Writes) -> Vec<Action> {
        if self.given_up {
            return self.give_up();
        }
        let (outcomes, answered) = (self.outcomes.clone(), self.arrived.take_answered());
        vec![Action::Write(Writes { outcomes, answered, ..writes })]
    }

    fn circumstances<'a>(&'a self, carrier: &'a CarrierName, now: Moment) -> Circumstances<'a> {
        let Books { routes, carriers, retry, attempts_per_carrier, receipt_wait, entropy, .. } = &self.books;
        let (unit, receipt_wait) = (entropy.next_unit(), receipt_wait(carrier));
        Circumstances {
            carrier,
            routes,
            carriers: &**carriers,
            now,
            retry: *retry,
            attempts_per_carrier: *attempts_per_carrier,
            unit,
            receipt_wait,
        }
    }

    fn receipts_written(&mut self, results: Option<Vec<ReceiptOutcome>>) -> Vec<Action> {
        self.unusable.clear();
        let receipts = std::mem::take(&mut self.receipts);
        // Those that the store did not take are not accepted, so that their carriers send them again.
        let Some(results) = results.filter(|_| !receipts.is_empty()) else { return Vec::new() };
        let (mut matched, mut repeated) = (0, 0);
        let (mut acks, mut parked) = (Vec::with_capacity(receipts.len()), Vec::new());
        for ((carrier, ack), result) in receipts.into_iter().zip(results) {
            acks.push(ack);
            match result {
                ReceiptOutcome::Matched { .. } => matched += 1,
                ReceiptOutcome::Repeated => repeated += 1,
                ReceiptOutcome::Parked => parked.push(Action::Report(Report::Parked(carrier, 0))),
                ReceiptOutcome::Crowded { dropped } => parked.push(Action::Report(Report::Parked(carrier, dropped))),
            }
        }
        let mut actions = vec![Action::Accept(acks), Action::Report(Report::Receipts { matched, repeated })];
        actions.extend(parked);
        actions
    }

    fn outcomes_written(&mut self, taken: Taken) -> Vec<Action> {
        if self.outcomes.is_empty() {
            return Vec::new();
        }
        match taken {
            Taken::Yes => {
                self.failures = 0;
                ended(std::mem::take(&mut self.outcomes))
            }
            Taken::Later => {
                self.failures += 1;
                vec![Action::Rest(AGAIN.wait(self.failures, self.books.entropy.next_unit()))]
            }
            Taken::Never => vec![Action::Report(Report::Lost(std::mem::take(&mut self.outcomes).len()))],
        }
    }

    /// Nothing more is recorded. Receipts stay unacknowledged, and carriers send them again.
    fn give_up(&mut self) -> Vec<Action> {
        self.given_up = true;
        self.receipts.clear();
        self.unusable.clear();
        self.arrived.give_up();
        match std::mem::take(&mut self.outcomes).len() {
            0 => Vec::new(),
            count => vec![Action::Report(Report::GivenUp(count))],
        }
    }
}

/// What follows from outcomes that are on disk. What is to be tried again is due in the store by now, perhaps with
/// another carrier.
fn ended(outcomes: Vec<Outcome>) -> Vec<Action> {
    let (mut retried, mut unknown, mut due) = (0, 0, BTreeSet::new());
    for outcome in &outcomes {
        match &outcome.verdict {
            Verdict::Retry(retry) => {
                retried += 1;
                unknown += u64::from(retry.outcome_unknown);
                if !due.contains(&retry.carrier) {
                    due.insert(retry.carrier.clone());
                }
            }
            Verdict::Hold => unknown += 1,
            Verdict::Sent | Verdict::Failed { .. } | Verdict::Expired | Verdict::Skipped(_) => {}
        }
    }
    let mut actions = Vec::with_capacity(2);
    if retried + unknown > 0 {
        actions.push(Action::Report(Report::Attempts { retried, unknown }));
    }
    actions.push(Action::Ended(outcomes, due));
    actions
}

fn written(carrier: CarrierName, receipt: carrier::Receipt, now: Moment) -> Receipt {
    let error = receipt
        .error
        .as_deref()
        .map(|error| format!(" err:{}", clipped(error, ID_SHOWN_BYTES_MAX)))
        .unwrap_or_default();
    Receipt {
        carrier,
        detail: format!("id {} {}{error}", clipped(&receipt.raw_id, ID_SHOWN_BYTES_MAX), receipt.state.stat()),
        keys: receipt.keys,
        addresses: receipt.addresses,
        fate: fate(receipt.state),
        at: now.wall,
        scope: receipt.scope,
        raw: receipt.raw,
    }
}

/// What a reported state means for a segment. Accepted and unknown are no end: a final report may follow.
fn fate(state: ReceiptState) -> SegmentFate {
    match state {
        ReceiptState::Delivered => SegmentFate::Delivered,
        ReceiptState::Expired => SegmentFate::Undelivered(ErrorType::Expired),
        ReceiptState::Undeliverable | ReceiptState::Deleted | ReceiptState::Skipped => {
            SegmentFate::Undelivered(ErrorType::Unreachable)
        }
        ReceiptState::Rejected => SegmentFate::Undelivered(ErrorType::CarrierRejected),
        ReceiptState::Scheduled | ReceiptState::Enroute | ReceiptState::Accepted | ReceiptState::Unknown => {
            SegmentFate::Pending
        }
    }
}

#[cfg(test)]
mod tests;
