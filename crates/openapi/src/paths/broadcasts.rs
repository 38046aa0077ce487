//! `/broadcast`.

use model::BroadcastStatus;
use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::operation::Operation;
use super::super::parts::{id as id_of, in_path, page_of, paging, query, reference, times};
use super::messages::{ACCEPTED, OF_SENDING, headers};

const TAG: &str = "Broadcasts";

pub(super) fn all() -> [Operation; 4] {
    [send(), list(), show(), cancel()]
}

fn send() -> Operation {
    let about = (
        TAG,
        "Send one text to many recipients",
        "The platform accepts a broadcast as a whole or not at all. It skips and counts recipients that are blocked \
         or opted out.",
    );
    let example = json!({
        "recipients": ["+18005551001", { "to": "+18005551002" }],
        "from": "+18005550100",
        "body": "We are open again",
    });
    Operation::new("post", api_path!("/broadcast"), "sendBroadcast", about)
        .parameters(headers())
        .json("NewBroadcast", &example)
        .creates("Broadcast", &ACCEPTED)
        .codes(OF_SENDING)
        .codes([ErrorCode::DuplicateRecipients, ErrorCode::TooManyRecipients, ErrorCode::MessageSendFailed])
}

fn list() -> Operation {
    let about = (TAG, "List broadcasts", "Newest first, with their counts.");
    let text = json!({ "type": "string" });
    let status = json!({ "type": "string", "enum": BroadcastStatus::ALL.map(BroadcastStatus::as_str) });
    Operation::new("get", api_path!("/broadcast"), "listBroadcasts", about)
        .parameters([
            query("status", "Only broadcasts with this status.", &status),
            query("from", "Only broadcasts from this sender.", &text),
            query(
                "reference",
                "Only broadcasts with this reference of yours.",
                &json!({ "type": "string", "maxLength": 200 }),
            ),
        ])
        .parameters(times())
        .parameters(paging())
        .answers(200, "A page of broadcasts.", &page_of("Broadcast"))
        .codes([ErrorCode::InvalidPhoneNumber])
}

fn id() -> Value {
    in_path("id", "The id of the broadcast.", &id_of("brc"))
}

fn show() -> Operation {
    let about = (TAG, "Get a broadcast", "`counts` has the exact number of recipients in each status.");
    Operation::new("get", api_path!("/broadcast/{id}"), "getBroadcast", about)
        .parameters([id()])
        .answers(200, "The broadcast.", &reference("Broadcast"))
        .of_one()
}

fn cancel() -> Operation {
    let about = (
        TAG,
        "Cancel a broadcast",
        "Stops the messages that have not left. `stopped` is their number; it is 0 the second time.",
    );
    Operation::new("post", api_path!("/broadcast/{id}/cancel"), "cancelBroadcast", about)
        .parameters([id()])
        .answers(200, "The broadcast.", &reference("Broadcast"))
        .of_one()
}
