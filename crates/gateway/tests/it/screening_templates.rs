//! Templates that are known: texts that pass although the screen finds something in them; and the review of the
//! screen's decisions, which offers them.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, TOKEN, Tenant};

const TEMPLATE: &str = "Hi {name}, cheap vodka delivered to your door tonight, order now and get {percent}% off";
const SCAM: &str =
    "USPS: your package is on hold. Pay the $1.99 fee at http://usps-redelivery.top/pay now or it will be returned";

fn offer(name: &str, percent: u32) -> String {
    format!("Hi {name}, cheap vodka delivered to your door tonight, order now and get {percent}% off")
}

fn templates(tenant: &Tenant) -> String {
    format!("/accounts/{}/screening/templates", tenant.account)
}

async fn approve(stage: &Stage, tenant: &Tenant, template: Value) -> Value {
    stage.operate("PUT", &templates(tenant), template).await.expect(201)
}

async fn status(stage: &Stage, tenant: &Tenant, body: &str) -> u16 {
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, body))).await.status
}

async fn log(stage: &Stage, query: &str) -> Vec<Value> {
    let page = stage.operate("GET", &format!("/screening{query}"), Value::Null).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

async fn metrics(stage: &Stage) -> String {
    Ask::new("GET", "/metrics").send(stage.admin).await.text()
}

#[tokio::test]
async fn an_approved_text_passes_unmarked_and_only_for_its_account() {
    let mut stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    assert_eq!(status(&stage, &tenant, &offer("Bob", 20)).await, 400);
    let template = approve(&stage, &tenant, json!({ "text": TEMPLATE, "note": "age-gated" })).await;
    assert_eq!((&template["text"], &template["note"]), (&json!(TEMPLATE), &json!("age-gated")));
    // The same text again changes nothing.
    let again =
        stage.operate("PUT", &templates(&tenant), json!({ "text": format!(" {TEMPLATE}\n") })).await.expect(200);
    assert_eq!(again, template);
    for round in 0..2 {
        let message = stage.send(&tenant, RECIPIENT, &offer("Maria Lopez", 30)).await;
        let life = stage.life(&message["id"]).await;
        assert!(
            life["events"].as_array().unwrap().iter().all(|event| event["event"] != "flagged"),
            "it passes unmarked: {life}"
        );
        let broadcast = json!({ "recipients": ["+18005551001"], "from": tenant.number, "body": offer("ANNA", 5) });
        stage.ask(&tenant.broadcast(&broadcast)).await.expect(201);
        let test = stage.key(&tenant, json!({ "mode": "test" })).await;
        assert_eq!(status(&stage, &test, &offer("Bob", 20)).await, 201, "both worlds of the account have it");
        assert_eq!(status(&stage, &other, &offer("Bob", 20)).await, 400, "no other account has it");
        assert_eq!(status(&stage, &tenant, SCAM).await, 400, "no other text passes");
        let hidden = offer("Bob, AK-47 rifles and ammo for sale cheap, no background check, call now", 20);
        assert_eq!(status(&stage, &tenant, &hidden).await, 400, "a value is screened by itself");
        assert!(metrics(&stage).await.contains("screening_templates_passed_total 3"), "round {round}");
        stage.restart(|_| {}).await;
    }
    let listed = stage.operate("GET", &templates(&tenant), Value::Null).await.expect(200);
    assert_eq!(listed, json!({ "data": [template], "nextCursor": null }));
    let path = format!("{}/{}", templates(&tenant), template["id"].as_str().unwrap());
    let elsewhere = format!("{}/{}", templates(&other), template["id"].as_str().unwrap());
    stage.operate("DELETE", &elsewhere, Value::Null).await.expect(404);
    assert_eq!(stage.operate("DELETE", &path, Value::Null).await.status, 204);
    stage.operate("DELETE", &path, Value::Null).await.expect(404);
    assert_eq!(status(&stage, &tenant, &offer("Bob", 20)).await, 400);
    // What passed left nothing for review: the log has what was refused alone.
    assert!(
        log(&stage, &format!("?accountId={}", tenant.account)).await.iter().all(|line| line["outcome"] == "blocked")
    );
}

#[tokio::test]
async fn what_is_flagged_otherwise_passes_unmarked_under_a_template() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let policy = format!("/accounts/{}/screening", tenant.account);
    stage.operate("PUT", &policy, json!({ "sure": "flag" })).await.expect(200);
    approve(&stage, &tenant, json!({ "text": TEMPLATE })).await;
    stage.send(&tenant, RECIPIENT, &offer("Bob", 20)).await;
    assert_eq!(log(&stage, "?outcome=flagged").await, Vec::<Value>::new());
    stage.send(&tenant, RECIPIENT, SCAM).await;
    assert_eq!(log(&stage, "?outcome=flagged").await.len(), 1);
}

