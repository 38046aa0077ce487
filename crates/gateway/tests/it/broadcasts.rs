//! The life of a broadcast, from its first message to its last: counts, lists, blocks, cancellation, pace, and a
//! process that ends in between.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::smsc::DelayMs;

use crate::broadcast::recipients;
use crate::support::http::Ask;
use crate::support::{Stage, Tenant, eventually, smpp};

async fn send(stage: &Stage, tenant: &Tenant, recipients: &[String]) -> Value {
    let broadcast = json!({ "recipients": recipients, "from": tenant.number, "body": "We are open again" });
    stage.ask(&tenant.broadcast(&broadcast)).await.expect(201)
}

async fn cancel(stage: &Stage, tenant: &Tenant, id: &Value) -> Value {
    let path = format!("/api/v1/messaging/broadcast/{}/cancel", id.as_str().unwrap());
    stage.ask(&tenant.sign(Ask::new("POST", &path))).await.expect(200)
}

async fn ended(stage: &Stage, tenant: &Tenant, id: &Value) -> Value {
    stage.broadcast_when(tenant, id, "has nobody waiting", |broadcast| broadcast["counts"]["queued"] == 0).await
}

fn counts(total: u64, of: &Value) -> Value {
    let mut counts =
        json!({ "total": total, "skipped": 0, "queued": 0, "sent": 0, "delivered": 0, "undelivered": 0, "failed": 0 });
    counts.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
    counts
}

/// Whom the SMSC was sent to, each of them once.
fn reached(stage: &Stage) -> HashSet<String> {
    let submissions = stage.submissions();
    let reached: HashSet<String> =
        submissions.iter().map(|submit| format!("+{}", submit["destination"].as_str().unwrap())).collect();
    assert_eq!(reached.len(), submissions.len(), "nobody is sent to twice");
    reached
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_reaches_everybody_once_and_is_completed() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let everybody = recipients(6_500);
    let accepted = send(&stage, &tenant, &everybody).await;
    let broadcast = stage
        .broadcast_when(&tenant, &accepted["id"], "is delivered", |broadcast| broadcast["counts"]["delivered"] == 6_500)
        .await;
    assert_eq!(
        (&broadcast["status"], &broadcast["counts"]),
        (&json!("completed"), &counts(6_500, &json!({ "delivered": 6_500 })))
    );
    let mut expected = accepted.clone();
    expected["status"] = "completed".into();
    expected["counts"] = broadcast["counts"].clone();
    assert_eq!(broadcast, expected);
    assert_eq!(reached(&stage), everybody.into_iter().collect());
}

#[tokio::test]
async fn every_fate_is_counted_and_shown_by_the_messages() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let sandbox = stage.key(&tenant, json!({ "mode": "test" })).await;
    let all: Vec<String> = (1..=9).map(|last| format!("+1202555{last:04}")).collect();
    let id = send(&stage, &sandbox, &all).await["id"].clone();
    let wanted = counts(9, &json!({ "sent": 1, "delivered": 3, "undelivered": 2, "failed": 3 }));
    let broadcast = stage.broadcast_when(&sandbox, &id, "is through", |broadcast| broadcast["counts"] == wanted).await;
    assert_eq!(broadcast["status"], "completed");
    for (status, count) in [("", 9), ("queued", 0), ("sent", 1), ("delivered", 3), ("undelivered", 2), ("failed", 3)] {
        let page = stage
            .ask(&sandbox.get(&format!("/message?broadcastId={}&status={status}", id.as_str().unwrap())))
            .await
            .expect(200);
        let messages = page["data"].as_array().unwrap();
        assert_eq!(messages.len(), count, "{status}");
        assert!(
            messages.iter().all(|message| message["broadcastId"] == id && message["from"] == json!(tenant.number)),
            "{page}"
        );
    }
    assert_eq!(stage.smsc.summary().submitted, 0);
}

#[tokio::test]
async fn who_is_blocked_is_skipped_silently_and_a_broadcast_of_nobody_has_failed() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let all = recipients(3);
    stage
        .operate("PUT", &format!("/blocks/{}", all[1]), json!({ "kind": "recipient", "accountId": tenant.account }))
        .await
        .expect(200);
    let accepted = send(&stage, &tenant, &all).await;
    assert_eq!((&accepted["totalRecipients"], &accepted["status"]), (&json!(3), &json!("queued")));
    let broadcast = stage
        .broadcast_when(&tenant, &accepted["id"], "is delivered", |broadcast| broadcast["counts"]["delivered"] == 2)
        .await;
    assert_eq!((&broadcast["status"], &broadcast["counts"]["skipped"]), (&json!("completed"), &json!(1)));
    assert!(!reached(&stage).contains(&all[1]));
    let nobody = send(&stage, &tenant, &all[1..2]).await;
    assert_eq!(nobody["status"], "failed");
    assert_eq!(ended(&stage, &tenant, &nobody["id"]).await["counts"], counts(1, &json!({ "skipped": 1 })));
}

