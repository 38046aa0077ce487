//! The tail of the change feed in this process: a bounded mailbox for each subscriber, filled after every commit.
//!
//! Filling never waits. If a mailbox is full, its subscriber loses the content and gets one note instead that it missed
//! changes; from then on it gets every change again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::{Change, Kind, Kinds};

/// The most changes that may wait for a subscriber: three seconds at the full rate of a machine.
const WAITING_MAX: usize = 65_536;

/// The content of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tailed {
    /// The changes of a transaction, in their order. Never empty.
    Changes(Arc<[Change]>),
    /// So many changes were missed, because the subscriber did not take them in time, or this node did not get them.
    /// The subscriber has to read the present state from the store. Later items were committed after these changes.
    Missed(u64),
    /// The store is closed: no more changes follow.
    Closed,
}

/// A subscriber's end. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Tail(Arc<Mailbox>);

impl Tail {
    /// Takes the next item, if there is one.
    pub fn try_next(&self) -> Option<Tailed> {
        let mut state = self.0.state();
        if state.missed > 0 {
            return Some(Tailed::Missed(std::mem::take(&mut state.missed)));
        }
        if let Some(changes) = state.waiting.pop_front() {
            state.count -= changes.len();
            return Some(Tailed::Changes(changes));
        }
        state.is_closed.then_some(Tailed::Closed)
    }

    /// Waits until [`Self::try_next`] has something. For one task at a time.
    pub async fn ready(&self) {
        loop {
            if !self.0.state().is_empty() {
                return;
            }
            self.0.filled.notified().await;
        }
    }

    /// Waits for the next item.
    pub async fn next(&self) -> Tailed {
        loop {
            self.ready().await;
            if let Some(next) = self.try_next() {
                return next;
            }
        }
    }
}

#[derive(Debug)]
struct Mailbox {
    kinds: Kinds,
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<[Change]>>,
    /// The number of changes.
    count: usize,
    missed: u64,
    is_closed: bool,
}

impl State {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.missed == 0 && !self.is_closed
    }

    /// Drops the waiting items, and notes that so many more changes were missed.
    fn miss(&mut self, count: u64) {
        self.missed += self.count as u64 + count;
        self.waiting.clear();
        self.count = 0;
    }
}

impl Mailbox {
    // No step under the lock can leave the state half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, changes: Arc<[Change]>) {
        {
            let mut state = self.state();
            if state.count > 0 && state.count + changes.len() > WAITING_MAX {
                state.miss(changes.len() as u64);
            } else {
                state.count += changes.len();
                state.waiting.push_back(changes);
            }
        }
        self.filled.notify_one();
    }
}

/// The store's end: all subscribers.
#[derive(Debug, Default)]
pub struct Tails {
    subscribers: Mutex<Subscribers>,
    /// The kinds that any subscriber wants, for a check without the lock.
    wanted: AtomicU32,
}

#[derive(Debug, Default)]
struct Subscribers {
    mailboxes: Vec<Weak<Mailbox>>,
    is_closed: bool,
}

impl Tails {
    /// A new subscriber.
    pub fn subscribe(&self, kinds: Kinds) -> Tail {
        let mut subscribers = self.lock();
        let state = State { is_closed: subscribers.is_closed, ..State::default() };
        let mailbox = Arc::new(Mailbox { kinds, state: Mutex::new(state), filled: Notify::new() });
        subscribers.mailboxes.push(Arc::downgrade(&mailbox));
        self.wanted.fetch_or(kinds.bits(), Ordering::Release);
        Tail(mailbox)
    }

    /// Whether a subscriber wants this kind, or wanted it recently.
    pub fn want(&self, kind: Kind) -> bool {
        Kinds::from_bits(self.wanted.load(Ordering::Acquire)).has(kind)
    }

