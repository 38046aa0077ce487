//! The protocols by which messages leave and arrive.
//!
//! In come [`Submission`]s, already durable; out come [`Event`]s: what the carrier answered, and what it reports
//! unasked. This crate knows carriers and their quirks and nothing of accounts, clients or storage.
//!
//! Reading order: this file (the contract with the dispatcher), [`config`] (the kinds of carriers), [`smpp`] (the
//! session and its link), `exchange` (carriers whose message is one request), [`mm4`] and [`mm7`] (which are such),
//! [`sandbox`] (the carrier that reaches nobody).
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::media::Media;
use model::unmatched::Raw;
use model::{CarrierName, Entropy, ErrorType, Message, ReceiptScope};
use runtime::Supervisor;
use tokio::sync::mpsc;

pub mod ack;
pub mod action;
#[doc(hidden)]
pub mod bare;
pub mod codes;
pub mod config;
mod connect;
mod exchange;
mod heads;
pub mod inbound;
mod insight;
pub mod keys;
pub mod mm4;
pub mod mm7;
pub mod probe;
mod rooms;
pub mod sandbox;
pub mod smpp;
mod throttle;
mod tls;
pub mod trace;
mod unusable;

pub use ack::{Ack, AckId};
pub use config::{CarrierConfig, CarrierKind};
pub use inbound::{Inbound, InboundContent, InboundFile, InboundMms, InboundPart, MMS_BYTES_MAX, PartForm};
pub use insight::Insight;
pub use keys::ConfigError;
pub use rooms::{RefusedConnections, SEND_OFFS_MAX};
pub use unusable::{Unusable, UnusableCounts};
pub use wire::receipt::ReceiptState;

/// A message handed to a carrier: its attempt is recorded, and from now on it may have left.
#[derive(Clone, Debug)]
pub struct Submission {
    /// What to send.
    pub message: Arc<Message>,
    /// Its media, where it has some.
    pub media: Option<Media>,
    /// Which attempt this is, from 1. Comes back with the outcome.
    pub attempt: u32,
    /// The lease that it is sent under. Comes back with the outcome.
    pub token: u64,
    /// Segments that the carrier has already, and that are not to be sent again: bit `n` for segment `n + 1`.
    pub accepted_segments: u64,
    /// How much longer the message is valid, for the carrier's validity period.
    pub valid_for: Duration,
}

impl Submission {
    /// Whether the carrier does not have segment `number` yet.
    pub(crate) const fn lacks(&self, number: u16) -> bool {
        self.accepted_segments >> (number - 1) & 1 == 0
    }

    /// What a multimedia message is made of: its presentation, its text, its media.
    pub(crate) fn parts(&self) -> Vec<wire::mms::Part> {
        let media = self.media.as_ref().map(|media| wire::mms::Attachment {
            content_type: media.kind.as_str(),
            extension: media.kind.extension(),
            bytes: &media.bytes,
        });
        wire::mms::parts(self.message.body.as_deref(), media)
    }

    /// How it ended at a carrier that cuts its text into `total` segments.
    pub(crate) fn ended(&self, total: u16, segments: Vec<(u16, SegmentOutcome)>) -> SubmissionOutcome {
        SubmissionOutcome {
            message: Arc::clone(&self.message),
            attempt: self.attempt,
            token: self.token,
            total,
            accepted_before: self.accepted_segments,
            segments,
        }
    }
}

/// What became of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentOutcome {
    /// The carrier took it, and gave it this id.
    Accepted {
        /// The carrier's id as given; `None` when it gave none.
        carrier_id: Option<String>,
        /// What it says beside that, for the event.
        remark: Option<String>,
    },
    /// The carrier will never take it.
    Refused {
        /// Why, as a client is told.
        error_type: ErrorType,
        /// The status as the specification names it.
        status: String,
    },
    /// The carrier did not take it now and may later.
    TryLater {
        /// The status as the specification names it.
        status: String,
    },
    /// The carrier did not take it because the session is not bound, as far as the carrier knows. It may have it as
    /// soon as it is bound again.
    NotBound {
        /// The status as the specification names it.
        status: String,
    },
    /// It never left this machine.
    NotSent,
    /// It left, and no answer came: its outcome is unknown.
    Unknown {
        /// What happened instead of an answer.
        why: &'static str,
    },
}

/// How a submission ended: one outcome for each segment that was to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmissionOutcome {
    /// Which message.
    pub message: Arc<Message>,
    /// Which attempt.
    pub attempt: u32,
    /// The lease that it was sent under.
    pub token: u64,
    /// How many segments the carrier's cut of the text has: its alphabet and its way of splitting may make more or
    /// fewer than were counted at admission.
    pub total: u16,
    /// The segments that the carrier had before, as in [`Submission::accepted_segments`].
    pub accepted_before: u64,
    /// By segment number, from 1, in order.
    pub segments: Vec<(u16, SegmentOutcome)>,
}

