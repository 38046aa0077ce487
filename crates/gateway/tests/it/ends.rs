//! How a message ends whose carrier reports on it in part, in one word, too late or never: cases of the field as data,
//! and what the operator sees.

use std::process::Command;
use std::time::Duration;

use carrier::smpp::config::ReceiptPer;
use serde_json::{Value, json};
use wire::smpp::CommandStatus;

use crate::support::http::Ask;
use crate::support::scripted::{Scripted, Session};
use crate::support::{RECIPIENT, Stage, TOKEN, Tenant, eventually, smpp};

const NOON: &str = "2026-03-15T12:00:00.000Z";

/// The class of a receipt.
const RECEIPT: u8 = 4;

/// A platform whose one carrier is the scripted SMSC.
async fn stage(
    smsc: &Scripted,
    change: impl FnOnce(&mut carrier::smpp::config::SmppConfig),
) -> (Stage, Tenant, Session) {
    let port = smsc.address().port();
    let stage = Stage::at(NOON, |config, _| {
        smpp(config).port = port;
        change(smpp(config));
    })
    .await;
    let tenant = stage.tenant().await;
    let session = smsc.bound().await;
    (stage, tenant, session)
}

/// Sends a text of so many segments, whose parts the SMSC takes as P1, P2 and so on.
async fn sent(stage: &Stage, tenant: &Tenant, session: &mut Session, segments: usize) -> Value {
    let body = if segments == 1 { "hello".to_owned() } else { "a".repeat(153 * segments) };
    let message = stage.send(tenant, RECIPIENT, &body).await;
    assert_eq!(message["segments"], segments);
    for number in 1..=segments {
        session.take(&format!("P{number}")).await;
    }
    stage.reaches(tenant, &message["id"], "sent").await["id"].clone()
}

async fn receive(session: &mut Session, text: &str) {
    assert_eq!(session.deliver(RECEIPT, &RECIPIENT[1..], text.as_bytes()).await, CommandStatus::ROK, "{text}");
}

async fn run(case: &Value) {
    let title = format!("{} {}: {case}", case["id"], case["title"]);
    let smsc = Scripted::start().await;
    let (stage, tenant, mut session) = stage(&smsc, |carrier| {
        if case["per"] == "message" {
            carrier.receipt_per = ReceiptPer::Message;
        }
        if let Some(hours) = case["wait_hours"].as_u64() {
            carrier.receipt_wait_hours = hours;
        }
    })
    .await;
    let segments = usize::try_from(case["segments"].as_u64().unwrap()).unwrap();
    let id = sent(&stage, &tenant, &mut session, segments).await;
    let path = format!("/message/{}", id.as_str().unwrap());
    for step in case["steps"].as_array().unwrap() {
        if let Some(text) = step["receipt"].as_str() {
            receive(&mut session, text).await;
        } else if let Some(hours) = step["hours"].as_u64() {
            stage.time.advance(Duration::from_secs(hours * 3_600));
        } else {
            let wanted = (
                &step["expect"],
                if step["missing"] == true { &json!("missing") } else { &Value::Null },
                &step["error"],
            );
            let shown = eventually(&format!("{step} of {title}"), async || {
                let message = stage.ask(&tenant.get(&path)).await.expect(200);
                Some(message)
                    .filter(|message| (&message["status"], &message["receipt"], &message["errorType"]) == wanted)
            })
            .await;
            let life = stage.life(&id).await;
            assert_eq!(life["receipt"], shown["receipt"], "{title}");
            if let Some(count) = step["receipts"].as_u64() {
                let events = life["events"].as_array().unwrap();
                assert_eq!(events.iter().filter(|event| event["event"] == "receipt").count() as u64, count, "{title}");
            }
        }
    }
}

#[tokio::test]
async fn messages_end_as_the_field_expects() {
    for line in include_str!("../../../../tests/field/ends.jsonl").lines() {
        run(&serde_json::from_str(line).unwrap()).await;
    }
}

async fn unmatched(stage: &Stage) -> Vec<Value> {
    let page = stage.operate("GET", "/carriers/main/unmatched", Value::Null).await.expect(200);
    assert_eq!(page["nextCursor"], Value::Null);
    page["data"].as_array().unwrap().clone()
}

