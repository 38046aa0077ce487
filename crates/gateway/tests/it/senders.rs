//! Senders of every kind: numbers, short codes and names. How they are provisioned, who may use them, how they leave.

use std::process::{Command, Stdio};

use config::{Config, SenderKind};
use serde_json::{Value, json};

use crate::inbound_commands::done;
use crate::support::{RECIPIENT, Stage, TOKEN, Tenant, eventually};

/// A sender of each kind, and the type of number, the numbering plan and the text with which it leaves.
const EACH_KIND: [(&str, u8, u8, &str); 3] =
    [("+18005557001", 1, 1, "18005557001"), ("72345", 3, 0, "72345"), ("ACME Bank", 5, 0, "ACME Bank")];

fn open_all(config: &mut Config) {
    config.api.sender_kinds = vec![SenderKind::Number, SenderKind::ShortCode, SenderKind::Name];
}

/// A platform whose clients may send from every kind.
async fn open_stage() -> Stage {
    Stage::with(|config, _| open_all(config)).await
}

/// Gives a tenant an active sender.
async fn provide(stage: &Stage, tenant: &Tenant, sender: &str) {
    let number = json!({ "number": sender, "accountId": tenant.account });
    stage.operate("POST", "/numbers", number).await.expect(201);
}

/// A sender in a path.
fn escaped(sender: &str) -> String {
    sender.bytes().map(|octet| format!("%{octet:02X}")).collect()
}

async fn change(stage: &Stage, sender: &str, change: Value) {
    stage.operate("PATCH", &format!("/numbers/{}", escaped(sender)), change).await.expect(200);
}

fn message(from: &str) -> Value {
    json!({ "to": RECIPIENT, "from": from, "body": "hello" })
}

