//! Unknown fields: they are ignored and named, or refused where the client prefers that.

use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, Tenant};

const UNKNOWN: &str = "no field of this name";

/// A request under the API's base.
fn ask(tenant: &Tenant, method: &str, path: &str, body: &Value) -> Ask {
    tenant.sign(Ask::new(method, &format!("/api/v1/messaging{path}"))).json(body)
}

#[tokio::test]
async fn an_unknown_field_is_named_in_the_answer_and_changes_nothing() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut message = tenant.message(RECIPIENT, "hello");
    let plain = stage.ask(&tenant.post(&message)).await;
    plain.expect(201);
    assert_eq!((plain.header("x-ignored-fields"), plain.header("preference-applied")), (None, None));

    message["statusCallback"] = json!("https://a.example/status");
    message["mediaUrls"] = json!(["https://a.example/cat.jpg"]);
    message["colour, please"] = json!({ "to": 5 });
    let sent = stage.ask(&tenant.post(&message)).await;
    assert_eq!(sent.expect(201)["messageType"], "SMS");
    assert_eq!(sent.header("x-ignored-fields"), Some("statusCallback, mediaUrls, colour%2C%20please"));

    // A refusal says so too: `To` in place of `to` is what was missing.
    let refused = stage.ask(&tenant.post(&json!({ "To": RECIPIENT, "from": tenant.number, "body": "hello" }))).await;
    refused.refused(33005, json!({ "fields": ["to"] }));
    assert_eq!(refused.header("x-ignored-fields"), Some("To"));
}

#[tokio::test]
async fn a_strict_request_with_an_unknown_field_is_refused_and_leaves_nothing() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (field, expected) in [
        ("statusCallback", format!("{UNKNOWN}: statuses go to the webhooks of the account (`POST /webhook`)")),
        ("mediaUrls", format!("{UNKNOWN}: `mediaUrl` has one address")),
        ("messagingServiceSid", format!("{UNKNOWN}: `from` is the sender")),
        ("To", format!("{UNKNOWN}: `to` is the recipient")),
        ("colour", UNKNOWN.to_owned()),
    ] {
        let mut message = tenant.message(RECIPIENT, "hello");
        message[field] = json!("x");
        let strict = tenant.post(&message).header("prefer", "handling=strict").header("idempotency-key", "order-1");
        let refused = stage.ask(&strict).await;
        refused.refused(33100, json!({ "field": field, "expected": expected }));
        assert_eq!(refused.header("preference-applied"), Some("handling=strict"), "{field}");
        assert_eq!(refused.header("x-ignored-fields"), None);
    }
    assert_eq!(stage.count(&tenant).await, 0);
    // The key was not used: the mended request is sent under it.
    let message = tenant.message(RECIPIENT, "hello");
    let strict = tenant.post(&message).header("prefer", "handling=strict, wait=1").header("idempotency-key", "order-1");
    let sent = stage.ask(&strict).await;
    sent.expect(201);
    assert_eq!(sent.header("preference-applied"), Some("handling=strict, wait=1"));
    // A wrong type is reported before an unknown field.
    let wrong = tenant.post(&json!({ "colour": 1, "to": 5 })).header("prefer", "handling=strict");
    stage.ask(&wrong).await.refused(33100, json!({ "field": "to", "expected": "string" }));
}

#[tokio::test]
async fn every_body_of_the_api_is_read_strictly_where_the_client_prefers_it() {
    let mut stage = Stage::with(|config, _| {
        config.webhooks.allow_http = true;
        config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let tenant = stage.tenant().await;
    let webhook = ask(&tenant, "POST", "/webhook", &json!({ "url": "http://127.0.0.1:9/hook", "retries": 5 }));
    let made = stage.ask(&webhook).await;
    assert_eq!(made.header("x-ignored-fields"), Some("retries"));
    let endpoint = format!("/webhook/{}", made.expect(201)["id"].as_str().unwrap());
    let recipients = json!([{ "to": RECIPIENT, "colour": "red" }, { "to": "+12025550144", "colour": "blue" }]);
    let broadcast = json!({ "recipients": recipients, "from": tenant.number, "body": "hello" });
    for (method, path, body, field) in [
        ("POST", "/broadcast", broadcast, "recipients[].colour"),
        ("POST", "/webhook", json!({ "url": "http://127.0.0.1:9/hook", "colour": "red" }), "colour"),
        ("PATCH", &*endpoint, json!({ "colour": "red" }), "colour"),
        ("POST", &*format!("{endpoint}/replay"), json!({ "since": "2026-03-15T12:00:00Z", "colour": 1 }), "colour"),
        ("PUT", "/optout/+12025550150", json!({ "colour": "red" }), "colour"),
        ("DELETE", "/optout/+12025550150", json!({ "reason": "back", "colour": "red" }), "colour"),
        ("POST", "/optout/import", json!({ "number": "+12025550151", "colour": "red" }), "colour"),
    ] {
        let strict = ask(&tenant, method, path, &body).header("prefer", "handling=strict");
        let refused = stage.ask(&strict).await;
        refused.refused(33100, json!({ "field": field, "expected": UNKNOWN }));
        assert_eq!(refused.header("preference-applied"), Some("handling=strict"), "{method} {path}");
        let answered = stage.ask(&ask(&tenant, method, path, &body)).await;
        assert!(answered.status < 300, "{method} {path}: {answered}");
        assert_eq!(answered.header("x-ignored-fields"), Some(field), "{method} {path}");
    }
    let csv = |strict: bool| {
        let file = "number,colour\n+12025550152,red\n";
        let import = tenant.sign(Ask::new("POST", "/api/v1/messaging/optout/import")).octets(file);
        let import = import.header("content-type", "text/csv");
        if strict { import.header("prefer", "handling=strict") } else { import }
    };
    stage.ask(&csv(true)).await.refused(33100, json!({ "field": "colour", "expected": UNKNOWN }));
    let listed = stage.ask(&tenant.get("/optout?number=+12025550152")).await.expect(200);
    assert_eq!(listed["data"], json!([]), "a refused import changes nothing");
    let imported = stage.ask(&csv(false)).await;
    assert_eq!(
        (imported.expect(200)["added"].clone(), imported.header("x-ignored-fields")),
        (json!(1), Some("colour"))
    );
    stage.stop().await;
}
