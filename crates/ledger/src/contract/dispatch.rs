//! The way to a carrier: leases, attempts and their outcomes.
//!
//! A queued message is *due* at a certain time. A lease moves that time to the end of the lease and puts a token on the
//! message. So no other worker gets the message before, and a worker that is too late finds another token. The token
//! names the epoch that owns the message ([`super::nodes`]): while a living epoch has an attempt under way, no other
//! epoch gets the message, regardless of the age of its lease.
//!
//! Due times are readings of the steady clock ([`model::Clock::steady`]), so a change of the machine's clock neither
//! ends a lease nor delays a retry. Readings of an earlier process mean nothing to the next one: [`Dispatch::recover`]
//! brings them within limits. Validity and the times of events are times of day.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::message::Message;
use model::{AccountId, Assignment, CarrierName, ErrorType, MessageId, Moment, Msisdn, Timestamp};

use super::StoreError;
use super::nodes::Epoch;

/// The right to dispatch a message until a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Identifies this lease and its epoch ([`Epoch::token`]); never 0.
    pub token: u64,
    /// Its end, in steady time.
    pub until: Timestamp,
}

/// A message held under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// The message to send.
    pub message: Arc<Message>,
    /// The lease.
    pub lease: Lease,
    /// The carrier that it is assigned to.
    pub carrier: Assignment,
    /// The number of earlier attempts.
    pub attempts: u32,
    /// The segments that this carrier has already accepted, also before the message moved to another one: bit `n` for
    /// segment `n + 1`.
    pub accepted_segments: u64,
    /// The carriers that refused it for good ([`Retry::refused`]).
    pub refused_by: Vec<CarrierName>,
    /// Whether its last attempt began and no outcome was recorded: the process died in between, and the outcome is
    /// unknown.
    pub interrupted: bool,
}

impl Leased {
    /// A message before its first attempt with its carrier.
    pub fn fresh(message: Arc<Message>, lease: Lease, carrier: CarrierName) -> Self {
        let (carrier, refused_by) = (carrier.into(), Vec::new());
        Self { message, lease, carrier, attempts: 0, accepted_segments: 0, refused_by, interrupted: false }
    }
}

/// An attempt that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The message.
    pub id: MessageId,
    /// The recipient, for the search of opt-outs.
    pub recipient: Msisdn,
    /// The lease of the message.
    pub token: u64,
    /// The carrier.
    pub carrier: CarrierName,
    /// The new end of the lease, in steady time, so that it covers the wait for the answer.
    pub lease_until: Timestamp,
    /// Details for the event, such as the segments.
    pub detail: String,
}

/// A segment that a carrier accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentAck {
    /// The number of the segment, from 1.
    pub number: u16,
    /// The carrier's id for it, as given; `None` if there is none, so no receipt can match.
    pub carrier_id: Option<String>,
    /// The key under which its receipt is found: the id in canonical form.
    pub key: Option<String>,
}

/// The end of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The message.
    pub id: MessageId,
    /// Its recipient, which distinguishes receipts.
    pub recipient: Msisdn,
    /// The lease of the attempt.
    pub token: u64,
    /// The number of segments into which the carrier splits its text, 64 at most; the message is delivered when so many
    /// segments are. Only used if `accepted` is not empty.
    pub total: u16,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The carrier of the attempt, or the assigned carrier if there was no attempt.
    pub carrier: Assignment,
    /// The time of the answer.
    pub at: Timestamp,
    /// Segments that the carrier accepted in this attempt, regardless of the others.
    pub accepted: Vec<SegmentAck>,
    /// The consequence.
    pub verdict: Verdict,
    /// Details for the event.
    pub detail: String,
    /// The end of the wait for receipts, if the message is sent; `None` if it does not wait.
    pub receipt_by: Option<Timestamp>,
}

/// The consequence of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The carrier has all segments: the message is sent. Valid even if the lease has ended, because it is a fact.
    Sent,
    /// Another attempt follows.
    Retry(Retry),
    /// The outcome is unknown, and the route forbids the risk of a duplicate: nothing more is sent until a receipt
    /// proves the delivery or the validity ends.
    Hold,
    /// No carrier accepted it.
    Failed {
        /// Why.
        error_type: ErrorType,
        /// The reason, in a sentence for the client.
        message: String,
    },
    /// The validity ended before any carrier accepted it: undelivered.
    Expired,
    /// It must not be sent any more: failed, with this reason as its error message. In a broadcast its recipient counts
    /// as skipped, unless an earlier attempt may have reached the recipient.
    Skipped(&'static str),
}

/// Another attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its time, in steady time.
    pub due_at: Timestamp,
    /// Its carrier.
    pub carrier: CarrierName,
    /// Whether the last attempt counts: `false` if nothing left this machine.
    pub counts: bool,
    /// Whether the carrier may have accepted it, so that the next attempt may make a duplicate.
    pub outcome_unknown: bool,
    /// Whether the carrier of the last attempt refused it for good ([`Leased::refused_by`]).
    pub refused: bool,
}

impl Retry {
    /// Another attempt with `carrier`, due at `now`, after an attempt that counts and that the last carrier deferred.
    pub const fn at_once(carrier: CarrierName, now: Moment) -> Self {
        Self { due_at: now.steady, carrier, counts: true, outcome_unknown: false, refused: false }
    }
}

