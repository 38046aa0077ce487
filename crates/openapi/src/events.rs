//! The events that endpoints receive.

use model::EventType;
use serde_json::{Map, Value, json};

use super::parts::{header, reference};

/// A webhook for each type of events.
pub(super) fn webhooks() -> Value {
    EventType::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), webhook(kind))).collect::<Map<_, _>>().into()
}

fn webhook(kind: EventType) -> Value {
    let (summary, data) = about(kind);
    let event = json!({
        "allOf": [
            reference("Event"),
            { "properties": { "type": { "const": kind.as_str() }, "data": data } },
        ],
    });
    json!({
        "post": {
            "tags": ["Webhooks"],
            "summary": summary,
            "description": DESCRIPTION,
            "security": [],
            "parameters": headers(),
            "requestBody": { "required": true, "content": { "application/json": { "schema": event } } },
            "responses": {
                "2XX": { "description": "The endpoint accepted the event." },
                "410": { "description": "The endpoint no longer exists: the platform disables it." },
                "default": { "description": "The platform sends the event again later, after the `Retry-After` of a \
                    429 or 503." },
            },
        },
    })
}

const DESCRIPTION: &str = "\
    A signed `POST` as in Standard Webhooks 1.0. It may come more than once, under the same `webhook-id`. Verify the \
    signature over the raw body before you parse it, and answer within 15 seconds.";

/// What an event of this type says, and the schema of its `data`.
fn about(kind: EventType) -> (&'static str, Value) {
    let (summary, schema) = match kind {
        EventType::MessageQueued => {
            ("A message was accepted. Only endpoints that list this event by its full name get it.", "Message")
        }
        EventType::MessageSent => ("A carrier accepted a message.", "Message"),
        EventType::MessageDelivered => ("A message was delivered.", "Message"),
        EventType::MessageUndelivered => ("A message was not delivered.", "Message"),
        EventType::MessageFailed => ("No carrier accepted a message.", "Message"),
        EventType::MessageCanceled => ("A message was canceled before it left.", "Message"),
        EventType::MessageReceived => {
            ("An inbound message to one of your numbers. A late part sends the event again.", "InboundMessage")
        }
        EventType::OptedOut => ("A recipient opted out.", "OptOutEvent"),
        EventType::OptedIn => ("A recipient opted in again.", "OptOutEvent"),
        EventType::BroadcastInitiated => ("A broadcast has begun to send.", "Broadcast"),
        EventType::BroadcastCompleted => ("A broadcast has ended.", "Broadcast"),
        EventType::BroadcastFailed => ("No message of a broadcast could be sent.", "Broadcast"),
        EventType::BroadcastCanceled => ("A broadcast was canceled.", "Broadcast"),
        EventType::WebhookTest => ("You asked for a test.", "WebhookEvent"),
        EventType::WebhookDisabled => ("Another endpoint of the account was disabled.", "WebhookEvent"),
    };
    (summary, reference(schema))
}

fn headers() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let required = |mut header: Value| {
        header["required"] = true.into();
        header
    };
    vec![
        required(header("webhook-id", "The id of the event.", &text)),
        required(header("webhook-timestamp", "The time of the request, in Unix seconds.", &text)),
        required(header(
            "webhook-signature",
            "One or two signatures, each `v1,` followed by base64, with a space between them.",
            &text,
        )),
    ]
}
