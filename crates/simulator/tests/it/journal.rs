//! What the SMSC writes down: JSON lines as things happen, and a summary.

use std::path::Path;

use serde_json::{Value, json};
use simulator::smsc::{Options, Rejection};
use wire::smpp::{Address, BindKind, Body, CommandStatus, Sm};

use crate::client::{Client, message, smsc, within};
use crate::machine;

fn lines(log: &Path) -> Vec<Value> {
    std::fs::read_to_string(log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_line_is_in_the_file_before_its_answer_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.jsonl");
    let smsc = smsc(Options { log: Some(log.clone()), first_id: 42, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    for number in 1..=20usize {
        client.ask(message(0, b"Hello")).await;
        let lines = lines(&log);
        assert_eq!(lines.len(), 1 + number);
        assert_eq!(lines[number]["message_id"], json!((41 + number).to_string()));
    }
}

#[tokio::test]
async fn a_line_has_what_was_sent_but_not_its_text() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.jsonl");
    let smsc = smsc(Options { log: Some(log.clone()), first_id: 7, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let segment = Sm {
        source: Address::new(1, 1, "18005559876"),
        destination: Address::new(1, 1, "18005551234"),
        esm_class: 0x40,
        short_message: [b"\x05\x00\x03\x2A\x03\x02", &b"secret words"[..]].concat(),
        ..Sm::default()
    };
    client.ask(Body::SubmitSm(Box::new(segment))).await;
    client.ask(Body::Unbind).await;
    within("the session ends", smsc.wait_for(|seen| seen.ended == 1)).await;
    let mut lines = lines(&log);
    for line in &mut lines {
        line.as_object_mut().unwrap().remove("at_ms");
    }
    assert_eq!(
        lines,
        [
            json!({"event": "bind", "kind": "bind_transceiver", "system_id": "me", "session": 1}),
            json!({
                "event": "submit_sm", "system_id": "me", "sequence": 2, "source": "18005559876",
                "source_ton": 1, "source_npi": 1,
                "destination": "18005551234", "data_coding": 0, "esm_class": 0x40, "validity_period": "",
                "octets": 18, "status": "ESME_ROK", "message_id": "7",
                "segment": {"reference": 42, "total": 3, "number": 2}, "session": 1,
            }),
            json!({"event": "end", "session": 1}),
        ]
    );
}

#[tokio::test]
async fn texts_are_written_where_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.jsonl");
    let smsc = smsc(Options { log: Some(log.clone()), log_text: true, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    for (data_coding, esm_class, octets, text) in [
        (0, 0, &b"\x00 \x02 \x1B\x65 hi"[..], "@ $ € hi"),
        (3, 0, b"caf\xE9", "café"),
        (8, 0, b"\xD8\x3D\xDE\x00", "😀"),
        (0, 0x40, b"\x05\x00\x03\x01\x02\x01part", "part"),
    ] {
        let sm = Sm { data_coding, esm_class, short_message: octets.to_vec(), ..Sm::default() };
        client.ask(Body::SubmitSm(Box::new(sm))).await;
        assert_eq!(lines(&log).pop().unwrap()["text"], json!(text));
    }
}

#[tokio::test]
async fn a_refused_message_has_a_status_and_no_id() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.jsonl");
    let reject = vec![Rejection { probability: 1.0, status: CommandStatus::RINVDSTADR }];
    let smsc = smsc(Options { log: Some(log.clone()), reject, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    client.ask(message(1, b"Hello")).await;
    let line = lines(&log).pop().unwrap();
    assert_eq!((&line["status"], line.get("message_id")), (&json!("ESME_RINVDSTADR"), None));
}

#[tokio::test]
async fn the_summary_counts_what_was_seen() {
    let smsc = smsc(Options::default()).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    for _ in 0..3 {
        client.ask(message(1, b"Hello")).await;
        let report = client.report().await;
        client.answer(&report, CommandStatus::ROK).await;
    }
    within("the reports are taken", smsc.wait_for(|seen| seen.receipts_taken == 3)).await;
    let summary = smsc.summary().to_json();
    for (key, value) in [
        ("binds", json!(1)),
        ("submitted", json!(3)),
        ("answered", json!({"ESME_ROK": 3})),
        ("lostResponses", json!(0)),
        ("receiptsSent", json!(3)),
        ("receiptsTaken", json!(3)),
        ("receiptsRefused", json!({})),
        ("malformed", json!(0)),
        ("sessionsEnded", json!(0)),
    ] {
        assert_eq!(summary[key], value, "{key}");
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_told_at_the_start() {
    let options = Options {
        log: Some("/nonexistent/log.jsonl".into()),
        listen: ([127, 0, 0, 1], 0).into(),
        ..Options::default()
    };
    assert!(simulator::smsc::start(options, machine()).await.is_err());
}
