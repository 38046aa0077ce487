//! `/webhook` and `/event`.

use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::deliveries::{self, TAG, endpoint, of_type};
use super::super::operation::Operation;
use super::super::parts::{page_of, paging, query, reference};

pub(super) fn all() -> Vec<Operation> {
    let own = [create(), list(), show(), change(), remove(), secret(), rotate(), test()];
    let deliveries = deliveries::list(api_path!("/webhook/{id}/delivery"));
    let replay = deliveries::replay(api_path!("/webhook/{id}/replay"));
    own.into_iter().chain([deliveries, replay, events()]).collect()
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
        .parameters([endpoint()])
        .answers(200, "The endpoint.", &reference("Webhook"))
        .of_one()
}

fn change() -> Operation {
    let about = (TAG, "Change an endpoint", "Absent fields do not change. `active: true` enables a disabled endpoint.");
    Operation::new("patch", api_path!("/webhook/{id}"), "changeWebhook", about)
        .parameters([endpoint()])
        .json("WebhookChange", &json!({ "active": false }))
        .answers(200, "The endpoint.", &reference("Webhook"))
        .codes([ErrorCode::MissingRequiredField, ErrorCode::MediaUrlNotAllowed])
        .of_one()
}

fn remove() -> Operation {
    let about = (TAG, "Remove an endpoint", "The endpoint gets no more events, not even those that wait for it.");
    Operation::new("delete", api_path!("/webhook/{id}"), "removeWebhook", about)
        .parameters([endpoint()])
        .answers_with(204, "The endpoint is removed.", &[], Value::Null)
        .of_one()
}

fn secret() -> Operation {
    let about = (TAG, "Get the secret of an endpoint", "The current secret.");
    Operation::new("get", api_path!("/webhook/{id}/secret"), "getWebhookSecret", about)
        .parameters([endpoint()])
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
        .parameters([endpoint()])
        .answers(200, "The new secret.", &reference("Secret"))
        .of_one()
}

fn test() -> Operation {
    let about = (TAG, "Test an endpoint", "Sends `webhook.test` now, and answers with the outcome.");
    Operation::new("post", api_path!("/webhook/{id}/test"), "testWebhook", about)
        .parameters([endpoint()])
        .answers(200, "The outcome of the test.", &reference("TestResult"))
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
        .parameters([of_type(), after, follow])
        .parameters(paging())
        .answers(200, "A page of events.", &page_of("Event"))
}
