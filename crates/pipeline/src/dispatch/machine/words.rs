//! The inputs and actions of the dispatch machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use carrier::Submission;
use model::{BroadcastId, CarrierName, Media, MediaId, MessageId, Moment, Timestamp};
use store::contract::dispatch::{Attempt, LeaseRequest, Leased, Outcome};

use crate::media::MediaError;

/// The event.
pub(in crate::dispatch) enum Input<'a> {
    /// The driver asks for a turn. Nothing that it was to do is left undone.
    Turn,
    /// A message was admitted whose place was kept.
    Placed(Leased),
    /// Messages were made under leases of this machine.
    Held(Vec<Leased>),
    /// Something is due in the store.
    Due,
    /// A broadcast was canceled: no attempt of its messages can begin any more.
    Forget(BroadcastId),
    /// Outcomes of attempts are on disk, of any carrier.
    Ended(&'a [Outcome]),
    /// It is time to look round: how the carriers are.
    Tick(Carriers),
    /// A wait is over: its end has come, or there are new messages.
    Woken,
    /// The carrier can send so many segments, and so many may be unanswered.
    Room {
        /// Segments that can leave now.
        ready: usize,
        /// Segments that may be unanswered in all.
        window: usize,
        /// The longest time from a submission to its outcome.
        answers_within: Duration,
    },
    /// These messages are leased.
    Leased(Vec<Leased>),
    /// The media that were asked for, as far as they came in time.
    Media(BTreeMap<MediaId, Result<Media, MediaError>>),
    /// The attempts are on disk; `None` for one that must not leave.
    Begun(Vec<Option<u32>>),
    /// The outcomes are on disk.
    Written,
    /// The store refused or failed.
    Unavailable,
    /// The process ends.
    Stop,
}

/// What is to be done. Those that have an answer are the last of their list.
#[derive(Debug)]
pub(in crate::dispatch) enum Action {
    /// Lease these: [`Input::Leased`].
    Lease(LeaseRequest),
    /// Read these media: [`Input::Media`]. May be left when the process ends.
    Read(BTreeSet<MediaId>),
    /// Record what became of messages that do not leave: [`Input::Written`].
    Record(Vec<Outcome>),
    /// Record that these attempts begin at this moment: [`Input::Begun`].
    Begin(Vec<Attempt>, Moment),
    /// Hand these to the carrier, in this order.
    Submit(Vec<Submission>),
    /// Wait: [`Input::Room`], [`Input::Tick`], [`Input::Woken`] or [`Input::Stop`].
    Wait(Wait),
    /// Give these messages and leases back. Nothing follows.
    Release(Vec<(MessageId, u64)>),
    /// Messages of broadcasts have left memory.
    MadeRoom,
    /// Something is due in the store for these carriers.
    LookAt(BTreeSet<CarrierName>),
    /// Something to tell the operator.
    Report(Report),
}

/// What a wait is for. Every wait ends with the next tick, and when the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Wait {
    /// For messages.
    Messages,
    /// For room with the carrier.
    Room,
    /// Until a pace lets the next message go, in steady time, or for other messages.
    Pace(Timestamp),
    /// For the store, so long.
    Store(Duration),
}

/// The reports to the operator, in counters and in the log.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Report {
    /// So many attempts were begun by a process that died.
    Interrupted(usize),
    /// Their outcome is unknown, and that is on disk.
    Unknown(usize),
    /// So many messages went to another carrier.
    Diverted(usize),
    /// A message fails, because its media are lost: why.
    Lost(MessageId, String),
    /// A message waits for its media: why.
    Late(MessageId, String),
}

/// How the carriers are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::dispatch) struct Carriers {
    /// For how long this one has been down.
    pub(in crate::dispatch) down_for: Option<Duration>,
    /// The names of those that are up. They count only where this one is down.
    pub(in crate::dispatch) up: BTreeSet<CarrierName>,
}
