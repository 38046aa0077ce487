//! The counters and log lines of inbound messages: without texts and whole numbers.

use std::time::Instant;

use model::message::MessageType;
use model::sampler::{Line, Sampler};
use model::{CarrierName, InboundMessage, KeywordKind};
use store::contract::inbound::{Arrival, Followed, InboundOutcome, Suppressed};

use crate::count::{Counter, Level};

/// Lines of one kind that are logged in a second.
const LINES_PER_SECOND: u32 = 10;

/// An inbound message, in a form for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) carrier: CarrierName,
    from: String,
    to: String,
}

impl Heard {
    pub(crate) fn of(arrival: &Arrival) -> Self {
        Self { carrier: arrival.carrier.clone(), from: arrival.from.masked(), to: arrival.to.masked() }
    }
}

/// Counts of one carrier.
#[derive(Debug, Default)]
pub struct InboundOfCarrier {
    /// Short messages of accounts, each counted once: when it is whole, or after the wait for its parts.
    pub sms: Counter,
    /// Multimedia messages of accounts.
    pub mms: Counter,
    /// Parts that waited for others when they came.
    pub parts: Counter,
    /// Repeats.
    pub repeated: Counter,
    /// Messages that belong to no account.
    pub unrouted: Counter,
    /// Messages and parts that could not be recorded, so the carrier sends them again.
    pub not_recorded: Counter,
}

/// Counts of all carriers together.
#[derive(Debug)]
pub struct InboundCounters {
    /// Keywords, in the order of [`KeywordKind::ALL`].
    keywords: [Counter; KeywordKind::ALL.len()],
    /// Texts that seem to ask for an opt-out in other words.
    pub suspected: Counter,
    /// Changes of the opt-out list by messages.
    pub opt_changes: Counter,
    /// Queued messages that failed because of an opt-out.
    pub canceled: Counter,
    /// Automatic messages, by the kind of the keyword.
    replies: [Counter; KeywordKind::ALL.len()],
    /// Automatic messages that were not written, in the order of [`Suppressed::ALL`].
    suppressed: [Counter; Suppressed::ALL.len()],
    /// Messages that were shown with missing parts.
    pub partial: Counter,
    /// Parts that wait for others.
    pub waiting_parts: Level,
    lines: Sampler,
    unrouted_lines: Sampler,
    partial_lines: Sampler,
}

impl Default for InboundCounters {
    fn default() -> Self {
        Self {
            keywords: Default::default(),
            suspected: Counter::default(),
            opt_changes: Counter::default(),
            canceled: Counter::default(),
            replies: Default::default(),
            suppressed: Default::default(),
            partial: Counter::default(),
            waiting_parts: Level::default(),
            lines: Sampler::new(LINES_PER_SECOND),
            unrouted_lines: Sampler::new(LINES_PER_SECOND),
            partial_lines: Sampler::new(LINES_PER_SECOND),
        }
    }
}

impl InboundCounters {
    /// Keywords, each kind with its count.
    pub fn keywords(&self) -> impl Iterator<Item = (KeywordKind, u64)> {
        KeywordKind::ALL.into_iter().zip(self.keywords.iter().map(Counter::get))
    }

    /// Automatic messages, by the kind of the keyword that they answer.
    pub fn replies(&self) -> impl Iterator<Item = (KeywordKind, u64)> {
        KeywordKind::ALL.into_iter().zip(self.replies.iter().map(Counter::get))
    }

    /// Automatic messages that were not written, by the reason.
    pub fn suppressed(&self) -> impl Iterator<Item = (Suppressed, u64)> {
        Suppressed::ALL.into_iter().zip(self.suppressed.iter().map(Counter::get))
    }

    /// Counts and logs the outcome of an arrival.
    pub(crate) fn heard(&self, of: &InboundOfCarrier, heard: &Heard, outcome: &InboundOutcome, now: Instant) {
        match outcome {
            InboundOutcome::Part => of.parts.add(),
            InboundOutcome::Repeated => of.repeated.add(),
            InboundOutcome::Message(message, followed) => self.log(heard, message, followed, now),
            InboundOutcome::Unrouted(_) => self.log_unrouted(heard, now),
        }
        self.ended(of, outcome);
    }

    /// Counts and logs a message whose wait for parts is over.
    pub(crate) fn shown(&self, of: &InboundOfCarrier, outcome: &InboundOutcome, now: Instant) {
        self.partial.add();
        self.ended(of, outcome);
        let Some(Line { left_out }) = self.partial_lines.line(now) else { return };
        tracing::warn!(left_out, "Parts of an inbound message did not come in time: the message is shown without them");
    }

    fn ended(&self, of: &InboundOfCarrier, outcome: &InboundOutcome) {
        match outcome {
            InboundOutcome::Message(message, followed) => {
                match message.kind {
                    MessageType::Sms => of.sms.add(),
                    MessageType::Mms => of.mms.add(),
                }
                self.suspected.add_many(u64::from(message.suspected_opt_out));
                let kind = message.keyword.as_ref().map(|keyword| keyword.kind);
                kind.into_iter().for_each(|kind| self.keywords[kind as usize].add());
                // What is answered without being a keyword was taken for a STOP.
                self.followed(followed, kind.unwrap_or(KeywordKind::Stop));
            }
            InboundOutcome::Unrouted(followed) => {
                of.unrouted.add();
                self.followed(followed, KeywordKind::Stop);
            }
            InboundOutcome::Part | InboundOutcome::Repeated => {}
        }
    }

    fn followed(&self, followed: &Followed, kind: KeywordKind) {
        self.opt_changes.add_many(u64::from(followed.opt_changed));
        self.canceled.add_many(followed.canceled);
        if followed.replied.is_some() {
            self.replies[kind as usize].add();
        }
        if let Some(why) = followed.suppressed
            && let Some(at) = Suppressed::ALL.iter().position(|known| *known == why)
        {
            self.suppressed[at].add();
        }
    }

    fn log_unrouted(&self, Heard { carrier, to, .. }: &Heard, now: Instant) {
        let Some(Line { left_out }) = self.unrouted_lines.line(now) else { return };
        tracing::warn!(
            carrier.name = %carrier,
            left_out,
            "An inbound message from {carrier} is for {to}, which belongs to no account: `smsfactory inbound unrouted \
             list` shows it"
        );
    }

    fn log(&self, heard: &Heard, message: &InboundMessage, followed: &Followed, now: Instant) {
        let Some(Line { left_out }) = self.lines.line(now) else { return };
        let Heard { carrier, from, to } = heard;
        let keyword = message.keyword.as_ref().map(|keyword| keyword.kind.as_str());
        let suppressed = followed.suppressed.map(Suppressed::as_str);
        tracing::info!(
            message.id = %message.id,
            carrier.name = %carrier,
            keyword,
            opt_changed = followed.opt_changed,
            canceled = followed.canceled,
            replied = followed.replied.is_some(),
            suppressed,
            left_out,
            "Received message {} from {from} to {to} over {carrier}",
            message.id
        );
    }
}
