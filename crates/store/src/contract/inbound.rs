//! Messages of handsets: their parts come in one by one, over any session and any node, and become messages.
//!
//! The store keeps parts and joins them. What the whole means (its text, its owner, its keyword, what follows from it)
//! is decided by an [`Interpreter`], a pure function that the pipeline provides and the store calls inside the
//! transaction that completes the message. So a message, the opt-out that it causes, the end of the messages that are
//! queued for its handset, and the automatic reply commit together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{
    Assignment, CarrierName, InboundAddress, InboundMedia, InboundMessage, Message, MessageId, OptOut, OptOutName,
    OptOutScope, Originator, Owner, Timestamp,
};

use super::StoreError;
use super::nodes::Epoch;

/// How the parts of one message are numbered. The same number in another form is another reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceForm {
    /// An element of 8 bits in the user data header (3GPP TS 23.040, 9.2.3.24.1).
    Header8,
    /// An element of 16 bits in the header (3GPP TS 23.040, 9.2.3.24.8).
    Header16,
    /// The parameters `sar_msg_ref_num`, `sar_total_segments` and `sar_segment_seqnum` (SMPP 3.4, 5.3.2.22 to 24).
    Parameters,
}

/// Which part of which message something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartName {
    /// How it is numbered.
    pub form: ReferenceForm,
    /// What all parts share.
    pub reference: u16,
    /// How many parts there are, at least 2.
    pub total: u8,
    /// Which one this is, from 1 to `total`.
    pub number: u8,
    /// The other elements of the header, as they came.
    pub other_elements: Arc<[u8]>,
}

/// One PDU, mail or request with a message of a handset, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The carrier that brought it.
    pub carrier: CarrierName,
    /// The handset.
    pub from: InboundAddress,
    /// The number of the platform.
    pub to: InboundAddress,
    /// The time of its arrival.
    pub at: Timestamp,
    /// Which part it is; `None` for a whole message.
    pub part: Option<PartName>,
    /// What it carries, in an encoding of the pipeline's, which the store keeps and compares and does not read. The
    /// same message that comes again has the same content, so that ids of media are not in it.
    pub content: Arc<[u8]>,
    /// The files of a whole message. Their objects are in their place already. Two arrivals are the same only where
    /// their files have the same digests. The objects of a repeat belong to no message: the caller removes them.
    pub media: Arc<[InboundMedia]>,
}

/// The parts of a message that have come, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The carrier that brought them.
    pub carrier: CarrierName,
    /// The handset.
    pub from: InboundAddress,
    /// The number of the platform.
    pub to: InboundAddress,
    /// When the first of them came.
    pub received_at: Timestamp,
    /// How many parts the message has.
    pub total: u8,
    /// Number and content of those that came, in the order of their numbers.
    pub parts: Vec<(u8, Arc<[u8]>)>,
    /// The files of a whole message, as [`Arrival::media`] has them.
    pub media: Arc<[InboundMedia]>,
    /// The message that was made of some of them before, where this is one that late parts completed. The new one has
    /// its id.
    pub earlier: Option<MessageId>,
}

impl Assembled {
    /// The numbers of the parts that have not come.
    pub fn missing(&self) -> Vec<u8> {
        (1..=self.total).filter(|number| self.parts.iter().all(|(known, _)| known != number)).collect()
    }
}

/// What the pipeline makes of assembled parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interpreted {
    /// A message of an account, and what follows from it.
    Owned(Box<InboundMessage>, Consequence),
    /// A message to a number that belongs to no account: it is kept for the operator. The account of the message means
    /// nothing. A number that is known here may have had an owner: what follows from a keyword counts for that one.
    Unrouted(Box<InboundMessage>, Consequence),
}

/// What follows from a message. Only ever something for a whole message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consequence {
    /// How the opt-out list changes.
    pub opt: Option<Opt>,
    /// The automatic message that answers it, where the bounds allow that.
    pub reply: Option<Reply>,
}

/// A change of the opt-out list that a handset asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opt {
    /// Opt out.
    Out(OptOut),
    /// Opt in again: ends the opt-outs of the owner for the handset that are in this scope, those from one sender for
    /// [`OptOutScope::Number`], all for [`OptOutScope::Account`]. The value says what the history shows.
    In(OptOut, OptOutScope),
}

/// An automatic message on its way, and the bounds that decide whether it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub message: Arc<Message>,
    /// The carrier to which it goes first.
    pub carrier: Assignment,
    /// The present moment in steady time, from which on it is due.
    pub due_at: Timestamp,
    /// How often it may be written.
    pub bound: ReplyBound,
}

/// How often an automatic message of one kind is written for a handset and a number of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyBound {
    /// When the message changed the opt-out list.
    OnChange,
    /// When it changed the list; otherwise when none of this kind was written for so long.
    OnChangeOrAfter(Duration),
    /// When none of this kind was written for so long.
    After(Duration),
}

/// Why an automatic message was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppressed {
    /// The message changed nothing, so that no confirmation is due.
    NoChange,
    /// One of its kind was written not long ago.
    TooSoon,
    /// As many automatic messages as there may be were written for the handset and the number within the hour.
    TooMany,
    /// The handset sent back a text that it had from us within the hour.
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

/// Automatic messages that are written for one handset and one number of ours within an hour, at most.
pub const AUTOMATIC_PER_HOUR_MAX: u32 = 3;

