//! Lists of messages: filters, pages, cursors, and parameters that are wrong.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{RECIPIENT, Stage, Tenant};

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
    stage.operate("POST", "/numbers", json!({ "number": "+18005557777", "accountId": tenant.account })).await.expect(201);
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
        ("", vec!["four", "three", "two", "one"]),
        ("status=sent", vec!["four"]),
        ("status=failed", vec!["three", "two", "one"]),
        ("status=queued", vec![]),
        ("direction=outbound&limit=100", vec!["four", "three", "two", "one"]),
        ("direction=inbound", vec![]),
        (&format!("to={RECIPIENT}"), vec!["two", "one"]),
        ("to=%2B12025550144", vec!["three"]),
        (&format!("from={number}"), vec!["four", "three", "one"]),
        (&format!("from={number}&to={RECIPIENT}"), vec!["one"]),
        ("after=2026-03-15T14:31:00Z", vec!["four", "three", "two"]),
        ("before=2026-03-15T14:31:00.000Z", vec!["one"]),
        ("after=2026-03-15T15:31:00%2B01:00&before=2026-03-15T14:33:00Z", vec!["three", "two"]),
        ("broadcastId=brc_0000000000000000000000", vec![]),
        ("status=&limit=&unknown=x", vec!["four", "three", "two", "one"]),
    ] {
        assert_eq!(listed(&stage, &tenant, query).await, bodies, "{query}");
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
