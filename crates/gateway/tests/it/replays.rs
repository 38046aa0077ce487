//! Replays under every order of events: whatever a repeat meets, it is answered as the first request was, or told that
//! this is still under way.

use std::sync::Arc;

use model::idempotency::Endpoint;
use serde_json::{Value, json};
use store::StoreError;

use crate::support::http::{Ask, Connection, Reply};
use crate::support::store::{Gated, Trouble};
use crate::support::{RECIPIENT, Stage, Tenant, at_once, eventually};

/// A request under `key` that waits until its message, or its broadcast, has left the queue.
fn waiting(tenant: &Tenant, endpoint: Endpoint, key: &str) -> Ask {
    let ask = match endpoint {
        Endpoint::Message => tenant.post(&tenant.message(RECIPIENT, "hello")),
        Endpoint::Broadcast => {
            tenant.broadcast(&json!({ "recipients": [RECIPIENT], "from": tenant.number, "body": "hello" }))
        }
    };
    ask.header("idempotency-key", key).header("prefer", "wait=30")
}

/// The method with which the store looks for an answer given before.
fn look_up(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Message => "replay",
        Endpoint::Broadcast => "replay_broadcast",
    }
}

const ENDPOINTS: [Endpoint; 2] = [Endpoint::Message, Endpoint::Broadcast];

/// What a client sees of an answer, but for its rate limit and whether it is a replay.
fn seen(reply: &Reply) -> (u16, String, Vec<(&str, &str)>) {
    let own = |name: &str| !name.starts_with("x-ratelimit") && !matches!(name, "date" | "idempotent-replayed");
    let headers =
        reply.headers.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.as_str(), value.as_str()));
    (reply.status, reply.text(), headers.collect())
}

#[track_caller]
fn repeats(first: &Reply, again: &Reply) {
    assert_eq!(first.status, 201, "{first}");
    assert_eq!(seen(first), seen(again));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
}

/// Platforms whose carrier reports nothing, so that a message stays `sent`.
async fn gated() -> (Stage, Arc<Gated>) {
    Stage::gated(|_, options| options.receipts = "none=1".parse().unwrap()).await
}

#[tokio::test]
async fn a_repeat_that_looked_before_the_answer_was_recorded_says_nothing_else() {
    let (stage, gates) = gated().await;
    let tenant = stage.tenant().await;
    for endpoint in ENDPOINTS {
        let (api, ask) = (stage.api, waiting(&tenant, endpoint, "order-1"));
        let send = move |ask: Ask| tokio::spawn(async move { ask.send(api).await });
        let recording = gates.gate_before("record_answer");
        let first = send(ask.clone());
        recording.reached().await;
        let looking = gates.gate_behind(look_up(endpoint));
        let again = send(ask.clone());
        looking.reached().await;
        recording.open();
        let first = first.await.unwrap();
        looking.open();
        assert_ne!(first.json()["status"], "queued");
        // When it looked, the request was under way, and that is what it says.
        again.await.unwrap().refused(33013, Value::Null);
        repeats(&first, &stage.ask(&ask).await);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_recorded_is_not_given() {
    let (stage, gates) = gated().await;
    let tenant = stage.tenant().await;
    for endpoint in ENDPOINTS {
        // Of a node that is over the keys are free, and repeats may have been answered as from the record.
        for (key, trouble) in [("order-0", Trouble::full()), ("order-1", Trouble::Fails(StoreError::Over))] {
            gates.trouble(&["record_answer"], &trouble);
            let ask = waiting(&tenant, endpoint, key);
            let first = stage.ask(&ask).await;
            assert_eq!(first.expect(201)["status"], "queued");
            gates.heal(&["record_answer"]);
            repeats(&first, &stage.ask(&ask).await);
        }
    }
}

#[tokio::test]
async fn an_answer_that_may_or_may_not_be_recorded_is_not_given() {
    let (stage, gates) = gated().await;
    let tenant = stage.tenant().await;
    for endpoint in ENDPOINTS {
        let failed = StoreError::Failed("fsync failed".to_owned());
        let lost = StoreError::Unavailable("no answer to the commit".to_owned());
        for (key, error, is_shared) in [("order-2", failed, false), ("order-3", lost, true)] {
            gates.share(is_shared);
            gates.trouble(&["record_answer"], &Trouble::Fails(error));
            let ask = waiting(&tenant, endpoint, key);
            assert_eq!(stage.ask(&ask).await.code(), 33105, "{key}");
            gates.heal(&["record_answer"]);
            let again = stage.ask(&ask).await;
            assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")), "{key}");
        }
    }
}

#[tokio::test]
async fn repeats_after_a_client_hung_up_all_say_the_same() {
    let (stage, gates) = gated().await;
    let tenant = stage.tenant().await;
    for endpoint in ENDPOINTS {
        let ask = waiting(&tenant, endpoint, "order-1");
        let recording = gates.gate_before("record_answer");
        let mut connection = Connection::open(stage.api).await;
        connection.write(&ask.to_bytes()).await;
        recording.reached().await;
        drop(connection);
        let mut replies = Vec::new();
        for _ in 0..100 {
            replies.push(stage.ask(&ask).await);
        }
        recording.open();
        let settled = eventually("the answer is recorded", async || {
            Some(stage.ask(&ask).await).filter(|reply| reply.status == 201)
        })
        .await;
        replies.extend([settled.clone(), stage.ask(&ask).await]);
        for reply in replies.iter().filter(|reply| reply.code() != 33013) {
            assert_eq!(seen(reply), seen(&settled));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_repeats_a_waiting_request_is_answered_as_it_was() {
    let stage = Stage::with(|_, options| options.receipts = "none=1".parse().unwrap()).await;
    let tenant = stage.tenant().await;
    for round in 0..40 {
        let endpoint = ENDPOINTS[round % 2];
        let ask = waiting(&tenant, endpoint, &format!("order-{round}"));
        let mut replies = at_once(stage.api, (0..12).map(|_| ask.clone())).await;
        replies.push(stage.ask(&ask).await);
        let first = replies
            .iter()
            .find(|reply| reply.status == 201 && reply.header("idempotent-replayed").is_none())
            .unwrap()
            .clone();
        for reply in replies.iter().filter(|reply| reply.header("idempotent-replayed").is_some()) {
            repeats(&first, reply);
        }
        assert!(replies.iter().all(|reply| matches!(reply.code(), 0 | 33013)));
    }
}
