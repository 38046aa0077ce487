//! A store that stops where a test says, so that the order in which two requests reach it is the test's.
//!
//! In comes the real store; out goes the same one with gates: a call that has a gate before or behind it waits there until the test opens it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use model::account::Account;
use model::event::Event;
use model::idempotency::{Endpoint, IdempotencyKey};
use model::key::{ApiKey, KeyId};
use model::media::{Digest, StoredMedia};
use model::number::{Block, BlockKind, Number};
use model::{
    AccountId, Broadcast, BroadcastId, BroadcastRecord, MediaId, MediaType, MessageId, MessageRecord, Mint, Moment, Msisdn, Owner, ScreeningId,
    ScreeningRecord, Timestamp,
};
use store::contract::broadcasts::{BroadcastAdmission, BroadcastAdmitted, BroadcastFilter, BroadcastPage, Canceled, Expansion, Upcoming};
use store::contract::dispatch::{Attempt, LeaseRequest, Leased, Outcome, QueueDepth};
use store::contract::health::CommitSample;
use store::contract::media::SweptMedia;
use store::contract::messages::{Admission, Admitted, IdempotencyClaim, MessageFilter, Page, StatusChanges};
use store::contract::receipts::{Receipt, ReceiptOutcome};
use store::contract::screening::ScreeningFilter;
use store::contract::tenants::{AccountChange, NumberChange, TenantData};
use store::{Broadcasts, Dispatch, Health, MediaRecords, Messages, Receipts, Screening, Store, StoreError, Tenants};
use tokio::sync::Semaphore;

use super::DEADLINE;

/// A place where calls of one method wait.
#[derive(Clone)]
pub(crate) struct Gate {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// Waits until a call stands at the gate.
    pub(crate) async fn reached(&self) {
        let reached = tokio::time::timeout(DEADLINE, self.reached.acquire());
        reached.await.expect("a call reaches the gate").unwrap().forget();
    }

    /// Lets the calls at the gate through, and all later ones.
    pub(crate) fn open(&self) {
        self.open.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    async fn pass(&self) {
        self.reached.add_permits(1);
        let _permit = self.open.acquire().await.unwrap();
    }
}

/// What a test has set up, by the name of the method.
#[derive(Default)]
struct Plans {
    before: HashMap<&'static str, Gate>,
    behind: HashMap<&'static str, Gate>,
    failing: HashMap<&'static str, StoreError>,
}

/// The store with its gates.
pub(crate) struct Gated {
    inner: Arc<dyn Store>,
    plans: Mutex<Plans>,
}

impl Gated {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, plans: Mutex::default() })
    }

    /// The next call of this method waits before it reaches the store. It reaches it also where its caller has gone away, as calls do that wait for the writer.
    pub(crate) fn gate_before(&self, method: &'static str) -> Gate {
        let gate = gate();
        self.plans.lock().unwrap().before.insert(method, gate.clone());
        gate
    }

    /// The next call of this method waits with the store's answer.
    pub(crate) fn gate_behind(&self, method: &'static str) -> Gate {
        let gate = gate();
        self.plans.lock().unwrap().behind.insert(method, gate.clone());
        gate
    }

    /// Calls of this method fail, without reaching the store, until this is called with `None`.
    pub(crate) fn fail(&self, method: &'static str, error: Option<StoreError>) {
        let failing = &mut self.plans.lock().unwrap().failing;
        match error {
            Some(error) => drop(failing.insert(method, error)),
            None => drop(failing.remove(method)),
        }
    }

    async fn run<T: Send + 'static>(&self, method: &'static str, call: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Result<T, StoreError> {
        let (before, behind, failing) = {
            let mut plans = self.plans.lock().unwrap();
            (plans.before.remove(method), plans.behind.remove(method), plans.failing.get(method).cloned())
        };
        if let Some(error) = failing {
            return Err(error);
        }
        let answered = match before {
            Some(gate) => tokio::spawn(async move {
                gate.pass().await;
                call.await
            })
            .await
            .unwrap(),
            None => call.await,
        };
        if let Some(gate) = behind {
            gate.pass().await;
        }
        answered
    }
}

