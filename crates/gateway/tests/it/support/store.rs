//! A store that stops, hangs or fails where a test says.
//!
//! In comes the real store; out goes the same one with gates and troubles. A call that has a gate before or behind it
//! waits there until the test opens it, so that the order in which two requests reach the store is the test's; a call
//! that has a trouble does not reach the store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use model::account::Account;
use model::event::Event;
use model::key::{ApiKey, KeyId, SecretDigest};
use model::limits::Standing;
use model::media::{Digest, StoredMedia};
use model::number::{Block, BlockKind, Number};
use model::quota::UtcDay;
use model::webhook::{DisabledReason, EventType, Webhook};
use model::{
    AccountId, AuditEntry, AuditId, AuditOutcome, AuditRecord, Broadcast, BroadcastId, BroadcastRecord, CarrierName,
    Erasure, ErasureCounts, ErasureId, InboundMessage, MediaId, MediaType, Message, MessageId, MessageRecord, Mint,
    Moment, Msisdn, Operator, OperatorName, OptOut, Originator, Owner, ScreeningId, ScreeningRecord, ScreeningReview,
    ScreeningTemplate, Session, TemplateId, TextRetention, Timestamp, Unmatched, WebhookId,
};
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast, NewMessage};
use store::contract::audit::{AuditFilter, AuditPage};
use store::contract::bounds::Bounds;
use store::contract::broadcasts::{BroadcastFilter, BroadcastPage, Canceled, Expansion, Upcoming};
use store::contract::changes::{Batch, Consumer, Kinds, Position, Tail};
use store::contract::dispatch::{Attempt, LeaseRequest, Leased, Outcome, QueueDepth, Waiting};
use store::contract::erase::{AuditOf, Chunk, ErasedInbound, ErasedMessages, NewErasure, Packed, ReceiptsOf};
use store::contract::health::CommitSample;
use store::contract::holds::Hold;
use store::contract::inbound::{
    Arrival, ArrivalId, InboundFilter, InboundPage, Interpreter, Opt, PartsStep, Recorded, UnroutedPage,
};
use store::contract::lists::Indexed;
use store::contract::media::SweptMedia;
use store::contract::messages::{MessageFilter, Page, Reference};
use store::contract::nodes::{Epoch, Node, Slot, StoppedCarrier, TakenOver};
use store::contract::operators::{OperatorChange, Proof};
use store::contract::optouts::{HistoryPage, OptIn, OptOutCursor, OptOutFilter, OptOutPage, OptedIn};
use store::contract::peppers::Adopted;
use store::contract::receipts::{HeldStep, Receipt, ReceiptOutcome, Refused, WaitStep};
use store::contract::requests::RequestKey;
use store::contract::retention::{Removed, Walk};
use store::contract::schedule::{DueMessage, Launch, Launched};
use store::contract::screening::ScreeningFilter;
use store::contract::tenants::{AccountChange, Approved, KeywordsOf, NumberChange, TenantData};
use store::contract::usage::UsageCount;
use store::contract::webhooks::{
    DeliveryPage, DeliveryState, Endpoint, EventBell, EventPage, EventRecord, EventsAfter, Heads, PendingDelivery,
    Progress, ReplayBegun, ReplayOf, Replaying, SealedSecret, ToSend, WebhookChange,
};
use store::contract::windows::{Taken, Window};
use store::{
    Audit, Broadcasts, Changes, Dispatch, Erasures, Health, Holds, Inbound, Lists, MediaRecords, Messages, Nodes,
    Operators, OptOuts, PepperRecords, Receipts, Requests, Retention, Schedule, Screening, Store, StoreError, Tenants,
    Usage, Webhooks, Windows,
};
use tokio::sync::{Notify, Semaphore};

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
    troubles: HashMap<&'static str, Trouble>,
    /// A message whose row is broken.
    broken: Option<MessageId>,
}

/// What happens to calls of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// They get no answer.
    Hangs,
    /// They fail.
    Fails(StoreError),
}

