//! What the operator sees of messages: finding them, why they wait, how many there are, and what needs attention.

use std::time::Duration;

use config::RouteConfig;
use serde_json::{Value, json};

use crate::inbound_commands::{done, run};
use crate::support::store::Trouble;
use crate::support::{RECIPIENT, Stage, carrier, dead_port, eventually};

const NOON: &str = "2026-03-15T12:00:00.000Z";

/// The ids of a page.
fn ids(page: &Value) -> Vec<&Value> {
    page["data"].as_array().unwrap().iter().map(|message| &message["id"]).collect()
}

/// What needs attention of this kind.
fn attention<'a>(overview: &'a Value, kind: &str) -> Option<&'a Value> {
    overview["attention"].as_array().unwrap().iter().find(|told| told["kind"] == kind)
}

#[tokio::test]
async fn a_message_is_found_by_every_name_that_it_has() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut message = tenant.message(RECIPIENT, "one");
    (message["reference"], message["idempotencyKey"]) = ("order 7".into(), "key-7".into());
    let one = stage.ask(&tenant.post(&message)).await.expect(201);
    let two = stage.send(&tenant, "+12025550199", "two").await;
    stage.reaches(&tenant, &one["id"], "delivered").await;
    let acknowledged = stage.life(&one["id"]).await["events"].as_array().unwrap().clone();
    let acknowledged = acknowledged.iter().find(|event| event["event"] == "acknowledged").unwrap().clone();
    let detail = acknowledged["detail"].as_str().unwrap();
    let carriers_id: String =
        detail.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let account = &tenant.account;
    for (query, found) in [
        (format!("number=%2B{}", &RECIPIENT[1..]), vec![&one["id"]]),
        (format!("number=%2B{}", &tenant.number[1..]), vec![&two["id"], &one["id"]]),
        ("reference=order%207".to_owned(), vec![&one["id"]]),
        (format!("reference={carriers_id}"), vec![&one["id"]]),
        (format!("reference={carriers_id}&status=failed"), vec![]),
        (format!("reference=key-7&accountId={account}"), vec![&one["id"]]),
        ("reference=key-7".to_owned(), vec![]),
    ] {
        let page = stage.operate("GET", &format!("/messages?{query}"), Value::Null).await.expect(200);
        assert_eq!(ids(&page), found, "{query}: {detail}");
    }
    let wrong = json!({ "field": "number" });
    stage.operate("GET", "/messages?number=%2B1", Value::Null).await.refused_by_operator(33003, wrong);
    let id = one["id"].as_str().unwrap();
    for what in [id, "order 7", RECIPIENT, &carriers_id] {
        let out = done(&stage, &["message", "find", what]).await;
        assert!(out.contains(id) && !out.contains(two["id"].as_str().unwrap()), "{what}: {out}");
    }
    assert_eq!(run(&stage, &["message", "find", "nobody"], "").await.0, Some(1));
    let all = done(&stage, &["message", "list", "--number", &tenant.number, "--all", "--json"]).await;
    assert_eq!(ids(&serde_json::from_str(&all).unwrap()), [&two["id"], &one["id"]]);
}

fn route(prefix: &str, carrier: &str) -> RouteConfig {
    let carriers = vec![carrier.to_owned()];
    RouteConfig { prefix: prefix.to_owned(), kind: None, carriers, on_unknown: Default::default() }
}

#[tokio::test]
async fn a_queued_message_says_what_it_waits_for() {
    let stage = Stage::with(|config, _| {
        config.carrier.push(carrier("down", dead_port()));
        config.route = vec![route("+44", "down"), route("", "main")];
    })
    .await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, "+447700900123", "hello").await;
    let waits = eventually("its carrier is known to be down", async || {
        let waits = stage.life(&sent["id"]).await["waitsFor"].take();
        (waits["reason"] == "carrierDown").then_some(waits)
    })
    .await;
    assert!(waits["sentence"].as_str().unwrap().starts_with("down has been down since "), "{waits}");
    assert!(waits["since"].is_string() && waits["nextTryAt"].is_null(), "{waits}");
    let shown = done(&stage, &["message", "show", sent["id"].as_str().unwrap()]).await;
    assert!(shown.contains("Still queued. down has been down since "), "{shown}");
    let other = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &other["id"], "delivered").await;
    assert!(stage.life(&other["id"]).await.get("waitsFor").is_none(), "it does not wait");
}

