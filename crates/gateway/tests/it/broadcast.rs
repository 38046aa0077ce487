//! `POST /broadcast` as the contract has it: its shape, every code that can be reached, the order of the checks, keys
//! and waiting.

use serde_json::{Value, json};

use crate::support::http::{Ask, Reply};
use crate::support::{Stage, Tenant, at_once, basic};

const PATH: &str = "/api/v1/messaging/broadcast";

/// Where the time stands still, so that no quota begins anew.
const NOON: &str = "2026-03-15T12:00:00.000Z";

/// So many recipients, none like another.
pub(crate) fn recipients(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("+1202{number:07}")).collect()
}

/// A broadcast that breaks no rule.
fn to(tenant: &Tenant, recipients: impl Into<Value>) -> Value {
    json!({ "recipients": recipients.into(), "from": tenant.number, "body": "We are open again" })
}

/// `to`, with these fields in the place of its own; null takes one away.
fn but(tenant: &Tenant, fields: &Value) -> Value {
    let mut request = to(tenant, recipients(2));
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

async fn refuses(stage: &Stage, tenant: &Tenant, request: &Value, code: u16, info: Value) {
    stage.ask(&tenant.broadcast(request)).await.refused(code, info);
}

#[tokio::test]
async fn an_accepted_broadcast_has_exactly_the_published_fields() {
    let stage = Stage::at("2026-03-13T14:30:00.000Z", |config, _| config.carrier.clear()).await;
    let tenant = stage.tenant().await;
    let reply = stage
        .ask(&tenant.broadcast(&to(
            &tenant,
            json!(["+18005551001", { "to": "+18005551002", "name": "Ann" }, "\u{2b}18005551003"]),
        )))
        .await;
    let accepted = reply.expect(201);
    let id = accepted["id"].as_str().unwrap();
    assert!(id.starts_with("brc_") && id.len() == 26, "{id}");
    assert_eq!(reply.header("location"), Some(format!("{PATH}/{id}").as_str()));
    let expected = json!({
        "id": id,
        "from": tenant.number,
        "body": "We are open again",
        "messageType": "SMS",
        "totalRecipients": 3,
        "status": "queued",
        "createdAt": "2026-03-13T14:30:00.000Z",
    });
    assert_eq!(accepted, expected);
    assert_eq!(reply.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn fifty_thousand_recipients_are_accepted_and_one_more_is_not() {
    let stage = Stage::with(|config, _| config.carrier.clear()).await;
    let tenant = stage.tenant().await;
    let objects = |count| recipients(count).into_iter().map(|to| json!({ "to": to })).collect::<Vec<_>>();
    let accepted = stage.ask(&tenant.broadcast(&to(&tenant, objects(50_000)))).await.expect(201);
    assert_eq!(accepted["totalRecipients"], 50_000);
    refuses(&stage, &tenant, &to(&tenant, objects(50_001)), 33108, Value::Null).await;
    refuses(&stage, &tenant, &to(&tenant, json!([])), 33108, Value::Null).await;
}

#[tokio::test]
async fn code_33002_comes_with_the_sixth_broadcast_of_a_minute_and_spares_messages() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "broadcastPerMinute": null })).await;
    let replies = at_once(stage.api, (0..20).map(|_| tenant.broadcast(&to(&tenant, recipients(1))))).await;
    let (accepted, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!((accepted.len(), refused.len()), (5, 15));
    refused.iter().for_each(|reply| reply.refused(33002, Value::Null));
    assert_eq!(refused[0].has_rate_limit(), (5, 0, 1_773_585_060));
    stage.ask(&tenant.post(&tenant.message("+12025550143", "hello"))).await.expect(201);
}

#[tokio::test]
async fn code_33003_tells_the_places_of_the_first_hundred_wrong_recipients() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let wrong = json!(["+18005551001", "555", { "to": " +18005551002" }, {}, { "to": null }, "", "+18005551003"]);
    let told = json!([
        { "index": 1, "value": "555" }, { "index": 2, "value": " +18005551002" }, { "index": 3, "value": "" },
        { "index": 4, "value": "" }, { "index": 5, "value": "" },
    ]);
    refuses(&stage, &tenant, &to(&tenant, wrong), 33003, json!({ "recipients": told })).await;
    let many: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    let told: Vec<_> = (0..100).map(|number| json!({ "index": number, "value": number.to_string() })).collect();
    refuses(&stage, &tenant, &to(&tenant, many), 33003, json!({ "recipients": told })).await;
    refuses(&stage, &tenant, &but(&tenant, &json!({ "from": "555" })), 33003, json!({ "field": "from" })).await;
}

