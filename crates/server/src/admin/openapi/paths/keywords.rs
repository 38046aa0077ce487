//! Keyword settings of accounts and of senders.

use serde_json::json;

use super::super::admin_path;
use super::super::parts::{account, sender};
use openapi::operation::Operation;
use openapi::parts::reference;

const TAG: &str = "Keywords";

pub(super) fn all() -> Vec<Operation> {
    let example = json!({ "stopWords": ["ENOUGH"], "support": "help@example.com" });
    let replaced = "Replaces all settings. If some are wrong, nothing changes, and 33100 names each of them in \
                    `additionalInfo.mistakes`.";
    let of_account = "A setting that is `null` has its default.";
    let of_number = "A setting that is `null` is that of the account.";
    vec![
        Operation::new(
            "get",
            admin_path!("/accounts/{id}/keywords"),
            "getAccountKeywords",
            (TAG, "Get the keyword settings of an account", of_account),
        )
        .parameters([account()])
        .answers(200, "The settings.", &reference("Keywords"))
        .of_one(),
        Operation::new(
            "put",
            admin_path!("/accounts/{id}/keywords"),
            "putAccountKeywords",
            (TAG, "Set the keyword settings of an account", replaced),
        )
        .parameters([account()])
        .optional_json("NewKeywords", &example)
        .answers(200, "The settings.", &reference("Keywords"))
        .of_one(),
        Operation::new(
            "get",
            admin_path!("/numbers/{number}/keywords"),
            "getNumberKeywords",
            (TAG, "Get the keyword settings of a sender", of_number),
        )
        .parameters([sender()])
        .answers(200, "The settings.", &reference("Keywords"))
        .of_one(),
        Operation::new(
            "put",
            admin_path!("/numbers/{number}/keywords"),
            "putNumberKeywords",
            (TAG, "Set the keyword settings of a sender", replaced),
        )
        .parameters([sender()])
        .optional_json("NewKeywords", &example)
        .answers(200, "The settings.", &reference("Keywords"))
        .of_one(),
    ]
}
