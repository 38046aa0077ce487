//! The dispatcher's memory: messages that it holds under lease, in a fair order.
//!
//! Accounts take turns by segments, and within an account so do originators; who must wait for its own pace is passed over. A broadcast
//! of 50,000 therefore delays nobody else's one-time password. Nothing here is the truth: what does not fit stays in the store.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use model::{AccountId, Message, Msisdn, Timestamp};
use store::contract::dispatch::Leased;

/// The bounds of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Messages in all.
    pub total: usize,
    /// Messages of one account.
    pub per_account: usize,
    /// Segments a second of one originator; 0 for no such pace.
    pub originator_rate: u32,
    /// Segments a second of one account; 0 for no such pace.
    pub account_rate: u32,
}

/// Messages that every account may have in memory however full the queue is, so that nobody waits behind others' backlogs.
const PER_ACCOUNT_FLOOR: usize = 8;

/// Messages in a fair order.
pub(crate) struct FairQueue {
    limits: QueueLimits,
    accounts: HashMap<AccountId, AccountQueue>,
    turns: VecDeque<AccountId>,
    len: usize,
    reserved: usize,
}

struct AccountQueue {
    originators: HashMap<Msisdn, VecDeque<Leased>>,
    turns: VecDeque<Msisdn>,
    paces: HashMap<Msisdn, Pace>,
    pace: Pace,
    len: usize,
    reserved: usize,
    /// Turns to be passed over, because a message took more than one segment.
    debt: u32,
}

/// When the next segment may leave: one rate's bucket of one second.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    free_at_us: i64,
}

impl Pace {
    fn is_free(self, now: Timestamp) -> bool {
        self.free_at_us <= micros(now)
    }

    /// Counts `segments` at `rate` a second. A bucket never saves up: after a pause one message leaves at once and the next in its time.
    fn spend(&mut self, rate: u32, segments: u32, now: Timestamp) {
        if rate > 0 {
            self.free_at_us = self.free_at_us.max(micros(now)) + i64::from(segments) * 1_000_000 / i64::from(rate);
        }
    }
}

fn micros(at: Timestamp) -> i64 {
    at.as_millis().saturating_mul(1_000)
}

/// What a look into the queue found.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Messages to send now, in order.
    pub(crate) messages: Vec<Leased>,
    /// When somebody's pace lets the next message go, where pace is all that holds it.
    pub(crate) paced_until: Option<Timestamp>,
}