/// What `smsfactory carrier unmatched main` prints.
async fn shown(stage: &Stage) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    command
        .args(["carrier", "unmatched", "main"])
        .env("SMSFACTORY_ADMIN_URL", format!("http://{}", stage.admin))
        .env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_matches_nothing_is_seen_by_the_operator_after_a_restart_too() {
    let smsc = Scripted::start().await;
    let (mut stage, tenant, mut session) = stage(&smsc, |_| {}).await;
    let id = sent(&stage, &tenant, &mut session, 1).await;
    assert_eq!(unmatched(&stage).await, Vec::<Value>::new());
    receive(&mut session, "id:77AB stat:DELIVRD err:000 text:Hello \x1b[2J").await;
    assert_eq!(session.deliver(RECEIPT, &RECIPIENT[1..], b"stat:DELIVRD").await, CommandStatus::RX_R_APPN);
    let seen =
        eventually("both are recorded", async || Some(unmatched(&stage).await).filter(|seen| seen.len() == 2)).await;
    let fields = |one: &Value| (one["reason"].clone(), one["fate"].clone(), one["endedAt"].clone());
    assert_eq!(fields(&seen[1]), (json!("unknown_id"), json!("waiting"), Value::Null));
    assert_eq!(fields(&seen[0]), (json!("unreadable"), json!("refused"), json!(NOON)));
    let keys: Vec<&str> = seen[1]["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    assert!(keys.contains(&"77ab"), "{keys:?}");
    assert_eq!((&seen[1]["at"], &seen[1]["detail"]), (&json!(NOON), &json!("id 77AB DELIVRD err:000")));
    let received = |at: usize| seen[at]["received"].as_str().unwrap();
    assert!(
        received(1).ends_with("short_message \"id:77AB stat:DELIVRD err:000 text:Hello \\x1b[2J\""),
        "{}",
        received(1)
    );
    let life = stage.life(&id).await;
    assert_eq!(
        (&life["receiptNote"], &life["unmatchedReceipts"]),
        (&json!("no receipt yet; 2 unmatched receipts from this carrier"), &json!(2))
    );
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for (reason, count) in [("unknown_id", 1), ("unreadable", 1), ("inbound", 0)] {
        let sample = format!("smsfactory_carrier_unmatched_total{{carrier=\"main\",reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&sample), "{sample} is missing from\n{metrics}");
    }
    let shown = shown(&stage).await;
    for word in ["unknown_id", "waiting", "77ab", "unreadable", "refused"] {
        assert!(shown.contains(word), "{word} is missing from\n{shown}");
    }
    assert!(!shown.contains('\x1b'), "a terminal would obey it: {shown:?}");
    stage.restart(|_| {}).await;
    assert_eq!(unmatched(&stage).await, seen);
    stage.operate("GET", "/carriers/nobody/unmatched", Value::Null).await.refused_by_operator(33101, Value::Null);
    stage.operate("POST", "/carriers/main/unmatched", Value::Null).await.refused_by_operator(33102, Value::Null);
}

#[tokio::test]
async fn receipts_that_match_nothing_are_bounded_and_their_end_is_counted() {
    let smsc = Scripted::start().await;
    let port = smsc.address().port();
    let stage = Stage::at(NOON, |config, _| {
        smpp(config).port = port;
        config.receipts.parked_max = 5;
        config.receipts.parked_hours = 1;
    })
    .await;
    let mut session = smsc.bound().await;
    for number in 0..20 {
        receive(&mut session, &format!("id:FOREIGN{number} stat:DELIVRD")).await;
    }
    let fates = |seen: &[Value], fate: &str| seen.iter().filter(|one| one["fate"] == fate).count();
    let seen = unmatched(&stage).await;
    assert_eq!((fates(&seen, "waiting"), fates(&seen, "dropped")), (5, 15));
    stage.time.advance(Duration::from_secs(2 * 3_600));
    let seen = eventually("they are too old", async || {
        Some(unmatched(&stage).await).filter(|seen| fates(seen, "waiting") == 0)
    })
    .await;
    assert_eq!(fates(&seen, "expired"), 5);
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for (reason, count) in [("no_room", 15), ("too_old", 5)] {
        let sample = format!("smsfactory_receipts_dropped_total{{carrier=\"main\",reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&sample), "{sample} is missing from\n{metrics}");
    }
}

#[tokio::test]
async fn a_message_that_is_not_reported_on_is_counted() {
    let smsc = Scripted::start().await;
    let (stage, tenant, mut session) = stage(&smsc, |carrier| carrier.receipt_wait_hours = 2).await;
    let id = sent(&stage, &tenant, &mut session, 1).await;
    stage.time.advance(Duration::from_secs(3 * 3_600));
    let life =
        eventually("it is marked", async || Some(stage.life(&id).await).filter(|life| life["receipt"] == "missing"))
            .await;
    assert_eq!(life["receiptNote"], "no receipt yet; 0 unmatched receipts from this carrier");
    assert_eq!(life["events"].as_array().unwrap().last().unwrap()["event"], "missing");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(metrics.contains("smsfactory_receipts_missing_total{carrier=\"main\"} 1\n"), "{metrics}");
}
