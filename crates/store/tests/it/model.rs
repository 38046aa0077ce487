//! Any sequence of calls against a model that fits on a page: what a store answers, and what is seen in it afterwards,
//! is what the model says.
//!
//! In come random calls; each is made of the store and of [`Model`]. Every answer is compared, and after every call the
//! status of all messages; at the end the store is closed and opened again, and everything is compared once more.

use std::collections::{BTreeMap, HashMap};

use model::message::Message;
use model::quota::UtcDay;
use model::status::SegmentFate;
use model::{AccountId, ErrorType, MessageId, Moment, Status, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::contract::admission::{Admission, Admitted, Earlier, Quota};
use store::contract::changes::{Kind, Kinds, Resource};
use store::contract::dispatch::{Lease, LeaseRequest, Outcome, Retry, Verdict};
use store::contract::receipts::ReceiptOutcome;

use crate::changes::taken;
use crate::support::{
    Backend, Desk, LEASE_SECS, NODE, NORTH, RETRY_WITHIN, VALID_SECS, acks, admission, after, claim, lease_request,
    live, receipt, retry, under,
};
use crate::usage::recounted;

/// How many recipients an account has in a day.
const LIMIT: u64 = 3;

/// How long an idempotency record counts.
const DAY_SECS: u64 = 86_400;

/// A call. Messages, leases and keys are named by small numbers, so that they meet.
#[derive(Clone, Debug)]
enum Call {
    Admit { account: usize, key: Option<(u8, bool)>, leased: bool },
    Lease { limit: usize, per_account: usize },
    Begin { message: usize, stale: bool },
    End { message: usize, stale: bool, end: End },
    Release { message: usize, stale: bool },
    Receipt { message: usize, delivered: bool },
    Expire { limit: usize },
    Cancel { message: usize },
    Recover,
    Wait { secs: u64 },
}

#[derive(Clone, Copy, Debug)]
enum End {
    Sent,
    Retry { counts: bool, unknown: bool },
    Hold,
    Failed,
    Expired,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let message = || 0..24usize;
    let end = prop_oneof![
        3 => Just(End::Sent),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(counts, unknown)| End::Retry { counts, unknown }),
        1 => Just(End::Hold),
        1 => Just(End::Failed),
        1 => Just(End::Expired),
    ];
    let stale = || prop::bool::weighted(0.15);
    let call = prop_oneof![
        6 => (0..3usize, prop::option::of((0..4u8, any::<bool>())), any::<bool>())
            .prop_map(|(account, key, leased)| Call::Admit { account, key, leased }),
        3 => (1..6usize, 1..4usize).prop_map(|(limit, per_account)| Call::Lease { limit, per_account }),
        6 => (message(), stale()).prop_map(|(message, stale)| Call::Begin { message, stale }),
        6 => (message(), stale(), end).prop_map(|(message, stale, end)| Call::End { message, stale, end }),
        1 => (message(), stale()).prop_map(|(message, stale)| Call::Release { message, stale }),
        3 => (message(), any::<bool>()).prop_map(|(message, delivered)| Call::Receipt { message, delivered }),
        1 => (1..5usize).prop_map(|limit| Call::Expire { limit }),
        1 => message().prop_map(|message| Call::Cancel { message }),
        1 => Just(Call::Recover),
        // Within leases, past their ends, past the validity, past midnight, past the life of a key.
        3 => prop_oneof![Just(1), Just(LEASE_SECS / 2), Just(LEASE_SECS), Just(VALID_SECS), Just(DAY_SECS + 1)]
            .prop_map(|secs| Call::Wait { secs }),
    ];
    prop::collection::vec(call, 1..80)
}

/// Makes random sequences of calls, each of a fresh store, until one disagrees with the model or enough agreed.
pub(crate) fn any_sequence_of_calls_agrees_with_the_model<B: Backend>(fresh: impl Fn() -> B) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The same sequences in every run; what fails shrinks to the shortest that does.
    let config = Config { failure_persistence: None, ..trials::config(192) };
    let check = |calls| {
        runtime.block_on(agrees(&fresh(), calls));
        Ok(())
    };
    TestRunner::new(config).run(&calls(), check).unwrap();
}

