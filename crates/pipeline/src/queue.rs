//! The dispatcher's memory: messages that it holds under lease, in a fair order.
//!
//! Accounts take turns, counted in segments. Within an account, single messages go before those of its broadcasts, and
//! originators take turns; an originator that must wait for its own pace is skipped. So a broadcast of 50,000 delays no
//! one-time password of another account. The queue is only a cache: messages that do not fit stay in the store.

mod account;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use model::{AccountId, BroadcastId, Moment, Originator, Timestamp};
use store::contract::dispatch::Leased;

use crate::pace::SenderPaces;
use account::{AccountQueue, Next};

/// The limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// The most single messages; in addition, half as many of broadcasts.
    pub total: usize,
    /// Single messages of one account.
    pub per_account: usize,
    /// Segments a second of one originator; 0 for no such pace.
    pub originator_rate: u32,
    /// Segments a second of one account; 0 for no such pace.
    pub account_rate: u32,
}

/// Messages that every account may have in memory even if the queue is full, so no account waits behind the backlogs of
/// others.
const PER_ACCOUNT_FLOOR: usize = 8;

/// Messages in a fair order.
pub(crate) struct FairQueue {
    limits: QueueLimits,
    senders: Arc<SenderPaces>,
    accounts: HashMap<AccountId, AccountQueue>,
    turns: VecDeque<AccountId>,
    singles: usize,
    reserved: usize,
    /// How many messages of each broadcast it holds.
    broadcasts: HashMap<BroadcastId, usize>,
    of_broadcasts: usize,
}

/// The result of a look into the queue.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Messages to send now, in order.
    pub(crate) messages: Vec<Leased>,
    /// The time at which a pace allows the next message, in steady time, if only a pace delays it.
    pub(crate) paced_until: Option<Timestamp>,
}

impl FairQueue {
    /// A queue in which sender numbers keep these paces too.
    pub(crate) fn new(limits: QueueLimits, senders: Arc<SenderPaces>) -> Self {
        let (accounts, broadcasts) = (HashMap::new(), HashMap::new());
        Self {
            limits,
            senders,
            accounts,
            turns: VecDeque::new(),
            singles: 0,
            reserved: 0,
            broadcasts,
            of_broadcasts: 0,
        }
    }

    /// The number of messages that it holds.
    pub(crate) fn len(&self) -> usize {
        self.singles + self.of_broadcasts
    }

    /// The number of single messages that it holds.
    pub(crate) fn singles(&self) -> usize {
        self.singles
    }

    /// The number of further single messages that its total limit allows.
    pub(crate) fn room(&self) -> usize {
        self.limits.total.saturating_sub(self.singles + self.reserved)
    }

    /// The number of further messages of broadcasts that it would take.
    pub(crate) fn room_for_broadcasts(&self) -> usize {
        (self.limits.total / 2).saturating_sub(self.of_broadcasts)
    }

    /// The number of messages of a broadcast that it holds.
    pub(crate) fn held_of(&self, id: BroadcastId) -> usize {
        self.broadcasts.get(&id).copied().unwrap_or(0)
    }

    /// Reserves a place for a single message that is being admitted. `false` if there is none for this account.
    pub(crate) fn reserve(&mut self, account: AccountId) -> bool {
        let room = self.room();
        let limit = self.limits.per_account;
        let queue = self.accounts.entry(account).or_insert_with(AccountQueue::new);
        let held = queue.singles() + queue.reserved;
        let fits = held < PER_ACCOUNT_FLOOR || (held < limit && room > 0);
        if fits {
            queue.reserved += 1;
            self.reserved += 1;
        }
        self.forget_if_empty(account);
        fits
    }

    /// Gives a reserved place back unused.
    pub(crate) fn cancel(&mut self, account: AccountId) {
        self.reserved = self.reserved.saturating_sub(1);
        if let Some(queue) = self.accounts.get_mut(&account) {
            queue.reserved = queue.reserved.saturating_sub(1);
        }
        self.forget_if_empty(account);
    }

    /// Puts a message at the end of its originator's line.
    pub(crate) fn push(&mut self, leased: Leased) {
        let account = leased.message.account;
        let queue = self.accounts.entry(account).or_insert_with(AccountQueue::new);
        if queue.len() == 0 {
            self.turns.push_back(account);
        }
        match leased.message.broadcast {
            None => self.singles += 1,
            Some(id) => {
                *self.broadcasts.entry(id).or_default() += 1;
                self.of_broadcasts += 1;
            }
        }
        queue.push(leased);
    }

