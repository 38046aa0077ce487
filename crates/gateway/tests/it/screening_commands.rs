//! `smsfactory screen` and `smsfactory screening`, as a shell sees them.

use serde_json::{Value, json};

use crate::inbound_commands::{done, run};
use crate::support::{RECIPIENT, Stage};

const OFFER: &str = "Cheap vodka delivered to your door tonight, order now";
const SIGN_IN: &str = "Your account is locked. Sign in and verify now: https://bit.ly/3xYz9";
const INNOCENT: &str = "Your code is 482910. Never share this code with anyone.";

/// What `screen` says of the texts.
async fn screened(arguments: &[&str]) -> Vec<Value> {
    let stage = Stage::start().await;
    let lines: String =
        [OFFER, SIGN_IN, INNOCENT].iter().map(|text| json!({ "id": 7, "text": text }).to_string() + "\n").collect();
    let (code, out, err) = run(&stage, arguments, &lines).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn screen_says_what_becomes_of_each_text() {
    let answers = screened(&["screen"]).await;
    for (answer, (blocked, verdict, categories)) in answers.iter().zip([
        (true, "block", json!(["shaft.alcohol"])),
        (true, "block", json!(["phishing"])),
        (false, "pass", json!([])),
    ]) {
        let wanted = json!({ "id": 7, "blocked": blocked, "verdict": verdict, "categories": categories });
        assert_eq!(*answer, wanted);
    }
    assert_eq!(answers.len(), 3);
}

#[tokio::test]
async fn screen_explains_why_and_what_would_help() {
    let answers = screened(&["screen", "--explain"]).await;
    let [offer, sign_in, innocent] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(offer["certainty"], json!({ "shaft.alcohol": "sure" }));
    assert!(offer["help"][0].as_str().unwrap().contains("whose age gate it has checked"), "{offer}");
    assert!(sign_in["help"][0].as_str().unwrap().starts_with("A link to a shortener stands next to"), "{sign_in}");
    for answer in [offer, sign_in] {
        let filled = |field: &str| !answer[field].as_array().unwrap().is_empty();
        assert!(filled("matches") && filled("reasons"), "{answer}");
        assert_eq!((answer["scores"].as_object().unwrap().len(), &answer["language"]), (10, &json!("English")));
    }
    assert_eq!((&innocent["certainty"], &innocent["help"], &innocent["matches"]), (&json!({}), &json!([]), &json!([])));
}

#[tokio::test]
async fn a_policy_is_shown_with_the_meaning_of_its_actions_and_changed_in_parts() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let account = tenant.account.as_str();
    let lines = |out: String| -> Vec<Vec<String>> {
        out.lines().map(|line| line.splitn(2, "  ").map(|part| part.trim().to_owned()).collect()).collect()
    };
    let shown = lines(done(&stage, &["screening", "policy", account]).await);
    let wanted = [
        ["sure", "block (refused with 33019)"],
        ["unsure", "flag (accepted, and marked for review)"],
        ["exempt", "-"],
        ["allowedDomains", "-"],
        ["allowedPhrases", "-"],
    ];
    assert_eq!(shown, wanted);
    let set = ["screening", "set", account, "--unsure", "off", "--exempt", "shaft.alcohol", "--exempt", "fraud"];
    let shown = lines(done(&stage, &set).await);
    assert_eq!(shown[..3], [wanted[0], ["unsure", "off (accepted)"], ["exempt", "shaft.alcohol, fraud"]]);
    let json = done(&stage, &["screening", "set", account, "--sure", "flag", "--json"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["sure"], &json["unsure"], json["exempt"].as_array().unwrap().len()),
        (&json!("flag"), &json!("off"), 2)
    );
    let (code, out, err) = run(&stage, &["screening", "set", account, "--sure", "maybe"], "").await;
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("'--sure <ACTION>'") && err.contains("possible values: block, flag, off"), "{err}");
    let (code, ..) = run(&stage, &["screening", "set", account, "--action", "flag"], "").await;
    assert_eq!(code, Some(2), "there is no such option");
}

#[tokio::test]
async fn the_log_shows_the_certainty_and_is_narrowed_by_it() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, OFFER))).await.expect(400);
    let all = done(&stage, &["screening", "log"]).await;
    let columns: Vec<&str> = all.lines().next().unwrap().split_whitespace().collect();
    let at = columns.iter().position(|column| *column == "CERTAINTY").unwrap();
    assert_eq!(all.lines().nth(1).unwrap().split_whitespace().nth(at), Some("sure"), "{all}");
    for (certainty, rows) in [("sure", 1), ("unsure", 0)] {
        let shown = done(&stage, &["screening", "log", "--certainty", certainty]).await;
        assert_eq!(shown.lines().count(), 1 + rows, "{shown}");
    }
    let (code, _, err) = run(&stage, &["screening", "log", "--certainty", "maybe"], "").await;
    assert!(code == Some(2) && err.contains("'--certainty <CERTAINTY>'") && err.contains("sure, unsure"), "{err}");
}
