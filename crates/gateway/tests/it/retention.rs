//! The end of what is kept, as clients and the operator see it.

use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, Tenant};

async fn keep_texts(stage: &Stage, tenant: &Tenant, rule: Value) -> Value {
    stage.operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "retentionDays": rule })).await.expect(200)
}

#[tokio::test]
async fn an_account_has_its_own_rule_for_texts_or_none() {
    let stage = Stage::start().await;
    let made = stage.operate("POST", "/accounts", json!({ "name": "Acme", "retentionDays": 7 })).await.expect(201);
    let path = format!("/accounts/{}", made["id"].as_str().unwrap());
    assert_eq!(made["retentionDays"], 7);
    for rule in [json!("discard"), json!(3_650), json!(1), Value::Null] {
        let changed = stage.operate("PATCH", &path, json!({ "retentionDays": rule })).await.expect(200);
        assert_eq!(changed["retentionDays"], rule);
        let shown = stage.operate("GET", &path, Value::Null).await.expect(200);
        assert_eq!(shown["retentionDays"], rule);
    }
    let expected = "an integer from 1 to 3650, \"discard\" or null";
    for wrong in [json!(0), json!(3_651), json!("never"), json!("7"), json!(-1), json!(1.5), json!([])] {
        let reply = stage.operate("PATCH", &path, json!({ "retentionDays": wrong })).await;
        assert_eq!(reply.code(), 33100, "{wrong}: {reply}");
    }
    let info = json!({ "field": "retentionDays", "expected": expected });
    stage.operate("PATCH", &path, json!({ "retentionDays": 0 })).await.refused_by_operator(33100, info);
}

#[tokio::test]
async fn a_discarded_text_goes_with_its_message_and_repeats_are_answered_with_theirs() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    keep_texts(&stage, &tenant, json!("discard")).await;
    // Of UCS-2, so that the answer names characters of the text as well.
    let message = tenant.message(RECIPIENT, "Ваш код 4711");
    for wait in [false, true] {
        let ask = tenant.post(&message).header("idempotency-key", &format!("order-{wait}"));
        let ask = if wait { ask.header("prefer", "wait=20") } else { ask };
        let first = stage.ask(&ask).await;
        let accepted = first.expect(201);
        assert_eq!((accepted["body"].as_str(), accepted["status"] != "queued"), (Some("Ваш код 4711"), wait));
        let shown = stage.reaches(&tenant, &accepted["id"], "delivered").await;
        assert!(shown.as_object().unwrap().contains_key("body"), "it says that there was a text: {shown}");
        assert_eq!(
            (&shown["body"], &shown["ucs2Characters"], &shown["segments"]),
            (&Value::Null, &Value::Null, &json!(1))
        );
        let again = stage.ask(&ask).await;
        assert_eq!((again.text(), again.header("idempotent-replayed")), (first.text(), Some("true")));
        // Another text under the same key is another request, as ever.
        let other =
            tenant.post(&tenant.message(RECIPIENT, "hello")).header("idempotency-key", &format!("order-{wait}"));
        stage.ask(&other).await.refused(33013, Value::Null);
    }
    let listed = stage.ask(&tenant.get("/message?limit=10")).await.expect(200);
    assert!(listed["data"].as_array().unwrap().iter().all(|message| message["body"].is_null()));
}

#[tokio::test]
async fn a_discarded_broadcast_loses_its_text_with_its_end() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    keep_texts(&stage, &tenant, json!("discard")).await;
    let body = json!({ "recipients": [RECIPIENT], "from": tenant.number, "body": "hello" });
    let ask = tenant.broadcast(&body).header("idempotency-key", "order-1");
    let first = stage.ask(&ask).await;
    let id = first.expect(201)["id"].clone();
    let ended = stage.broadcast_when(&tenant, &id, "has ended", |broadcast| broadcast["status"] == "completed").await;
    assert_eq!((&ended["body"], &ended["counts"]["total"]), (&Value::Null, &json!(1)));
    assert_eq!(stage.ask(&ask).await.text(), first.text());
}

#[tokio::test]
async fn other_rules_are_taken_over_at_once_and_what_goes_is_counted() {
    let stage = Stage::start().await;
    let mut config = stage.config.clone();
    (config.retention.texts_days, config.retention.messages_days, config.retention.receipt_keys_days) = (0, 8, 1);
    let report = stage.app().reloader().take_over(config).await;
    for key in ["retention.texts_days", "retention.messages_days", "retention.receipt_keys_days"] {
        assert!(report.applied.iter().any(|entry| entry.key == key), "{key}: {report:?}");
    }
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for what in [
        "texts",
        "broadcast_texts",
        "inbound_texts",
        "inbound_messages",
        "messages",
        "broadcasts",
        "receipt_keys",
        "unmatched",
    ] {
        let line = format!("smsfactory_retention_removed_total{{what=\"{what}\"}} 0");
        assert!(metrics.contains(&line), "{line}");
    }
}
