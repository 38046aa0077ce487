//! Idempotency keys: one message for each, and the same answer whenever it is asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::Entropy;
use runtime::Machine;
use serde_json::{Value, json};
use server::real::OsEntropy;
use simulator::smsc::DelayMs;

use crate::support::http::{Ask, Connection, Reply};
use crate::support::{RECIPIENT, Stage, Tenant, at_once, eventually};

const NOON: &str = "2026-03-15T12:00:00.000Z";

fn keyed(tenant: &Tenant, body: &str, key: &str) -> Ask {
    tenant.post(&tenant.message(RECIPIENT, body)).header("idempotency-key", key)
}

/// The second answer repeats the first, octet by octet, and says so.
#[track_caller]
fn repeats(first: &Reply, second: &Reply) {
    assert_eq!((first.status, second.status), (201, 201), "{second}");
    assert_eq!(first.text(), second.text());
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!((first.header("idempotent-replayed"), second.header("idempotent-replayed")), (None, Some("true")));
}

#[tokio::test]
async fn i1_the_same_request_gets_the_same_answer_and_makes_no_second_message() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let first = stage.ask(&keyed(&tenant, "hello", "order-1")).await;
    stage.reaches(&tenant, &first.json()["id"], "delivered").await;
    for _ in 0..3 {
        repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
    }
    let mut in_body = tenant.message(RECIPIENT, "hello");
    in_body["idempotencyKey"] = "order-1".into();
    repeats(&first, &stage.ask(&tenant.post(&in_body)).await);
    repeats(&first, &stage.ask(&tenant.post(&in_body).header("idempotency-key", "order-1")).await);
    assert_eq!((stage.count(&tenant).await, stage.smsc.summary().submitted), (1, 1));
}

#[tokio::test]
async fn i1_an_answer_that_waited_is_repeated_as_it_was() {
    let stage = Stage::with(|_, options| options.receipts = "none=1".parse().unwrap()).await;
    let tenant = stage.tenant().await;
    let first = stage.ask(&keyed(&tenant, "hello", "order-1").header("prefer", "wait=30")).await;
    assert_eq!(first.json()["status"], "sent");
    repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
}

#[tokio::test]
async fn i2_values_count_and_not_how_they_are_written() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let first = stage.ask(&keyed(&tenant, "hé", "order-1")).await;
    let other = format!(
        "{{ \"body\" : \"h\\u00e9\",\n\t\"messageType\":\"SMS\", \"mediaUrl\": null, \
         \"from\":\"{}\", \"x\": 1, \"to\":\"\\u002b{}\" }}",
        tenant.number,
        &RECIPIENT[1..]
    );
    let again =
        tenant.sign(Ask::new("POST", "/api/v1/messaging/message")).text(other).header("idempotency-key", "order-1");
    repeats(&first, &stage.ask(&again).await);
}

#[tokio::test]
async fn i3_any_other_field_is_another_request() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage
        .operate("POST", "/numbers", json!({ "number": "+18005557777", "accountId": tenant.account }))
        .await
        .expect(201);
    stage.ask(&keyed(&tenant, "hello", "order-1")).await.expect(201);
    for changed in [
        json!({ "body": "Hello" }),
        json!({ "to": "+12025550144" }),
        json!({ "from": "+18005557777" }),
        json!({ "messageType": "MMS" }),
    ] {
        let mut message = tenant.message(RECIPIENT, "hello");
        message.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        stage.ask(&tenant.post(&message).header("idempotency-key", "order-1")).await.refused(33013, Value::Null);
    }
    assert_eq!(stage.count(&tenant).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i4_two_hundred_identical_requests_at_once_make_one_message() {
    let stage = Stage::start().await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 3 })).await;
    for round in 1..=3 {
        let key = format!("order-{round}");
        let replies = at_once(stage.api, (0..200).map(|_| keyed(&tenant, "hello", &key))).await;
        let made: Vec<_> = replies
            .iter()
            .filter(|reply| reply.status == 201 && reply.header("idempotent-replayed").is_none())
            .collect();
        assert_eq!(made.len(), 1, "exactly one is not a repetition");
        for reply in replies.iter().filter(|reply| reply.header("idempotent-replayed").is_some()) {
            repeats(made[0], reply);
        }
        assert!(
            replies.iter().all(|reply| matches!(reply.code(), 0 | 33013)),
            "the others repeat it or say that it is under way"
        );
        stage.reaches(&tenant, &made[0].json()["id"], "delivered").await;
        assert_eq!((stage.count(&tenant).await, stage.smsc.summary().submitted), (round, round as u64));
    }
}