/// How long a message whose answer may not have reached its carrier is recognised when it comes again.
pub const REDELIVERED_WITHIN: Duration = Duration::from_secs(600);

/// How long parts are kept for those that come late, and complete a message that was shown without them.
pub const LATE_PARTS_WITHIN: Duration = Duration::from_secs(86_400);

/// Names one arrival, for [`Inbound::answered`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArrivalId(pub i64);

/// What became of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its name. It is to be given to [`Inbound::answered`] once the carrier has its answer in time.
    pub arrival: ArrivalId,
    /// The outcome.
    pub outcome: InboundOutcome,
}

/// What became of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundOutcome {
    /// It is, or completes, a message of an account.
    Message(Arc<InboundMessage>, Followed),
    /// It is a part, and others are missing.
    Part,
    /// It is on record already: a part that came again, or a message that the carrier sent again because it did not
    /// have our answer.
    Repeated,
    /// It is, or completes, a message that belongs to no account. It is kept for the operator.
    Unrouted(Followed),
}

/// What followed from a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Whether the opt-out list changed.
    pub opt_changed: bool,
    /// How many queued messages failed because of an opt-out.
    pub canceled: u64,
    /// The automatic message that was written: its carrier, so that a dispatcher looks at once.
    pub replied: Option<Assignment>,
    /// Why there is none, where one was offered.
    pub suppressed: Option<Suppressed>,
}

impl InboundOutcome {
    /// What followed, where something may have.
    pub const fn followed(&self) -> Option<&Followed> {
        match self {
            Self::Message(_, followed) | Self::Unrouted(followed) => Some(followed),
            Self::Part | Self::Repeated => None,
        }
    }
}

/// What the pipeline knows about inbound messages. Pure: it reads memory and never waits, because the store calls it
/// inside a transaction.
pub trait Interpreter: Send + Sync {
    /// Says what assembled parts are. Called once the message is whole, or after the wait for its parts.
    fn interpret(&self, assembled: &Assembled) -> Interpreted;
}

/// One step of ending waits for parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartsStep {
    /// What became of the messages that are shown with parts missing.
    pub shown: Vec<InboundOutcome>,
    /// Whether more waits may be over.
    pub more: bool,
}

/// A message that belongs to no account, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrouted {
    /// The message. Its account means nothing.
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
    /// An arrival with the carrier, addresses, part and content of one of the last [`REDELIVERED_WITHIN`] is a repeat
    /// if the answer to that one is not known to have reached the carrier in time ([`Self::answered`]). So is a part
    /// that is known with the same content, of a message that lacks other parts or was completed within that time. A
    /// part whose number is known with other content begins another message: what had come of the one before is shown
    /// as far as it has come. A whole message that asks for an opt-out which is not in force is no repeat: the handset
    /// opted in meanwhile.
    ///
    /// Parts belong together that have the same carrier, addresses, form, reference, total and other elements. A
    /// message that they complete is interpreted and written with all that follows from it: the opt-out list and its
    /// history; the end of queued messages of the owner to the handset in the scope of an opt-out, which fail as
    /// those of a blocked recipient do; the automatic message, unless [`Suppressed`] says why not. A late part of a
    /// message that was shown without it, within [`LATE_PARTS_WITHIN`] of the part before, changes that message, which
    /// stays with the account that it was shown to.
    ///
    /// A message ends unless an attempt of it is under way or it is held; that attempt is not repeated. Where the index
    /// of lists lacks so many messages that one transaction cannot look at them, those end in later transactions before
    /// this call returns. If the process ends in between, [`super::dispatch::Dispatch::begin_attempts`] ends them.
    ///
    /// # Errors
    /// [`StoreError::Over`] when the node is over: nothing is recorded. Its carriers have lost their sessions with it
    /// and may have brought the same to other nodes, which have answered it by now.
    async fn record_inbound(
        &self,
        node: Epoch,
        arrivals: Vec<Arrival>,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<Vec<Recorded>, StoreError>;

    /// Notes that the carrier had its answers to these in time: what has the same octets from now on is another
    /// message. Unknown names are passed over.
    async fn answered(&self, arrivals: Vec<ArrivalId>) -> Result<(), StoreError>;

    /// Shows messages of which no part came for `wait` at `now`, as far as they have come: at most `limit`.
    async fn end_part_waits(
        &self,
        now: Timestamp,
        wait: Duration,
        limit: usize,
        interpreter: Arc<dyn Interpreter>,
    ) -> Result<PartsStep, StoreError>;

    /// Forgets at most `limit` each of parts and arrivals that can mean nothing any more at `now`, and of unrouted
    /// messages that came more than `unrouted_kept` before. Returns how many rows went; fewer than `limit` when nothing
    /// is left.
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

    /// Gives a message that belongs to no account to this owner, as if it had come now; what follows from its keyword
    /// counts for the owner, without an automatic message. [`StoreError::NotFound`] for an unknown one.
    async fn assign_unrouted(
        &self,
        id: MessageId,
        owner: Owner,
        opt: Option<Opt>,
        now: Timestamp,
    ) -> Result<Arc<InboundMessage>, StoreError>;
}

impl Opt {
    /// Which opt-out it is about.
    pub const fn name(&self) -> OptOutName {
        match self {
            Self::Out(opt_out) | Self::In(opt_out, _) => opt_out.name,
        }
    }
}
