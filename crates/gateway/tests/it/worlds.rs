//! Test and live are two worlds: nothing that is made with a test key is seen by a live key or counted with it, nor the
//! other way round.

use serde_json::{Value, json};

use crate::support::http::{Ask, Reply};
use crate::support::{RECIPIENT, Stage, Tenant, eventually};

const NOON: &str = "2026-03-15T12:00:00.000Z";

/// A tenant's live key and its test key.
async fn worlds(stage: &Stage, limits: Value) -> [Tenant; 2] {
    let live = stage.tenant_with(limits).await;
    let test = stage.key(&live, json!({ "mode": "test" })).await;
    [live, test]
}

/// Both orders in which the two can come.
fn orders([live, test]: &[Tenant; 2]) -> [[&Tenant; 2]; 2] {
    [[test, live], [live, test]]
}

fn message(tenant: &Tenant, body: &str, key: &str) -> Ask {
    tenant.post(&tenant.message(RECIPIENT, body)).header("idempotency-key", key)
}

fn broadcast(tenant: &Tenant, body: &str, key: &str) -> Ask {
    tenant
        .broadcast(&json!({ "recipients": ["+12025550143", "+12025550144"], "from": tenant.number, "body": body }))
        .header("idempotency-key", key)
}

/// A request that was admitted, and is no replay.
#[track_caller]
fn is_new(reply: &Reply) -> Value {
    assert_eq!((reply.status, reply.header("idempotent-replayed")), (201, None), "{reply}");
    reply.json()["id"].clone()
}

#[tokio::test]
async fn a_key_of_one_world_means_nothing_in_the_other() {
    let mut stage = Stage::start().await;
    let tenants = worlds(&stage, json!({})).await;
    for request in [message, broadcast] {
        for (round, [first, second]) in orders(&tenants).into_iter().enumerate() {
            let key = format!("order-{round}");
            let ids = [
                is_new(&stage.ask(&request(first, "hello", &key)).await),
                is_new(&stage.ask(&request(second, "hello", &key)).await),
            ];
            assert_ne!(ids[0], ids[1]);
            // The same key for another request is taken in the one and free in the other.
            let other = format!("other-{round}");
            is_new(&stage.ask(&request(first, "hello", &other)).await);
            is_new(&stage.ask(&request(second, "goodbye", &other)).await);
            for (tenant, id) in [(first, &ids[0]), (second, &ids[1])] {
                let again = stage.ask(&request(tenant, "hello", &key)).await;
                assert_eq!(
                    (again.json()["id"].clone(), again.header("idempotent-replayed")),
                    (id.clone(), Some("true"))
                );
                stage.ask(&request(tenant, "something else", &key)).await.refused(33013, Value::Null);
            }
        }
    }
    // What a live key sent leaves; what a test key sent does not.
    let live = stage.carrier("main").await["queued"].clone();
    eventually("all live messages are submitted", async || (stage.smsc.summary().submitted == 4 + 4 * 2).then_some(()))
        .await;
    assert!(live.is_number() && stage.submissions().len() == 12);
    stage.restart(|_| {}).await;
    for tenant in &tenants {
        assert_eq!(stage.ask(&message(tenant, "hello", "order-0")).await.header("idempotent-replayed"), Some("true"));
    }
}

#[tokio::test]
async fn a_request_under_way_in_one_world_keeps_no_key_from_the_other() {
    let (stage, gates) = Stage::gated(|_, options| options.receipts = "none=1".parse().unwrap()).await;
    let tenants = worlds(&stage, json!({})).await;
    for (round, [first, second]) in orders(&tenants).into_iter().enumerate() {
        let (api, key) = (stage.api, format!("order-{round}"));
        let recording = gates.gate_before("record_answer");
        let ask = message(first, "hello", &key).header("prefer", "wait=30");
        let waiting = tokio::spawn(async move { ask.send(api).await });
        recording.reached().await;
        stage.ask(&message(first, "hello", &key)).await.refused(33013, Value::Null);
        is_new(&stage.ask(&message(second, "hello", &key)).await);
        recording.open();
        is_new(&waiting.await.unwrap());
    }
}

