//! Rate limits and quotas: exact under concurrency, on time, each account and address for itself.

use std::time::Duration;

use model::Timestamp;
use serde_json::{Value, json};

use crate::support::http::{Ask, Reply};
use crate::support::store::Trouble;
use crate::support::{RECIPIENT, Stage, Tenant, at_once, basic};

const AFTERNOON: &str = "2026-03-15T14:30:00.000Z";

fn post(tenant: &Tenant) -> Ask {
    tenant.post(&tenant.message(RECIPIENT, "hello"))
}

/// A request that fails to authenticate, from behind a proxy for `client`.
fn failing(client: &str) -> Ask {
    let ask = Ask::new("GET", "/api/v1/messaging/message").header("authorization", &basic("uk_nobody", "wrong"));
    if client.is_empty() { ask } else { ask.header("x-forwarded-for", client) }
}

fn accepted(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status == 201).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_as_allowed_pass_however_many_come_at_once() {
    let stage = Stage::at(AFTERNOON, |_, _| {}).await;
    for _ in 0..3 {
        let tenant = stage.tenant_with(json!({ "messagePerMinute": 10 })).await;
        let replies = at_once(stage.api, (0..150).map(|_| post(&tenant))).await;
        assert_eq!(accepted(&replies), 10);
        replies.iter().filter(|reply| reply.status != 201).for_each(|reply| reply.refused(33002, Value::Null));
        let mut remaining: Vec<_> =
            replies.iter().filter(|reply| reply.status == 201).map(|reply| reply.has_rate_limit().1).collect();
        remaining.sort_unstable();
        assert_eq!(remaining, (0..10).collect::<Vec<_>>(), "each of them is told another number");
        assert_eq!(stage.count(&tenant).await, 10);
    }
}

#[tokio::test]
async fn a_window_ends_60_seconds_after_its_first_request() {
    let stage = Stage::at("2026-03-15T14:30:00.400Z", |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 2 })).await;
    assert_eq!(stage.ask(&post(&tenant)).await.has_rate_limit(), (2, 1, 1_773_585_061));
    stage.time.advance(Duration::from_secs(30));
    assert_eq!(stage.ask(&post(&tenant)).await.has_rate_limit(), (2, 0, 1_773_585_061));
    let refused = stage.ask(&post(&tenant)).await;
    assert_eq!((refused.number("retry-after"), refused.code()), (30, 33002));
    stage.time.advance(Duration::from_millis(29_999));
    let refused = stage.ask(&post(&tenant)).await;
    assert_eq!((refused.number("retry-after"), refused.code()), (1, 33002));
    stage.time.advance(Duration::from_millis(1));
    assert_eq!(stage.ask(&post(&tenant)).await.has_rate_limit(), (2, 1, 1_773_585_121));
}

#[tokio::test]
async fn kinds_accounts_and_modes_are_counted_apart() {
    let stage = Stage::at(AFTERNOON, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 1, "readPerMinute": 2 })).await;
    let (second_key, test_key) =
        (stage.key(&tenant, json!({})).await, stage.key(&tenant, json!({ "mode": "test" })).await);
    let other = stage.tenant_with(json!({ "messagePerMinute": 7 })).await;
    stage.ask(&post(&tenant)).await.expect(201);
    assert_eq!(stage.ask(&post(&second_key)).await.code(), 33002, "live keys of an account share its window");
    stage.ask(&post(&test_key)).await.expect(201);
    assert_eq!(stage.ask(&post(&test_key)).await.code(), 33002, "test keys have a window of the same size");
    assert_eq!(stage.ask(&post(&other)).await.has_rate_limit().0, 7);
    assert_eq!(stage.ask(&tenant.get("/message")).await.has_rate_limit(), (2, 1, 1_773_585_060));
    assert_eq!(stage.ask(&tenant.get("/nothing")).await.has_rate_limit(), (2, 0, 1_773_585_060));
    assert_eq!(stage.ask(&tenant.get("/message")).await.code(), 33002);
}

