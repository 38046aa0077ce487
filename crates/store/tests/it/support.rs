//! What the tests share: what a backend must offer to be tested, and a desk with a store on it and everything that a
//! test hands to it.
//!
//! In comes a [`Backend`]; out go messages, leases, attempts and receipts that are the same in every run: the time is
//! an argument that begins at [`NOW`], and ids come from a seed.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use model::event::EventKind;
use model::idempotency::{Endpoint, Fingerprint, IdempotencyKey};
use model::status::SegmentFate;
use model::{
    AccountId, Assignment, BroadcastId, Delivery, Message, MessageId, Mint, Mode, Moment, Owner, ReceiptScope,
    SeededEntropy, Status, Timestamp,
};
use store::contract::admission::{Admission, Admitted, IdempotencyClaim, NewMessage};
use store::contract::changes::{Kind, Kinds, Resource, Tail, Tailed};
use store::contract::dispatch::{Attempt, Lease, LeaseRequest, Leased, Outcome, Retry, SegmentAck, Verdict};
use store::contract::nodes::{Epoch, Tokens};
use store::contract::receipts::{Receipt, ReceiptOutcome};
use store::{Messages, Store};

/// When every test begins: 2026-03-15T14:30:00Z.
pub(crate) const NOW: Timestamp = testkit::NOW;

/// The carrier that messages go to unless a test says otherwise.
pub(crate) const NORTH: &str = "north";

/// Another carrier.
pub(crate) const SOUTH: &str = "south";

/// How long a lease of [`Desk::lease`] lasts.
pub(crate) const LEASE_SECS: u64 = 60;

/// How long a message of [`Desk::attempted`] waits for its receipts from [`NOW`] on.
pub(crate) const WAIT_SECS: u64 = 7_200;

/// How long a message of [`Desk::message`] is valid.
pub(crate) const VALID_SECS: u64 = testkit::VALID.as_secs();

/// How soon a retry is due after a restart, at the latest.
pub(crate) const RETRY_WITHIN: Duration = Duration::from_secs(600);

/// The node of every desk: the first that joins a new store.
pub(crate) const NODE: Epoch = Epoch::new(1).unwrap();

/// A place for one store.
pub(crate) trait Backend {
    /// Opens the store of this place: an empty one at first; once that is closed, the same one again.
    async fn open(&self) -> Arc<dyn Store>;

    /// The same, of a store on which several nodes live: joining ends no other epoch.
    async fn open_shared(&self) -> Arc<dyn Store>;
}

/// Runs a test, and fails it when it hangs.
pub(crate) async fn in_time(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("a test ends within two minutes");
}

/// The moment `secs` after [`NOW`].
pub(crate) fn after(secs: u64) -> Timestamp {
    NOW + Duration::from_secs(secs)
}

/// A number.
pub(crate) fn number<A: From<model::Msisdn>>(text: &str) -> A {
    testkit::number(text).into()
}

/// A message of one segment, accepted at `at`.
pub(crate) fn message(id: MessageId, account: AccountId, at: Timestamp) -> Message {
    Message { account, ..testkit::message_at(id, at) }
}

/// An admission of `message` to [`NORTH`], due at once, with a quota that is never reached and no idempotency key.
pub(crate) fn admission(message: Message) -> Admission<NewMessage> {
    let admission = testkit::admission(NODE, message);
    let payload = NewMessage { carrier: NORTH.into(), ..admission.payload };
    Admission { payload, ..admission }
}

/// The same admission, under a lease.
pub(crate) fn under(lease: Option<Lease>, admission: Admission<NewMessage>) -> Admission<NewMessage> {
    Admission { payload: NewMessage { lease, ..admission.payload }, ..admission }
}

/// An admission of `message` with this assignment.
pub(crate) fn assigned(carrier: impl Into<Assignment>, message: Message) -> Admission<NewMessage> {
    let admission = admission(message);
    Admission { payload: NewMessage { carrier: carrier.into(), ..admission.payload }, ..admission }
}

