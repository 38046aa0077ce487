//! The way to a carrier: leases, attempts and their outcomes.
//!
//! A queued message is *due* at a moment. A lease moves that moment to the lease's end and puts a token on the message,
//! so that no other worker gets it before, and a worker that comes too late finds another token there. The token says
//! which epoch owns the message ([`super::nodes`]): an attempt that a living epoch has under way is given to no other
//! one, however old its lease is.
//!
//! Moments at which something is due are readings of the steady clock ([`model::Clock::steady`]), so that setting the
//! machine's clock neither ends a lease nor puts off a retry. Readings of an earlier process mean nothing to the next
//! one: [`Dispatch::recover`] brings them within bounds. Validity and the times of events are times of day.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::message::Message;
use model::{AccountId, Assignment, CarrierName, ErrorType, MessageId, Moment, Msisdn, Timestamp};

use super::StoreError;
use super::nodes::Epoch;

/// The right to dispatch a message until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Tells this lease from every other one, and which epoch it belongs to ([`Epoch::token`]); never 0.
    pub token: u64,
    /// When it ends, in steady time.
    pub until: Timestamp,
}

/// A message held under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// What is to be sent.
    pub message: Arc<Message>,
    /// The right to send it.
    pub lease: Lease,
    /// The carrier that it is assigned to.
    pub carrier: Assignment,
    /// How often it was handed to a carrier before.
    pub attempts: u32,
    /// Which of its segments this carrier has taken already, also before the message was with another one: bit `n` for
    /// segment `n + 1`.
    pub accepted_segments: u64,
    /// The carriers that will never take it ([`Retry::refused`]).
    pub refused_by: Vec<CarrierName>,
    /// Whether its last attempt began and no outcome was ever recorded: the process died in between, and what happened
    /// is unknown.
    pub interrupted: bool,
}

impl Leased {
    /// A message that its carrier is about to get for the first time.
    pub fn fresh(message: Arc<Message>, lease: Lease, carrier: CarrierName) -> Self {
        let (carrier, refused_by) = (carrier.into(), Vec::new());
        Self { message, lease, carrier, attempts: 0, accepted_segments: 0, refused_by, interrupted: false }
    }
}

/// A message about to be handed to a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which message.
    pub id: MessageId,
    /// The handset that it goes to, by which opt-outs are found.
    pub recipient: Msisdn,
    /// The lease that it is held under.
    pub token: u64,
    /// To whom.
    pub carrier: CarrierName,
    /// Until when the lease must reach now, in steady time, so that the answer can be awaited under it.
    pub lease_until: Timestamp,
    /// Particulars for the event, such as which segments.
    pub detail: String,
}

/// A segment that a carrier took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentAck {
    /// Which segment, from 1.
    pub number: u16,
    /// The carrier's id for it, as it was given; `None` when it gave none, so that no receipt can ever match.
    pub carrier_id: Option<String>,
    /// The key under which its receipt will be looked for: the id in canonical form.
    pub key: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which message.
    pub id: MessageId,
    /// Its recipient, by which receipts are told apart.
    pub recipient: Msisdn,
    /// The lease under which it was attempted.
    pub token: u64,
    /// Into how many segments the carrier cuts its text, 64 at most; it is delivered when so many are. Counts where
    /// `accepted` has some.
    pub total: u16,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The carrier that was tried, or that the message was assigned to where nothing was.
    pub carrier: Assignment,
    /// When the answer came.
    pub at: Timestamp,
    /// Segments that the carrier took at this attempt, whatever became of the others.
    pub accepted: Vec<SegmentAck>,
    /// What follows.
    pub verdict: Verdict,
    /// Particulars for the event.
    pub detail: String,
    /// Until when the message waits for its receipts, once it is sent; `None` where it does not.
    pub receipt_by: Option<Timestamp>,
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The carrier has all segments: the message is sent. Holds even when the lease is over, for it is the truth.
    Sent,
    /// Another attempt follows.
    Retry(Retry),
    /// Nobody knows what happened, and the route says not to risk a duplicate: nothing more is sent until a receipt
    /// proves the delivery or the validity period ends.
    Hold,
    /// No carrier took it.
    Failed {
        /// Why.
        error_type: ErrorType,
        /// Why, in a sentence for the client.
        message: String,
    },
    /// The validity period ended before any carrier took it: undelivered.
    Expired,
    /// It is not to be sent any more: failed, for this reason, told as its error message. In a broadcast its recipient
    /// counts as skipped, unless an earlier attempt may have reached them.
    Skipped(&'static str),
}

/// Another try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// When, in steady time.
    pub due_at: Timestamp,
    /// With whom.
    pub carrier: CarrierName,
    /// Whether the attempt that just ended counts as one: false where nothing left this machine.
    pub counts: bool,
    /// Whether the carrier may have taken it, so that the next try may make a duplicate.
    pub outcome_unknown: bool,
    /// Whether the carrier that was tried will never take it ([`Leased::refused_by`]).
    pub refused: bool,
}

impl Retry {
    /// Another try with `carrier` that is due at `now`, after an attempt that counts and that the last carrier put off.
    pub const fn at_once(carrier: CarrierName, now: Moment) -> Self {
        Self { due_at: now.steady, carrier, counts: true, outcome_unknown: false, refused: false }
    }
}