#[tokio::test]
async fn who_is_blocked_after_it_was_accepted_does_not_get_it() {
    let stage = Stage::with(|config, _| smpp(config).rate = 40).await;
    let tenant = stage.tenant().await;
    let all = recipients(120);
    let id = send(&stage, &tenant, &all).await["id"].clone();
    // Most of them are made and wait in memory by now.
    stage.broadcast_when(&tenant, &id, "has begun", |broadcast| broadcast["status"] == "sending").await;
    for recipient in &all[100..] {
        stage.operate("PUT", &format!("/blocks/{recipient}"), json!({ "kind": "recipient" })).await.expect(200);
    }
    let broadcast = ended(&stage, &tenant, &id).await;
    assert_eq!((&broadcast["status"], &broadcast["counts"]["skipped"]), (&json!("completed"), &json!(20)));
    assert_eq!(reached(&stage), all[..100].iter().cloned().collect());
    let query = format!("/message?broadcastId={}&to={}", id.as_str().unwrap(), all[110]);
    let message = stage.ask(&tenant.get(&query)).await.expect(200)["data"][0].clone();
    assert_eq!((&message["status"], &message["errorMessage"]), (&json!("failed"), &json!("The recipient is blocked")));
    assert!(message.get("errorType").is_none(), "{message}");
}

#[tokio::test]
async fn a_sender_that_is_suspended_sends_no_more_of_it() {
    let stage = Stage::with(|config, _| smpp(config).rate = 20).await;
    let tenant = stage.tenant().await;
    let id = send(&stage, &tenant, &recipients(3_000)).await["id"].clone();
    stage
        .broadcast_when(&tenant, &id, "has sent some", |broadcast| broadcast["counts"]["queued"].as_u64() < Some(3_000))
        .await;
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "state": "suspended" })).await.expect(200);
    let broadcast = ended(&stage, &tenant, &id).await;
    let skipped = broadcast["counts"]["skipped"].as_u64().unwrap();
    assert!(skipped > 2_900, "{broadcast}");
    assert_eq!(reached(&stage).len() as u64, 3_000 - skipped);
}

#[tokio::test]
async fn a_canceled_broadcast_sends_nothing_more_and_says_how_many_it_stopped() {
    let stage = Stage::with(|config, _| smpp(config).rate = 50).await;
    let tenant = stage.tenant().await;
    let id = send(&stage, &tenant, &recipients(9_000)).await["id"].clone();
    stage
        .broadcast_when(&tenant, &id, "has sent some", |broadcast| broadcast["counts"]["queued"].as_u64() < Some(9_000))
        .await;
    let canceled = cancel(&stage, &tenant, &id).await;
    let stopped = canceled["stopped"].as_u64().unwrap();
    assert_eq!((&canceled["status"], &canceled["counts"]["skipped"]), (&json!("canceled"), &json!(stopped)));
    assert!(stopped > 8_500, "{canceled}");
    let again = cancel(&stage, &tenant, &id).await;
    assert_eq!((&again["status"], &again["stopped"]), (&json!("canceled"), &json!(0)));
    let broadcast = stage
        .broadcast_when(&tenant, &id, "is through", |broadcast| {
            broadcast["counts"]["delivered"].as_u64() == Some(9_000 - stopped)
        })
        .await;
    assert_eq!((&broadcast["status"], reached(&stage).len() as u64), (&json!("canceled"), 9_000 - stopped));
    let single = stage.send(&tenant, "+12025550143", "hello").await;
    stage.reaches(&tenant, &single["id"], "delivered").await;
}