/// The claim of a request for `what` under `key`, at the endpoint for single messages, of which records of a day count
/// at `now`.
pub(crate) fn claim(key: &str, what: &str, now: Timestamp) -> IdempotencyClaim {
    IdempotencyClaim {
        endpoint: Endpoint::Message,
        key: IdempotencyKey::parse(key).unwrap(),
        fingerprint: Fingerprint::of(&[Some(what)]),
        not_before: now - Duration::from_secs(86_400),
        begun: false,
        awaited: false,
    }
}

/// What belongs to an account's live keys.
pub(crate) const fn live(account: AccountId) -> Owner {
    Owner { account, mode: Mode::Live }
}

/// Segments that a carrier took, numbered from 1, each with the key at its place.
pub(crate) fn acks<const N: usize>(keys: [&str; N]) -> Vec<SegmentAck> {
    let ack = |(at, key): (usize, &str)| SegmentAck {
        number: at as u16 + 1,
        carrier_id: Some(key.to_uppercase()),
        key: Some(key.to_owned()),
    };
    keys.into_iter().enumerate().map(ack).collect()
}

/// Another try with [`NORTH`] at `due_at`, after an attempt that counts and whose outcome is known.
pub(crate) fn retry(due_at: Timestamp) -> Retry {
    Retry { due_at, carrier: NORTH.into(), counts: true, outcome_unknown: false, refused: false }
}

/// A receipt from [`NORTH`] at [`NOW`] that names no address.
pub(crate) fn receipt<const N: usize>(keys: [&str; N], fate: SegmentFate) -> Receipt {
    let keys = keys.map(str::to_owned).to_vec();
    Receipt {
        carrier: NORTH.into(),
        keys,
        addresses: Vec::new(),
        fate,
        at: NOW,
        detail: "stat:X err:000".to_owned(),
        scope: ReceiptScope::Segment,
        raw: model::unmatched::Raw::default(),
    }
}

/// A request for everything that is due for [`NORTH`] at `now`, under `token`, for [`LEASE_SECS`].
pub(crate) fn lease_request(token: u64, now: Timestamp) -> LeaseRequest {
    let lease = Lease { token, until: now + Duration::from_secs(LEASE_SECS) };
    let (limit, limit_per_account, limit_of_broadcasts) = (1_000, 1_000, 1_000);
    LeaseRequest {
        carrier: NORTH.into(),
        now: Moment::of(now),
        lease,
        limit,
        limit_per_account,
        limit_of_broadcasts,
        passed_over: Vec::new(),
        under_way: HashSet::new(),
    }
}

/// The ids of what was leased, in its order.
pub(crate) fn ids(leased: &[Leased]) -> Vec<MessageId> {
    leased.iter().map(|leased| leased.message.id).collect()
}

/// A status that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusChange {
    pub(crate) id: MessageId,
    pub(crate) delivery: Delivery,
}

fn follow(store: &Arc<dyn Store>) -> Tail {
    store.subscribe(Kinds::of(&[Kind::Message]))
}

/// A store, and a supply of what tests hand to it.
pub(crate) struct Desk {
    pub(crate) store: Arc<dyn Store>,
    /// The statuses of messages that change.
    tail: Tail,
    entropy: SeededEntropy,
    tokens: Tokens,
}

impl Desk {
    /// A desk with the store of `backend`, whose first node it is.
    pub(crate) async fn open(backend: &impl Backend) -> Self {
        Self::at(backend.open().await).await
    }

    /// A desk with this new store, whose first node it is.
    pub(crate) async fn at(store: Arc<dyn Store>) -> Self {
        let desk = Self { tail: follow(&store), store, entropy: SeededEntropy::new(1), tokens: Tokens::of(NODE) };
        desk.join().await;
        desk
    }

