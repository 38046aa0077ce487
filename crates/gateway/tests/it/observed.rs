//! What the operator sees: messages and their lives, carriers, health and metrics.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use store::contract::changes::{Kind, Kinds};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, carrier, dead_port, eventually};

#[tokio::test]
async fn the_whole_life_of_a_message_is_shown() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    let life = stage.life(&sent["id"]).await;
    for (field, value) in [
        ("accountId", json!(tenant.account)),
        ("mode", json!("live")),
        ("carrier", json!("main")),
        ("attempts", json!(1)),
        ("unknownOutcomes", json!(0)),
        ("held", json!(false)),
        ("status", json!("delivered")),
    ] {
        assert_eq!(life[field], value, "{field} of {life}");
    }
    let events: Vec<_> =
        life["events"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events.first(), Some(&"accepted"));
    for step in ["attempt", "acknowledged", "receipt"] {
        assert!(events.contains(&step), "{step} is missing from {events:?}");
    }
    stage
        .operate("GET", "/messages/msg_0000000000000000000000", Value::Null)
        .await
        .refused_by_operator(33101, Value::Null);
}

#[tokio::test]
async fn messages_of_all_accounts_or_of_one_are_listed() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    for tenant in [&tenant, &other, &other] {
        stage.send(tenant, RECIPIENT, "hello").await;
    }
    for (query, count) in [
        (String::new(), 3),
        (format!("?accountId={}", other.account), 2),
        (format!("?from=%2B{}", &tenant.number[1..]), 1),
    ] {
        let page = stage.operate("GET", &format!("/messages{query}"), Value::Null).await.expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
    }
    stage.operate("GET", "/messages?status=x", Value::Null).await.expect(400);
}

#[tokio::test]
async fn a_consumer_of_the_change_feed_that_stands_still_is_seen_in_the_metrics() {
    let stage = Stage::start().await;
    let store = stage.app().pipeline().store();
    let metrics = async || Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(!metrics().await.contains("smsfactory_changes_behind{"));
    for name in ["still", "swift"] {
        store.register_consumer(name, Kinds::of(&[Kind::Message])).await.unwrap();
    }
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    let end = store.changes("swift", 10).await.unwrap().end.unwrap();
    store.move_cursor("swift", end).await.unwrap();
    let metrics = metrics().await;
    // It was sent, and then delivered.
    for line in [
        "# TYPE smsfactory_changes_behind gauge",
        "smsfactory_changes_behind{consumer=\"still\"} 2",
        "smsfactory_changes_behind{consumer=\"swift\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is missing from {metrics}");
    }
}

#[tokio::test]
async fn carriers_say_how_they_are_doing() {
    let stage = Stage::with(|config, _| config.carrier.push(carrier("dead", dead_port()))).await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    let main = stage.carrier("main").await;
    let counts = ["queued", "sent", "delivered", "undelivered", "failed", "submitted", "throttled", "unknown"]
        .map(|name| main[name].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 1, 0, 0, 1, 0, 0], "{main}");
    assert_eq!(
        (&main["state"], &main["sessions"], &main["window"]["of"]),
        (&json!("bound"), &json!({ "used": 1, "of": 1 }), &json!(50))
    );
    assert!(main["throughput"].is_number());
    let dead = eventually("the dead carrier says why", async || {
        Some(stage.carrier("dead").await).filter(|dead| dead["lastError"].is_string())
    })
    .await;
    assert_eq!(dead["sessions"]["used"], 0);
    assert_eq!(stage.carrier("sandbox").await["state"], "bound");
}

#[tokio::test]
async fn health_and_readiness_are_told_without_a_token() {
    let stage = Stage::start().await;
    let alive = Ask::new("GET", "/healthz");
    let ready = Ask::new("GET", "/readyz");
    assert_eq!(alive.send(stage.admin).await.expect(200), json!({ "status": "ok" }));
    assert_eq!(
        ready.send(stage.admin).await.expect(200),
        json!({ "status": "ready", "draining": false, "store": "ok", "tasks": "ok" })
    );
    stage.app().pipeline().begin_draining();
    assert_eq!(alive.send(stage.admin).await.expect(200), json!({ "status": "ok" }));
    assert_eq!(
        ready.send(stage.admin).await.expect(503),
        json!({ "status": "unavailable", "draining": true, "store": "ok", "tasks": "ok" })
    );
    Ask::new("POST", "/healthz").send(stage.admin).await.refused_by_operator(33102, Value::Null);
}

/// The samples of a text of metrics, by name and labels.
fn samples(text: &str) -> HashMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn metrics_have_what_a_person_who_is_paged_asks_for() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |config, _| {
        config.carrier.push(carrier("dead", dead_port()));
        config.route = vec![route("+1", "main"), route("+44", "dead")];
    })
    .await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.send(&tenant, "+442071838750", "waits").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    stage.ask(&Ask::new("GET", "/nothing")).await.expect(404);
    stage.time.advance(Duration::from_secs(90));
    let reply = Ask::new("GET", "/metrics").send(stage.admin).await;
    assert_eq!(reply.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    let text = reply.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = samples(&text);
    let value = |name: &str| {
        *samples.get(&format!("smsfactory_{name}")).unwrap_or_else(|| panic!("{name} is missing from\n{text}"))
    };
    let of = |name: &str, carrier: &str| value(&format!("{name}{{carrier=\"{carrier}\"}}"));
    let route = "route=\"/api/v1/messaging/message\"";
    assert_eq!(value(&format!("http_requests_total{{method=\"POST\",{route},status=\"201\"}}")), 2.0);
    assert_eq!(value("http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}"), 1.0);
    assert_eq!(value(&format!("http_request_duration_seconds_count{{method=\"POST\",{route}}}")), 2.0);
    assert_eq!(value(&format!("http_request_duration_seconds_bucket{{le=\"+Inf\",method=\"POST\",{route}}}")), 2.0);
    assert_eq!((of("queue_messages", "dead"), of("queue_oldest_age_seconds", "dead")), (1.0, 90.0));
    assert_eq!((of("carrier_up", "main"), of("carrier_up", "dead")), (1.0, 0.0));
    assert_eq!(
        (of("carrier_window", "main"), of("carrier_window_in_use", "main"), of("carrier_sessions", "main")),
        (50.0, 0.0, 1.0)
    );
    assert_eq!((of("carrier_throttled_total", "main"), of("carrier_segments_unknown_total", "main")), (0.0, 0.0));
    assert_eq!((of("carrier_segments_submitted_total", "main"), of("messages_delivered_total", "main")), (1.0, 1.0));
    assert_eq!(
        (value("messages_admitted_total"), value("attempts_unknown_total"), value("receipts_matched_total")),
        (2.0, 0.0, 1.0)
    );
    assert!(value("store_commit_group_size_count") >= 2.0 && value("store_commit_duration_seconds_sum") > 0.0);
    let is_known = |line: &&str| line.starts_with("smsfactory_") || line.starts_with("process_");
    let named = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).filter(|line| !is_known(line));
    assert_eq!(named.collect::<Vec<_>>(), Vec::<&str>::new(), "every name is ours, or one that every process has");
    assert!(
        !text.contains("+1") && !text.contains("hello") && !text.contains(&tenant.account),
        "no number, text or account"
    );
}

fn route(prefix: &str, carrier: &str) -> config::RouteConfig {
    config::RouteConfig {
        prefix: prefix.to_owned(),
        kind: None,
        carriers: vec![carrier.to_owned()],
        on_unknown: Default::default(),
    }
}