fn broadcast(from: &str) -> Value {
    json!({ "recipients": [RECIPIENT, "+12025550199"], "from": from, "body": "hello" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_send_from_numbers_alone_until_the_operator_opens_the_other_kinds() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (sender, ..) in EACH_KIND {
        provide(&stage, &tenant, sender).await;
    }
    let open = |stage: &mut Stage, kinds: &[SenderKind]| {
        stage.config.api.sender_kinds = kinds.to_vec();
        stage.config.clone()
    };
    let kinds = [SenderKind::Number, SenderKind::ShortCode, SenderKind::Name];
    for open_now in [&kinds[..1], &kinds[1..], &kinds[2..], &kinds[..]] {
        let config = open(&mut stage, open_now);
        stage.app().reloader().take_over(config).await;
        for ((sender, ..), kind) in EACH_KIND.into_iter().zip(kinds) {
            for ask in [tenant.post(&message(sender)), tenant.broadcast(&broadcast(sender))] {
                let reply = stage.ask(&ask).await;
                if open_now.contains(&kind) {
                    assert_eq!(reply.expect(201)["from"], sender);
                } else {
                    reply.refused(33003, json!({ "field": "from" }));
                }
            }
        }
    }
    for bad in ["12", "123456789", "18005557001", "ACME  Bank", " 72345", "ACME Bank ", "АСМЕ", "ACME\u{0}", "+ACME"]
    {
        stage.ask(&tenant.post(&message(bad))).await.refused(33003, json!({ "field": "from" }));
        stage.ask(&tenant.broadcast(&broadcast(bad))).await.refused(33003, json!({ "field": "from" }));
    }
    for (to, ..) in &EACH_KIND[1..] {
        let to_no_number = json!({ "to": to, "from": to, "body": "hello" });
        stage.ask(&tenant.post(&to_no_number)).await.refused(33003, json!({ "field": "to" }));
    }
}

#[tokio::test]
async fn each_kind_leaves_as_what_it_is_and_its_receipts_are_matched() {
    let stage = open_stage().await;
    let tenant = stage.tenant().await;
    for (sender, ton, npi, text) in EACH_KIND {
        provide(&stage, &tenant, sender).await;
        let sent = stage.ask(&tenant.post(&message(sender))).await.expect(201);
        let delivered = stage.reaches(&tenant, &sent["id"], "delivered").await;
        assert_eq!((&delivered["from"], &stage.life(&sent["id"]).await["from"]), (&json!(sender), &json!(sender)));
        let sent = stage.ask(&tenant.broadcast(&broadcast(sender))).await.expect(201);
        let done = stage
            .broadcast_when(&tenant, &sent["id"], "is delivered", |broadcast| broadcast["counts"]["delivered"] == 2)
            .await;
        assert_eq!(done["from"], sender);
        let submissions = stage.submissions();
        let last = &submissions[submissions.len() - 3..];
        for submit in last {
            let source = (&submit["source_ton"], &submit["source_npi"], &submit["source"]);
            assert_eq!(source, (&json!(ton), &json!(npi), &json!(text)), "{submit}");
        }
    }
    for (sender, ..) in EACH_KIND {
        for (path, count) in [("/message", 3), ("/broadcast", 1)] {
            let query = format!("{path}?from={}", escaped(sender));
            let page = stage.ask(&tenant.get(&query)).await.expect(200);
            let found = page["data"].as_array().unwrap();
            assert!(found.len() == count && found.iter().all(|item| item["from"] == sender), "{query} {page}");
        }
    }
    for (path, count) in [("/message?from=acme%20bank", 0), ("/message?from=ACME%20Bank&status=delivered", 3)] {
        let page = stage.ask(&tenant.get(path)).await.expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{path}");
    }
    stage.ask(&tenant.get("/message?from=12")).await.refused(33003, json!({ "field": "from" }));
}

#[tokio::test]
async fn every_kind_is_its_accounts_own_and_sends_while_it_is_active() {
    let stage = open_stage().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    for (sender, ..) in EACH_KIND {
        let asks = |tenant: &Tenant| [tenant.post(&message(sender)), tenant.broadcast(&broadcast(sender))];
        let refused = async |tenant: &Tenant, code| {
            for ask in asks(tenant) {
                stage.ask(&ask).await.refused(code, Value::Null);
            }
        };
        refused(&tenant, 33008).await;
        let number = json!({ "number": sender, "state": "pending" });
        stage.operate("POST", "/numbers", number).await.expect(201);
        refused(&tenant, 33004).await;
        change(&stage, sender, json!({ "accountId": tenant.account })).await;
        for (state, code) in [
            ("pending", 33009),
            ("suspended", 33009),
            ("deactivated", 33009),
            ("released", 33008),
            ("unavailable", 33008),
        ] {
            change(&stage, sender, json!({ "state": state })).await;
            refused(&tenant, code).await;
        }
        change(&stage, sender, json!({ "state": "active" })).await;
        refused(&other, 33004).await;
        let path = format!("/blocks/{}", escaped(sender));
        for account in [Value::Null, json!(tenant.account)] {
            let block = json!({ "kind": "sender", "accountId": account });
            stage.operate("PUT", &path, block).await.expect(200);
            refused(&tenant, 33011).await;
            let of = account.as_str().map(|id| format!("&accountId={id}")).unwrap_or_default();
            stage.operate("DELETE", &format!("{path}?kind=sender{of}"), Value::Null).await.expect(204);
        }
        for ask in asks(&tenant) {
            stage.ask(&ask).await.expect(201);
        }
        change(&stage, sender, json!({ "accountId": other.account })).await;
        refused(&tenant, 33004).await;
        for ask in asks(&other) {
            stage.ask(&ask).await.expect(201);
        }
    }
    // A name is used as it was provisioned, and in no other case.
    stage.ask(&other.post(&message("Acme Bank"))).await.refused(33008, Value::Null);
    stage.ask(&other.post(&message("072345"))).await.refused(33008, Value::Null);
}

#[tokio::test]
async fn an_idempotency_key_tells_senders_apart() {
    let stage = open_stage().await;
    let tenant = stage.tenant().await;
    for sender in ["ACME Bank", "72345", "072345"] {
        provide(&stage, &tenant, sender).await;
        let ask = |from| tenant.post(&message(from)).header("idempotency-key", sender.split(' ').next().unwrap());
        let first = stage.ask(&ask(sender)).await;
        let again = stage.ask(&ask(sender)).await;
        assert_eq!((first.expect(201), again.header("idempotent-replayed")), (again.expect(201), Some("true")));
        stage.ask(&ask(&tenant.number)).await.refused(33013, Value::Null);
    }
}

#[tokio::test]
async fn the_operator_provides_lists_and_changes_senders_of_every_kind() {
    let stage = open_stage().await;
    let senders = [
        ("+18005557001", "number"),
        ("00123", "short_code"),
        ("123", "short_code"),
        ("72345", "short_code"),
        ("50% off", "name"),
        ("A/B.test?", "name"),
        ("ACME Bank", "name"),
        ("\u{c5}se & #1", "name"),
    ];
    for (sender, kind) in senders {
        let made = stage.operate("POST", "/numbers", json!({ "number": sender })).await.expect(201);
        assert_eq!((&made["number"], &made["kind"]), (&json!(sender), &json!(kind)));
        let path = format!("/numbers/{}", escaped(sender));
        assert_eq!(stage.operate("GET", &path, Value::Null).await.expect(200), made);
        let paced = stage.operate("PATCH", &path, json!({ "segmentsPerSecond": 7 })).await.expect(200);
        assert_eq!((&paced["number"], &paced["segmentsPerSecond"]), (&json!(sender), &json!(7)));
        stage.operate("PUT", &format!("/blocks/{}", escaped(sender)), json!({ "kind": "sender" })).await.expect(200);
    }
    for path in ["/numbers", "/blocks"] {
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let page = stage
                .operate("GET", &format!("{path}?limit=1&cursor={}", escaped(&cursor)), Value::Null)
                .await
                .expect(200);
            seen.push(page["data"][0]["number"].as_str().unwrap().to_owned());
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = next.to_owned();
        }
        seen.sort();
        let mut all = senders.map(|(sender, _)| sender);
        all.sort_unstable();
        assert_eq!(seen, all, "{path}");
    }
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let given = json!({ "number": "72346", "accountId": tenant.account });
    stage.operate("POST", "/numbers", given).await.expect(201);
    let own = format!("/numbers?limit=1&accountId={}", tenant.account);
    let page = stage.operate("GET", &own, Value::Null).await.expect(200);
    assert_eq!(page["data"][0]["number"], tenant.number);
    let cursor = escaped(page["nextCursor"].as_str().unwrap());
    let page = stage.operate("GET", &format!("{own}&cursor={cursor}"), Value::Null).await.expect(200);
    assert_eq!((&page["data"][0]["number"], &page["nextCursor"]), (&json!("72346"), &Value::Null));
    let printed = done(&stage, &["number", "list", "--account", &tenant.account]).await;
    assert!(printed.contains("72346") && !printed.contains(&other.number), "{printed}");
    let wrong = json!({ "field": "accountId", "expected": "one that exists" });
    stage.operate("GET", "/numbers?accountId=x", Value::Null).await.refused_by_operator(33100, wrong);
    let taken = |expected: &str| json!({ "field": "number", "expected": expected });
    for (sender, info) in [
        ("72345", taken("one that does not exist yet")),
        ("acme bank", taken("one that does not exist yet; names that differ in case alone are the same")),
    ] {
        stage.operate("POST", "/numbers", json!({ "number": sender })).await.refused_by_operator(33100, info);
    }
    for bad in ["12", "123456789", "ACME ", "\u{410}\u{421}\u{41c}\u{415}", "ABCDEFGHIJKL", "A\tB"] {
        let refused = stage.operate("POST", "/numbers", json!({ "number": bad })).await;
        refused.refused_by_operator(33003, json!({ "field": "number" }));
        stage
            .operate("GET", &format!("/numbers/{}", escaped(bad)), Value::Null)
            .await
            .refused_by_operator(33101, Value::Null);
    }
    // What is no number gets nothing, so that nothing has to be kept from it.
    for (recipient, _) in &senders[1..] {
        let refused =
            stage.operate("PUT", &format!("/blocks/{}", escaped(recipient)), json!({ "kind": "recipient" })).await;
        refused.refused_by_operator(33003, json!({ "field": "number" }));
    }
}

#[tokio::test]
async fn a_text_that_is_screened_is_kept_with_its_sender() {
    let stage = open_stage().await;
    let tenant = stage.tenant().await;
    provide(&stage, &tenant, "ACME Bank").await;
    let text = "Cheap vodka delivered to your door tonight, order now";
    let offer = json!({ "to": RECIPIENT, "from": "ACME Bank", "body": text });
    assert_eq!(stage.ask(&tenant.post(&offer)).await.code(), 33019);
    let log = stage.operate("GET", "/screening", Value::Null).await.expect(200);
    assert_eq!(log["data"][0]["from"], "ACME Bank");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_has_its_pace_whatever_kind_it_is() {
    let stage = open_stage().await;
    let tenant = stage.tenant().await;
    for (sender, ..) in EACH_KIND {
        provide(&stage, &tenant, sender).await;
        change(&stage, sender, json!({ "segmentsPerSecond": 1 })).await;
        for _ in 0..3 {
            stage.ask(&tenant.post(&message(sender))).await.expect(201);
        }
    }
    // One of each leaves at once, and the others wait for their pace: they are not all gone when the first are.
    eventually("one of each kind has left", async || {
        let sources: std::collections::BTreeSet<_> =
            stage.submissions().iter().map(|submit| submit["source"].to_string()).collect();
        (sources.len() == EACH_KIND.len()).then_some(())
    })
    .await;
    assert!(stage.submissions().len() < 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_takes_senders_of_every_kind() {
    let stage = open_stage().await;
    let tenant = stage.tenant().await;
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
        command.args(arguments).stdin(Stdio::null()).current_dir(stage.directory.path());
        command.env("SMSFACTORY_ADMIN_URL", format!("http://{}", stage.admin)).env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for (sender, kind) in [("+18005557001", "number"), ("72345", "short_code"), ("A/B & Co.", "name")] {
        let (code, made) = run(&["number", "add", sender, "--account", &tenant.account, "--json"]).await;
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!((code, &made["number"], &made["kind"]), (Some(0), &json!(sender), &json!(kind)));
        assert_eq!(run(&["number", "set", sender, "--segments-per-second", "5"]).await.0, Some(0));
        assert_eq!(run(&["block", "add", sender, "--kind", "sender"]).await.0, Some(0));
        stage.ask(&tenant.post(&message(sender))).await.refused(33011, Value::Null);
        assert_eq!(run(&["block", "remove", sender, "--kind", "sender", "--yes"]).await.0, Some(0));
        let sent = stage.ask(&tenant.post(&message(sender))).await.expect(201);
        let (_, shown) = run(&["message", "show", sent["id"].as_str().unwrap()]).await;
        assert!(shown.contains(sender), "{shown}");
    }
    let (_, listed) = run(&["number", "list"]).await;
    assert!(listed.contains("A/B & Co.") && listed.contains("short_code"), "{listed}");
    assert_eq!(run(&["number", "add", "a/b & co."]).await.0, Some(1));
}
