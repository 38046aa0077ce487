//! A store of an earlier release, brought up to date: what it knew counts as it did.

use std::sync::Arc;
use std::time::Duration;

use model::idempotency::{AnswerForm, Endpoint};
use model::number::{Number, NumberState};
use model::quota::UtcDay;
use model::{
    Broadcast, Message, MessageId, Mode, Originator, Owner, ScreeningCertainty, ScreeningOutcome, Status, Timestamp,
};
use rusqlite::{Connection, params};
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, Quota};
use store::contract::changes::{Kind, Kinds};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::messages::MessageFilter;
use store::contract::receipts::ReceiptOutcome;
use store::contract::screening::ScreeningFilter;
use store::contract::tenants::NumberChange;

use crate::broadcasts::broadcast;
use crate::screening::blocked;
use crate::sqlite::SqliteFile;
use crate::support::{Backend, Desk, NORTH, NOW, acks, admission, after, claim};

/// The migrations that made a store of schema version 4.
const VERSION_4: [&str; 4] = [
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_broadcasts.sql"),
    include_str!("../../migrations/sqlite/0003_screening.sql"),
    include_str!("../../migrations/sqlite/0004_media.sql"),
];

/// A store of schema version 4, which a test fills with rows as the program of that version wrote them.
struct OldStore(Connection);

impl OldStore {
    fn make(file: &SqliteFile) -> Self {
        let connection = file.connection();
        connection.execute_batch("CREATE TABLE schema_version (version INTEGER NOT NULL)").unwrap();
        for (at, step) in VERSION_4.iter().enumerate() {
            connection.execute_batch(step).unwrap();
            connection.execute("INSERT INTO schema_version (version) VALUES (?1)", [at + 1]).unwrap();
        }
        Self(connection)
    }

    fn add(&self, sql: &str, values: impl rusqlite::Params) {
        self.0.execute(sql, values).unwrap();
    }

    /// A message that waits for [`NORTH`], or that it took at [`NOW`].
    fn add_message(&self, message: &Message, status: Status) {
        let (account, id, kind, encoding) =
            (message.account.to_bytes(), message.id.to_bytes(), message.kind.as_str(), message.encoding.name());
        let (created_at, expires_at) = (message.created_at.as_millis(), message.expires_at.as_millis());
        let (direction, mode, body) = (message.direction.as_str(), message.mode.as_str(), &message.body);
        let (originator, recipient) = (message.originator.to_string(), message.recipient.to_string());
        let sql = "INSERT INTO messages (account_id, id, direction, mode, kind, originator, recipient, body, encoding, \
                   segments, reference, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, 0, ?10, \
                   ?11)";
        self.add(
            sql,
            params![account, id, direction, mode, kind, originator, recipient, body, encoding, created_at, expires_at],
        );
        let sql = "INSERT INTO delivery (message_id, account_id, status, carrier, due_at, lease, expires_at, \
            segments, sent_at) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 1, ?7)";
        let sent_at = (status == Status::Sent).then_some(NOW.as_millis());
        self.add(sql, params![id, account, status.as_str(), NORTH, created_at, expires_at, sent_at]);
    }

    fn add_broadcast(&self, broadcast: &Broadcast) {
        let (account, id, mode, encoding) =
            (broadcast.account.to_bytes(), broadcast.id.to_bytes(), broadcast.mode.as_str(), broadcast.encoding.name());
        let (created_at, expires_at) = (broadcast.created_at.as_millis(), broadcast.expires_at.as_millis());
        let (kind, originator, body, total) =
            (broadcast.kind.as_str(), broadcast.originator.to_string(), &broadcast.body, broadcast.total);
        let sql = "INSERT INTO broadcasts (account_id, id, mode, kind, originator, body, encoding, segments, total, \
                   blocked, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, 0, ?9, ?10)";
        self.add(sql, params![account, id, mode, kind, originator, body, encoding, total, created_at, expires_at]);
        let sql = "INSERT INTO broadcast_progress (broadcast_id, account_id, status, packed, next_index, skipped, \
            queued) VALUES (?1, ?2, 'canceled', ?3, ?3, ?3, 0)";
        self.add(sql, params![id, account, total]);
    }

    fn add_record(&self, owner: Owner, claim: &IdempotencyClaim, id: [u8; 16], answer: Option<&str>) {
        let sql = "INSERT INTO idempotency (account_id, endpoint, key, fingerprint, message_id, answer, created_at) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = params![
            owner.account.to_bytes(),
            claim.endpoint.as_str(),
            claim.key.as_str(),
            claim.fingerprint.0,
            id,
            answer,
            NOW.as_millis()
        ];
        self.add(sql, values);
    }
}

