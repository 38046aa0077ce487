//! Opt-outs in the public API and in the operator's: the list, its changes, imports.

use std::time::Duration;

use model::Mode;
use serde_json::{Value, json};

use crate::support::http::{Ask, Reply};
use crate::support::{Stage, Tenant};

const NOON: &str = "2026-03-15T12:00:00.000Z";
const HANDSET: &str = "+18005551234";
const BASE: &str = "/api/v1/messaging/optout";

async fn put(stage: &Stage, tenant: &Tenant, number: &str, body: Value) -> Reply {
    stage.ask(&tenant.sign(Ask::new("PUT", &format!("{BASE}/{number}"))).json(&body)).await
}

async fn delete(stage: &Stage, tenant: &Tenant, number: &str, body: Value) -> Reply {
    let ask = tenant.sign(Ask::new("DELETE", &format!("{BASE}/{number}")));
    stage.ask(&if body.is_null() { ask } else { ask.json(&body) }).await
}

async fn import(stage: &Stage, tenant: &Tenant, kind: &str, body: impl Into<Vec<u8>>) -> Reply {
    let ask = tenant.sign(Ask::new("POST", &format!("{BASE}/import"))).header("content-type", kind);
    stage.ask(&ask.octets(body)).await
}

async fn listed(stage: &Stage, tenant: &Tenant, query: &str) -> Vec<Value> {
    let page = stage.ask(&tenant.get(&format!("/optout?{query}"))).await.expect(200);
    assert_eq!(page["nextCursor"], Value::Null);
    page["data"].as_array().unwrap().clone()
}

async fn history(stage: &Stage, tenant: &Tenant, number: &str) -> Vec<Value> {
    let page = stage.ask(&tenant.get(&format!("/optout/{number}/history"))).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_opt_out_is_made_once_and_shown_as_published() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let expected = json!({
        "number": HANDSET, "from": null, "source": "api", "keyword": null, "messageId": null, "createdAt": NOON,
    });
    let reply = put(&stage, &tenant, HANDSET, json!({ "reason": "asked by phone" })).await;
    assert_eq!(reply.expect(200), expected);
    reply.has_rate_limit();
    stage.time.advance(Duration::from_secs(60));
    // A repeat, without a body and with another reason, changes nothing and leaves no line.
    let bare = stage.ask(&tenant.sign(Ask::new("PUT", &format!("{BASE}/%2B{}", &HANDSET[1..])))).await;
    assert_eq!(bare.expect(200), expected);
    assert_eq!(put(&stage, &tenant, HANDSET, json!({ "reason": "again" })).await.expect(200), expected);
    assert_eq!(listed(&stage, &tenant, "").await, [expected]);
    let line = json!({
        "at": NOON, "change": "opted_out", "from": null, "source": "api", "keyword": null,
        "reason": "asked by phone", "messageId": null,
    });
    assert_eq!(history(&stage, &tenant, HANDSET).await, [line]);
    let from = put(&stage, &tenant, HANDSET, json!({ "from": tenant.number })).await.expect(200);
    assert_eq!((&from["from"], &from["createdAt"]), (&json!(tenant.number), &json!("2026-03-15T12:01:00.000Z")));
    assert_eq!(listed(&stage, &tenant, "").await.len(), 2);
}

#[tokio::test]
async fn a_handset_that_opted_out_itself_is_opted_in_for_a_reason() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let stop = stage.stop_from(&tenant, HANDSET, Mode::Live).await;
    let found = &listed(&stage, &tenant, "").await[0];
    assert_eq!((&found["source"], &found["keyword"]), (&json!("keyword"), &json!("STOP")));
    assert_eq!(found["messageId"], stop.id.to_string());
    for body in [Value::Null, json!({}), json!({ "reason": " " }), json!({ "reason": null })] {
        delete(&stage, &tenant, HANDSET, body).await.refused(33005, json!({ "fields": ["reason"] }));
    }
    assert_eq!(listed(&stage, &tenant, "").await.len(), 1);
    let done = delete(&stage, &tenant, HANDSET, json!({ "reason": "signed a form" })).await;
    assert_eq!((done.expect(204), done.header("content-type")), (Value::Null, None));
    assert_eq!(listed(&stage, &tenant, "").await, [Value::Null; 0]);
    // It is opted in now, whatever is asked.
    delete(&stage, &tenant, HANDSET, Value::Null).await.expect(204);
    let lines = history(&stage, &tenant, HANDSET).await;
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["change"], &lines[1]["source"]), (&json!("opted_in"), &json!("api")));
    assert_eq!(lines[1]["reason"], "signed a form");
    // One that the account made itself needs none.
    put(&stage, &tenant, HANDSET, json!({})).await.expect(200);
    delete(&stage, &tenant, HANDSET, Value::Null).await.expect(204);
}

