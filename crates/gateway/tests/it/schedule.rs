//! Messages that leave later, over the public API.

use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Timestamp};
use rustix::process::Signal;
use serde_json::{Value, json};
use simulator::smsc::Options;
use tempfile::TempDir;

use crate::inbound_commands::done;
use crate::process::{Service, configured};
use crate::support::http::Ask;
use crate::support::media::{MediaServer, PHOTO};
use crate::support::{ANY_PORT, RECIPIENT, Stage, TOKEN, Tenant, eventually, files};

/// When the time of these tests begins.
const NOW: &str = "2026-03-15T14:30:00.000Z";

/// When their messages leave: a day later.
const LEAVES: &str = "2026-03-16T14:30:00.000Z";

const DAY: Duration = Duration::from_secs(86_400);

fn at(tenant: &Tenant, time: &str, body: &str) -> Ask {
    let mut message = tenant.message(RECIPIENT, body);
    message["sendAt"] = time.into();
    tenant.post(&message)
}

/// Moves the time on until the message has this status.
async fn in_time(stage: &Stage, tenant: &Tenant, id: &Value, status: &str) -> Value {
    let show = tenant.get(&format!("/message/{}", id.as_str().unwrap()));
    eventually(&format!("{id} is {status}"), async || {
        stage.time.advance(Duration::from_millis(200));
        Some(stage.ask(&show).await.expect(200)).filter(|message| message["status"] == status)
    })
    .await
}

#[tokio::test]
async fn a_message_leaves_at_its_time_also_after_a_restart() {
    let mut stage = Stage::at(NOW, |_, _| {}).await;
    let tenant = stage.tenant().await;
    // In another time zone, and with a wait that is none: what leaves later is answered at once.
    let ask = at(&tenant, "2026-03-16T15:30:00+01:00", "later").header("prefer", "wait=30");
    let accepted = stage.ask(&ask).await.expect(201);
    assert_eq!((&accepted["status"], &accepted["sendAt"]), (&json!("scheduled"), &json!(LEAVES)));
    assert_eq!(accepted["createdAt"], NOW);
    let expires = stage.life(&accepted["id"]).await["expiresAt"].clone();
    assert_eq!(expires, "2026-03-17T14:30:00.000Z", "its validity begins when it leaves");
    let list = stage.ask(&tenant.get("/message?status=scheduled")).await.expect(200);
    assert_eq!(list["data"], json!([accepted]));
    stage.restart(|_| {}).await;
    stage.time.advance(DAY - Duration::from_secs(5));
    let other = stage.send(&tenant, RECIPIENT, "now").await;
    stage.reaches(&tenant, &other["id"], "delivered").await;
    assert_eq!(stage.submissions().len(), 1, "its time has not come");
    let delivered = in_time(&stage, &tenant, &accepted["id"], "delivered").await;
    let time = |field: &str| Timestamp::parse(delivered[field].as_str().unwrap()).unwrap();
    assert!(time("sentAt") >= time("sendAt"), "{delivered}");
    let texts: Vec<_> = stage.submissions().iter().map(|submit| submit["text"].clone()).collect();
    assert_eq!(texts, ["now", "later"]);
    let kinds: Vec<_> = stage.life(&accepted["id"]).await["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[..3], ["accepted", "queued", "attempt"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduled_message_outlives_a_kill() {
    let options = Options { listen: ANY_PORT, ..Options::default() };
    let smsc = simulator::smsc::start(options, Arc::new(runtime::Machine::new())).await.unwrap();
    let directory = TempDir::new().unwrap();
    let file = configured(directory.path(), smsc.address().port(), "");
    let mut first = Service::run("", &file, TempDir::new().unwrap()).await;
    first.authorization = first.account().await;
    let send_at = runtime::Machine::new().now() + Duration::from_secs(5);
    let accepted = first.message_with(json!({ "sendAt": send_at.to_string() })).send(first.api).await.expect(201);
    assert_eq!(accepted["status"], "scheduled");
    first.signal(Signal::KILL);
    first.ended().await;
    let second = Service::run("", &file, TempDir::new().unwrap()).await;
    // An operator may ask as often as it takes on a busy machine.
    let show = format!("/admin/v1/messages/{}", accepted["id"].as_str().unwrap());
    let show = Ask::new("GET", &show).header("authorization", &format!("Bearer {TOKEN}"));
    let delivered = eventually("the message is delivered", async || {
        Some(show.send(second.admin).await.expect(200)).filter(|message| message["status"] == "delivered")
    })
    .await;
    assert!(delivered["sentAt"].as_str() >= accepted["sendAt"].as_str(), "{delivered}");
    assert_eq!(smsc.summary().submitted, 1);
}

#[tokio::test]
async fn an_mms_that_leaves_later_is_fetched_at_its_acceptance() {
    let server = MediaServer::start().await;
    let mut stage = Stage::at(NOW, |config, _| server.allow(config)).await;
    let tenant = stage.tenant().await;
    let tester = stage.key(&tenant, json!({ "mode": "test" })).await;
    let mut message = tester.message(RECIPIENT, "look");
    (message["mediaUrl"], message["sendAt"]) = (server.url("photo.jpg").into(), LEAVES.into());
    let accepted = stage.ask(&tester.post(&message)).await.expect(201);
    assert_eq!((&accepted["status"], &accepted["messageType"]), (&json!("scheduled"), &json!("MMS")));
    assert_eq!(files(&stage.config.media.directory), [PHOTO]);
    stage.restart(|_| {}).await;
    stage.time.advance(DAY);
    in_time(&stage, &tester, &accepted["id"], "delivered").await;
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_scheduled_message_says_when_it_leaves_and_uses_the_quota_of_its_acceptance() {
    let stage = Stage::at(NOW, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 1 })).await;
    let accepted = stage.ask(&at(&tenant, LEAVES, "later")).await.expect(201);
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, "now"))).await.refused(33012, Value::Null);
    let waits = stage.life(&accepted["id"]).await["waitsFor"].take();
    let wanted = json!({
        "reason": "scheduled", "sentence": format!("It leaves at {LEAVES}"), "since": NOW, "nextTryAt": LEAVES,
    });
    assert_eq!(waits, wanted);
    let shown = done(&stage, &["message", "show", accepted["id"].as_str().unwrap()]).await;
    assert!(shown.contains(&format!("Scheduled. It leaves at {LEAVES}.")), "{shown}");
}

