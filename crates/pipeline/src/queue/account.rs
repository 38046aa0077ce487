//! What one account has in the queue: its single messages ahead of those of its broadcasts, and in each of these lanes
//! its originators taking turns.

use std::collections::{HashMap, VecDeque};

use model::{BroadcastId, Originator, Timestamp};
use store::contract::dispatch::Leased;

use super::QueueLimits;
use crate::pace::{Pace, SenderPaces};

/// What an account's queue says when it is its turn.
pub(super) enum Next {
    /// This message.
    Message(Leased),
    /// Nothing before this moment.
    Paced(Timestamp),
    /// Its last message took more than one segment: it is passed over.
    InDebt,
}

/// The messages of one account.
pub(super) struct AccountQueue {
    singles: Lane,
    broadcasts: Lane,
    paces: HashMap<Originator, Pace>,
    pace: Pace,
    /// Places kept for single messages that are being admitted.
    pub(super) reserved: usize,
    /// Turns to be passed over, because a message took more than one segment.
    debt: u32,
}

/// Messages by originator.
#[derive(Default)]
struct Lane {
    originators: HashMap<Originator, VecDeque<Leased>>,
    turns: VecDeque<Originator>,
    len: usize,
}

impl AccountQueue {
    pub(super) fn new() -> Self {
        Self {
            singles: Lane::default(),
            broadcasts: Lane::default(),
            paces: HashMap::new(),
            pace: Pace::default(),
            reserved: 0,
            debt: 0,
        }
    }

    /// How many messages it has.
    pub(super) const fn len(&self) -> usize {
        self.singles.len + self.broadcasts.len
    }

    /// How many single messages it has.
    pub(super) const fn singles(&self) -> usize {
        self.singles.len
    }

    pub(super) fn push(&mut self, leased: Leased) {
        match leased.message.broadcast {
            None => self.singles.push(leased),
            Some(_) => self.broadcasts.push(leased),
        }
    }

    /// The next message that may leave.
    pub(super) fn next(&mut self, limits: &QueueLimits, senders: &SenderPaces, now: Timestamp) -> Next {
        if self.debt > 0 {
            self.debt -= 1;
            return Next::InDebt;
        }
        if limits.account_rate > 0 && !self.pace.is_free(now) {
            return Next::Paced(self.pace.free_at());
        }
        let paces = &self.paces;
        let wait = |originator: Originator| {
            let here = paces
                .get(&originator)
                .filter(|pace| limits.originator_rate > 0 && !pace.is_free(now))
                .map(|pace| pace.free_at());
            here.max(senders.wait(originator, now))
        };
        match self.singles.next(wait) {
            Ok(leased) => Next::Message(leased),
            Err(until) => match self.broadcasts.next(wait) {
                Ok(leased) => Next::Message(leased),
                Err(other) => Next::Paced([until, other].into_iter().flatten().min().unwrap_or(now)),
            },
        }
    }

    /// When the paces of the account and of an originator let the next message go; `None` where they do at `now`.
    pub(super) fn paced_until(
        &self,
        limits: &QueueLimits,
        senders: &SenderPaces,
        originator: Originator,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let held = |rate: u32, pace: &Pace| (rate > 0 && !pace.is_free(now)).then(|| pace.free_at());
        let here = self.paces.get(&originator).and_then(|pace| held(limits.originator_rate, pace));
        held(limits.account_rate, &self.pace).max(here).max(senders.wait(originator, now))
    }

    /// Counts what leaves.
    pub(super) fn spend(
        &mut self,
        limits: &QueueLimits,
        senders: &SenderPaces,
        originator: Originator,
        segments: u32,
        now: Timestamp,
    ) {
        self.debt = segments.saturating_sub(1);
        self.pace.spend(limits.account_rate, segments, now);
        senders.spend(originator, segments, now);
        if limits.originator_rate > 0 {
            self.paces.entry(originator).or_default().spend(limits.originator_rate, segments, now);
        }
    }

    /// Moves everything to `held`, by originator in the order of their turns.
    pub(super) fn clear(&mut self, held: &mut Vec<Leased>) {
        for lane in [&mut self.singles, &mut self.broadcasts] {
            let Lane { mut originators, turns, .. } = std::mem::take(lane);
            held.extend(turns.iter().filter_map(|originator| originators.remove(originator)).flatten());
        }
    }

    /// Takes the messages of a broadcast out. Returns how many there were.
    pub(super) fn forget_broadcast(&mut self, id: BroadcastId) -> usize {
        let lane = &mut self.broadcasts;
        let before = lane.len;
        lane.originators.retain(|_, line| {
            line.retain(|leased| leased.message.broadcast != Some(id));
            !line.is_empty()
        });
        lane.turns.retain(|originator| lane.originators.contains_key(originator));
        lane.len = lane.originators.values().map(VecDeque::len).sum();
        before - lane.len
    }

    /// Forgets paces that let go again. Says whether anything is left to be remembered.
    pub(super) fn forget_idle(&mut self, now: Timestamp) -> bool {
        self.paces.retain(|_, pace| !pace.is_free(now));
        self.len() + self.reserved > 0 || !self.paces.is_empty() || !self.pace.is_free(now)
    }
}

impl Lane {
    fn push(&mut self, leased: Leased) {
        let originator = leased.message.originator;
        let line = self.originators.entry(originator).or_default();
        if line.is_empty() {
            self.turns.push_back(originator);
        }
        line.push_back(leased);
        self.len += 1;
    }

    /// The next message of the first originator that need not wait; its line goes to the end. Otherwise the moment for
    /// which the first of them waits, if any does.
    fn next(&mut self, wait: impl Fn(Originator) -> Option<Timestamp>) -> Result<Leased, Option<Timestamp>> {
        let mut until: Option<Timestamp> = None;
        for _ in 0..self.turns.len() {
            let Some(originator) = self.turns.pop_front() else { break };
            if let Some(at) = wait(originator) {
                until = Some(until.map_or(at, |earlier| earlier.min(at)));
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
            return Ok(leased);
        }
        Err(until)
    }
}