#[tokio::test]
async fn a_sender_is_one_of_the_accounts() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    for (from, code, info) in [
        ("555-0100", 33003, json!({ "field": "from" })),
        ("+18005559999", 33008, Value::Null),
        (&*other.number, 33004, Value::Null),
    ] {
        put(&stage, &tenant, HANDSET, json!({ "from": from })).await.refused(code, info.clone());
        let query = from.replace('+', "%2B");
        let place = format!("{BASE}/{HANDSET}?from={query}");
        stage.ask(&tenant.sign(Ask::new("DELETE", &place))).await.refused(code, info);
    }
    // An opt-out outlives the number, and can be ended then.
    put(&stage, &tenant, HANDSET, json!({ "from": tenant.number })).await.expect(200);
    stage.operate("PATCH", &format!("/numbers/{}", tenant.number), json!({ "accountId": null })).await.expect(200);
    let place = format!("{BASE}/{HANDSET}?from={}", tenant.number);
    stage.ask(&tenant.sign(Ask::new("DELETE", &place))).await.expect(204);
    assert_eq!(listed(&stage, &tenant, "").await, [Value::Null; 0]);
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_named() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for number in ["555", "ACME", "72345", "%ff", "+"] {
        put(&stage, &tenant, number, json!({})).await.refused(33003, json!({ "field": "number" }));
        delete(&stage, &tenant, number, Value::Null).await.refused(33003, json!({ "field": "number" }));
        let lines = stage.ask(&tenant.get(&format!("/optout/{number}/history"))).await;
        lines.refused(33003, json!({ "field": "number" }));
    }
    let wrong =
        json!({ "field": "reason", "expected": "a text of at most 500 characters, none of them a control character" });
    for reason in ["x".repeat(501), "a\u{7}b".to_owned()] {
        put(&stage, &tenant, HANDSET, json!({ "reason": reason })).await.refused(33100, wrong.clone());
    }
    put(&stage, &tenant, HANDSET, json!({ "reason": "é".repeat(500) })).await.expect(200);
    put(&stage, &tenant, HANDSET, json!({ "from": 1 }))
        .await
        .refused(33100, json!({ "field": "from", "expected": "string" }));
    let ask = tenant.sign(Ask::new("PUT", &format!("{BASE}/{HANDSET}")));
    stage.ask(&ask.clone().octets("{}")).await.refused(33103, Value::Null);
    stage.ask(&ask.text("{")).await.refused(33100, json!({ "line": 1, "column": 1 }));
    for (query, field) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("after=now", "after")] {
        assert_eq!(stage.ask(&tenant.get(&format!("/optout?{query}"))).await.json()["additionalInfo"]["field"], field);
    }
    stage.ask(&tenant.get("/optout?number=555")).await.refused(33003, json!({ "field": "number" }));
    for (method, path, allowed) in [
        ("POST", BASE.to_owned(), "GET, HEAD"),
        ("GET", format!("{BASE}/{HANDSET}"), "PUT, DELETE"),
        ("PUT", format!("{BASE}/{HANDSET}/history"), "GET, HEAD"),
        ("GET", format!("{BASE}/import"), "POST"),
    ] {
        let reply = stage.ask(&tenant.sign(Ask::new(method, &path))).await;
        reply.refused(33102, Value::Null);
        assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn lists_and_histories_have_pages_and_filters() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    for at in 0..5 {
        put(&stage, &tenant, &format!("+1800555100{at}"), json!({})).await.expect(200);
        stage.time.advance(Duration::from_secs(60));
    }
    let numbers = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["number"].as_str().unwrap()[11..].to_owned())
            .collect()
    };
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = stage.ask(&tenant.get(&format!("/optout?limit=2&cursor={cursor}"))).await.expect(200);
        walked.extend(numbers(&page));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(walked, ["4", "3", "2", "1", "0"]);
    for (query, expected) in [
        ("after=2026-03-15T12:03:00Z", vec!["4", "3"]),
        ("before=2026-03-15T12:01:00Z", vec!["0"]),
        ("number=%2B18005551002", vec!["2"]),
        ("number=+18005551009", vec![]),
    ] {
        let page = stage.ask(&tenant.get(&format!("/optout?{query}"))).await.expect(200);
        assert_eq!(numbers(&page), expected, "{query}");
    }
    for _ in 0..2 {
        delete(&stage, &tenant, HANDSET, Value::Null).await.expect(204);
        put(&stage, &tenant, HANDSET, json!({})).await.expect(200);
        delete(&stage, &tenant, HANDSET, Value::Null).await.expect(204);
    }
    let (mut changes, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/optout/{HANDSET}/history?limit=3&cursor={cursor}");
        let page = stage.ask(&tenant.get(&path)).await.expect(200);
        changes.extend(page["data"].as_array().unwrap().iter().map(|line| line["change"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(changes, ["opted_out", "opted_in", "opted_out", "opted_in"]);
    assert_eq!(history(&stage, &tenant, "+18005550000").await, [Value::Null; 0]);
}

#[tokio::test]
async fn an_import_takes_what_is_sound_and_names_every_other_line() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    put(&stage, &tenant, "+18005551002", json!({})).await.expect(200);
    let file = format!(
        "number,from,reason\n+18005551001,,\"wrote, by letter\"\n+18005551002\nnonsense\n+18005551003,{}\n\
         +18005551004,{}\n+18005551001\n",
        tenant.number, other.number
    );
    let report = import(&stage, &tenant, "text/csv; charset=utf-8", file).await;
    report.has_rate_limit();
    let expected = json!({
        "total": 6, "added": 2, "unchanged": 2,
        "invalid": [
            { "line": 4, "reason": "`number` is `nonsense`, which is not a number such as +18005550100" },
            { "line": 6, "reason": "`from` is not a sender of the account" },
        ],
    });
    assert_eq!(report.expect(200), expected);
    let found = listed(&stage, &tenant, "number=%2B18005551001").await;
    assert_eq!((found.len(), &found[0]["source"]), (1, &json!("import")));
    assert_eq!(history(&stage, &tenant, "+18005551001").await[0]["reason"], "wrote, by letter");
    let lines = "\"+18005551005\"\n{\"number\":\"+18005551006\",\"source\":\"keyword\"}\n\n{}\n";
    for kind in ["application/x-ndjson", "application/json"] {
        let report = import(&stage, &tenant, kind, lines).await.expect(200);
        let line = json!([{ "line": 4, "reason": "the line is neither a string nor an object with a `number`" }]);
        assert_eq!((&report["total"], &report["invalid"]), (&json!(3), &line));
    }
    assert_eq!(listed(&stage, &tenant, "").await.len(), 5);
    import(&stage, &tenant, "text/plain", "+18005551007").await.refused(33103, Value::Null);
    assert_eq!(import(&stage, &tenant, "text/csv", "").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn an_import_has_fifty_thousand_entries_at_most() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let file = |count: usize| (0..count).map(|at| format!("+1800{at:07}\n")).collect::<String>();
    import(&stage, &tenant, "text/csv", file(50_001)).await.refused(33104, Value::Null);
    assert_eq!(listed(&stage, &tenant, "").await, [Value::Null; 0]);
    let report = import(&stage, &tenant, "text/csv", file(50_000)).await.expect(200);
    assert_eq!(report, json!({ "total": 50_000, "added": 50_000, "unchanged": 0, "invalid": [] }));
    let again = import(&stage, &tenant, "text/csv", file(50_000)).await.expect(200);
    assert_eq!(again, json!({ "total": 50_000, "added": 0, "unchanged": 50_000, "invalid": [] }));
}

#[tokio::test]
async fn calls_are_counted_as_reads() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "readPerMinute": 4 })).await;
    put(&stage, &tenant, HANDSET, json!({})).await.expect(200);
    delete(&stage, &tenant, HANDSET, Value::Null).await.expect(204);
    import(&stage, &tenant, "text/csv", "").await.expect(200);
    assert_eq!(stage.ask(&tenant.get("/optout")).await.has_rate_limit().1, 0);
    put(&stage, &tenant, HANDSET, json!({})).await.refused(33002, Value::Null);
}

