//! `/optouts` and `/erasures`.

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::super::parts::{for_account, for_mode, recipient};
use super::super::{admin_path, schemas};
use openapi::operation::Operation;
use openapi::parts::{id, in_path, number, page_of, paging, query, reference, times};

pub(super) fn all() -> Vec<Operation> {
    vec![list(), set(), end(), history(), import(), begin_erasure(), erasures(), erasure()]
}

const OPT_OUTS: &str = "Opt-outs";

/// Errors of an opt-out: the account, the number, the sender.
const OF_CHANGING: [ErrorCode; 4] = [
    ErrorCode::MissingRequiredField,
    ErrorCode::InvalidPhoneNumber,
    ErrorCode::SenderNumberNotAvailable,
    ErrorCode::NumberNotOwned,
];

fn list() -> Operation {
    Operation::new("get", admin_path!("/optouts"), "listOptOuts", (OPT_OUTS, "List opt-outs", "Newest first."))
        .parameters([for_account(), for_mode(), query("number", "Only opt-outs of this recipient.", &number())])
        .parameters(times())
        .parameters(paging())
        .answers(200, "A page of opt-outs.", &page_of("OptOut"))
        .codes([ErrorCode::MissingRequiredField, ErrorCode::InvalidPhoneNumber])
}

fn set() -> Operation {
    let about = (OPT_OUTS, "Opt a recipient out", "A repeat changes nothing.");
    Operation::new("put", admin_path!("/optouts/{number}"), "putOptOut", about)
        .parameters([recipient()])
        .json("NewOptOut", &json!({ "accountId": schemas::ACCOUNT, "reason": "asked by phone" }))
        .answers(200, "The opt-out.", &reference("OptOut"))
        .codes(OF_CHANGING)
}

fn end() -> Operation {
    let about = (OPT_OUTS, "Opt a recipient in again", "Needs a `reason` if the recipient opted out by itself.");
    let text = json!({ "type": "string" });
    Operation::new("delete", admin_path!("/optouts/{number}"), "deleteOptOut", about)
        .parameters([
            recipient(),
            for_account(),
            for_mode(),
            query("from", "One sender of the account; absent for all of them.", &text),
            query("reason", "The reason, for the history.", &json!({ "type": "string", "maxLength": 500 })),
        ])
        .answers_with(204, "No opt-out is in force.", &[], Value::Null)
        .codes(OF_CHANGING)
}

fn history() -> Operation {
    let about = (OPT_OUTS, "Get the history of a recipient", "Every opt-out and opt-in, oldest first.");
    Operation::new("get", admin_path!("/optouts/{number}/history"), "getOptOutHistory", about)
        .parameters([recipient(), for_account(), for_mode()])
        .parameters(paging())
        .answers(200, "A page of changes.", &page_of("OptOutChange"))
        .codes([ErrorCode::MissingRequiredField, ErrorCode::InvalidPhoneNumber])
}

fn import() -> Operation {
    let about = (
        OPT_OUTS,
        "Import opt-outs",
        "CSV with the columns `number`, `from`, `reason` and `createdAt`, or one JSON value in each line: a number, or \
         an object with these fields. At most 50,000 entries. A line that is wrong is reported and skipped.",
    );
    let content: Map<String, Value> = openapi::IMPORT_TYPES
        .iter()
        .map(|kind| {
            // Lines that cannot be read are reported, so that no body is wrong.
            let mut content = json!({ "schema": {} });
            if *kind == "text/csv" {
                content["example"] = "number\n+18005550166\n".into();
            }
            ((*kind).to_owned(), content)
        })
        .collect();
    Operation::new("post", admin_path!("/optouts/import"), "importOptOuts", about)
        .parameters([for_account(), for_mode()])
        .body(true, &content.into())
        .answers(200, "The counts of the import.", &reference("ImportReport"))
        .codes([ErrorCode::MissingRequiredField, ErrorCode::UnsupportedContentType])
}

const ERASURE: &str = "Erasure";

fn begin_erasure() -> Operation {
    let about = (
        ERASURE,
        "Erase the data of a person",
        "Runs in the background. With `dryRun`, nothing is erased, and the answer has only the counts.",
    );
    Operation::new("post", admin_path!("/erasures"), "createErasure", about)
        .json("NewErasure", &json!({ "number": "+18005550199", "dryRun": true }))
        .answers(200, "The counts of a dry run.", &reference("ErasureDryRun"))
        .answers(202, "The erasure, which is under way.", &reference("Erasure"))
        .codes([ErrorCode::MissingRequiredField])
}

fn erasures() -> Operation {
    Operation::new("get", admin_path!("/erasures"), "listErasures", (ERASURE, "List erasures", "Newest first."))
        .parameters([query("number", "Only erasures of this number.", &number())])
        .parameters(paging())
        .answers(200, "A page of erasures.", &page_of("Erasure"))
}

fn erasure() -> Operation {
    Operation::new("get", admin_path!("/erasures/{id}"), "getErasure", (ERASURE, "Get an erasure", "With its counts."))
        .parameters([in_path("id", "The id of the erasure.", &id("era"))])
        .answers(200, "The erasure.", &reference("Erasure"))
        .of_one()
}