/// A carrier's report on one segment, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its ids in every form in which its segment may have been filed, likeliest first; canonical, never empty. The
    /// first is the id that the carrier is trusted most to mean, as it wrote it; then come other ids that it names, and
    /// other readings of them.
    pub keys: Vec<String>,
    /// The digits of its two addresses, where they are numbers, with `*` for a digit that the carrier hides. The
    /// recipient's is one of them, if the carrier names it.
    pub addresses: Vec<String>,
    /// What it says.
    pub state: ReceiptState,
    /// The carrier's error code, as given.
    pub error: Option<String>,
    /// The id as given, for the event; where several ids are named, all of them.
    pub raw_id: String,
    /// How much of the message it reports on.
    pub scope: ReceiptScope,
    /// How it came, for the operator.
    pub raw: Raw,
}

/// What a carrier tells the pipeline.
#[derive(Debug)]
pub enum Event {
    /// A submission ended. May come twice for one attempt, when an answer arrives after it was given up as unknown.
    Outcome(SubmissionOutcome),
    /// A segment was reported on. [`Ack::accept`] it once it is on disk.
    Receipt(Receipt, Ack),
    /// A message of a handset, or a part of one, came. [`Ack::accept`] it once it is on disk.
    Inbound(Box<Inbound>, Ack),
    /// The carrier had the answer to a message of a handset in time: within ten seconds, and on the session on which it
    /// came. What was accepted and is never reported here may come again.
    Answered(AckId),
    /// Something came that nothing here can use, and was refused. Told as long as not many wait to be recorded; the
    /// counts have them all.
    Unusable(Unusable),
}

/// An event and the carrier that it comes from.
#[derive(Debug)]
pub struct CarrierEvent {
    /// The carrier's name.
    pub carrier: CarrierName,
    /// The event.
    pub event: Event,
}

/// Where a carrier's events go. What bounds them is not the channel: outcomes are bounded by the window, receipts and
/// messages of handsets by those that wait for their [`Ack`] (past `receipts_pending_max` and `inbound_pending_max` a
/// session asks the carrier to come back, and a connection of MM4 or MM7 has one at a time), and what is unusable by
/// its places ([`Unusable`]).
pub type Events = mpsc::UnboundedSender<CarrierEvent>;

/// How one session of a carrier is doing, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// Its number, from 1.
    pub number: usize,
    /// What it binds as: `transceiver`, `transmitter` or `receiver`.
    pub kind: &'static str,
    /// In one word: `connecting`, `binding`, `bound`, `throttled`, `unbinding`, `ending`, `waiting` (for the next try),
    /// `refused` (the same, after the SMSC did not let us in) or `closed`.
    pub state: &'static str,
    /// For how long it has been in that state.
    pub state_for: Duration,
    /// Unanswered segments.
    pub window_in_use: usize,
    /// How many there may be now; 0 for a receiver.
    pub window: usize,
}

/// How a carrier is doing, for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarrierStatus {
    /// In one word: `bound` or (where there are no sessions) `ready`, `binding`, `down`, `throttled`, `refused`
    /// (credentials), `draining`, `closed`.
    pub state: &'static str,
    /// Sessions that are bound, receivers included.
    pub sessions_bound: usize,
    /// Sessions that there should be.
    pub sessions_configured: usize,
    /// The sessions one by one; empty where there are none.
    pub sessions: Vec<SessionStatus>,
    /// Segments a second that it is sent at most; 0 for no bound.
    pub rate: u32,
    /// Unanswered segments.
    pub window_in_use: usize,
    /// How many there may be.
    pub window: usize,
    /// Segments sent since the start.
    pub submitted: u64,
    /// Segments that the carrier took.
    pub accepted: u64,
    /// Segments that it refused for good.
    pub refused: u64,
    /// Times that it asked to be spared (`ESME_RTHROTTLED`, or `ESME_RMSGQFUL` for many recipients in a row).
    pub throttled: u64,
    /// Segments of unknown outcome.
    pub unknown: u64,
    /// Receipts from the carrier.
    pub receipts: u64,
    /// Inbound messages and parts from the carrier.
    pub inbound: u64,
    /// Messages of handsets that were acknowledged and dropped, because they say so: Short Message Type 0 (3GPP TS
    /// 23.040, 9.2.3.9).
    pub silent: u64,
    /// Receipts and messages of handsets that the carrier was asked to bring later, since too many waited to be stored.
    pub put_off: u64,
    /// Sessions opened since the start.
    pub binds: u64,
    /// PDUs that could not be read.
    pub malformed_pdus: u64,
    /// What was refused because nothing here can use it.
    pub unusable: UnusableCounts,
    /// Connections that our listener refused.
    pub refused_connections: RefusedConnections,
    /// The last thing that went wrong, for a person.
    pub last_error: Option<String>,
    /// Where we listen for what the carrier reports, where that is a port of our own.
    pub listens_at: Option<SocketAddr>,
}

