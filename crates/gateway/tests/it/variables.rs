//! Broadcasts with variables: each recipient gets a text of their own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Stage, Tenant, eventually};

/// A broadcast of this text to Ada, Łukasz and Bob.
fn to_three(tenant: &Tenant, body: &str) -> Value {
    json!({
        "recipients": [
            { "to": "+18005551001", "variables": { "name": "Ada", "code": "11", "other": "x" } },
            { "to": "+18005551002", "variables": { "name": "Łukasz", "code": "22" } },
            { "to": "+18005551003", "variables": { "name": "Bob".repeat(40), "code": "33" } },
        ],
        "from": tenant.number,
        "body": body,
    })
}

/// What the carrier got, by recipient.
fn texts(stage: &Stage) -> BTreeMap<String, String> {
    let text = |submit: &Value, field: &str| submit[field].as_str().unwrap().to_owned();
    stage.submissions().iter().map(|submit| (text(submit, "destination"), text(submit, "text"))).collect()
}

async fn completed(stage: &Stage, tenant: &Tenant, id: &Value) -> Value {
    let show = tenant.get(&format!("/broadcast/{}", id.as_str().unwrap()));
    eventually("the broadcast is completed", async || {
        Some(stage.ask(&show).await.expect(200)).filter(|broadcast| broadcast["status"] == "completed")
    })
    .await
}

#[tokio::test]
async fn every_recipient_gets_a_text_of_their_own_also_after_a_restart() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.operate("POST", "/carriers/main/stop", Value::Null).await.expect(204);
    let ask =
        tenant.broadcast(&to_three(&tenant, "Hi {{name}}, {{ code }} is yours")).header("idempotency-key", "vars");
    let accepted = stage.ask(&ask).await.expect(201);
    assert_eq!(accepted["body"], "Hi {{name}}, {{ code }} is yours", "a broadcast shows its text as it was sent");
    let mut other = to_three(&tenant, "Hi {{name}}, {{ code }} is yours");
    other["recipients"][1]["variables"]["code"] = "23".into();
    stage.ask(&tenant.broadcast(&other).header("idempotency-key", "vars")).await.refused(33013, Value::Null);
    assert_eq!(stage.ask(&ask).await.expect(201), accepted);
    stage.restart(|_| {}).await;
    stage.operate("POST", "/carriers/main/start", Value::Null).await.expect(204);
    completed(&stage, &tenant, &accepted["id"]).await;
    let bob = "Bob".repeat(40);
    let wanted =
        [("Ada", "11"), ("Łukasz", "22"), (&bob, "33")].map(|(name, code)| format!("Hi {name}, {code} is yours"));
    assert_eq!(texts(&stage).into_values().collect::<Vec<_>>(), wanted);
    let query = format!("/message?broadcastId={}", accepted["id"].as_str().unwrap());
    let messages = stage.ask(&tenant.get(&query)).await.expect(200);
    let shown: BTreeMap<_, _> = messages["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            (message["body"].as_str().unwrap().to_owned(), (message["encoding"].clone(), message["segments"].clone()))
        })
        .collect();
    let measured =
        [("GSM-7", 1), ("UCS-2", 1), ("GSM-7", 1)].map(|(encoding, segments)| (json!(encoding), json!(segments)));
    assert_eq!(shown, wanted.into_iter().zip(measured).collect(), "each is measured as it is sent");
}

#[tokio::test]
async fn a_missing_value_is_33005_with_its_place_and_braces_without_variables_are_refused() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut request = to_three(&tenant, "Hi {{name}}, {{code}}");
    request["recipients"][1]["variables"]["code"] = " ".into();
    request["recipients"][2] = json!("+18005551003");
    let fields = ["recipients[1].variables.code", "recipients[2].variables.name", "recipients[2].variables.code"];
    let recipients = [(1, "code"), (2, "name"), (2, "code")];
    let recipients = recipients.map(|(index, variable)| json!({ "index": index, "variable": variable }));
    let missing = json!({ "fields": fields, "recipients": recipients });
    stage.ask(&tenant.broadcast(&request)).await.refused(33005, missing);
    let wrong = |expected: &str| json!({ "field": "body", "expected": expected });
    let plain = json!({ "recipients": ["+18005551001"], "from": tenant.number, "body": "Hi {{name}}" });
    let expected = wrong("a text without `{{…}}`, because no recipient has `variables`");
    stage.ask(&tenant.broadcast(&plain)).await.refused(33100, expected);
    let expected = wrong("a text in which each `{{…}}` has the name of a variable, such as `{{name}}`");
    stage.ask(&tenant.broadcast(&to_three(&tenant, "Hi {{first name}}"))).await.refused(33100, expected);
    request["recipients"][1]["variables"]["code"] = 5.into();
    let expected = json!({ "field": "recipients[1].variables.code", "expected": "string" });
    stage.ask(&tenant.broadcast(&request)).await.refused(33100, expected);
    assert_eq!(stage.ask(&tenant.get("/broadcast")).await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn every_text_is_judged_as_it_is_sent() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut request = to_three(&tenant, "Hi {{name}}, {{code}}");
    request["recipients"][1]["variables"]["name"] = "x".repeat(700).into();
    stage.ask(&tenant.broadcast(&request)).await.refused(33107, json!({ "recipientIndex": 1 }));
    request["recipients"][1]["variables"]["name"] = "a\u{7}".into();
    let character = json!([{ "character": "\u{7}", "position": 5, "recipientIndex": 1 }]);
    stage.ask(&tenant.broadcast(&request)).await.refused(33016, character);
    request["recipients"][1]["variables"]["name"] = "cheap vodka delivered to your door tonight, order now".into();
    let refused = stage.ask(&tenant.broadcast(&request)).await;
    let told = refused.json();
    assert_eq!((&told["code"], &told["additionalInfo"]["recipientIndex"]), (&json!(33019), &json!(1)), "{told}");
    assert_eq!(stage.ask(&tenant.get("/broadcast")).await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn a_recipient_who_is_blocked_takes_no_other_recipients_values() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.operate("PUT", "/blocks/+18005551001", json!({ "kind": "recipient" })).await.expect(200);
    let accepted = stage.ask(&tenant.broadcast(&to_three(&tenant, "{{code}}"))).await.expect(201);
    let broadcast = completed(&stage, &tenant, &accepted["id"]).await;
    assert_eq!(broadcast["counts"]["skipped"], 1);
    let wanted = [("22", "+18005551002"), ("33", "+18005551003")];
    for (text, recipient) in wanted {
        let found = texts(&stage).into_iter().find(|(_, found)| found == text).map(|(to, _)| to);
        assert!(found.is_some_and(|to| recipient.ends_with(&to)), "{text}: {:?}", texts(&stage));
    }
    assert_eq!(stage.submissions().len(), 2);
}
