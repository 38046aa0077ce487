//! Inbound messages: parts arrive one by one, over any session and any node, and become messages.
//!
//! The store keeps parts and joins them. An [`Interpreter`] decides about the whole message: its text, its owner, its
//! keyword, and the consequences. It is a pure function that the pipeline provides and the store calls inside the
//! transaction that completes the message. So a message, the opt-out that it causes, the end of the messages that are
//! queued for its sender, and the automatic reply commit together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{
    Assignment, CarrierName, InboundAddress, InboundMedia, InboundMessage, Message, MessageId, OptOut, OptOutName,
    OptOutScope, Originator, Owner, Timestamp,
};

use super::StoreError;
use super::nodes::Epoch;

/// The form in which the parts of one message are numbered. The same number in another form is another reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceForm {
    /// An element of 8 bits in the user data header (3GPP TS 23.040, 9.2.3.24.1).
    Header8,
    /// An element of 16 bits in the header (3GPP TS 23.040, 9.2.3.24.8).
    Header16,
    /// The parameters `sar_msg_ref_num`, `sar_total_segments` and `sar_segment_seqnum` (SMPP 3.4, 5.3.2.22 to 24).
    Parameters,
}

/// The place of a part in its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartName {
    /// The form of the numbering.
    pub form: ReferenceForm,
    /// The reference, which all parts share.
    pub reference: u16,
    /// The number of parts, at least 2.
    pub total: u8,
    /// The number of this part, from 1 to `total`.
    pub number: u8,
    /// The other elements of the header, unchanged.
    pub other_elements: Arc<[u8]>,
}

/// One PDU, mail or request with an inbound message, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The carrier that delivered it.
    pub carrier: CarrierName,
    /// The handset.
    pub from: InboundAddress,
    /// The number of the platform.
    pub to: InboundAddress,
    /// The time of its arrival.
    pub at: Timestamp,
    /// Its place in the message; `None` for a whole message.
    pub part: Option<PartName>,
    /// Its content, in an encoding of the pipeline, which the store keeps and compares but does not read. A repeat of
    /// the message has the same content, so ids of media are not in it.
    pub content: Arc<[u8]>,
    /// The files of a whole message. Their objects are stored already. Two arrivals are the same only if their files
    /// have the same digests. The objects of a repeat belong to no message: the caller removes them.
    pub media: Arc<[InboundMedia]>,
}

/// The parts of a message that have arrived, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The carrier that delivered them.
    pub carrier: CarrierName,
    /// The handset.
    pub from: InboundAddress,
    /// The number of the platform.
    pub to: InboundAddress,
    /// The arrival of the first of them.
    pub received_at: Timestamp,
    /// The number of parts of the message.
    pub total: u8,
    /// Number and content of the parts that have arrived, in the order of their numbers.
    pub parts: Vec<(u8, Arc<[u8]>)>,
    /// The files of a whole message, as [`Arrival::media`] has them.
    pub media: Arc<[InboundMedia]>,
    /// The earlier message with some of these parts, if late parts complete it. The new message has its id.
    pub earlier: Option<MessageId>,
}

impl Assembled {
    /// The numbers of the missing parts.
    pub fn missing(&self) -> Vec<u8> {
        (1..=self.total).filter(|number| self.parts.iter().all(|(known, _)| known != number)).collect()
    }
}

/// The pipeline's interpretation of assembled parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interpreted {
    /// A message of an account, and its consequences.
    Owned(Box<InboundMessage>, Consequence),
    /// A message to a number that belongs to no account: it is kept for the operator. The account of the message has no
    /// meaning. If the number had an owner earlier, the consequences of a keyword apply to that owner.
    Unrouted(Box<InboundMessage>, Consequence),
}

/// The consequences of a message. Only a whole message has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consequence {
    /// The change of the opt-out list.
    pub opt: Option<Opt>,
    /// The automatic message that answers it, if the limits allow it.
    pub reply: Option<Reply>,
}

/// A change of the opt-out list that the sender requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opt {
    /// Opt out.
    Out(OptOut),
    /// Opt in again: ends the recipient's opt-outs from the owner in this scope: those from one sender for
    /// [`OptOutScope::Number`], all for [`OptOutScope::Account`]. The value is for the history.
    In(OptOut, OptOutScope),
}

