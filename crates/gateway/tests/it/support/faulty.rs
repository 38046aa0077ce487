//! A store that hangs or fails on cue, in front of a real one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::account::Account;
use model::event::Event;
use model::idempotency::{Endpoint, IdempotencyKey};
use model::key::{ApiKey, KeyId};
use model::media::{Digest, StoredMedia};
use model::number::{Block, BlockKind, Number};
use model::{
    AccountId, Broadcast, BroadcastId, BroadcastRecord, MediaId, MediaType, MessageId, MessageRecord, Msisdn, ScreeningId, ScreeningRecord, Timestamp,
};
use store::contract::broadcasts::{BroadcastAdmission, BroadcastAdmitted, BroadcastFilter, BroadcastPage, Canceled, Expansion, Upcoming};
use store::contract::dispatch::{Attempt, LeaseRequest, Leased, Outcome, QueueDepth};
use store::contract::health::CommitSample;
use store::contract::media::SweptMedia;
use store::contract::messages::{Admission, Admitted, IdempotencyClaim, MessageFilter, Page, StatusChange};
use store::contract::receipts::{Receipt, ReceiptOutcome};
use store::contract::screening::ScreeningFilter;
use store::contract::tenants::{AccountChange, NumberChange, TenantData};
use store::{Broadcasts, Dispatch, Health, MediaRecords, Messages, Receipts, Screening, Store, StoreError, Tenants};
use tokio::sync::Notify;

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not answer.
    Hangs,
    /// It says what a full disk says.
    Full,
}

/// A store with a fault in some of its calls.
pub(crate) struct Faulty {
    store: Arc<dyn Store>,
    fault: Mutex<Option<(Fault, &'static [&'static str])>>,
    met: Notify,
}

impl Faulty {
    pub(crate) fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, fault: Mutex::default(), met: Notify::new() })
    }

    /// From now on these calls meet this fault.
    pub(crate) fn begin(&self, fault: Fault, calls: &'static [&'static str]) {
        *self.fault.lock().unwrap() = Some((fault, calls));
    }

    /// Waits until a call has met it.
    pub(crate) async fn met(&self) {
        self.met.notified().await;
    }

    async fn meet(&self, call: &str) -> Result<(), StoreError> {
        let fault = self.fault.lock().unwrap().filter(|(_, calls)| calls.contains(&call)).map(|(fault, _)| fault);
        if fault.is_some() {
            self.met.notify_one();
        }
        match fault {
            None => Ok(()),
            Some(Fault::Full) => Err(StoreError::Unavailable("the disk is full".to_owned())),
            Some(Fault::Hangs) => std::future::pending().await,
        }
    }
}

macro_rules! calls {
    ($($contract:ident { $(fn $call:ident($($name:ident: $kind:ty),*) -> $answer:ty;)* })*) => {
        $(
            #[async_trait]
            impl $contract for Faulty {
                $(
                    async fn $call(&self, $($name: $kind),*) -> Result<$answer, StoreError> {
                        self.meet(stringify!($call)).await?;
                        self.store.$call($($name),*).await
                    }
                )*
            }
        )*
    };
}

calls! {
    Dispatch {
        fn recover(now: Timestamp) -> u64;
        fn lease_due(request: LeaseRequest) -> Vec<Leased>;
        fn begin_attempts(attempts: Vec<Attempt>, now: Timestamp) -> Vec<Option<u32>>;
        fn record_outcomes(outcomes: Vec<Outcome>) -> Vec<StatusChange>;
        fn release(leases: Vec<(MessageId, u64)>, now: Timestamp) -> ();
        fn expire(now: Timestamp, limit: usize) -> Vec<StatusChange>;
        fn queue_depths() -> Vec<QueueDepth>;
    }
    Messages {
        fn admit(admission: Admission) -> Admitted;
        fn replay(account: AccountId, claim: &IdempotencyClaim) -> Option<Admitted>;
        fn record_answer(account: AccountId, endpoint: Endpoint, key: &IdempotencyKey, body: String) -> ();
        fn message(account: AccountId, id: MessageId) -> Option<MessageRecord>;
        fn message_of_any_account(id: MessageId) -> Option<MessageRecord>;
        fn messages(account: Option<AccountId>, filter: MessageFilter, after: Option<MessageId>, limit: usize) -> Page;
        fn events(id: MessageId) -> Vec<Event>;
    }
    Broadcasts {
        fn admit_broadcast(admission: BroadcastAdmission) -> BroadcastAdmitted;
        fn replay_broadcast(account: AccountId, claim: &IdempotencyClaim) -> Option<BroadcastAdmitted>;
        fn broadcast(account: Option<AccountId>, id: BroadcastId) -> Option<BroadcastRecord>;
        fn broadcasts(account: Option<AccountId>, filter: BroadcastFilter, after: Option<BroadcastId>, limit: usize) -> BroadcastPage;
        fn unexpanded(after: Option<BroadcastId>, limit: usize) -> Vec<Arc<Broadcast>>;
        fn upcoming(id: BroadcastId, limit: usize) -> Option<Upcoming>;
        fn expand(expansion: Expansion) -> bool;
        fn cancel_broadcast(account: Option<AccountId>, id: BroadcastId, now: Timestamp) -> Option<Canceled>;
    }
    Receipts {
        fn record_receipts(receipts: Vec<Receipt>) -> Vec<ReceiptOutcome>;
        fn settle_held(unclaimed_since: Timestamp) -> Vec<StatusChange>;
        fn forget_parked(before: Timestamp) -> u64;
    }
    Tenants {
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
    }
    Screening {
        fn record_screening(record: ScreeningRecord) -> ();
        fn screening_log(filter: ScreeningFilter, after: Option<ScreeningId>, limit: usize) -> Vec<ScreeningRecord>;
        fn forget_screening(before: Timestamp, limit: usize) -> u64;
    }
    MediaRecords {
        fn find_media(digest: Digest, kind: MediaType) -> Option<MediaId>;
        fn media(id: MediaId) -> Option<StoredMedia>;
        fn sweep_media(after: Option<MediaId>, now: Timestamp, unneeded_since: Timestamp, limit: usize) -> SweptMedia;
    }
}

#[async_trait]
impl Health for Faulty {
    async fn probe(&self) -> Result<(), StoreError> {
        self.meet("probe").await?;
        self.store.probe().await
    }

    async fn failed(&self) -> StoreError {
        self.store.failed().await
    }

    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        self.store.observe_commits(observer);
    }

    async fn close(&self) {
        // A store that hangs does not close either; the real one is closed all the same, so that its file is free again.
        self.store.close().await;
        let _ = self.meet("close").await;
    }
}
