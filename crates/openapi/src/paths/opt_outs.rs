//! `/optout`.

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::super::operation::Operation;
use super::super::parts::{in_path, number as number_form, page_of, paging, query, reference, times};

const TAG: &str = "Opt-outs";

/// The types of bodies that an import reads: CSV, and names of lines of JSON. `application/json` is among them, because
/// 33103 asks for it.
pub const IMPORT_TYPES: [&str; 6] = [
    "text/csv",
    "application/x-ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json-lines",
    "application/json",
];

/// Errors of an opt-out: the number, the sender, the reason.
const OF_CHANGING: [ErrorCode; 4] = [
    ErrorCode::InvalidPhoneNumber,
    ErrorCode::SenderNumberNotAvailable,
    ErrorCode::NumberNotOwned,
    ErrorCode::UnsupportedContentType,
];

pub(super) fn all() -> [Operation; 5] {
    [list(), import(), set(), end(), history()]
}

fn number() -> Value {
    in_path("number", "The recipient. Write the plus as `%2B`, or as it is.", &number_form())
}

fn list() -> Operation {
    let about = (TAG, "List opt-outs", "Opt-outs in force, newest first.");
    Operation::new("get", api_path!("/optout"), "listOptOuts", about)
        .parameters([query("number", "Only opt-outs of this recipient.", &number_form())])
        .parameters(times())
        .parameters(paging())
        .answers(200, "A page of opt-outs.", &page_of("OptOut"))
        .codes([ErrorCode::InvalidPhoneNumber])
}

fn import() -> Operation {
    let about = (
        TAG,
        "Import opt-outs",
        "CSV with the columns `number`, `from`, `reason` and `createdAt`, or one JSON value in each line: a number, \
         or an object with these fields. At most 50,000 entries. An invalid line is reported and skipped; the others \
         are imported.",
    );
    // Lines that cannot be read are reported, so that no body is wrong.
    let any = json!({ "schema": {} });
    let content: Map<String, Value> = IMPORT_TYPES.iter().map(|kind| ((*kind).to_owned(), any.clone())).collect();
    Operation::new("post", api_path!("/optout/import"), "importOptOuts", about)
        .body(true, &content.into())
        .answers(200, "The counts of the import.", &reference("ImportReport"))
        .codes([ErrorCode::UnsupportedContentType])
}

fn set() -> Operation {
    let about = (TAG, "Opt a recipient out", "A repeat changes nothing.");
    let content = json!({
        "application/json": { "schema": reference("NewOptOut"), "example": { "reason": "asked by phone" } },
    });
    Operation::new("put", api_path!("/optout/{number}"), "optOut", about)
        .parameters([number()])
        .body(false, &content)
        .answers(200, "The opt-out in force.", &reference("OptOut"))
        .codes(OF_CHANGING)
}

fn end() -> Operation {
    let about = (
        TAG,
        "Opt a recipient in again",
        "Needs a `reason` if the recipient opted out by itself, because it did not ask for messages again.",
    );
    let content = json!({
        "application/json": { "schema": reference("Reason"), "example": { "reason": "signed up again on 3 May" } },
    });
    Operation::new("delete", api_path!("/optout/{number}"), "optIn", about)
        .parameters([
            number(),
            query("from", "One sender of the account; absent for all of them.", &json!({ "type": "string" })),
        ])
        .body(false, &content)
        .answers_with(204, "No opt-out is in force.", &[], Value::Null)
        .codes(OF_CHANGING)
        .codes([ErrorCode::MissingRequiredField])
}

fn history() -> Operation {
    let about = (TAG, "Get the history of a recipient", "Every opt-out and opt-in, oldest first.");
    Operation::new("get", api_path!("/optout/{number}/history"), "optOutHistory", about)
        .parameters([number()])
        .parameters(paging())
        .answers(200, "A page of changes.", &page_of("OptOutChange"))
        .codes([ErrorCode::InvalidPhoneNumber])
}
