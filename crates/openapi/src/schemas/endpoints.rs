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
        ("Secret", object(&["secret"], &json!({ "secret": text("`whsec_…`: the secret of the signatures.") }))),
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
            "description": "Names of events, prefixes such as `messaging.outgoing.*`, or `*` (the default) for all \
                events.",
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
            "description": "`json` (the default): the envelope of an event. `twilio`: a form as Twilio's API sends \
                it, for events of messages only. The format of an endpoint cannot be changed.",
        },
        "description": { "type": ["string", "null"], "maxLength": 200, "description": "Your note." },
        "active": { "type": ["boolean", "null"], "description": "Whether events are sent. They wait while it is \
            `false`." },
    })
}

fn webhook() -> Value {
    object(
        &["id", "url", "events", "active", "ordering", "broadcastMessages", "format", "createdAt"],
        &json!({
            "id": text("Its id."),
            "url": text("The URL that gets the events."),
            "events": list(&json!({ "type": "string" }), "The events that it gets."),
            "description": text("Your note."),
            "active": flag("Whether events are sent."),
            "ordering": one_of(&ORDERINGS, "The order of events."),
            "broadcastMessages": flag("Whether messages of broadcasts have events too."),
            "format": one_of(&FORMATS, "The format of requests."),
            "createdAt": time("The time of its creation."),
            "disabledReason": one_of(&["failing", "gone"], "The reason why the platform disabled it."),
            "disabledAt": time("The time at which the platform disabled it."),
            "failingSince": time("The time since which it has not answered with 2xx."),
            "backlog": count("The number of events of the account after its position in the log."),
            "secret": text("Only in the answer to its creation."),
        }),
    )
}

fn attempt_fields() -> Value {
    json!({
        "at": time("The time of the request."),
        "httpStatus": { "type": ["integer", "null"], "description": "The status of the response; `null` \
            if none came." },
        "cause": text_or_null("The reason why no response came."),
        "durationMs": count("Its duration in milliseconds."),
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
            "timestamp": time("The time of the event."),
            "status": one_of(&["pending", "succeeded", "failed"], "The status of the delivery."),
            "attempts": list(&reference("Attempt"), "The requests so far."),
            "nextAttemptAt": time("The time of the next request."),
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
                "description": "The ids of the events. Not together with `since`.",
            },
            "since": { "type": ["string", "null"], "format": "date-time", "description": "Events at this time and \
                later." },
            "until": { "type": ["string", "null"], "format": "date-time", "description": "Events before this time." },
            "status": {
                "type": ["string", "null"],
                "enum": ["pending", "succeeded", "failed", null],
                "description": "Only deliveries with this status.",
            },
        }),
    )
}

fn event() -> Value {
    object(
        &["id", "type", "timestamp", "sequence", "final", "mode", "accountId", "data"],
        &json!({
            "id": text("`evt_…`; the same whenever the event is sent again."),
            "type": one_of(&EventType::ALL.map(EventType::as_str), "The type of the event."),
            "timestamp": time("The time of the event."),
            "sequence": count("The place of the event in the life of its resource, from 1."),
            "final": flag("Whether this is the last event of the resource."),
            "mode": one_of(&["live", "test"], "The mode of the key that created the resource."),
            "accountId": text("The account."),
            "data": { "type": "object", "description": "The resource at the time of the event." },
        }),
    )
}

fn webhook_event() -> Value {
    object(
        &["webhookId"],
        &json!({
            "webhookId": text("The endpoint."),
            "disabledReason": one_of(&["failing", "gone"], "The reason why it was disabled."),
            "disabledAt": time("The time at which it was disabled."),
        }),
    )
}
