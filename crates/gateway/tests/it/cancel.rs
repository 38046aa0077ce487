//! Messages that their clients take back, over the public API.

use serde_json::{Value, json};
use simulator::smsc::DelayMs;

use crate::inbound_commands::{done, run};
use crate::support::http::Ask;
use crate::support::receiver::Receiver;
use crate::support::{RECIPIENT, Stage, Tenant, eventually};

fn cancel(tenant: &Tenant, id: &Value) -> Ask {
    let path = format!("/api/v1/messaging/message/{}/cancel", id.as_str().unwrap());
    tenant.sign(Ask::new("POST", &path))
}

/// A platform whose carrier takes nothing until it is started, and whose endpoints may be on this machine.
async fn stopped() -> Stage {
    let stage = Stage::with(|config, _| {
        config.webhooks.allow_http = true;
        config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    stage.operate("POST", "/carriers/main/stop", Value::Null).await.expect(204);
    stage
}

#[tokio::test]
async fn a_message_that_waits_is_canceled_and_never_leaves() {
    let stage = stopped().await;
    let tenant = stage.tenant().await;
    let message = stage.send(&tenant, RECIPIENT, "in vain").await;
    let other = stage.send(&tenant, RECIPIENT, "hello").await;
    let canceled = stage.ask(&cancel(&tenant, &message["id"])).await.expect(200);
    let mut wanted = message.clone();
    wanted["status"] = "canceled".into();
    wanted["canceledAt"] = canceled["canceledAt"].clone();
    assert_eq!(canceled, wanted);
    assert!(canceled["canceledAt"].is_string());
    assert_eq!(stage.ask(&cancel(&tenant, &message["id"])).await.expect(200), canceled, "again it is no error");
    let show = tenant.get(&format!("/message/{}", message["id"].as_str().unwrap()));
    assert_eq!(stage.ask(&show).await.expect(200), canceled);
    stage.operate("POST", "/carriers/main/start", Value::Null).await.expect(204);
    stage.reaches(&tenant, &other["id"], "delivered").await;
    let texts: Vec<_> = stage.submissions().iter().map(|submit| submit["text"].clone()).collect();
    assert_eq!(texts, ["hello"]);
    let list = stage.ask(&tenant.get("/message?status=canceled")).await.expect(200);
    assert_eq!(list["data"], json!([canceled]));
}

#[tokio::test]
async fn an_endpoint_is_told_of_a_canceled_message_and_a_waiting_client_too() {
    let (stage, receiver) = (stopped().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let create = tenant.sign(Ask::new("POST", "/api/v1/messaging/webhook")).json(&json!({ "url": receiver.url() }));
    stage.ask(&create).await.expect(201);
    let send = tenant.post(&tenant.message(RECIPIENT, "in vain")).header("prefer", "wait=30");
    let canceling = async {
        let id = eventually("the message is there", async || {
            let page = stage.ask(&tenant.get("/message")).await.expect(200);
            page["data"].get(0).map(|message| message["id"].clone())
        })
        .await;
        stage.ask(&cancel(&tenant, &id)).await.expect(200)
    };
    let (answered, canceled) = tokio::join!(stage.ask(&send), canceling);
    assert_eq!(answered.expect(201), canceled);
    let event = receiver.count(1).await[0].json();
    assert_eq!(event["type"], "messaging.outgoing.message.canceled");
    assert_eq!((&event["sequence"], &event["final"], &event["data"]), (&json!(2), &json!(true), &canceled));
}

#[tokio::test]
async fn a_message_that_has_left_is_not_canceled() {
    let stage = Stage::with(|_, options| options.response_delay_ms = DelayMs(3_000, 3_000)).await;
    let tenant = stage.tenant().await;
    let message = stage.send(&tenant, RECIPIENT, "hello").await;
    eventually("the carrier has it", async || (stage.smsc.summary().submitted == 1).then_some(())).await;
    let too_late = cancel(&tenant, &message["id"]);
    stage.ask(&too_late).await.refused(33109, json!({ "status": "queued" }));
    let delivered = stage.reaches(&tenant, &message["id"], "delivered").await;
    stage.ask(&too_late).await.refused(33109, json!({ "status": "delivered" }));
    let show = tenant.get(&format!("/message/{}", message["id"].as_str().unwrap()));
    assert_eq!(stage.ask(&show).await.expect(200), delivered);
}

#[tokio::test]
async fn a_message_is_canceled_by_its_owner_alone() {
    let stage = stopped().await;
    let tenant = stage.tenant().await;
    let message = stage.send(&tenant, RECIPIENT, "hello").await;
    for other in [stage.tenant().await, stage.key(&tenant, json!({ "mode": "test" })).await] {
        stage.ask(&cancel(&other, &message["id"])).await.refused(33101, Value::Null);
    }
    for id in ["msg_0000000000000000000000", "nonsense", "%ff"] {
        stage.ask(&cancel(&tenant, &json!(id))).await.refused(33101, Value::Null);
    }
    let path = format!("/api/v1/messaging/message/{}/cancel", message["id"].as_str().unwrap());
    let reply = stage.ask(&tenant.sign(Ask::new("GET", &path))).await;
    reply.refused(33102, Value::Null);
    assert_eq!(reply.header("allow"), Some("POST"));
    assert_eq!(stage.life(&message["id"]).await["status"], "queued");
}

#[tokio::test]
async fn the_operator_cancels_a_message_of_any_account_and_it_is_on_record() {
    let stage = stopped().await;
    let tenant = stage.tenant().await;
    let message = stage.send(&tenant, RECIPIENT, "in vain").await;
    let path = format!("/messages/{}", message["id"].as_str().unwrap());
    let canceled = stage.operate("POST", &format!("{path}/cancel"), Value::Null).await.expect(200);
    assert_eq!((&canceled["status"], &canceled["accountId"]), (&json!("canceled"), &json!(tenant.account)));
    let again = stage.operate("POST", &format!("{path}/cancel"), Value::Null).await.expect(200);
    assert_eq!(again["canceledAt"], canceled["canceledAt"], "again it is no error");
    let log = stage.operate("GET", "/audit?path=/messages", Value::Null).await.expect(200)["data"].take();
    let first = log.as_array().unwrap().last().unwrap();
    let statuses = (&first["before"]["status"], &first["after"]["status"]);
    assert_eq!(statuses, (&json!("queued"), &json!("canceled")), "{first}");
    assert!(!log.to_string().contains("in vain"), "{log}");
    stage.operate("POST", "/carriers/main/start", Value::Null).await.expect(204);
    let other = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &other["id"], "delivered").await;
    let path = format!("/messages/{}/cancel", other["id"].as_str().unwrap());
    stage.operate("POST", &path, Value::Null).await.refused_by_operator(33109, json!({ "status": "delivered" }));
    let unknown = stage.operate("POST", "/messages/msg_0000000000000000000000/cancel", Value::Null).await;
    unknown.refused_by_operator(33101, Value::Null);
    assert_eq!(stage.submissions().len(), 1);
}

#[tokio::test]
async fn the_command_cancels_a_message_once_it_may() {
    let stage = stopped().await;
    let tenant = stage.tenant().await;
    let message = stage.send(&tenant, RECIPIENT, "in vain").await;
    let id = message["id"].as_str().unwrap();
    let (code, _, said) = run(&stage, &["message", "cancel", id], "").await;
    assert!(code != Some(0) && said.contains("--yes"), "{said}");
    assert_eq!(stage.life(&message["id"]).await["status"], "queued");
    let said = done(&stage, &["message", "cancel", id, "--yes"]).await;
    assert!(said.contains(id) && said.contains("canceled"), "{said}");
    assert_eq!(stage.life(&message["id"]).await["status"], "canceled");
}