#[tokio::test]
async fn the_api_names_what_is_wrong_with_a_template() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (template, code, field) in [
        (json!({}), 33001, Value::Null),
        (json!({ "text": "{x}" }), 33100, json!("text")),
        (json!({ "text": "Sign in at https://{x}.com and change it" }), 33100, json!("text")),
        (json!({ "text": "Your parcel waits at bit.ly/{x}, pay now" }), 33100, json!("text")),
        (json!({ "text": 7 }), 33100, json!("text")),
        (json!({ "text": TEMPLATE, "note": "x".repeat(501) }), 33100, json!("note")),
    ] {
        let refused = stage.operate("PUT", &templates(&tenant), template.clone()).await;
        let info = refused.json()["additionalInfo"]["field"].clone();
        if code == 33001 {
            assert_eq!(refused.status, 400, "{template}");
        } else {
            assert_eq!((refused.code(), info), (code, field), "{template}");
        }
    }
    for (method, path) in [
        ("GET", "/accounts/acc_nobody/screening/templates".to_owned()),
        ("PUT", "/accounts/acc_nobody/screening/templates".to_owned()),
        ("DELETE", format!("{}/tpl_nothing", templates(&tenant))),
        ("POST", "/screening/scr_nothing/review".to_owned()),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({ "text": TEMPLATE, "correct": true }) };
        stage.operate(method, &path, body).await.expect(404);
    }
    let ids: Vec<Value> = {
        let mut ids = Vec::new();
        for number in 0..3 {
            let text = format!("{TEMPLATE} at shop {number}");
            ids.push(approve(&stage, &tenant, json!({ "text": text })).await["id"].clone());
        }
        ids
    };
    let first = stage.operate("GET", &format!("{}?limit=2", templates(&tenant)), Value::Null).await.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = stage.operate("GET", &format!("{}?limit=2&cursor={cursor}", templates(&tenant)), Value::Null).await;
    let second = second.expect(200);
    let shown: Vec<&Value> =
        [&first, &second].iter().flat_map(|page| page["data"].as_array().unwrap()).map(|one| &one["id"]).collect();
    assert_eq!((shown, &second["nextCursor"]), (ids.iter().collect(), &Value::Null));
}

#[tokio::test]
async fn one_decision_ends_the_refusals_of_a_campaign() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    for (name, percent) in [("Bob", 20), ("Maria Lopez", 30), ("Anna", 20)] {
        assert_eq!(status(&stage, &tenant, &offer(name, percent)).await, 400);
    }
    assert_eq!(status(&stage, &other, &offer("Bob", 20)).await, 400);
    assert_eq!(status(&stage, &tenant, SCAM).await, 400);
    let expected = "Hi {1}, cheap vodka delivered to your door tonight, order now and get {2}% off";
    let groups = stage.operate("GET", "/screening/groups", Value::Null).await.expect(200);
    assert_eq!(groups["of"], 5);
    let seen: Vec<_> = groups["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (&group["count"], &group["accountId"], &group["templatePasses"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&json!(1), &json!(tenant.account), &json!(1)),
            (&json!(1), &json!(other.account), &json!(1)),
            (&json!(3), &json!(tenant.account), &json!(3)),
        ]
    );
    let group = &groups["data"][2];
    assert_eq!((&group["template"], &group["categories"]), (&json!(expected), &json!(["shaft.alcohol"])));
    assert!(group["firstAt"].as_str() <= group["lastAt"].as_str(), "{group}");

    let of_tenant = format!("?accountId={}&outcome=blocked", tenant.account);
    let review = format!("/screening/{}/review", group["sampleId"].as_str().unwrap());
    let offered = stage.operate("POST", &review, json!({ "correct": false, "note": "a shop" })).await.expect(200);
    assert_eq!(
        (&offered["template"], &offered["templatePasses"], &offered["reviewed"], &offered["templateId"]),
        (&json!(expected), &json!(3), &json!(1), &Value::Null)
    );
    assert_eq!(status(&stage, &tenant, &offer("Eve", 1)).await, 400, "nothing is approved by itself");
    let approved = stage.operate("POST", &review, json!({ "correct": false, "approve": true })).await.expect(200);
    assert!(approved["templateId"].is_string() && approved["reviewed"].as_u64() >= Some(3), "{approved}");
    assert_eq!(status(&stage, &tenant, &offer("Zoe", 45)).await, 201);
    assert_eq!(status(&stage, &other, &offer("Zoe", 45)).await, 400);
    let reviewed = log(&stage, &format!("{of_tenant}&reviewed=true")).await;
    let open = log(&stage, &format!("{of_tenant}&reviewed=false")).await;
    assert!(
        reviewed.len() >= 3 && reviewed.iter().all(|line| line["correct"] == false && line["reviewedAt"].is_string())
    );
    assert_eq!(open.iter().map(|line| &line["body"]).collect::<Vec<_>>(), [SCAM]);
    let groups = stage.operate("GET", &format!("/screening/groups{of_tenant}&reviewed=false"), Value::Null).await;
    assert_eq!(groups.expect(200)["of"], 1);

    // Right decisions are marked too, and lead to nothing.
    let scam = format!("/screening/{}/review", open[0]["id"].as_str().unwrap());
    let right = stage.operate("POST", &scam, json!({ "correct": true })).await.expect(200);
    assert_eq!((&right["correct"], &right["template"], &right["reviewed"]), (&json!(true), &Value::Null, &json!(1)));
}