async fn agrees(backend: &impl Backend, calls: Vec<Call>) {
    let mut desk = Desk::open(backend).await;
    let accounts = [desk.account(), desk.account(), desk.account()];
    // What follows the changes knows at any moment what the store has.
    let tail = desk.store.subscribe(Kinds::of(&[Kind::Accepted, Kind::Message]));
    let mut followed = BTreeMap::new();
    let mut model = Model { accounts, secs: 0, entries: Vec::new(), quota: HashMap::new(), keys: HashMap::new() };
    for call in calls {
        model.make(&desk, &call).await;
        model.compare(&desk).await;
        for change in taken(&tail) {
            let Resource::Message { id, delivery, .. } = change.resource else { panic!() };
            followed.insert(id, delivery.status);
        }
        assert_eq!(followed, model.entries.iter().map(|entry| (entry.message.id, entry.status)).collect());
    }
    desk.reopen(backend).await;
    model.compare(&desk).await;
}

/// A message as the model has it.
#[derive(Clone, Debug)]
struct Entry {
    message: Message,
    status: Status,
    due_at: Timestamp,
    lease: u64,
    attempts: u32,
    in_flight: bool,
    unknown: u32,
    held: bool,
    /// Whether a carrier took it, so that receipts find it, and whether one of them was final.
    filed: bool,
    settled: bool,
}

impl Entry {
    fn end(&mut self, status: Status) {
        assert!(self.status.may_become(status), "{:?} to {status:?}", self.status);
        (self.status, self.lease, self.in_flight, self.held) = (status, 0, false, false);
    }

    fn is_held_under(&self, token: u64) -> bool {
        self.status == Status::Queued && self.lease == token && token != 0
    }
}

/// What a store is, without a disk.
struct Model {
    accounts: [AccountId; 3],
    secs: u64,
    entries: Vec<Entry>,
    quota: HashMap<(AccountId, UtcDay), u64>,
    /// Which message stands under a key, for which of two requests, since when.
    keys: HashMap<(AccountId, u8), (usize, bool, u64)>,
}

impl Model {
    async fn make(&mut self, desk: &Desk, call: &Call) {
        match *call {
            Call::Admit { account, key, leased } => self.admit(desk, account, key, leased).await,
            Call::Lease { limit, per_account } => self.lease(desk, limit, per_account).await,
            Call::Begin { message, stale } => self.begin(desk, message, stale).await,
            Call::End { message, stale, end } => self.end(desk, message, stale, end).await,
            Call::Release { message, stale } => self.release(desk, message, stale).await,
            Call::Receipt { message, delivered } => self.receipt(desk, message, delivered).await,
            Call::Expire { limit } => self.expire(desk, limit).await,
            Call::Cancel { message } => self.cancel(desk, message).await,
            Call::Recover => self.recover(desk).await,
            Call::Wait { secs } => self.secs += secs,
        }
    }

    fn now(&self) -> Timestamp {
        after(self.secs)
    }

    /// The message of this number, if there is one, and the token to name: its lease's, or one that never was.
    fn pick(&mut self, message: usize, stale: bool) -> Option<(&mut Entry, u64)> {
        let entry = self.entries.get_mut(message)?;
        let token = if stale { 7 } else { entry.lease };
        Some((entry, token))
    }

    async fn admit(&mut self, desk: &Desk, account: usize, key: Option<(u8, bool)>, leased: bool) {
        let (account, now) = (self.accounts[account], self.now());
        let message = desk.message_at(account, now);
        let day = UtcDay::of(now);
        let lease =
            leased.then(|| Lease { token: desk.token(), until: now + std::time::Duration::from_secs(LEASE_SECS) });
        let idempotency =
            key.map(|(key, first)| claim(&format!("key-{key}"), if first { "hello" } else { "bye" }, now));
        let outcome = desk
            .try_admit(Admission {
                quota: Quota { day, limit: LIMIT },
                idempotency,
                ..under(lease, admission(message.clone()))
            })
            .await;
        let earlier =
            key.and_then(|(key, _)| self.keys.get(&(account, key))).filter(|(_, _, secs)| self.secs <= secs + DAY_SECS);
        if let Some((at, first, _)) = earlier {
            match outcome {
                Admitted::Earlier(Earlier::Replayed(replay)) => {
                    assert!(key.is_some_and(|key| key.1 == *first) && *replay.made == self.entries[*at].message);
                }
                other => assert!(
                    other == Admitted::Earlier(Earlier::KeyTaken) && key.is_some_and(|key| key.1 != *first),
                    "{other:?}"
                ),
            }
            return;
        }
        let used = self.quota.entry((account, day)).or_default();
        if *used == LIMIT {
            assert_eq!(outcome, Admitted::QuotaReached);
            return;
        }
        assert_eq!(outcome, Admitted::New);
        *used += 1;
        if let Some((key, first)) = key {
            self.keys.insert((account, key), (self.entries.len(), first, self.secs));
        }
        let (due_at, lease) = lease.map_or((now, 0), |lease| (lease.until, lease.token));
        let status = Status::Queued;
        self.entries.push(Entry {
            message,
            status,
            due_at,
            lease,
            attempts: 0,
            in_flight: false,
            unknown: 0,
            held: false,
            filed: false,
            settled: false,
        });
    }

