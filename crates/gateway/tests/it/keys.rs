//! Keys and accounts: whatever ends them ends them at once, and the answer never tells which.

use std::sync::Arc;
use std::time::Duration;

use model::key::ApiKey;
use serde_json::{Value, json};

use crate::inbound_commands::{done, run};
use crate::support::http::{Ask, Connection, Reply};
use crate::support::{RECIPIENT, Stage, Tenant, basic, eventually};

/// The parts of an answer that could give something away.
fn told(reply: &Reply) -> (u16, String, Vec<&str>) {
    (reply.status, reply.text(), reply.headers.iter().map(|(name, _)| name.as_str()).collect())
}

#[tokio::test]
async fn every_reason_is_answered_alike() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant().await;
    let revoked = stage.key(&tenant, json!({})).await;
    stage.operate("DELETE", &format!("/keys/{}", revoked.key), Value::Null).await.expect(204);
    let expired = stage.key(&tenant, json!({ "expiresAt": "2026-03-15T14:31:00Z" })).await;
    stage.time.advance(Duration::from_secs(60));
    let suspended = stage.tenant().await;
    stage
        .operate("PATCH", &format!("/accounts/{}", suspended.account), json!({ "state": "suspended" }))
        .await
        .expect(200);
    let known = stage.ask(&Ask::new("GET", "/api/v1/messaging/message")).await;
    known.refused(33001, Value::Null);
    let wrong_secret = Tenant { secret: revoked.secret.clone(), ..tenant.clone() };
    let unknown = Tenant { key: "uk_0000000000000000000000".to_owned(), ..tenant.clone() };
    for who in [&revoked, &expired, &suspended, &wrong_secret, &unknown] {
        let reply = stage.ask(&who.get("/message")).await;
        assert_eq!(told(&reply), told(&known));
    }
    stage.ask(&tenant.get("/message")).await.expect(200);
}

#[tokio::test]
async fn a_revoked_key_ends_at_once_even_on_an_open_connection() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut connection = Connection::open(stage.api).await;
    connection.write(&tenant.get("/message").to_bytes()).await;
    connection.reply().await.expect(200);
    stage.operate("DELETE", &format!("/keys/{}", tenant.key), Value::Null).await.expect(204);
    connection.write(&tenant.get("/message").to_bytes()).await;
    connection.reply().await.refused(33001, Value::Null);
    stage.operate("DELETE", &format!("/keys/{}", tenant.key), Value::Null).await.expect(204);
}

#[tokio::test]
async fn an_expiring_key_ends_at_its_moment() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant().await;
    let key = stage.key(&tenant, json!({ "expiresAt": "2026-03-15T15:31:00+01:00" })).await;
    stage.time.advance(Duration::from_millis(59_999));
    stage.ask(&key.get("/message")).await.expect(200);
    stage.time.advance(Duration::from_millis(1));
    stage.ask(&key.get("/message")).await.refused(33001, Value::Null);
}

#[tokio::test]
async fn a_suspended_or_disabled_account_is_shut_out_until_it_is_active() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for state in ["suspended", "disabled"] {
        stage.operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "state": state })).await.expect(200);
        stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello"))).await.refused(33001, Value::Null);
        stage
            .operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "state": "active" }))
            .await
            .expect(200);
        stage.send(&tenant, RECIPIENT, "hello").await;
    }
}

#[tokio::test]
async fn keys_outlive_a_restart_and_move_to_another_pepper_when_they_are_used() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let revoked = stage.key(&tenant, json!({})).await;
    stage.operate("DELETE", &format!("/keys/{}", revoked.key), Value::Null).await.expect(204);
    stage.restart(|_| {}).await;
    stage.ask(&tenant.get("/message")).await.expect(200);
    stage.ask(&revoked.get("/message")).await.refused(33001, Value::Null);
    let before = stage.app().pipeline().store().tenants().await.unwrap().keys;
    let unused = stage.key(&tenant, json!({})).await;
    stage
        .restart(|config| {
            config.keys.previous_pepper = config.keys.pepper.replace(carrier::keys::Secret("another".repeat(6)));
        })
        .await;
    stage.ask(&tenant.get("/message")).await.expect(200);
    stage.ask(&revoked.get("/message")).await.refused(33001, Value::Null);
    let made = stage.key(&tenant, json!({})).await;
    let store = Arc::clone(stage.app().pipeline().store());
    let left = async || store.keys_of_other_peppers(testkit::NOW).await.unwrap();
    eventually("the key that was used has moved", async || (left().await == 1).then_some(())).await;
    let after = store.tenants().await.unwrap().keys;
    let digest = |keys: &[ApiKey]| keys.iter().find(|key| key.id.as_str() == tenant.key).unwrap().digest;
    assert_ne!(digest(&before), digest(&after));
    drop(store);
    stage.restart(|config| config.keys.previous_pepper = None).await;
    stage.ask(&tenant.get("/message")).await.expect(200);
    stage.ask(&made.get("/message")).await.expect(200);
    stage.ask(&unused.get("/message")).await.refused(33001, Value::Null);
}

