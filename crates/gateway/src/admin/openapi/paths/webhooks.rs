//! `/webhooks`.

use model::EventType;
use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::admin_path;
use super::super::parts::{of_account, of_mode, pages};
use crate::api::openapi::operation::Operation;
use crate::api::openapi::parts::{id, in_path, page_of, paging, query, reference};

const TAG: &str = "Webhooks";

pub(super) fn all() -> Vec<Operation> {
    vec![list(), show(), deliveries(), replay()]
}

fn webhook() -> Value {
    in_path("id", "The id of the endpoint.", &id("whk"))
}

fn list() -> Operation {
    Operation::new("get", admin_path!("/webhooks"), "listWebhooks", (TAG, "List endpoints", "Of all accounts."))
        .parameters([of_account(), of_mode()])
        .parameters(pages())
        .answers(200, "A page of endpoints.", &page_of("Webhook"))
}

fn show() -> Operation {
    Operation::new("get", admin_path!("/webhooks/{id}"), "getWebhook", (TAG, "Get an endpoint", "With its backlog."))
        .parameters([webhook()])
        .answers(200, "The endpoint.", &reference("Webhook"))
        .of_one()
}

fn deliveries() -> Operation {
    let about = (TAG, "List the deliveries of an endpoint", "Newest event first, each with its attempts.");
    let status = json!({ "type": "string", "enum": ["pending", "succeeded", "failed"] });
    let kind = json!({ "type": "string", "enum": EventType::ALL.map(EventType::as_str) });
    Operation::new("get", admin_path!("/webhooks/{id}/deliveries"), "listDeliveries", about)
        .parameters([
            webhook(),
            query("status", "Only deliveries with this status.", &status),
            query("type", "Only events of this type.", &kind),
        ])
        .parameters(paging())
        .answers(200, "A page of deliveries.", &page_of("Delivery"))
        .of_one()
}

fn replay() -> Operation {
    let about =
        (TAG, "Deliver events again", "The events keep their ids. Name the events, or a time from `since` to `until`.");
    Operation::new("post", admin_path!("/webhooks/{id}/replay"), "replayEvents", about)
        .parameters([webhook()])
        .json("Replay", &json!({ "since": "2026-03-15T14:30:00Z", "status": "failed" }))
        .answers(202, "The events will be delivered again.", &reference("Replaying"))
        .codes([ErrorCode::MissingRequiredField])
        .of_one()
}