impl FairQueue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { limits, accounts: HashMap::new(), turns: VecDeque::new(), len: 0, reserved: 0 }
    }

    /// How many messages it holds.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many more it would take by its total.
    pub(crate) fn room(&self) -> usize {
        self.limits.total.saturating_sub(self.len + self.reserved)
    }

    /// Keeps a place for a message that is being admitted. `false` when there is none for this account.
    pub(crate) fn reserve(&mut self, account: AccountId) -> bool {
        let room = self.room();
        let limit = self.limits.per_account;
        let queue = self.accounts.entry(account).or_insert_with(AccountQueue::new);
        let held = queue.len + queue.reserved;
        let fits = held < PER_ACCOUNT_FLOOR || (held < limit && room > 0);
        if fits {
            queue.reserved += 1;
            self.reserved += 1;
        } else if held == 0 {
            self.accounts.remove(&account);
        }
        fits
    }

    /// Gives a kept place back unused.
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
        if queue.len == 0 {
            self.turns.push_back(account);
        }
        queue.push(leased);
        self.len += 1;
    }

    /// Takes messages of up to `segments` segments in all (one message more, where the last does not fit: it waits in the carrier).
    /// Those whose lease is over are dropped: they are somebody else's.
    pub(crate) fn take(&mut self, segments: usize, now: Timestamp) -> Taken {
        let mut taken = Taken::default();
        let mut budget = segments;
        let mut passed_over = 0;
        while budget > 0 && passed_over < self.turns.len() {
            let Some(account) = self.turns.pop_front() else { break };
            let Some(queue) = self.accounts.get_mut(&account) else { continue };
            match queue.next(&self.limits, now) {
                Next::Message(leased) => {
                    self.len -= 1;
                    passed_over = 0;
                    if leased.lease.until > now {
                        let cost = u32::from(leased.message.segments.max(1));
                        queue.spend(&self.limits, &leased.message, cost, now);
                        budget = budget.saturating_sub(cost as usize);
                        taken.messages.push(leased);
                    }
                    if queue.len > 0 {
                        self.turns.push_back(account);
                    }
                    self.forget_if_empty(account);
                }
                Next::InDebt => self.turns.push_back(account),
                Next::Paced(until) => {
                    passed_over += 1;
                    taken.paced_until = Some(taken.paced_until.map_or(until, |earlier| earlier.min(until)));
                    self.turns.push_back(account);
                }
            }
        }
        if !taken.messages.is_empty() || self.len == 0 {
            taken.paced_until = None;
        }
        taken
    }

    /// Drops messages whose lease is over, and hands out those whose validity is.
    pub(crate) fn weed(&mut self, now: Timestamp) -> Vec<Leased> {
        let mut expired = Vec::new();
        for leased in self.clear().into_iter().filter(|leased| leased.lease.until > now) {
            if leased.message.expires_at <= now { expired.push(leased) } else { self.push(leased) }
        }
        expired
    }

    /// The accounts that have at least `count` messages here.
    pub(crate) fn with_at_least(&self, count: usize) -> Vec<AccountId> {
        self.accounts.iter().filter(|(_, queue)| queue.len >= count).map(|(account, _)| *account).collect()
    }

    /// Everything that it holds, to be given back.
    pub(crate) fn clear(&mut self) -> Vec<Leased> {
        self.turns.clear();
        self.len = 0;
        let lines = self.accounts.values_mut().flat_map(|queue| {
            queue.len = 0;
            queue.turns.clear();
            queue.originators.drain().flat_map(|(_, line)| line).collect::<Vec<_>>()
        });
        lines.collect()
    }

    fn forget_if_empty(&mut self, account: AccountId) {
        // A paced account is remembered until its pace is free, or it could jump its own queue by emptying it.
        let paced = self.limits.originator_rate > 0 || self.limits.account_rate > 0;
        if self.accounts.get(&account).is_some_and(|queue| queue.len + queue.reserved == 0) && !paced {
            self.accounts.remove(&account);
        }
    }

    /// Forgets the paces of accounts and originators that have nothing waiting and may send again.
    pub(crate) fn forget_idle(&mut self, now: Timestamp) {
        self.accounts.retain(|_, queue| {
            queue.paces.retain(|_, pace| !pace.is_free(now));
            queue.len + queue.reserved > 0 || !queue.paces.is_empty() || !queue.pace.is_free(now)
        });
    }
}

enum Next {
    Message(Leased),
    Paced(Timestamp),
    InDebt,
}

impl AccountQueue {
    fn new() -> Self {
        Self { originators: HashMap::new(), turns: VecDeque::new(), paces: HashMap::new(), pace: Pace::default(), len: 0, reserved: 0, debt: 0 }
    }

    fn push(&mut self, leased: Leased) {
        let originator = leased.message.originator.clone();
        let line = self.originators.entry(originator.clone()).or_default();
        if line.is_empty() {
            self.turns.push_back(originator);
        }
        line.push_back(leased);
        self.len += 1;
    }

    /// The next message of the first originator that may send; its line goes to the end.
    fn next(&mut self, limits: &QueueLimits, now: Timestamp) -> Next {
        if self.debt > 0 {
            self.debt -= 1;
            return Next::InDebt;
        }
        let mut until = i64::MAX;
        if limits.account_rate > 0 && !self.pace.is_free(now) {
            return Next::Paced(at_micros(self.pace.free_at_us));
        }
        for _ in 0..self.turns.len() {
            let Some(originator) = self.turns.pop_front() else { break };
            let pace = self.paces.get(&originator).copied().unwrap_or_default();
            if limits.originator_rate > 0 && !pace.is_free(now) {
                until = until.min(pace.free_at_us);
                self.turns.push_back(originator);
                continue;
            }
            let Some(line) = self.originators.get_mut(&originator) else { continue };
            let Some(leased) = line.pop_front() else { continue };
            if line.is_empty() {
                self.originators.remove(&originator);
            } else {
                self.turns.push_back(originator);
            }
            self.len -= 1;
            return Next::Message(leased);
        }
        Next::Paced(at_micros(until))
    }

    fn spend(&mut self, limits: &QueueLimits, message: &Arc<Message>, segments: u32, now: Timestamp) {
        self.debt = segments.saturating_sub(1);
        self.pace.spend(limits.account_rate, segments, now);
        if limits.originator_rate > 0 {
            self.paces.entry(message.originator.clone()).or_default().spend(limits.originator_rate, segments, now);
        }
    }
}

