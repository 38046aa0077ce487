//! The order of checks: a request that breaks several rules at once is told of the first.

use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, Tenant, basic};

const PATH: &str = "/api/v1/messaging/message";

/// Where the time stands still, so that no quota begins anew.
const NOON: &str = "2026-03-15T12:00:00.000Z";

/// The fields of a request that breaks every rule that can be broken together from the number of the recipient on.
fn worst(key: &str) -> Value {
    json!({
        "to": "555",
        "from": "+18005550000",
        "body": "\u{7}".repeat(641),
        "messageType": "fax",
        "mediaUrl": "nonsense",
        "idempotencyKey": key,
    })
}

/// `worst`, with these fields in the place of its own, or without them where they are null.
fn but(fields: &Value) -> Value {
    let mut request = worst("!");
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

struct Cast {
    /// Its quota is used up, its key `taken` used, and its recipient blocked.
    tenant: Tenant,
    other: Tenant,
    suspended: String,
    blocked: String,
}

async fn cast(stage: &Stage) -> Cast {
    let (tenant, other) = (stage.tenant_with(json!({ "dailyQuota": 1 })).await, stage.tenant().await);
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello")).header("idempotency-key", "taken")).await.expect(201);
    stage.operate("PUT", &format!("/blocks/{RECIPIENT}"), json!({ "kind": "recipient" })).await.expect(200);
    let (suspended, blocked) = ("+18005558001".to_owned(), "+18005558002".to_owned());
    for (number, state) in [(&suspended, "suspended"), (&blocked, "active")] {
        stage
            .operate("POST", "/numbers", json!({ "number": number, "accountId": tenant.account, "state": state }))
            .await
            .expect(201);
        stage.operate("PUT", &format!("/blocks/{number}"), json!({ "kind": "sender" })).await.expect(200);
    }
    stage.operate("PATCH", &format!("/numbers/{}", other.number), json!({ "state": "suspended" })).await.expect(200);
    stage.operate("PUT", &format!("/blocks/{}", other.number), json!({ "kind": "sender" })).await.expect(200);
    Cast { tenant, other, suspended, blocked }
}

#[tokio::test]
async fn the_first_broken_rule_answers() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let Cast { tenant, other, suspended, blocked } = cast(&stage).await;
    let media = json!("http://10.0.0.1/a.png");
    let hurried = stage.tenant_with(json!({ "messagePerMinute": 0 })).await;
    let large = || format!("{}nonsense", " ".repeat(300_000));
    let before_fields = [
        (
            33001,
            Ask::new("POST", PATH)
                .header("authorization", &basic(&hurried.key, "wrong"))
                .header("content-type", "text/plain")
                .octets(large()),
        ),
        (33002, hurried.sign(Ask::new("POST", PATH)).header("content-type", "text/plain").octets(large())),
        (33103, tenant.sign(Ask::new("POST", PATH)).header("content-type", "text/plain").octets(large())),
        (33104, tenant.sign(Ask::new("POST", PATH)).text(large())),
        (33100, tenant.post(&json!({ "to": 555, "from": "", "messageType": "fax" }))),
        (33100, tenant.post(&json!({ "to": "", "idempotencyKey": "one" })).header("idempotency-key", "two")),
    ];
    let sound = |from: &str| {
        json!({
            "to": RECIPIENT,
            "from": from,
            "body": "hello",
            "messageType": null,
            "mediaUrl": media,
            "idempotencyKey": null,
        })
    };
    let own = tenant.number.as_str();
    let fields = [
        (33005, but(&json!({ "from": " " }))),
        (33006, but(&json!({}))),
        (33006, but(&json!({ "messageType": "SMS" }))),
        (33003, but(&json!({ "messageType": "MMS" }))),
        (33003, but(&json!({ "messageType": "MMS", "to": RECIPIENT, "from": "555" }))),
        (33106, but(&json!({ "messageType": "MMS", "to": RECIPIENT }))),
        (33013, but(&json!({ "messageType": "MMS", "to": RECIPIENT, "idempotencyKey": "taken" }))),
        (33016, but(&json!({ "messageType": "MMS", "to": RECIPIENT, "idempotencyKey": "fresh" }))),
        (
            33107,
            but(&json!({ "messageType": null, "to": RECIPIENT, "idempotencyKey": "fresh", "body": "x".repeat(1601) })),
        ),
        (
            33107,
            but(&json!({
                "messageType": null,
                "mediaUrl": null,
                "to": RECIPIENT,
                "idempotencyKey": "fresh",
                "body": "x".repeat(641),
            })),
        ),
        (33008, sound("+18005550000")),
        (33004, sound(&other.number)),
        (33009, sound(&suspended)),
        (33011, sound(&blocked)),
        (33010, sound(own)),
        (33018, json!({ "to": "+12025550144", "from": own, "mediaUrl": media })),
        (33012, json!({ "to": "+12025550144", "from": own, "body": "hello", "idempotencyKey": "fresh" })),
    ];
    let fields = fields.into_iter().map(|(code, request)| (code, tenant.post(&request)));
    for (code, ask) in before_fields.into_iter().chain(fields) {
        let reply = stage.ask(&ask).await;
        assert_eq!(reply.code(), code, "{ask:?}\n{reply}");
        reply.has_rate_limit();
    }
    assert_eq!(stage.count(&tenant).await, 1, "a refused request leaves no message");
}

#[tokio::test]
async fn who_may_not_ask_is_not_told_what_there_is() {
    let stage = Stage::start().await;
    for (method, path) in
        [("GET", "/message/nonsense"), ("DELETE", "/message"), ("GET", "/nothing"), ("POST", "/broadcast")]
    {
        stage.ask(&Ask::new(method, &format!("/api/v1/messaging{path}"))).await.refused(33001, Value::Null);
    }
}
