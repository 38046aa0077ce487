//! Texts are screened before they are accepted, under their account's policy, and what was found can be reviewed.

use serde_json::{Value, json};

use crate::support::{RECIPIENT, Stage, Tenant};

const OFFER: &str = "Cheap vodka delivered to your door tonight, order now";
const SCAM: &str =
    "USPS: your package is on hold. Pay the $1.99 fee at http://usps-redelivery.top/pay now or it will be returned";
const INNOCENT: &str = "Your code is 482910. Never share this code with anyone.";

fn policy(tenant: &Tenant) -> String {
    format!("/accounts/{}/screening", tenant.account)
}

async fn log(stage: &Stage, query: &str) -> Vec<Value> {
    let page = stage.operate("GET", &format!("/screening{query}"), Value::Null).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn code_33019_names_the_categories_and_the_places() {
    let stage = Stage::start().await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 1 })).await;
    for (body, category) in [(OFFER, "shaft.alcohol"), (SCAM, "phishing")] {
        let refused =
            stage.ask(&tenant.post(&tenant.message(RECIPIENT, body)).header("idempotency-key", "order-1")).await;
        let answer = refused.expect(400);
        assert_eq!((refused.code(), &answer["additionalInfo"]["categories"]), (33019, &json!([category])), "{answer}");
        let matches = answer["additionalInfo"]["matches"].as_array().unwrap();
        assert!(!matches.is_empty());
        let help = answer["additionalInfo"]["help"].as_array().unwrap();
        assert!(help.len() == 1 && help[0].as_str().unwrap().ends_with('.'), "{answer}");
        for word in ["vodka", "tonight", "usps", "1.99", "http"] {
            assert!(!help[0].as_str().unwrap().to_lowercase().contains(word), "{answer}");
        }
        for found in matches {
            let (start, end) = (found["start"].as_u64().unwrap(), found["end"].as_u64().unwrap());
            assert!(
                1 <= start && start <= end && end <= body.chars().count() as u64 && found["category"] == category,
                "{found}"
            );
        }
    }
    assert_eq!(stage.count(&tenant).await, 0);
    // Neither the quota nor the key was used.
    let accepted = stage
        .ask(&tenant.post(&tenant.message(RECIPIENT, INNOCENT)).header("idempotency-key", "order-1"))
        .await
        .expect(201);
    stage.reaches(&tenant, &accepted["id"], "delivered").await;
}

#[tokio::test]
async fn a_broadcast_and_a_test_key_are_screened_too_and_a_broadcast_once() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let broadcast = json!({ "recipients": ["+18005551001", "+18005551002"], "from": tenant.number, "body": OFFER });
    stage.ask(&tenant.broadcast(&broadcast)).await.expect(400);
    let test = stage.key(&tenant, json!({ "mode": "test" })).await;
    stage.ask(&test.post(&test.message(RECIPIENT, OFFER))).await.expect(400);
    let found = log(&stage, "").await;
    let seen: Vec<_> = found
        .iter()
        .map(|line| (line["outcome"].as_str().unwrap(), line["mode"].as_str().unwrap(), &line["about"]))
        .collect();
    assert_eq!(seen, [("blocked", "test", &Value::Null), ("blocked", "live", &Value::Null)]);
}

#[tokio::test]
async fn a_policy_takes_effect_at_once_and_outlives_a_restart() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let send = |body: &str| tenant.post(&tenant.message(RECIPIENT, body));
    for (change, offer, scam) in [
        (json!({}), 400, 400),
        (json!({ "exempt": ["shaft.alcohol"] }), 201, 400),
        (json!({ "sure": "flag" }), 201, 201),
        (json!({ "sure": "off", "unsure": "off" }), 201, 201),
        (json!({ "allowedPhrases": ["cheap vodka"] }), 201, 400),
        (json!({ "exempt": ["shaft.alcohol"], "sure": "block" }), 201, 400),
    ] {
        stage.operate("PUT", &policy(&tenant), change.clone()).await.expect(200);
        let statuses = (stage.ask(&send(OFFER)).await.status, stage.ask(&send(SCAM)).await.status);
        assert_eq!(statuses, (offer, scam), "{change}");
    }
    stage.restart(|_| {}).await;
    assert_eq!(
        stage.operate("GET", &policy(&tenant), Value::Null).await.expect(200)["exempt"],
        json!(["shaft.alcohol"])
    );
    assert_eq!((stage.ask(&send(OFFER)).await.status, stage.ask(&send(SCAM)).await.status), (201, 400));
}

