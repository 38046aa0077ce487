//! What happened, as seen from outside the program: by clients, carriers and the operator. The checks compare it with
//! the contents of the store.

mod nodes;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carrier::{ReceiptState, Submission};
use model::{AccountId, BroadcastId, MessageId, Mode, Msisdn, Originator, Status, Timestamp};
use tokio::sync::{Notify, watch};

use crate::executor::ProcessId;
pub(crate) use people::{Asked, Brought, Change, Name, People, Standing, Text, Times};

/// Everything that happened.
pub struct Ledger {
    facts: Mutex<Facts>,
    /// Notified at moments at which an interruption is likely to do harm.
    stir: Notify,
    /// Notified when a broadcast is accepted, whose messages are about to be made.
    broadcast: Notify,
    /// The process that a carrier has told last that it has room, and that is about to begin attempts.
    room: watch::Sender<ProcessId>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            facts: Mutex::default(),
            stir: Notify::new(),
            broadcast: Notify::new(),
            room: watch::Sender::new(ProcessId::WORLD),
        }
    }
}

impl Ledger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happens.
    pub(crate) fn stir(&self) {
        self.stir.notify_waiters();
    }

    /// Waits until something happens.
    pub(crate) async fn stirred(&self) {
        self.stir.notified().await;
    }

    /// A broadcast is accepted.
    pub(crate) fn begin_broadcast(&self) {
        self.broadcast.notify_waiters();
    }

    /// Waits until a broadcast is accepted.
    pub(crate) async fn broadcast_begun(&self) {
        self.broadcast.notified().await;
    }

    /// A carrier has room for messages of a process.
    pub(crate) fn has_room_for(&self, process: ProcessId) {
        self.room.send_replace(process);
    }

    /// Waits until a carrier has room for messages of this process.
    pub(crate) async fn room_for(&self, process: ProcessId) {
        let mut room = self.room.subscribe();
        loop {
            // The sender is ours.
            let _ = room.changed().await;
            if *room.borrow_and_update() == process {
                return;
            }
        }
    }

    /// Writes down what must not happen.
    pub(crate) fn violated(&self, what: String) {
        self.lock().violated(what);
    }
}

/// The facts, in the order in which they became known.
#[derive(Default)]
pub(crate) struct Facts {
    /// By the mark in their texts.
    pub(crate) requests: BTreeMap<u64, Request>,
    pub(crate) submits: Vec<Submit>,
    /// Messages with an attempt under way, of each process.
    pub(crate) flying: BTreeSet<(ProcessId, MessageId)>,
    /// How often a carrier got a segment.
    pub(crate) taken: BTreeMap<(MessageId, u16), Vec<Piece>>,
    /// Final reports that a carrier was told to forget.
    pub(crate) reported: BTreeMap<(MessageId, u16), BTreeSet<&'static str>>,
    /// Segments of which a carrier has said something final, told or not.
    pub(crate) fates: BTreeMap<(MessageId, u16), BTreeSet<&'static str>>,
    /// Messages that a carrier refused.
    pub(crate) refused: BTreeSet<MessageId>,
    /// The last status that was read.
    pub(crate) seen: BTreeMap<MessageId, Status>,
    /// Messages that were seen as sent.
    pub(crate) was_sent: BTreeSet<MessageId>,
    /// Numbers of which an erasure was begun, or perhaps.
    pub(crate) erased: BTreeSet<Msisdn>,
    /// Messages that an erasure blanked which had ended when this moment came.
    pub(crate) forgotten: BTreeMap<MessageId, Duration>,
    pub(crate) blocks: BTreeMap<Msisdn, Blocked>,
    /// Accounts and numbers that could not send at some time, and broadcasts that were canceled, or perhaps.
    pub(crate) stopped: BTreeSet<Originator>,
    pub(crate) canceled: BTreeSet<BroadcastId>,
    /// When processes died or the machine stood still.
    pub(crate) cuts: Vec<(Duration, Option<ProcessId>)>,
    pub(crate) kills: u64,
    /// How many nodes were told to give their carriers to others.
    pub(crate) draining: usize,
    /// When processes went on that had stood still, each the last time.
    pub(crate) went_on: BTreeMap<ProcessId, Duration>,
    /// The last attempt of each message that was handed over, and the process that did it.
    pub(crate) handed: BTreeMap<MessageId, (u32, ProcessId)>,
    /// How many requests passed in each window.
    pub(crate) windows: BTreeMap<nodes::WindowName, u32>,
    /// What people wrote and asked for.
    pub(crate) people: People,
    /// The latest time at which a message is to leave, by the wall clock.
    pub(crate) leave_by: Option<Timestamp>,
    /// Whether the wall clock was set back.
    pub(crate) was_set_back: bool,
    pub(crate) violations: Vec<String>,
}