#[tokio::test]
async fn what_has_ended_is_not_canceled() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let id = send(&stage, &tenant, &recipients(1)).await["id"].clone();
    ended(&stage, &tenant, &id).await;
    let canceled = cancel(&stage, &tenant, &id).await;
    assert_eq!((&canceled["status"], &canceled["stopped"]), (&json!("completed"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_in_between_goes_on_where_it_was() {
    let mut stage = Stage::with(|config, _| smpp(config).rate = 2_000).await;
    let tenant = stage.tenant().await;
    let everybody = recipients(7_000);
    let id = send(&stage, &tenant, &everybody).await["id"].clone();
    for limit in [6_500, 5_000, 2_500] {
        stage
            .broadcast_when(&tenant, &id, "goes on", |broadcast| broadcast["counts"]["queued"].as_u64() < Some(limit))
            .await;
        stage.restart(|_| {}).await;
    }
    let broadcast = ended(&stage, &tenant, &id).await;
    assert_eq!((&broadcast["status"], &broadcast["counts"]["failed"]), (&json!("completed"), &json!(0)));
    assert_eq!(reached(&stage), everybody.into_iter().collect());
}

#[tokio::test]
async fn a_broadcast_waits_for_its_carrier_without_running_ahead() {
    let stage = Stage::with(|config, options| {
        options.silent = true;
        config.dispatch.broadcast_lookahead_max = 200;
    })
    .await;
    let tenant = stage.tenant().await;
    let id = send(&stage, &tenant, &recipients(5_000)).await["id"].clone();
    stage.broadcast_when(&tenant, &id, "has begun", |broadcast| broadcast["status"] == "sending").await;
    eventually("the window is full", async || (stage.carrier("main").await["submitted"] == 50).then_some(())).await;
    let depth = stage.carrier("main").await["queued"].as_u64().unwrap();
    assert!((200..=400).contains(&depth), "{depth}");
    let canceled = cancel(&stage, &tenant, &id).await;
    assert_eq!((&canceled["stopped"], &canceled["counts"]["queued"]), (&json!(4_950), &json!(50)));
    assert_eq!(stage.carrier("main").await["queued"], 50);
}

#[tokio::test]
async fn a_number_keeps_its_pace_and_holds_up_no_other() {
    let stage = Stage::start().await;
    let (slow, fast) = (stage.tenant().await, stage.tenant().await);
    stage.operate("PATCH", &format!("/numbers/{}", slow.number), json!({ "segmentsPerSecond": 5 })).await.expect(200);
    let began = Instant::now();
    let paced = send(&stage, &slow, &recipients(2_000)).await["id"].clone();
    let free = send(&stage, &fast, &recipients(500)).await["id"].clone();
    ended(&stage, &fast, &free).await;
    let left = stage
        .broadcast_when(&slow, &paced, "has sent ten", |broadcast| {
            broadcast["counts"]["queued"].as_u64() <= Some(1_990)
        })
        .await;
    // The first leaves at once, so that ten need nine fifths of a second.
    assert!(began.elapsed() >= Duration::from_millis(1_750), "{:?} {left}", began.elapsed());
    let of_slow = stage
        .submissions()
        .iter()
        .filter(|submit| format!("+{}", submit["source"].as_str().unwrap_or_default()) == slow.number)
        .count();
    assert!(of_slow as f64 <= began.elapsed().as_secs_f64() * 5.0 + 1.0, "{of_slow} in {:?}", began.elapsed());
}

#[tokio::test]
async fn a_list_shows_broadcasts_newest_first() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |config, _| config.carrier.clear()).await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let mut ids = Vec::new();
    for count in 1..=7 {
        ids.push(send(&stage, &tenant, &recipients(count)).await["id"].clone());
        stage.time.advance(Duration::from_secs(60));
    }
    send(&stage, &other, &recipients(1)).await;
    cancel(&stage, &tenant, &ids[2]).await;
    ids.reverse();
    let listed = async |query: &str| {
        let page = stage.ask(&tenant.get(&format!("/broadcast?{query}"))).await.expect(200);
        (
            page["data"].as_array().unwrap().iter().map(|broadcast| broadcast["id"].clone()).collect::<Vec<_>>(),
            page["nextCursor"].clone(),
        )
    };
    assert_eq!(listed("").await, (ids.clone(), Value::Null));
    let (first, cursor) = listed("limit=3").await;
    let (second, cursor) = listed(&format!("limit=4&cursor={}", cursor.as_str().unwrap())).await;
    assert_eq!((first, second, cursor), (ids[..3].to_vec(), ids[3..].to_vec(), Value::Null));
    assert_eq!(listed("after=2026-03-15T14:31:00Z&before=2026-03-15T14:33:00Z").await.0, ids[4..6]);
    assert_eq!(listed(&format!("from={}&unknown=x", tenant.number)).await.0.len(), 7);
    assert_eq!(listed("from=%2B18005550000").await.0.len(), 0);
    eventually("the canceled one is told", async || (listed("status=canceled").await.0 == ids[4..5]).then_some(()))
        .await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("status=sent", "status"),
        ("cursor=x", "cursor"),
        ("before=now", "before"),
    ] {
        let reply = stage.ask(&tenant.get(&format!("/broadcast?{query}"))).await;
        reply.refused(33100, json!({ "field": field, "expected": reply.json()["additionalInfo"]["expected"] }));
    }
}

#[tokio::test]
async fn the_operator_sees_and_stops_broadcasts_of_all_accounts() {
    let stage = Stage::with(|config, options| {
        options.response_delay_ms = DelayMs(1, 2);
        smpp(config).rate = 50;
    })
    .await;
    let (one, two) = (stage.tenant().await, stage.tenant().await);
    let first = send(&stage, &one, &recipients(500)).await;
    send(&stage, &two, &recipients(1)).await;
    let all = stage.operate("GET", "/broadcasts", Value::Null).await.expect(200);
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    let of_one = stage.operate("GET", &format!("/broadcasts?accountId={}", one.account), Value::Null).await.expect(200);
    assert_eq!((of_one["data"].as_array().unwrap().len(), &of_one["data"][0]["id"]), (1, &first["id"]));
    let path = format!("/broadcasts/{}", first["id"].as_str().unwrap());
    let shown = stage.operate("GET", &path, Value::Null).await.expect(200);
    assert_eq!(
        (&shown["accountId"], &shown["mode"], &shown["segments"]),
        (&json!(one.account), &json!("live"), &json!(1))
    );
    let canceled = stage.operate("POST", &format!("{path}/cancel"), Value::Null).await.expect(200);
    assert_eq!(canceled["status"], "canceled");
    stage
        .operate("POST", "/broadcasts/brc_0000000000000000000000/cancel", Value::Null)
        .await
        .refused_by_operator(33101, Value::Null);
}