#[tokio::test]
async fn i5_a_request_under_way_is_never_made_twice() {
    let stage = Stage::with(|_, options| options.response_delay_ms = DelayMs(700, 700)).await;
    let tenant = stage.tenant().await;
    let mut first = Connection::open(stage.api).await;
    first.write(&keyed(&tenant, "hello", "order-1").header("prefer", "wait=30").to_bytes()).await;
    eventually("the carrier has it", async || (stage.smsc.summary().submitted == 1).then_some(())).await;
    let began = std::time::Instant::now();
    let second = stage.ask(&keyed(&tenant, "hello", "order-1")).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(second.code(), 33013, "nobody knows yet what the first will be answered");
    repeats(&first.reply().await, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
    assert_eq!((stage.count(&tenant).await, stage.smsc.summary().submitted), (1, 1));
}

#[tokio::test]
async fn i6_a_refusal_is_not_kept_and_the_mended_request_is_made() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 1 })).await;
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "state": "suspended" })).await.expect(200);
    stage.ask(&keyed(&tenant, "hello", "order-1")).await.refused(33009, Value::Null);
    stage
        .ask(&keyed(&tenant, "\u{7}", "order-1"))
        .await
        .refused(33016, json!([{ "character": "\u{7}", "position": 1 }]));
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "state": "active" })).await.expect(200);
    let made = stage.ask(&keyed(&tenant, "mended", "order-1")).await;
    assert_eq!(made.header("idempotent-replayed"), None);
    made.expect(201);
    stage.ask(&keyed(&tenant, "hello", "order-2")).await.refused(33012, Value::Null);
    stage.operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "dailyQuota": 2 })).await.expect(200);
    let made = stage.ask(&keyed(&tenant, "goodbye", "order-2")).await;
    assert_eq!((made.status, made.header("idempotent-replayed")), (201, None));
}

/// Chance that panics once the trap is set.
#[derive(Default)]
pub(crate) struct Trap(pub(crate) AtomicBool);
impl Entropy for Trap {
    fn fill(&self, bytes: &mut [u8]) {
        assert!(!self.0.load(Ordering::SeqCst), "the trap is set");
        OsEntropy.fill(bytes);
    }
}

#[tokio::test]
async fn i7_a_failure_before_the_write_leaves_nothing() {
    let trap = Arc::new(Trap::default());
    let stage = Stage::on(Arc::new(Machine::new()), trap.clone(), Arc::default(), |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 1 })).await;
    trap.0.store(true, Ordering::SeqCst);
    stage.ask(&keyed(&tenant, "hello", "order-1")).await.refused(33000, Value::Null);
    trap.0.store(false, Ordering::SeqCst);
    let first = stage.ask(&keyed(&tenant, "hello", "order-1")).await;
    assert_eq!(first.header("idempotent-replayed"), None);
    repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
    assert_eq!(stage.count(&tenant).await, 1);
}

#[tokio::test]
async fn i11_a_client_that_hangs_up_finds_its_message_made_once_and_sent_at_once() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for round in 0..20 {
        let ask = keyed(&tenant, "hello", &format!("order-{round}"));
        let mut connection = Connection::open(stage.api).await;
        connection.write(&ask.to_bytes()).await;
        drop(connection);
        let message = stage.ask(&ask).await.expect(201);
        stage.reaches(&tenant, &message["id"], "delivered").await;
        assert_eq!(stage.ask(&ask).await.expect(201)["id"], message["id"]);
    }
    assert_eq!((stage.count(&tenant).await, stage.smsc.summary().submitted), (20, 20));
}