    /// Gives every subscriber the committed changes that it wants.
    pub fn publish(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut subscribers = self.lock();
        let known = subscribers.mailboxes.len();
        subscribers.mailboxes.retain(|mailbox| mailbox.strong_count() > 0);
        if subscribers.mailboxes.len() < known {
            let wanted = subscribers
                .mailboxes
                .iter()
                .filter_map(Weak::upgrade)
                .fold(Kinds::NONE, |all, mailbox| all.and(mailbox.kinds));
            self.wanted.store(wanted.bits(), Ordering::Release);
        }
        let changes: Arc<[Change]> = changes.into();
        for mailbox in subscribers.mailboxes.iter().filter_map(Weak::upgrade) {
            let wanted = changes.iter().filter(|change| mailbox.kinds.has(change.resource.kind())).count();
            if wanted == changes.len() {
                mailbox.put(Arc::clone(&changes));
            } else if wanted > 0 {
                mailbox
                    .put(changes.iter().filter(|change| mailbox.kinds.has(change.resource.kind())).cloned().collect());
            }
        }
    }

    /// Tells every subscriber that wants some of these kinds that it missed so many changes.
    pub fn miss(&self, kinds: Kinds, count: u64) {
        for mailbox in self.lock().mailboxes.iter().filter_map(Weak::upgrade) {
            if mailbox.kinds.bits() & kinds.bits() != 0 {
                mailbox.state().miss(count);
                mailbox.filled.notify_one();
            }
        }
    }

    /// Ends every subscription when its mailbox is empty.
    pub fn close(&self) {
        let mut subscribers = self.lock();
        subscribers.is_closed = true;
        for mailbox in subscribers.mailboxes.drain(..).filter_map(|mailbox| mailbox.upgrade()) {
            mailbox.state().is_closed = true;
            mailbox.filled.notify_one();
        }
    }

    // No step under the lock can leave the list half changed.
    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use model::account::{Account, AccountState, Limits};
    use model::{AccountId, Timestamp};

    use super::*;
    use crate::contract::changes::Resource;

    fn changes(count: usize) -> Vec<Change> {
        let limits = Limits { message_per_minute: 1, broadcast_per_minute: 1, read_per_minute: 1, daily_quota: 1 };
        let (id, created_at) = (AccountId::from_bytes([1; 16]), Timestamp::default());
        let account = Account {
            id,
            name: String::new(),
            state: AccountState::Active,
            limits,
            screening: None,
            retention: None,
            created_at,
        };
        let change = Change { position: None, at: created_at, owner: None, resource: Resource::Account(account) };
        vec![change; count]
    }

    fn taken(tail: &Tail) -> usize {
        match tail.try_next() {
            Some(Tailed::Changes(changes)) => changes.len(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_subscriber_that_takes_nothing_hears_that_it_missed_changes_and_delays_no_other() {
        let tails = Tails::default();
        let (slow, quick) = (tails.subscribe(Kinds::TENANTS), tails.subscribe(Kinds::TENANTS));
        for _ in 0..3 {
            tails.publish(changes(WAITING_MAX / 2));
            assert_eq!(taken(&quick), WAITING_MAX / 2);
        }
        tails.publish(changes(3));
        assert_eq!(slow.try_next(), Some(Tailed::Missed(3 * (WAITING_MAX / 2) as u64)));
        assert_eq!((taken(&slow), taken(&quick)), (3, 3), "from there on it gets everything again");
        assert_eq!((slow.try_next(), quick.try_next()), (None, None));
    }

    #[test]
    fn what_was_not_heard_of_is_missed_by_those_who_want_such_changes() {
        let tails = Tails::default();
        let (tenants, messages) = (tails.subscribe(Kinds::TENANTS), tails.subscribe(Kinds::of(&[Kind::Message])));
        tails.publish(changes(2));
        tails.miss(Kinds::TENANTS, 5);
        tails.publish(changes(1));
        assert_eq!(tenants.try_next(), Some(Tailed::Missed(7)), "what waited came before what was missed");
        assert_eq!((taken(&tenants), messages.try_next()), (1, None));
    }

    #[test]
    fn only_what_a_subscriber_wants_is_made_for_it() {
        let tails = Tails::default();
        assert!(!tails.want(Kind::Accepted));
        let tail = tails.subscribe(Kinds::of(&[Kind::Accepted]));
        assert!(tails.want(Kind::Accepted) && !tails.want(Kind::Message));
        tails.publish(changes(1));
        assert_eq!(tail.try_next(), None);
        drop(tail);
        tails.publish(changes(1));
        assert!(!tails.want(Kind::Accepted));
    }
}
