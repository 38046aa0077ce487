//! `/accounts` and `/keys`.

use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::admin_path;
use super::super::parts::{account, for_mode, pages};
use openapi::operation::Operation;
use openapi::parts::{in_path, page_of, query, reference};

const TAG: &str = "Accounts";

pub(super) fn all() -> Vec<Operation> {
    vec![list(), create(), show(), change(), usage(), keys(), create_key(), show_key(), revoke()]
}

fn list() -> Operation {
    let text = json!({ "type": "string" });
    Operation::new("get", admin_path!("/accounts"), "listAccounts", (TAG, "List accounts", "Oldest first."))
        .parameters([query("name", "Only accounts whose name contains this text, in upper or lower case.", &text)])
        .parameters(pages())
        .answers(200, "A page of accounts.", &page_of("Account"))
}

fn create() -> Operation {
    let about = (TAG, "Create an account", "Absent limits are those of `[limits]` in the configuration.");
    Operation::new("post", admin_path!("/accounts"), "createAccount", about)
        .json("NewAccount", &json!({ "name": "Shop", "messagePerMinute": 60 }))
        .answers(201, "The account.", &reference("Account"))
        .codes([ErrorCode::MissingRequiredField])
}

fn show() -> Operation {
    let about = (TAG, "Get an account", "With its limits.");
    Operation::new("get", admin_path!("/accounts/{id}"), "getAccount", about)
        .parameters([account()])
        .answers(200, "The account.", &reference("Account"))
        .of_one()
}

fn change() -> Operation {
    let about = (
        TAG,
        "Change an account",
        "Absent fields do not change. A suspended or disabled account cannot use the public API; messages that were \
         accepted are still sent.",
    );
    Operation::new("patch", admin_path!("/accounts/{id}"), "changeAccount", about)
        .parameters([account()])
        .optional_json("AccountChange", &json!({ "state": "active", "dailyQuota": 5_000 }))
        .answers(200, "The account.", &reference("Account"))
        .of_one()
}

fn usage() -> Operation {
    let about = (TAG, "Get the usage of an account", "Messages and segments by day, as the account itself sees them.");
    let date = json!({ "type": "string", "examples": ["2026-03-15"] });
    Operation::new("get", admin_path!("/accounts/{id}/usage"), "getAccountUsage", about)
        .parameters([
            account(),
            for_mode(),
            query("from", "The first day, a date or a time; by default 29 days before `to`.", &date),
            query("to", "The last day, at most 365 days after the first; by default today.", &date),
            query("by", "The only value is `day`.", &json!({ "type": "string", "enum": ["day"], "default": "day" })),
        ])
        .answers(200, "The counts, oldest day first.", &reference("Usage"))
        .of_one()
}

fn keys() -> Operation {
    let about = (
        TAG,
        "List the keys of an account",
        "Oldest first, without secrets. `lastUsedAt` may be a minute old if another node has the client.",
    );
    Operation::new("get", admin_path!("/accounts/{id}/keys"), "listKeys", about)
        .parameters([account()])
        .parameters(pages())
        .answers(200, "A page of keys.", &page_of("Key"))
        .of_one()
}

fn create_key() -> Operation {
    let about = (TAG, "Create a key", "The answer has the secret, which is shown only once.");
    Operation::new("post", admin_path!("/accounts/{id}/keys"), "createKey", about)
        .parameters([account()])
        .optional_json("NewKey", &json!({ "mode": "test", "name": "Shop" }))
        .answers(201, "The key with its `keySecret`.", &reference("Key"))
        .of_one()
}

fn key() -> Value {
    in_path("id", "The id of the key.", &json!({ "type": "string", "minLength": 1 }))
}

fn show_key() -> Operation {
    let about = (TAG, "Get a key", "With its name and its last use, without its secret.");
    Operation::new("get", admin_path!("/keys/{id}"), "getKey", about)
        .parameters([key()])
        .answers(200, "The key.", &reference("Key"))
        .of_one()
}

fn revoke() -> Operation {
    let about = (TAG, "Revoke a key", "For good. A repeat changes nothing.");
    Operation::new("delete", admin_path!("/keys/{id}"), "revokeKey", about)
        .parameters([key()])
        .answers_with(204, "The key is revoked.", &[], Value::Null)
        .of_one()
}