#[tokio::test]
async fn records_of_keys_get_the_mode_of_what_they_made_and_quotas_count_for_live_keys() {
    let (file, elsewhere) = (SqliteFile::fresh(), SqliteFile::fresh());
    let mut desk = Desk::open(&elsewhere).await;
    let account = desk.account();
    let modes = [Mode::Live, Mode::Test];
    let key =
        |endpoint, mode: Mode| IdempotencyClaim { endpoint, ..claim(&format!("key-{}", mode.as_str()), "hello", NOW) };
    let old = OldStore::make(&file);
    let (messages, broadcasts) = (
        modes.map(|mode| Message { mode, ..desk.message(account) }),
        modes.map(|mode| Broadcast { mode, ..broadcast(&desk, account, 3, 0) }),
    );
    for (at, mode) in modes.into_iter().enumerate() {
        let owner = Owner { account, mode };
        old.add_message(&messages[at], Status::Queued);
        old.add_record(
            owner,
            &key(Endpoint::Message, mode),
            messages[at].id.to_bytes(),
            (mode == Mode::Test).then_some("{}"),
        );
        old.add_broadcast(&broadcasts[at]);
        old.add_record(owner, &key(Endpoint::Broadcast, mode), broadcasts[at].id.to_bytes(), None);
    }
    old.add(
        "INSERT INTO quota (account_id, day, used) VALUES (?1, ?2, 8)",
        params![account.to_bytes(), UtcDay::of(NOW).0],
    );
    drop(old);

    desk.use_store(file.open().await);
    desk.join().await;
    for (at, mode) in modes.into_iter().enumerate() {
        let (owner, other) = (Owner { account, mode }, Owner { account, mode: modes[1 - at] });
        let Some(Earlier::Replayed(replay)) = desk.store.replay(owner, &key(Endpoint::Message, mode)).await.unwrap()
        else {
            panic!("it is kept")
        };
        let answer = (mode == Mode::Test).then_some("{}");
        assert_eq!((&*replay.made, replay.answer.as_deref(), replay.form), (&messages[at], answer, AnswerForm::FIRST));
        let replay = desk.store.replay_broadcast(owner, &key(Endpoint::Broadcast, mode)).await.unwrap();
        let Some(Earlier::Replayed(replay)) = replay else { panic!("it is kept") };
        assert_eq!((replay.made, replay.form), (Arc::new(broadcasts[at].clone()), AnswerForm::FIRST));
        assert_eq!(desk.store.replay(other, &key(Endpoint::Message, mode)).await.unwrap(), None);
    }
    for (mode, limit, outcome) in
        [(Mode::Live, 8, Admitted::QuotaReached), (Mode::Live, 9, Admitted::New), (Mode::Test, 1, Admitted::New)]
    {
        let quota = Quota { day: UtcDay::of(NOW), limit };
        assert_eq!(
            desk.try_admit(Admission { quota, ..admission(Message { mode, ..desk.message(account) }) }).await,
            outcome
        );
    }
}

#[tokio::test]
async fn a_sent_message_waits_for_its_receipts_for_three_days_and_a_parked_receipt_still_waits() {
    let (file, elsewhere) = (SqliteFile::fresh(), SqliteFile::fresh());
    let mut desk = Desk::open(&elsewhere).await;
    let account = desk.account();
    let old = OldStore::make(&file);
    let (sent, queued) = (desk.message(account), desk.message(account));
    old.add_message(&sent, Status::Sent);
    old.add_message(&queued, Status::Queued);
    let sql = "INSERT INTO parked_receipts (id, carrier, addresses, fate, at, detail) VALUES (1, ?1, '', 'delivered', \
        ?2, 'stat:DELIVRD')";
    old.add(sql, params![NORTH, after(2).as_millis()]);
    old.add("INSERT INTO parked_keys (carrier, key, parked_id) VALUES (?1, 'a', 1)", [NORTH]);
    drop(old);

    desk.use_store(file.open().await);
    desk.join().await;
    assert_eq!(desk.store.count_unmatched(NORTH).await.unwrap(), 1);
    let before = Outcome {
        id: queued.id,
        recipient: queued.recipient,
        token: 0,
        total: 1,
        attempt: 0,
        carrier: NORTH.into(),
        at: NOW,
        accepted: acks(["a"]),
        verdict: Verdict::Sent,
        detail: String::new(),
        receipt_by: None,
    };
    desk.store.register_consumer("all", Kinds::of(&Kind::ALL)).await.unwrap();
    let outcome = desk.attempted_again(&before, after(1)).await;
    assert_eq!(desk.record(&outcome).await.last().map(|change| change.delivery.status), Some(Status::Delivered));
    let owners: Vec<_> =
        desk.store.changes("all", 9).await.unwrap().changes.into_iter().map(|change| change.owner).collect();
    assert_eq!(owners, [Some(queued.owner()); 2], "the row does not say it, and the message does");
    assert_eq!(desk.store.count_unmatched(NORTH).await.unwrap(), 0);
    assert_eq!(
        desk.hear(crate::support::receipt(["a"], model::status::SegmentFate::Delivered)).await,
        ReceiptOutcome::Repeated
    );
    for (hours, missing) in [(71, 0), (72, 1), (73, 0)] {
        let ended = desk.store.end_waits(NOW + Duration::from_secs(hours * 3_600), 9).await.unwrap();
        assert_eq!((ended.missing.len(), ended.ended), (missing, 0), "after {hours} hours");
    }
    assert!(desk.delivery(sent.id).await.receipt_missing);
}