#[tokio::test]
async fn code_33005_lists_every_field_that_is_missing() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (request, fields) in [
        (json!({}), json!(["recipients", "from", "body"])),
        (json!({ "recipients": null, "from": " ", "body": "\t" }), json!(["recipients", "from", "body"])),
        (json!({ "recipients": ["555"], "from": tenant.number }), json!(["body"])),
        (json!({ "recipients": [], "mediaUrl": "http://example.com/a.png" }), json!(["from"])),
    ] {
        refuses(&stage, &tenant, &request, 33005, json!({ "fields": fields })).await;
    }
}

#[tokio::test]
async fn codes_33006_and_33018_answer_types_and_media() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (kind, media, code) in [("sms", Value::Null, 33006), ("SMS", json!("http://example.com/a.png"), 33006)] {
        refuses(&stage, &tenant, &but(&tenant, &json!({ "messageType": kind, "mediaUrl": media })), code, Value::Null)
            .await;
    }
    refuses(&stage, &tenant, &but(&tenant, &json!({ "mediaUrl": "http://10.0.0.1/a.png" })), 33018, Value::Null).await;
}

#[tokio::test]
async fn codes_33004_33008_33009_and_33011_answer_for_the_sender() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    refuses(&stage, &tenant, &but(&tenant, &json!({ "from": "+18005550000" })), 33008, Value::Null).await;
    refuses(&stage, &tenant, &but(&tenant, &json!({ "from": other.number })), 33004, Value::Null).await;
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "state": "suspended" })).await.expect(200);
    refuses(&stage, &tenant, &to(&tenant, recipients(1)), 33009, Value::Null).await;
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "state": "active" })).await.expect(200);
    stage.operate("PUT", &format!("/blocks/{}", tenant.number), json!({ "kind": "sender" })).await.expect(200);
    refuses(&stage, &tenant, &to(&tenant, recipients(1)), 33011, Value::Null).await;
}

#[tokio::test]
async fn code_33012_refuses_a_broadcast_that_does_not_fit_as_a_whole() {
    let stage = Stage::at("2026-03-15T23:58:30.250Z", |config, _| config.carrier.clear()).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 10 })).await;
    stage.ask(&tenant.broadcast(&to(&tenant, recipients(7)))).await.expect(201);
    let reply = stage.ask(&tenant.broadcast(&to(&tenant, recipients(4))).header("idempotency-key", "one")).await;
    reply.refused(33012, Value::Null);
    assert_eq!(reply.number("retry-after"), 90);
    // Nothing is left of it: what fits still does, under the same key; and who is blocked does not count.
    stage.operate("PUT", "/blocks/+12020000003", json!({ "kind": "recipient" })).await.expect(200);
    stage.ask(&tenant.broadcast(&to(&tenant, recipients(4))).header("idempotency-key", "one")).await.expect(201);
    assert_eq!(stage.ask(&tenant.post(&tenant.message("+12025550143", "hello"))).await.code(), 33012);
    assert_eq!(stage.ask(&tenant.get("/broadcast")).await.expect(200)["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn codes_33016_and_33107_answer_for_the_text() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let info = json!([{ "character": "\u{7}", "position": 2 }]);
    refuses(&stage, &tenant, &but(&tenant, &json!({ "body": "a\u{7}" })), 33016, info).await;
    refuses(&stage, &tenant, &but(&tenant, &json!({ "body": "x".repeat(641) })), 33107, Value::Null).await;
}

#[tokio::test]
async fn code_33024_tells_who_stands_twice() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let twice = json!([
        "+18005551001", { "to": "+18005551002" }, "+18005551002", { "to": "+18005551001" }, "+18005551001",
        "+18005551003",
    ]);
    refuses(&stage, &tenant, &to(&tenant, twice), 33024, json!({ "recipients": ["+18005551002", "+18005551001"] }))
        .await;
    let many = [recipients(300), recipients(300)].concat();
    refuses(&stage, &tenant, &to(&tenant, many), 33024, json!({ "recipients": recipients(100) })).await;
}

