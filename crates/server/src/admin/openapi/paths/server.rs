//! `/overview`, `/live`, `/nodes`, `/reload` and `/hold`.

use model::Status;
use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::admin_path;
use super::super::parts::of_account;
use openapi::operation::Operation;
use openapi::parts::{in_path, page_of, query, reference};

const TAG: &str = "Server";

pub(super) fn all() -> Vec<Operation> {
    vec![overview(), live(), nodes(), drain(), resume(), reload(), hold(), end_held(), release()]
}

fn overview() -> Operation {
    let about = (
        TAG,
        "Get an overview",
        "Throughput, queues, carriers, failing endpoints, and what needs attention. Counts and throughput are those of \
         the node that answers.",
    );
    let rates = json!({ "type": "string", "enum": ["all", "hour", "day", "none"], "default": "all" });
    Operation::new("get", admin_path!("/overview"), "getOverview", about)
        .parameters([query("rates", "The series of throughput in the answer.", &rates)])
        .answers(200, "The overview.", &reference("Overview"))
}

fn live() -> Operation {
    let about = (
        TAG,
        "Watch messages",
        "A stream of server-sent events that does not end: `node` first, then `message` for each message that is \
         accepted or changes, and `gap` with the number of messages that a slow reader missed. It has no texts.",
    );
    let text = json!({ "type": "string" });
    let status = json!({ "type": "string", "enum": Status::ALL.map(Status::as_str) });
    Operation::new("get", admin_path!("/live"), "watchMessages", about)
        .parameters([
            of_account(),
            query("number", "Only messages to or from this address.", &text),
            query("carrier", "Only messages of this carrier.", &text),
            query("status", "Only changes to this status.", &status),
        ])
        .answers_with(200, "The stream.", &[], json!({ "text/event-stream": { "schema": {} } }))
        .codes([ErrorCode::InvalidPhoneNumber])
}

fn nodes() -> Operation {
    let about = (TAG, "List nodes", "The nodes that share the store, with their carriers, all on one page.");
    Operation::new("get", admin_path!("/nodes"), "listNodes", about).answers(200, "The nodes.", &page_of("Node"))
}

fn node() -> Value {
    in_path("name", "The name of the node.", &json!({ "type": "string", "minLength": 1 }))
}

fn drain() -> Operation {
    let about = (TAG, "Drain a node", "The node takes no new work, and other nodes take over its carriers.");
    Operation::new("post", admin_path!("/nodes/{name}/drain"), "drainNode", about)
        .parameters([node()])
        .answers_with(204, "The node drains.", &[], Value::Null)
        .of_one()
}

fn resume() -> Operation {
    let about = (TAG, "Resume a node", "The node takes work again.");
    Operation::new("post", admin_path!("/nodes/{name}/resume"), "resumeNode", about)
        .parameters([node()])
        .answers_with(204, "The node does not drain.", &[], Value::Null)
        .of_one()
}

fn reload() -> Operation {
    let about = (
        TAG,
        "Reload the configuration",
        "Reads the configuration again and applies the changes that need no restart. If the configuration has \
         mistakes, nothing changes.",
    );
    Operation::new("post", admin_path!("/reload"), "reload", about).answers(
        200,
        "The report.",
        &reference("ReloadReport"),
    )
}

fn hold() -> Operation {
    let about = (TAG, "Get the hold of a restored store", "A restored store sends nothing until it is released.");
    Operation::new("get", admin_path!("/hold"), "getHold", about).answers(
        200,
        "The hold, and the counts of waiting messages and broadcasts.",
        &reference("Hold"),
    )
}

fn end_held() -> Operation {
    let about =
        (TAG, "End the queue of a held store", "Ends a part of the queue. Repeat the request until both counts are 0.");
    Operation::new("post", admin_path!("/hold/end"), "endHeld", about)
        .answers(200, "The counts of ended broadcasts and messages.", &reference("EndedHeld"))
        .of_one()
}

fn release() -> Operation {
    let about = (TAG, "Release a held store", "Waiting messages are sent from now on.");
    Operation::new("post", admin_path!("/hold/release"), "releaseHold", about).answers(
        200,
        "Whether the store was held.",
        &reference("Released"),
    )
}
