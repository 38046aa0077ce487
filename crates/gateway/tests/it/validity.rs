//! How long messages are worth sending, where their clients say so.

use model::Timestamp;
use serde_json::{Value, json};

use crate::broadcast::recipients;
use crate::support::{RECIPIENT, Stage, Tenant, carrier, dead_port, smpp};

fn valid_for(tenant: &Tenant, secs: u64) -> Value {
    let mut message = tenant.message(RECIPIENT, "hello");
    message["validitySeconds"] = secs.into();
    message
}

/// How many seconds after its acceptance a message ends.
fn secs(life: &Value) -> u64 {
    let time = |field: &str| Timestamp::parse(life[field].as_str().unwrap()).unwrap();
    time("expiresAt").since(time("createdAt")).as_secs()
}

#[tokio::test]
async fn a_carrier_is_told_for_how_long_a_message_is_valid() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let message = stage.ask(&tenant.post(&valid_for(&tenant, 3_600))).await.expect(201);
    stage.reaches(&tenant, &message["id"], "delivered").await;
    assert_eq!(secs(&stage.life(&message["id"]).await), 3_600);
    let period = stage.submissions()[0]["validity_period"].as_str().unwrap().to_owned();
    // An hour, or what is left of it.
    assert!(period == "000000010000000R" || period.starts_with("00000000595"), "{period}");
}

#[tokio::test]
async fn a_message_that_no_carrier_takes_in_its_time_has_expired() {
    let stage = Stage::with(|config, _| config.carrier = vec![carrier("main", dead_port())]).await;
    let tenant = stage.tenant().await;
    let ask = tenant.post(&valid_for(&tenant, 1)).header("prefer", "wait=30");
    let ended = stage.ask(&ask).await.expect(201);
    assert_eq!((&ended["status"], &ended["errorType"]), (&json!("undelivered"), &json!("expired")));
}

#[tokio::test]
async fn a_broadcast_is_valid_for_as_long_as_its_client_says_whatever_the_pace() {
    let stage = Stage::with(|config, _| smpp(config).rate = 1).await;
    let tenant = stage.tenant().await;
    let pace = json!({ "segmentsPerSecond": 1 });
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), pace).await.expect(200);
    let lasting = async |validity: Value| {
        let broadcast = json!({
            "recipients": recipients(100), "from": tenant.number, "body": "hello", "validitySeconds": validity,
        });
        let made = stage.ask(&tenant.broadcast(&broadcast)).await.expect(201);
        let path = format!("/broadcasts/{}", made["id"].as_str().unwrap());
        secs(&stage.operate("GET", &path, Value::Null).await.expect(200))
    };
    assert_eq!(lasting(json!(600)).await, 600);
    assert_eq!(lasting(Value::Null).await, 86_400 + 100);
}

#[tokio::test]
async fn a_validity_out_of_bounds_is_named_and_another_one_is_another_request() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let wrong = json!({ "field": "validitySeconds", "expected": "integer from 1 to 2592000" });
    for secs in [0, 2_592_001] {
        stage.ask(&tenant.post(&valid_for(&tenant, secs))).await.refused(33100, wrong.clone());
    }
    let under_key = |secs| tenant.post(&valid_for(&tenant, secs)).header("idempotency-key", "once");
    let first = stage.ask(&under_key(60)).await.expect(201);
    assert_eq!(stage.ask(&under_key(60)).await.expect(201)["id"], first["id"]);
    stage.ask(&under_key(61)).await.refused(33013, Value::Null);
}