impl Facts {
    /// A carrier has a copy of a segment. A process sends another one only after it heard that the outcome of the one
    /// before is unknown.
    pub(crate) fn take(&mut self, submission: &Submission, segment: u16, copy: Piece) {
        let (id, segments) = (submission.message.id, submission.message.segments.max(1));
        let copies = self.taken.entry((id, segment)).or_default();
        // Another carrier needs all segments of a message, one that has some of them only the others.
        let before = copies
            .iter()
            .rev()
            .find(|before| before.process == copy.process && (segments == 1 || before.carrier == copy.carrier));
        let is_again = before.is_some_and(|before| !before.is_unknown);
        copies.push(copy);
        if is_again {
            self.violated(format!(
                "segment {segment} of {id} is sent again, although nothing says that its outcome is unknown"
            ));
        }
    }

    /// The wall clock was set by so many milliseconds.
    pub(crate) fn clock_was_set(&mut self, ms: i64) {
        self.was_set_back |= ms < 0;
        self.people.clock_was_set = true;
    }

    /// Writes down what must not happen.
    pub(crate) fn violated(&mut self, what: String) {
        // The first few say it all.
        if self.violations.len() < 20 {
            self.violations.push(what);
        }
    }
}

/// Whether a recipient is blocked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blocked {
    /// Since when it certainly is.
    pub(crate) since: Option<Duration>,
    /// Whether it may have been at some time.
    pub(crate) ever: bool,
}

/// What a client asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) account: usize,
    pub(crate) mode: Mode,
    pub(crate) key: Option<String>,
    pub(crate) recipients: Vec<Msisdn>,
    pub(crate) promised: Option<Promise>,
    /// Whether the client was told that the quota is used up.
    pub(crate) over_quota: bool,
    /// When its message is to leave, by the wall clock; `None` for at once.
    pub(crate) send_at: Option<Timestamp>,
}

/// What a client was promised.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) id: Named,
    pub(crate) body: String,
    pub(crate) at: Duration,
}

/// The id in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    Message(MessageId),
    Broadcast(BroadcastId),
}

/// A message that was handed to a carrier.
#[derive(Clone, Debug)]
pub(crate) struct Submit {
    pub(crate) at: Duration,
    pub(crate) process: ProcessId,
    pub(crate) carrier: String,
    pub(crate) id: MessageId,
    pub(crate) account: AccountId,
    pub(crate) originator: Originator,
    pub(crate) segments: u16,
}

/// A segment that a carrier has.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) carrier: String,
    /// The id that the carrier gave.
    pub(crate) id: String,
    pub(crate) process: ProcessId,
    /// Whether the process was told that the outcome is unknown.
    pub(crate) is_unknown: bool,
}

/// What a receipt says of a segment for good, as the store names it; `None` when nothing is final.
pub(crate) const fn final_fate(state: ReceiptState) -> Option<&'static str> {
    match state {
        ReceiptState::Delivered => Some("delivered"),
        ReceiptState::Undeliverable
        | ReceiptState::Expired
        | ReceiptState::Rejected
        | ReceiptState::Deleted
        | ReceiptState::Skipped => Some("undelivered"),
        ReceiptState::Scheduled | ReceiptState::Enroute | ReceiptState::Accepted | ReceiptState::Unknown => None,
    }
}

/// The mark in a text, by which a message is known again.
pub(crate) fn mark_of(body: &str) -> Option<u64> {
    body.strip_prefix("ref ")?.split(' ').next()?.parse().ok()
}
