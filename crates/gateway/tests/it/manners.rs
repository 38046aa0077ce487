//! The manners of the command line: errors with a way out, pages, colours, and questions before a change.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use simulator::smsc::RejectionTo;
use tempfile::TempDir;
use wire::smpp::CommandStatus;

use crate::commands::{fed, smsfactory, told};
use crate::inbound_commands::{done, run};
use crate::support::{RECIPIENT, Stage, carrier, dead_port};

const TEXT: &str = "A test message from smsfactory";

#[test]
fn options_that_most_commands_have_are_under_a_heading_of_their_own() {
    let (code, out, _) = told(&smsfactory(&["message", "list", "--help"]).output().unwrap());
    let (own, common) = out.split_once("\nCommon options:\n").expect("there is such a heading");
    assert_eq!(code, Some(0));
    assert!(own.contains("--status <STATUS>") && own.contains("[possible values: scheduled, queued, sent,"), "{own}");
    for option in ["--url <URL>", "--token-file <FILE>", "--json"] {
        assert!(common.contains(option) && !own.contains(option), "{option}: {out}");
    }
    assert!(!out.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn a_wrong_value_is_refused_with_the_right_ones_before_the_server_is_asked() {
    for (arguments, words) in [
        (&["message", "list", "--status", "bogus"][..], "queued, sent, delivered, undelivered, failed, canceled"),
        (&["broadcast", "list", "--status", "sent"], "queued, sending, completed, failed, canceled"),
        (&["webhook", "deliveries", "whk_x", "--status", "bogus"], "pending, succeeded, failed"),
        (&["number", "add", "+18005550100", "--state", "on"], "active, pending, suspended"),
        (&["message", "list", "--mode", "prod"], "live, test"),
        (&["message", "list", "--after", "yesterday"], "a time as in RFC 3339, such as 2026-11-01T09:00:00Z"),
        (&["key", "create", "acc_x", "--expires-at", "2027"], "a time as in RFC 3339"),
    ] {
        let (code, out, err) = told(&smsfactory(arguments).output().unwrap());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.contains(words) && err.contains("--help"), "{arguments:?}: {err}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_told_with_the_option_for_its_address() {
    let url = format!("http://127.0.0.1:{}", dead_port());
    let mut command = smsfactory(&["account", "list", "--url", &url]);
    let (code, _, err) = told(&command.env("SMSFACTORY_ADMIN_TOKEN", "a-token").output().unwrap());
    assert_eq!(code, Some(1));
    assert!(err.contains(&url) && err.contains("is the server running? `--url` names another address"), "{err}");
    let mut command = smsfactory(&["webhook", "list", "--api-url", &url]);
    command.env("SMSFACTORY_KEY_ID", "uk_x").env("SMSFACTORY_KEY_SECRET", "sk_x");
    let (code, _, err) = told(&command.output().unwrap());
    assert!(code == Some(1) && err.contains("`--api-url` names another address"), "{err}");
}

#[test]
fn a_dev_that_cannot_start_names_the_option_and_leaves_no_files() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for option in ["--listen", "--admin-listen", "--smsc-listen", "--mmsc-listen"] {
        let directory = TempDir::new().unwrap();
        let mut arguments = vec!["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        match arguments.iter().position(|argument| *argument == option) {
            Some(at) => arguments[at + 1] = &taken,
            None => arguments.extend([option, &taken]),
        }
        let (code, out, err) = told(&smsfactory(&arguments).current_dir(directory.path()).output().unwrap());
        assert_eq!((code, out.as_str()), (Some(1), ""), "{option}");
        assert!(err.contains(&taken) && err.contains(&format!("`{option}` names another address")), "{err}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{option}: files were left");
    }
}

#[test]
fn a_text_is_measured_and_screened_from_an_argument_or_from_standard_input() {
    let (code, out, _) = fed(&mut smsfactory(&["text", "-", "--json"]), "Zażółć\n");
    let measured: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &measured["encoding"], &measured["characters"]), (Some(0), &json!("UCS-2"), &json!(6)));
    let (code, out, err) = told(&smsfactory(&["screen", "See you at 5"]).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out, "blocked     false\nverdict     pass\ncategories  -\n");
    let scam = "Your account is locked. Sign in and verify now: https://bit.ly/3xYz9";
    for (arguments, input) in [(&["screen", scam, "--json"][..], ""), (&["screen", "-", "--json"], scam)] {
        let (code, out, err) = fed(&mut smsfactory(arguments), input);
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, err.as_str(), &answer["verdict"]), (Some(1), "", &json!("block")), "{answer}");
        assert!(answer.get("id").is_none(), "{answer}");
    }
    let (code, _, err) = fed(&mut smsfactory(&["screen"]), "no JSON\n");
    assert_eq!((code, err.as_str()), (Some(1), "smsfactory: 1 line could not be read\n"));
}