#[tokio::test]
async fn the_operator_changes_opt_outs_of_any_account() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let of = format!("accountId={}", tenant.account);
    stage.stop_from(&tenant, HANDSET, Mode::Live).await;
    let input = json!({ "accountId": tenant.account, "reason": "a lawyer's letter" });
    let made = stage.operate("PUT", "/optouts/+18005551001", input).await.expect(200);
    assert_eq!((&made["source"], &made["reason"]), (&json!("operator"), &json!("a lawyer's letter")));
    assert_eq!((&made["accountId"], &made["mode"]), (&json!(tenant.account), &json!("live")));
    let page = stage.operate("GET", &format!("/optouts?{of}"), Value::Null).await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    let test = stage.operate("GET", &format!("/optouts?{of}&mode=test"), Value::Null).await.expect(200);
    assert_eq!(test["data"], json!([]));
    let place = format!("/optouts/{HANDSET}?{of}");
    let missing = json!({ "fields": ["reason"] });
    stage.operate("DELETE", &place, Value::Null).await.refused_by_operator(33005, missing);
    stage.operate("DELETE", &format!("{place}&reason=a+form"), Value::Null).await.expect(204);
    let lines = stage.operate("GET", &format!("/optouts/{HANDSET}/history?{of}"), Value::Null).await.expect(200);
    assert_eq!((&lines["data"][1]["source"], &lines["data"][1]["change"]), (&json!("operator"), &json!("opted_in")));
    for (method, path, code) in [
        ("GET", "/optouts", 33005),
        ("GET", "/optouts?accountId=acc_0000000000000000000000", 33100),
        ("GET", &format!("/optouts?{of}&mode=both"), 33100),
        ("PUT", "/optouts/555", 33003),
        ("DELETE", &format!("/optouts/555?{of}"), 33003),
    ] {
        assert_eq!(stage.operate(method, path, Value::Null).await.code(), code, "{method} {path}");
    }
}