#[tokio::test]
async fn a_review_says_what_is_wrong_with_it_and_changes_nothing_then() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    assert_eq!(status(&stage, &tenant, &offer("Bob", 20)).await, 400);
    let line = log(&stage, "").await.remove(0);
    let review = format!("/screening/{}/review", line["id"].as_str().unwrap());
    for (judgement, field) in [
        (json!({ "correct": "no" }), "correct"),
        (json!({ "correct": true, "approve": true }), "approve"),
        (json!({ "correct": false, "template": TEMPLATE }), "template"),
        (json!({ "correct": false, "approve": true, "template": "{x}" }), "template"),
        (json!({ "correct": false, "approve": true, "template": "Bye {name}, this is another text" }), "template"),
    ] {
        let refused = stage.operate("POST", &review, judgement.clone()).await;
        assert_eq!((refused.code(), &refused.json()["additionalInfo"]["field"]), (33100, &json!(field)), "{judgement}");
    }
    stage.operate("POST", &review, json!({})).await.expect(400);
    assert_eq!(log(&stage, "?reviewed=true").await, Vec::<Value>::new());
    assert_eq!(
        stage.operate("GET", &templates(&tenant), Value::Null).await.expect(200)["data"],
        json!([]),
        "nothing was approved"
    );
    let refused = stage.operate("GET", "/screening?reviewed=maybe", Value::Null).await;
    assert_eq!((refused.code(), &refused.json()["additionalInfo"]["field"]), (33100, &json!("reviewed")));
    let own = json!({ "correct": false, "approve": true, "template": TEMPLATE });
    let approved = stage.operate("POST", &review, own).await.expect(200);
    assert_eq!((&approved["template"], &approved["reviewed"]), (&json!(TEMPLATE), &json!(1)));
    assert_eq!(status(&stage, &tenant, &offer("Zoe", 45)).await, 201);
}