    /// Takes messages of up to `segments` segments in all (one message more, where the last does not fit: it waits in
    /// the carrier). `now` is steady time, as in all that this queue keeps. Messages whose lease is over are dropped:
    /// the store gives them out again.
    pub(crate) fn take(&mut self, segments: usize, now: Timestamp) -> Taken {
        let mut taken = Taken::default();
        let mut budget = segments;
        let mut passed_over = 0;
        while budget > 0 && passed_over < self.turns.len() {
            let Some(account) = self.turns.pop_front() else { break };
            let Some(queue) = self.accounts.get_mut(&account) else { continue };
            match queue.next(&self.limits, &self.senders, now) {
                Next::Message(leased) => {
                    passed_over = 0;
                    let is_held = leased.lease.until > now;
                    if is_held {
                        let cost = u32::from(leased.message.segments.max(1));
                        queue.spend(&self.limits, &self.senders, leased.message.originator, cost, now);
                        budget = budget.saturating_sub(cost as usize);
                    }
                    if queue.len() > 0 {
                        self.turns.push_back(account);
                    }
                    self.forget_if_empty(account);
                    self.left(leased.message.broadcast, 1);
                    if is_held {
                        taken.messages.push(leased);
                    }
                }
                Next::InDebt => {
                    // It has paid a turn, so that the next round may find it free. A round in which no account pays or
                    // sends is the last.
                    passed_over = 0;
                    self.turns.push_back(account);
                }
                Next::Paced(until) => {
                    passed_over += 1;
                    taken.paced_until = Some(taken.paced_until.map_or(until, |earlier| earlier.min(until)));
                    self.turns.push_back(account);
                }
            }
        }
        if !taken.messages.is_empty() || self.len() == 0 {
            taken.paced_until = None;
        }
        taken
    }

    /// The time at which a pace allows a waiting message from `originator`, in steady time; `None` if no pace delays
    /// it.
    pub(crate) fn paced_until(&self, account: AccountId, originator: Originator, now: Timestamp) -> Option<Timestamp> {
        self.accounts.get(&account)?.paced_until(&self.limits, &self.senders, originator, now)
    }

    /// Drops messages whose lease is over, and hands out those whose validity is.
    pub(crate) fn weed(&mut self, now: Moment) -> Vec<Leased> {
        let mut expired = Vec::new();
        for leased in self.clear().into_iter().filter(|leased| leased.lease.until > now.steady) {
            if leased.message.expires_at <= now.wall { expired.push(leased) } else { self.push(leased) }
        }
        expired
    }

    /// The accounts that have at least `count` single messages here, and that is at least one.
    pub(crate) fn with_at_least(&self, count: usize) -> Vec<AccountId> {
        self.turns
            .iter()
            .filter(|account| self.accounts.get(account).is_some_and(|queue| queue.singles() >= count))
            .copied()
            .collect()
    }

    /// Everything that it holds, to give back, by account in the order of their turns.
    pub(crate) fn clear(&mut self) -> Vec<Leased> {
        self.broadcasts.clear();
        let mut held = Vec::with_capacity(self.len());
        (self.singles, self.of_broadcasts) = (0, 0);
        for account in std::mem::take(&mut self.turns) {
            if let Some(queue) = self.accounts.get_mut(&account) {
                queue.clear(&mut held);
            }
        }
        held
    }

    /// Drops the messages of a broadcast, which will not be sent any more.
    pub(crate) fn forget_broadcast(&mut self, id: BroadcastId) {
        if self.held_of(id) == 0 {
            return;
        }
        for _ in 0..self.turns.len() {
            let Some(account) = self.turns.pop_front() else { break };
            let Some(queue) = self.accounts.get_mut(&account) else { continue };
            let count = queue.forget_broadcast(id);
            if queue.len() > 0 {
                self.turns.push_back(account);
            }
            self.left(Some(id), count);
            self.forget_if_empty(account);
        }
    }

    fn left(&mut self, broadcast: Option<BroadcastId>, count: usize) {
        let Some(id) = broadcast else {
            self.singles -= count;
            return;
        };
        self.of_broadcasts -= count;
        if let Some(held) = self.broadcasts.get_mut(&id) {
            *held -= count;
            if *held == 0 {
                self.broadcasts.remove(&id);
            }
        }
    }

    fn forget_if_empty(&mut self, account: AccountId) {
        // A paced account is remembered until its pace is free, or it could jump its own queue by emptying it.
        let paced = self.limits.originator_rate > 0 || self.limits.account_rate > 0;
        if self.accounts.get(&account).is_some_and(|queue| queue.len() + queue.reserved == 0) && !paced {
            self.accounts.remove(&account);
        }
    }

