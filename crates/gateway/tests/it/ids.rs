//! Ids sort by time, whatever the machine's clock does: what is newer is first in a list.

use std::time::Duration;

use model::Timestamp;
use serde_json::{Value, json};

use crate::support::{RECIPIENT, Stage, Tenant};

/// The ids of the first page of a list, newest first.
async fn listed(stage: &Stage, tenant: &Tenant, path: &str) -> Vec<Value> {
    let page = stage.ask(&tenant.get(path)).await.expect(200);
    page["data"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect()
}

async fn sent(stage: &Stage, tenant: &Tenant) -> [Value; 2] {
    let broadcast = json!({ "recipients": [RECIPIENT], "from": tenant.number, "body": "hello" });
    [
        stage.send(tenant, RECIPIENT, "hello").await["id"].clone(),
        stage.ask(&tenant.broadcast(&broadcast)).await.expect(201)["id"].clone(),
    ]
}

#[tokio::test]
async fn the_newest_is_first_also_after_the_clock_went_back() {
    let mut stage = Stage::at("2026-03-15T12:00:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant().await;
    let (mut messages, mut broadcasts) = (Vec::new(), Vec::new());
    for (time, restarts) in [
        ("2026-03-15T12:00:00.000Z", false),
        ("2026-03-15T11:00:00.000Z", false),
        ("2026-03-15T11:00:00.000Z", true),
        ("2026-03-14T12:00:00.000Z", true),
        ("2026-03-15T11:59:59.999Z", false),
        ("2026-03-15T12:00:00.000Z", true),
        ("2026-03-15T12:00:01.000Z", false),
    ] {
        stage.time.set(Timestamp::parse(time).unwrap());
        if restarts {
            stage.restart(|_| {}).await;
        }
        for _ in 0..5 {
            let [message, broadcast] = sent(&stage, &tenant).await;
            let shown = stage.ask(&tenant.get(&format!("/message/{}", message.as_str().unwrap()))).await.expect(200);
            assert_eq!(shown["createdAt"], time, "the time that is told is the clock's");
            messages.insert(0, message);
            broadcasts.insert(0, broadcast);
        }
        let singles: Vec<Value> = listed(&stage, &tenant, "/message?limit=100")
            .await
            .into_iter()
            .filter(|id| messages.contains(id))
            .collect();
        assert_eq!(singles, messages, "at {time}");
        assert_eq!(listed(&stage, &tenant, "/broadcast?limit=100").await, broadcasts, "at {time}");
    }
}

#[tokio::test]
async fn who_asks_for_what_came_after_a_moment_misses_nothing() {
    let stage = Stage::at("2026-03-15T12:00:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant().await;
    let first = stage.send(&tenant, RECIPIENT, "hello").await["id"].clone();
    stage.time.set(Timestamp::parse("2026-03-15T11:00:00.000Z").unwrap());
    let second = stage.send(&tenant, RECIPIENT, "hello").await["id"].clone();
    assert_eq!(listed(&stage, &tenant, "/message?after=2026-03-15T11:00:00.000Z").await, [second, first]);
}

#[tokio::test]
async fn a_clock_that_was_years_ahead_does_not_name_what_comes_after_it() {
    let mut stage = Stage::at("2099-01-01T00:00:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant().await;
    let far = stage.send(&tenant, RECIPIENT, "hello").await["id"].clone();
    for restarts in [false, true] {
        stage.time.set(Timestamp::parse("2026-03-15T12:00:00.000Z").unwrap());
        if restarts {
            stage.restart(|_| {}).await;
        }
        let (mut ids, before) = (vec![], listed(&stage, &tenant, "/message").await.len());
        for _ in 0..3 {
            ids.insert(0, stage.send(&tenant, RECIPIENT, "hello").await["id"].clone());
            stage.time.advance(Duration::from_millis(1));
        }
        let list = listed(&stage, &tenant, "/message").await;
        assert_eq!((&list[0], &list[1..4], list.len()), (&far, &ids[..], before + 3));
        let before = listed(&stage, &tenant, "/message?before=2026-03-16T00:00:00.000Z").await;
        assert_eq!(&before[..3], &ids[..]);
    }
}

#[tokio::test]
async fn accounts_are_listed_in_the_order_of_their_making() {
    let mut stage = Stage::at("2026-03-15T12:00:00.000Z", |_, _| {}).await;
    let mut made = Vec::new();
    for (time, restarts) in
        [("2026-03-15T12:00:00.000Z", false), ("2026-03-15T11:00:00.000Z", false), ("2026-03-15T10:00:00.000Z", true)]
    {
        stage.time.set(Timestamp::parse(time).unwrap());
        if restarts {
            stage.restart(|_| {}).await;
        }
        for _ in 0..3 {
            made.push(Value::from(stage.tenant().await.account));
        }
    }
    let listed = stage.operate("GET", "/accounts?limit=100", Value::Null).await.expect(200);
    assert_eq!(
        listed["data"].as_array().unwrap().iter().map(|account| account["id"].clone()).collect::<Vec<_>>(),
        made
    );
}
