//! Requests as octets, right and wrong, and what they are answered: `tests/field/http.jsonl`, one case a line.
//!
//! `send` holds what is written, piece by piece: text with `{base}`, `{auth}`, `{message}` and `{length}` (of the
//! message) filled in; `hex`; `pad_to`, which fills up to so many octets in all before its `end`; `reply`, which waits
//! for an answer with this status first; `close_half`. `expect` holds the answers: a status of success, or the code of
//! a refusal. After the last one nothing more may come, and where it was a refusal of the head the connection ends.
//! `secs` shortens the deadlines.

use api::http::caught::caught;
use serde_json::{Value, json};

use crate::support::http::Connection;
use crate::support::{RECIPIENT, Stage, Tenant, basic};

const CASES: &str = include_str!("../../../../tests/field/http.jsonl");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_in_octets_is_answered_as_the_contract_says() {
    let stage = Stage::start().await;
    run(&stage, |case| case["secs"].is_null()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_long_is_answered_where_something_was_asked() {
    let stage = Stage::with(|config, _| (config.api.head_timeout_secs, config.api.body_timeout_secs) = (1, 1)).await;
    run(&stage, |case| case["secs"] == 1).await;
}

async fn run(stage: &Stage, is_meant: impl Fn(&Value) -> bool) {
    let tenant = stage.tenant().await;
    let cases: Vec<Value> = CASES.lines().map(|line| serde_json::from_str(line).unwrap()).filter(is_meant).collect();
    assert!(cases.len() >= 5, "{} cases", cases.len());
    for case in &cases {
        let checked = caught(check(stage, &tenant, case)).await;
        checked.unwrap_or_else(|words| panic!("{}, {}, {}: {words}", case["id"], case["title"], case["variant"]));
    }
}

async fn check(stage: &Stage, tenant: &Tenant, case: &Value) {
    let is_admin = case["door"] == "admin";
    let mut connection = Connection::open(if is_admin { stage.admin } else { stage.api }).await;
    let mut sent = 0;
    for piece in case["send"].as_array().unwrap() {
        if let Some(status) = piece.get("reply") {
            assert_eq!(connection.reply().await.status, status.as_u64().unwrap() as u16);
            sent = 0;
        } else if piece.get("close_half").is_some() {
            connection.close_half().await;
        } else {
            let octets = octets(piece, tenant, sent);
            sent += octets.len();
            connection.write(&octets).await;
        }
    }
    let mut is_over = case["expect"].as_array().unwrap().is_empty();
    for expected in case["expect"].as_array().unwrap() {
        let (expected, info) = (expected.as_u64().unwrap(), case["info"].clone());
        let reply = connection.reply().await;
        match (expected < 1_000, is_admin) {
            (true, _) => drop(reply.expect(expected as u16)),
            (false, true) => reply.refused_by_operator(expected as u16, info),
            (false, false) => reply.refused(expected as u16, info),
        }
        is_over = reply.header("connection") == Some("close");
    }
    if is_over {
        assert!(connection.is_over().await, "one answer and no more");
    }
}

fn octets(piece: &Value, tenant: &Tenant, sent: usize) -> Vec<u8> {
    if let Some(text) = piece.as_str() {
        let message = json!({ "to": RECIPIENT, "from": tenant.number, "body": "Hello" }).to_string();
        let text = text.replace("{base}", "/api/v1/messaging").replace("{auth}", &basic(&tenant.key, &tenant.secret));
        return text.replace("{length}", &message.len().to_string()).replace("{message}", &message).into_bytes();
    }
    if let Some(hex) = piece["hex"].as_str() {
        return (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    }
    let (total, end) = (piece["pad_to"].as_u64().unwrap() as usize, piece["end"].as_str().unwrap());
    [vec![b'x'; total - sent - end.len()], end.as_bytes().to_vec()].concat()
}
