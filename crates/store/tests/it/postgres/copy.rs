//! A store on SQLite becomes one on PostgreSQL: everything reads the same, and goes on.

use std::sync::Arc;
use std::time::Duration;

use model::idempotency::Endpoint;
use model::key::{ApiKey, KeyId, SecretDigest};
use model::media::{Digest, StoredMedia};
use model::number::{Block, BlockKind, Number, NumberState};
use model::quota::UtcDay;
use model::status::SegmentFate;
use model::unmatched::Reason;
use model::webhook::{Ordering, Subscription, Webhook};
use model::{
    AccountId, Broadcast, MediaId, MediaType, Message, MessageId, Mode, Moment, OptOut, OptOutName, OptOutSource,
    Originator, Owner, ScreeningReview, ScreeningTemplate, Status, TemplateId, WebhookId,
};
use runtime::Machine;
use store::contract::admission::{Admission, Admitted, Quota};
use store::contract::changes::{Kind, Kinds};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::holds::Hold;
use store::contract::inbound::{InboundOutcome, PartName};
use store::contract::operators::Proof;
use store::contract::receipts::{ReceiptOutcome, Refused};
use store::contract::requests::RequestKey;
use store::contract::tenants::KeywordsOf;
use store::contract::webhooks::{
    DeliveryAttempt, DeliveryRecord, DeliveryState, Failing, Progress, ReplayOf, SealedSecret,
};
use store::copy::{Copied, Copy, Stage};
use store::{Store, StoreError};

use super::PostgresDatabase;
use crate::broadcasts::{accepted_with_values, expand};
use crate::inbound::{Fixed, file};
use crate::office::{Counter, arrival, handset, part, wide};
use crate::screening::blocked;
use crate::sqlite::SqliteFile;
use crate::support::{
    Backend, Desk, NORTH, NOW, RETRY_WITHIN, acks, admission, after, claim, ids, lease_request, live, number, receipt,
    retry,
};
use crate::tenants::account;

const ALL: usize = 1_000;

/// The texts of strangers have what PostgreSQL takes and what it does not.
const STRANGE: &str = "\0 a 'quote', \u{FFFF}0 and \u{1F4B8}";

/// What was put into the store and is looked for again.
struct Filled {
    account: AccountId,
    webhook: WebhookId,
    broadcast: Broadcast,
    messages: Vec<MessageId>,
    /// Messages with these states.
    waiting: MessageId,
    leased: MessageId,
    in_flight: MessageId,
    retried: MessageId,
    media: StoredMedia,
}

fn url(file: &SqliteFile) -> String {
    format!("sqlite:{}", file.path().display())
}

async fn copying(file: &SqliteFile, database: &PostgresDatabase) -> Copy {
    Copy::new(&url(file), &database.database().await.url(), Arc::new(Machine::new())).with_rows_per_slice(3)
}

async fn copied(file: &SqliteFile, database: &PostgresDatabase) -> Copied {
    copying(file, database).await.run(|_| ()).await.unwrap()
}