#[tokio::test]
async fn a_paced_message_says_when_its_turn_is() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let path = format!("/numbers/{}", tenant.number);
    stage.operate("PATCH", &path, json!({ "segmentsPerSecond": 1 })).await.expect(200);
    let mut last = Value::Null;
    for _ in 0..60 {
        last = stage.send(&tenant, RECIPIENT, "hello").await;
    }
    let waits = stage.life(&last["id"]).await["waitsFor"].take();
    assert_eq!(waits["reason"], "pace", "{waits}");
    assert!(waits["nextTryAt"].is_string(), "{waits}");
}

#[tokio::test]
async fn the_overview_counts_what_happens() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    let overview = eventually("the step of it is over", async || {
        let overview = stage.operate("GET", "/overview", Value::Null).await.expect(200);
        let sum = |name: &str| -> f64 {
            overview["hour"][name].as_array().unwrap().iter().map(|rate| rate.as_f64().unwrap()).sum()
        };
        (sum("accepted") > 0.0 && sum("sent") > 0.0 && sum("delivered") > 0.0).then_some(overview)
    })
    .await;
    assert_eq!((&overview["hour"]["stepSecs"], &overview["day"]["stepSecs"]), (&json!(5), &json!(60)));
    assert_eq!((&overview["node"]["of"], &overview["attention"]), (&json!(1), &json!([])));
    assert!(overview["carriers"].as_array().unwrap().iter().any(|carrier| carrier["state"] == "bound"), "{overview}");
    let short = stage.operate("GET", "/overview?rates=none", Value::Null).await.expect(200);
    assert_eq!((&short["hour"], &short["day"]), (&Value::Null, &Value::Null));
    let wrong = json!({ "field": "rates", "expected": "all, hour, day or none" });
    stage.operate("GET", "/overview?rates=week", Value::Null).await.refused_by_operator(33100, wrong);
    let told = done(&stage, &["status"]).await;
    assert!(told.contains("Nothing needs attention.") && told.contains("bound"), "{told}");
}

#[tokio::test]
async fn what_waits_too_long_needs_attention() {
    let stage = Stage::at(NOON, |config, _| config.carrier = vec![carrier("down", dead_port())]).await;
    let tenant = stage.tenant().await;
    stage.send(&tenant, RECIPIENT, "hello").await;
    let before = stage.operate("GET", "/overview", Value::Null).await.expect(200);
    assert_eq!(attention(&before, "queueOld"), None);
    stage.time.advance(Duration::from_secs(301));
    let after = stage.operate("GET", "/overview", Value::Null).await.expect(200);
    let told = attention(&after, "queueOld").unwrap();
    assert_eq!((&told["about"], &told["since"]), (&json!("down"), &json!(NOON)), "{told}");
    assert!(told["sentence"].is_string() && told["whatToDo"].is_string(), "{told}");
    assert_eq!(after["queue"], json!([{ "carrier": "down", "queued": 1, "oldestAt": NOON }]));
}

#[tokio::test]
async fn a_store_that_takes_no_writes_needs_attention() {
    let (stage, gates) = Stage::gated(|_, _| {}).await;
    gates.trouble(&["probe"], &Trouble::full());
    let overview = stage.operate("GET", "/overview?rates=none", Value::Null).await.expect(200);
    let told = attention(&overview, "storeFault").unwrap();
    assert!(told["sentence"].as_str().unwrap().contains("the disk is full"), "{told}");
    gates.heal(&["probe"]);
    let overview = stage.operate("GET", "/overview?rates=none", Value::Null).await.expect(200);
    assert_eq!(attention(&overview, "storeFault"), None);
}

#[tokio::test]
async fn a_message_shows_how_many_characters_each_segment_has() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (text, segments) in [
        ("a".repeat(160), json!([160])),
        // The euro sign takes two units, and stays whole.
        (format!("{}€{}", "a".repeat(152), "b".repeat(20)), json!([152, 21])),
        (format!("{}😀", "’".repeat(70)), json!([67, 4])),
    ] {
        let sent = stage.send(&tenant, RECIPIENT, &text).await;
        assert_eq!(sent["segments"], segments.as_array().unwrap().len(), "{sent}");
        assert_eq!(stage.life(&sent["id"]).await["segmentCharacters"], segments, "{text}");
    }
}