fn at_micros(us: i64) -> Timestamp {
    // Rounded up, so that whoever waits until then finds the pace free.
    Timestamp::from_millis(us.div_euclid(1_000) + i64::from(us.rem_euclid(1_000) > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::message::{Direction, Encoding, MessageType};
    use model::{MessageId, Mode, SeededEntropy};
    use std::time::Duration;
    use store::contract::dispatch::Lease;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LIMITS: QueueLimits = QueueLimits { total: 100, per_account: 60, originator_rate: 0, account_rate: 0 };

    fn leased(entropy: &SeededEntropy, account: u8, originator: &str, segments: u16) -> Leased {
        let message = Message {
            id: MessageId::new(NOW, entropy),
            account: AccountId::from_bytes([account; 16]),
            broadcast: None,
            direction: Direction::Outbound,
            mode: Mode::Live,
            kind: MessageType::Sms,
            originator: Msisdn::parse(originator).unwrap(),
            recipient: Msisdn::parse("+18005551234").unwrap(),
            body: None,
            media_url: None,
            encoding: Encoding::Gsm7,
            segments,
            reference: 0,
            created_at: NOW,
            expires_at: NOW,
        };
        let lease = Lease { token: 1, until: NOW + Duration::from_secs(60) };
        Leased { message: Arc::new(message), lease, carrier: "main".into(), attempts: 0, accepted_segments: 0, interrupted: false }
    }

    fn accounts(taken: &Taken) -> Vec<u8> {
        taken.messages.iter().map(|leased| leased.message.account.to_bytes()[0]).collect()
    }

    #[test]
    fn accounts_take_turns_however_long_their_lines() {
        let (mut queue, entropy) = (FairQueue::new(LIMITS), SeededEntropy::new(1));
        for _ in 0..50 {
            queue.push(leased(&entropy, 1, "+18005550001", 1));
        }
        queue.push(leased(&entropy, 2, "+18005550002", 1));
        assert_eq!(accounts(&queue.take(4, NOW)), [1, 2, 1, 1]);
        assert_eq!(queue.len(), 47);
    }

    #[test]
    fn turns_are_counted_in_segments() {
        let (mut queue, entropy) = (FairQueue::new(LIMITS), SeededEntropy::new(1));
        for _ in 0..4 {
            queue.push(leased(&entropy, 1, "+18005550001", 3));
            queue.push(leased(&entropy, 2, "+18005550002", 1));
        }
        assert_eq!(accounts(&queue.take(8, NOW)), [1, 2, 2, 2, 1]);
    }

    #[test]
    fn a_paced_originator_holds_up_nobody_else() {
        let limits = QueueLimits { originator_rate: 1, ..LIMITS };
        let (mut queue, entropy) = (FairQueue::new(limits), SeededEntropy::new(1));
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
        let (mut queue, entropy) = (FairQueue::new(limits), SeededEntropy::new(1));
        for originator in ["+18005550001", "+18005550002"] {
            queue.push(leased(&entropy, 1, originator, 1));
        }
        assert_eq!(queue.take(10, NOW).messages.len(), 1);
        assert_eq!(queue.take(10, NOW + Duration::from_millis(500)).messages.len(), 1);
    }

    #[test]
    fn everybody_finds_a_place_in_a_full_queue() {
        let (mut queue, entropy) = (FairQueue::new(LIMITS), SeededEntropy::new(1));
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
        let (mut queue, entropy) = (FairQueue::new(LIMITS), SeededEntropy::new(1));
        for (secs, count) in [(59, 1), (60, 0)] {
            queue.push(leased(&entropy, 1, "+18005550001", 1));
            assert_eq!(queue.take(10, NOW + Duration::from_secs(secs)).messages.len(), count);
            assert_eq!(queue.len(), 0);
        }
    }

    #[test]
    fn what_has_expired_is_handed_out_and_what_is_no_longer_leased_dropped() {
        let (mut queue, entropy) = (FairQueue::new(LIMITS), SeededEntropy::new(1));
        let expiring = |account, secs| {
            let leased = leased(&entropy, account, "+18005550001", 1);
            let message = Arc::new(Message { expires_at: NOW + Duration::from_secs(secs), ..Message::clone(&leased.message) });
            Leased { message, ..leased }
        };
        let short = expiring(1, 5);
        queue.push(short.clone());
        queue.push(expiring(2, 500));
        assert_eq!((queue.weed(NOW).len(), queue.len()), (0, 2));
        let expired = queue.weed(NOW + Duration::from_secs(5));
        assert_eq!((expired.iter().map(|leased| leased.message.id).collect::<Vec<_>>(), queue.len()), (vec![short.message.id], 1));
        assert_eq!((queue.weed(NOW + Duration::from_secs(60)).len(), queue.len()), (0, 0));
    }
}
