//! What leaves over SMPP: measured by the carrier's alphabet, once for each recipient, whatever happens to the session.
//! Texts of the field are in `tests/field/smpp.jsonl` at the root of the repository: lines with `bodies`.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};
use simulator::smsc::{DelayMs, Rejection};
use wire::smpp::CommandStatus;

use crate::support::{RECIPIENT, Stage, Tenant, at_once, eventually, smpp};

const FIELD: &str = include_str!("../../../../tests/field/smpp.jsonl");

/// Messages to one recipient, one after the other, and what is to leave of each.
#[derive(Deserialize)]
struct Texts {
    id: String,
    title: String,
    #[serde(default)]
    carrier: serde_json::Map<String, Value>,
    #[serde(default)]
    bodies: Vec<String>,
    /// `submit_sm` for each message.
    #[serde(default)]
    pieces: usize,
    /// The text as it leaves, where it is not the body.
    #[serde(default)]
    leaves: Option<String>,
}

#[tokio::test]
async fn texts_of_the_field_leave_whole_and_no_two_of_them_share_a_reference() {
    for line in FIELD.lines() {
        let texts: Texts = serde_json::from_str(line).unwrap();
        if !texts.bodies.is_empty() {
            leave(&texts).await;
        }
    }
}

async fn leave(texts: &Texts) {
    let what = format!("{}, {}", texts.id, texts.title);
    let stage = Stage::with(|config, _| {
        let mut settings = json!({
            "name": "main",
            "host": "127.0.0.1",
            "port": 0,
            "system_id": "tests",
            "rate": 0,
            "segments_max": 64,
        });
        settings.as_object_mut().unwrap().extend(texts.carrier.clone());
        *smpp(config) = serde_json::from_value(settings).unwrap();
    })
    .await;
    let tenant = stage.tenant().await;
    for body in &texts.bodies {
        let message = stage.send(&tenant, RECIPIENT, body).await;
        stage.reaches(&tenant, &message["id"], "delivered").await;
        said_in_its_life(&stage, &message, texts.pieces, &what).await;
    }
    let submissions = stage.submissions();
    assert_eq!(submissions.len(), texts.bodies.len() * texts.pieces, "{what}");
    let mut references = HashSet::new();
    for (body, pieces) in texts.bodies.iter().zip(submissions.chunks(texts.pieces)) {
        let text: String = pieces.iter().map(|piece| piece["text"].as_str().unwrap()).collect();
        assert_eq!(text, *texts.leaves.as_ref().unwrap_or(body), "{what}");
        assert!(!text.is_empty(), "{what}: an empty submit_sm");
        let of_pieces: HashSet<Option<u64>> =
            pieces.iter().map(|piece| piece["segment"]["reference"].as_u64()).collect();
        assert_eq!(of_pieces.len(), 1, "{what}: one reference for the whole of a message");
        if let [Some(reference)] = of_pieces.into_iter().collect::<Vec<_>>()[..] {
            assert!(references.insert(reference & 0xFF), "{what}: the reference {reference} again");
        }
    }
    assert!(texts.pieces == 1 || references.len() == texts.bodies.len(), "{what}");
}

/// How many segments left is in the message's life, where another number was counted.
async fn said_in_its_life(stage: &Stage, message: &Value, pieces: usize, what: &str) {
    let life = stage.life(&message["id"]).await;
    let acknowledged =
        life["events"].as_array().unwrap().iter().find(|event| event["event"] == "acknowledged").unwrap();
    let detail = acknowledged["detail"].as_str().unwrap();
    let says = format!("in {pieces} segment");
    assert_eq!(detail.contains(&says), message["segments"] != pieces, "{what}: {detail}");
}

#[tokio::test]
async fn broadcasts_and_messages_to_the_same_recipient_share_no_reference() {
    let stage = Stage::with(|config, _| smpp(config).alphabet = carrier::smpp::config::Alphabet::Ucs2).await;
    let tenant = stage.tenant().await;
    for turn in 0..6 {
        let body = format!("{turn} {}", "x".repeat(100));
        if turn % 3 == 0 {
            let message = stage.send(&tenant, RECIPIENT, &body).await;
            stage.reaches(&tenant, &message["id"], "delivered").await;
        } else {
            let broadcast = json!({ "recipients": [RECIPIENT, "+12025550199"], "from": tenant.number, "body": body });
            let id = stage.ask(&tenant.broadcast(&broadcast)).await.expect(201)["id"].clone();
            stage.broadcast_when(&tenant, &id, "is through", |broadcast| broadcast["status"] == "completed").await;
        }
    }
    let to = |number: &str| -> BTreeMap<u64, String> {
        let pieces = stage.submissions().into_iter().filter(|piece| piece["destination"] == number[1..]);
        pieces
            .map(|piece| {
                (piece["segment"]["reference"].as_u64().unwrap() & 0xFF, piece["segment"]["total"].to_string())
            })
            .collect()
    };
    assert_eq!((to(RECIPIENT).len(), to("+12025550199").len()), (6, 4));
}

/// Every recipient's text was taken once.
fn taken_once(stage: &Stage, count: usize) {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for submission in stage.submissions().iter().filter(|submission| submission["status"] == "ESME_ROK") {
        *taken.entry(submission["destination"].to_string()).or_default() += 1;
    }
    assert_eq!(taken.len(), count);
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
}

async fn send(stage: &Stage, tenant: &Tenant, count: usize) -> Vec<Value> {
    let asks: Vec<_> = (0..count)
        .map(|number| tenant.post(&tenant.message(&format!("+1202555{:04}", 1_000 + number), "hello")))
        .collect();
    at_once(stage.api, asks).await.into_iter().map(|reply| reply.expect(201)["id"].clone()).collect()
}

/// Sends 80 messages: each arrives and is taken once, and no outcome is unknown, although sessions end.
async fn every_message_once(stage: &Stage) {
    let tenant = stage.tenant().await;
    for id in send(stage, &tenant, 80).await {
        stage.reaches(&tenant, &id, "delivered").await;
        assert_eq!(stage.life(&id).await["unknownOutcomes"], 0);
    }
    assert!(stage.smsc.summary().binds > 1);
    taken_once(stage, 80);
}

#[tokio::test]
async fn an_smsc_that_unbinds_again_and_again_gets_every_message_once() {
    let stage = Stage::with(|config, options| {
        (options.unbind, options.response_delay_ms) = (0.1, DelayMs(5, 40));
        smpp(config).window = 10;
    })
    .await;
    every_message_once(&stage).await;
}

#[tokio::test]
async fn an_smsc_that_forgets_that_we_are_bound_gets_every_message_once_and_soon() {
    let stage = Stage::with(|config, options| {
        options.reject = vec![Rejection { probability: 0.05, status: CommandStatus::RINVBNDSTS }];
        options.response_delay_ms = DelayMs(0, 20);
        smpp(config).window = 10;
    })
    .await;
    every_message_once(&stage).await;
}

#[tokio::test]
async fn one_full_handset_slows_nobody_else() {
    let stage = Stage::with(|_, options| options.reject_to = vec!["0000=ESME_RMSGQFUL".parse().unwrap()]).await;
    let tenant = stage.tenant().await;
    let full = stage.send(&tenant, "+12025550000", "hello").await;
    for id in send(&stage, &tenant, 100).await {
        stage.reaches(&tenant, &id, "delivered").await;
    }
    let life =
        eventually("it was put off", async || Some(stage.life(&full["id"]).await).filter(|life| life["attempts"] != 0))
            .await;
    assert_eq!(life["status"], json!("queued"));
    assert_eq!(stage.carrier("main").await["throttled"], 0);
}
