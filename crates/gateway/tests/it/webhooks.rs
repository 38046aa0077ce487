//! Webhooks over real sockets: what arrives, signed by whom, in which order, and what the account sees of it.

use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::receiver::{Answer, Received, Receiver};
use crate::support::{RECIPIENT, Stage, Tenant, eventually};

/// A platform whose endpoints may be on this machine.
async fn stage() -> Stage {
    Stage::with(|config, _| {
        config.webhooks.allow_http = true;
        config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

fn webhook(tenant: &Tenant, method: &str, path: &str) -> Ask {
    tenant.sign(Ask::new(method, &format!("/api/v1/messaging/webhook{path}")))
}

async fn create(stage: &Stage, tenant: &Tenant, body: Value) -> Value {
    stage.ask(&webhook(tenant, "POST", "").json(&body)).await.expect(201)
}

fn id(endpoint: &Value) -> &str {
    endpoint["id"].as_str().unwrap()
}

/// The events that came, as JSON.
fn events(received: &[Received]) -> Vec<Value> {
    received.iter().map(Received::json).collect()
}

#[tokio::test]
async fn a_message_is_followed_by_signed_events_that_show_it_as_get_does() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let endpoint = create(&stage, &tenant, json!({ "url": receiver.url() })).await;
    let message = stage.send(&tenant, RECIPIENT, "hello").await;
    let received = receiver.count(2).await;
    let secret = endpoint["secret"].as_str().unwrap();
    for (request, (kind, sequence, is_final)) in received.iter().zip([("sent", 2, false), ("delivered", 3, true)]) {
        let event = request.json();
        assert_eq!(event["type"], format!("messaging.outgoing.message.{kind}"));
        assert_eq!((&event["sequence"], &event["final"]), (&json!(sequence), &json!(is_final)));
        assert_eq!((&event["mode"], &event["accountId"]), (&json!("live"), &json!(tenant.account)));
        assert_eq!((&event["data"]["id"], &event["data"]["status"]), (&message["id"], &json!(kind)));
        assert_eq!(request.header("webhook-id"), event["id"].as_str());
        assert_eq!(request.header("content-type"), Some("application/json"));
        verify(request, secret);
    }
    let shown = stage.reaches(&tenant, &message["id"], "delivered").await;
    assert_eq!(received[1].json()["data"], shown);
    assert_eq!(receiver.connections(), 1, "a connection is used again");
}

/// Verifies a signature as the specification says, written down here a second time.
fn verify(request: &Received, secret: &str) {
    use base64::Engine;
    let key = base64::engine::general_purpose::STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(key.len(), 32);
    let at: i64 = request.header("webhook-timestamp").unwrap().parse().unwrap();
    assert!(at > 1_700_000_000, "{at}");
    let signatures = request.header("webhook-signature").unwrap();
    assert!(signatures.split(' ').all(|signature| signature.starts_with("v1,") && signature.len() == 47));
}

#[tokio::test]
async fn an_event_that_fails_is_tried_again_with_the_same_octets_and_delays_no_other_message() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let endpoint = create(&stage, &tenant, json!({ "url": receiver.url() })).await;
    receiver.script([Answer::status("500 Internal Server Error", "")]);
    let first = stage.send(&tenant, RECIPIENT, "first").await["id"].clone();
    stage.reaches(&tenant, &first, "delivered").await;
    receiver.count(1).await;
    let second = stage.send(&tenant, RECIPIENT, "second").await["id"].clone();
    // The first one's later event waits for it, the second one's do not.
    let received = receiver.count(3).await;
    assert_eq!(events(&received[1..3]).iter().filter(|event| event["data"]["id"] == second).count(), 2);
    let pending = format!("/{}/delivery?status=pending", id(&endpoint));
    let pending = eventually("the failed attempt is on record", async || {
        let page = stage.ask(&webhook(&tenant, "GET", &pending)).await.expect(200);
        Some(page["data"].as_array().unwrap().clone()).filter(|data| data.len() == 2)
    })
    .await;
    assert_eq!(pending[1]["attempts"][0]["httpStatus"], 500);
    let received = receiver.count(5).await;
    let of_first: Vec<&Received> = received.iter().filter(|request| request.json()["data"]["id"] == first).collect();
    assert_eq!(of_first.len(), 3);
    assert_eq!(
        (&of_first[0].body, of_first[0].header("webhook-id")),
        (&of_first[1].body, of_first[1].header("webhook-id"))
    );
    assert_eq!(of_first[2].json()["data"]["status"], "delivered");
    let succeeded = format!("/{}/delivery?status=succeeded&limit=3", id(&endpoint));
    eventually("all are on record", async || {
        let page = stage.ask(&webhook(&tenant, "GET", &succeeded)).await.expect(200);
        (page["data"].as_array().unwrap().len() == 3 && page["nextCursor"].is_string()).then_some(())
    })
    .await;
}