fn gate() -> Gate {
    Gate { reached: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
}

/// Implements a part of the contract by passing every call on.
macro_rules! passed_on {
    ($part:ident { $(fn $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $part for Gated {
            $(
                async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                    $part::$name(&*self.inner, $($argument),*).await
                }
            )*
        }
    };
}

#[async_trait]
impl Messages for Gated {
    async fn admit(&self, admission: Admission) -> Result<Admitted, StoreError> {
        self.inner.admit(admission).await
    }

    async fn replay(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<Admitted>, StoreError> {
        let (inner, claim) = (Arc::clone(&self.inner), claim.clone());
        self.run("replay", async move { inner.replay(owner, &claim).await }).await
    }

    async fn record_answer(&self, owner: Owner, endpoint: Endpoint, key: &IdempotencyKey, body: String) -> Result<(), StoreError> {
        let (inner, key) = (Arc::clone(&self.inner), key.clone());
        self.run("record_answer", async move { inner.record_answer(owner, endpoint, &key, body).await }).await
    }

    async fn message(&self, account: AccountId, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        self.inner.message(account, id).await
    }

    async fn message_of_any_account(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        self.inner.message_of_any_account(id).await
    }

    async fn messages(&self, account: Option<AccountId>, filter: MessageFilter, after: Option<MessageId>, limit: usize) -> Result<Page, StoreError> {
        self.inner.messages(account, filter, after, limit).await
    }

    async fn events(&self, id: MessageId) -> Result<Vec<Event>, StoreError> {
        self.inner.events(id).await
    }
}

#[async_trait]
impl Broadcasts for Gated {
    async fn admit_broadcast(&self, admission: BroadcastAdmission) -> Result<BroadcastAdmitted, StoreError> {
        self.inner.admit_broadcast(admission).await
    }

    async fn replay_broadcast(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<BroadcastAdmitted>, StoreError> {
        let (inner, claim) = (Arc::clone(&self.inner), claim.clone());
        self.run("replay_broadcast", async move { inner.replay_broadcast(owner, &claim).await }).await
    }

    async fn broadcast(&self, account: Option<AccountId>, id: BroadcastId) -> Result<Option<BroadcastRecord>, StoreError> {
        self.inner.broadcast(account, id).await
    }

    async fn broadcasts(
        &self,
        account: Option<AccountId>,
        filter: BroadcastFilter,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<BroadcastPage, StoreError> {
        self.inner.broadcasts(account, filter, after, limit).await
    }

    async fn unexpanded(&self, after: Option<BroadcastId>, limit: usize) -> Result<Vec<Arc<Broadcast>>, StoreError> {
        self.inner.unexpanded(after, limit).await
    }

    async fn upcoming(&self, id: BroadcastId, limit: usize) -> Result<Option<Upcoming>, StoreError> {
        self.inner.upcoming(id, limit).await
    }

    async fn expand(&self, expansion: Expansion) -> Result<bool, StoreError> {
        self.inner.expand(expansion).await
    }

    async fn cancel_broadcast(&self, account: Option<AccountId>, id: BroadcastId, now: Timestamp) -> Result<Option<Canceled>, StoreError> {
        self.inner.cancel_broadcast(account, id, now).await
    }
}

passed_on! { Dispatch {
    fn recover(now: Timestamp, retry_within: Duration) -> u64;
    fn lease_due(request: LeaseRequest) -> Vec<Leased>;
    fn begin_attempts(attempts: Vec<Attempt>, now: Moment) -> Vec<Option<u32>>;
    fn record_outcomes(outcomes: Vec<Outcome>) -> StatusChanges;
    fn release(leases: Vec<(MessageId, u64)>, now: Timestamp) -> ();
    fn expire(now: Moment, under_way: HashSet<MessageId>, limit: usize) -> StatusChanges;
    fn queue_depths() -> Vec<QueueDepth>;
} }

passed_on! { Receipts {
    fn record_receipts(receipts: Vec<Receipt>) -> Vec<ReceiptOutcome>;
    fn settle_held(unclaimed_since: Timestamp) -> StatusChanges;
    fn forget_parked(before: Timestamp) -> u64;
} }

passed_on! { Screening {
    fn record_screening(record: ScreeningRecord) -> ();
    fn screening_log(filter: ScreeningFilter, after: Option<ScreeningId>, limit: usize) -> Vec<ScreeningRecord>;
    fn forget_screening(before: Timestamp, limit: usize) -> u64;
} }

passed_on! { MediaRecords {
    fn find_media(digest: Digest, kind: MediaType) -> Option<MediaId>;
    fn media(id: MediaId) -> Option<StoredMedia>;
    fn sweep_media(after: Option<MediaId>, now: Timestamp, unneeded_since: Timestamp, limit: usize) -> SweptMedia;
} }

passed_on! { Tenants {
    fn tenants() -> TenantData;
    fn create_account(account: Account) -> ();
    fn change_account(id: AccountId, change: AccountChange) -> Account;
    fn set_screening(id: AccountId, policy: Arc<str>) -> Account;
    fn create_key(key: ApiKey) -> ();
    fn revoke_key(id: &KeyId, now: Timestamp) -> ApiKey;
    fn create_number(number: Number) -> ();
    fn change_number(number: &Msisdn, change: NumberChange) -> Number;
    fn put_block(block: Block) -> ();
    fn delete_block(number: &Msisdn, kind: BlockKind, account: Option<AccountId>) -> ();
} }

#[async_trait]
impl Health for Gated {
    async fn show_newest(&self, mint: &Mint, before: Timestamp) -> Result<(), StoreError> {
        self.inner.show_newest(mint, before).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.inner.probe().await
    }

    async fn failed(&self) -> StoreError {
        self.inner.failed().await
    }

    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        self.inner.observe_commits(observer);
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
