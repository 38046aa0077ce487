//! The admin API, call by call: what it answers, what it refuses, and that it says no secret twice.

use serde_json::{Value, json};

use crate::inbound_commands::done;
use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, TOKEN, eventually, files};

const NOON: &str = "2026-03-15T12:00:00.000Z";

/// The `data` of a list that has no next page.
#[track_caller]
fn all(page: &Value) -> &Vec<Value> {
    assert_eq!(page["nextCursor"], Value::Null);
    page["data"].as_array().unwrap()
}

#[tokio::test]
async fn accounts_are_made_listed_shown_and_changed() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let made = stage.operate("POST", "/accounts", json!({ "name": "Acme", "dailyQuota": 5 })).await.expect(201);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("acc_"), "{id}");
    let expected = json!({
        "id": id,
        "name": "Acme",
        "state": "active",
        "messagePerMinute": 10,
        "broadcastPerMinute": 5,
        "readPerMinute": 600,
        "dailyQuota": 5,
        "retentionDays": null,
        "twilioAccountSid": made["twilioAccountSid"],
        "createdAt": NOON,
    });
    assert_eq!(made, expected);
    assert_eq!(stage.operate("GET", &format!("/accounts/{id}"), Value::Null).await.expect(200), expected);
    assert_eq!(all(&stage.operate("GET", "/accounts", Value::Null).await.expect(200)), &vec![expected.clone()]);
    let changed = stage
        .operate("PATCH", &format!("/accounts/{id}"), json!({ "state": "suspended", "readPerMinute": 7 }))
        .await
        .expect(200);
    let mut expected = expected;
    (expected["state"], expected["readPerMinute"]) = ("suspended".into(), 7.into());
    assert_eq!(changed, expected);
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_named() {
    let stage = Stage::start().await;
    let account = stage.tenant().await.account;
    let wrong = |field: &str, expected: &str| json!({ "field": field, "expected": expected });
    for (body, code, info) in [
        (json!({}), 33005, json!({ "fields": ["name"] })),
        (json!({ "name": " " }), 33005, json!({ "fields": ["name"] })),
        (json!({ "name": 7 }), 33100, wrong("name", "invalid type: integer `7`, expected a string")),
        (
            json!({ "name": "x", "dailyQuota": -1 }),
            33100,
            wrong("dailyQuota", "invalid value: integer `-1`, expected u64"),
        ),
    ] {
        stage.operate("POST", "/accounts", body).await.refused_by_operator(code, info);
    }
    let path = format!("/accounts/{account}");
    stage
        .operate("PATCH", &path, json!({ "state": "gone" }))
        .await
        .refused_by_operator(33100, wrong("state", "active, suspended or disabled"));
    for path in ["/accounts/acc_0000000000000000000000", "/accounts/nonsense"] {
        stage.operate("GET", path, Value::Null).await.refused_by_operator(33101, Value::Null);
        stage.operate("PATCH", path, json!({})).await.refused_by_operator(33101, Value::Null);
        stage.operate("GET", &format!("{path}/keys"), Value::Null).await.refused_by_operator(33101, Value::Null);
        stage.operate("POST", &format!("{path}/keys"), json!({})).await.refused_by_operator(33101, Value::Null);
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let made = stage
        .operate(
            "POST",
            &format!("/accounts/{}/keys", tenant.account),
            json!({ "mode": "test", "expiresAt": "2099-01-01T00:00:00Z" }),
        )
        .await;
    let made = made.expect(201);
    let (key, secret) = (made["keyId"].as_str().unwrap(), made["keySecret"].as_str().unwrap());
    assert!(key.starts_with("uk_") && secret.starts_with("sk_test_"), "{made}");
    assert!(secret.len() - "sk_test_".len() >= 27, "27 digits of base 62 are 160 bits");
    let listed = stage.operate("GET", &format!("/accounts/{}/keys", tenant.account), Value::Null).await;
    assert!(!listed.text().contains("ecret") && !listed.text().contains(&secret[8..]), "{listed}");
    let listed = listed.expect(200);
    let of = |id: &str| all(&listed).iter().find(|known| known["keyId"] == id).unwrap();
    assert_eq!((&of(key)["mode"], &of(key)["expiresAt"]), (&json!("test"), &json!("2099-01-01T00:00:00.000Z")));
    assert_eq!((&of(&tenant.key)["mode"], &of(&tenant.key)["revokedAt"]), (&json!("live"), &Value::Null));
    stage.operate("DELETE", &format!("/keys/{key}"), Value::Null).await.expect(204);
    let listed = stage.operate("GET", &format!("/accounts/{}/keys", tenant.account), Value::Null).await.expect(200);
    assert!(all(&listed).iter().any(|known| known["keyId"] == key && known["revokedAt"].is_string()));
    for octets in files(stage.directory.path()) {
        assert!(
            !octets.windows(secret.len() - 8).any(|window| window == &secret.as_bytes()[8..]),
            "the secret is on disk"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_named() {
    let stage = Stage::start().await;
    let path = format!("/accounts/{}/keys", stage.tenant().await.account);
    for (body, field, expected) in [
        (json!({ "mode": "prod" }), "mode", "live or test"),
        (json!({ "expiresAt": "soon" }), "expiresAt", "a time as in RFC 3339"),
        (json!({ "expiresAt": "2020-01-01T00:00:00Z" }), "expiresAt", "a time to come"),
    ] {
        stage
            .operate("POST", &path, body)
            .await
            .refused_by_operator(33100, json!({ "field": field, "expected": expected }));
    }
    stage.operate("DELETE", "/keys/uk_nobody", Value::Null).await.refused_by_operator(33101, Value::Null);
}

#[tokio::test]
async fn numbers_are_added_listed_shown_and_changed() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let number = "+18005557777";
    let made = stage.operate("POST", "/numbers", json!({ "number": number, "state": "pending" })).await.expect(201);
    let expected = json!({
        "number": number,
        "kind": "number",
        "accountId": null,
        "state": "pending",
        "segmentsPerSecond": null,
        "createdAt": NOON,
    });
    assert_eq!(made, expected);
    assert_eq!(stage.operate("GET", &format!("/numbers/{number}"), Value::Null).await.expect(200), expected);
    assert_eq!(stage.operate("GET", "/numbers/%2B18005557777", Value::Null).await.expect(200), expected);
    assert_eq!(all(&stage.operate("GET", "/numbers", Value::Null).await.expect(200)).len(), 2);
    let given = stage
        .operate("PATCH", &format!("/numbers/{number}"), json!({ "accountId": tenant.account, "state": "active" }))
        .await
        .expect(200);
    assert_eq!(
        given,
        json!({
            "number": number,
            "kind": "number",
            "accountId": tenant.account,
            "state": "active",
            "segmentsPerSecond": null,
            "createdAt": NOON,
        })
    );
    let ask = tenant.post(&json!({ "to": RECIPIENT, "from": number, "body": "hello" }));
    stage.ask(&ask).await.expect(201);
    let taken = stage.operate("PATCH", &format!("/numbers/{number}"), json!({ "accountId": null })).await.expect(200);
    assert_eq!((&taken["accountId"], &taken["state"]), (&Value::Null, &json!("active")));
    stage.ask(&ask).await.refused(33004, Value::Null);
}

#[tokio::test]
async fn a_pace_of_a_number_is_set_changed_and_taken_away() {
    let stage = Stage::start().await;
    let number = "+18005557777";
    let made = stage.operate("POST", "/numbers", json!({ "number": number, "segmentsPerSecond": 3 })).await.expect(201);
    assert_eq!(made["segmentsPerSecond"], 3);
    for (change, pace) in [
        (json!({ "state": "pending" }), json!(3)),
        (json!({ "segmentsPerSecond": 100 }), json!(100)),
        (json!({ "segmentsPerSecond": null }), Value::Null),
    ] {
        let changed = stage.operate("PATCH", &format!("/numbers/{number}"), change).await.expect(200);
        assert_eq!(changed["segmentsPerSecond"], pace);
    }
    let none = stage.operate("PATCH", &format!("/numbers/{number}"), json!({ "segmentsPerSecond": 0 })).await;
    assert_eq!((none.code(), &none.json()["additionalInfo"]["field"]), (33100, &json!("segmentsPerSecond")));
}

#[tokio::test]
async fn what_is_wrong_with_a_number_is_named() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let wrong = |field: &str, expected: &str| json!({ "field": field, "expected": expected });
    let nobody = "acc_0000000000000000000000";
    for (body, code, info) in [
        (json!({}), 33005, json!({ "fields": ["number"] })),
        (json!({ "number": "55" }), 33003, json!({ "field": "number" })),
        (json!({ "number": tenant.number }), 33100, wrong("number", "one that does not exist yet")),
        (json!({ "number": "+18005557777", "accountId": nobody }), 33100, wrong("accountId", "one that exists")),
        (
            json!({ "number": "+18005557777", "state": "x" }),
            33100,
            wrong("state", "active, pending, suspended, deactivated, released or unavailable"),
        ),
    ] {
        stage.operate("POST", "/numbers", body).await.refused_by_operator(code, info);
    }
    let path = format!("/numbers/{}", tenant.number);
    stage
        .operate("PATCH", &path, json!({ "accountId": nobody }))
        .await
        .refused_by_operator(33100, wrong("accountId", "one that exists"));
    for path in ["/numbers/+18005557777", "/numbers/55"] {
        stage.operate("GET", path, Value::Null).await.refused_by_operator(33101, Value::Null);
        stage.operate("PATCH", path, json!({})).await.refused_by_operator(33101, Value::Null);
    }
}

#[tokio::test]
async fn blocks_are_put_listed_and_lifted() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let account = stage.tenant().await.account;
    let put = |body: Value| stage.operate("PUT", "/blocks/+12025550143", body);
    let made = put(json!({ "kind": "recipient", "reason": "STOP" })).await.expect(200);
    assert_eq!(
        made,
        json!({ "number": RECIPIENT, "kind": "recipient", "accountId": null, "reason": "STOP", "createdAt": NOON })
    );
    put(json!({ "kind": "recipient", "accountId": account })).await.expect(200);
    put(json!({ "kind": "recipient", "accountId": account, "reason": "again" })).await.expect(200);
    put(json!({ "kind": "sender" })).await.expect(200);
    for (query, count) in [
        ("", 3),
        ("?kind=recipient", 2),
        ("?kind=sender", 1),
        (&*format!("?accountId={account}"), 1),
        (&*format!("?kind=sender&accountId={account}"), 0),
    ] {
        let listed = stage.operate("GET", &format!("/blocks{query}"), Value::Null).await.expect(200);
        assert_eq!(all(&listed).len(), count, "{query}");
    }
    let path = format!("/blocks/{RECIPIENT}?kind=recipient&accountId={account}");
    stage.operate("DELETE", &path, Value::Null).await.expect(204);
    stage.operate("DELETE", &path, Value::Null).await.refused_by_operator(33101, Value::Null);
    assert_eq!(all(&stage.operate("GET", "/blocks", Value::Null).await.expect(200)).len(), 2);
}

#[tokio::test]
async fn what_is_wrong_with_a_block_is_named() {
    let stage = Stage::start().await;
    let kind = || json!({ "field": "kind", "expected": "recipient or sender" });
    let account = || json!({ "field": "accountId", "expected": "one that exists" });
    let path = "/blocks/+12025550143";
    stage.operate("PUT", path, json!({})).await.refused_by_operator(33005, json!({ "fields": ["kind"] }));
    stage.operate("PUT", path, json!({ "kind": "both" })).await.refused_by_operator(33100, kind());
    stage
        .operate("PUT", path, json!({ "kind": "sender", "accountId": "x" }))
        .await
        .refused_by_operator(33100, account());
    let nobody = json!({ "kind": "sender", "accountId": "acc_0000000000000000000000" });
    stage.operate("PUT", path, nobody).await.refused_by_operator(33100, account());
    stage
        .operate("PUT", "/blocks/55", json!({ "kind": "sender" }))
        .await
        .refused_by_operator(33003, json!({ "field": "number" }));
    stage.operate("DELETE", path, Value::Null).await.refused_by_operator(33005, json!({ "fields": ["kind"] }));
    stage.operate("GET", "/blocks?kind=both", Value::Null).await.refused_by_operator(33100, kind());
}

#[tokio::test]
async fn lists_are_walked_by_their_cursors() {
    let stage = Stage::start().await;
    for _ in 0..7 {
        stage.tenant().await;
    }
    for (path, name) in [("/accounts", "id"), ("/numbers", "number")] {
        let (mut cursor, mut names) = (String::new(), Vec::new());
        loop {
            let page = stage.operate("GET", &format!("{path}?limit=3&cursor={cursor}"), Value::Null).await.expect(200);
            names.extend(page["data"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(names.len(), 7);
        assert!(names.is_sorted(), "{names:?}");
        let limit = json!({ "field": "limit", "expected": "an integer from 1 to 1000" });
        stage.operate("GET", &format!("{path}?limit=0"), Value::Null).await.refused_by_operator(33100, limit);
        let cursor = json!({ "field": "cursor", "expected": "a nextCursor of an earlier page" });
        // A name would be the place of a sender.
        stage.operate("GET", &format!("{path}?cursor=.."), Value::Null).await.refused_by_operator(33100, cursor);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_found_by_a_part_of_their_name() {
    let stage = Stage::start().await;
    for name in ["Acme", "Bäcker Bank", "ACME Bank", "Shop", "acme two"] {
        stage.operate("POST", "/accounts", json!({ "name": name })).await.expect(201);
    }
    let names =
        |page: &Value| page["data"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    for (part, found) in [
        ("acme", &["Acme", "ACME Bank", "acme two"][..]),
        ("%20BANK", &["Bäcker Bank", "ACME Bank"]),
        ("B%C3%84CK", &["Bäcker Bank"]),
        ("nobody", &[]),
        ("", &["Acme", "Bäcker Bank", "ACME Bank", "Shop", "acme two"]),
    ] {
        let page = stage.operate("GET", &format!("/accounts?name={part}"), Value::Null).await.expect(200);
        assert_eq!((names(&page), &page["nextCursor"]), (found.iter().map(|name| json!(name)).collect(), &Value::Null));
    }
    let first = stage.operate("GET", "/accounts?name=acme&limit=2", Value::Null).await.expect(200);
    assert_eq!(names(&first), [json!("Acme"), json!("ACME Bank")]);
    let next = format!("/accounts?name=acme&limit=2&cursor={}", first["nextCursor"].as_str().unwrap());
    let next = stage.operate("GET", &next, Value::Null).await.expect(200);
    assert_eq!((names(&next), &next["nextCursor"]), (vec![json!("acme two")], &Value::Null));
    let listed = done(&stage, &["account", "list", "--name", "bank"]).await;
    assert!(listed.contains("Bäcker Bank") && !listed.contains("Shop"), "{listed}");
}

#[tokio::test]
async fn a_cursor_outlives_what_it_names() {
    let stage = Stage::start().await;
    let account = stage.tenant().await.account;
    for number in ["+12025550101", "+1202555010", "+12025550103"] {
        for body in [
            json!({ "kind": "sender" }),
            json!({ "kind": "recipient" }),
            json!({ "kind": "recipient", "accountId": account }),
        ] {
            stage.operate("PUT", &format!("/blocks/{number}"), body).await.expect(200);
        }
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = stage.operate("GET", &format!("/blocks?limit=2&cursor={cursor}"), Value::Null).await.expect(200);
        let data = page["data"].as_array().unwrap();
        seen.extend(data.iter().map(|block| format!("{} {} {}", block["number"], block["kind"], block["accountId"])));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
        let last = data.last().unwrap();
        let of = last["accountId"].as_str().map(|id| format!("&accountId={id}")).unwrap_or_default();
        let path = format!("/blocks/{}?kind={}{of}", last["number"].as_str().unwrap(), last["kind"].as_str().unwrap());
        stage.operate("DELETE", &path, Value::Null).await.expect(204);
    }
    seen.dedup();
    assert_eq!(seen.len(), 9, "each once: {seen:?}");
    let cursor = json!({ "field": "cursor", "expected": "a nextCursor of an earlier page" });
    for text in ["x", "+12025550101", "+12025550101.both.", "+12025550101.sender.x"] {
        stage
            .operate("GET", &format!("/blocks?cursor={text}"), Value::Null)
            .await
            .refused_by_operator(33100, cursor.clone());
    }
}

#[tokio::test]
async fn the_keys_of_an_account_are_walked_in_order_of_time() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut made = vec![tenant.key.clone()];
    for _ in 0..6 {
        made.push(stage.key(&tenant, json!({})).await.key);
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = stage
            .operate("GET", &format!("/accounts/{}/keys?limit=2&cursor={cursor}", tenant.account), Value::Null)
            .await
            .expect(200);
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| (key["createdAt"].to_string(), key["keyId"].as_str().unwrap().to_owned())),
        );
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert!(seen.is_sorted(), "{seen:?}");
    let mut seen: Vec<String> = seen.into_iter().map(|(_, id)| id).collect();
    seen.sort_unstable();
    made.sort_unstable();
    assert_eq!(seen, made);
}

#[tokio::test]
async fn a_field_that_means_nothing_is_refused_by_name() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let (account, number) = (format!("/accounts/{}", tenant.account), format!("/numbers/{}", tenant.number));
    let keys = format!("{account}/keys");
    for (method, path, body, field) in [
        ("POST", "/accounts", json!({ "name": "x", "dailyquota": 1 }), "dailyquota"),
        ("POST", "/accounts", json!({ "name": "x", "state": "suspended" }), "state"),
        ("PATCH", &account, json!({ "stat": "suspended" }), "stat"),
        ("PATCH", &account, json!({ "name": "another" }), "name"),
        ("POST", &keys, json!({ "mod": "test" }), "mod"),
        ("POST", "/numbers", json!({ "number": "+18005557777", "account": "x" }), "account"),
        ("PATCH", &number, json!({ "account_id": null }), "account_id"),
        ("PATCH", &number, json!({ "number": "+18005557777" }), "number"),
        ("PUT", "/blocks/+12025550143", json!({ "kind": "sender", "account": "x" }), "account"),
    ] {
        let reply = stage.operate(method, path, body).await;
        let info = reply.json()["additionalInfo"].clone();
        assert_eq!(info["field"], field, "{method} {path}: {reply}");
        reply.refused_by_operator(33100, info);
    }
    let shown = stage.operate("GET", &account, Value::Null).await.expect(200);
    assert_eq!((&shown["state"], &shown["name"]), (&json!("active"), &json!("a tenant")));
    assert_eq!(all(&stage.operate("GET", "/blocks", Value::Null).await.expect(200)).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_different_fields_at_the_same_time_are_all_kept() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let (account, number) =
        (format!("/admin/v1/accounts/{}", tenant.account), format!("/admin/v1/numbers/{}", tenant.number));
    for round in 1..=25 {
        let limits = ["messagePerMinute", "broadcastPerMinute", "readPerMinute", "dailyQuota"];
        let states = ["suspended", "active"];
        let mut changes: Vec<(&str, Value)> =
            limits.iter().map(|limit| (account.as_str(), json!({ *limit: round }))).collect();
        changes.push((&account, json!({ "state": states[round % 2] })));
        changes.push((&number, json!({ "state": states[round % 2] })));
        changes
            .push((&number, json!({ "accountId": if round % 2 == 0 { Value::Null } else { json!(tenant.account) } })));
        let asks = changes.iter().map(|(path, change)| {
            Ask::new("PATCH", path).header("authorization", &format!("Bearer {TOKEN}")).json(change)
        });
        crate::support::at_once(stage.admin, asks).await.iter().for_each(|reply| drop(reply.expect(200)));
        let shown = stage.operate("GET", &format!("/accounts/{}", tenant.account), Value::Null).await.expect(200);
        assert!(
            limits.iter().all(|limit| shown[*limit] == round) && shown["state"] == states[round % 2],
            "round {round}: {shown}"
        );
        let shown = stage.operate("GET", &format!("/numbers/{}", tenant.number), Value::Null).await.expect(200);
        assert!(
            shown["accountId"].is_null() == (round % 2 == 0) && shown["state"] == states[round % 2],
            "round {round}: {shown}"
        );
    }
}

#[tokio::test]
async fn nobody_passes_without_the_token() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for authorization in [
        "",
        "Bearer",
        "Bearer wrong",
        "Basic x",
        &format!("Bearer {TOKEN}x"),
        &crate::support::basic(&tenant.key, &tenant.secret),
    ] {
        for path in ["/accounts", "/nothing"] {
            let ask = Ask::new("GET", &format!("/admin/v1{path}"));
            let ask = if authorization.is_empty() { ask } else { ask.header("authorization", authorization) };
            let reply = ask.send(stage.admin).await;
            reply.refused_by_operator(33001, Value::Null);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    Ask::new("GET", "/admin/v1/accounts")
        .header("authorization", &format!("bearer {TOKEN}"))
        .send(stage.admin)
        .await
        .expect(200);
    stage.operate("GET", "/nothing", Value::Null).await.refused_by_operator(33101, Value::Null);
}

#[tokio::test]
async fn without_a_token_there_is_no_admin_api() {
    let stage = Stage::with(|config, _| config.admin.token = None).await;
    for path in ["/admin/v1/accounts", "/admin/v1", "/"] {
        Ask::new("GET", path)
            .header("authorization", "Bearer ")
            .send(stage.admin)
            .await
            .refused_by_operator(33101, Value::Null);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(Ask::new("GET", path).send(stage.admin).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn requests_of_the_wrong_form_get_the_envelope() {
    let stage = Stage::start().await;
    let signed = |method: &str, path: &str| {
        Ask::new(method, &format!("/admin/v1{path}")).header("authorization", &format!("Bearer {TOKEN}"))
    };
    let reply = signed("DELETE", "/accounts").send(stage.admin).await;
    reply.refused_by_operator(33102, Value::Null);
    assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"));
    signed("POST", "/accounts")
        .octets("{}")
        .header("content-type", "text/plain")
        .send(stage.admin)
        .await
        .refused_by_operator(33103, Value::Null);
    let place = |line: usize, column: usize| json!({ "line": line, "column": column });
    signed("POST", "/accounts").text("{\"name\":").send(stage.admin).await.refused_by_operator(33100, place(1, 8));
    signed("POST", "/accounts")
        .text("{\"name\":\"x\"} x")
        .send(stage.admin)
        .await
        .refused_by_operator(33100, place(1, 14));
    signed("POST", "/accounts")
        .text(" ".repeat(300_000))
        .send(stage.admin)
        .await
        .refused_by_operator(33104, Value::Null);
    let mut connection = crate::support::http::Connection::open(stage.admin).await;
    connection.write(b"nonsense\r\n\r\n").await;
    connection.reply().await.refused_by_operator(33100, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_the_same_time_leave_memory_and_store_of_one_mind() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let path = format!("/admin/v1/accounts/{}", tenant.account);
    let mut last = Value::Null;
    for round in 0..20 {
        let asks = (0..8).map(|index| {
            let state = if index % 2 == 0 { "suspended" } else { "active" };
            let change = json!({ "state": state, "dailyQuota": round * 100 + index });
            Ask::new("PATCH", &path).header("authorization", &format!("Bearer {TOKEN}")).json(&change)
        });
        crate::support::at_once(stage.admin, asks).await.iter().for_each(|reply| drop(reply.expect(200)));
        last = stage.operate("GET", &format!("/accounts/{}", tenant.account), Value::Null).await.expect(200);
        if round % 5 == 4 {
            stage.restart(|_| {}).await;
            assert_eq!(
                stage.operate("GET", &format!("/accounts/{}", tenant.account), Value::Null).await.expect(200),
                last,
                "after {round} rounds"
            );
        }
    }
    assert_eq!(last["name"], "a tenant");
}

#[tokio::test]
async fn an_operator_who_hangs_up_leaves_no_key_half_revoked() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut keys = Vec::new();
    for _ in 0..20 {
        keys.push(stage.key(&tenant, json!({})).await.key);
    }
    for key in &keys {
        let mut connection = crate::support::http::Connection::open(stage.admin).await;
        connection
            .write(
                &Ask::new("DELETE", &format!("/admin/v1/keys/{key}"))
                    .header("authorization", &format!("Bearer {TOKEN}"))
                    .to_bytes(),
            )
            .await;
        drop(connection);
        // A change that comes after it is made after it.
        stage.operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "dailyQuota": 7 })).await.expect(200);
    }
    let path = format!("/accounts/{}/keys", tenant.account);
    // The last revocations may still be under way.
    let in_memory = eventually("nothing changes any more", async || {
        let keys = stage.operate("GET", &path, Value::Null).await.expect(200);
        for quota in 0..10 {
            let change = json!({ "dailyQuota": quota });
            stage.operate("PATCH", &format!("/accounts/{}", tenant.account), change).await.expect(200);
        }
        (stage.operate("GET", &path, Value::Null).await.expect(200) == keys).then_some(keys)
    })
    .await;
    stage.restart(|_| {}).await;
    assert_eq!(stage.operate("GET", &path, Value::Null).await.expect(200), in_memory);
}
