//! Erasure of a person through the admin API: the view of clients afterwards, the record, and that
//! an interrupted one goes on.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::media::MediaServer;
use crate::support::store::Trouble;
use crate::support::{RECIPIENT, Stage, eventually, files};

/// Begins an erasure and awaits its end.
async fn erase(stage: &Stage, number: &str) -> Value {
    let begun =
        stage.operate("POST", "/erasures", json!({ "number": number, "reference": "DSR 12" })).await.expect(202);
    ended(stage, &begun["id"]).await
}

async fn ended(stage: &Stage, id: &Value) -> Value {
    let path = format!("/erasures/{}", id.as_str().unwrap());
    eventually("the erasure has ended", async || {
        Some(stage.operate("GET", &path, Value::Null).await.expect(200)).filter(|found| found["state"] == "completed")
    })
    .await
}

/// The files that may hold what a client sent.
fn kept(stage: &Stage) -> Vec<Vec<u8>> {
    let store = PathBuf::from(stage.config.store.url.strip_prefix("sqlite:").unwrap());
    let log = PathBuf::from(format!("{}-wal", store.display()));
    let mut kept = files(&stage.config.media.directory);
    kept.extend([store, log].into_iter().map(|file| std::fs::read(file).unwrap()));
    kept
}

fn holds(kept: &[Vec<u8>], text: &[u8]) -> bool {
    kept.iter().any(|file| file.windows(text.len()).any(|octets| octets == text))
}

#[tokio::test]
async fn a_person_is_gone_from_lists_from_answers_and_from_the_disk() {
    let server = MediaServer::start().await;
    let stage = Stage::with(|config, _| server.allow(config)).await;
    let tenant = stage.tenant().await;
    let tester = stage.key(&tenant, json!({ "mode": "test" })).await;
    let sent = stage.send(&tenant, RECIPIENT, "my secret is 90210").await;
    let other = stage.send(&tenant, "+18005550166", "hello").await;
    let mms =
        json!({ "to": RECIPIENT, "from": tenant.number, "body": "my secret", "mediaUrl": server.url("photo.jpg") });
    let picture = stage.ask(&tester.post(&mms)).await.expect(201);
    let delivered = stage.reaches(&tenant, &sent["id"], "delivered").await;
    stage.reaches(&tenant, &other["id"], "delivered").await;
    stage.reaches(&tester, &picture["id"], "delivered").await;
    assert!(holds(&kept(&stage), b"my secret"));
    let would = json!({ "number": RECIPIENT, "dryRun": true });
    let counted = stage.operate("POST", "/erasures", would).await.expect(200);
    let erasure = erase(&stage, RECIPIENT).await;
    assert_eq!(counted, json!({ "dryRun": true, "counts": erasure["counts"] }), "a dry run counts the same");
    assert_eq!((&erasure["counts"]["messages"], &erasure["counts"]["media"]), (&json!(2), &json!(1)));
    for fact in [&b"my secret"[..], &RECIPIENT.as_bytes()[1..], crate::support::media::PHOTO] {
        assert!(!holds(&kept(&stage), fact), "{:?}", String::from_utf8_lossy(fact));
    }
    let path = format!("/message/{}", sent["id"].as_str().unwrap());
    let mut shown = stage.ask(&tenant.get(&path)).await.expect(200);
    assert!(shown["erasedAt"].as_str().is_some_and(|at| at >= delivered["deliveredAt"].as_str().unwrap()));
    let mut expected = delivered.clone();
    expected["to"] = "".into();
    expected["body"] = Value::Null;
    shown.as_object_mut().unwrap().remove("erasedAt");
    assert_eq!(shown, expected, "its status and its times stay");
    let found = stage.ask(&tenant.get(&format!("/message?to=%2B{}", &RECIPIENT[1..]))).await.expect(200);
    assert_eq!(found["data"], json!([]));
    assert_eq!(stage.count(&tenant).await, 2, "the account still has its messages");
    let life = stage.life(&sent["id"]).await;
    let events: Vec<_> = life["events"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert_eq!(events, ["accepted", "attempt", "acknowledged", "receipt", "erased"]);
}

#[tokio::test]
async fn the_record_is_found_by_the_number_and_does_not_hold_it() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let refused = json!({ "field": "number", "expected": "a person's number: this one is provisioned as a sender" });
    for dry_run in [false, true] {
        let input = json!({ "number": tenant.number, "dryRun": dry_run });
        stage.operate("POST", "/erasures", input).await.refused_by_operator(33100, refused.clone());
    }
    let input = json!({ "number": RECIPIENT, "reference": format!("for {RECIPIENT}") });
    let expected = json!({ "field": "reference", "expected": "a text of at most 200 bytes without the number" });
    stage.operate("POST", "/erasures", input).await.refused_by_operator(33100, expected);
    let erasure = erase(&stage, RECIPIENT).await;
    erase(&stage, "+18005550177").await;
    assert!(!erasure.to_string().contains(&RECIPIENT[1..]));
    assert_eq!((&erasure["operator"], &erasure["reference"]), (&json!("admin token"), &json!("DSR 12")));
    let of = async |number: &str| {
        let path = format!("/erasures?number=%2B{}", &number[1..]);
        stage.operate("GET", &path, Value::Null).await.expect(200)["data"].clone()
    };
    assert_eq!(of(RECIPIENT).await, json!([erasure]));
    assert_eq!(of("+18005550188").await, json!([]));
    let first = stage.operate("GET", "/erasures?limit=1", Value::Null).await.expect(200);
    let next = format!("/erasures?limit=1&cursor={}", first["nextCursor"].as_str().unwrap());
    let second = stage.operate("GET", &next, Value::Null).await.expect(200);
    assert_eq!((second["data"].as_array().unwrap().len(), &second["nextCursor"]), (1, &Value::Null));
}

#[tokio::test]
async fn an_erasure_that_a_process_left_unfinished_is_finished_by_the_next() {
    let (mut stage, gated) = Stage::gated(|_, _| {}).await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "my secret is 90210").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    gated.trouble(&["erase_messages"], &Trouble::full());
    let begun = stage.operate("POST", "/erasures", json!({ "number": RECIPIENT })).await.expect(202);
    assert_eq!(begun["state"], "running");
    gated.met().await;
    stage.restart(|_| {}).await;
    let ended = ended(&stage, &begun["id"]).await;
    assert_eq!(ended["counts"]["messages"], 1);
    let life = stage.life(&sent["id"]).await;
    assert_eq!((&life["to"], &life["body"]), (&json!(""), &Value::Null));
}