/// What a caller wants to lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Messages that are assigned so.
    pub carrier: Assignment,
    /// The present moment: what is due by now, and still valid.
    pub now: Moment,
    /// The lease that every one of them gets. Its epoch is the one that asks.
    pub lease: Lease,
    /// At most this many in all.
    pub limit: usize,
    /// At most this many of one account.
    pub limit_per_account: usize,
    /// At most this many of broadcasts.
    pub limit_of_broadcasts: usize,
    /// Accounts whose turn is passed over, because the caller has enough of theirs.
    pub passed_over: Vec<AccountId>,
    /// Messages whose attempt the caller itself awaits the end of: they are not given out, however long ago their
    /// leases ended.
    pub under_way: HashSet<MessageId>,
}

/// How much waits for a carrier, or for a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// The carrier.
    pub carrier: Assignment,
    /// Queued messages assigned to it.
    pub queued: u64,
    /// Since when the one waits that has waited longest: when it was accepted, or when its time to leave had come.
    pub waits_since: Option<Timestamp>,
}

/// How a queued message waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When it is due, or its lease ends where it is leased, in steady time.
    pub due_at: Timestamp,
    /// The epoch that has leased it.
    pub owner: Option<Epoch>,
    /// Whether an attempt began and no outcome is recorded.
    pub in_flight: bool,
    /// How many messages that were accepted earlier wait for the same carrier, among the first
    /// [`Waiting::LOOKED_AT_MAX`] that wait for it.
    pub ahead: u64,
}

impl Waiting {
    /// How many messages of a carrier are looked at.
    pub const LOOKED_AT_MAX: usize = 100_000;
}

/// The way to a carrier.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// Ends every lease of `node` itself and of epochs that are over, so that their messages are due at `now`, and has
    /// every retry due within `retry_within` of `now`: an earlier process may have measured them by a clock that was
    /// ahead. Leases of other living epochs stay. For the start of a node. Returns how many of the ended leases had an
    /// attempt under way ([`Leased::interrupted`]).
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn recover(&self, node: Epoch, now: Timestamp, retry_within: Duration) -> Result<u64, StoreError>;

    /// Leases messages that are due, fairly: every account with something due gets its turn unless it is to be passed
    /// over; within an account single messages go ahead of those of broadcasts, and then the longest due first.
    ///
    /// Given are messages under no lease, those whose lease has ended, and those of epochs that are over. A message of
    /// another living epoch is never given while its lease lasts or an attempt at it is under way. Otherwise it is: the
    /// carrier may have come to the asking node after the other one had put the message aside. With nothing due,
    /// returns an empty list at once.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the asking epoch is over.
    async fn lease_due(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError>;

    /// Records, before anything leaves this machine, that these messages are about to. One answer each, in order: the
    /// number of the attempt, from 1, or `None` when the lease no longer holds at `now`, its epoch is over, or the
    /// message is no longer queued; such a message must not be sent.
    ///
    /// No attempt begins against an opt-out: where one of the recipient covers the message at this commit, the answer
    /// is `None`, and the message has ended in this transaction as a STOP ends what is queued, provided that its lease
    /// holds and no earlier attempt is under way. So it does not matter in which order a message was admitted and its
    /// recipient opted out, or at which node. An opt-out covers the confirmation of a START, because the handset has
    /// opted out since; it covers neither the confirmation of a STOP nor the answer to a HELP.
    async fn begin_attempts(&self, attempts: Vec<Attempt>, now: Moment) -> Result<Vec<Option<u32>>, StoreError>;

    /// Records how attempts ended, and applies receipts that came before their acknowledgement: for each segment taken,
    /// those parked under its carrier and key, at whichever node they came. Of an acknowledgement and a receipt that
    /// are recorded at the same time, the later one finds the earlier one.
    ///
    /// Atomic for the whole list. An outcome but [`Verdict::Sent`] whose lease no longer holds, or whose epoch is over,
    /// changes nothing; repeated outcomes change nothing.
    /// [`Verdict::Retry`] of a message whose broadcast was canceled is [`Verdict::Skipped`].
    async fn record_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), StoreError>;

    /// Gives leased messages back untouched, due at `now`, in steady time: for a dispatcher that stops before it
    /// attempted them. Those of epochs that are over are left alone.
    async fn release(&self, leases: Vec<(MessageId, u64)>, now: Timestamp) -> Result<(), StoreError>;

    /// Ends queued messages whose validity period is over at `now` and which are under no lease, nor of another living
    /// epoch than `node`, nor among `under_way`, whose answers the caller awaits: undelivered, `expired` (or `unknown`
    /// for held ones). At most `limit` of them; returns how many.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn expire(
        &self,
        node: Epoch,
        now: Moment,
        under_way: HashSet<MessageId>,
        limit: usize,
    ) -> Result<usize, StoreError>;

    /// Forgets idempotency records and daily quotas that count no more at `now`, at most `limit` of both together.
    /// Returns how many.
    async fn forget_requests(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError>;

    /// How a message waits; `None` for one that is not queued. Changes nothing.
    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, StoreError>;

    /// How many queued messages are held because of an unknown outcome; `limit` where there are more.
    async fn count_held(&self, limit: usize) -> Result<u64, StoreError>;

    /// What waits for each carrier, in no order.
    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError>;
}
