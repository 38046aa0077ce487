//! Operators and the audit log through the admin API: the rights of roles, the masks of viewers, and that every change
//! is on record.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use model::Role;
use serde_json::{Value, json};
use server::admin::Principal;
use server::operators::sign_in::Attempt;
use tower::ServiceExt;

use crate::support::http::Ask;
use crate::support::store::Trouble;
use crate::support::{RECIPIENT, Stage, TOKEN};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const SCAM: &str =
    "USPS: your package is on hold. Pay the $1.99 fee at http://usps-redelivery.top/pay now or it will be returned";

const NOON: &str = "2026-03-15T12:00:00.000Z";

/// A request of an operator whom this process has signed in, as the console makes it.
async fn act(stage: &Stage, role: Role, method: &str, path: &str, body: Value) -> (u16, Value) {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = Request::builder().method(method).uri(format!("/admin/v1{path}")).header("host", "console");
    if !text.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let mut request = request.body(Body::from(text)).unwrap();
    request.extensions_mut().insert(Principal::of_console(&"ada".parse().unwrap(), role, HERE));
    let answer = stage.app().admin().clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let octets = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&octets).unwrap_or(Value::Null))
}

/// The newest changes, newest first.
async fn changes(stage: &Stage, query: &str) -> Vec<Value> {
    let page = stage.operate("GET", &format!("/audit{query}"), Value::Null).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

async fn add(stage: &Stage, name: &str, role: &str, password: Option<&str>) -> Value {
    let operator = json!({ "name": name, "role": role, "password": password });
    stage.operate("POST", "/operators", operator).await.expect(201)
}

#[tokio::test]
async fn operators_are_created_listed_changed_and_disabled() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let ada = add(&stage, "Ada", "viewer", None).await;
    let expected =
        json!({ "name": "ada", "role": "viewer", "hasPassword": false, "createdAt": NOON, "disabledAt": null });
    assert_eq!(ada, expected);
    add(&stage, "bob@example.com", "admin", Some("correct horse battery")).await;
    let page = stage.operate("GET", "/operators?limit=1", Value::Null).await.expect(200);
    assert_eq!((&page["data"], &page["nextCursor"]), (&json!([ada]), &json!("ada")));
    let page = stage.operate("GET", "/operators?cursor=ada", Value::Null).await.expect(200);
    assert_eq!((&page["data"][0]["hasPassword"], &page["nextCursor"]), (&json!(true), &Value::Null));
    let changed = stage.operate("PATCH", "/operators/ada", json!({ "role": "operator" })).await.expect(200);
    assert_eq!(changed["role"], "operator");
    assert_eq!(stage.operate("DELETE", "/operators/ada", Value::Null).await.status, 204);
    let shown = stage.operate("GET", "/operators/ada", Value::Null).await.expect(200);
    assert_eq!(shown["disabledAt"], NOON);
    assert_eq!(stage.operate("POST", "/operators/ada/link", Value::Null).await.status, 404, "disabled");
    for (body, field) in [
        (json!({ "name": "a b", "role": "viewer" }), "name"),
        (json!({ "name": "ada", "role": "viewer" }), "name"),
        (json!({ "name": "eve", "role": "god" }), "role"),
        (json!({ "name": "eve", "role": "viewer", "password": "short" }), "password"),
    ] {
        let refused = stage.operate("POST", "/operators", body).await;
        assert_eq!((refused.status, &refused.json()["additionalInfo"]["field"]), (400, &json!(field)), "{refused}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once_and_the_session_ends_with_the_role() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    add(&stage, "ada", "viewer", None).await;
    let link = stage.operate("POST", "/operators/ada/link", Value::Null).await.expect(201);
    assert_eq!((&link["expiresAt"], &link["link"]), (&json!("2026-03-15T12:10:00.000Z"), &Value::Null));
    let sign_ins = stage.app().sign_ins();
    let token = link["token"].as_str().unwrap();
    let signed_in = sign_ins.redeem(token, HERE).await.unwrap().unwrap();
    assert_eq!((signed_in.operator.name.as_str(), signed_in.operator.role), ("ada", Role::Viewer));
    assert!(sign_ins.redeem(token, HERE).await.unwrap().is_none(), "used");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(metrics.contains("smsfactory_sign_ins_failed_total{reason=\"link\"} 1"), "{metrics}");
    let cookie = signed_in.token.reveal().to_owned();
    assert!(sign_ins.operator_of(&cookie).await.unwrap().is_some());
    assert!(sign_ins.operator_of("another").await.unwrap().is_none());
    stage.operate("PATCH", "/operators/ada", json!({ "role": "admin" })).await.expect(200);
    assert!(sign_ins.operator_of(&cookie).await.unwrap().is_none(), "the role changed");
    let link = stage.operate("POST", "/operators/ada/link", Value::Null).await.expect(201);
    let again = sign_ins.redeem(link["token"].as_str().unwrap(), HERE).await.unwrap().unwrap();
    sign_ins.sign_out(again.token.reveal()).await.unwrap();
    assert!(sign_ins.operator_of(again.token.reveal()).await.unwrap().is_none(), "signed out");
    assert!(sign_ins.by_proxy("ADA").await.unwrap().is_some() && sign_ins.by_proxy("eve").await.unwrap().is_none());
    let seen: Vec<Value> = changes(&stage, "?path=/console").await.iter().map(|entry| entry["path"].clone()).collect();
    assert_eq!(seen, ["/console/sign-out", "/console/login", "/console/login"]);
}

#[tokio::test]
async fn a_password_signs_in_and_those_who_guess_wait() {
    let stage = Stage::at(NOON, |config, _| config.limits.failed_auth_per_minute = 3).await;
    add(&stage, "ada", "viewer", Some("correct horse battery")).await;
    let sign_ins = stage.app().sign_ins();
    let right = sign_ins.sign_in("Ada", "correct horse battery", HERE).await.unwrap();
    assert!(matches!(&right, Attempt::In(signed_in) if signed_in.operator.name.as_str() == "ada"), "{right:?}");
    let wrong = sign_ins.sign_in("ada", "correct horse batter", HERE).await.unwrap();
    assert!(matches!(wrong, Attempt::Wrong));
    assert!(matches!(sign_ins.sign_in("eve", "correct horse battery", HERE).await.unwrap(), Attempt::Wrong));
    let later = sign_ins.sign_in("ada", "correct horse battery", HERE).await.unwrap();
    assert!(matches!(later, Attempt::Later(1..=60)), "{later:?}");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for line in ["{reason=\"password\"} 2", "{reason=\"too_many\"} 1"] {
        let line = format!("smsfactory_sign_ins_failed_total{line}");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    let elsewhere = "192.0.2.1".parse().unwrap();
    assert!(matches!(sign_ins.sign_in("ada", "correct horse battery", elsewhere).await.unwrap(), Attempt::In(_)));
    stage.operate("PATCH", "/operators/ada", json!({ "password": null })).await.expect(200);
    assert!(matches!(sign_ins.sign_in("ada", "correct horse battery", elsewhere).await.unwrap(), Attempt::Wrong));
}

#[tokio::test]
async fn every_change_is_on_record_with_what_was_before_and_after() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let account = stage.tenant().await.account;
    let path = format!("/accounts/{account}");
    // The newest is the one of a later millisecond.
    let later = || stage.time.advance(Duration::from_millis(1));
    later();
    stage.operate("PATCH", &path, json!({ "state": "suspended" })).await.expect(200);
    let newest = changes(&stage, "?limit=1").await.remove(0);
    let seen = |field: &str| newest.pointer(field).unwrap().clone();
    assert_eq!(seen("/actor"), json!({ "kind": "token", "name": "token" }));
    assert_eq!([seen("/via"), seen("/method"), seen("/path")], [json!("api"), json!("PATCH"), json!(path)]);
    assert_eq!(
        [seen("/at"), seen("/address"), seen("/status")],
        [json!("2026-03-15T12:00:00.001Z"), json!("127.0.0.1"), json!(200)]
    );
    assert_eq!(seen("/request"), json!({ "state": "suspended" }));
    assert_eq!([seen("/before/state"), seen("/after/state")], [json!("active"), json!("suspended")]);
    let count = changes(&stage, "").await.len();
    stage.operate("GET", &path, Value::Null).await.expect(200);
    assert_eq!(changes(&stage, "").await.len(), count, "what only reads is no change");
    later();
    stage.operate("PATCH", &path, json!({ "state": "gone" })).await.expect(400);
    assert_eq!(changes(&stage, "?limit=1").await[0]["status"], 400, "a refused one is on record as well");
    let cli = Ask::new("DELETE", "/admin/v1/keys/uk_none")
        .header("authorization", &format!("Bearer {TOKEN}"))
        .header("user-agent", "smsfactory-cli/0.1.0");
    later();
    cli.send(stage.admin).await.expect(404);
    assert_eq!(changes(&stage, "?limit=1").await[0]["via"], "cli");
    for (query, count) in [
        ("?path=/keys", 1),
        ("?actor=eve", 0),
        ("?before=2026-03-15T12:00:00Z", 0),
        ("?since=2026-03-15T12:00:00Z&path=/keys", 1),
    ] {
        assert_eq!(changes(&stage, query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_removal_is_on_record_with_what_was_removed() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let account = &tenant.account;
    let phrase = "Hi {name}, cheap vodka delivered to your door tonight, order now and get 20% off";
    let templates = format!("/accounts/{account}/screening/templates");
    let template = stage.operate("PUT", &templates, json!({ "text": phrase })).await.expect(201);
    let blocked = tenant.message(RECIPIENT, SCAM);
    stage.ask(&tenant.post(&blocked)).await.expect(400);
    let log = stage.operate("GET", "/screening", Value::Null).await.expect(200);
    let decision = format!("/screening/{}/review", log["data"][0]["id"].as_str().unwrap());
    let block = json!({ "kind": "recipient", "accountId": account, "reason": "asked" });
    let opt_out = json!({ "accountId": account, "reason": "a letter" });
    for (method, path, body, before, after) in [
        ("PUT", "/blocks/+12025550143".to_owned(), block, ("/data/0", Value::Null), ("/data/0/reason", json!("asked"))),
        (
            "DELETE",
            format!("/blocks/+12025550143?kind=recipient&accountId={account}"),
            Value::Null,
            ("/data/0/reason", json!("asked")),
            ("/data/0", Value::Null),
        ),
        (
            "PUT",
            "/optouts/+12025550143".to_owned(),
            opt_out,
            ("/data/0", Value::Null),
            ("/data/0/reason", json!("a letter")),
        ),
        (
            "DELETE",
            format!("/optouts/+12025550143?accountId={account}&reason=called"),
            Value::Null,
            ("/data/0/source", json!("operator")),
            ("/data/0", Value::Null),
        ),
        (
            "DELETE",
            format!("{templates}/{}", template["id"].as_str().unwrap()),
            Value::Null,
            ("/text/length", json!(phrase.chars().count())),
            ("", Value::Null),
        ),
        ("POST", decision, json!({ "correct": true }), ("/correct", Value::Null), ("/correct", json!(true))),
        (
            "DELETE",
            format!("/keys/{}", tenant.key),
            Value::Null,
            ("/revokedAt", Value::Null),
            ("/revokedAt", json!(NOON)),
        ),
    ] {
        stage.time.advance(Duration::from_millis(1));
        let reply = stage.operate(method, &path, body).await;
        assert!((200..300).contains(&reply.status), "{method} {path}: {reply}");
        let newest = changes(&stage, "?limit=1").await.remove(0);
        assert_eq!((&newest["method"], &newest["path"]), (&json!(method), &json!(path)));
        for (side, (field, expected)) in [("before", before), ("after", after)] {
            let seen = newest[side].pointer(field).unwrap_or(&Value::Null);
            let is_time = expected == json!(NOON);
            let is_as_expected = if is_time { seen.is_string() } else { *seen == expected };
            assert!(is_as_expected, "{method} {path}: {side}{field} is {seen}");
        }
        assert!(!newest["before"].is_null(), "{method} {path}: what was there");
    }
}

#[tokio::test]
async fn no_secret_is_on_record() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    add(&stage, "ada", "viewer", Some("correct horse battery")).await;
    let link = stage.operate("POST", "/operators/ada/link", Value::Null).await.expect(201);
    let log = Value::from(changes(&stage, "").await).to_string();
    for secret in [&tenant.secret[..], "correct horse", "argon2", link["token"].as_str().unwrap(), TOKEN] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(log.contains("\"keySecret\":\"hidden\"") && log.contains("\"password\":\"hidden\""), "{log}");
}

#[tokio::test]
async fn nothing_is_changed_that_cannot_be_on_record() {
    let (stage, store) = Stage::gated(|_, _| {}).await;
    let path = format!("/accounts/{}", stage.tenant().await.account);
    store.trouble(&["begin_audit"], &Trouble::full());
    let refused = stage.operate("PATCH", &path, json!({ "state": "suspended" })).await;
    refused.refused_by_operator(33105, Value::Null);
    assert_eq!(stage.operate("GET", &path, Value::Null).await.expect(200)["state"], "active");
    store.heal(&["begin_audit"]);
    stage.operate("PATCH", &path, json!({ "state": "suspended" })).await.expect(200);
    store.trouble(&["end_audit"], &Trouble::full());
    stage.operate("PATCH", &path, json!({ "state": "active" })).await.expect(200);
    let open = changes(&stage, "?limit=1").await.remove(0);
    assert_eq!((&open["status"], &open["request"]), (&Value::Null, &json!({ "state": "active" })));
}

#[tokio::test]
async fn a_role_may_do_its_own_and_no_more() {
    let stage = Stage::start().await;
    let account = stage.tenant().await.account;
    let block = json!({ "kind": "recipient" });
    let path = format!("/accounts/{account}");
    for (role, method, path, body, needed) in [
        (Role::Viewer, "GET", "/accounts", Value::Null, None),
        (Role::Viewer, "PUT", "/blocks/+12025550143", block.clone(), Some("operator")),
        (Role::Operator, "PUT", "/blocks/+12025550143", block, None),
        (Role::Operator, "PATCH", &path, json!({ "dailyQuota": 5 }), Some("admin")),
        (Role::Admin, "PATCH", &path, json!({ "dailyQuota": 5 }), None),
        (Role::Viewer, "GET", "/audit", Value::Null, Some("operator")),
        (Role::Operator, "GET", "/operators", Value::Null, Some("admin")),
        (Role::Admin, "GET", "/operators", Value::Null, None),
    ] {
        let (status, answer) = act(&stage, role, method, path, body).await;
        match needed {
            None => assert_eq!(status, 200, "{role:?} {method} {path}: {answer}"),
            Some(needed) => {
                let info = json!({ "reason": "role", "roleNeeded": needed });
                assert_eq!((status, &answer["additionalInfo"]), (401, &info), "{role:?} {method} {path}: {answer}");
            }
        }
    }
    let by_ada = changes(&stage, "?actor=ada").await;
    let seen: Vec<&Value> = by_ada.iter().map(|entry| &entry["method"]).collect();
    assert_eq!(seen, ["PATCH", "PUT"], "what a role refuses changes nothing");
    assert_eq!((&by_ada[0]["actor"]["kind"], &by_ada[0]["via"]), (&json!("operator"), &json!("console")));
}

#[tokio::test]
async fn a_viewer_sees_masked_answers_and_revealing_is_on_record() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "Your code is 482910").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    let path = format!("/messages/{}", sent["id"].as_str().unwrap());
    let (status, seen) = act(&stage, Role::Viewer, "GET", &path, Value::Null).await;
    assert_eq!((status, &seen["id"], &seen["status"]), (200, &sent["id"], &json!("delivered")));
    assert_eq!((&seen["to"], &seen["body"]), (&json!("+1********43"), &json!({ "masked": true, "length": 19 })));
    let text = seen.to_string();
    assert!(!text.contains("2025550143") && !text.contains("482910"), "{text}");
    let asked = stage.operate("GET", &format!("{path}?mask=1"), Value::Null).await.expect(200);
    assert_eq!(asked["to"], "+1********43");
    let before = changes(&stage, "?path=/messages").await.len();
    let (status, revealed) = act(&stage, Role::Viewer, "POST", &format!("{path}/reveal"), Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!((&revealed["to"], &revealed["body"]), (&json!(RECIPIENT), &json!("Your code is 482910")));
    let log = changes(&stage, "?path=/messages").await;
    assert_eq!(log.len(), before + 1);
    assert_eq!((&log[0]["actor"]["name"], &log[0]["after"]), (&json!("ada"), &Value::Null));
}

#[tokio::test]
async fn the_audit_log_forgets_a_person_with_the_erasure() {
    let stage = Stage::start().await;
    stage.operate("PUT", &format!("/blocks/{RECIPIENT}"), json!({ "kind": "recipient" })).await.expect(200);
    let begun = stage.operate("POST", "/erasures", json!({ "number": RECIPIENT })).await.expect(202);
    let path = format!("/erasures/{}", begun["id"].as_str().unwrap());
    crate::support::eventually("the erasure has ended", async || {
        let found = stage.operate("GET", &path, Value::Null).await.expect(200);
        (found["state"] == "completed").then_some(())
    })
    .await;
    let log = Value::from(changes(&stage, "").await).to_string();
    assert!(!log.contains(&RECIPIENT[1..]) && log.contains("/blocks/+0"), "{log}");
}

/// `operator password ada` in a terminal, with these lines typed: the status, and what the terminal showed.
async fn typed(stage: &Stage, lines: [&str; 2]) -> (String, String) {
    let [first, second] = lines;
    let asked = json!([["Password (it does not show", first], ["again: ", second]]).to_string();
    let mut command = Command::new("python3");
    command
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/terminal.py"), &asked])
        .args([env!("CARGO_BIN_EXE_smsfactory"), "operator", "password", "ada"])
        .env("SMSFACTORY_ADMIN_URL", format!("http://{}", stage.admin))
        .env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
    // The platform that it asks is in this process.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (shown, status) = text.trim_end().rsplit_once('\n').unwrap();
    (status.to_owned(), shown.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_typed_does_not_show_and_is_typed_twice() {
    let stage = Stage::start().await;
    add(&stage, "ada", "admin", None).await;
    let (status, shown) = typed(&stage, ["correct horse battery", "correct horse staple"]).await;
    assert!(status == "1" && shown.contains("the two passwords differ"), "{status}: {shown}");
    let ada = stage.operate("GET", "/operators/ada", Value::Null).await.expect(200);
    assert_eq!(ada["hasPassword"], false);
    let (status, shown) = typed(&stage, ["correct horse battery"; 2]).await;
    assert!(status == "0" && !shown.contains("correct"), "{status}: {shown}");
    let name = "ada".parse().unwrap();
    let attempt = stage.app().sign_ins().sign_in("ada", "correct horse battery", HERE).await.unwrap();
    assert!(matches!(attempt, Attempt::In(begun) if begun.operator.name == name));
}