async fn refusal(file: &SqliteFile, database: &PostgresDatabase) -> String {
    match copying(file, database).await.run(|_| ()).await {
        Err(StoreError::Refused(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

/// Puts something into every table, and closes the store.
async fn fill(file: &SqliteFile) -> (Filled, Vec<String>) {
    let counter = Counter::at(Desk::open(file).await);
    let account = counter.owner.account;
    tenants(&counter.desk, account).await;
    let webhook = endpoint(&counter.desk, account).await;
    let filled = messages(&counter.desk, account, webhook).await;
    deliveries(&counter.desk, webhook).await;
    let erased = Message { recipient: crate::erase::person(), ..counter.desk.message(account) };
    counter.desk.sent(erased, ["erased"]).await;
    crate::erase::erase(&counter.desk).await;
    handsets(&counter).await;
    screening(&counter.desk, account).await;
    operators(&counter.desk).await;
    let desk = counter.desk;
    desk.list_all(after(100)).await;
    let seen = seen(&*desk.store, &filled).await;
    desk.store.close().await;
    (filled, seen)
}

async fn tenants(desk: &Desk, id: AccountId) {
    let store = &desk.store;
    store.create_account(model::Account { name: STRANGE.to_owned(), ..account(id) }).await.unwrap();
    let digest = SecretDigest::from_bytes([7; 32]);
    let key = ApiKey {
        id: KeyId::from_text("key"),
        account: id,
        mode: Mode::Test,
        name: Some(STRANGE.to_owned()),
        digest,
        created_at: NOW,
        expires_at: Some(after(9)),
        revoked_at: None,
    };
    store.create_key(key.clone()).await.unwrap();
    store.note_key_uses([(key.id, after(4))].into()).await.unwrap();
    for (text, of) in [("+18005559876", Some(id)), ("+18005559877", None), ("Acme", Some(id))] {
        let (state, pace) = (NumberState::Active, None);
        let number = Originator::parse(text).unwrap();
        let number = Number { number, account: of, state, segments_per_second: pace, created_at: NOW };
        store.create_number(number).await.unwrap();
    }
    for of in [None, Some(id)] {
        let reason = Some(STRANGE.to_owned());
        let number = number("+12025550199");
        store
            .put_block(Block { number, kind: BlockKind::Recipient, account: of, reason, created_at: NOW })
            .await
            .unwrap();
    }
    store.set_keywords(KeywordsOf::Account(id), "{\"a\":1}".into(), NOW).await.unwrap();
    store.set_screening(id, "{\"b\":2}".into(), NOW).await.unwrap();
    store.register_consumer("all", Kinds::of(&Kind::ALL)).await.unwrap();
    store.stop_carrier(NORTH.to_owned(), after(8)).await.unwrap();
    store.adopt_pepper(digest, None, NOW).await.unwrap();
    store.adopt_pepper(SecretDigest::from_bytes([8; 32]), Some(digest), after(8)).await.unwrap();
    // After the life of the node.
    store.hold(Hold { since: after(9), backed_up_at: after(8) }, after(100)).await.unwrap();
}

async fn operators(desk: &Desk) {
    let (store, ada) = (&desk.store, crate::operators::operator("ada"));
    store.create_operator(ada.clone()).await.unwrap();
    for octet in [1, 2] {
        store.create_link(crate::operators::digest(octet), &ada.name, after(600)).await.unwrap();
    }
    let link = Proof::Link(crate::operators::digest(1));
    store.begin_session(link, crate::operators::digest(3), NOW).await.unwrap().unwrap();
    let entry = crate::audit::entry(1, NOW, STRANGE, "/x");
    store.begin_audit(entry.clone()).await.unwrap();
    store.end_audit(entry.id, crate::audit::outcome(NOW)).await.unwrap();
}

async fn endpoint(desk: &Desk, account: AccountId) -> WebhookId {
    let id = WebhookId::from_bytes([1; 16]);
    let webhook = Webhook {
        id,
        owner: live(account),
        url: "https://a.example".into(),
        events: Subscription::parse(["*"]).unwrap(),
        description: Some(STRANGE.into()),
        active: true,
        ordering: Ordering::Message,
        broadcast_messages: true,
        format: model::webhook::Format::Twilio,
        created_at: NOW,
        disabled: None,
    };
    assert!(desk.store.create_webhook(webhook, SealedSecret(vec![1, 2, 3])).await.unwrap());
    id
}

/// Messages in every state.
async fn messages(desk: &Desk, account: AccountId, webhook: WebhookId) -> Filled {
    let strange =
        || Message { body: Some(STRANGE.into()), status_callback: Some(STRANGE.into()), ..desk.message(account) };
    let delivered = desk.sent(strange(), ["delivered"]).await;
    assert!(matches!(desk.hear(receipt(["delivered"], SegmentFate::Delivered)).await, ReceiptOutcome::Matched { .. }));
    let undelivered = desk.sent(strange(), ["undelivered"]).await;
    desk.hear(receipt(["undelivered"], SegmentFate::Undelivered(model::ErrorType::Unreachable))).await;
    let sent = Outcome { accepted: acks(["sent"]), ..desk.attempted(strange()).await };
    desk.record(&sent).await;
    let failing = desk.attempted(strange()).await;
    let verdict = Verdict::Failed { error_type: model::ErrorType::CarrierRejected, message: STRANGE.to_owned() };
    desk.record(&Outcome { verdict, ..failing.clone() }).await;
    let retried = desk.attempted(desk.message(account)).await;
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(300))), ..retried.clone() }).await;
    let in_flight = desk.attempted(desk.message(account)).await;
    let leased = desk.admit(desk.message(account)).await;
    assert!(ids(&desk.lease(desk.token(), NOW).await).contains(&leased));
    let media = StoredMedia {
        id: MediaId::from_bytes([9; 16]),
        kind: MediaType::Jpeg,
        digest: Digest::of(b"picture"),
        bytes: 8,
        stored_at: NOW,
    };
    let kind = model::message::MessageType::Mms;
    let waiting = Message { kind, media: Some(media.id), ..desk.message(account) };
    let claimed = Some(claim("key-1", "hello", NOW));
    let quota = Quota { day: UtcDay::of(NOW), limit: 100 };
    let id = waiting.id;
    let bringing = Admission { media: Some(media.clone()), idempotency: claimed, quota, ..admission(waiting) };
    assert_eq!(desk.try_admit(bringing).await, Admitted::New);
    let key = RequestKey { owner: live(account), endpoint: Endpoint::Message, key: claim("key-1", "", NOW).key };
    desk.store.record_answer(crate::support::NODE, &key, STRANGE.to_owned()).await.unwrap();
    let scheduled = desk.admit(Message { send_at: Some(after(3_600)), ..strange() }).await;
    let broadcast = accepted_with_values(desk, account, 5).await;
    let made = expand(desk, &broadcast, 2).await;
    // Receipts that match nothing, and what could not be read.
    assert_eq!(desk.hear(receipt(["parked-a", "parked-b"], SegmentFate::Delivered)).await, ReceiptOutcome::Parked);
    let refused = Refused {
        carrier: NORTH.into(),
        at: NOW,
        reason: Reason::Unreadable,
        detail: STRANGE.into(),
        raw: STRANGE.into(),
    };
    desk.store.record_refused(vec![refused]).await.unwrap();
    let mut messages =
        vec![delivered, undelivered, sent.id, failing.id, retried.id, in_flight.id, leased, id, scheduled];
    messages.extend(made);
    let (waiting, in_flight, retried) = (id, in_flight.id, retried.id);
    Filled { account, webhook, broadcast, messages, waiting, leased, in_flight, retried, media }
}

