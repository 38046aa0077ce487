//! Every error code that can be reached, by the request that brings it about: status, words, fields and headers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::Entropy;
use runtime::Machine;
use serde_json::{Value, json};
use server::real::OsEntropy;

use crate::support::http::{Ask, Connection};
use crate::support::{RECIPIENT, Stage, basic};

/// Chance that panics when it is told to.
#[derive(Default)]
struct Trap(AtomicBool);

impl Entropy for Trap {
    fn fill(&self, bytes: &mut [u8]) {
        assert!(!self.0.load(Ordering::SeqCst), "the trap is set");
        OsEntropy.fill(bytes);
    }
}

#[tokio::test]
async fn code_33000_answers_a_panic_and_the_connection_goes_on() {
    let trap = Arc::new(Trap::default());
    let stage = Stage::on(Arc::new(Machine::new()), trap.clone(), Arc::default(), |_, _| {}).await;
    let tenant = stage.tenant().await;
    let ask = tenant.post(&tenant.message(RECIPIENT, "hello"));
    let mut connection = Connection::open(stage.api).await;
    trap.0.store(true, Ordering::SeqCst);
    connection.write(&ask.to_bytes()).await;
    connection.reply().await.refused(33000, Value::Null);
    trap.0.store(false, Ordering::SeqCst);
    connection.write(&ask.to_bytes()).await;
    connection.reply().await.expect(201);
    assert_eq!(stage.count(&tenant).await, 1);
    assert_eq!(Ask::new("GET", "/readyz").send(stage.admin).await.status, 200, "a request's panic is its own");
}

#[tokio::test]
async fn code_33001_asks_for_basic_credentials() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let wrong = [
        "",
        "Basic",
        "Basic !",
        "Bearer x",
        &basic(&tenant.key, "sk_live_x"),
        &basic("uk_x", &tenant.secret),
        &basic(&tenant.key, ""),
    ];
    for authorization in wrong {
        let ask = Ask::new("GET", "/api/v1/messaging/message");
        let reply =
            stage.ask(&if authorization.is_empty() { ask } else { ask.header("authorization", authorization) }).await;
        reply.refused(33001, Value::Null);
        assert_eq!(reply.header("www-authenticate"), Some(r#"Basic realm="smsfactory", charset="UTF-8""#));
        assert_eq!(reply.has_rate_limit().0, 30, "the limit is that of failures");
    }
}

#[tokio::test]
async fn code_33002_says_when_to_come_back() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 1 })).await;
    stage.send(&tenant, RECIPIENT, "hello").await;
    stage.time.advance(std::time::Duration::from_millis(59_001));
    let reply = stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello"))).await;
    reply.refused(33002, Value::Null);
    assert_eq!(reply.has_rate_limit(), (1, 0, 1_773_585_060));
    assert_eq!(reply.number("retry-after"), 1);
}

#[tokio::test]
async fn code_33003_names_the_field() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for number in [
        "555",
        "18005551234",
        "+08005551234",
        "+123456",
        "+1234567890123456",
        " +18005551234",
        "+1 800 555 1234",
        "+1800555123４",
        "+",
    ] {
        let to = json!({ "to": number, "from": tenant.number, "body": "hello" });
        stage.ask(&tenant.post(&to)).await.refused(33003, json!({ "field": "to" }));
        let from = json!({ "to": RECIPIENT, "from": number, "body": "hello" });
        stage.ask(&tenant.post(&from)).await.refused(33003, json!({ "field": "from" }));
    }
    for number in ["+1234567", "+123456789012345"] {
        stage.ask(&tenant.post(&tenant.message(number, "hello"))).await.expect(201);
    }
}

#[tokio::test]
async fn code_33004_keeps_to_ones_own_numbers() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    stage.ask(&tenant.post(&other.message(RECIPIENT, "hello"))).await.refused(33004, Value::Null);
    stage.operate("POST", "/numbers", json!({ "number": "+18005559999" })).await.expect(201);
    let nobodys = json!({ "to": RECIPIENT, "from": "+18005559999", "body": "hello" });
    stage.ask(&tenant.post(&nobodys)).await.refused(33004, Value::Null);
}

#[tokio::test]
async fn code_33005_lists_every_field_that_is_missing() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (body, fields) in [
        (json!({}), json!(["to", "from", "body"])),
        (json!({ "to": "", "from": " \t\n", "body": "hello" }), json!(["to", "from"])),
        (json!({ "to": null, "from": tenant.number, "body": "\u{3000}" }), json!(["to", "body"])),
        (json!({ "to": RECIPIENT, "from": tenant.number, "mediaUrl": "" }), json!(["body"])),
        (json!({ "to": RECIPIENT, "mediaUrl": "http://example.com/a.png" }), json!(["from"])),
    ] {
        stage.ask(&tenant.post(&body)).await.refused(33005, json!({ "fields": fields }));
    }
}

