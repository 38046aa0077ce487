//! Cases from the field, in `tests/field/mm4.jsonl` at the root of the repository: reports and answers by their fields,
//! and servers by what they reply and how.

use std::time::Duration;

use carrier::SegmentOutcome;
use serde_json::Value;

use super::mmsc::{Mmsc, begin_to_bring, bring};
use super::{config, deaf, id, mms, settle, start};
use crate::support::Bench;

const CASES: &str = include_str!("../../../../../tests/field/mm4.jsonl");

/// The variants that have this key, each with its name.
fn variants(key: &str) -> Vec<(String, Value)> {
    let cases: Vec<Value> = CASES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let variants = cases
        .iter()
        .flat_map(|case| case["variants"].as_array().unwrap().iter().map(move |variant| (&case["id"], variant)));
    let with_key = variants.filter(|(_, variant)| variant[key] != Value::Null);
    with_key.map(|(id, variant)| (format!("{id}: {}", variant["name"]), variant.clone())).collect()
}

fn lines(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

/// Checks what became of a message, by a word for it, and the status that is kept.
async fn check(bench: &mut Bench, variant: &Value, name: &str) {
    let outcomes = bench.segments().await;
    let (word, status) = match &outcomes[..] {
        [SegmentOutcome::Accepted { remark, .. }] => ("accepted", remark.as_ref()),
        [SegmentOutcome::Refused { status, .. }] => ("refused", Some(status)),
        [SegmentOutcome::TryLater { status }] => ("try_later", Some(status)),
        [SegmentOutcome::Unknown { .. }] => ("unknown", None),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(word, variant["outcome"], "{name}: {outcomes:?}");
    if let Some(wanted) = variant["status"].as_str() {
        assert_eq!(status.map(String::as_str), Some(wanted), "{name}");
    }
}

#[tokio::test]
async fn reports_keep_what_the_vendor_says() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    for (name, variant) in variants("report") {
        let fields = lines(&variant["report"]).join("\r\n");
        let mail = format!(
            "X-Mms-Message-Type: MM4_delivery_report.REQ\r\nX-Mms-Message-ID: \"<{}>\"\r\nFrom: \
             +18005559876/TYPE=PLMN@mms.peer.example\r\n{fields}\r\n",
            id(1)
        );
        let mut talk = begin_to_bring(listener, mail.as_bytes()).await;
        let (receipt, ack) = bench.receipt().await;
        assert_eq!(
            (format!("{:?}", receipt.state).as_str(), receipt.error.as_deref()),
            (variant["state"].as_str().unwrap(), variant["error"].as_str()),
            "{name}"
        );
        ack.accept();
        talk.hear("250").await;
    }
}

#[tokio::test]
async fn answers_keep_what_the_vendor_says() {
    let mmsc = Mmsc::start().await;
    for (name, variant) in variants("answer") {
        let (mut bench, listener) = start(config(&mmsc));
        bench.submit(mms(1)).await;
        mmsc.greeted().await.forwarded().await;
        let fields = lines(&variant["answer"]).join("\r\n");
        let mail = format!("X-Mms-Message-Type: MM4_forward.RES\r\nX-Mms-Message-ID: {}\r\n{fields}\r\n", id(1));
        assert_eq!(bring(listener, mail.as_bytes()).await, 250, "{name}");
        check(&mut bench, &variant, &name).await;
    }
}

#[tokio::test]
async fn replies_are_read_however_they_are_written_and_the_mail_goes_once() {
    let mmsc = Mmsc::start().await;
    for (name, variant) in variants("replies") {
        let (mut bench, _) = start(deaf(&mmsc));
        bench.submit(mms(1)).await;
        let mut talk = mmsc.accept().await;
        let commands = [None, Some("EHLO"), Some("MAIL"), Some("RCPT"), Some("DATA"), Some("")];
        for ((reply, end), command) in lines(&variant["replies"]).into_iter().zip(lines(&variant["ends"])).zip(commands)
        {
            match command {
                None => {}
                Some("") => talk.hear_mail().await,
                Some(command) => drop(talk.hear(command).await),
            }
            let octets: String = reply.split('|').map(|line| format!("{line}{end}")).collect();
            let piece = variant["piece"].as_u64().filter(|piece| *piece > 0).unwrap_or(u64::MAX) as usize;
            for piece in octets.as_bytes().chunks(piece.min(octets.len())) {
                talk.write(piece).await;
                settle().await;
            }
        }
        match variant["outcome"].as_str() {
            _ if variant["closes"] == true => talk.close().await,
            Some("refused" | "try_later") => {
                talk.hear("RSET").await;
                talk.write(b"250 ok\n").await;
            }
            _ => {}
        }
        check(&mut bench, &variant, &name).await;
        drop(bench);
        assert!(tokio::time::timeout(Duration::ZERO, mmsc.accept()).await.is_err(), "{name}: the mail went once");
    }
}
