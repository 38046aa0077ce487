//! One message: what is answered when it is accepted, what is read of it later, and the states that it goes through.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::smsc::{DelayMs, Rejection};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, smpp};

/// Without the fields that are new each time.
fn timeless(message: &Value) -> Value {
    let mut message = message.clone();
    ["id", "createdAt", "sentAt", "deliveredAt", "failedAt"]
        .iter()
        .for_each(|field| drop(message.as_object_mut().unwrap().remove(*field)));
    message
}

#[tokio::test]
async fn an_accepted_message_is_answered_exactly() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 10 })).await;
    let reply = stage.ask(&tenant.post(&tenant.message(RECIPIENT, "Your code is 482910"))).await;
    let message = reply.expect(201);
    let id = message["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id, "direction": "outbound", "to": RECIPIENT, "from": tenant.number, "body": "Your code is 482910",
        "messageType": "SMS", "encoding": "GSM-7", "segments": 1, "status": "queued",
        "createdAt": "2026-03-15T14:30:00.000Z",
    });
    assert_eq!(message, expected);
    assert!(
        id.strip_prefix("msg_")
            .is_some_and(|digits| digits.len() == 22 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        "{id}"
    );
    assert_eq!(reply.header("location"), Some(&*format!("/api/v1/messaging/message/{id}")));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!((reply.header("idempotent-replayed"), reply.header("preference-applied")), (None, None));
    assert_eq!(reply.has_rate_limit(), (10, 9, 1_773_585_060));
}

#[tokio::test]
async fn ids_sort_by_time() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        stage.time.advance(Duration::from_millis(1));
        ids.push(stage.send(&tenant, RECIPIENT, "hello").await["id"].as_str().unwrap().to_owned());
    }
    assert!(ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn encoding_and_segments_are_told() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (body, encoding, segments) in [
        ("a".repeat(160), "GSM-7", 1),
        ("a".repeat(161), "GSM-7", 2),
        ("€".repeat(80), "GSM-7", 1),
        ("€".repeat(81), "GSM-7", 2),
        ("я".repeat(70), "UCS-2", 1),
        ("я".repeat(71), "UCS-2", 2),
        ("😀".repeat(35), "UCS-2", 1),
    ] {
        let message = stage.send(&tenant, RECIPIENT, &body).await;
        assert_eq!(
            (&message["encoding"], &message["segments"], &message["body"]),
            (&json!(encoding), &json!(segments), &json!(body))
        );
    }
}

#[tokio::test]
async fn a_message_is_delivered_and_says_when() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let accepted = stage.send(&tenant, RECIPIENT, "Grüße, €5 😀").await;
    let delivered = stage.reaches(&tenant, &accepted["id"], "delivered").await;
    let (sent_at, delivered_at) = (delivered["sentAt"].as_str().unwrap(), delivered["deliveredAt"].as_str().unwrap());
    assert!(accepted["createdAt"].as_str().unwrap() <= sent_at && sent_at <= delivered_at, "{delivered}");
    let mut expected = timeless(&accepted);
    expected["status"] = "delivered".into();
    assert_eq!(timeless(&delivered), expected);
    let submitted = stage.submissions();
    assert_eq!(submitted.len(), 1);
    assert_eq!(
        (&submitted[0]["text"], &submitted[0]["destination"]),
        (&json!("Grüße, €5 😀"), &json!(&RECIPIENT[1..]))
    );
}

#[tokio::test]
async fn a_national_recipient_is_delivered_however_little_is_left_of_the_number() {
    for (prefix, national) in [("+1", "2025550143"), ("+120255", "50143")] {
        let stage = Stage::with(|config, _| smpp(config).national_prefix = Some(prefix.to_owned())).await;
        let tenant = stage.tenant().await;
        let message = stage.send(&tenant, RECIPIENT, "Hello").await;
        stage.reaches(&tenant, &message["id"], "delivered").await;
        assert_eq!(stage.submissions()[0]["destination"], national);
    }
}

#[tokio::test]
async fn a_long_message_is_delivered_when_all_of_it_is() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let body = "Lorem ipsum dolor sit amet. ".repeat(20);
    let accepted = stage.send(&tenant, RECIPIENT, &body).await;
    stage.reaches(&tenant, &accepted["id"], "delivered").await;
    let submitted = stage.submissions();
    assert_eq!(json!(submitted.len()), accepted["segments"]);
    let text: String = submitted.iter().map(|segment| segment["text"].as_str().unwrap()).collect();
    assert_eq!(text, body);
}

#[tokio::test]
async fn what_a_receipt_says_becomes_the_error_type() {
    for (receipts, error_type) in [
        ("undeliv=1", "unreachable"),
        ("expired=1", "expired"),
        ("rejectd=1", "carrier_rejected"),
        ("deleted=1", "unreachable"),
    ] {
        let stage = Stage::with(|_, options| options.receipts = receipts.parse().unwrap()).await;
        let tenant = stage.tenant().await;
        let accepted = stage.send(&tenant, RECIPIENT, "hello").await;
        let message = stage.reaches(&tenant, &accepted["id"], "undelivered").await;
        assert_eq!(message["errorType"], error_type);
        assert!(
            message["errorMessage"].is_string() && message["failedAt"].is_string() && message["sentAt"].is_string(),
            "{message}"
        );
        assert!(message.get("deliveredAt").is_none(), "{message}");
    }
}

