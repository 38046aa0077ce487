//! Lists of messages: filters, pages, cursors, and parameters that are wrong.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, TOKEN, Tenant};

async fn listed(stage: &Stage, tenant: &Tenant, query: &str) -> Vec<String> {
    let page = stage.ask(&tenant.get(&format!("/message?{query}"))).await.expect(200);
    assert_eq!(page["nextCursor"], Value::Null);
    page["data"].as_array().unwrap().iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_empty_list_is_a_page() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let page = stage.ask(&tenant.get("/message")).await.expect(200);
    assert_eq!(page, json!({ "data": [], "nextCursor": null }));
}

#[tokio::test]
async fn filters_narrow_the_list_newest_first() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |config, _| config.carrier.clear()).await;
    let tenant = stage.tenant().await;
    stage
        .operate("POST", "/numbers", json!({ "number": "+18005557777", "accountId": tenant.account }))
        .await
        .expect(201);
    let sandbox = stage.key(&tenant, json!({ "mode": "test" })).await;
    for (sender, from, to, body) in [
        (&tenant, tenant.number.as_str(), RECIPIENT, "one"),
        (&tenant, "+18005557777", RECIPIENT, "two"),
        (&tenant, tenant.number.as_str(), "+12025550144", "three"),
        (&sandbox, tenant.number.as_str(), "+12025550005", "four"),
    ] {
        let message = stage.ask(&sender.post(&json!({ "to": to, "from": from, "body": body }))).await.expect(201);
        stage.reaches(sender, &message["id"], if body == "four" { "sent" } else { "failed" }).await;
        stage.time.advance(Duration::from_secs(60));
    }
    let number = tenant.number.as_str();
    for (query, bodies) in [
        ("", vec!["three", "two", "one"]),
        ("status=sent", vec![]),
        ("status=failed", vec!["three", "two", "one"]),
        ("status=queued", vec![]),
        ("direction=outbound&limit=100", vec!["three", "two", "one"]),
        ("direction=inbound", vec![]),
        (&format!("to={RECIPIENT}"), vec!["two", "one"]),
        ("to=%2B12025550144", vec!["three"]),
        (&format!("from={number}"), vec!["three", "one"]),
        (&format!("from={number}&to={RECIPIENT}"), vec!["one"]),
        ("after=2026-03-15T14:31:00Z", vec!["three", "two"]),
        ("before=2026-03-15T14:31:00.000Z", vec!["one"]),
        ("after=2026-03-15T15:31:00%2B01:00&before=2026-03-15T14:33:00Z", vec!["three", "two"]),
        ("broadcastId=brc_0000000000000000000000", vec![]),
        ("status=&limit=&mode=test&unknown=x", vec!["three", "two", "one"]),
    ] {
        assert_eq!(listed(&stage, &tenant, query).await, bodies, "{query}");
    }
    for (query, bodies) in [
        ("", vec!["four"]),
        ("status=sent", vec!["four"]),
        ("status=failed", vec![]),
        (&format!("from={number}"), vec!["four"]),
    ] {
        assert_eq!(listed(&stage, &sandbox, query).await, bodies, "{query} with the test key");
    }
}

#[tokio::test]
async fn a_reference_comes_back_and_finds_its_message_and_its_broadcast() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let of = |fields: Value| {
        let mut request = json!({ "from": tenant.number, "body": "one" });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        request
    };
    let message = stage.ask(&tenant.post(&of(json!({ "to": RECIPIENT, "reference": "order 7/é" })))).await.expect(201);
    stage.ask(&tenant.post(&of(json!({ "to": RECIPIENT, "reference": "order 8" })))).await.expect(201);
    stage.ask(&tenant.post(&of(json!({ "to": RECIPIENT })))).await.expect(201);
    let recipients = json!({ "recipients": [RECIPIENT], "reference": "order 7/é" });
    let broadcast = stage.ask(&tenant.broadcast(&of(recipients))).await.expect(201);
    for (path, made) in [("message", &message), ("broadcast", &broadcast)] {
        assert_eq!(made["reference"], "order 7/é");
        let id = made["id"].as_str().unwrap();
        let shown = stage.ask(&tenant.get(&format!("/{path}/{id}"))).await.expect(200);
        assert_eq!(shown["reference"], "order 7/é");
        let page = stage.ask(&tenant.get(&format!("/{path}?reference=order%207%2F%C3%A9"))).await.expect(200);
        let ids: Vec<_> = page["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids, [id], "{path}");
    }
    let long = "x".repeat(201);
    stage
        .ask(&tenant.post(&of(json!({ "to": RECIPIENT, "reference": long }))))
        .await
        .refused(33100, json!({ "field": "reference", "expected": "string of at most 200 characters" }));
}