/// A way to hand messages to a network. One value for each configured connection, used by one dispatcher.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// Waits until segments can leave (bound, window open, rate not used up, not throttled) and says how many, at least
    /// 1. Cancel-safe. The answer is a promise only as long as the connection lasts.
    async fn ready(&self) -> usize;

    /// How many unanswered segments there may be in all.
    fn window(&self) -> usize;

    /// The longest time from [`submit`](Self::submit) to the outcome, that of the configuration in use.
    fn answers_within(&self) -> Duration;

    /// Hands a message over, at once: its segments leave in order on one session as the window opens. Exactly one
    /// [`Event::Outcome`] follows within [`answers_within`](Self::answers_within), [`SegmentOutcome::NotSent`] where
    /// nothing could leave.
    fn submit(&self, submission: Submission);

    /// Whether it has been unable to take anything for this long, so that a fallback should be tried; `None` while it
    /// can.
    fn down_for(&self) -> Option<Duration>;

    /// Connects, because this process has the carrier from now on. Where several processes may have it, it begins
    /// without a connection.
    fn stand(&self) {}

    /// Ends its connections, because another process is to have the carrier: what is unanswered has until `limit`. It
    /// is over when this returns.
    async fn rest(&self, _limit: Duration) {}

    /// Stops it, because an operator has said so, or starts it again. A stopped carrier ends its connections in order,
    /// within `limit`, and counts as down from the first moment. Returns at once, and may be told the same again.
    fn set_stopped(&self, _is_stopped: bool, _limit: Duration) {}

    /// How it is doing.
    fn status(&self) -> CarrierStatus;

    /// What the operator looks into; `None` for a carrier that has nothing to show.
    fn insight(&self) -> Option<Arc<Insight>> {
        None
    }

    /// How long a message that it took waits for its receipts; `None` for no end.
    fn receipt_wait(&self) -> Option<Duration> {
        receipt_wait(RECEIPT_WAIT_HOURS)
    }

    /// Takes nothing more, waits for what is unanswered (at most `limit`), unbinds and closes. What is unanswered then
    /// ends as unknown.
    async fn drain(&self, limit: Duration);
}

/// What tests wait with.
#[cfg(test)]
fn machine() -> Arc<dyn runtime::Runtime> {
    Arc::new(runtime::Machine::new())
}

/// The first attempt of a test at `message`.
#[cfg(test)]
fn first_attempt(message: Message, token: u64) -> Submission {
    Submission {
        message: Arc::new(message),
        media: None,
        attempt: 1,
        token,
        accepted_segments: 0,
        valid_for: Duration::from_secs(60),
    }
}

/// How long a message waits for its receipts, unless its carrier says otherwise, in hours.
pub const RECEIPT_WAIT_HOURS: u64 = 72;

/// The longest such wait, in hours.
pub(crate) const RECEIPT_WAIT_HOURS_MAX: u64 = 720;

/// The wait of so many hours; none for 0.
pub(crate) fn receipt_wait(hours: u64) -> Option<Duration> {
    (hours > 0).then(|| Duration::from_secs(hours.saturating_mul(3_600)))
}

/// Starts a carrier, whose long tasks the supervisor watches: a link or a listener that panics is a failure of the
/// process.
///
/// # Errors
/// [`ConfigError`] with every mistake of the configuration.
pub fn start(
    config: CarrierConfig,
    events: Events,
    entropy: Arc<dyn Entropy>,
    supervisor: &Supervisor,
) -> Result<Arc<dyn Carrier>, ConfigError> {
    start_with(config, events, entropy, supervisor, Arc::default())
}

/// The same, in the place of a carrier of which the operator has an insight already.
///
/// # Errors
/// As [`start`].
pub fn start_with(
    config: CarrierConfig,
    events: Events,
    entropy: Arc<dyn Entropy>,
    supervisor: &Supervisor,
    insight: Arc<Insight>,
) -> Result<Arc<dyn Carrier>, ConfigError> {
    config.validate()?;
    match config {
        CarrierConfig::Sandbox(config) => {
            Ok(Arc::new(sandbox::Sandbox::new(&config.name, events, Arc::clone(supervisor.runtime()))))
        }
        CarrierConfig::Smpp(config) => {
            Ok(Arc::new(smpp::SmppCarrier::start(*config, events, entropy, supervisor, insight)?))
        }
        CarrierConfig::Mm4(config) => mm4::start(*config, events, supervisor, insight),
        CarrierConfig::Mm7(config) => mm7::start(&config, events, supervisor, insight),
    }
}