    /// Joins a new store as its first node.
    pub(crate) async fn join(&self) {
        assert_eq!(self.store.join("desk".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap(), NODE);
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(&mut self, backend: &impl Backend) {
        self.store.close().await;
        self.use_store(backend.open().await);
    }

    /// Goes on with another store.
    pub(crate) fn use_store(&mut self, store: Arc<dyn Store>) {
        (self.tail, self.store) = (follow(&store), store);
    }

    /// An account id of its own.
    pub(crate) fn account(&self) -> AccountId {
        AccountId::new(NOW, &self.entropy)
    }

    /// An erasure id of its own.
    pub(crate) fn erasure_id(&self) -> model::ErasureId {
        model::ErasureId::new(NOW, &self.entropy)
    }

    /// A broadcast id of its own, made at `at`.
    pub(crate) fn broadcast_id(&self, at: Timestamp) -> BroadcastId {
        BroadcastId::new(at, &self.entropy)
    }

    /// A lease token of its own.
    pub(crate) fn token(&self) -> u64 {
        self.tokens.next()
    }

    /// A message of one segment, accepted at [`NOW`].
    pub(crate) fn message(&self, account: AccountId) -> Message {
        self.message_at(account, NOW)
    }

    /// A message of one segment, accepted at `at`.
    pub(crate) fn message_at(&self, account: AccountId, at: Timestamp) -> Message {
        message(MessageId::new(at, &self.entropy), account, at)
    }

    /// Messages accepted at these seconds after [`NOW`], one after the other, with ids that one mint made: a second
    /// that is lower than the one before is of a clock that was set back.
    pub(crate) fn minted<const N: usize>(&self, account: AccountId, seconds: [u64; N]) -> [Message; N] {
        let mint = Mint::default();
        seconds.map(|secs| Message {
            id: MessageId::minted(&mint, after(secs), &self.entropy),
            ..self.message_at(account, after(secs))
        })
    }

    /// Admits, and answers what became of it.
    pub(crate) async fn try_admit(&self, admission: Admission<NewMessage>) -> Admitted<Message> {
        self.store.admit(admission).await.unwrap()
    }

    /// Admits a message that is to be admitted.
    pub(crate) async fn admit(&self, message: Message) -> MessageId {
        let id = message.id;
        assert_eq!(self.try_admit(admission(message)).await, Admitted::New);
        id
    }

    /// Admits so many messages of an account, oldest first, a millisecond apart.
    pub(crate) async fn admit_many(&self, account: AccountId, count: u64) -> Vec<MessageId> {
        let mut ids = Vec::new();
        for ms in 0..count {
            ids.push(self.admit(self.message_at(account, NOW + Duration::from_millis(ms))).await);
        }
        ids
    }

    /// Leases everything that is due for [`NORTH`] at `now`.
    pub(crate) async fn lease(&self, token: u64, now: Timestamp) -> Vec<Leased> {
        self.store.lease_due(lease_request(token, now)).await.unwrap()
    }

    /// An attempt with [`NORTH`], under a lease that reaches [`LEASE_SECS`] from [`NOW`].
    pub(crate) async fn attempt(&self, id: MessageId, token: u64) -> Attempt {
        let found = self.store.message_of_any_account(id).await.unwrap();
        let recipient = found.map_or(testkit::recipient(0), |found| found.message.recipient);
        let (carrier, detail) = (NORTH.into(), "all segments".to_owned());
        Attempt { id, recipient, token, carrier, lease_until: after(LEASE_SECS), detail }
    }

    /// Begins an attempt with [`NORTH`] at `now`, under a lease that reaches [`LEASE_SECS`] from then.
    pub(crate) async fn begin(&self, id: MessageId, token: u64, now: Timestamp) -> Option<u32> {
        let attempt = Attempt { lease_until: now + Duration::from_secs(LEASE_SECS), ..self.attempt(id, token).await };
        self.store.begin_attempts(vec![attempt], Moment::of(now)).await.unwrap()[0]
    }

    /// Admits a message and begins its first attempt. Returns the outcome to be: sent at [`NOW`], with no segment
    /// acknowledged.
    pub(crate) async fn attempted(&self, message: Message) -> Outcome {
        let (id, recipient, total, token) = (message.id, message.recipient, message.segments, self.token());
        let lease = Some(Lease { token, until: after(LEASE_SECS) });
        assert_eq!(self.try_admit(under(lease, admission(message))).await, Admitted::New);
        let attempt = self.begin(id, token, NOW).await.unwrap();
        let (carrier, detail, receipt_by) = (NORTH.into(), "ESME_ROK".to_owned(), Some(after(WAIT_SECS)));
        Outcome {
            id,
            recipient,
            token,
            total,
            attempt,
            carrier,
            at: NOW,
            accepted: Vec::new(),
            verdict: Verdict::Sent,
            detail,
            receipt_by,
        }
    }

    /// Leases a message again at `now`, which must be due, and begins its next attempt. Returns the outcome to be, as
    /// `before` but for that.
    pub(crate) async fn attempted_again(&self, before: &Outcome, now: Timestamp) -> Outcome {
        let token = self.token();
        assert!(ids(&self.lease(token, now).await).contains(&before.id), "{} is due", before.id);
        let attempt = self.begin(before.id, token, now).await.unwrap();
        Outcome { token, attempt, at: now, ..before.clone() }
    }

    /// Admits a message that a carrier takes at once, with these keys for its segments.
    pub(crate) async fn sent<const N: usize>(&self, message: Message, keys: [&str; N]) -> MessageId {
        let outcome = Outcome { accepted: acks(keys), ..self.attempted(message).await };
        assert!(!self.record(&outcome).await.is_empty());
        outcome.id
    }

    /// The statuses that changed since this, [`Self::record`], [`Self::hear`] or [`Self::expire`] was called last.
    pub(crate) fn changed(&self) -> Vec<StatusChange> {
        let mut changes = Vec::new();
        while let Some(next) = self.tail.try_next() {
            let Tailed::Changes(committed) = next else { panic!("{next:?}") };
            changes.extend(committed.iter().map(|change| match &change.resource {
                Resource::Message { id, delivery, .. } => StatusChange { id: *id, delivery: delivery.clone() },
                other => panic!("{other:?}"),
            }));
        }
        changes
    }

    /// Records how an attempt ended. Returns the statuses that changed.
    pub(crate) async fn record(&self, outcome: &Outcome) -> Vec<StatusChange> {
        self.record_all(vec![outcome.clone()]).await
    }

    /// Records how attempts ended. Returns the statuses that changed.
    pub(crate) async fn record_all(&self, outcomes: Vec<Outcome>) -> Vec<StatusChange> {
        self.changed();
        self.store.record_outcomes(outcomes).await.unwrap();
        self.changed()
    }

    /// Ends messages whose validity is over. Returns the statuses that changed.
    pub(crate) async fn expire(&self, now: Moment, limit: usize) -> Vec<StatusChange> {
        self.expire_but(now, HashSet::new(), limit).await
    }

    /// As [`Self::expire`], but for those whose answers are awaited.
    pub(crate) async fn expire_but(
        &self,
        now: Moment,
        under_way: HashSet<MessageId>,
        limit: usize,
    ) -> Vec<StatusChange> {
        self.changed();
        let ended = self.store.expire(NODE, now, under_way, limit).await.unwrap();
        let changes = self.changed();
        assert_eq!(ended, changes.len());
        changes
    }

    /// Records a receipt. What changed with it is in [`Self::changed`].
    pub(crate) async fn hear(&self, receipt: Receipt) -> ReceiptOutcome {
        self.changed();
        self.store.record_receipts(vec![receipt]).await.unwrap().remove(0)
    }

    /// Brings every message into the index of lists, which holds the waits for receipts too.
    pub(crate) async fn list_all(&self, now: Timestamp) {
        while self.store.index_lists(now, Duration::ZERO, 100).await.unwrap().oldest_missing.is_some() {}
    }

    /// What became of a message.
    pub(crate) async fn delivery(&self, id: MessageId) -> Delivery {
        self.store.message_of_any_account(id).await.unwrap().unwrap().delivery
    }

    /// Where a message stands.
    pub(crate) async fn status(&self, id: MessageId) -> Status {
        self.delivery(id).await.status
    }

    /// What happened to a message so far.
    pub(crate) async fn kinds(&self, id: MessageId) -> Vec<EventKind> {
        self.store.events(id).await.unwrap().into_iter().map(|event| event.kind).collect()
    }

    /// All that can be seen of a message, for telling whether anything changed.
    pub(crate) async fn all_of(&self, id: MessageId) -> (Delivery, Vec<model::event::Event>) {
        (self.delivery(id).await, self.store.events(id).await.unwrap())
    }

    /// How many messages of an account there are.
    pub(crate) async fn count(&self, account: AccountId) -> usize {
        let page =
            Messages::messages(&*self.store, Some(live(account)), Default::default(), None, 10_000).await.unwrap();
        assert_eq!(page.next, None);
        page.messages.len()
    }
}
