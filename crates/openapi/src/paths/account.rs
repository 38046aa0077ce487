//! `/account`, `/number` and `/usage`.

use serde_json::json;

use super::super::operation::Operation;
use super::super::parts::{page_of, paging, query, reference};

const TAG: &str = "Account";

pub(super) fn all() -> [Operation; 3] {
    [show(), numbers(), usage()]
}

fn show() -> Operation {
    let about = (
        TAG,
        "Get your account",
        "The limits of the account, its quota of today, and the rules for its messages. Live keys and test keys have \
         a quota each; the answer has that of the key.",
    );
    Operation::new("get", api_path!("/account"), "getAccount", about).answers(
        200,
        "The account.",
        &reference("Account"),
    )
}

fn numbers() -> Operation {
    let about =
        (TAG, "List your numbers", "The senders of the account: numbers, then short codes, then names, each sorted.");
    Operation::new("get", api_path!("/number"), "listNumbers", about).parameters(paging()).answers(
        200,
        "A page of numbers.",
        &page_of("Number"),
    )
}

fn usage() -> Operation {
    let about = (
        TAG,
        "Get your usage",
        "Counts messages and segments by day, direction, type and status. A message counts on the UTC day of its \
         acceptance; a message of a broadcast counts on the day of the broadcast. It counts with its present status, \
         so the counts of a day change as long as receipts come. Messages that were removed because of their age \
         still count. `Accept: text/csv` gets the same rows as a file.",
    );
    let date = json!({ "type": "string", "examples": ["2026-03-15"] });
    let day = "A date (`2026-03-15`), or an RFC 3339 time, which stands for its UTC day.";
    let csv = json!({
        "schema": { "type": "string" },
        "example": "day,direction,messageType,status,messages,segments\n2026-03-15,outbound,SMS,delivered,118,140\n",
    });
    let content = json!({ "application/json": { "schema": reference("Usage") }, "text/csv": csv });
    Operation::new("get", api_path!("/usage"), "getUsage", about)
        .parameters([
            query("from", &format!("The first day. {day} By default 29 days before `to`."), &date),
            query("to", &format!("The last day, at most 365 days after the first. {day} By default today."), &date),
            query("by", "The only value is `day`.", &json!({ "type": "string", "enum": ["day"], "default": "day" })),
        ])
        .answers_with(200, "The counts, oldest day first. Rows without a message are left out.", &[], content)
}