#[tokio::test]
async fn a_scheduled_message_is_canceled_and_never_leaves() {
    let stage = Stage::at(NOW, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let accepted = stage.ask(&at(&tenant, LEAVES, "in vain")).await.expect(201);
    let path = format!("/api/v1/messaging/message/{}/cancel", accepted["id"].as_str().unwrap());
    let canceled = stage.ask(&tenant.sign(Ask::new("POST", &path))).await.expect(200);
    assert_eq!((&canceled["status"], &canceled["sendAt"]), (&json!("canceled"), &json!(LEAVES)));
    let other = stage.ask(&at(&tenant, LEAVES, "hello")).await.expect(201);
    stage.time.advance(DAY);
    in_time(&stage, &tenant, &other["id"], "delivered").await;
    assert_eq!(stage.submissions().len(), 1);
}

#[tokio::test]
async fn what_was_decided_meanwhile_counts_when_a_message_leaves() {
    let stage = Stage::at(NOW, |_, _| {}).await;
    let [blocked, out, stopped, screened, suspended] =
        [stage.tenant().await, stage.tenant().await, stage.tenant().await, stage.tenant().await, stage.tenant().await];
    let text = "Cheap vodka delivered to your door tonight, order now";
    let mut ids = Vec::new();
    for tenant in [&blocked, &out, &stopped, &suspended] {
        ids.push(stage.ask(&at(tenant, LEAVES, "hello")).await.expect(201)["id"].clone());
    }
    let policy = format!("/accounts/{}/screening", screened.account);
    stage.operate("PUT", &policy, json!({ "sure": "off", "unsure": "off" })).await.expect(200);
    ids.push(stage.ask(&at(&screened, LEAVES, text)).await.expect(201)["id"].clone());
    stage.operate("PUT", &policy, json!({})).await.expect(200);
    stage
        .operate("PUT", &format!("/blocks/{RECIPIENT}"), json!({ "kind": "recipient", "accountId": blocked.account }))
        .await
        .expect(200);
    let opt_out = out.sign(Ask::new("PUT", &format!("/api/v1/messaging/optout/{RECIPIENT}"))).json(&json!({}));
    stage.ask(&opt_out).await.expect(200);
    stage.operate("PATCH", &format!("/numbers/{}", stopped.number), json!({ "state": "suspended" })).await.expect(200);
    stage
        .operate("PATCH", &format!("/accounts/{}", suspended.account), json!({ "state": "suspended" }))
        .await
        .expect(200);
    stage.time.advance(DAY);
    for (id, why) in ids.iter().zip([
        "The recipient is blocked",
        "The recipient has opted out",
        "The sender number may not send any more",
        "The account may not send any more",
        "The text violates messaging compliance rules",
    ]) {
        let life = eventually("the message has failed", async || {
            stage.time.advance(Duration::from_millis(200));
            Some(stage.life(id).await).filter(|life| life["status"] == "failed")
        })
        .await;
        assert_eq!((&life["errorMessage"], &life["errorType"]), (&json!(why), &Value::Null));
    }
    assert_eq!(stage.submissions().len(), 0);
    let log = stage.operate("GET", "/screening", Value::Null).await.expect(200);
    let about: Vec<_> = log["data"].as_array().unwrap().iter().map(|decision| decision["about"].clone()).collect();
    assert_eq!(about, [ids[4].clone()], "an erasure of the person finds what was recorded");
}

#[tokio::test]
async fn what_the_screen_finds_when_a_message_leaves_is_recorded_about_it_once() {
    let stage = Stage::at(NOW, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let policy = format!("/accounts/{}/screening", tenant.account);
    let mut ids = Vec::new();
    for sure in ["flag", "off", "off"] {
        stage.operate("PUT", &policy, json!({ "sure": sure, "unsure": "off" })).await.expect(200);
        let text = "Cheap vodka delivered to your door tonight, order now";
        ids.push(stage.ask(&at(&tenant, LEAVES, text)).await.expect(201)["id"].clone());
    }
    stage.operate("PUT", &policy, json!({ "sure": "flag", "unsure": "off" })).await.expect(200);
    stage.time.advance(DAY);
    for id in &ids {
        in_time(&stage, &tenant, id, "delivered").await;
    }
    let log = stage.operate("GET", "/screening", Value::Null).await.expect(200);
    let about = |id: &Value| {
        let decisions = log["data"].as_array().unwrap().iter().filter(|decision| decision["about"] == *id);
        decisions.map(|decision| decision["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for id in &ids {
        assert_eq!(about(id), ["flagged"], "{log}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_launched_holds_up_no_other_and_is_told_of() {
    let (stage, store) = Stage::gated_at(NOW, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let mut ids = Vec::new();
    for body in ["broken", "one", "two"] {
        ids.push(stage.ask(&at(&tenant, LEAVES, body)).await.expect(201)["id"].clone());
    }
    store.break_row_of(ids[0].as_str().unwrap().parse().unwrap());
    stage.time.advance(DAY + Duration::from_secs(120));
    for id in &ids[1..] {
        in_time(&stage, &tenant, id, "delivered").await;
    }
    let life = stage.life(&ids[0]).await;
    assert_eq!(life["status"], "scheduled");
    let sentence = life["waitsFor"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("has passed, and it leaves with the next launch"), "{sentence}");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}"));
        line.trim().parse::<f64>().unwrap()
    };
    assert!(value("smsfactory_launch_overdue_seconds") >= 120.0);
    assert!(value("smsfactory_launches_failed_total") >= 1.0);
    assert_eq!(value("smsfactory_launch_delay_seconds_count"), 2.0);
    assert!(value("smsfactory_launch_delay_seconds_sum") >= 240.0);
}

#[tokio::test]
async fn a_time_to_leave_is_bounded_and_a_repeat_is_answered_after_it() {
    let stage = Stage::at(NOW, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let wrong = json!({ "field": "sendAt", "expected": "a time from now to 35 days ahead" });
    for time in ["2026-03-15T14:28:59.000Z", "2026-04-19T14:30:01.000Z"] {
        stage.ask(&at(&tenant, time, "hello")).await.refused(33100, wrong.clone());
    }
    let soon = stage.ask(&at(&tenant, "2026-03-15T14:29:30.000Z", "at once")).await.expect(201);
    assert_eq!((&soon["status"], soon.get("sendAt")), (&json!("queued"), None));
    let ask = at(&tenant, LEAVES, "hello").header("idempotency-key", "once");
    let first = stage.ask(&ask).await;
    let moved = at(&tenant, "2026-03-17T14:30:00.000Z", "hello").header("idempotency-key", "once");
    stage.ask(&moved).await.refused(33013, Value::Null);
    stage.time.advance(DAY - Duration::from_secs(60));
    assert_eq!(stage.ask(&ask).await.expect(201), first.expect(201));
    let broadcast = json!({ "recipients": [RECIPIENT], "from": tenant.number, "body": "hello", "sendAt": LEAVES });
    let info = json!({ "field": "sendAt", "expected": "nothing: a broadcast leaves at once" });
    stage.ask(&tenant.broadcast(&broadcast)).await.refused(33100, info);
    let broadcast = json!({ "recipients": [RECIPIENT], "from": tenant.number, "body": "hello", "send_at": LEAVES });
    let advice = "no field of this name: a broadcast leaves at once; a message has `sendAt`";
    let strict = tenant.broadcast(&broadcast).header("prefer", "handling=strict");
    stage.ask(&strict).await.refused(33100, json!({ "field": "send_at", "expected": advice }));
}
