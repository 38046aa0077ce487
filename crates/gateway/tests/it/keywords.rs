//! The operator sets which words stop messages, and how they are answered, for accounts and for numbers.

use serde_json::{Value, json};

use crate::support::{RECIPIENT, Stage};

#[tokio::test]
async fn settings_stand_as_they_were_set_and_a_number_has_its_own() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let (account, number) =
        (format!("/accounts/{}/keywords", tenant.account), format!("/numbers/{}/keywords", tenant.number));
    let defaults = json!({
        "stopWords": [], "languages": [], "yes": null, "suspected": null, "optOutScope": null, "replies": null,
        "support": null, "stopText": null, "startText": null, "helpText": null,
    });
    for path in [&account, &number] {
        assert_eq!(stage.operate("GET", path, Value::Null).await.expect(200), defaults);
    }
    let mut set = defaults.clone();
    for (field, value) in [
        ("stopWords", json!(["halt"])),
        ("languages", json!(["fr", "es"])),
        ("yes", json!(true)),
        ("suspected", json!("opt_out")),
        ("optOutScope", json!("number")),
        ("support", json!("help@example.com")),
        ("helpText", json!("{account}: {support}")),
    ] {
        set[field] = value;
    }
    assert_eq!(stage.operate("PUT", &account, set.clone()).await.expect(200), set);
    assert_eq!(stage.operate("GET", &account, Value::Null).await.expect(200), set);
    assert_eq!(stage.operate("GET", &number, Value::Null).await.expect(200), defaults, "it sets nothing itself");
    let of_number = stage.operate("PUT", &number, json!({ "helpText": "Call {support}" })).await.expect(200);
    assert_eq!(of_number["helpText"], "Call {support}", "the support of its account counts");
    assert_eq!(stage.operate("PUT", &account, json!({})).await.expect(200), defaults, "a PUT replaces everything");
}

#[tokio::test]
async fn every_mistake_of_settings_is_named_and_nothing_changes() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let (account, number) =
        (format!("/accounts/{}/keywords", tenant.account), format!("/numbers/{}/keywords", tenant.number));
    let wrong = json!({ "stopWords": ["HELP"], "support": " ", "stopText": "{name}", "startText": "ok" });
    let refused = stage.operate("PUT", &account, wrong).await;
    let answer = refused.expect(400);
    let mistakes = answer["additionalInfo"]["mistakes"].as_array().unwrap();
    let fields: Vec<&str> = mistakes.iter().map(|mistake| mistake["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["stopWords", "support", "stopText"]);
    assert!(mistakes.iter().all(|mistake| !mistake["expected"].as_str().unwrap().is_empty()));
    let refused = stage.operate("PUT", &number, json!({ "optOutScope": "number", "helpText": "{support}" })).await;
    let answer = refused.expect(400);
    let mistakes = answer["additionalInfo"]["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 2, "{answer}");
    for (body, field) in [
        (json!({ "suspected": "block" }), "suspected"),
        (json!({ "languages": ["de"] }), "languages[0]"),
        (json!({ "yes": "no" }), "yes"),
        (json!({ "stopWord": [] }), "stopWord"),
    ] {
        let answer = stage.operate("PUT", &account, body).await.expect(400);
        assert_eq!(answer["additionalInfo"]["field"], field, "{answer}");
    }
    assert_eq!(stage.operate("GET", &account, Value::Null).await.expect(200)["stopWords"], json!([]));
    for unknown in ["/accounts/acc_000000000000000000000/keywords", "/numbers/+18005550999/keywords"] {
        for method in ["GET", "PUT"] {
            stage.operate(method, unknown, json!({})).await.expect(404);
        }
    }
}

#[tokio::test]
async fn code_33010_says_that_the_operator_blocked_the_recipient() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.operate("PUT", &format!("/blocks/{RECIPIENT}"), json!({ "kind": "recipient" })).await.expect(200);
    let refused = stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello"))).await;
    assert_eq!(refused.code(), 33010);
    assert_eq!(refused.expect(403)["additionalInfo"], json!({ "reason": "blocked" }));
}
