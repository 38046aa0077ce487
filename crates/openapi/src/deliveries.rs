//! The operations on deliveries that both APIs have, at paths of their own.

use model::EventType;
use model::error::ErrorCode;
use serde_json::{Value, json};

use super::operation::Operation;
use super::parts::{id, in_path, page_of, paging, query, reference};

/// The heading of endpoints and their deliveries.
pub const TAG: &str = "Webhooks";

/// The endpoint in a path.
pub fn endpoint() -> Value {
    in_path("id", "The id of the endpoint.", &id("whk"))
}

/// The type of event that a list is narrowed to.
pub(crate) fn of_type() -> Value {
    let types = json!({ "type": "string", "enum": EventType::ALL.map(EventType::as_str) });
    query("type", "Only events of this type.", &types)
}

/// `GET` of the deliveries of an endpoint.
pub fn list(path: &'static str) -> Operation {
    let about = (TAG, "List the deliveries of an endpoint", "Newest event first, each with its attempts.");
    let status = json!({ "type": "string", "enum": ["pending", "succeeded", "failed"] });
    Operation::new("get", path, "listDeliveries", about)
        .parameters([endpoint(), query("status", "Only deliveries with this status.", &status), of_type()])
        .parameters(paging())
        .answers(200, "A page of deliveries.", &page_of("Delivery"))
        .of_one()
}

/// `POST` that delivers events again.
pub fn replay(path: &'static str) -> Operation {
    let about =
        (TAG, "Deliver events again", "The events keep their ids. Name the events, or a time from `since` to `until`.");
    Operation::new("post", path, "replayEvents", about)
        .parameters([endpoint()])
        .json("Replay", &json!({ "since": "2026-03-15T14:30:00Z", "status": "failed" }))
        .answers(202, "The events will be delivered again.", &reference("Replaying"))
        .codes([ErrorCode::MissingRequiredField])
        .of_one()
}
