//! `/webhook` and `/event`.

use model::EventType;
use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::api_path;
use super::super::operation::Operation;
use super::super::parts::{id as id_of, in_path, page_of, paging, query, reference};

const TAG: &str = "Webhooks";

pub(super) fn all() -> [Operation; 11] {
    [create(), list(), show(), change(), remove(), secret(), rotate(), test(), deliveries(), replay(), events()]
}

fn id() -> Value {
    in_path("id", "The id of the endpoint.", &id_of("whk"))
}

fn kind() -> Value {
    query(
        "type",
        "Only events of this type.",
        &json!({ "type": "string", "enum": EventType::ALL.map(EventType::as_str) }),
    )
}

fn create() -> Operation {
    let about = (
        TAG,
        "Create an endpoint",
        "The answer has the `secret` that signs requests. An account has at most 10 endpoints for its live keys and \
         10 for its test keys.",
    );
    let example = json!({ "url": "https://example.com/hook", "events": ["messaging.outgoing.message.*"] });
    Operation::new("post", api_path!("/webhook"), "createWebhook", about)
        .json("NewWebhook", &example)
        .creates("Webhook", &[])
        .codes([ErrorCode::MissingRequiredField, ErrorCode::MediaUrlNotAllowed])
}

fn list() -> Operation {
    Operation::new("get", api_path!("/webhook"), "listWebhooks", (TAG, "List endpoints", "All of them, on one page."))
        .answers(200, "The endpoints.", &page_of("Webhook"))
}

fn show() -> Operation {
    Operation::new("get", api_path!("/webhook/{id}"), "getWebhook", (TAG, "Get an endpoint", "With its backlog."))
        .parameters([id()])
        .answers(200, "The endpoint.", &reference("Webhook"))
        .of_one()
}

fn change() -> Operation {
    let about = (TAG, "Change an endpoint", "Absent fields do not change. `active: true` enables a disabled endpoint.");
    Operation::new("patch", api_path!("/webhook/{id}"), "changeWebhook", about)
        .parameters([id()])
        .json("WebhookChange", &json!({ "active": false }))
        .answers(200, "The endpoint.", &reference("Webhook"))
        .codes([ErrorCode::MissingRequiredField, ErrorCode::MediaUrlNotAllowed])
        .of_one()
}

fn remove() -> Operation {
    let about = (TAG, "Remove an endpoint", "The endpoint gets no more events, not even those that wait for it.");
    Operation::new("delete", api_path!("/webhook/{id}"), "removeWebhook", about)
        .parameters([id()])
        .answers_with(204, "The endpoint is removed.", &[], Value::Null)
        .of_one()
}

fn secret() -> Operation {
    let about = (TAG, "Get the secret of an endpoint", "The current secret.");
    Operation::new("get", api_path!("/webhook/{id}/secret"), "getWebhookSecret", about)
        .parameters([id()])
        .answers(200, "The secret.", &reference("Secret"))
        .of_one()
}

fn rotate() -> Operation {
    let about = (
        TAG,
        "Make a new secret",
        "For 24 hours, each request has two signatures: one with the old secret and one with the new.",
    );
    Operation::new("post", api_path!("/webhook/{id}/rotate"), "rotateWebhookSecret", about)
        .parameters([id()])
        .answers(200, "The new secret.", &reference("Secret"))
        .of_one()
}

fn test() -> Operation {
    let about = (TAG, "Test an endpoint", "Sends `webhook.test` now, and answers with the outcome.");
    Operation::new("post", api_path!("/webhook/{id}/test"), "testWebhook", about)
        .parameters([id()])
        .answers(200, "The outcome of the test.", &reference("TestResult"))
        .of_one()
}

fn deliveries() -> Operation {
    let about = (TAG, "List deliveries", "Newest event first, each with its attempts.");
    let status = json!({ "type": "string", "enum": ["pending", "succeeded", "failed"] });
    Operation::new("get", api_path!("/webhook/{id}/delivery"), "listDeliveries", about)
        .parameters([id(), query("status", "Only deliveries with this status.", &status), kind()])
        .parameters(paging())
        .answers(200, "A page of deliveries.", &page_of("Delivery"))
        .of_one()
}

fn replay() -> Operation {
    let about =
        (TAG, "Deliver events again", "The events keep their ids. Name the events, or a time from `since` to `until`.");
    Operation::new("post", api_path!("/webhook/{id}/replay"), "replayEvents", about)
        .parameters([id()])
        .json("Replay", &json!({ "since": "2026-03-15T14:30:00Z", "status": "failed" }))
        .answers(202, "The events will be delivered again.", &reference("Replaying"))
        .codes([ErrorCode::MissingRequiredField])
        .of_one()
}

fn events() -> Operation {
    let about = (TAG, "List events", "The events of the account, oldest first, as endpoints get them.");
    let after = query(
        "after",
        "Only events after this one (an id), or at this time and later.",
        &json!({
            "type": "string",
            "anyOf": [{ "format": "date-time" }, { "pattern": "^evt_[0-9A-Za-z]{22}$" }],
        }),
    );
    let follow = query(
        "follow",
        "Log events for the next hour even if the account has no endpoint.",
        &json!({ "type": "boolean" }),
    );
    Operation::new("get", api_path!("/event"), "listEvents", about)
        .parameters([kind(), after, follow])
        .parameters(paging())
        .answers(200, "A page of events.", &page_of("Event"))
}
