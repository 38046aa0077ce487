//! Live changes of messages, for an operator.
//!
//! A [`Watch`] has its own tail of the change feed. The tail is limited and is filled without waiting, so a slow reader
//! delays neither the store nor dispatch. Changes have no addresses: the watch looks up each message that it shows, at
//! most [`LINES_MAX`] a second. Changes beyond that, and those that a full tail has lost, are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::{AccountId, Delivery, Message, MessageId, MessageRecord, Originator, Status, Timestamp};
use runtime::Runtime;
use store::Store;
use store::contract::changes::{Change, Kind, Kinds, Resource, Tail, Tailed};

/// Lines that a watch shows in a second.
pub const LINES_MAX: u32 = 200;

/// Watches at a time.
pub const WATCHES_MAX: usize = 16;

/// Changes that a watch for a number looks up in a second, to find those of the number.
const LOOKS_MAX: u32 = 1_000;

const SECOND: Duration = Duration::from_secs(1);

/// The filter of the shown changes. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// To or from this number.
    pub number: Option<Originator>,
    /// With this carrier.
    pub carrier: Option<String>,
    /// To this status.
    pub status: Option<Status>,
}

/// A change of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The time of the event.
    pub at: Timestamp,
    /// The message, with its state at that time.
    pub record: MessageRecord,
    /// Its status before; `None` for one that was just accepted.
    pub previous: Option<Status>,
}

/// An item of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A message was accepted or changed its status.
    Seen(Box<Seen>),
    /// So many changes were left out.
    Gap(u64),
    /// Nothing has happened for a second.
    Nothing,
    /// The store is closed.
    Closed,
}

/// All watches.
#[derive(Default)]
pub(crate) struct Watches(Arc<AtomicUsize>);

/// A watch. Dropping it ends it.
pub struct Watch {
    tail: Tail,
    filter: WatchFilter,
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    /// Changes that were taken from the tail and not looked at yet.
    taken: std::vec::IntoIter<Change>,
    second: Second,
    left_out: u64,
    watches: Arc<AtomicUsize>,
}

/// The numbers of shown and looked-up changes in the present second.
struct Second {
    began: Instant,
    shown: u32,
    looked: u32,
}

impl Watches {
    /// Another watch; `None` if there are too many.
    pub(crate) fn begin(
        &self,
        filter: WatchFilter,
        store: &Arc<dyn Store>,
        runtime: &Arc<dyn Runtime>,
    ) -> Option<Watch> {
        let one_more = |count| (count < WATCHES_MAX).then_some(count + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Watch {
            tail: store.subscribe(Kinds::of(&[Kind::Accepted, Kind::Message])),
            filter,
            store: Arc::clone(store),
            runtime: Arc::clone(runtime),
            taken: Vec::new().into_iter(),
            second: Second { began: runtime.instant(), shown: 0, looked: 0 },
            left_out: 0,
            watches: Arc::clone(&self.0),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watches.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Watch {
    /// Counts changes that were told and could not be shown.
    pub fn leave_out(&mut self, count: u64) {
        self.left_out += count;
    }

    /// The next item.
    pub async fn next(&mut self) -> Told {
        loop {
            let now = self.runtime.instant();
            if now.saturating_duration_since(self.second.began) >= SECOND {
                self.second = Second { began: now, shown: 0, looked: 0 };
                if self.left_out > 0 {
                    return Told::Gap(std::mem::take(&mut self.left_out));
                }
            }
            if let Some(change) = self.taken.next() {
                if let Some(seen) = self.see(change).await {
                    return Told::Seen(Box::new(seen));
                }
                continue;
            }
            let left = (self.second.began + SECOND).saturating_duration_since(now);
            let told = self.runtime.timeout(left, self.tail.next()).await;
            match told {
                Ok(Tailed::Changes(changes)) => self.taken = Vec::from(&*changes).into_iter(),
                Ok(Tailed::Missed(count)) => self.left_out += count,
                Ok(Tailed::Closed) => return Told::Closed,
                Err(_) if self.left_out == 0 => return Told::Nothing,
                Err(_) => {}
            }
        }
    }

    /// The item for a change, if it is shown.
    async fn see(&mut self, change: Change) -> Option<Seen> {
        let Resource::Message { id, delivery, .. } = change.resource else { return None };
        let WatchFilter { account, carrier, status, .. } = &self.filter;
        let passes = account.is_none_or(|account| change.owner.is_some_and(|owner| owner.account == account))
            && carrier.as_ref().is_none_or(|carrier| delivery.carrier.as_str() == carrier)
            && status.is_none_or(|status| delivery.status == status);
        if !passes {
            return None;
        }
        if self.second.shown >= LINES_MAX || self.second.looked >= LOOKS_MAX {
            self.left_out += 1;
            return None;
        }
        self.second.looked += 1;
        let message = self.message(id).await?;
        let is_of = |number: Originator| {
            message.originator == number || matches!(number, Originator::Number(to) if to == message.recipient)
        };
        if !self.filter.number.is_none_or(is_of) {
            return None;
        }
        self.second.shown += 1;
        let previous = previous(&message, &delivery);
        Some(Seen { at: change.at, record: MessageRecord { message, delivery }, previous })
    }

    async fn message(&mut self, id: MessageId) -> Option<Arc<Message>> {
        match self.store.message_of_any_account(id).await {
            Ok(Some(record)) => Some(record.message),
            // It was removed meanwhile, or the store has no time for a look.
            Ok(None) | Err(_) => {
                self.left_out += 1;
                None
            }
        }
    }
}

/// The status that a message had before this one. A status never comes back, so the times determine it.
const fn previous(message: &Message, delivery: &Delivery) -> Option<Status> {
    match delivery.status {
        Status::Queued if delivery.queued_at.is_some() => Some(Status::Scheduled),
        Status::Scheduled | Status::Queued => None,
        _ if message.send_at.is_some() && delivery.queued_at.is_none() => Some(Status::Scheduled),
        Status::Sent | Status::Canceled => Some(Status::Queued),
        Status::Delivered | Status::Undelivered | Status::Failed if delivery.sent_at.is_some() => Some(Status::Sent),
        Status::Delivered | Status::Undelivered | Status::Failed => Some(Status::Queued),
    }
}