async fn deliveries(desk: &Desk, webhook: WebhookId) {
    let heads = desk.store.event_heads(webhook, 0, None, ALL).await.unwrap().heads;
    let attempt =
        DeliveryAttempt { at: NOW, status: Some(500), cause: Some("why".into()), took_ms: 7, response: "".into() };
    let record = |head, state, due_at| {
        let body = (state == DeliveryState::Pending).then(|| STRANGE.into());
        DeliveryRecord { head, state, tries: 1, due_at, attempt: Some(attempt.clone()), body }
    };
    let deliveries = vec![
        record(heads[0], DeliveryState::Pending, Some(after(5))),
        record(heads[1], DeliveryState::Succeeded, None),
        record(heads[2], DeliveryState::Failed, None),
    ];
    let failing = Some(Some(Failing { since: after(3), probes: 2 }));
    let progress = Progress { webhook, position: heads[2].seq, failing, replay: None, deliveries };
    desk.store.record_progress(vec![progress]).await.unwrap();
}

async fn handsets(counter: &Counter) {
    let store = &counter.desk.store;
    counter.hear(arrival("STOP", after(1))).await;
    counter.hear(arrival("hello", after(2))).await;
    let lone = counter.hear(part(1, 3, "one part", after(3))).await.outcome;
    assert_eq!(lone, InboundOutcome::Part);
    let other = part(1, 2, "first, ", after(4));
    let name = PartName { reference: 9, ..other.part.clone().unwrap() };
    counter.hear(store::contract::inbound::Arrival { part: Some(name.clone()), ..other }).await;
    let second = store::contract::inbound::Arrival {
        part: Some(PartName { number: 2, ..name }),
        ..part(2, 2, "second", after(5))
    };
    counter.hear(second).await;
    let with_files = counter.office.message(&store::contract::inbound::Assembled {
        carrier: NORTH.into(),
        from: crate::office::address("someone@example.com"),
        to: crate::office::address("72345"),
        received_at: after(6),
        total: 1,
        parts: vec![(1, Arc::from(&b"x"[..]))],
        media: Arc::from([file(1), file(2)]),
        earlier: None,
    });
    let others = Arc::from([crate::office::address("72346"), crate::office::address("a@example.com")]);
    let with_files = model::InboundMessage { additional_recipients: others, ..with_files };
    store
        .record_inbound(crate::support::NODE, vec![arrival("files", after(6))], Arc::new(Fixed(with_files)))
        .await
        .unwrap();
    counter.office.is_routed.store(false, std::sync::atomic::Ordering::Relaxed);
    counter.hear(arrival("nobody's", after(7))).await;
    let name = OptOutName { from: None, number: testkit::recipient(77), owner: counter.owner };
    let (source, created_at) = (OptOutSource::Api, after(8));
    let opt_out = OptOut { name, source, keyword: None, message: None, reason: Some(STRANGE.into()), created_at };
    assert_eq!(store.opt_out(vec![opt_out]).await.unwrap(), [true]);
}

