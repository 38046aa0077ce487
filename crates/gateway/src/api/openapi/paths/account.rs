//! `/account`, `/number` and `/usage`.

use serde_json::json;

use super::super::api_path;
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
        "The limits of the account, its quota of today, and the rules that apply to its messages. The quota is that of \
         the key's world, live or test.",
    );
    Operation::new("get", api_path!("/account"), "getAccount", about).answers(
        200,
        "The account.",
        &reference("Account"),
    )
}

fn numbers() -> Operation {
    let about = (
        TAG,
        "List your numbers",
        "The senders of the account: numbers, then short codes, then names, each in their order.",
    );
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
        "How many messages of each day stand where, and how many segments they have. A message counts in the UTC day \
         in which it was accepted, one of a broadcast in that of the broadcast; with the status that it has now, so \
         that the counts of a day change for as long as receipts come. Messages that were removed because of their age \
         still count. `Accept: text/csv` gets the same rows as a file.",
    );
    let date = json!({ "type": "string", "examples": ["2026-03-15"] });
    let day = "A date (`2026-03-15`), or a time as in RFC 3339 for the UTC day that holds it.";
    let csv = json!({
        "schema": { "type": "string" },
        "example": "day,direction,messageType,status,messages,segments\n2026-03-15,outbound,SMS,delivered,118,140\n",
    });
    let content = json!({ "application/json": { "schema": reference("Usage") }, "text/csv": csv });
    Operation::new("get", api_path!("/usage"), "getUsage", about)
        .parameters([
            query("from", &format!("The first day. {day} 29 days before `to` where it is absent."), &date),
            query(
                "to",
                &format!("The last day, at most 365 days after the first. {day} Today where it is absent."),
                &date,
            ),
            query("by", "`day` is all that there is.", &json!({ "type": "string", "enum": ["day"], "default": "day" })),
        ])
        .answers_with(200, "The counts, oldest day first. What there is nothing of is left out.", &[], content)
}