#[tokio::test]
async fn what_a_carrier_refuses_has_failed() {
    for (status, error_type) in [("ESME_RINVDSTADR", "invalid_destination"), ("ESME_RINVSRCADR", "carrier_rejected")] {
        let reject: Rejection = format!("1={status}").parse().unwrap();
        let stage = Stage::with(|_, options| options.reject = vec![reject]).await;
        let tenant = stage.tenant().await;
        let accepted = stage.send(&tenant, RECIPIENT, "hello").await;
        let message = stage.reaches(&tenant, &accepted["id"], "failed").await;
        assert_eq!(message["errorType"], error_type, "{status}");
        assert!(
            message["errorMessage"].is_string() && message["failedAt"].is_string() && message.get("sentAt").is_none(),
            "{message}"
        );
        assert_eq!(stage.smsc.summary().submitted, 1);
    }
}

#[tokio::test]
async fn the_sandbox_shows_every_state_and_no_carrier_sees_it() {
    let stage = Stage::start().await;
    let live = stage.tenant().await;
    let tenant = stage.key(&live, json!({ "mode": "test" })).await;
    assert!(
        live.secret.starts_with("sk_live_") && tenant.secret.starts_with("sk_test_") && tenant.key.starts_with("uk_")
    );
    for (to, status, error_type) in [
        ("+12025550001", "undelivered", json!("unreachable")),
        ("+12025550002", "failed", json!("carrier_rejected")),
        ("+12025550003", "failed", json!("invalid_destination")),
        ("+12025550004", "failed", json!("blocked_by_carrier")),
        ("+12025550005", "sent", Value::Null),
        ("+12025550006", "undelivered", json!("expired")),
        ("+12025550007", "delivered", Value::Null),
        ("+12025550008", "delivered", Value::Null),
        (RECIPIENT, "delivered", Value::Null),
    ] {
        let accepted = stage.send(&tenant, to, "hello").await;
        let message = stage.reaches(&tenant, &accepted["id"], status).await;
        assert_eq!(message["errorType"], error_type, "{to}");
    }
    assert_eq!(stage.smsc.summary().submitted, 0);
    let refused = tenant.post(&tenant.message("555", "hello"));
    stage.ask(&refused).await.refused(33003, json!({ "field": "to" }));
}

#[tokio::test]
async fn a_message_is_read_by_its_account_alone() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let accepted = stage.send(&tenant, RECIPIENT, "hello").await;
    let path = format!("/message/{}", accepted["id"].as_str().unwrap());
    let read = stage.ask(&tenant.get(&path)).await.expect(200);
    assert_eq!(read["id"], accepted["id"]);
    stage.ask(&other.get(&path)).await.refused(33101, Value::Null);
    assert_eq!(stage.count(&other).await, 0);
    let head = stage.ask(&tenant.sign(Ask::new("HEAD", &format!("/api/v1/messaging{path}")))).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn who_prefers_to_wait_is_told_what_the_carrier_said() {
    let stage = Stage::with(|_, options| options.response_delay_ms = DelayMs(150, 150)).await;
    let tenant = stage.tenant().await;
    let reply =
        stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello")).header("prefer", "respond-async, wait=60")).await;
    let message = reply.expect(201);
    assert_ne!(message["status"], "queued");
    assert!(message["sentAt"].is_string(), "{message}");
    assert_eq!(reply.header("preference-applied"), Some("wait=30"));
}

#[tokio::test]
async fn who_has_waited_long_enough_is_told_that_it_is_queued() {
    let stage = Stage::with(|_, options| options.silent = true).await;
    let tenant = stage.tenant().await;
    let began = std::time::Instant::now();
    let reply = stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello")).header("prefer", "wait=1")).await;
    assert_eq!(reply.expect(201)["status"], "queued");
    assert_eq!(reply.header("preference-applied"), Some("wait=1"));
    assert!(began.elapsed() >= Duration::from_secs(1) && began.elapsed() < Duration::from_secs(5));
    let ignored = stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello")).header("prefer", "wait=soon")).await;
    assert_eq!((ignored.status, ignored.header("preference-applied")), (201, None));
}

#[tokio::test]
async fn unknown_fields_and_nulls_are_ignored() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut message = tenant.message(RECIPIENT, "hello");
    message.as_object_mut().unwrap().extend(
        json!({ "mediaUrl": null, "messageType": "SMS", "idempotencyKey": null, "x": [{ "to": 1 }] })
            .as_object()
            .unwrap()
            .clone(),
    );
    stage.ask(&tenant.post(&message)).await.expect(201);
}