impl Trouble {
    /// What a full disk says.
    pub(crate) fn full() -> Self {
        Self::Fails(StoreError::Unavailable("the disk is full".to_owned()))
    }
}

/// The store with its gates.
pub(crate) struct Gated {
    inner: Arc<dyn Store>,
    plans: Mutex<Plans>,
    /// Whether other nodes seem to have it open as well.
    is_shared: AtomicBool,
    /// Told when a call meets its trouble.
    met: Notify,
}

impl Gated {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, plans: Mutex::default(), is_shared: AtomicBool::new(false), met: Notify::new() })
    }

    /// The next call of this method waits before it reaches the store. It reaches it also where its caller has gone
    /// away, as calls do that wait for the writer.
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

    /// Calls of these methods meet this trouble from now on, and do not reach the store.
    pub(crate) fn trouble(&self, methods: &[&'static str], trouble: &Trouble) {
        self.plans.lock().unwrap().troubles.extend(methods.iter().map(|method| (*method, trouble.clone())));
    }

    /// Calls of these methods reach the store again.
    pub(crate) fn heal(&self, methods: &[&'static str]) {
        self.plans.lock().unwrap().troubles.retain(|method, _| !methods.contains(method));
    }

    /// Other nodes seem to have the store open as well, or none.
    pub(crate) fn share(&self, is_shared: bool) {
        self.is_shared.store(is_shared, Ordering::Relaxed);
    }

    /// Launches of this message fail, and nothing else of their transaction happens.
    pub(crate) fn break_row_of(&self, message: MessageId) {
        self.plans.lock().unwrap().broken = Some(message);
    }

    /// Waits until a call has met its trouble.
    pub(crate) async fn met(&self) {
        self.met.notified().await;
    }

    async fn meet(&self, method: &str) -> Result<(), StoreError> {
        let trouble = self.plans.lock().unwrap().troubles.get(method).cloned();
        if trouble.is_some() {
            self.met.notify_one();
        }
        match trouble {
            None => Ok(()),
            Some(Trouble::Fails(error)) => Err(error),
            Some(Trouble::Hangs) => std::future::pending().await,
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.meet(method).await?;
        let (before, behind) = {
            let mut plans = self.plans.lock().unwrap();
            (plans.before.remove(method), plans.behind.remove(method))
        };
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

/// Passes calls on, unless they have a trouble. The calls `replaying` may have gates, too.
macro_rules! passed_on {
    ($part:ident {
        $(fn $name:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
        $(replaying fn $replay:ident($of:ident: Owner, $claim:ident: &IdempotencyClaim) -> $replayed:ty;)?
        $(plain fn $plain:ident() -> $at_once:ty;)?
    }) => {
        #[async_trait]
        impl $part for Gated {
            $(
                async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                    self.meet(stringify!($name)).await?;
                    self.inner.$name($($argument),*).await
                }
            )*
            $(
                async fn $replay(&self, $of: Owner, $claim: &IdempotencyClaim) -> Result<$replayed, StoreError> {
                    let (inner, claim) = (Arc::clone(&self.inner), $claim.clone());
                    self.run(stringify!($replay), async move { inner.$replay($of, &claim).await }).await
                }
            )?
            $(
                fn $plain(&self) -> $at_once {
                    self.inner.$plain()
                }
            )?
        }
    };
}

passed_on! { Messages {
    fn admit(admission: Admission<NewMessage>) -> Admitted<Message>;
    fn message(owner: Owner, id: MessageId) -> Option<MessageRecord>;
    fn message_of_any_account(id: MessageId) -> Option<MessageRecord>;
    fn cancel_message(owner: Option<Owner>, id: MessageId, now: Timestamp) -> Option<MessageRecord>;
    fn messages(owner: Option<Owner>, filter: MessageFilter, after: Option<MessageId>, limit: usize) -> Page;
    fn messages_named(reference: Reference, limit: usize) -> Vec<MessageRecord>;
    fn events(id: MessageId) -> Vec<Event>;
    replaying fn replay(owner: Owner, claim: &IdempotencyClaim) -> Option<Earlier<Message>>;
} }

passed_on! { Broadcasts {
    fn admit_broadcast(admission: Admission<NewBroadcast>) -> Admitted<Broadcast>;
    fn broadcast(owner: Option<Owner>, id: BroadcastId) -> Option<BroadcastRecord>;
    fn broadcasts(
        owner: Option<Owner>,
        filter: BroadcastFilter,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> BroadcastPage;
    fn unexpanded(node: Epoch, after: Option<BroadcastId>, limit: usize) -> Vec<Arc<Broadcast>>;
    fn upcoming(id: BroadcastId, limit: usize) -> Option<Upcoming>;
    fn expand(expansion: Expansion) -> bool;
    fn cancel_broadcast(owner: Option<Owner>, id: BroadcastId, now: Timestamp) -> Option<Canceled>;
    replaying fn replay_broadcast(owner: Owner, claim: &IdempotencyClaim) -> Option<Earlier<Broadcast>>;
} }

#[async_trait]
impl Schedule for Gated {
    async fn scheduled_until(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<DueMessage>, StoreError> {
        self.meet("scheduled_until").await?;
        self.inner.scheduled_until(now, after, limit).await
    }

    async fn launch(&self, node: Epoch, launches: Vec<Launch>, now: Moment) -> Result<Vec<Launched>, StoreError> {
        self.meet("launch").await?;
        let broken = self.plans.lock().unwrap().broken;
        if launches.iter().any(|launch| Some(launch.id) == broken) {
            return Err(StoreError::Unavailable("a row is broken".to_owned()));
        }
        self.inner.launch(node, launches, now).await
    }
}

passed_on! { Webhooks {
    fn create_webhook(webhook: Webhook, secret: SealedSecret) -> bool;
    fn webhooks(owner: Option<Owner>) -> Vec<Endpoint>;
    fn change_webhook(owner: Owner, id: WebhookId, change: WebhookChange) -> Webhook;
    fn remove_webhook(owner: Owner, id: WebhookId) -> ();
    fn webhook_secrets(id: WebhookId, now: Timestamp) -> Vec<SealedSecret>;
    fn rotate_webhook_secret(owner: Owner, id: WebhookId, secret: SealedSecret, others_until: Timestamp) -> ();
    fn disable_webhook(id: WebhookId, reason: DisabledReason, at: Timestamp) -> Option<Webhook>;
    fn log_webhook_test(owner: Owner, id: WebhookId, at: Timestamp) -> EventRecord;
    fn follow_events_until(owner: Owner, until: Timestamp) -> ();
    fn webhook_events(
        owner: Owner,
        kind: Option<EventType>,
        after: Option<EventsAfter>,
        limit: usize,
    ) -> EventPage;
    fn event_heads(id: WebhookId, after: u64, replay: Option<u64>, limit: usize) -> Heads;
    fn event_to_send(id: WebhookId, seq: u64) -> Option<ToSend>;
    fn pending_deliveries(id: WebhookId, after: u64, limit: usize) -> Vec<PendingDelivery>;
    fn record_progress(progress: Vec<Progress>) -> ();
    fn deliveries(
        owner: Owner,
        id: WebhookId,
        state: Option<DeliveryState>,
        kind: Option<EventType>,
        before: Option<u64>,
        limit: usize,
    ) -> DeliveryPage;
    fn begin_replay(owner: Owner, id: WebhookId, of: ReplayOf, due_at: Timestamp) -> ReplayBegun;
    fn replay_under_way(id: WebhookId) -> Option<Replaying>;
    fn forget_events(before: Timestamp, limit: usize) -> usize;
    plain fn event_bell() -> EventBell;
} }

#[async_trait]
impl Requests for Gated {
    async fn begin_request(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError> {
        self.meet("begin_request").await?;
        self.inner.begin_request(node, key).await
    }

    async fn record_answer(&self, node: Epoch, key: &RequestKey, body: String) -> Result<(), StoreError> {
        let (inner, key) = (Arc::clone(&self.inner), key.clone());
        self.run("record_answer", async move { inner.record_answer(node, &key, body).await }).await
    }

    async fn end_request(&self, node: Epoch, key: &RequestKey) {
        self.inner.end_request(node, key).await;
    }
}

passed_on! { Windows {
    fn take(window: Window, limit: u32, now: Timestamp) -> Taken;
    fn standing(window: Window, limit: u32, now: Timestamp) -> Standing;
} }

passed_on! { Lists {
    fn index_lists(now: Timestamp, after: Duration, limit: usize) -> Indexed;
} }

passed_on! { Retention {
    fn text_rules() -> Vec<(AccountId, TextRetention)>;
    fn remove_old(walk: Walk, before: Timestamp, limit: usize) -> Removed;
} }

#[async_trait]
impl Nodes for Gated {
    fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    async fn join(&self, name: String, build: String, now: Moment) -> Result<Epoch, StoreError> {
        self.meet("join").await?;
        self.inner.join(name, build, now).await
    }

    async fn renew(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError> {
        self.meet("renew").await?;
        self.inner.renew(epoch, now).await
    }

    async fn report(&self, epoch: Epoch, report: String) -> Result<(), StoreError> {
        self.meet("report").await?;
        self.inner.report(epoch, report).await
    }

    async fn set_draining(&self, name: &str, is_draining: bool) -> Result<(), StoreError> {
        self.meet("set_draining").await?;
        self.inner.set_draining(name, is_draining).await
    }

    async fn leave(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError> {
        self.meet("leave").await?;
        self.inner.leave(epoch, now).await
    }

    async fn take_over(&self, epoch: Epoch, now: Timestamp) -> Result<TakenOver, StoreError> {
        self.meet("take_over").await?;
        self.inner.take_over(epoch, now).await
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        self.meet("nodes").await?;
        self.inner.nodes().await
    }

    async fn claim_slots(&self, epoch: Epoch, carrier: String, of: u32, wanted: u32) -> Result<Vec<u32>, StoreError> {
        self.meet("claim_slots").await?;
        self.inner.claim_slots(epoch, carrier, of, wanted).await
    }

    async fn release_slots(&self, epoch: Epoch, carrier: String, slots: Vec<u32>) -> Result<(), StoreError> {
        self.meet("release_slots").await?;
        self.inner.release_slots(epoch, carrier, slots).await
    }

    async fn slots(&self) -> Result<Vec<Slot>, StoreError> {
        self.meet("slots").await?;
        self.inner.slots().await
    }

    async fn stop_carrier(&self, carrier: String, at: Timestamp) -> Result<(), StoreError> {
        self.meet("stop_carrier").await?;
        self.inner.stop_carrier(carrier, at).await
    }

    async fn start_carrier(&self, carrier: String) -> Result<(), StoreError> {
        self.meet("start_carrier").await?;
        self.inner.start_carrier(carrier).await
    }

    async fn stopped_carriers(&self) -> Result<Vec<StoppedCarrier>, StoreError> {
        self.meet("stopped_carriers").await?;
        self.inner.stopped_carriers().await
    }
}

passed_on! { Dispatch {
    fn recover(node: Epoch, now: Timestamp, retry_within: Duration) -> u64;
    fn lease_due(request: LeaseRequest) -> Vec<Leased>;
    fn begin_attempts(attempts: Vec<Attempt>, now: Moment) -> Vec<Option<u32>>;
    fn record_outcomes(outcomes: Vec<Outcome>) -> ();
    fn release(leases: Vec<(MessageId, u64)>, now: Timestamp) -> ();
    fn expire(node: Epoch, now: Moment, under_way: HashSet<MessageId>, limit: usize) -> usize;
    fn forget_requests(now: Timestamp, limit: usize) -> u64;
    fn waiting(id: MessageId) -> Option<Waiting>;
    fn count_held(limit: usize) -> u64;
    fn queue_depths() -> Vec<QueueDepth>;
} }

passed_on! { Receipts {
    fn record_receipts(receipts: Vec<Receipt>) -> Vec<ReceiptOutcome>;
    fn record_refused(refused: Vec<Refused>) -> ();
    fn settle_held(now: Timestamp, unclaimed: Duration, after: Option<MessageId>, limit: usize) -> HeldStep;
    fn forget_parked(now: Timestamp, kept: Duration, limit: usize) -> Vec<CarrierName>;
    fn end_waits(now: Timestamp, limit: usize) -> WaitStep;
    fn unmatched(carrier: &str, limit: usize) -> Vec<Unmatched>;
    fn count_unmatched(carrier: &str) -> u64;
} }

passed_on! { Audit {
    fn begin_audit(entry: AuditEntry) -> ();
    fn end_audit(id: AuditId, outcome: AuditOutcome) -> ();
    fn audit(filter: AuditFilter, after: Option<AuditId>, limit: usize) -> AuditPage;
    fn audit_record(id: AuditId) -> Option<AuditRecord>;
    fn forget_audit(before: Timestamp, limit: usize) -> u64;
} }

passed_on! { Operators {
    fn create_operator(operator: Operator) -> ();
    fn operator(name: &OperatorName) -> Option<Operator>;
    fn operators(after: Option<OperatorName>, limit: usize) -> Vec<Operator>;
    fn change_operator(name: &OperatorName, change: OperatorChange, now: Timestamp) -> Operator;
    fn create_link(digest: SecretDigest, name: &OperatorName, expires_at: Timestamp) -> ();
    fn begin_session(proof: Proof, digest: SecretDigest, now: Timestamp) -> Option<Operator>;
    fn session(digest: SecretDigest, now: Timestamp) -> Option<Session>;
    fn see_session(digest: SecretDigest, now: Timestamp) -> ();
    fn end_session(digest: SecretDigest) -> Option<OperatorName>;
    fn forget_sign_ins(now: Timestamp, limit: usize) -> u64;
} }

passed_on! { Screening {
    fn record_screening(record: ScreeningRecord) -> ();
    fn screening_log(filter: ScreeningFilter, after: Option<ScreeningId>, limit: usize) -> Vec<ScreeningRecord>;
    fn screening_record(id: ScreeningId) -> Option<ScreeningRecord>;
    fn review_screening(ids: Vec<ScreeningId>, review: ScreeningReview) -> usize;
    fn forget_screening(before: Timestamp, limit: usize) -> u64;
} }

passed_on! { MediaRecords {
    fn find_media(digest: Digest, kind: MediaType) -> Option<MediaId>;
    fn media(id: MediaId) -> Option<StoredMedia>;
    fn sweep_media(after: Option<MediaId>, now: Timestamp, unneeded_since: Timestamp, limit: usize) -> SweptMedia;
    fn has_object(id: MediaId) -> bool;
    fn sweep_inbound_media(limit: usize) -> Vec<String>;
} }

passed_on! { Inbound {
    fn record_inbound(node: Epoch, arrivals: Vec<Arrival>, interpreter: Arc<dyn Interpreter>) -> Vec<Recorded>;
    fn answered(arrivals: Vec<ArrivalId>) -> ();
    fn end_part_waits(
        now: Timestamp,
        wait: Duration,
        limit: usize,
        interpreter: Arc<dyn Interpreter>,
    ) -> PartsStep;
    fn forget_inbound(now: Timestamp, unrouted_kept: Duration, limit: usize) -> usize;
    fn count_waiting_parts() -> u64;
    fn inbound_message(owner: Owner, id: MessageId) -> Option<Arc<InboundMessage>>;
    fn inbound_of_any_account(id: MessageId) -> Option<Arc<InboundMessage>>;
    fn inbound_messages(
        owner: Option<Owner>,
        filter: InboundFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> InboundPage;
    fn unrouted(after: Option<MessageId>, limit: usize) -> UnroutedPage;
    fn assign_unrouted(id: MessageId, owner: Owner, opt: Option<Opt>, now: Timestamp) -> Arc<InboundMessage>;
} }

passed_on! { OptOuts {
    fn all_opt_outs(each: Box<dyn FnMut(Vec<OptOut>) + Send>) -> ();
    fn opt_out(opt_outs: Vec<OptOut>) -> Vec<bool>;
    fn opt_in(opt_in: OptIn) -> OptedIn;
    fn opt_outs(owner: Owner, filter: OptOutFilter, after: Option<OptOutCursor>, limit: usize) -> OptOutPage;
    fn opt_out_history(owner: Owner, number: Msisdn, after: Option<OptOutCursor>, limit: usize) -> HistoryPage;
} }

passed_on! { Tenants {
    fn tenants() -> TenantData;
    fn create_account(account: Account) -> ();
    fn change_account(id: AccountId, change: AccountChange, now: Timestamp) -> Account;
    fn set_screening(id: AccountId, policy: Arc<str>, now: Timestamp) -> Account;
    fn approve_template(template: ScreeningTemplate) -> Approved;
    fn remove_template(account: AccountId, id: TemplateId, now: Timestamp) -> ();
    fn set_keywords(of: KeywordsOf, settings: Arc<str>, now: Timestamp) -> ();
    fn create_key(key: ApiKey) -> ();
    fn revoke_key(id: &KeyId, now: Timestamp) -> ApiKey;
    fn note_key_uses(uses: BTreeMap<KeyId, Timestamp>) -> ();
    fn key_uses(account: AccountId) -> BTreeMap<KeyId, Timestamp>;
    fn create_number(number: Number) -> ();
    fn change_number(number: Originator, change: NumberChange, now: Timestamp) -> Number;
    fn put_block(block: Block) -> ();
    fn delete_block(number: Originator, kind: BlockKind, account: Option<AccountId>, now: Timestamp) -> ();
} }

#[async_trait]
impl Changes for Gated {
    async fn register_consumer(&self, name: &str, kinds: Kinds) -> Result<(), StoreError> {
        self.inner.register_consumer(name, kinds).await
    }

    async fn remove_consumer(&self, name: &str) -> Result<(), StoreError> {
        self.inner.remove_consumer(name).await
    }

    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        self.inner.consumers().await
    }

    async fn changes(&self, consumer: &str, limit: usize) -> Result<Batch, StoreError> {
        self.inner.changes(consumer, limit).await
    }

    async fn move_cursor(&self, consumer: &str, to: Position) -> Result<(), StoreError> {
        self.inner.move_cursor(consumer, to).await
    }

    async fn forget_changes(&self, limit: usize) -> Result<u64, StoreError> {
        self.meet("forget_changes").await?;
        self.inner.forget_changes(limit).await
    }

    fn subscribe(&self, kinds: Kinds) -> Tail {
        self.inner.subscribe(kinds)
    }
}

#[async_trait]
impl Erasures for Gated {
    async fn begin_erasure(&self, erasure: NewErasure) -> Result<Erasure, StoreError> {
        self.inner.begin_erasure(erasure).await
    }

    async fn open_erasures(&self, limit: usize) -> Result<Vec<(ErasureId, Option<Msisdn>)>, StoreError> {
        self.inner.open_erasures(limit).await
    }

    async fn erase_messages(
        &self,
        id: ErasureId,
        messages: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<ErasedMessages, StoreError> {
        self.meet("erase_messages").await?;
        self.inner.erase_messages(id, messages, now).await
    }

    async fn erasable(&self, number: Msisdn, messages: Vec<MessageId>) -> Result<ErasureCounts, StoreError> {
        self.inner.erasable(number, messages).await
    }

    async fn erase_inbound(&self, id: ErasureId, now: Timestamp, limit: usize) -> Result<ErasedInbound, StoreError> {
        self.inner.erase_inbound(id, now, limit).await
    }

    async fn erasable_inbound(&self, number: Msisdn) -> Result<ErasureCounts, StoreError> {
        self.inner.erasable_inbound(number).await
    }

    async fn packed_with(&self, number: Msisdn, after: Option<Chunk>) -> Result<Packed, StoreError> {
        self.inner.packed_with(number, after).await
    }

    async fn erase_packed(&self, id: ErasureId, chunks: Vec<Chunk>) -> Result<(), StoreError> {
        self.inner.erase_packed(id, chunks).await
    }

    async fn audit_of(&self, number: Msisdn, after: Option<AuditId>) -> Result<AuditOf, StoreError> {
        self.inner.audit_of(number, after).await
    }

    async fn erase_audit(&self, id: ErasureId, entries: Vec<AuditId>) -> Result<(), StoreError> {
        self.meet("erase_audit").await?;
        self.inner.erase_audit(id, entries).await
    }

    async fn receipts_of(&self, number: Msisdn, after: Option<i64>) -> Result<ReceiptsOf, StoreError> {
        self.inner.receipts_of(number, after).await
    }

    async fn erase_receipts(&self, id: ErasureId, places: Vec<i64>, now: Timestamp) -> Result<(), StoreError> {
        self.inner.erase_receipts(id, places, now).await
    }

    async fn forget_number(&self, id: ErasureId) -> Result<(), StoreError> {
        self.inner.forget_number(id).await
    }

    async fn empty_log(&self) -> Result<bool, StoreError> {
        self.inner.empty_log().await
    }

    async fn end_erasure(&self, id: ErasureId, now: Timestamp) -> Result<Erasure, StoreError> {
        self.inner.end_erasure(id, now).await
    }

    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        self.inner.erasure(id).await
    }

    async fn erasures(
        &self,
        of: Option<[u8; 32]>,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, StoreError> {
        self.inner.erasures(of, after, limit).await
    }
}

passed_on! { PepperRecords {
    fn adopt_pepper(
        verifier: SecretDigest,
        previous: Option<SecretDigest>,
        now: Timestamp,
    ) -> Adopted;
    fn keys_of_other_peppers(now: Timestamp) -> u64;
    fn reseal_webhook_secret(id: WebhookId, from: SealedSecret, to: SealedSecret) -> bool;
    fn rehash_key(id: &KeyId, from: SecretDigest, to: SecretDigest, now: Timestamp) -> bool;
} }

#[async_trait]
impl Holds for Gated {
    async fn hold(&self, hold: Hold, now: Timestamp) -> Result<(), StoreError> {
        self.inner.hold(hold, now).await
    }

    async fn held(&self) -> Result<Option<Hold>, StoreError> {
        self.inner.held().await
    }

    async fn release_hold(&self) -> Result<bool, StoreError> {
        self.inner.release_hold().await
    }

    async fn waiting_in_all(&self, now: Timestamp) -> Result<store::contract::holds::Waiting, StoreError> {
        self.inner.waiting_in_all(now).await
    }

    async fn end_queued(&self, node: Epoch, now: Moment, limit: usize) -> Result<usize, StoreError> {
        self.inner.end_queued(node, now, limit).await
    }
}

#[async_trait]
impl Usage for Gated {
    async fn quota_used(&self, owner: Owner, day: UtcDay) -> Result<u64, StoreError> {
        self.inner.quota_used(owner, day).await
    }

    async fn usage(&self, owner: Owner, from: UtcDay, to: UtcDay) -> Result<Vec<UsageCount>, StoreError> {
        self.inner.usage(owner, from, to).await
    }
}

#[async_trait]
impl Health for Gated {
    async fn show_newest(&self, mint: &Mint, before: Timestamp) -> Result<(), StoreError> {
        self.inner.show_newest(mint, before).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.meet("probe").await?;
        self.inner.probe().await
    }

    async fn size_bytes(&self) -> Result<u64, StoreError> {
        self.meet("size_bytes").await?;
        self.inner.size_bytes().await
    }

    async fn failed(&self) -> StoreError {
        self.inner.failed().await
    }

    fn keep_within(&self, bounds: Bounds) {
        self.inner.keep_within(bounds);
    }

    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>) {
        self.inner.observe_commits(observer);
    }

    async fn close(&self) {
        // A store that hangs does not close either; the real one is closed all the same, so that its file is free
        // again.
        self.inner.close().await;
        let _ = self.meet("close").await;
    }
}
