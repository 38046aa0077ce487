//! Messages that the operator sends: on an account's behalf, and again.

use model::Timestamp;
use serde_json::{Value, json};

use crate::support::{RECIPIENT, Stage};

/// The answer to the operator, and to the account's own request for the same.
#[tokio::test]
async fn the_operator_sends_on_an_accounts_behalf_as_the_account_would() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let ask = json!({ "accountId": tenant.account, "to": RECIPIENT, "from": tenant.number, "body": "hello" });
    let reply = stage.operate("POST", "/messages", ask).await;
    let location = reply.header("location").map(str::to_owned);
    let made = reply.expect(201);
    assert_eq!(location, Some(format!("/admin/v1/messages/{}", made["id"].as_str().unwrap())));
    let own = stage.send(&tenant, RECIPIENT, "hello").await;
    let fields = |message: &Value| message.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((fields(&made), &made["status"]), (fields(&own), &json!("queued")));
    let delivered = stage.reaches(&tenant, &made["id"], "delivered").await;
    assert_eq!(delivered["body"], "hello", "it is the account's message");
}

#[tokio::test]
async fn what_the_operator_sends_passes_the_accounts_checks_and_limits() {
    let stage = Stage::start().await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 2, "dailyQuota": 1 })).await;
    let ask = |account: &str, from: &str| json!({ "accountId": account, "to": RECIPIENT, "from": from, "body": "a" });
    let wrong = json!({ "field": "accountId", "expected": "one that exists" });
    let other = "acc_0000000000000000000000";
    stage.operate("POST", "/messages", ask(other, &tenant.number)).await.refused_by_operator(33100, wrong);
    stage
        .operate("POST", "/messages", json!({ "accountId": tenant.account }))
        .await
        .refused_by_operator(33005, json!({ "fields": ["to", "from", "body"] }));
    // The first of the minute was the one that lacked its fields.
    stage
        .operate("POST", "/messages", ask(&tenant.account, "+18005559999"))
        .await
        .refused_by_operator(33008, Value::Null);
    let full = stage.operate("POST", "/messages", ask(&tenant.account, &tenant.number)).await;
    assert!(full.header("retry-after").is_some());
    full.refused_by_operator(33002, Value::Null);
    let path = format!("/accounts/{}", tenant.account);
    stage.operate("PATCH", &path, json!({ "messagePerMinute": 1000, "dailyQuota": 0 })).await.expect(200);
    stage
        .operate("POST", "/messages", ask(&tenant.account, &tenant.number))
        .await
        .refused_by_operator(33012, Value::Null);
    stage.operate("PATCH", &path, json!({ "state": "suspended" })).await.expect(200);
    let inactive = json!({ "field": "accountId", "expected": "an account that is active" });
    stage.operate("POST", "/messages", ask(&tenant.account, &tenant.number)).await.refused_by_operator(33100, inactive);
}

#[tokio::test]
async fn a_message_is_sent_again_as_a_new_one_that_names_the_original() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let original = stage.send(&tenant, RECIPIENT, "once more").await;
    let id = original["id"].as_str().unwrap();
    let path = format!("/messages/{id}/again");
    let copy = stage.operate("POST", &path, json!({ "idempotencyKey": "again-1" })).await.expect(201);
    assert_ne!(copy["id"], original["id"]);
    for field in ["to", "from", "body", "segments", "messageType"] {
        assert_eq!(copy[field], original[field], "{field}");
    }
    let life = stage.life(&copy["id"]).await;
    let again = life["events"].as_array().unwrap().iter().find(|event| event["event"] == "again").unwrap();
    assert_eq!(again["detail"], format!("a copy of {id}"));
    let repeated = stage.operate("POST", &path, json!({ "idempotencyKey": "again-1" })).await;
    assert_eq!(repeated.header("idempotent-replayed"), Some("true"));
    assert_eq!(repeated.expect(201)["id"], copy["id"]);
    stage
        .operate("POST", "/messages/msg_0000000000000000000000/again", json!({}))
        .await
        .refused_by_operator(33101, Value::Null);
}

#[tokio::test]
async fn a_message_without_its_text_is_not_sent_again() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let account = format!("/accounts/{}", tenant.account);
    stage.operate("PATCH", &account, json!({ "retentionDays": "discard" })).await.expect(200);
    let sent = stage.send(&tenant, RECIPIENT, "a secret").await;
    let delivered = stage.reaches(&tenant, &sent["id"], "delivered").await;
    assert_eq!(delivered["body"], Value::Null);
    assert!(Timestamp::parse(delivered["deliveredAt"].as_str().unwrap()).is_some());
    let expected = "a message whose text is kept: the text of this one was removed because of its age";
    let path = format!("/messages/{}/again", sent["id"].as_str().unwrap());
    stage
        .operate("POST", &path, json!({}))
        .await
        .refused_by_operator(33100, json!({ "field": "id", "expected": expected }));
    assert_eq!(stage.count(&tenant).await, 1);
}
