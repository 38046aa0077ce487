//! `smsfactory broadcast`, as an operator runs it: files of recipients, bad lines, and sending that was cut short.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::broadcast::recipients;
use crate::support::{Stage, TOKEN, Tenant};

/// What the program does when it is run in a pipe, with this account's key in its environment.
async fn run(stage: &Stage, tenant: &Tenant, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    command.arg("broadcast").args(arguments).stdin(Stdio::null()).current_dir(stage.directory.path());
    command
        .env("SMSFACTORY_URL", format!("http://{}", stage.api))
        .env("SMSFACTORY_ADMIN_URL", format!("http://{}", stage.admin));
    command
        .env("SMSFACTORY_KEY_ID", &tenant.key)
        .env("SMSFACTORY_KEY_SECRET", &tenant.secret)
        .env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn file(stage: &Stage, text: &str) -> PathBuf {
    let path = stage.directory.path().join("recipients.csv");
    std::fs::write(&path, text).unwrap();
    path
}

/// The broadcasts that it says it has sent.
#[track_caller]
fn sent(output: &Output) -> Vec<Value> {
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    answer["data"].as_array().unwrap().clone()
}

fn words(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_sent_in_as_many_requests_as_it_takes() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let everybody = recipients(250);
    let rows: String = everybody.iter().map(|number| format!("\"Ann, the first\",{number}\n")).collect();
    let file = file(&stage, &format!("name,number\n{rows}"));
    let from = [
        "send",
        "--json",
        "--from",
        &tenant.number,
        "--body",
        "hello",
        "--per-request",
        "100",
        "--to-file",
        file.to_str().unwrap(),
    ];
    let output = run(&stage, &tenant, &from).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let broadcasts = sent(&output);
    let totals: Vec<_> = broadcasts.iter().map(|broadcast| broadcast["totalRecipients"].as_u64().unwrap()).collect();
    assert_eq!(totals, [100, 100, 50]);
    assert!(
        broadcasts.iter().all(|broadcast| broadcast["status"] == "completed" && broadcast["counts"]["queued"] == 0)
    );
    assert_eq!(stage.smsc.summary().submitted, 250);
    let again = sent(&run(&stage, &tenant, &from).await);
    assert!(again.iter().zip(&broadcasts).all(|(again, first)| again["id"] == first["id"]));
    assert_eq!(stage.smsc.summary().submitted, 250, "whoever runs it again sends nothing twice");
    let named = run(&stage, &tenant, &[&from[..], &["--name", "second"]].concat()).await;
    assert!(named.status.success() && stage.smsc.summary().submitted == 500, "{named:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_line_is_told_before_anything_is_sent() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let file = file(&stage, "+12020000001\n555\n\n+12020000002\n+12020000001\n");
    let from = ["send", "--json", "--from", &tenant.number, "--body", "hello", "--to-file", file.to_str().unwrap()];
    let output = run(&stage, &tenant, &from).await;
    assert_eq!((output.status.code(), words(&output.stdout)), (Some(1), String::new()));
    let told = words(&output.stderr);
    assert!(
        told.contains("line 2: `555`")
            && told.contains("line 5: +12020000001 is on line 1")
            && told.contains("nothing was sent"),
        "{told}"
    );
    assert_eq!(stage.smsc.summary().submitted, 0);
    let output = run(&stage, &tenant, &[&from[..], &["--skip-bad-lines"]].concat()).await;
    assert_eq!((output.status.code(), &sent(&output)[0]["totalRecipients"]), (Some(0), &json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_of_the_file_fill_the_variables_in_the_text() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let named = file(&stage, "name,to\nAda,+12020000001\nBob,+12020000002\n");
    let from = ["send", "--json", "--from", &tenant.number, "--body", "Hi {{name}}", "--to-file"];
    let output = run(&stage, &tenant, &[&from[..], &[named.to_str().unwrap()]].concat()).await;
    assert!(output.status.success(), "{output:?}");
    let texts: Vec<_> = stage.submissions().iter().map(|submit| submit["text"].clone()).collect();
    assert_eq!(texts, ["Hi Ada", "Hi Bob"]);
    let nameless = file(&stage, "+12020000001\n");
    let output = run(&stage, &tenant, &[&from[..], &[nameless.to_str().unwrap()]].concat()).await;
    assert!(words(&output.stderr).contains("line 1: names no column of numbers"), "{output:?}");
    assert_eq!((output.status.code(), stage.submissions().len()), (Some(1), 2));
    let unsound =
        ["send", "--from", &tenant.number, "--body", "Hi {{first name}}", "--to-file", named.to_str().unwrap()];
    let refused = words(&run(&stage, &tenant, &unsound).await.stderr);
    assert!(refused.contains("33100") && !refused.contains("again"), "the same text is refused again: {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cut_short_goes_on_without_sending_twice() {
    // At midnight the quota begins anew, and nothing would be cut short.
    let stage = Stage::at("2026-03-15T12:00:00.000Z", |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 70 })).await;
    let file = file(&stage, &recipients(100).join("\n"));
    let from = [
        "send",
        "--json",
        "--detach",
        "--from",
        &tenant.number,
        "--body",
        "hello",
        "--per-request",
        "30",
        "--to-file",
        file.to_str().unwrap(),
    ];
    let output = run(&stage, &tenant, &from).await;
    assert_eq!((output.status.code(), sent(&output).len()), (Some(1), 2));
    assert!(
        words(&output.stderr).contains("33012") && words(&output.stderr).contains("no recipient gets a message twice"),
        "{output:?}"
    );
    stage.operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "dailyQuota": 100 })).await.expect(200);
    let output = run(&stage, &tenant, &from).await;
    assert_eq!((output.status.code(), sent(&output).len()), (Some(0), 4));
    let all = stage.ask(&tenant.get("/broadcast")).await.expect(200)["data"].as_array().unwrap().clone();
    for broadcast in &all {
        stage
            .broadcast_when(&tenant, &broadcast["id"], "is through", |broadcast| broadcast["status"] == "completed")
            .await;
    }
    assert_eq!((all.len(), stage.smsc.summary().submitted), (4, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broadcasts_are_listed_shown_and_stopped() {
    let stage = Stage::with(|config, _| config.carrier.clear()).await;
    let tenant = stage.tenant().await;
    let broadcast = json!({ "recipients": ["+442071234567"], "from": tenant.number, "body": "hello" });
    let id = stage.ask(&tenant.broadcast(&broadcast)).await.expect(201)["id"].as_str().unwrap().to_owned();
    let listed = run(&stage, &tenant, &["list"]).await;
    assert!(words(&listed.stdout).contains(&id) && words(&listed.stdout).starts_with("ID"), "{listed:?}");
    assert_eq!(words(&listed.stdout).matches("MODE").count(), 1, "{listed:?}");
    let shown = run(&stage, &tenant, &["show", &id]).await;
    assert!(words(&shown.stdout).lines().any(|line| line.starts_with("totalRecipients")), "{shown:?}");
    assert!(words(&shown.stdout).lines().any(|line| line.starts_with("skipped")), "{shown:?}");
    assert_eq!(run(&stage, &tenant, &["cancel", &id]).await.status.code(), Some(1), "nobody could be asked");
    let canceled = run(&stage, &tenant, &["cancel", &id, "--yes", "--json"]).await;
    assert_eq!(serde_json::from_slice::<Value>(&canceled.stdout).unwrap()["id"], json!(id), "{canceled:?}");
    assert_eq!(run(&stage, &tenant, &["show", "brc_0000000000000000000000"]).await.status.code(), Some(1));
}