/// A request for leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The carrier, or no route, to which the messages are assigned.
    pub carrier: Assignment,
    /// The present time: messages are leased that are due by now and still valid.
    pub now: Moment,
    /// The lease that each of them gets. Its epoch is that of the caller.
    pub lease: Lease,
    /// At most this many in all.
    pub limit: usize,
    /// At most this many of one account.
    pub limit_per_account: usize,
    /// At most this many of broadcasts.
    pub limit_of_broadcasts: usize,
    /// Accounts that are skipped, because the caller has enough of their messages.
    pub passed_over: Vec<AccountId>,
    /// Messages with an attempt whose end the caller awaits: they are not leased, no matter how long ago their leases
    /// ended.
    pub under_way: HashSet<MessageId>,
}

/// The queue of a carrier, or of messages without a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// The carrier.
    pub carrier: Assignment,
    /// The number of queued messages assigned to it.
    pub queued: u64,
    /// The beginning of the longest wait: the acceptance of the message, or its `sendAt`.
    pub waits_since: Option<Timestamp>,
}

/// The state of a queued message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The time at which it is due or, if it is leased, at which its lease ends, in steady time.
    pub due_at: Timestamp,
    /// The epoch that has leased it.
    pub owner: Option<Epoch>,
    /// Whether an attempt began and no outcome is recorded.
    pub in_flight: bool,
    /// The number of earlier messages that wait for the same carrier, among the first [`Waiting::LOOKED_AT_MAX`] that
    /// wait for it.
    pub ahead: u64,
}

impl Waiting {
    /// The most messages of a carrier that are counted.
    pub const LOOKED_AT_MAX: usize = 100_000;
}

/// The way to a carrier.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// For the start of a node: ends every lease of `node` itself and of epochs that are over, so their messages are
    /// due at `now`. Makes every retry due within `retry_within` of `now`, because an earlier process may have used a
    /// clock that was ahead. Leases of other living epochs stay. Returns the number of ended leases with an attempt
    /// under way ([`Leased::interrupted`]).
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over.
    async fn recover(&self, node: Epoch, now: Timestamp, retry_within: Duration) -> Result<u64, StoreError>;

    /// Leases due messages fairly: every account with due messages gets its turn, unless the caller skips it. Within an
    /// account, single messages go before those of broadcasts, and then the longest due first.
    ///
    /// Messages are leased if they have no lease, if their lease has ended, or if they belong to an epoch that is over.
    /// A message of another living epoch is not leased while its lease lasts or an attempt is under way. Otherwise it
    /// is: the carrier may have moved to the calling node after the other node had put the message aside. If nothing is
    /// due, returns an empty list at once.
    ///
    /// # Errors
    /// [`StoreError::Over`] if the calling epoch is over.
    async fn lease_due(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError>;

    /// Records attempts before anything leaves this machine. One answer for each, in order: the number of the attempt,
    /// from 1, or `None` if the lease is no longer valid at `now`, its epoch is over, or the message is no longer
    /// queued; such a message must not be sent.
    ///
    /// No attempt begins against an opt-out. If an opt-out of the recipient covers the message at this commit, the
    /// answer is `None`, and the message has ended in this transaction as a STOP ends queued messages, provided that
    /// its lease is valid and no earlier attempt is under way. So the order of the admission and the opt-out does not
    /// matter, and neither do their nodes. An opt-out covers the confirmation of a START, because the recipient has
    /// opted out since; it covers neither the confirmation of a STOP nor the answer to a HELP.
    async fn begin_attempts(&self, attempts: Vec<Attempt>, now: Moment) -> Result<Vec<Option<u32>>, StoreError>;

    /// Records the ends of attempts, and applies receipts that came before their acknowledgement: for each accepted
    /// segment, those parked under its carrier and key, regardless of their node. If an acknowledgement and a receipt
    /// are recorded at the same time, the later one finds the earlier one.
    ///
    /// Atomic for the whole list. An outcome other than [`Verdict::Sent`] changes nothing if its lease is no longer
    /// valid or its epoch is over; repeated outcomes change nothing. [`Verdict::Retry`] of a message whose broadcast
    /// was canceled is [`Verdict::Skipped`].
    async fn record_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), StoreError>;

    /// Gives leased messages back without an attempt, due at `now`, in steady time: for a dispatcher that stops.
    /// Messages of epochs that are over are left alone.
    async fn release(&self, leases: Vec<(MessageId, u64)>, now: Timestamp) -> Result<(), StoreError>;

    /// Ends queued messages whose validity has ended at `now`: undelivered, `expired` (or `unknown` for held ones).
    /// Messages with a lease, messages of a living epoch other than `node`, and those in `under_way`, whose answers the
    /// caller awaits, are left alone. At most `limit`; returns their number.
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

    /// Removes idempotency records and daily quotas that no longer count at `now`: at most `limit` of both together.
    /// Returns their number.
    async fn forget_requests(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError>;

    /// The state of a queued message; `None` if it is not queued. Changes nothing.
    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, StoreError>;

    /// The number of queued messages that are held because of an unknown outcome; `limit` if there are more.
    async fn count_held(&self, limit: usize) -> Result<u64, StoreError>;

    /// The queue of each carrier, in no order.
    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError>;
}