    async fn lease(&mut self, desk: &Desk, limit: usize, limit_per_account: usize) {
        let (now, token) = (self.now(), desk.token());
        let request = LeaseRequest { limit, limit_per_account, ..lease_request(token, now) };
        let (until, leased) = (request.lease.until, desk.store.lease_due(request).await.unwrap());
        let due = |entry: &&Entry| {
            entry.status == Status::Queued && !entry.held && entry.due_at <= now && entry.message.expires_at > now
        };
        let mut wanted = 0;
        for account in self.accounts {
            let count = self
                .entries
                .iter()
                .filter(due)
                .filter(|entry| entry.message.account == account)
                .count()
                .min(limit_per_account);
            let given = leased.iter().filter(|leased| leased.message.account == account).count();
            assert!(given <= count && (given > 0 || count == 0 || leased.len() == limit), "{given} of {count}");
            wanted += count;
        }
        assert_eq!(leased.len(), wanted.min(limit), "as many as are due and asked for");
        for leased in leased {
            let entry = self.entries.iter_mut().find(|entry| entry.message.id == leased.message.id).unwrap();
            assert!(due(&&*entry), "{entry:?} is not due");
            assert_eq!(
                (leased.attempts, leased.interrupted, &*leased.message),
                (entry.attempts, entry.in_flight, &entry.message)
            );
            (entry.lease, entry.due_at) = (token, until);
        }
    }

    async fn begin(&mut self, desk: &Desk, message: usize, stale: bool) {
        let now = self.now();
        let Some((entry, token)) = self.pick(message, stale) else { return };
        let number = desk.begin(entry.message.id, token, now).await;
        if !(entry.is_held_under(token) && now < entry.due_at) {
            assert_eq!(number, None);
            return;
        }
        (entry.attempts, entry.in_flight) = (entry.attempts + 1, true);
        entry.due_at = entry.due_at.max(now + std::time::Duration::from_secs(LEASE_SECS));
        assert_eq!(number, Some(entry.attempts));
    }

    async fn end(&mut self, desk: &Desk, message: usize, stale: bool, end: End) {
        let now = self.now();
        let Some((entry, token)) = self.pick(message, stale) else { return };
        let again = now + std::time::Duration::from_secs(5);
        let verdict = match end {
            End::Sent => Verdict::Sent,
            End::Retry { counts, unknown } => {
                Verdict::Retry(Retry { counts, outcome_unknown: unknown, ..retry(again) })
            }
            End::Hold => Verdict::Hold,
            End::Failed => Verdict::Failed { error_type: ErrorType::NoRoute, message: "no".to_owned() },
            End::Expired => Verdict::Expired,
        };
        let key = entry.message.id.to_string();
        let accepted = if matches!(end, End::Sent) { acks([&key]) } else { Vec::new() };
        let (id, recipient, carrier) = (entry.message.id, entry.message.recipient, NORTH.into());
        let outcome = Outcome {
            id,
            recipient,
            token,
            total: 1,
            attempt: entry.attempts,
            carrier,
            at: now,
            accepted,
            verdict,
            detail: String::new(),
            receipt_by: None,
        };
        let changes = desk.record(&outcome).await;

        let before = entry.status;
        entry.filed |= matches!(end, End::Sent);
        if matches!(end, End::Sent) {
            if before == Status::Queued {
                entry.end(Status::Sent);
            }
        } else if entry.is_held_under(token) {
            match end {
                End::Sent => {}
                End::Retry { counts, unknown } => {
                    entry.attempts -= u32::from(!counts && entry.in_flight);
                    entry.unknown += u32::from(unknown);
                    (entry.lease, entry.in_flight, entry.due_at) = (0, false, again);
                }
                End::Hold => {
                    entry.unknown += 1;
                    (entry.lease, entry.in_flight, entry.held) = (0, false, true);
                }
                End::Failed => entry.end(Status::Failed),
                End::Expired => entry.end(Status::Undelivered),
            }
        }
        let changed: Vec<_> = changes.iter().map(|change| (change.id, change.delivery.status)).collect();
        assert_eq!(changed, if entry.status == before { vec![] } else { vec![(id, entry.status)] });
    }