#[tokio::test]
async fn what_is_flagged_is_marked_counted_and_listed_for_review() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.operate("PUT", &policy(&tenant), json!({ "sure": "flag" })).await.expect(200);
    let message = stage.send(&tenant, RECIPIENT, OFFER).await;
    let broadcast = json!({ "recipients": ["+18005551001", "+18005551002"], "from": tenant.number, "body": SCAM });
    let broadcast = stage.ask(&tenant.broadcast(&broadcast)).await.expect(201);
    stage.send(&tenant, RECIPIENT, INNOCENT).await;
    let life = stage.life(&message["id"]).await;
    assert_eq!(
        (&life["events"][1]["event"], &life["events"][1]["detail"]),
        (&json!("flagged"), &json!("shaft.alcohol"))
    );
    let found = log(&stage, &format!("?accountId={}&outcome=flagged", tenant.account)).await;
    let about: Vec<_> = found.iter().map(|line| (&line["about"], &line["categories"], &line["body"])).collect();
    assert_eq!(
        about,
        [
            (&broadcast["id"], &json!(["phishing"]), &json!(SCAM)),
            (&message["id"], &json!(["shaft.alcohol"]), &json!(OFFER))
        ]
    );
    assert!(
        found[0]["findings"][0]["score"].as_f64().unwrap() >= 0.5
            && !found[0]["findings"][0]["reasons"].as_array().unwrap().is_empty()
    );
    assert_eq!((&found[0]["certainty"], &found[0]["findings"][0]["certainty"]), (&json!("sure"), &json!("sure")));
    assert!(found[0]["findings"][0]["help"].as_str().unwrap().contains("the name of a parcel carrier"), "{found:?}");
    for (query, wanted) in [("certainty=sure", 2), ("certainty=unsure", 0), ("outcome=blocked&certainty=sure", 0)] {
        assert_eq!(log(&stage, &format!("?accountId={}&{query}", tenant.account)).await.len(), wanted, "{query}");
    }
    let metrics = crate::support::http::Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(
        metrics.contains("screening_flagged_total 2") && metrics.contains("screening_blocked_total 0"),
        "{metrics}"
    );
    for line in [
        r#"smsfactory_screening_findings_total{category="phishing",certainty="sure",outcome="flagged"} 1"#,
        r#"smsfactory_screening_findings_total{category="shaft.alcohol",certainty="sure",outcome="flagged"} 1"#,
        r#"smsfactory_screening_findings_total{category="fraud",certainty="unsure",outcome="blocked"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

/// A text between the points.
const UNSURE: &str = "Left a bottle of red by your door for the lift, you're a star";

#[tokio::test]
async fn a_text_of_which_the_screen_is_unsure_is_accepted_and_listed_for_review() {
    let text = UNSURE;
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let message = stage.send(&tenant, RECIPIENT, text).await;
    assert_eq!(stage.life(&message["id"]).await["events"][1]["event"], "flagged");
    let found = log(&stage, "?outcome=flagged&certainty=unsure").await;
    assert_eq!((&found[0]["about"], &found[0]["certainty"]), (&message["id"], &json!("unsure")));
    assert!(found[0]["findings"][0]["help"].is_string());
    stage.operate("PUT", &policy(&tenant), json!({ "unsure": "block" })).await.expect(200);
    let refused = stage.ask(&tenant.post(&tenant.message(RECIPIENT, text))).await;
    assert_eq!(refused.code(), 33019);
    stage.operate("PUT", &policy(&tenant), json!({ "unsure": "off" })).await.expect(200);
    let message = stage.send(&tenant, RECIPIENT, text).await;
    assert_ne!(stage.life(&message["id"]).await["events"][1]["event"], "flagged");
    assert_eq!(log(&stage, "?certainty=unsure").await.len(), 2);
}

#[tokio::test]
async fn texts_that_are_not_english_are_counted_by_language() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.send(&tenant, RECIPIENT, "Hola, tu pedido ya est\u{e1} listo para recoger en la tienda del centro").await;
    stage.send(&tenant, RECIPIENT, INNOCENT).await;
    let scam =
        "Su paquete est\u{e1} retenido en la aduana, pague los gastos de env\u{ed}o: http://usps-redelivery.top/pay";
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, scam))).await.expect(400);
    let metrics = crate::support::http::Ask::new("GET", "/metrics").send(stage.admin).await.text();
    let counted: Vec<&str> =
        metrics.lines().filter(|line| line.starts_with("smsfactory_screening_other_language_total")).collect();
    let of = |outcome: &str, count| {
        format!(r#"smsfactory_screening_other_language_total{{language="Spanish",outcome="{outcome}"}} {count}"#)
    };
    assert_eq!(counted, [of("passed", 1), of("flagged", 0), of("blocked", 1)]);
}