#[tokio::test]
async fn credentials_are_read_as_they_are_defined() {
    let stage = Stage::with(|config, _| config.limits.failed_auth_per_minute = 1_000).await;
    let tenant = stage.tenant().await;
    let good = basic(&tenant.key, &tenant.secret);
    let encoded = good.strip_prefix("Basic ").unwrap();
    for header in [good.clone(), format!("basic {encoded}"), format!("BASIC {encoded}"), format!("Basic  {encoded}")] {
        stage.ask(&Ask::new("GET", "/api/v1/messaging/message").header("authorization", &header)).await.expect(200);
    }
    let parts = [
        format!("{}:", tenant.key),
        format!(":{}", tenant.secret),
        tenant.key.clone(),
        format!("{}:{}\n", tenant.key, tenant.secret),
    ];
    let made = parts.iter().map(|text| basic_of(text.as_bytes()));
    let others = [
        format!("Bearer {encoded}"),
        format!("Basic{encoded}"),
        format!("Basic {encoded},"),
        basic_of(b"\xff\xfe:\x00"),
        "Basic".to_owned(),
    ];
    for header in made.chain(others) {
        let reply = stage.ask(&Ask::new("GET", "/api/v1/messaging/message").header("authorization", &header)).await;
        reply.refused(33001, Value::Null);
    }
    let in_the_query = format!("/api/v1/messaging/message?keyId={}&keySecret={}", tenant.key, tenant.secret);
    stage.ask(&Ask::new("GET", &in_the_query)).await.refused(33001, Value::Null);
}

fn basic_of(text: &[u8]) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
}

/// The keys of an account as the operator sees them, by their names.
async fn listed(stage: &Stage, tenant: &Tenant) -> Value {
    let path = format!("/accounts/{}/keys", tenant.account);
    let page = stage.operate("GET", &path, Value::Null).await.expect(200);
    let mut keys: Vec<Value> =
        page["data"].as_array().unwrap().iter().map(|key| json!([key["name"], key["lastUsedAt"]])).collect();
    // Keys that are made at the same time are in the order of their ids, which are random.
    keys.sort_by_key(|key| key[0].as_str().map(str::to_owned));
    Value::Array(keys)
}

#[tokio::test]
async fn a_key_has_a_name_and_tells_its_last_use() {
    let mut stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant().await;
    let shop = stage.key(&tenant, json!({ "name": " Shop \u{202e}" })).await;
    assert_eq!(listed(&stage, &tenant).await, json!([[null, null], ["Shop \u{202e}", null]]));
    stage.ask(&shop.get("/message")).await.expect(200);
    stage.time.advance(Duration::from_secs(5));
    stage.ask(&shop.get("/message/msg_0000000000000000000000")).await.refused(33101, Value::Null);
    let guessed = Tenant { secret: "sk_live_guess".to_owned(), ..tenant.clone() };
    stage.ask(&guessed.get("/message")).await.refused(33001, Value::Null);
    let expected = json!([[null, null], ["Shop \u{202e}", "2026-03-15T14:30:05.000Z"]]);
    assert_eq!(listed(&stage, &tenant).await, expected);
    let shown = done(&stage, &["key", "list", &tenant.account]).await;
    assert!(shown.contains("LAST USED") && shown.contains("Shop \\u202e"), "{shown}");
    stage.restart(|_| {}).await;
    assert_eq!(listed(&stage, &tenant).await, expected, "the last use is in the store");
    let long = json!({ "name": "x".repeat(101) });
    let path = format!("/accounts/{}/keys", tenant.account);
    let expected = json!({ "field": "name", "expected": "a text of at most 100 characters" });
    stage.operate("POST", &path, long).await.refused_by_operator(33100, expected);
    let create = ["key", "create", &tenant.account, "--name", "Till", "--json"];
    let (code, made, said) = run(&stage, &create, "").await;
    assert!(code == Some(0) && said.contains("shown this once"), "{said}");
    assert_eq!(serde_json::from_str::<Value>(&made).unwrap()["name"], "Till");
}