#[tokio::test]
async fn old_messages_are_counted_by_their_days_and_go_on_counting() {
    let (file, elsewhere) = (SqliteFile::fresh(), SqliteFile::fresh());
    let mut desk = Desk::open(&elsewhere).await;
    let account = desk.account();
    let old = OldStore::make(&file);
    let midnight = UtcDay::of(NOW).end();
    let last = midnight - Duration::from_millis(1);
    let sent = desk.message_at(account, NOW);
    old.add_message(&sent, Status::Sent);
    let waits = desk.message_at(account, last);
    old.add_message(&waits, Status::Queued);
    old.add_message(&desk.message_at(account, midnight), Status::Queued);
    // The id tells the day: this one was accepted while the clock was set back.
    let ahead = Message { created_at: NOW, ..desk.message_at(account, midnight) };
    old.add_message(&ahead, Status::Queued);
    old.add_message(&Message { mode: Mode::Test, ..desk.message(account) }, Status::Queued);
    old.add_message(&desk.message_at(account, Timestamp::from_millis(0)), Status::Sent);
    old.add_message(&desk.message_at(account, Timestamp::parse("2189-01-01T00:00:00Z").unwrap()), Status::Sent);
    drop(old);

    desk.use_store(file.open().await);
    desk.join().await;
    let owner = Owner { account, mode: Mode::Live };
    let counts = async |desk: &Desk, owner| {
        let found = desk.store.usage(owner, UtcDay(0), UtcDay(100_000)).await.unwrap();
        let day = |day: UtcDay| (day.end() - Duration::from_secs(86_400)).to_string()[..10].to_owned();
        found.iter().map(|count| format!("{} {} {}", day(count.day), count.status.as_str(), count.messages)).collect()
    };
    let listed: Vec<String> = counts(&desk, owner).await;
    let others = |today: &[&str]| {
        let others = [&["1970-01-01 sent 1"], today, &["2026-03-16 queued 2", "2189-01-01 sent 1"]].concat();
        others.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed, others(&["2026-03-15 queued 1", "2026-03-15 sent 1"]));
    let test: Vec<String> = counts(&desk, Owner { account, mode: Mode::Test }).await;
    assert_eq!(test, ["2026-03-15 queued 1"]);

    let ended = desk.expire(model::Moment::of(waits.expires_at), 100).await;
    assert!(ended.iter().any(|change| change.id == waits.id));
    let listed: Vec<String> = counts(&desk, owner).await;
    assert!(listed.contains(&"2026-03-15 undelivered 1".to_owned()), "{listed:?}");
    assert!(!listed.iter().any(|line| line.starts_with("2026-03-15 queued")), "{listed:?}");
}

#[tokio::test]
async fn old_numbers_are_senders_beside_names() {
    let file = SqliteFile::fresh();
    let old = OldStore::make(&file);
    for number in ["+18005550001", "+18005550002"] {
        old.add(
            "INSERT INTO numbers (number, account_id, state, created_at) VALUES (?1, NULL, 'pending', ?2)",
            params![number, NOW.as_millis()],
        );
    }
    drop(old);

    let store = file.open().await;
    let sender = |text: &str, state| Number {
        number: Originator::parse(text).unwrap(),
        account: None,
        state,
        segments_per_second: None,
        created_at: NOW,
    };
    let change = NumberChange { state: Some(NumberState::Active), ..NumberChange::default() };
    let known = sender("+18005550001", NumberState::Active);
    assert_eq!(store.change_number(known.number, change, NOW).await.as_ref(), Ok(&known));
    let senders = [known, sender("+18005550002", NumberState::Pending), sender("ACME", NumberState::Active)];
    store.create_number(senders[2].clone()).await.unwrap();
    let mut kept = store.tenants().await.unwrap().numbers;
    kept.sort_by_key(|sender| sender.number);
    assert_eq!(kept, senders);
}