/// An automatic message, and the limits that decide whether it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub message: Arc<Message>,
    /// The carrier to which it goes first.
    pub carrier: Assignment,
    /// The present time by the steady clock, from which on it is due.
    pub due_at: Timestamp,
    /// The limit of its repetition.
    pub bound: ReplyBound,
}

/// The limit of automatic messages of one kind for a recipient and a number of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyBound {
    /// Only if the message changed the opt-out list.
    OnChange,
    /// If it changed the list, or if none of this kind was written for so long.
    OnChangeOrAfter(Duration),
    /// If none of this kind was written for so long.
    After(Duration),
}

/// The reason why an automatic message was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppressed {
    /// The message changed nothing, so no confirmation is due.
    NoChange,
    /// One of its kind was written recently.
    TooSoon,
    /// The limit of automatic messages for the recipient and the number within an hour was reached.
    TooMany,
    /// The message repeats a text that we sent to this number within the hour.
    Echo,
}

impl Suppressed {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::NoChange, Self::TooSoon, Self::TooMany, Self::Echo];

    /// The reason's name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoChange => "no_change",
            Self::TooSoon => "too_soon",
            Self::TooMany => "too_many",
            Self::Echo => "echo",
        }
    }
}

/// The most automatic messages for one recipient and one number of the platform within an hour.
pub const AUTOMATIC_PER_HOUR_MAX: u32 = 3;

/// How long a repeat is recognized of a message whose answer may not have reached its carrier.
pub const REDELIVERED_WITHIN: Duration = Duration::from_secs(600);

/// How long parts are kept for late ones, which complete a message that was shown without them.
pub const LATE_PARTS_WITHIN: Duration = Duration::from_secs(86_400);

/// Names one arrival, for [`Inbound::answered`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArrivalId(pub i64);

/// The outcome of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its name, for [`Inbound::answered`] when the carrier got its answer in time.
    pub arrival: ArrivalId,
    /// The outcome.
    pub outcome: InboundOutcome,
}

/// The outcome of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundOutcome {
    /// It is, or completes, a message of an account.
    Message(Arc<InboundMessage>, Followed),
    /// It is a part, and others are missing.
    Part,
    /// It is recorded already: a repeated part, or a message that the carrier repeated because it had no answer from
    /// us.
    Repeated,
    /// It is, or completes, a message that belongs to no account. It is kept for the operator.
    Unrouted(Followed),
}

/// The effects of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Whether the opt-out list changed.
    pub opt_changed: bool,
    /// The number of queued messages that failed because of an opt-out.
    pub canceled: u64,
    /// The carrier of the written automatic message, so that a dispatcher looks at once.
    pub replied: Option<Assignment>,
    /// The reason why there is none, if one was offered.
    pub suppressed: Option<Suppressed>,
}

impl InboundOutcome {
    /// The effects, if there can be any.
    pub const fn followed(&self) -> Option<&Followed> {
        match self {
            Self::Message(_, followed) | Self::Unrouted(followed) => Some(followed),
            Self::Part | Self::Repeated => None,
        }
    }
}

/// The pipeline's knowledge about inbound messages. Pure: it reads memory and never waits, because the store calls it
/// inside a transaction.
pub trait Interpreter: Send + Sync {
    /// Interprets assembled parts. Called when the message is whole, or after the wait for its parts.
    fn interpret(&self, assembled: &Assembled) -> Interpreted;
}

/// One step of ending waits for parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartsStep {
    /// The outcomes of the messages that are shown with missing parts.
    pub shown: Vec<InboundOutcome>,
    /// Whether more waits may be over.
    pub more: bool,
}

/// A message that belongs to no account, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrouted {
    /// The message. Its account has no meaning.
    pub message: Arc<InboundMessage>,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnroutedPage {
    /// The messages.
    pub messages: Vec<Unrouted>,
    /// The start of the next page: after this message. `None` at the end.
    pub next: Option<MessageId>,
}

/// The filter of a list of inbound messages. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboundFilter {
    /// From this sender.
    pub from: Option<InboundAddress>,
    /// To this number of the platform.
    pub to: Option<Originator>,
    /// Recorded at this time or later.
    pub since: Option<Timestamp>,
    /// Recorded before this time.
    pub before: Option<Timestamp>,
}

