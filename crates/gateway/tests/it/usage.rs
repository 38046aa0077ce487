//! The account's messages by day, as they are counted in the transactions that move them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::inbound_commands::done;
use crate::support::{RECIPIENT, Stage, Tenant, eventually};

const NOON: &str = "2026-03-15T12:00:00.000Z";

/// The rows of an answer, each as one line.
fn rows(usage: &Value) -> Vec<String> {
    let text = |row: &Value, field: &str| row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned);
    let fields = ["day", "direction", "messageType", "status", "messages", "segments"];
    let row = |row: &Value| fields.map(|field| text(row, field)).join(" ");
    usage["data"].as_array().unwrap().iter().map(row).collect()
}

async fn usage(stage: &Stage, tenant: &Tenant, query: &str) -> Value {
    stage.ask(&tenant.get(&format!("/usage{query}"))).await.expect(200)
}

/// The usage of the last days once it has these rows.
async fn rows_are(stage: &Stage, tenant: &Tenant, expected: &[&str]) -> Value {
    eventually("everything has ended", async || {
        Some(usage(stage, tenant, "").await).filter(|usage| rows(usage) == expected)
    })
    .await
}

#[tokio::test]
async fn messages_count_in_their_day_with_the_status_that_they_have_now() {
    let mut stage = Stage::at(NOON, |_, _| {}).await;
    let live = stage.tenant().await;
    let tenant = stage.key(&live, json!({ "mode": "test" })).await;
    let expected = [
        "2026-03-15 outbound SMS sent 1 1",
        "2026-03-15 outbound SMS delivered 2 3",
        "2026-03-15 outbound SMS undelivered 1 1",
        "2026-03-15 outbound SMS failed 1 1",
        "2026-03-16 outbound SMS delivered 2 2",
    ];
    // The sandbox: delivered, unreachable, refused, and one without a receipt.
    for (to, body) in [
        ("+12025550143", "hello".to_owned()),
        ("+12025550144", "x".repeat(161)),
        ("+12025550001", "hello".to_owned()),
        ("+12025550002", "hello".to_owned()),
        ("+12025550005", "hello".to_owned()),
    ] {
        stage.send(&tenant, to, &body).await;
    }
    rows_are(&stage, &tenant, &expected[..4]).await;
    stage.time.advance(Duration::from_secs(86_400));
    let recipients = json!({ "recipients": ["+12025550145", "+12025550146"], "from": tenant.number, "body": "again" });
    stage.ask(&tenant.broadcast(&recipients)).await.expect(201);
    let whole = rows_are(&stage, &tenant, &expected).await;
    assert_eq!(
        (&whole["from"], &whole["to"], &whole["by"]),
        (&json!("2026-02-15"), &json!("2026-03-16"), &json!("day"))
    );
    assert_eq!(rows(&usage(&stage, &live, "").await), [""; 0], "the other world has its own");
    stage.receive(&live, RECIPIENT, "hello back").await;
    assert_eq!(rows(&usage(&stage, &live, "").await), ["2026-03-16 inbound SMS received 1 1"]);

    for (query, expected) in [
        ("?from=2026-03-16", &expected[4..]),
        ("?to=2026-03-15", &expected[..4]),
        ("?from=2026-03-15&to=2026-03-15&by=day", &expected[..4]),
        ("?from=2026-03-15T23:30:00-01:00&to=2026-03-16T00:00:00Z", &expected[4..]),
        ("?from=2025-03-16&to=2026-03-16", &expected[..]),
        ("?from=2026-03-17&to=2026-03-20", &[]),
    ] {
        assert_eq!(rows(&usage(&stage, &tenant, query).await), expected, "{query}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn the_same_rows_come_as_a_file() {
    let mut stage = Stage::at(NOON, |_, _| {}).await;
    let live = stage.tenant().await;
    let tenant = stage.key(&live, json!({ "mode": "test" })).await;
    let header = "day,direction,messageType,status,messages,segments\n";
    let csv = |tenant: &Tenant| tenant.get("/usage").header("accept", "text/csv");
    let empty = stage.ask(&csv(&tenant)).await;
    empty.expect_text(200);
    assert_eq!(empty.text(), header);
    stage.send(&tenant, RECIPIENT, "hello").await;
    let expected = format!("{header}2026-03-15,outbound,SMS,delivered,1,1\n");
    let reply = eventually("it is delivered", async || {
        Some(stage.ask(&csv(&tenant)).await).filter(|reply| reply.text() == expected)
    })
    .await;
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(reply.header("vary"), Some("Accept"));
    // An error is JSON whatever was asked for.
    let refused = stage.ask(&tenant.get("/usage?by=hour").header("accept", "text/csv")).await;
    refused.refused(33100, json!({ "field": "by", "expected": "day" }));
    stage.stop().await;
}

#[tokio::test]
async fn a_parameter_that_cannot_be_is_named() {
    let mut stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let date = "a date or a time as in RFC 3339";
    let before = "a day that is not after `to` (by default today)";
    let many = "a day so late that there are at most 366 days up to `to`";
    for (query, field, expected) in [
        ("from=yesterday", "from", date),
        ("to=2026-02-30", "to", date),
        ("from=1773585000", "from", date),
        ("by=month", "by", "day"),
        ("from=2026-03-16", "from", before),
        ("from=2026-03-02&to=2026-03-01", "from", before),
        ("from=2025-03-01&to=2026-03-02", "from", many),
        ("from=0001-01-01", "from", many),
    ] {
        let refused = stage.ask(&tenant.get(&format!("/usage?{query}"))).await;
        refused.refused(33100, json!({ "field": field, "expected": expected }));
    }
    stage.stop().await;
}

#[tokio::test]
async fn the_operator_sees_what_the_account_sees() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    stage.receive(&tenant, RECIPIENT, "hello back").await;
    let own = usage(&stage, &tenant, "").await;
    assert_eq!(rows(&own), ["2026-03-15 outbound SMS delivered 1 1", "2026-03-15 inbound SMS received 1 1"]);
    let path = format!("/accounts/{}/usage", tenant.account);
    assert_eq!(stage.operate("GET", &path, Value::Null).await.expect(200), own);
    let test = stage.operate("GET", &format!("{path}?mode=test&from=2026-03-01"), Value::Null).await.expect(200);
    assert_eq!((&test["from"], &test["data"]), (&json!("2026-03-01"), &json!([])));
    for (query, field) in [("mode=x", "mode"), ("from=x", "from"), ("to=2026-01-01&from=2026-01-02", "from")] {
        let refused = stage.operate("GET", &format!("{path}?{query}"), Value::Null).await;
        assert_eq!((refused.status, &refused.json()["additionalInfo"]["field"]), (400, &json!(field)), "{query}");
    }
    let nobody = "/accounts/acc_0000000000000000000000/usage";
    stage.operate("GET", nobody, Value::Null).await.refused_by_operator(33101, Value::Null);
    let printed = done(&stage, &["account", "usage", &tenant.account]).await;
    for word in ["DAY", "2026-03-15", "delivered", "received"] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
}