#[tokio::test]
async fn nothing_that_a_test_key_made_is_there_for_a_live_key_or_the_other_way_round() {
    let stage = Stage::start().await;
    let live = stage.tenant().await;
    let test = stage.key(&live, json!({ "mode": "test" })).await;
    let broadcast = json!({ "recipients": ["+12025550143"], "from": live.number, "body": "We are open again" });
    let mut made = Vec::new();
    for key in [&live, &test] {
        let message = stage.send(key, RECIPIENT, "hello").await["id"].as_str().unwrap().to_owned();
        let sent = stage.ask(&key.broadcast(&broadcast)).await.expect(201);
        made.push((key, message, sent["id"].as_str().unwrap().to_owned()));
    }
    for ((key, message, broadcast), (_, others_message, others_broadcast)) in made.iter().zip([&made[1], &made[0]]) {
        stage.ask(&key.get(&format!("/message/{message}"))).await.expect(200);
        stage.ask(&key.get(&format!("/broadcast/{broadcast}"))).await.expect(200);
        stage.ask(&key.get(&format!("/message/{others_message}"))).await.refused(33101, Value::Null);
        stage.ask(&key.get(&format!("/broadcast/{others_broadcast}"))).await.refused(33101, Value::Null);
        let cancel = format!("/api/v1/messaging/broadcast/{others_broadcast}/cancel");
        stage.ask(&key.sign(Ask::new("POST", &cancel))).await.refused(33101, Value::Null);
        assert_eq!(listed(&stage, key, &format!("broadcastId={others_broadcast}")).await, [""; 0]);
        let list = stage.ask(&key.get("/broadcast")).await.expect(200);
        let ids: Vec<&str> =
            list["data"].as_array().unwrap().iter().map(|broadcast| broadcast["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [broadcast]);
    }
    for (mode, (_, _, broadcast)) in ["live", "test"].into_iter().zip(&made) {
        let listed = stage.operate("GET", &format!("/broadcasts?mode={mode}"), Value::Null).await.expect(200);
        assert_eq!(
            (&listed["data"][0]["id"], &listed["data"][0]["mode"], listed["data"].as_array().unwrap().len()),
            (&json!(broadcast), &json!(mode), 1)
        );
        let listed = stage
            .operate("GET", &format!("/messages?mode={mode}&accountId={}", live.account), Value::Null)
            .await
            .expect(200);
        let modes: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|message| &message["mode"]).collect();
        assert!(!modes.is_empty() && modes.iter().all(|of| **of == json!(mode)), "{listed}");
    }
    for path in ["/messages?mode=both", "/broadcasts?mode=both"] {
        stage.operate("GET", path, Value::Null).await.expect(400);
    }
}

#[tokio::test]
async fn a_list_is_walked_by_its_cursors() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    for number in 0..23 {
        stage.send(&tenant, RECIPIENT, &number.to_string()).await;
        stage.send(&other, RECIPIENT, "another's").await;
        stage.time.advance(Duration::from_millis(10));
    }
    let (mut cursor, mut bodies, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page = stage.ask(&tenant.get(&format!("/message?limit=5&cursor={cursor}"))).await.expect(200);
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= 5);
        bodies.extend(data.iter().map(|message| message["body"].as_str().unwrap().parse::<u32>().unwrap()));
        pages += 1;
        if pages == 2 {
            stage.send(&tenant, RECIPIENT, "99").await;
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(bodies, (0..23).rev().collect::<Vec<_>>(), "each one once, and nothing that came in between");
    assert_eq!(pages, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_walks_pages_until_it_has_as_many_as_it_was_asked_for() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let message = |number: usize| tenant.post(&tenant.message(RECIPIENT, &number.to_string()));
    let asks = (0..120).map(message).chain([other.post(&other.message("+12025550144", "hello"))]);
    for reply in crate::support::at_once(stage.api, asks).await {
        reply.expect(201);
    }
    let list = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
        command
            .args(["message", "list", "--json"])
            .args(arguments)
            .stdin(Stdio::null())
            .current_dir(stage.directory.path());
        command.env("SMSFACTORY_ADMIN_URL", format!("http://{}", stage.admin)).env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    for (arguments, count, is_more) in [
        (&["--limit", "110"][..], 110, true),
        (&["--limit", "1000"], 121, false),
        (&["--to", "+12025550144"], 1, false),
        (&[], 50, true),
        (&["--mode", "test"], 0, false),
    ] {
        let listed = list(arguments).await;
        assert_eq!(
            (listed["data"].as_array().unwrap().len(), listed["nextCursor"].is_string()),
            (count, is_more),
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn a_page_has_fifty_messages_unless_asked_otherwise() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let asks = (0..51).map(|number| tenant.post(&tenant.message(RECIPIENT, &number.to_string())));
    for reply in crate::support::at_once(stage.api, asks).await {
        reply.expect(201);
    }
    let page = stage.ask(&tenant.get("/message")).await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 50);
    assert!(page["nextCursor"].is_string());
    assert_eq!(stage.count(&tenant).await, 51);
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("status=Sent", "status"),
        ("direction=up", "direction"),
        ("after=yesterday", "after"),
        ("before=1773585000", "before"),
        ("cursor=nonsense", "cursor"),
        ("broadcastId=msg_0000000000000000000000", "broadcastId"),
    ] {
        let reply = stage.ask(&tenant.get(&format!("/message?{query}"))).await;
        reply.refused(33100, json!({ "field": field, "expected": reply.json()["additionalInfo"]["expected"] }));
        assert!(reply.json()["additionalInfo"]["expected"].is_string(), "{query}");
    }
    for field in ["to", "from"] {
        stage.ask(&tenant.get(&format!("/message?{field}=555"))).await.refused(33003, json!({ "field": field }));
    }
}