#[tokio::test]
async fn code_33006_takes_two_types_exactly() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (kind, media) in
        [("sms", None), ("", None), ("RCS", None), ("SMS ", None), ("SMS", Some("http://example.com/a.png"))]
    {
        let mut message = tenant.message(RECIPIENT, "hello");
        message["messageType"] = kind.into();
        message["mediaUrl"] = media.into();
        stage.ask(&tenant.post(&message)).await.refused(33006, Value::Null);
    }
}

#[tokio::test]
async fn code_33018_answers_a_url_that_may_not_be_fetched() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for url in [
        "nonsense",
        "ftp://example.com/a.png",
        "http://127.0.0.1/a.png",
        "http://169.254.169.254/",
        "http://localhost/a.png",
        "http://me@example.com/a.png",
    ] {
        let media = json!({ "to": RECIPIENT, "from": tenant.number, "mediaUrl": url });
        stage.ask(&tenant.post(&media)).await.refused(33018, Value::Null);
    }
    assert_eq!(stage.count(&tenant).await, 0);
}

#[tokio::test]
async fn codes_33008_and_33009_follow_the_state_of_the_number() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let ask = tenant.post(&tenant.message(RECIPIENT, "hello"));
    for (state, code) in
        [("released", 33008), ("unavailable", 33008), ("pending", 33009), ("suspended", 33009), ("deactivated", 33009)]
    {
        stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "state": state })).await.expect(200);
        stage.ask(&ask).await.refused(code, Value::Null);
    }
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "state": "active" })).await.expect(200);
    stage.ask(&ask).await.expect(201);
    let unknown = json!({ "to": RECIPIENT, "from": "+18005550000", "body": "hello" });
    stage.ask(&tenant.post(&unknown)).await.refused(33008, Value::Null);
}

#[tokio::test]
async fn codes_33010_and_33011_follow_blocks_of_all_and_of_one_account() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    for (kind, code, number) in [("recipient", 33010, RECIPIENT), ("sender", 33011, tenant.number.as_str())] {
        let ask = tenant.post(&tenant.message(RECIPIENT, "hello"));
        for account in [None, Some(&tenant.account)] {
            stage
                .operate("PUT", &format!("/blocks/{number}"), json!({ "kind": kind, "accountId": account }))
                .await
                .expect(200);
            let info = if code == 33010 { json!({ "reason": "blocked" }) } else { Value::Null };
            stage.ask(&ask).await.refused(code, info);
            let of = account.map(|account| format!("&accountId={account}")).unwrap_or_default();
            stage.operate("DELETE", &format!("/blocks/{number}?kind={kind}{of}"), Value::Null).await.expect(204);
            stage.ask(&ask).await.expect(201);
        }
        stage
            .operate("PUT", &format!("/blocks/{number}"), json!({ "kind": kind, "accountId": other.account }))
            .await
            .expect(200);
        stage.ask(&ask).await.expect(201);
    }
}

#[tokio::test]
async fn code_33012_waits_for_midnight_utc() {
    let stage = Stage::at("2026-03-15T23:58:30.250Z", |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 1 })).await;
    stage.send(&tenant, RECIPIENT, "hello").await;
    let reply = stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello"))).await;
    reply.refused(33012, Value::Null);
    assert_eq!(reply.number("retry-after"), 90);
}

#[tokio::test]
async fn code_33013_keeps_a_key_to_one_request() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let ask = |body: &str| tenant.post(&tenant.message(RECIPIENT, body)).header("idempotency-key", "one");
    stage.ask(&ask("hello")).await.expect(201);
    stage.ask(&ask("goodbye")).await.refused(33013, Value::Null);
}

#[tokio::test]
async fn code_33016_lists_every_invalid_character() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let body = "a\u{7}😀\u{0}\t\n\r\u{c}\u{fdd0}é\u{1ffff}\u{85}";
    let info = json!([
        { "character": "\u{7}", "position": 2 }, { "character": "\u{0}", "position": 4 },
        { "character": "\u{fdd0}", "position": 9 }, { "character": "\u{1ffff}", "position": 11 },
        { "character": "\u{85}", "position": 12 },
    ]);
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, body))).await.refused(33016, info);
    stage.send(&tenant, RECIPIENT, "\t\n\r\u{c}😀\u{e000}\u{10fffd}").await;
}
