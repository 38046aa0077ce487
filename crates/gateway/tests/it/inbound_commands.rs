//! `smsfactory inbound` and `smsfactory optout`, as a shell sees them.

use std::io::Write;
use std::process::{Command, Stdio};

use model::{InboundAddress, Mode};
use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::{Stage, TOKEN, Tenant};

const HANDSET: &str = "+18005551234";

/// Runs the program against the stage; `input` is what it reads from standard input.
pub(crate) async fn run(stage: &Stage, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    command
        .args(arguments)
        .env("SMSFACTORY_ADMIN_URL", format!("http://{}", stage.admin))
        .env("SMSFACTORY_ADMIN_TOKEN", TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    // The platform that it asks is in this process.
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing has ended perhaps.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    });
    let output = ended.await.unwrap();
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The same, of a command that does what it is asked.
pub(crate) async fn done(stage: &Stage, arguments: &[&str]) -> String {
    let (code, out, err) = run(stage, arguments, "").await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}: {out}");
    out
}

async fn count(stage: &Stage, tenant: &Tenant) -> usize {
    stage.ask(&tenant.get("/optout?limit=100")).await.expect(200)["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn opt_outs_are_added_listed_and_removed() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let account = tenant.account.as_str();
    stage.stop_from(&tenant, HANDSET, Mode::Live).await;
    let added =
        done(&stage, &["optout", "add", "+18005551001", "--account", account, "--reason", "a letter", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&added).unwrap()["source"], "operator");
    let listed = done(&stage, &["optout", "list", "--account", account]).await;
    for word in ["NUMBER", HANDSET, "+18005551001", "keyword", "STOP", "a letter"] {
        assert!(listed.contains(word), "{word}: {listed}");
    }
    let one = done(&stage, &["optout", "list", "--account", account, "--number", HANDSET]).await;
    assert!(!one.contains("+18005551001"), "{one}");
    assert!(!done(&stage, &["optout", "list", "--account", account, "--mode", "test"]).await.contains(HANDSET));

    let remove = ["optout", "remove", HANDSET, "--account", account];
    let (code, _, err) = run(&stage, &remove, "").await;
    assert!(code == Some(1) && err.contains("--yes"), "{err}");
    let (code, _, err) = run(&stage, &[&remove[..], &["--yes"]].concat(), "").await;
    assert!(code == Some(1) && err.contains("33005") && err.contains("reason"), "{err}");
    done(&stage, &[&remove[..], &["--yes", "--reason", "signed a form"]].concat()).await;
    let history = done(&stage, &["optout", "history", HANDSET, "--account", account]).await;
    for word in ["opted_out", "opted_in", "operator", "signed a form"] {
        assert!(history.contains(word), "{word}: {history}");
    }
    assert_eq!(count(&stage, &tenant).await, 1);
}

#[tokio::test]
async fn a_file_of_opt_outs_is_imported_and_exported() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let account = tenant.account.as_str();
    let file = stage.directory.path().join("old.csv");
    let text = format!(
        "number,from,createdAt\n+18005551001,,2026-01-01T00:00:00Z\nnonsense\n+18005551002,{}\n+18005551003,{}\n",
        tenant.number, other.number
    );
    std::fs::write(&file, text).unwrap();
    let import = ["optout", "import", file.to_str().unwrap(), "--account", account];
    let (code, out, err) = run(&stage, &import, "").await;
    assert_eq!(code, Some(1), "{out}");
    assert!(err.contains("line 3: `number` is `nonsense`") && err.contains("line 5: `from` is not"), "{err}");
    assert!(out.contains("added") && err.contains("2 lines left out"), "{out} {err}");
    assert_eq!(count(&stage, &tenant).await, 2);
    let (code, out, _) = run(&stage, &[&import[..], &["--json"]].concat(), "").await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["added"], &report["unchanged"]), (Some(1), &json!(0), &json!(2)));
    assert_eq!(report["invalid"][0]["line"], 3);

    for format in ["csv", "jsonl"] {
        let out = stage.directory.path().join(format!("out.{format}"));
        let export = ["optout", "export", "--account", account, "--out", out.to_str().unwrap(), "--format", format];
        assert_eq!(done(&stage, &export).await, "");
        let written = std::fs::read_to_string(&out).unwrap();
        assert!(written.contains("+18005551001") && written.contains("2026-01-01T00:00:00.000Z"), "{written}");
        // The senders are not the other account's.
        let (code, _, err) =
            run(&stage, &["optout", "import", out.to_str().unwrap(), "--account", &other.account], "").await;
        assert!(code == Some(1) && err.contains("1 line left out"), "{err}");
    }
    assert_eq!(count(&stage, &other).await, 1);
    let since = stage.ask(&other.get("/optout")).await.expect(200)["data"][0]["createdAt"].clone();
    assert_eq!(since, "2026-01-01T00:00:00.000Z");
    // Standard input, in as many requests as it takes.
    let many: String = (0..12_000).map(|at| format!("+1900{at:07}\n")).collect();
    let (code, out, err) = run(&stage, &["optout", "import", "-", "--account", account], &many).await;
    assert!(code == Some(0) && out.contains("12000"), "{out} {err}");
}

#[tokio::test]
async fn messages_of_handsets_are_listed_and_stray_ones_given_away() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mine = stage.receive(&tenant, HANDSET, "hello there").await;
    let listed = done(&stage, &["inbound", "list", "--account", &tenant.account]).await;
    for word in ["KEYWORD", "hello there", HANDSET, "main"] {
        assert!(listed.contains(word), "{word}: {listed}");
    }
    assert!(done(&stage, &["message", "show", &mine.id.to_string()]).await.contains("inbound"));
    let stray = stage.text(&tenant, HANDSET, "lost", |message| message.to = InboundAddress::of("+18005550999")).await;
    let id = stage.record_unrouted(stray).await.id.to_string();
    let unrouted = done(&stage, &["inbound", "unrouted", "list", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&unrouted).unwrap()["data"][0]["id"], id);
    let assign = ["inbound", "unrouted", "assign", &id, &tenant.account];
    assert_eq!(run(&stage, &assign, "").await.0, Some(1), "it asks");
    done(&stage, &[&assign[..], &["--yes"]].concat()).await;
    assert!(done(&stage, &["inbound", "list"]).await.contains("lost"));
    let (code, _, err) = run(&stage, &[&assign[..], &["--yes"]].concat(), "").await;
    assert!(code == Some(1) && err.contains("33101"), "{err}");
}

#[tokio::test]
async fn what_handsets_and_accounts_do_is_counted() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.stop_from(&tenant, HANDSET, Mode::Live).await;
    let place = format!("/api/v1/messaging/optout/{HANDSET}");
    let reason = json!({ "reason": "asked" });
    stage.ask(&tenant.sign(Ask::new("DELETE", &place)).json(&reason)).await.expect(204);
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for line in [
        "optout_changes_total{source=\"keyword\",change=\"opted_out\"} 1",
        "optout_changes_total{source=\"api\",change=\"opted_in\"} 1",
        "optout_changes_total{source=\"import\",change=\"opted_out\"} 0",
        "inbound_messages_total{carrier=\"main\",kind=\"sms\"} 0",
        "inbound_unrouted_total{carrier=\"main\"} 0",
        "inbound_parts_waiting 0",
        "automatic_messages_total{keyword=\"stop\"} 0",
        "automatic_suppressed_total{reason=\"no_change\"} 0",
    ] {
        assert!(metrics.contains(&format!("smsfactory_{line}\n")), "{line}: {metrics}");
    }
}
