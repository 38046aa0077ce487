//! Accounts and keys.

use model::AccountState;
use model::quota::QUOTA_MAX;
use serde_json::{Value, json};

use super::{account_id, body, limit, mode, mode_or_null, one_of_or_null, short, time_or_null, whole};
use crate::admin::keys::NAME_MAX;
use openapi::schemas::{count, object, one_of, text, text_or_null, time};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Account", account()),
        ("NewAccount", body(&["name"], &new_account())),
        ("AccountChange", body(&[], &change())),
        ("Key", key()),
        ("NewKey", new_key()),
    ]
}

const STATES: [&str; 3] = [AccountState::ALL[0].as_str(), AccountState::ALL[1].as_str(), AccountState::ALL[2].as_str()];

fn retention(description: &str) -> Value {
    json!({
        "oneOf": [{ "type": "integer", "minimum": 1, "maximum": 3650 }, { "const": "discard" }, { "type": "null" }],
        "description": description,
    })
}

fn account() -> Value {
    whole(&json!({
        "id": account_id("Its id."),
        "name": text("Its name."),
        "state": one_of(&STATES, "A suspended or disabled account cannot use the public API."),
        "messagePerMinute": count("`POST /message` requests in a window of 60 seconds."),
        "broadcastPerMinute": count("`POST /broadcast` requests in a window of 60 seconds."),
        "readPerMinute": count("Other requests in a window of 60 seconds."),
        "dailyQuota": count("Recipients in a UTC day."),
        "retentionDays": retention("The days for which texts are kept, `discard` for as long as a message is under \
            way, or `null` for the rule of the server."),
        "twilioAccountSid": text("The name of the account for clients of Twilio's API."),
        "createdAt": time("The time of its creation."),
    }))
}

fn limits() -> Value {
    let per_minute = |requests: &str| limit(0, u32::MAX.into(), &format!("{requests} in a window of 60 seconds."));
    json!({
        "messagePerMinute": per_minute("`POST /message` requests"),
        "broadcastPerMinute": per_minute("`POST /broadcast` requests"),
        "readPerMinute": per_minute("Other requests"),
        "dailyQuota": limit(0, QUOTA_MAX, "Recipients in a UTC day."),
        "retentionDays": retention("The days for which texts are kept, `discard` for as long as a message is under \
            way, or `null` for the rule of the server."),
    })
}

fn new_account() -> Value {
    let mut fields = limits();
    fields["name"] = json!({ "type": "string", "pattern": "\\S", "description": "Its name, which cannot be changed." });
    fields
}

fn change() -> Value {
    let mut fields = limits();
    fields["state"] = one_of_or_null(&STATES, "Its state.");
    fields
}

fn key() -> Value {
    object(
        &["keyId", "accountId", "mode", "name", "createdAt", "expiresAt", "revokedAt", "lastUsedAt"],
        &json!({
            "keyId": text("`uk_…`: the user of HTTP Basic credentials."),
            "keySecret": text("`sk_live_…` or `sk_test_…`: the password. Only in the answer to the creation."),
            "accountId": account_id("Its account."),
            "mode": mode(),
            "name": text_or_null("Its name."),
            "createdAt": time("The time of its creation."),
            "expiresAt": time_or_null("The time at which it expires."),
            "revokedAt": time_or_null("The time at which it was revoked."),
            "lastUsedAt": time_or_null("The time of its last request."),
        }),
    )
}

fn new_key() -> Value {
    body(
        &[],
        &json!({
            "mode": mode_or_null(),
            "name": short(NAME_MAX, "A name for the operator."),
            "expiresAt": time_or_null("The time at which the key expires, in the future. By default it does not \
                expire."),
        }),
    )
}