#[tokio::test]
async fn code_33100_names_the_field_or_the_place() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (body, info) in [
        (r#"{"recipients":"+18005551001"}"#, json!({ "field": "recipients", "expected": "array of recipients" })),
        (r#"{"recipients":[5]}"#, json!({ "field": "recipients[0]", "expected": "string, or object with `to`" })),
        (r#"{"recipients":["+1",{"to":7}]}"#, json!({ "field": "recipients[1].to", "expected": "string" })),
        (r#"{"recipients":[],"recipients":[]}"#, json!({ "field": "recipients", "expected": "no second value" })),
        (r#"{"from":1}"#, json!({ "field": "from", "expected": "string" })),
        ("{\"recipients\":[\"+1\",\n]}", json!({ "line": 2, "column": 1 })),
        ("[]", json!({ "line": 1, "column": 1 })),
    ] {
        stage.ask(&tenant.sign(Ask::new("POST", PATH)).text(body)).await.refused(33100, info);
    }
    let both = tenant.broadcast(&but(&tenant, &json!({ "idempotencyKey": "one" }))).header("idempotency-key", "two");
    stage
        .ask(&both)
        .await
        .refused(33100, json!({ "field": "idempotencyKey", "expected": "the value of the Idempotency-Key header" }));
}

#[tokio::test]
async fn codes_33101_and_33102_answer_for_addresses_and_methods() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let theirs =
        stage.ask(&other.broadcast(&to(&other, recipients(1)))).await.expect(201)["id"].as_str().unwrap().to_owned();
    for id in [theirs.as_str(), "brc_0000000000000000000000", "msg_0000000000000000000000", "nonsense"] {
        stage.ask(&tenant.get(&format!("/broadcast/{id}"))).await.refused(33101, Value::Null);
        stage.ask(&tenant.sign(Ask::new("POST", &format!("{PATH}/{id}/cancel")))).await.refused(33101, Value::Null);
    }
    for (method, path, allowed) in [
        ("DELETE", "/broadcast", "GET, HEAD, POST"),
        ("POST", "/broadcast/x", "GET, HEAD"),
        ("GET", "/broadcast/x/cancel", "POST"),
    ] {
        let reply = stage.ask(&tenant.sign(Ask::new(method, &format!("/api/v1/messaging{path}")))).await;
        reply.refused(33102, Value::Null);
        assert_eq!(reply.header("allow"), Some(allowed));
    }
}

#[tokio::test]
async fn codes_33103_and_33104_answer_for_the_body() {
    let stage = Stage::with(|config, _| config.api.broadcast_body_bytes_max = 2 << 20).await;
    let tenant = stage.tenant().await;
    stage
        .ask(&tenant.sign(Ask::new("POST", PATH)).header("content-type", "text/plain").octets("{}"))
        .await
        .refused(33103, Value::Null);
    let padded = |bytes: usize| format!("{}{}", " ".repeat(bytes), to(&tenant, recipients(1)));
    stage.ask(&tenant.sign(Ask::new("POST", PATH)).text(padded(1 << 20))).await.expect(201);
    stage.ask(&tenant.sign(Ask::new("POST", PATH)).text(padded(2 << 20))).await.refused(33104, Value::Null);
}

#[tokio::test]
async fn code_33105_answers_who_comes_when_the_process_is_ending() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.app().pipeline().begin_draining();
    refuses(&stage, &tenant, &to(&tenant, recipients(1)), 33105, Value::Null).await;
}

#[tokio::test]
async fn code_33106_answers_a_key_of_the_wrong_form() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for key in ["x", "a b", "ü", ""] {
        refuses(&stage, &tenant, &but(&tenant, &json!({ "idempotencyKey": key })), 33106, Value::Null).await;
    }
}

/// A request that breaks every rule of its fields, but for these.
fn all_wrong_but(fields: &Value) -> Value {
    let mut request = json!({
        "recipients": ["555", "+18005551001", "+18005551001"],
        "from": "555",
        "body": "\u{7}".repeat(641),
        "messageType": "fax",
        "mediaUrl": "nonsense",
        "idempotencyKey": "!",
    });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

#[tokio::test]
async fn the_first_broken_rule_answers() {
    let stage = Stage::at(NOON, |config, _| {
        config.limits.max_recipients = 3;
        config.carrier.clear();
    })
    .await;
    let (tenant, other) = (stage.tenant_with(json!({ "dailyQuota": 2 })).await, stage.tenant().await);
    let hurried = stage.tenant_with(json!({ "broadcastPerMinute": 0 })).await;
    stage.ask(&tenant.broadcast(&to(&tenant, recipients(2))).header("idempotency-key", "taken")).await.expect(201);
    stage.operate("PATCH", &format!("/numbers/{}", other.number), json!({ "state": "suspended" })).await.expect(200);
    let large = || format!("{}nonsense", " ".repeat(6_000_000));
    let plain = |ask: Ask| ask.header("content-type", "text/plain").octets(large());
    let worst = |fields: Value| tenant.broadcast(&all_wrong_but(&fields));
    let mms = |recipients: Vec<String>, from: &str, key: &str| {
        worst(json!({ "messageType": "MMS", "recipients": recipients, "from": from, "idempotencyKey": key }))
    };
    let twice = json!(["+18005551001", "+18005551001", "+18005551002", "+18005551003"]);
    let number = |from: &str| {
        worst(json!({
            "recipients": recipients(1),
            "from": from,
            "messageType": null,
            "idempotencyKey": null,
            "body": "hello",
        }))
    };
    for (code, ask) in [
        (33001, plain(Ask::new("POST", PATH).header("authorization", &basic(&hurried.key, "wrong")))),
        (33002, plain(hurried.sign(Ask::new("POST", PATH)))),
        (33103, plain(tenant.sign(Ask::new("POST", PATH)))),
        (33104, tenant.sign(Ask::new("POST", PATH)).text(large())),
        (33100, worst(json!({ "recipients": 5, "from": "" }))),
        (33005, worst(json!({ "from": " " }))),
        (33006, worst(json!({}))),
        (33003, worst(json!({ "messageType": "MMS" }))),
        (33003, worst(json!({ "messageType": "MMS", "recipients": twice }))),
        (33024, worst(json!({ "messageType": "MMS", "recipients": twice, "from": tenant.number }))),
        (33108, mms(recipients(4), &tenant.number, "!")),
        (33106, mms(recipients(2), &tenant.number, "!")),
        (33013, mms(recipients(2), &tenant.number, "taken")),
        (33016, mms(recipients(2), "+18005550000", "fresh")),
        (
            33107,
            worst(json!({
                "messageType": "MMS",
                "recipients": recipients(2),
                "from": "+18005550000",
                "idempotencyKey": null,
                "body": "x".repeat(1601),
            })),
        ),
        (33008, number("+18005550000")),
        (33004, number(&other.number)),
        (33018, number(&tenant.number)),
        (33012, tenant.broadcast(&to(&tenant, recipients(1)))),
    ] {
        let reply = stage.ask(&ask).await;
        assert_eq!(reply.code(), code, "{reply}");
        reply.has_rate_limit();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_gets_the_same_answer_and_makes_no_second_broadcast() {
    let stage = Stage::start().await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 100 })).await;
    let ask = |count: usize| tenant.broadcast(&to(&tenant, recipients(count))).header("idempotency-key", "spring");
    let replies = at_once(stage.api, (0..30).map(|_| ask(60))).await;
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 201 && reply.header("idempotent-replayed").is_none()).count(),
        1
    );
    assert!(replies.iter().all(|reply| matches!(reply.code(), 0 | 33013)));
    let first = replies.iter().find(|reply| reply.status == 201).unwrap();
    let objects: Vec<_> = recipients(60).into_iter().map(|to| json!({ "x": 1, "to": to })).collect();
    let in_body = but(&tenant, &json!({ "recipients": objects, "messageType": "SMS", "idempotencyKey": "spring" }));
    for again in [stage.ask(&ask(60)).await, stage.ask(&tenant.broadcast(&in_body)).await] {
        assert_eq!(
            (again.status, again.text(), again.header("location")),
            (201, first.text(), first.header("location"))
        );
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    stage.ask(&ask(59)).await.refused(33013, Value::Null);
    // A key of broadcasts is not one of messages.
    stage
        .ask(&tenant.post(&tenant.message("+12025550143", "hello")).header("idempotency-key", "spring"))
        .await
        .expect(201);
    assert_eq!(stage.ask(&tenant.get("/broadcast")).await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_prefers_to_wait_sees_it_sending_and_so_does_a_repeat() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let ask = tenant
        .broadcast(&to(&tenant, recipients(5_000)))
        .header("idempotency-key", "spring")
        .header("prefer", "wait=60");
    let first = stage.ask(&ask).await;
    assert_eq!(
        (first.expect(201)["status"].as_str(), first.header("preference-applied")),
        (Some("sending"), Some("wait=30"))
    );
    let again = stage.ask(&ask).await;
    assert_eq!((again.text(), again.header("idempotent-replayed")), (first.text(), Some("true")));
}
