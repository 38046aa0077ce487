//! The counters of the pipeline, for the operator.

use std::time::Instant;

use model::{CarrierName, OptOutSource};
use store::contract::inbound::InboundOutcome;

use crate::count::{Counter, Level};
use crate::growing::Growing;
use crate::heard::{InboundCounters, InboundOfCarrier};
use crate::histogram::Histogram;
use crate::screened::ScreeningCounters;
use crate::unmatched::UnmatchedCounters;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages admitted.
    pub admitted: Counter,
    /// Those of test keys.
    pub admitted_test: Counter,
    /// Messages made for recipients of broadcasts.
    pub expanded: Counter,
    /// Texts that the screen had refused.
    pub blocked: Counter,
    /// Texts with findings that passed.
    pub flagged: Counter,
    /// Texts with findings that passed unmarked under a template of their account.
    pub known: Counter,
    /// The findings, and the languages of the texts.
    pub screened: ScreeningCounters,
    /// The outcomes for `mediaUrl`s.
    pub media: MediaCounters,
    /// The outcomes of messages, by their last carrier.
    carriers: Growing<Fates>,
    /// The outcomes of messages that no carrier had.
    unrouted: Fates,
    /// Inbound messages, by their carrier.
    inbound_of: Growing<InboundOfCarrier>,
    /// The same, of carriers that are no longer configured.
    inbound_elsewhere: InboundOfCarrier,
    /// Inbound messages and their effects.
    pub inbound: InboundCounters,
    /// Changes of opt-outs.
    pub opt_outs: OptOutCounters,
    /// Input of carriers that could not be used.
    unmatched: Growing<UnmatchedCounters>,
    /// The same, of carriers that are no longer configured.
    unmatched_elsewhere: UnmatchedCounters,
    /// Attempts that failed for now and are repeated.
    pub retried: Counter,
    /// Attempts of unknown outcome.
    pub unknown: Counter,
    /// Messages diverted to another carrier.
    pub diverted: Counter,
    /// Receipts that found their segment.
    pub receipts_matched: Counter,
    /// Receipts that changed nothing.
    pub receipts_repeated: Counter,
    /// What was removed because it was old.
    pub removed: RemovedCounters,
    /// Changes that were not counted, because they came too fast.
    pub changes_missed: Counter,
    /// The age of the oldest message that the index of lists lacks and should have, in milliseconds; 0 if it lacks
    /// none.
    pub lists_behind_ms: Level,
}

/// Changes of opt-outs, by their source and in both directions.
#[derive(Debug, Default)]
pub struct OptOutCounters([[Counter; 2]; OptOutSource::ALL.len()]);

impl OptOutCounters {
    /// Counts a change.
    pub(crate) fn add(&self, source: OptOutSource, is_out: bool) {
        self.0[source as usize][usize::from(is_out)].add();
    }

    /// All counts: the source, and the numbers of opt-outs and opt-ins.
    pub fn all(&self) -> impl Iterator<Item = (OptOutSource, u64, u64)> {
        OptOutSource::ALL.into_iter().zip(&self.0).map(|(source, [ins, outs])| (source, outs.get(), ins.get()))
    }
}

/// What was removed because it was old.
#[derive(Debug, Default)]
pub struct RemovedCounters([Counter; Self::NAMES.len()]);

impl RemovedCounters {
    /// What is counted, by the names of [`Walk`](store::contract::retention::Walk).
    pub const NAMES: [&str; 8] = [
        "texts",
        "broadcast_texts",
        "inbound_texts",
        "inbound_messages",
        "messages",
        "broadcasts",
        "receipt_keys",
        "unmatched",
    ];

    /// Counts what a step removed.
    pub(crate) fn add(&self, name: &str, count: u64) {
        if let Some(at) = Self::NAMES.iter().position(|known| *known == name) {
            self.0[at].add_many(count);
        }
    }

    /// All counts, each with its name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Self::NAMES.into_iter().zip(self.0.iter().map(Counter::get))
    }
}

/// The outcomes for media.
#[derive(Debug, Default)]
pub struct MediaCounters {
    /// Fetched, whole and of a type that may be sent.
    pub fetched: Counter,
    /// Refused with 33018.
    pub not_allowed: Counter,
    /// Refused with 33017, except those that found no place.
    pub failed: Counter,
    /// Refused with 33017, because too many others were fetched.
    pub crowded: Counter,
    /// Refused with 33014.
    pub too_large: Counter,
    /// Refused with 33015.
    pub unsupported: Counter,
    /// Accepted, but missing or damaged when their message was to leave.
    pub lost: Counter,
}

/// The outcomes of messages.
#[derive(Debug, Default)]
pub struct Fates {
    /// Accepted by a carrier.
    pub sent: Counter,
    /// Delivered.
    pub delivered: Counter,
    /// Undelivered.
    pub undelivered: Counter,
    /// Failed: no carrier accepted them.
    pub failed: Counter,
    /// Canceled before they left.
    pub canceled: Counter,
    /// The time from their acceptance, or from their `sendAt`, until a carrier had accepted all segments.
    pub submitted_after: Histogram,
    /// The time from their acceptance, or from their `sendAt`, until their delivery.
    pub delivered_after: Histogram,
}

impl Counters {
    /// Counters for these carriers.
    pub(crate) fn new(carriers: impl Iterator<Item = CarrierName>) -> Self {
        let names: Vec<CarrierName> = carriers.collect();
        let unmatched = names.iter().map(|name| (name.clone(), UnmatchedCounters::default())).collect();
        let inbound_of = names.iter().map(|name| (name.clone(), InboundOfCarrier::default())).collect();
        Self {
            carriers: names.into_iter().map(|name| (name, Fates::default())).collect(),
            unmatched,
            inbound_of,
            ..Self::default()
        }
    }

    /// Counters for one carrier more.
    pub(crate) fn add_carrier(&self, name: &str) {
        self.carriers.add(name.into(), Fates::default());
        self.unmatched.add(name.into(), UnmatchedCounters::default());
        self.inbound_of.add(name.into(), InboundOfCarrier::default());
    }

    /// Unusable input of a carrier; for any other name, that of carriers that are no longer configured.
    pub fn unmatched(&self, carrier: &str) -> &UnmatchedCounters {
        self.unmatched.get(carrier).unwrap_or(&self.unmatched_elsewhere)
    }

    /// Inbound messages of a carrier; for any other name, those of carriers that are no longer configured.
    pub fn inbound_of(&self, carrier: &str) -> &InboundOfCarrier {
        self.inbound_of.get(carrier).unwrap_or(&self.inbound_elsewhere)
    }

    /// Counts and logs an inbound message that is shown with missing parts.
    pub(crate) fn shown(&self, outcome: &InboundOutcome, now: Instant) {
        let carrier = match outcome {
            InboundOutcome::Message(message, _) => self.inbound_of(&message.carrier),
            _ => &self.inbound_elsewhere,
        };
        self.inbound.shown(carrier, outcome, now);
    }

    /// The outcomes of messages, for every carrier and without a carrier.
    pub fn all_fates(&self) -> impl Iterator<Item = &Fates> {
        self.carriers.values().chain([&self.unrouted])
    }

    /// The outcomes of a carrier's messages; for any other name, of messages that no carrier had.
    pub fn fates(&self, carrier: &str) -> &Fates {
        self.carriers.get(carrier).unwrap_or(&self.unrouted)
    }
}