#[tokio::test]
async fn i12_another_account_has_its_own_keys() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let first = stage.ask(&keyed(&tenant, "a secret", "order-1")).await;
    let others = stage.ask(&keyed(&other, "hello", "order-1")).await;
    assert_eq!((others.status, others.header("idempotent-replayed")), (201, None));
    assert_ne!(first.json()["id"], others.json()["id"]);
    let same_account = stage.key(&tenant, json!({})).await;
    repeats(&first, &stage.ask(&keyed(&same_account, "a secret", "order-1")).await);
}

#[tokio::test]
async fn i14_a_key_is_forgotten_after_24_hours() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let first = stage.ask(&keyed(&tenant, "hello", "order-1")).await;
    stage.time.advance(Duration::from_secs(86_399));
    repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
    stage.ask(&keyed(&tenant, "other", "order-1")).await.refused(33013, Value::Null);
    stage.time.advance(Duration::from_secs(2));
    let second = stage.ask(&keyed(&tenant, "other", "order-1")).await;
    assert_eq!((second.status, second.header("idempotent-replayed")), (201, None), "{second}");
    assert_ne!(first.json()["id"], second.json()["id"]);
    repeats(&second, &stage.ask(&keyed(&tenant, "other", "order-1")).await);
    assert_eq!(stage.count(&tenant).await, 2);
}

#[tokio::test]
async fn i15_a_clock_set_back_forgets_nothing() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let first = stage.ask(&keyed(&tenant, "hello", "order-1")).await;
    stage.time.set(model::Timestamp::parse("2026-03-15T11:00:00Z").unwrap());
    repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
}

#[tokio::test]
async fn i16_a_key_of_the_wrong_form_is_refused_and_never_a_failure() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for key in [
        json!(""),
        json!("k".repeat(256)),
        json!("a\u{1}b"),
        json!(7),
        json!(["k"]),
        json!({ "k": 1 }),
        json!(true),
        json!("😀😀"),
    ] {
        let mut message = tenant.message(RECIPIENT, "hello");
        message["idempotencyKey"] = key.clone();
        let reply = stage.ask(&tenant.post(&message)).await;
        assert_eq!(reply.status, 400, "{key} {reply}");
        assert_eq!(reply.code(), if key.is_string() { 33106 } else { 33100 }, "{key}");
    }
    assert_eq!(stage.count(&tenant).await, 0);
}

#[tokio::test]
async fn i17_repetitions_count_as_requests_and_not_against_the_quota() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 3, "dailyQuota": 1 })).await;
    let first = stage.ask(&keyed(&tenant, "hello", "order-1")).await;
    for _ in 0..2 {
        repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
    }
    stage.ask(&keyed(&tenant, "hello", "order-1")).await.refused(33002, Value::Null);
    stage.time.advance(Duration::from_secs(60));
    repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
}

#[tokio::test]
async fn i18_a_revoked_key_repeats_nothing() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.ask(&keyed(&tenant, "hello", "order-1")).await.expect(201);
    stage.operate("DELETE", &format!("/keys/{}", tenant.key), Value::Null).await.expect(204);
    stage.ask(&keyed(&tenant, "hello", "order-1")).await.refused(33001, Value::Null);
}

#[tokio::test]
async fn i19_a_restart_forgets_nothing() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 2 })).await;
    let first = stage.ask(&keyed(&tenant, "hello", "order-1")).await;
    let waited = stage.ask(&keyed(&tenant, "hello", "order-2").header("prefer", "wait=30")).await;
    stage.restart(|_| {}).await;
    repeats(&first, &stage.ask(&keyed(&tenant, "hello", "order-1")).await);
    let again = stage.ask(&keyed(&tenant, "hello", "order-2")).await;
    assert_eq!((again.text(), again.header("idempotent-replayed")), (waited.text(), Some("true")));
    stage.ask(&keyed(&tenant, "other", "order-1")).await.refused(33013, Value::Null);
    stage.reaches(&tenant, &first.json()["id"], "delivered").await;
    assert_eq!((stage.count(&tenant).await, stage.smsc.summary().submitted), (2, 2));
}
