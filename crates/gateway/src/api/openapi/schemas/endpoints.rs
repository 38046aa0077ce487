//! Webhook endpoints, their deliveries, and events.

use model::EventType;
use serde_json::{Value, json};

use super::super::parts::reference;
use super::{count, flag, list, object, one_of, text, text_or_null, time};

const ORDERINGS: [&str; 3] = ["message", "strict", "none"];

const FORMATS: [&str; 2] = ["json", "twilio"];

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("NewWebhook", object(&["url"], &settings())),
        ("WebhookChange", object(&[], &settings())),
        ("Webhook", webhook()),
        ("Secret", object(&["secret"], &json!({ "secret": text("`whsec_…`: what signatures are made with.") }))),
        ("Attempt", attempt()),
        ("TestResult", test_result()),
        ("Delivery", delivery()),
        ("Replay", replay()),
        ("Replaying", object(&["replaying"], &json!({ "replaying": { "const": true } }))),
        ("Event", event()),
        ("WebhookEvent", webhook_event()),
    ]
}

/// What a request says about an endpoint.
fn settings() -> Value {
    json!({
        "url": { "type": "string", "maxLength": 2048, "description": "A public https address. The operator can allow \
            http and private networks." },
        "events": {
            "type": ["array", "null"],
            "items": { "type": "string" },
            "minItems": 1,
            "maxItems": 32,
            "description": "Names of events, beginnings of names with `.*`, or `*`, which is the default.",
        },
        "ordering": {
            "type": ["string", "null"],
            "enum": [ORDERINGS[0], ORDERINGS[1], ORDERINGS[2], null],
            "description": "`message`: the events of one message come in order. `strict`: one request at a time. \
                `none`: no order.",
        },
        "broadcastMessages": { "type": ["boolean", "null"], "description": "Whether messages of broadcasts have \
            events too." },
        "format": {
            "type": ["string", "null"],
            "enum": [FORMATS[0], FORMATS[1], null],
            "description": "`json`: the envelope of an event, which is the default. `twilio`: a form as Twilio's API \
                sends it, about messages alone. It does not change.",
        },
        "description": { "type": ["string", "null"], "maxLength": 200, "description": "A note of yours." },
        "active": { "type": ["boolean", "null"], "description": "Whether events are sent. They wait while it is \
            `false`." },
    })
}

fn webhook() -> Value {
    object(
        &["id", "url", "events", "active", "ordering", "broadcastMessages", "format", "createdAt"],
        &json!({
            "id": text("Its id."),
            "url": text("Where events go."),
            "events": list(&json!({ "type": "string" }), "The events that it gets."),
            "description": text("Your note."),
            "active": flag("Whether events are sent."),
            "ordering": one_of(&ORDERINGS, "The order that is kept."),
            "broadcastMessages": flag("Whether messages of broadcasts have events too."),
            "format": one_of(&FORMATS, "What requests look like."),
            "createdAt": time("When it was made."),
            "disabledReason": one_of(&["failing", "gone"], "Why the platform disabled it."),
            "disabledAt": time("When the platform disabled it."),
            "failingSince": time("Since when it has not answered with 2xx."),
            "backlog": count("Events of the account that it has not passed."),
            "secret": text("Only in the answer to its creation."),
        }),
    )
}

fn attempt_fields() -> Value {
    json!({
        "at": time("When the request was made."),
        "httpStatus": { "type": ["integer", "null"], "description": "The status of the response; `null` where none \
            came." },
        "cause": text_or_null("Why none came."),
        "durationMs": count("How long it took, in milliseconds."),
        "response": text("The beginning of the response's body."),
    })
}

const ATTEMPT: [&str; 5] = ["at", "httpStatus", "cause", "durationMs", "response"];

fn attempt() -> Value {
    object(&ATTEMPT, &attempt_fields())
}

fn test_result() -> Value {
    let mut fields = attempt_fields();
    fields["eventId"] = text("The id of the test event.");
    object(&[&ATTEMPT[..], &["eventId"]].concat(), &fields)
}

fn delivery() -> Value {
    object(
        &["eventId", "type", "timestamp", "status", "attempts"],
        &json!({
            "eventId": text("The id of the event."),
            "type": text("The type of the event."),
            "timestamp": time("When the event happened."),
            "status": one_of(&["pending", "succeeded", "failed"], "Where the delivery stands."),
            "attempts": list(&reference("Attempt"), "The requests that were made."),
            "nextAttemptAt": time("When the next request is due."),
        }),
    )
}

fn replay() -> Value {
    object(
        &[],
        &json!({
            "eventIds": {
                "type": ["array", "null"],
                "items": { "type": "string" },
                "minItems": 1,
                "maxItems": 100,
                "description": "These events. Not together with `since`.",
            },
            "since": { "type": ["string", "null"], "format": "date-time", "description": "Events of this time and \
                later." },
            "until": { "type": ["string", "null"], "format": "date-time", "description": "Events before this time." },
            "status": {
                "type": ["string", "null"],
                "enum": ["pending", "succeeded", "failed", null],
                "description": "Only deliveries that stand there.",
            },
        }),
    )
}

fn event() -> Value {
    object(
        &["id", "type", "timestamp", "sequence", "final", "mode", "accountId", "data"],
        &json!({
            "id": text("`evt_…`; the same whenever the event is sent again."),
            "type": one_of(&EventType::ALL.map(EventType::as_str), "What happened."),
            "timestamp": time("When it happened."),
            "sequence": count("The place of the event in the life of its resource, from 1."),
            "final": flag("No event of this resource follows."),
            "mode": one_of(&["live", "test"], "The kind of key that made the resource."),
            "accountId": text("The account."),
            "data": { "type": "object", "description": "The resource as it was then." },
        }),
    )
}

fn webhook_event() -> Value {
    object(
        &["webhookId"],
        &json!({
            "webhookId": text("The endpoint."),
            "disabledReason": one_of(&["failing", "gone"], "Why it was disabled."),
            "disabledAt": time("When it was disabled."),
        }),
    )
}