    async fn release(&mut self, desk: &Desk, message: usize, stale: bool) {
        let now = self.now();
        let Some((entry, token)) = self.pick(message, stale) else { return };
        desk.store.release(vec![(entry.message.id, token)], now).await.unwrap();
        if entry.is_held_under(token) && !entry.in_flight {
            (entry.lease, entry.due_at) = (0, now);
        }
    }

    async fn receipt(&mut self, desk: &Desk, message: usize, delivered: bool) {
        // A receipt before its acknowledgement would make every later one of the message depend on it: that is tested
        // by itself.
        let Some((entry, _)) = self.pick(message, false).filter(|(entry, _)| entry.filed) else { return };
        let fate = if delivered { SegmentFate::Delivered } else { SegmentFate::Undelivered(ErrorType::Unreachable) };
        let outcome = desk.hear(receipt([&entry.message.id.to_string()], fate)).await;
        if std::mem::replace(&mut entry.settled, true) {
            assert_eq!(outcome, ReceiptOutcome::Repeated);
            return;
        }
        let status = if delivered { Status::Delivered } else { Status::Undelivered };
        let moved = entry.status.may_become(status);
        assert_eq!(outcome, ReceiptOutcome::Matched { key: 0 });
        let changed: Vec<_> = desk.changed().into_iter().map(|change| change.delivery.status).collect();
        assert_eq!(changed, moved.then_some(status).into_iter().collect::<Vec<_>>());
        if moved {
            entry.end(status);
        }
    }

    async fn expire(&mut self, desk: &Desk, limit: usize) {
        let now = self.now();
        let ended = desk.expire(Moment::of(now), limit).await;
        let over = |entry: &&mut Entry| {
            entry.status == Status::Queued
                && entry.message.expires_at <= now
                && (entry.lease == 0 || entry.due_at <= now)
        };
        let over: Vec<&mut Entry> = self.entries.iter_mut().filter(over).collect();
        assert_eq!(ended.len(), over.len().min(limit));
        for entry in over {
            let Some(change) = ended.iter().find(|change| change.id == entry.message.id) else { continue };
            let why = if entry.held || entry.in_flight { ErrorType::Unknown } else { ErrorType::Expired };
            assert_eq!((change.delivery.status, change.delivery.error_type), (Status::Undelivered, Some(why)));
            entry.unknown += u32::from(entry.in_flight);
            entry.end(Status::Undelivered);
        }
    }

    async fn cancel(&mut self, desk: &Desk, message: usize) {
        let now = self.now();
        let Some((entry, _)) = self.pick(message, false) else { return };
        let record = desk.store.cancel_message(None, entry.message.id, now).await.unwrap().unwrap();
        if entry.status == Status::Queued && !entry.in_flight && !entry.held && entry.unknown == 0 {
            entry.end(Status::Canceled);
        }
        assert_eq!(record.delivery.status, entry.status);
    }

    async fn recover(&mut self, desk: &Desk) {
        let now = self.now();
        let held = |entry: &&mut Entry| entry.status == Status::Queued && entry.lease != 0 && entry.due_at > now;
        let mut interrupted = 0;
        for entry in self.entries.iter_mut().filter(held) {
            entry.due_at = now;
            interrupted += u64::from(entry.in_flight);
        }
        assert_eq!(desk.store.recover(NODE, now, RETRY_WITHIN).await.unwrap(), interrupted);
    }

    /// That the store shows every message as the model has it, and no other.
    async fn compare(&self, desk: &Desk) {
        let page = desk.store.messages(None, Default::default(), None, 1_000).await.unwrap();
        for account in self.accounts {
            let (from, to) = (UtcDay::of(after(0)), UtcDay::of(self.now()));
            let counted = desk.store.usage(live(account), from, to).await.unwrap();
            let of_account = page.messages.iter().filter(|record| record.message.account == account);
            assert_eq!(counted, recounted(of_account));
        }
        let seen: HashMap<MessageId, _> = page.messages.into_iter().map(|record| (record.message.id, record)).collect();
        assert_eq!(seen.len(), self.entries.len());
        for entry in &self.entries {
            let record = &seen[&entry.message.id];
            let delivery = &record.delivery;
            assert_eq!(*record.message, entry.message);
            let shown = (delivery.status, delivery.attempts, delivery.unknown_outcomes, delivery.held);
            assert_eq!(shown, (entry.status, entry.attempts, entry.unknown, entry.held), "{entry:?}");
        }
        let queued = self.entries.iter().filter(|entry| entry.status == Status::Queued).count() as u64;
        assert_eq!(desk.store.queue_depths().await.unwrap().iter().map(|depth| depth.queued).sum::<u64>(), queued);
    }
}
