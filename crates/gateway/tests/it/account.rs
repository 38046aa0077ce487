//! What an account sees of itself: its limits, its quota, the rules that apply to it, and its numbers.

use config::SenderKind;
use serde_json::{Value, json};

use crate::support::{RECIPIENT, Stage, Tenant};

const NOON: &str = "2026-03-15T12:00:00.000Z";

async fn account(stage: &Stage, tenant: &Tenant) -> Value {
    stage.ask(&tenant.get("/account")).await.expect(200)
}

#[tokio::test]
async fn an_account_sees_its_limits_and_the_rules_that_apply_to_it() {
    let mut stage = Stage::at(NOON, |config, _| {
        config.limits.sms_characters_max = 320;
        config.retention.texts_days = 30;
        config.retention.messages_days = 0;
    })
    .await;
    let limits = json!({ "messagePerMinute": 7, "broadcastPerMinute": 3, "readPerMinute": 70, "dailyQuota": 50 });
    let tenant = stage.tenant_with(limits).await;
    let expected = json!({
        "id": tenant.account,
        "name": "a tenant",
        "mode": "live",
        "createdAt": NOON,
        "limits": {
            "messagePerMinute": 7,
            "broadcastPerMinute": 3,
            "readPerMinute": 70,
            "recipientsPerBroadcast": 50_000,
            "smsCharacters": 320,
            "mmsCharacters": 1_600,
        },
        "quota": { "limit": 50, "used": 0, "left": 50, "resetsAt": "2026-03-16T00:00:00.000Z" },
        "senderKinds": ["number"],
        "screening": { "sure": "block", "unsure": "flag", "exempt": [], "allowedDomains": [], "allowedPhrases": [] },
        "retention": { "textDays": 30, "messageDays": null },
    });
    assert_eq!(account(&stage, &tenant).await, expected);

    let path = format!("/accounts/{}", tenant.account);
    stage.operate("PATCH", &path, json!({ "dailyQuota": 60, "retentionDays": "discard" })).await.expect(200);
    let policy = json!({ "unsure": "block", "allowedDomains": ["example.com"] });
    stage.operate("PUT", &format!("{path}/screening"), policy).await.expect(200);
    let changed = account(&stage, &tenant).await;
    assert_eq!(changed["quota"]["left"], 60);
    assert_eq!(changed["retention"]["textDays"], 0);
    assert_eq!(
        (&changed["screening"]["unsure"], &changed["screening"]["allowedDomains"][0]),
        (&json!("block"), &json!("example.com"))
    );
    stage.stop().await;
}

#[tokio::test]
async fn the_quota_shown_is_the_one_that_refuses_and_resets_at_midnight() {
    let mut stage = Stage::at(NOON, |_, _| {}).await;
    let live = stage.tenant_with(json!({ "dailyQuota": 4 })).await;
    let test = stage.key(&live, json!({ "mode": "test" })).await;
    stage.send(&live, RECIPIENT, "hello").await;
    let recipients = ["+12025550144", "+12025550145"];
    let broadcast = json!({ "recipients": recipients, "from": live.number, "body": "hello" });
    stage.ask(&live.broadcast(&broadcast)).await.expect(201);
    let quota =
        |used: u64| json!({ "limit": 4, "used": used, "left": 4 - used, "resetsAt": "2026-03-16T00:00:00.000Z" });
    assert_eq!(account(&stage, &live).await["quota"], quota(3));
    assert_eq!(account(&stage, &test).await["quota"], quota(0), "the other world has its own");
    assert_eq!(account(&stage, &test).await["mode"], "test");

    stage.ask(&live.broadcast(&broadcast)).await.refused(33012, Value::Null);
    assert_eq!(account(&stage, &live).await["quota"], quota(3), "what is refused uses nothing");

    stage.time.advance(std::time::Duration::from_secs(12 * 3_600));
    let next = account(&stage, &live).await["quota"].clone();
    assert_eq!(next, json!({ "limit": 4, "used": 0, "left": 4, "resetsAt": "2026-03-17T00:00:00.000Z" }));
    stage.stop().await;
}

#[tokio::test]
async fn an_account_lists_its_own_numbers_in_pages() {
    let mut stage = Stage::at(NOON, |config, _| {
        config.api.sender_kinds = vec![SenderKind::Number, SenderKind::ShortCode, SenderKind::Name];
    })
    .await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    for (number, state) in [("ACME", "active"), ("72345", "active"), ("+18005552000", "suspended")] {
        let number = json!({ "number": number, "accountId": tenant.account, "state": state, "segmentsPerSecond": 2 });
        stage.operate("POST", "/numbers", number).await.expect(201);
    }
    stage.operate("PUT", "/blocks/72345", json!({ "kind": "sender" })).await.expect(200);

    let view = |number: &str, kind: &str, state: &str, [send, receive]: [bool; 2], pace: Value| {
        json!({
            "number": number,
            "kind": kind,
            "state": state,
            "capabilities": { "send": send, "receive": receive },
            "segmentsPerSecond": pace,
            "createdAt": NOON,
        })
    };
    let expected = [
        view(&tenant.number, "number", "active", [true, true], Value::Null),
        view("+18005552000", "number", "suspended", [false, true], json!(2)),
        view("72345", "short_code", "active", [false, true], json!(2)),
        view("ACME", "name", "active", [true, false], json!(2)),
    ];
    let whole = stage.ask(&tenant.get("/number")).await.expect(200);
    assert_eq!(whole, json!({ "data": expected, "nextCursor": null }));
    assert_eq!(stage.ask(&other.get("/number")).await.expect(200)["data"].as_array().unwrap().len(), 1);

    let (mut seen, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = stage.ask(&tenant.get(&format!("/number{query}"))).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["nextCursor"].as_str() else { break };
        query = format!("?limit=1&cursor={next}");
    }
    assert_eq!(seen, expected);

    for (query, field, wanted) in
        [("limit=0", "limit", "an integer from 1 to 100"), ("cursor=%21", "cursor", "a nextCursor of an earlier page")]
    {
        let refused = stage.ask(&tenant.get(&format!("/number?{query}"))).await;
        refused.refused(33100, json!({ "field": field, "expected": wanted }));
    }
    stage.stop().await;
}