async fn screening(desk: &Desk, account: AccountId) {
    let records = [blocked(account, NOW, 1), blocked(account, after(1), 2)];
    for record in records.clone() {
        desk.store.record_screening(model::ScreeningRecord { body: STRANGE.into(), ..record }).await.unwrap();
    }
    let review = ScreeningReview { at: after(9), is_correct: false, note: Some(STRANGE.to_owned()) };
    assert_eq!(desk.store.review_screening(vec![records[0].id], review).await.unwrap(), 1);
    let template = ScreeningTemplate {
        id: TemplateId::from_bytes([4; 16]),
        account,
        text: STRANGE.into(),
        note: None,
        created_at: NOW,
    };
    desk.store.approve_template(template).await.unwrap();
}

/// All that can be seen of a store, but for its nodes.
async fn seen(store: &dyn Store, filled: &Filled) -> Vec<String> {
    let (owner, mut seen) = (live(filled.account), Vec::new());
    macro_rules! see {
        ($call:expr) => {
            seen.push(format!("{}: {:#?}", stringify!($call), $call.await.unwrap()))
        };
    }
    let mut tenants = store.tenants().await.unwrap();
    tenants.numbers.sort_by_key(|number| number.number);
    tenants.blocks.sort_by_key(|block| block.account);
    seen.push(format!("{tenants:#?}"));
    see!(store.key_uses(filled.account));
    for id in &filled.messages {
        see!(store.message_of_any_account(*id));
        see!(store.events(*id));
    }
    see!(store.scheduled_until(after(3_600), None, ALL));
    for status in std::iter::once(None).chain(Status::ALL.map(Some)) {
        let filter = store::contract::messages::MessageFilter { status, ..Default::default() };
        see!(store.messages(Some(owner), filter.clone(), None, ALL));
        see!(store.messages(None, filter, None, ALL));
    }
    see!(store.broadcast(Some(owner), filled.broadcast.id));
    see!(store.broadcasts(None, Default::default(), None, ALL));
    see!(store.upcoming(filled.broadcast.id, ALL));
    see!(store.replay(owner, &claim("key-1", "hello", NOW)));
    see!(store.replay(owner, &claim("key-1", "another", NOW)));
    see!(store.media(filled.media.id));
    see!(store.has_object(file(1).id));
    see!(store.unmatched(NORTH, ALL));
    see!(store.count_unmatched(NORTH));
    see!(store.webhooks(None));
    see!(store.webhook_secrets(filled.webhook, NOW));
    see!(store.webhook_events(owner, None, None, ALL));
    see!(store.event_heads(filled.webhook, 0, None, ALL));
    see!(store.pending_deliveries(filled.webhook, 0, ALL));
    see!(store.deliveries(owner, filled.webhook, None, None, None, ALL));
    see!(store.inbound_messages(None, Default::default(), None, ALL));
    see!(store.inbound_messages(Some(owner), Default::default(), None, ALL));
    see!(store.unrouted(None, ALL));
    see!(store.count_waiting_parts());
    see!(store.opt_outs(owner, Default::default(), None, ALL));
    see!(store.opt_out_history(owner, handset(), None, ALL));
    see!(store.screening_log(Default::default(), None, ALL));
    see!(store.consumers());
    see!(store.changes("all", ALL));
    see!(store.erasures(None, None, ALL));
    see!(store.queue_depths());
    see!(store.stopped_carriers());
    see!(store.held());
    see!(store.keys_of_other_peppers(NOW));
    see!(store.quota_used(owner, UtcDay::of(NOW)));
    see!(store.usage(owner, UtcDay(0), UtcDay(100_000)));
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_reads_as_its_source() {
    let (file, database) = (SqliteFile::fresh(), PostgresDatabase::fresh());
    let (filled, before) = fill(&file).await;
    let copied = copied(&file, &database).await;
    let empty: Vec<_> = copied.tables.iter().filter(|table| table.rows == 0).map(|table| table.name).collect();
    // What walks leave, what maintenance is about to take away, and replays of webhooks.
    assert_eq!(empty, ["retention_marks", "inbound_objects_gone", "webhook_replays"]);
    assert!(copied.has_media);
    let store = database.open().await;
    for (before, after) in before.iter().zip(seen(&*store, &filled).await) {
        assert_eq!(*before, after);
    }
    // A second copy has no place there, nor has one of another store.
    assert!(refusal(&file, &database).await.contains("has data already (`accounts`)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_goes_on_where_its_source_ended() {
    let (file, database) = (SqliteFile::fresh(), PostgresDatabase::fresh());
    let (filled, _) = fill(&file).await;
    copied(&file, &database).await;
    let store = database.open().await;
    let epochs = store.nodes().await.unwrap();
    assert!(epochs.len() == 1 && epochs[0].is_over, "{epochs:?}");
    let node = store.join("new".to_owned(), "1".to_owned(), Moment::of(after(20))).await.unwrap();
    assert!(node > crate::support::NODE, "an epoch is given once");
    store.recover(node, after(20), RETRY_WITHIN).await.unwrap();
    let token = store::contract::nodes::Tokens::of(node).next();
    let leased = store.lease_due(lease_request(token, after(20))).await.unwrap();
    let of = |id: MessageId| leased.iter().find(|leased| leased.message.id == id);
    assert_eq!(of(filled.waiting).map(|leased| leased.interrupted), Some(false));
    assert_eq!(of(filled.leased).map(|leased| (leased.interrupted, leased.attempts)), Some((false, 0)));
    assert_eq!(of(filled.in_flight).map(|leased| (leased.interrupted, leased.attempts)), Some((true, 1)));
    assert!(of(filled.retried).is_none(), "its time has not come");
    let later = store.lease_due(lease_request(token, after(301))).await.unwrap();
    assert!(ids(&later).contains(&filled.retried));
    // The broadcast is nobody's, and goes on with its third recipient.
    let open = store.unexpanded(node, None, ALL).await.unwrap();
    assert_eq!(open.iter().map(|open| open.id).collect::<Vec<_>>(), [filled.broadcast.id]);
    // A receipt finds a message that was sent before, and one that came before finds its message now.
    let outcome = store.record_receipts(vec![receipt(["sent"], SegmentFate::Delivered)]).await.unwrap();
    assert!(matches!(outcome[0], ReceiptOutcome::Matched { .. }), "{outcome:?}");
    let before = store.webhook_events(live(filled.account), None, None, ALL).await.unwrap().events;
    assert!(before.is_sorted_by(|a, b| a.id.seq() < b.id.seq()), "no number is given twice");
    numbers_go_on(&*store, &filled).await;
}

/// Whatever is numbered gets the next number.
async fn numbers_go_on(store: &dyn Store, filled: &Filled) {
    let owner: Owner = live(filled.account);
    let last = store.opt_outs(owner, Default::default(), None, ALL).await.unwrap().opt_outs.len();
    let name = OptOutName { number: testkit::recipient(78), ..wide(owner) };
    let (source, created_at) = (OptOutSource::Api, after(30));
    let opt_out = OptOut { name, source, keyword: None, message: None, reason: None, created_at };
    assert_eq!(store.opt_out(vec![opt_out]).await.unwrap(), [true]);
    assert_eq!(store.opt_outs(owner, Default::default(), None, ALL).await.unwrap().opt_outs.len(), last + 1);
    let outcome = store.record_receipts(vec![receipt(["parked-c"], SegmentFate::Delivered)]).await.unwrap();
    assert_eq!(outcome, [ReceiptOutcome::Parked]);
    assert_eq!(store.count_unmatched(NORTH).await.unwrap(), 3);
    let begun = store.begin_replay(owner, filled.webhook, ReplayOf::Events(Vec::new()), after(30)).await;
    assert!(begun.is_ok(), "{begun:?}");
    let (second, id) = (SealedSecret(vec![9]), WebhookId::from_bytes([2; 16]));
    let first = store.webhooks(None).await.unwrap().remove(0).webhook;
    assert!(store.create_webhook(Webhook { id, ..first }, second).await.unwrap());
    let position = store.changes("all", ALL).await.unwrap().changes.last().unwrap().position.unwrap();
    let news = Number {
        number: number("+18005559888"),
        account: None,
        state: NumberState::Active,
        segments_per_second: None,
        created_at: NOW,
    };
    store.create_number(news).await.unwrap();
    let next = store.changes("all", ALL).await.unwrap().changes.last().unwrap().position.unwrap();
    assert_eq!(next.seq, position.seq + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_stopped_goes_on() {
    let (file, database) = (SqliteFile::fresh(), PostgresDatabase::fresh());
    let (filled, before) = fill(&file).await;
    for stop_at in [1, 20, 45] {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut stop = Some(stop);
        let copy = copying(&file, &database).await;
        let mut steps = 0;
        let run = copy.run(move |_| {
            steps += 1;
            if steps == stop_at {
                drop(stop.take());
            }
        });
        tokio::select! {
            biased;
            _ = stopped => {}
            done = run => panic!("{done:?}"),
        }
        assert_unfinished(&database).await;
        // A process that ends gives the file back at once, and a task that reads ends with its read.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut begins_with = None;
    copying(&file, &database).await.run(|progress| _ = begins_with.get_or_insert(progress)).await.unwrap();
    assert!(begins_with.is_some_and(|first| first.stage == Stage::Copying && first.rows > 0), "{begins_with:?}");
    let store = database.open().await;
    assert_eq!(seen(&*store, &filled).await, before);
}

async fn assert_unfinished(database: &PostgresDatabase) {
    let url = database.database().await.url();
    for refused in [
        store::open(&url, Arc::new(Machine::new())).await.map(drop),
        store::check(&url, Arc::new(Machine::new())).await.map(drop),
    ] {
        assert!(matches!(&refused, Err(StoreError::Refused(why)) if why.contains("unfinished copy")), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_source_and_no_target_is_refused() {
    let (file, database) = (SqliteFile::fresh(), PostgresDatabase::fresh());
    let missing = refusal(&file, &database).await;
    assert!(missing.contains("there is no store"), "{missing}");
    assert!(!file.path().exists());
    let desk = Desk::open(&file).await;
    let in_use = refusal(&file, &database).await;
    assert!(in_use.contains("in use"), "{in_use}");
    desk.store.close().await;
    drop(desk);
    let store = database.open().await;
    store.create_account(account(AccountId::from_bytes([1; 16]))).await.unwrap();
    store.close().await;
    let full = refusal(&file, &database).await;
    assert!(full.contains("has data already (`accounts`)"), "{full}");
    let newest = "SELECT max(version) FROM schema_version";
    file.connection().execute(&format!("DELETE FROM schema_version WHERE version = ({newest})"), []).unwrap();
    let left: i64 = file.connection().query_row(newest, [], |row| row.get(0)).unwrap();
    let older = refusal(&file, &PostgresDatabase::fresh()).await;
    assert!(
        older.contains(&format!("schema version {left}")) && older.contains("start this program with it once"),
        "{older}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unfinished_copy_is_gone_on_with_from_the_same_source_alone() {
    let (file, database) = (SqliteFile::fresh(), PostgresDatabase::fresh());
    fill(&file).await;
    stopped_while_verifying(&file, &database, |_| async {}).await;
    // The store was used again meanwhile.
    let store = file.open().await;
    store.join("again".to_owned(), "0".to_owned(), Moment::of(after(50))).await.unwrap();
    store.close().await;
    let refused = refusal(&file, &database).await;
    assert!(refused.contains("before it was used again"), "{refused}");
}

/// Stops a copy once all is written, and changes it then.
async fn stopped_while_verifying<F: Future<Output = ()>>(
    file: &SqliteFile,
    database: &PostgresDatabase,
    change: impl FnOnce(tokio_postgres::Client) -> F,
) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut stop = Some(stop);
    let copy = copying(file, database).await;
    let run = copy.run(move |progress| {
        if progress.stage == Stage::Verifying {
            drop(stop.take());
        }
    });
    tokio::select! {
        biased;
        _ = stopped => {}
        done = run => panic!("{done:?}"),
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    change(database.database().await.client().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_difference_is_found_by_its_table_and_its_key() {
    let file = SqliteFile::fresh();
    fill(&file).await;
    for (change, table, how) in [
        ("UPDATE messages SET body = body || '.' WHERE body IS NOT NULL", "`messages`", "another `body`"),
        ("UPDATE queue SET due_at = due_at + 1", "`queue`", "another `due_at`"),
        ("DELETE FROM events WHERE seq = 2", "`events`", "is missing in the copy"),
        ("DELETE FROM unmatched", "`unmatched`", "is missing in the copy"),
        (
            "INSERT INTO failures SELECT message_id, account_id, test, 'failed' FROM delivery WHERE status = \
                'delivered'",
            "`failures`",
            "in the source, which lacks the one with message_id (",
        ),
    ] {
        let database = PostgresDatabase::fresh();
        stopped_while_verifying(&file, &database, |client| async move { client.batch_execute(change).await.unwrap() })
            .await;
        let refused = refusal(&file, &database).await;
        assert!(refused.contains(table) && refused.contains(how), "{change}: {refused}");
        assert_unfinished(&database).await;
    }
}