    /// Forgets the paces of accounts and originators that have nothing waiting and may send again.
    pub(crate) fn forget_idle(&mut self, now: Timestamp) {
        self.accounts.retain(|_, queue| queue.forget_idle(now));
        self.senders.forget_idle(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use model::{Message, MessageId, Originator, SeededEntropy};
    use std::num::NonZeroU32;
    use std::time::Duration;
    use store::contract::dispatch::Lease;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LIMITS: QueueLimits = QueueLimits { total: 100, per_account: 60, originator_rate: 0, account_rate: 0 };

    fn queue(limits: QueueLimits) -> FairQueue {
        FairQueue::new(limits, Arc::new(SenderPaces::new(|_| None)))
    }

    /// The same message, as one of a broadcast.
    fn of(broadcast: u8, leased: Leased) -> Leased {
        let message =
            Message { broadcast: Some(BroadcastId::from_bytes([broadcast; 16])), ..(*leased.message).clone() };
        Leased { message: Arc::new(message), ..leased }
    }

    fn leased(entropy: &SeededEntropy, account: u8, originator: &str, segments: u16) -> Leased {
        let message = Message {
            account: testkit::account(account),
            originator: Originator::parse(originator).unwrap(),
            segments,
            ..testkit::message_at(MessageId::new(NOW, entropy), NOW)
        };
        let lease = Lease { token: 1, until: NOW + Duration::from_secs(60) };
        Leased::fresh(Arc::new(message), lease, "main".into())
    }

    fn accounts(taken: &Taken) -> Vec<u8> {
        taken.messages.iter().map(|leased| leased.message.account.to_bytes()[0]).collect()
    }

    #[test]
    fn accounts_take_turns_however_long_their_lines() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        for _ in 0..50 {
            queue.push(leased(&entropy, 1, "+18005550001", 1));
        }
        queue.push(leased(&entropy, 2, "+18005550002", 1));
        assert_eq!(accounts(&queue.take(4, NOW)), [1, 2, 1, 1]);
        assert_eq!(queue.len(), 47);
    }

    #[test]
    fn turns_are_counted_in_segments() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        for _ in 0..4 {
            queue.push(leased(&entropy, 1, "+18005550001", 3));
            queue.push(leased(&entropy, 2, "+18005550002", 1));
        }
        assert_eq!(accounts(&queue.take(8, NOW)), [1, 2, 2, 2, 1]);
    }

    #[test]
    fn a_paced_originator_holds_up_nobody_else() {
        let limits = QueueLimits { originator_rate: 1, ..LIMITS };
        let (mut queue, entropy) = (queue(limits), SeededEntropy::new(1));
        for originator in ["+18005550001", "+18005550001", "+18005550002"] {
            queue.push(leased(&entropy, 1, originator, 1));
        }
        assert_eq!(queue.take(10, NOW).messages.len(), 2);
        let waiting = queue.take(10, NOW);
        assert_eq!((waiting.messages.len(), waiting.paced_until), (0, Some(NOW + Duration::from_secs(1))));
        assert_eq!(queue.take(10, NOW + Duration::from_secs(1)).messages.len(), 1);
    }

    #[test]
    fn an_account_pace_counts_every_originator() {
        let limits = QueueLimits { account_rate: 2, ..LIMITS };
        let (mut queue, entropy) = (queue(limits), SeededEntropy::new(1));
        for originator in ["+18005550001", "+18005550002"] {
            queue.push(leased(&entropy, 1, originator, 1));
        }
        assert_eq!(queue.take(10, NOW).messages.len(), 1);
        assert_eq!(queue.take(10, NOW + Duration::from_millis(500)).messages.len(), 1);
    }