#[test]
fn a_terminal_gets_colours_unless_no_color_is_set() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("my.toml");
    std::fs::write(&file, format!("[store]\nurl = \"sqlite:{}/x.db\"\n", directory.path().display())).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/terminal.py");
    let check = |in_terminal: bool, no_color: &str| {
        let check = ["check", "--offline", "--config", file.to_str().unwrap()];
        let program = env!("CARGO_BIN_EXE_smsfactory");
        let mut command = Command::new(if in_terminal { "python3" } else { program });
        if in_terminal {
            command.args([script, "[]", program]);
        }
        command.args(check);
        command.env("TERM", "xterm").env("NO_COLOR", no_color).env("SMSFACTORY_KEYS_PEPPER", "p".repeat(32));
        let output = command.stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = check(true, "");
    assert!(shown.contains("\x1b[32mok     \x1b[0m keys: the pepper is set"), "{shown:?}");
    for plain in [check(true, "1"), check(false, "")] {
        assert!(plain.contains("ok      keys: the pepper is set") && !plain.contains('\x1b'), "{plain:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_fetched_page_by_page() {
    let stage = Stage::start().await;
    for number in 0..120 {
        let block = json!({ "kind": "recipient" });
        stage.operate("PUT", &format!("/blocks/+1800555{:04}", 1000 + number), block).await.expect(200);
    }
    let listed = async |arguments: &[&str]| -> (usize, Value) {
        let answer = done(&stage, &[&["block", "list", "--json"], arguments].concat()).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        (answer["data"].as_array().unwrap().len(), answer["nextCursor"].clone())
    };
    assert_eq!(listed(&["--all"]).await, (120, Value::Null));
    let (count, cursor) = listed(&["--limit", "110"]).await;
    assert_eq!(count, 110);
    assert_eq!(listed(&["--cursor", cursor.as_str().unwrap()]).await, (10, Value::Null));
    let table = done(&stage, &["block", "list"]).await;
    assert!(table.contains("There is more: --cursor ") && table.lines().count() == 53, "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_server_names_the_option() {
    let stage = Stage::start().await;
    let arguments = ["message", "list", "--account", "acc_1"];
    let (code, _, err) = run(&stage, &arguments, "").await;
    assert_eq!((code, err.as_str()), (Some(1), "smsfactory: `account` must be one that exists (33100)\n"));
}

/// A platform with a route to `main`, and a second carrier that no route names.
async fn with_a_second(change: impl FnOnce(&mut simulator::smsc::Options)) -> Stage {
    Stage::with(|config, options| {
        config.carrier.push(carrier("second", 0));
        change(options);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_a_carrier_sends_a_message_through_it_and_waits_for_the_receipt() {
    let stage = with_a_second(|_| {}).await;
    let none = run(&stage, &["carrier", "test", "second", "--to", RECIPIENT], "").await;
    assert!(none.0 == Some(1) && none.2.contains("no account has an active sender"), "{none:?}");
    let tenant = stage.tenant().await;
    let shown = done(&stage, &["carrier", "test", "second", "--to", RECIPIENT]).await;
    let steps = ["tcp ", "bind ", " through second:", "accepted ", "attempt ", "acknowledged ", "receipt "];
    let mut rest = shown.as_str();
    for step in steps {
        rest = rest.split_once(step).unwrap_or_else(|| panic!("{step}is missing from {shown}")).1;
    }
    let sent = stage.submissions();
    assert_eq!((sent.len(), &sent[0]["text"]), (1, &json!(TEXT)), "{sent:?}");
    let json =
        done(&stage, &["carrier", "test", "second", "--to", RECIPIENT, "--from", &tenant.number, "--json"]).await;
    let answer: Value = serde_json::from_str(&json).unwrap();
    let (message, ok) = (&answer["message"], &answer["ok"]);
    assert_eq!((ok, &message["status"], &message["carrier"]), (&json!(true), &json!("delivered"), &json!("second")));
    assert_eq!((&message["accountId"], &message["from"]), (&json!(tenant.account), &json!(tenant.number)));
    stage.tenant().await;
    let several = run(&stage, &["carrier", "test", "second", "--to", RECIPIENT], "").await;
    assert!(several.0 == Some(1) && several.2.contains("several accounts have senders"), "{several:?}");
    assert!(several.2.contains("--from"), "{several:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_that_is_not_delivered_fails_the_test_with_its_fate() {
    const REFUSED: &str = "+18005550999";
    let stage = with_a_second(|options| {
        options.receipts = "none=1".parse().unwrap();
        options.reject_to = vec![RejectionTo { digits: "0999".to_owned(), status: CommandStatus::RINVDSTADR }];
    })
    .await;
    stage.tenant().await;
    let waited = run(&stage, &["carrier", "test", "second", "--to", RECIPIENT, "--wait", "1"], "").await;
    assert!(waited.0 == Some(1) && waited.2.contains("its receipt did not come within 1 second\n"), "{waited:?}");
    let refused = run(&stage, &["carrier", "test", "second", "--to", REFUSED], "").await;
    assert!(refused.0 == Some(1) && refused.2.contains(" is failed: "), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_names_a_carrier_that_takes_the_message() {
    let stage = with_a_second(|_| {}).await;
    let tenant = stage.tenant().await;
    let ask = |more: Value| {
        let mut ask = json!({ "accountId": tenant.account, "to": RECIPIENT, "from": tenant.number, "body": "hello" });
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask
    };
    let sent = stage.operate("POST", "/messages", ask(json!({ "carrier": "second" }))).await.expect(201);
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    assert_eq!(stage.life(&sent["id"]).await["carrier"], "second");
    let keyed = |carrier: &str| ask(json!({ "carrier": carrier, "idempotencyKey": "once" }));
    let first = stage.operate("POST", "/messages", keyed("second")).await.expect(201);
    let again = stage.operate("POST", "/messages", keyed("second")).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    stage.operate("POST", "/messages", keyed("main")).await.refused_by_operator(33013, Value::Null);
    for (more, expected) in [
        (json!({ "carrier": "third" }), "the name of a carrier in the configuration"),
        (json!({ "carrier": "second", "mode": "test" }), "absent: a test message goes to the sandbox"),
        (json!({ "carrier": "second", "messageType": "MMS" }), "a carrier that takes MMS"),
    ] {
        let info = json!({ "field": "carrier", "expected": expected });
        stage.operate("POST", "/messages", ask(more)).await.refused_by_operator(33100, info);
    }
}