/// A part of a list of inbound messages, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundPage {
    /// The messages.
    pub messages: Vec<Arc<InboundMessage>>,
    /// The start of the next page: after this message. `None` at the end.
    pub next: Option<MessageId>,
}

/// Inbound messages.
#[async_trait]
pub trait Inbound: Send + Sync {
    /// Records arrivals. One result each, in order; atomic for the whole list.
    ///
    /// An arrival with the carrier, addresses, part and content of one of the last [`REDELIVERED_WITHIN`] is a repeat,
    /// if it is not known that the answer to that one reached the carrier in time ([`Self::answered`]). A known part
    /// with the same content is also a repeat, if its message lacks other parts or was completed within that time. A
    /// known part with other content begins another message; the earlier one is shown with its parts so far. A whole
    /// message that asks for an opt-out which is not in force is no repeat: its sender opted in meanwhile.
    ///
    /// Parts with the same carrier, addresses, form, reference, total and other elements belong together. The message
    /// that they complete is interpreted and written with all its consequences: the opt-out list and its history; the
    /// end of queued messages of the owner to its sender in the scope of an opt-out, which fail like those to a blocked
    /// recipient; the automatic message, unless there is a reason against it ([`Suppressed`]). A late part of a message
    /// that was shown without it, within [`LATE_PARTS_WITHIN`] of the part before, changes that message, which stays
    /// with its account.
    ///
    /// A queued message ends unless it has an attempt under way, which is then not repeated, or is held. If the index
    /// of lists lacks too many messages for one transaction, the others end in later transactions before this call
    /// returns. If the process ends in between, [`super::dispatch::Dispatch::begin_attempts`] ends them.
    ///
    /// # Errors
    /// [`StoreError::Over`] if the node is over: nothing is recorded. Its carriers have lost their sessions with it,
    /// and may have delivered the same messages to other nodes, which have answered by now.
    async fn record_inbound(
        &self,
        node: Epoch,
        arrivals: Vec<Arrival>,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<Vec<Recorded>, StoreError>;

    /// Notes that the carrier got its answers to these in time: from now on, an arrival with the same octets is another
    /// message. Unknown names are ignored.
    async fn answered(&self, arrivals: Vec<ArrivalId>) -> Result<(), StoreError>;

    /// Shows messages without their missing parts if no part came for `wait` at `now`: at most `limit`.
    async fn end_part_waits(
        &self,
        now: Timestamp,
        wait: Duration,
        limit: usize,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<PartsStep, StoreError>;

    /// Removes at most `limit` each of parts and arrivals that have no meaning any more at `now`, and of unrouted
    /// messages that came more than `unrouted_kept` before. Returns the number of removed rows; fewer than `limit` if
    /// nothing is left.
    async fn forget_inbound(&self, now: Timestamp, unrouted_kept: Duration, limit: usize) -> Result<usize, StoreError>;

    /// The number of parts that wait for others.
    async fn count_waiting_parts(&self) -> Result<u64, StoreError>;

    /// An inbound message of this owner, or nothing.
    async fn inbound_message(&self, owner: Owner, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError>;

    /// An inbound message of any account, for the operator.
    async fn inbound_of_any_account(&self, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError>;

    /// Inbound messages of an owner (of all when `None`, for the operator), newest first, beginning after `after`: at
    /// most `limit`.
    async fn inbound_messages(
        &self,
        owner: Option<Owner>,
        filter: InboundFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<InboundPage, StoreError>;

    /// Messages that belong to no account, newest first, beginning after `after`: at most `limit`.
    async fn unrouted(&self, after: Option<MessageId>, limit: usize) -> Result<UnroutedPage, StoreError>;

    /// Assigns a message that belongs to no account to this owner, as if it came now. The consequences of its keyword
    /// apply to the owner, without an automatic message. [`StoreError::NotFound`] for an unknown message.
    async fn assign_unrouted(
        &self,
        id: MessageId,
        owner: Owner,
        opt: Option<Opt>,
        now: Timestamp,
    ) -> Result<Arc<InboundMessage>, StoreError>;
}

impl Opt {
    /// The opt-out in question.
    pub const fn name(&self) -> OptOutName {
        match self {
            Self::Out(opt_out) | Self::In(opt_out, _) => opt_out.name,
        }
    }
}