#[tokio::test]
async fn old_messages_and_decisions_are_listed() {
    let (file, elsewhere) = (SqliteFile::fresh(), SqliteFile::fresh());
    let mut desk = Desk::open(&elsewhere).await;
    let account = desk.account();
    let old = OldStore::make(&file);
    let messages: Vec<Message> = (0..5).map(|secs| desk.message_at(account, after(secs))).collect();
    messages.iter().for_each(|message| old.add_message(message, Status::Sent));
    let decision = blocked(account, NOW, 1);
    let sql = "INSERT INTO screening_log (id, account_id, mode, at, outcome, about, originator, categories, findings, \
               body) VALUES (?1, ?2, 'live', ?3, 'blocked', '', ?4, ?5, ?6, ?7)";
    let (categories, findings, body) = (decision.categories.join(" "), &decision.findings, &decision.body);
    old.add(
        sql,
        params![
            decision.id.to_bytes(),
            account.to_bytes(),
            NOW.as_millis(),
            decision.originator.to_string(),
            categories,
            findings,
            body
        ],
    );
    drop(old);

    desk.use_store(file.open().await);
    desk.join().await;
    let newest_first: Vec<MessageId> = messages.iter().rev().map(|message| message.id).collect();
    let filter = MessageFilter {
        recipient: Some(messages[0].recipient),
        status: Some(Status::Sent),
        ..MessageFilter::default()
    };
    for indexed in [0, 5] {
        let filed = desk.store.index_lists(after(60), Duration::from_secs(30), indexed).await.unwrap().filed;
        let page = desk.store.messages(None, filter.clone(), None, 9).await.unwrap();
        assert_eq!(
            (filed, page.messages.iter().map(|record| record.message.id).collect()),
            (indexed, newest_first.clone())
        );
    }
    // A decision of the time before certainty counts as sure.
    let filter = ScreeningFilter {
        account: Some(account),
        mode: Some(Mode::Live),
        outcome: Some(ScreeningOutcome::Blocked),
        reviewed: None,
        certainty: Some(ScreeningCertainty::Sure),
    };
    assert_eq!(desk.store.screening_log(filter, None, 9).await.unwrap(), [decision]);
}

#[tokio::test]
async fn a_policy_of_one_action_becomes_one_of_two() {
    let lists = r#""exempt":["shaft.alcohol"],"allowedDomains":["example.com"],"allowedPhrases":["it's \"on\""]"#;
    let (file, elsewhere) = (SqliteFile::fresh(), SqliteFile::fresh());
    let desk = Desk::open(&elsewhere).await;
    let old = OldStore::make(&file);
    let cases = [
        (Some(format!(r#"{{"action":"block",{lists}}}"#)), Some(("block", "flag", true))),
        (Some(format!(r#"{{"action":"flag",{lists}}}"#)), Some(("flag", "flag", true))),
        (Some(format!(r#"{{"action":"off",{lists}}}"#)), Some(("off", "off", true))),
        (Some(format!("{{{lists}}}")), Some(("block", "flag", true))),
        (Some("{}".to_owned()), Some(("block", "flag", false))),
        // An action that no program wrote does not open an account.
        (Some(r#"{"action":"none"}"#.to_owned()), Some(("block", "flag", false))),
        (None, None),
        (Some("no JSON".to_owned()), None),
        (Some("[]".to_owned()), None),
    ];
    let accounts: Vec<_> = cases.iter().map(|_| desk.account()).collect();
    for (account, (policy, _)) in accounts.iter().zip(&cases) {
        let sql = "INSERT INTO accounts (id, name, state, message_per_minute, broadcast_per_minute, read_per_minute, \
                   daily_quota, created_at, screening) VALUES (?1, 'old', 'active', 1, 1, 1, 1, ?2, ?3)";
        old.add(sql, params![account.to_bytes(), NOW.as_millis(), policy]);
    }
    drop(old);

    let kept = file.open().await.tenants().await.unwrap().accounts;
    for (account, (old, wanted)) in accounts.iter().zip(&cases) {
        let found = kept.iter().find(|kept| kept.id == *account).unwrap().screening.as_deref();
        let Some((sure, unsure, with_lists)) = wanted else {
            assert_eq!(found, old.as_deref());
            continue;
        };
        let lists = if *with_lists { format!("{lists},") } else { String::new() };
        assert_eq!(found, Some(format!(r#"{{{lists}"sure":"{sure}","unsure":"{unsure}"}}"#).as_str()), "{old:?}");
    }
}