    #[test]
    fn everybody_finds_a_place_in_a_full_queue() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        for account in [1, 2] {
            while queue.reserve(AccountId::from_bytes([account; 16])) {
                queue.cancel(AccountId::from_bytes([account; 16]));
                queue.push(leased(&entropy, account, "+18005550001", 1));
            }
        }
        assert_eq!((queue.len(), queue.room()), (100, 0));
        let newcomer = AccountId::from_bytes([3; 16]);
        assert_eq!((0..20).filter(|_| queue.reserve(newcomer)).count(), PER_ACCOUNT_FLOOR);
    }

    #[test]
    fn a_message_is_sent_until_the_end_of_its_lease_and_then_left_to_the_store() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        for (secs, count) in [(59, 1), (60, 0)] {
            queue.push(leased(&entropy, 1, "+18005550001", 1));
            assert_eq!(queue.take(10, NOW + Duration::from_secs(secs)).messages.len(), count);
            assert_eq!(queue.len(), 0);
        }
    }

    #[test]
    fn what_has_expired_is_handed_out_and_what_is_no_longer_leased_dropped() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        let expiring = |account, secs| {
            let leased = leased(&entropy, account, "+18005550001", 1);
            let message =
                Arc::new(Message { expires_at: NOW + Duration::from_secs(secs), ..Message::clone(&leased.message) });
            Leased { message, ..leased }
        };
        let short = expiring(1, 5);
        queue.push(short.clone());
        queue.push(expiring(2, 500));
        assert_eq!((queue.weed(Moment::of(NOW)).len(), queue.len()), (0, 2));
        let expired = queue.weed(Moment::of(NOW + Duration::from_secs(5)));
        assert_eq!(
            (expired.iter().map(|leased| leased.message.id).collect::<Vec<_>>(), queue.len()),
            (vec![short.message.id], 1)
        );
        assert_eq!((queue.weed(Moment::of(NOW + Duration::from_secs(60))).len(), queue.len()), (0, 0));
    }

    #[test]
    fn single_messages_go_ahead_of_their_accounts_broadcast() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        for account in [1, 2] {
            for _ in 0..30 {
                queue.push(of(account, leased(&entropy, account, "+18005550001", 1)));
            }
        }
        queue.push(leased(&entropy, 1, "+18005550001", 1));
        let taken = queue.take(4, NOW);
        let lanes: Vec<_> = taken
            .messages
            .iter()
            .map(|leased| (leased.message.account.to_bytes()[0], leased.message.broadcast.is_some()))
            .collect();
        assert_eq!(lanes, [(1, false), (2, true), (1, true), (2, true)]);
    }

    #[test]
    fn broadcasts_leave_the_room_of_single_messages_alone() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        for _ in 0..60 {
            queue.push(of(1, leased(&entropy, 1, "+18005550001", 1)));
        }
        assert_eq!(
            (queue.room(), queue.room_for_broadcasts(), queue.held_of(BroadcastId::from_bytes([1; 16]))),
            (100, 0, 60)
        );
        assert_eq!((0..100).filter(|_| queue.reserve(AccountId::from_bytes([1; 16]))).count(), 60);
    }

    #[test]
    fn a_forgotten_broadcast_leaves_nothing_behind() {
        let (mut queue, entropy) = (queue(LIMITS), SeededEntropy::new(1));
        for at in 0..30 {
            queue.push(of(1 + at % 2, leased(&entropy, 1 + at % 3, "+18005550001", 1)));
        }
        queue.push(leased(&entropy, 9, "+18005550001", 1));
        queue.forget_broadcast(BroadcastId::from_bytes([1; 16]));
        assert_eq!((queue.len(), queue.singles()), (16, 1));
        queue.forget_broadcast(BroadcastId::from_bytes([2; 16]));
        assert_eq!(accounts(&queue.take(50, NOW)), [9]);
        assert_eq!((queue.len(), queue.turns.len(), queue.broadcasts.len(), queue.accounts.len()), (0, 0, 0, 0));
    }

    #[test]
    fn a_number_with_a_pace_holds_up_no_other_number_of_its_account() {
        let paced = Originator::parse("+18005550001").unwrap();
        let senders = SenderPaces::new(move |number| NonZeroU32::new(1).filter(|_| number == paced));
        let (mut queue, entropy) = (FairQueue::new(LIMITS, Arc::new(senders)), SeededEntropy::new(1));
        for _ in 0..10 {
            queue.push(of(1, leased(&entropy, 1, "+18005550001", 1)));
            queue.push(of(2, leased(&entropy, 1, "+18005550002", 1)));
        }
        queue.push(leased(&entropy, 1, "+18005550001", 1));
        let taken = queue.take(50, NOW);
        assert_eq!((taken.messages.len(), taken.messages[0].message.broadcast), (11, None));
        assert_eq!(queue.take(50, NOW).paced_until, Some(NOW + Duration::from_secs(1)));
        assert_eq!(queue.take(50, NOW + Duration::from_secs(1)).messages.len(), 1);
    }

    #[test]
    fn a_paced_account_keeps_no_other_from_paying_its_turns() {
        let paced = Originator::parse("+18005550001").unwrap();
        let senders = SenderPaces::new(move |number| NonZeroU32::new(1).filter(|_| number == paced));
        let (mut queue, entropy) = (FairQueue::new(LIMITS, Arc::new(senders)), SeededEntropy::new(1));
        for _ in 0..2 {
            queue.push(leased(&entropy, 1, "+18005550001", 1));
            queue.push(leased(&entropy, 2, "+18005550002", 3));
        }
        assert_eq!(accounts(&queue.take(4, NOW)), [1, 2]);
        assert_eq!(accounts(&queue.take(50, NOW)), [2], "it owes two turns, and no other account can have them");
        assert_eq!(queue.take(50, NOW).paced_until, Some(NOW + Duration::from_secs(1)));
    }
}
