//! What the MMSC writes down, and what it keeps.

use std::path::Path;

use serde_json::{Value, json};
use simulator::mmsc::Options;

use super::smtp::{Client, Listener, Script};
use super::support::{MEDIUM, MEDIUM_SHA256, anywhere, mmsc};
use super::vasp::{self, submit};
use crate::client::within;
use crate::machine;

fn lines(log: &Path) -> Vec<Value> {
    let mut lines: Vec<Value> =
        std::fs::read_to_string(log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        assert!(line.as_object_mut().unwrap().remove("at_ms").is_some_and(|at| at.is_i64()), "{line}");
    }
    lines
}

fn media() -> Value {
    json!([{"type": "image/png", "bytes": MEDIUM.len(), "sha256": MEDIUM_SHA256}])
}

#[tokio::test]
async fn a_line_is_in_the_file_before_its_reply_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.jsonl");
    let mmsc = mmsc(Options { log: Some(log.clone()), ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    for number in 1..=10usize {
        assert_eq!(client.forward("+12025550101", &format!("m{number}")).await, Some(250));
        assert_eq!(lines(&log).len(), 2 * number - 1);
        submit(&mmsc, "+12025550101", "t").await.unwrap();
        assert_eq!(lines(&log).len(), 2 * number);
    }
}

#[tokio::test]
async fn lines_say_what_came_and_what_was_sent_but_no_text() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.jsonl");
    let (mut platform, mut vasp) =
        (Listener::start(&[Script::Mail(250), Script::Mail(451)]).await, vasp::Listener::start(&[]).await);
    let mmsc = mmsc(Options {
        log: Some(log.clone()),
        reply_to: Some(platform.reply_to()),
        report_to: Some(vasp.url().parse().unwrap()),
        mm4_reply: vec!["to:99=451".parse().unwrap()],
        ..Options::default()
    })
    .await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.forward("+12025550199", "m1").await, Some(451));
    assert_eq!(client.forward("+12025550101", "m2").await, Some(250));
    platform.answer().await;
    platform.report().await;
    let report = platform.report().await;
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 1)).await;
    client.mail("mmsc@mms.simulator.example", &report.answer(wire::mm4::RequestStatus::Ok).build()).await;
    submit(&mmsc, "+12025550101", "t1").await.unwrap();
    vasp.report().await;
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 2)).await;
    let sent = |kind: &str,
                message_id: &str,
                recipient: Option<&str>,
                status: &str,
                attempt: u64,
                reply: &str,
                taken: bool| {
        json!({
            "event": "sent",
            "type": kind,
            "message_id": message_id,
            "recipient": recipient,
            "status": status,
            "attempt": attempt,
            "reply": reply,
            "taken": taken,
        })
    };
    assert_eq!(
        lines(&log),
        [
            json!({"event": "refused", "protocol": "mm4", "session": 1, "message_id": "m1", "reply": "451"}),
            json!({
                "event": "taken", "protocol": "mm4", "session": 1, "number": 2, "transaction_id": "tm2",
                "message_id": "m2", "from": "18005559876", "to": ["12025550101"], "wants_report": true, "smil": true,
                "text_bytes": 12, "media": media(), "reply": "250",
            }),
            sent("MM4_forward.RES", "m2", None, "Ok", 1, "250", true),
            sent("MM4_delivery_report.REQ", "m2", Some("12025550101"), "Retrieved", 1, "451", false),
            sent("MM4_delivery_report.REQ", "m2", Some("12025550101"), "Retrieved", 2, "250", true),
            json!({
                "event": "answered",
                "type": "MM4_delivery_report.RES",
                "session": 1,
                "transaction_id": report.transaction_id,
                "message_id": "m2",
                "status": "Ok",
            }),
            json!({
                "event": "taken", "protocol": "mm7", "session": 2, "number": 1, "transaction_id": "t1",
                "message_id": "1000000001", "from": "18005559876", "to": ["12025550101"], "wants_report": true,
                "smil": true, "text_bytes": 12, "media": media(), "reply": "1000",
            }),
            sent("DeliveryReportReq", "1000000001", Some("12025550101"), "Retrieved", 1, "1000", true),
        ]
    );
}

#[tokio::test]
async fn texts_are_written_where_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.jsonl");
    let mmsc = mmsc(Options { log: Some(log.clone()), log_text: true, ..Options::default() }).await;
    Client::connect(&mmsc).await.forward("+12025550101", "m1").await;
    submit(&mmsc, "+12025550101", "t1").await.unwrap();
    for line in lines(&log) {
        assert_eq!((&line["text"], &line["subject"]), (&json!("secret words"), &json!("secret subject")));
    }
}

#[tokio::test]
async fn media_are_kept_by_their_hash() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("kept");
    let mmsc = mmsc(Options { keep: Some(kept.clone()), ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    for id in ["m1", "m2"] {
        assert_eq!(client.forward("+12025550101", id).await, Some(250));
    }
    submit(&mmsc, "+12025550101", "t1").await.unwrap();
    let names: Vec<_> = std::fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [MEDIUM_SHA256]);
    assert_eq!(std::fs::read(kept.join(MEDIUM_SHA256)).unwrap(), MEDIUM);
}

#[tokio::test]
async fn what_cannot_be_used_is_told_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let usual = || Options { listen_mm4: anywhere(), listen_mm7: anywhere(), ..Options::default() };
    for (what, options) in [
        ("the log", Options { log: Some("/nonexistent/log.jsonl".into()), ..usual() }),
        ("the directory", Options { keep: Some(file), ..usual() }),
        ("the domain", Options { domain: "no domain".to_owned(), ..usual() }),
    ] {
        assert!(simulator::mmsc::start(options, machine()).await.is_err(), "{what}");
    }
}

#[tokio::test]
async fn the_summary_counts_what_was_seen() {
    let mmsc = mmsc(Options::default()).await;
    let mut client = Client::connect(&mmsc).await;
    for id in ["m1", "m2"] {
        assert_eq!(client.forward("+12025550101", id).await, Some(250));
    }
    submit(&mmsc, "+12025550101", "t1").await.unwrap();
    within("the session ends", mmsc.wait_for(|seen| seen.mm7_open == 0)).await;
    let summary = mmsc.summary().to_json();
    for (key, value) in [
        ("mm4Sessions", json!(1)),
        ("mm4Open", json!(1)),
        ("mm7Sessions", json!(1)),
        ("mm7Open", json!(0)),
        ("mm4Taken", json!(2)),
        ("mm7Taken", json!(1)),
        ("refused", json!({})),
        ("answersSent", json!(0)),
        ("answersTaken", json!(0)),
        ("reportsSent", json!(0)),
        ("reportsTaken", json!(0)),
        ("notTaken", json!({})),
        ("reportAnswers", json!({})),
        ("malformed", json!(0)),
    ] {
        assert_eq!(summary[key], value, "{key}");
    }
}