#[tokio::test]
async fn a_phrase_of_a_decision_is_allowed_and_its_text_passes() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let text = "Hi Bob, cheap vodka delivered to your door tonight, order now and get 20% off";
    assert_eq!(status(&stage, &tenant, text).await, 400);
    let decision = log(&stage, "").await.remove(0);
    let id = decision["id"].as_str().unwrap();
    let shown = stage.operate("GET", &format!("/screening/{id}"), Value::Null).await.expect(200);
    assert_eq!(shown, decision);
    stage.operate("GET", "/screening/scr_none", Value::Null).await.expect(404);
    let allow = format!("/accounts/{}/screening/allow", tenant.account);
    for (body, code, field) in [
        (json!({}), 33005, json!(["phrase", "domain"])),
        (json!({ "phrase": " " }), 33100, json!("phrase")),
        (json!({ "domain": "https://a.example/x" }), 33100, json!("domain")),
        (json!({ "phrase": "vodka", "decisionId": "scr_none" }), 33100, json!("decisionId")),
    ] {
        let refused = stage.operate("POST", &allow, body.clone()).await;
        let info = &refused.json()["additionalInfo"];
        let named = if field.is_array() { &info["fields"] } else { &info["field"] };
        assert_eq!((refused.code(), named), (code, &field), "{body}");
    }
    let one = |field: &str, other: &str| {
        let expected = format!("absent if `{other}` is given: a request allows one of the two");
        json!({ "field": field, "expected": expected })
    };
    let both = stage.operate("POST", &allow, json!({ "phrase": "a", "domain": "a.example" })).await;
    both.refused_by_operator(33100, json!({ "mistakes": [one("phrase", "domain"), one("domain", "phrase")] }));
    let foreign = format!("/accounts/{}/screening/allow", other.account);
    let refused = stage.operate("POST", &foreign, json!({ "phrase": "vodka", "decisionId": id })).await;
    assert_eq!(refused.json()["additionalInfo"]["field"], "decisionId", "it is about a text of another account");
    assert_eq!(log(&stage, "?reviewed=true").await, Vec::<Value>::new(), "nothing has changed");

    let partly = stage.operate("POST", &allow, json!({ "domain": "Bar.example", "decisionId": id })).await.expect(200);
    assert_eq!((&partly["passes"], &partly["policy"]["allowedDomains"]), (&json!(false), &json!(["bar.example"])));
    let allowed =
        stage.operate("POST", &allow, json!({ "phrase": text, "decisionId": id, "note": "a bar" })).await.expect(200);
    assert_eq!((&allowed["passes"], &allowed["policy"]["allowedPhrases"]), (&json!(true), &json!([text])));
    assert_eq!(status(&stage, &tenant, text).await, 201);
    assert_eq!(status(&stage, &other, text).await, 400, "of another account it is refused as before");
    let reviewed = log(&stage, &format!("?reviewed=true&accountId={}", tenant.account)).await;
    assert_eq!(
        (&reviewed[0]["id"], &reviewed[0]["correct"], &reviewed[0]["note"]),
        (&json!(id), &json!(false), &json!("a bar"))
    );
}

async fn command(stage: &Stage, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    command.arg("screening").args(arguments).stdin(Stdio::null());
    command.env("SMSFACTORY_ADMIN_URL", format!("http://{}", stage.admin)).env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_approves_reviews_and_groups() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let account = tenant.account.as_str();
    let (done, added) =
        command(&stage, &["template", "add", account, "--text", TEMPLATE, "--note", "age-gated", "--json"]).await;
    assert!(done, "{added}");
    let added: Value = serde_json::from_str(&added).unwrap();
    let id = added["id"].as_str().unwrap();
    let (_, listed) = command(&stage, &["templates", account]).await;
    assert!(listed.contains(id) && listed.contains("age-gated") && listed.contains(TEMPLATE), "{listed}");
    let (done, refused) = command(&stage, &["template", "remove", account, id]).await;
    assert!(!done && refused.contains("--yes"), "{refused}");
    assert!(command(&stage, &["template", "remove", account, id, "--yes"]).await.0);
    for (name, percent) in [("Bob", 20), ("Maria", 30)] {
        assert_eq!(status(&stage, &tenant, &offer(name, percent)).await, 400);
    }
    let (_, groups) = command(&stage, &["groups", "--account", account, "--outcome", "blocked"]).await;
    assert!(groups.contains("Hi {1}, cheap vodka") && groups.contains("of the 2 newest decisions"), "{groups}");
    let line = log(&stage, "").await.remove(0);
    let record = line["id"].as_str().unwrap();
    assert!(!command(&stage, &["review", record]).await.0, "a judgement is needed");
    assert!(!command(&stage, &["review", record, "--right", "--approve"]).await.0);
    let (done, reviewed) = command(&stage, &["review", record, "--wrong", "--approve"]).await;
    assert!(done && reviewed.contains("Hi {1}, cheap vodka") && reviewed.contains("tpl_"), "{reviewed}");
    assert_eq!(status(&stage, &tenant, &offer("Zoe", 45)).await, 201);
    let (_, log) = command(&stage, &["log", "--reviewed", "true"]).await;
    assert_eq!(log.matches("scr_").count(), 2, "{log}");
}