#[tokio::test]
async fn a_quota_is_used_in_one_world_and_left_in_the_other() {
    let mut stage = Stage::at(NOON, |_, _| {}).await;
    for used_by in [0, 1] {
        let tenants = worlds(&stage, json!({ "dailyQuota": 3 })).await;
        let (user, other) = (&tenants[used_by], &tenants[1 - used_by]);
        is_new(&stage.ask(&message(user, "hello", "order-1")).await);
        is_new(&stage.ask(&broadcast(user, "hello", "order-2")).await);
        stage.ask(&message(user, "hello", "order-3")).await.refused(33012, Value::Null);
        is_new(&stage.ask(&message(other, "hello", "order-4")).await);
        stage.restart(|_| {}).await;
        stage.ask(&message(user, "hello", "order-5")).await.refused(33012, Value::Null);
        stage.ask(&broadcast(user, "hello", "order-6")).await.refused(33012, Value::Null);
        is_new(&stage.ask(&broadcast(other, "hello", "order-7")).await);
        stage.ask(&message(other, "hello", "order-8")).await.refused(33012, Value::Null);
    }
}

#[tokio::test]
async fn a_rate_window_is_counted_in_one_world_and_not_in_the_other() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let asks: [fn(&Tenant) -> Ask; 3] = [
        |tenant| message(tenant, "hello", "order-1"),
        |tenant| broadcast(tenant, "hello", "order-1"),
        |tenant| tenant.get("/message"),
    ];
    for used_by in [0, 1] {
        let tenants =
            worlds(&stage, json!({ "messagePerMinute": 2, "broadcastPerMinute": 2, "readPerMinute": 2 })).await;
        let (user, other) = (&tenants[used_by], &tenants[1 - used_by]);
        for ask in asks {
            assert_eq!(stage.ask(&ask(user)).await.has_rate_limit().1, 1);
            assert_eq!(stage.ask(&ask(user)).await.has_rate_limit().1, 0);
            stage.ask(&ask(user)).await.refused(33002, Value::Null);
            let reply = stage.ask(&ask(other)).await;
            assert_eq!((reply.status / 100, reply.has_rate_limit().1), (2, 1), "{reply}");
        }
    }
}

#[tokio::test]
async fn a_pace_of_a_number_is_used_in_one_world_and_left_in_the_other() {
    // The time stands still: a second message of the same world would wait for ever.
    let stage = Stage::at(NOON, |_, _| {}).await;
    for first in [0, 1] {
        let tenants = worlds(&stage, json!({})).await;
        stage
            .operate("PATCH", &format!("/numbers/{}", tenants[0].number), json!({ "segmentsPerSecond": 1 }))
            .await
            .expect(200);
        for tenant in [&tenants[first], &tenants[1 - first]] {
            let id = stage.send(tenant, RECIPIENT, "hello").await["id"].clone();
            stage.reaches(tenant, &id, "delivered").await;
        }
    }
}

#[tokio::test]
async fn the_operator_sees_both_worlds_marked_and_one_alone_where_asked() {
    let stage = Stage::start().await;
    let tenants = worlds(&stage, json!({})).await;
    let offer = "Cheap vodka delivered to your door tonight, order now";
    for tenant in &tenants {
        stage.ask(&tenant.post(&tenant.message(RECIPIENT, offer))).await.expect(400);
        stage.send(tenant, RECIPIENT, "hello").await;
        stage.ask(&broadcast(tenant, "hello", "order-1")).await.expect(201);
    }
    let modes = async |path: &str| {
        let page = stage.operate("GET", path, Value::Null).await.expect(200);
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["mode"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for path in ["/screening", "/broadcasts", &format!("/messages?to={}", RECIPIENT.replace('+', "%2B"))] {
        let found = modes(path).await;
        assert!(found.contains(&"live".to_owned()) && found.contains(&"test".to_owned()), "{path}: {found:?}");
    }
    for mode in ["test", "live"] {
        for query in [
            format!("mode={mode}"),
            format!("mode={mode}&accountId={}", tenants[0].account),
            format!("mode={mode}&outcome=blocked"),
        ] {
            assert_eq!(modes(&format!("/screening?{query}")).await, [mode], "{query}");
        }
    }
    stage
        .operate("GET", "/screening?mode=both", Value::Null)
        .await
        .refused_by_operator(33100, json!({ "field": "mode", "expected": "live or test" }));
    let metrics = String::from_utf8(Ask::new("GET", "/metrics").send(stage.admin).await.body).unwrap();
    for (name, count) in [("messages_admitted", 2), ("messages_admitted_test", 1)] {
        assert!(metrics.contains(&format!("smsfactory_{name}_total {count}\n")), "{metrics}");
    }
}