#[tokio::test]
async fn a_changed_limit_holds_at_once() {
    let stage = Stage::at(AFTERNOON, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 1 })).await;
    stage.ask(&post(&tenant)).await.expect(201);
    assert_eq!(stage.ask(&post(&tenant)).await.code(), 33002);
    stage
        .operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "messagePerMinute": 3 }))
        .await
        .expect(200);
    assert_eq!(stage.ask(&post(&tenant)).await.has_rate_limit(), (3, 1, 1_773_585_060));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_fails_so_often_and_whoever_has_a_key_still_passes() {
    let stage = Stage::at(AFTERNOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let replies = at_once(stage.api, (0..100).map(|_| failing(""))).await;
    let (failed, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 401);
    assert_eq!((failed.len(), refused.len()), (30, 70));
    refused.iter().for_each(|reply| reply.refused(33002, Value::Null));
    assert_eq!(refused[0].has_rate_limit(), (30, 0, 1_773_585_060));
    stage.ask(&tenant.get("/message")).await.expect(200);
    stage.ask(&post(&tenant)).await.expect(201);
    assert_eq!(stage.ask(&Ask::new("GET", "/page/errors")).await.has_rate_limit(), (30, 0, 1_773_585_060));
    stage.time.advance(Duration::from_secs(60));
    stage.ask(&failing("")).await.refused(33001, Value::Null);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_the_last_untrusted_hop() {
    let stage = Stage::with(|config, _| {
        config.limits.failed_auth_per_minute = 1;
        config.api.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    })
    .await;
    for (forwarded, code) in [
        ("198.51.100.1", 33001),
        ("198.51.100.1", 33002),
        ("203.0.113.7, 198.51.100.1, 10.0.0.9", 33002),
        ("198.51.100.1, 198.51.100.2", 33001),
        ("2001:db8::1", 33001),
        ("[2001:db8::1]:4711", 33002),
        ("", 33001),
        ("nonsense", 33002),
    ] {
        assert_eq!(stage.ask(&failing(forwarded)).await.code(), code, "{forwarded}");
    }
}

#[tokio::test]
async fn a_header_of_a_stranger_is_not_believed() {
    let stage = Stage::with(|config, _| config.limits.failed_auth_per_minute = 1).await;
    stage.ask(&failing("198.51.100.1")).await.refused(33001, Value::Null);
    stage.ask(&failing("198.51.100.2")).await.refused(33002, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daily_quota_is_exact_and_outlives_a_restart() {
    let mut stage = Stage::at(AFTERNOON, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 25 })).await;
    let replies = at_once(stage.api, (0..20).map(|_| post(&tenant))).await;
    assert_eq!(accepted(&replies), 20);
    stage.restart(|_| {}).await;
    let replies = at_once(stage.api, (0..100).map(|_| post(&tenant))).await;
    assert_eq!(accepted(&replies), 5);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        reply.refused(33012, Value::Null);
        assert_eq!(reply.number("retry-after"), 34_200, "9.5 hours until midnight");
    }
    assert_eq!(stage.count(&tenant).await, 25);
}

#[tokio::test]
async fn a_quota_begins_anew_at_midnight_utc() {
    for (before, after) in [
        ("2026-03-15T23:59:59.999Z", "2026-03-16T00:00:00.000Z"),
        ("2028-02-28T23:59:59.999Z", "2028-02-29T00:00:00.000Z"),
        ("2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z"),
    ] {
        let stage = Stage::at(before, |_, _| {}).await;
        let tenant = stage.tenant_with(json!({ "dailyQuota": 1 })).await;
        stage.ask(&post(&tenant)).await.expect(201);
        let refused = stage.ask(&post(&tenant)).await;
        assert_eq!((refused.code(), refused.number("retry-after")), (33012, 1), "{before}");
        stage.time.set(Timestamp::parse(after).unwrap());
        stage.ask(&post(&tenant)).await.expect(201);
        assert_eq!(stage.ask(&post(&tenant)).await.number("retry-after"), 86_400);
    }
}

#[tokio::test]
async fn new_accounts_get_the_configured_limits() {
    let stage = Stage::with(|config, _| {
        config.limits.message_per_minute = 11;
        config.limits.daily_quota = 12;
    })
    .await;
    let account =
        stage.operate("POST", "/accounts", json!({ "name": "defaults", "readPerMinute": 13 })).await.expect(201);
    let limits = ["messagePerMinute", "broadcastPerMinute", "readPerMinute", "dailyQuota"]
        .map(|name| account[name].as_u64().unwrap());
    assert_eq!(limits, [11, 5, 13, 12]);
}

#[tokio::test]
async fn what_the_store_cannot_count_does_not_pass() {
    let (stage, gates) = Stage::gated(|_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 60, "readPerMinute": 300 })).await;
    gates.trouble(&["take"], &Trouble::full());
    for (ask, limit) in [(post(&tenant), 60), (tenant.get("/message"), 300), (failing(""), 30)] {
        let refused = stage.ask(&ask).await;
        refused.refused(33105, Value::Null);
        assert_eq!(refused.has_rate_limit().0, limit);
    }
    let guess = Ask::new("GET", "/admin/v1/accounts").header("authorization", "Bearer wrong");
    guess.send(stage.admin).await.refused_by_operator(33105, Value::Null);
    stage.operate("GET", "/accounts", Value::Null).await.expect(200);
    gates.trouble(&["standing"], &Trouble::full());
    assert_eq!(stage.ask(&Ask::new("GET", "/page/errors")).await.has_rate_limit().0, 30);
    gates.heal(&["take", "standing"]);
    stage.ask(&post(&tenant)).await.expect(201);
    assert_eq!(stage.count(&tenant).await, 1);
}