#[tokio::test]
async fn a_policy_of_one_action_is_refused_with_the_names_of_the_two() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for action in [json!("flag"), Value::Null] {
        let refused = stage.operate("PUT", &policy(&tenant), json!({ "sure": "off", "action": action })).await;
        let info = &refused.json()["additionalInfo"];
        assert_eq!((refused.code(), &info["field"]), (33100, &json!("action")));
        let expected = info["expected"].as_str().unwrap();
        assert!(expected.contains("use `sure`") && expected.contains("and `unsure`"), "{expected}");
    }
    let other = stage.operate("PUT", &policy(&tenant), json!({ "actions": "flag" })).await;
    assert_eq!((other.code(), &other.json()["additionalInfo"]["field"]), (33100, &json!("actions")));
    let kept = stage.operate("GET", &policy(&tenant), Value::Null).await.expect(200);
    assert_eq!((&kept["sure"], &kept["unsure"]), (&json!("block"), &json!("flag")));
}

#[tokio::test]
async fn the_log_has_pages_and_says_what_is_wrong_with_a_question() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for _ in 0..3 {
        stage.ask(&tenant.post(&tenant.message(RECIPIENT, OFFER))).await.expect(400);
    }
    let first = stage.operate("GET", "/screening?limit=2", Value::Null).await.expect(200);
    let second = stage
        .operate("GET", &format!("/screening?limit=2&cursor={}", first["nextCursor"].as_str().unwrap()), Value::Null)
        .await
        .expect(200);
    assert_eq!(
        (first["data"].as_array().unwrap().len(), second["data"].as_array().unwrap().len(), &second["nextCursor"]),
        (2, 1, &Value::Null)
    );
    for (query, field) in [
        ("outcome=passed", "outcome"),
        ("certainty=maybe", "certainty"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("accountId=x", "accountId"),
    ] {
        let refused = stage.operate("GET", &format!("/screening?{query}"), Value::Null).await;
        assert_eq!((refused.code(), &refused.json()["additionalInfo"]["field"]), (33100, &json!(field)));
    }
    for (change, field) in [
        (json!({ "unsure": "maybe" }), "unsure"),
        (json!({ "exempt": ["wine"] }), "exempt[0]"),
        (json!({ "allowedDomains": [" "] }), "allowedDomains"),
    ] {
        let refused = stage.operate("PUT", &policy(&tenant), change).await;
        assert_eq!((refused.code(), &refused.json()["additionalInfo"]["field"]), (33100, &json!(field)));
    }
    stage.operate("GET", "/accounts/acc_nobody/screening", Value::Null).await.expect(404);
}
