//! Messages of both directions, and broadcasts.

use model::event::EventKind;
use serde_json::{Map, Value, json};

use super::{account_id, body, extended, mode, mode_or_null, short, time_or_null, whole};
use openapi::parts::reference;
use openapi::schemas::{count, flag, list, one_of, text, text_or_null, time};

pub(super) fn all(public: &Map<String, Value>) -> Vec<(&'static str, Value)> {
    let inbound = |more: &Value| {
        let mut schema = extended(public, "InboundMessage", more, &[]);
        schema["properties"]["ucs2Characters"] = reference("Ucs2Characters");
        schema
    };
    vec![
        ("Message", extended(public, "Message", &operators(), &[])),
        ("MessageDetails", details(public)),
        ("AcceptedMessage", extended(public, "Message", &json!({}), &[])),
        ("InboundMessage", inbound(&json!({ "carrier": carrier(), "accountId": owner(), "mode": mode() }))),
        (
            "InboundDetails",
            inbound(&json!({
                "carrier": carrier(), "accountId": owner(), "mode": mode(), "events": events(),
            })),
        ),
        ("UnroutedMessage", inbound(&json!({ "carrier": carrier() }))),
        ("AnyMessage", json!({ "oneOf": [reference("MessageDetails"), reference("InboundDetails")] })),
        ("MessageEvent", event()),
        ("Waits", waits()),
        ("NewMessage", new_message()),
        ("Again", body(&[], &json!({ "idempotencyKey": idempotency_key() }))),
        (
            "Assignment",
            body(
                &["accountId"],
                &json!({
                    "accountId": account_id("The account that gets the message."), "mode": mode_or_null(),
                }),
            ),
        ),
        ("Broadcast", broadcast(public)),
    ]
}

fn owner() -> Value {
    account_id("Its account.")
}

fn carrier() -> Value {
    text("The carrier; `\"\"` for none.")
}

fn events() -> Value {
    list(&reference("MessageEvent"), "The life of the message, oldest first.")
}

/// The fields of a message that the operator alone sees.
fn operators() -> Value {
    json!({
        "accountId": owner(),
        "mode": mode(),
        "carrier": carrier(),
        "attempts": count("The number of attempts to submit it to a carrier."),
        "unknownOutcomes": count("The number of attempts whose outcome is unknown."),
        "held": flag("Whether it waits because of an unknown outcome (`on_unknown = \"hold\"` of its route)."),
        "expiresAt": time("The end of its validity."),
    })
}

fn details(public: &Map<String, Value>) -> Value {
    let mut more = operators();
    more["events"] = events();
    more["pdus"] = list(&reference("CarrierPdu"), "Its PDUs that this node traced.");
    let mut details = extended(public, "Message", &more, &[]);
    details["properties"]["waitsFor"] = reference("Waits");
    let characters = "The number of characters in each segment, if a carrier splits the text as `segments` counts.";
    details["properties"]["segmentCharacters"] = list(&count("The number of characters."), characters);
    details["properties"]["unmatchedReceipts"] = count("Receipts of its carrier that match no message.");
    details["properties"]["receiptNote"] = text("A reason why it may still be `sent`.");
    details
}

fn event() -> Value {
    whole(&json!({
        "at": time("The time of the event."),
        "event": one_of(&EventKind::ALL.map(EventKind::as_str), "The kind of the event."),
        "carrier": text_or_null("The carrier of the event."),
        "attempt": { "type": ["integer", "null"], "minimum": 1, "description": "The attempt, from 1." },
        "detail": text("Details: ids of the carrier, codes, times. Never the text of the message."),
    }))
}

fn waits() -> Value {
    whole(&json!({
        "reason": text("The reason in a word, such as `carrierDown`, `noRoute`, `retry`, `scheduled` or `held`."),
        "sentence": text("The reason in a sentence."),
        "since": time("The beginning of the wait."),
        "nextTryAt": time_or_null("The time of the next attempt, if it is known."),
    }))
}

fn idempotency_key() -> Value {
    json!({
        "type": ["string", "null"],
        "pattern": "^[A-Za-z0-9@_)(-]{2,100}$",
        "description": "If you repeat the request with the same key within 24 hours, nothing is sent again.",
    })
}

fn new_message() -> Value {
    let number = json!({ "type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$", "description": "The recipient." });
    body(
        &["accountId", "to", "from"],
        &json!({
            "accountId": account_id("The account for which the message is sent."),
            "mode": mode_or_null(),
            "to": number,
            "from": text("A sender of the account: a number, a short code or a name."),
            "body": text_or_null("The text. Required unless there is a `mediaUrl`."),
            "mediaUrl": short(2_048, "A public http or https address of a file."),
            "messageType": {
                "type": ["string", "null"],
                "enum": ["SMS", "MMS", null],
                "description": "By default `MMS` if there is a `mediaUrl`, and `SMS` if not; with `carrier`, a type \
                    that it supports.",
            },
            "reference": short(200, "A name for the message. Lists can be filtered by it."),
            "idempotencyKey": idempotency_key(),
            "carrier": text_or_null("A carrier that gets the message first, in place of the first of its route."),
        }),
    )
}

fn broadcast(public: &Map<String, Value>) -> Value {
    let more = json!({
        "accountId": owner(),
        "mode": mode(),
        "segments": count("The segments of each of its messages."),
        "expiresAt": time("The end of the validity of its messages."),
    });
    extended(public, "Broadcast", &more, &[])
}
