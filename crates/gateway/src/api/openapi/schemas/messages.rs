//! Messages of both directions, and broadcasts.

use model::message::MessageType;
use model::{BroadcastStatus, ErrorType, Status, Validity};
use serde_json::{Value, json};

use super::super::parts::reference;
use super::{count, flag, list, object, one_of, text, text_or_null, time};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Error", error()),
        ("NewMessage", new_message()),
        ("Message", message()),
        ("InboundMessage", inbound()),
        ("AnyMessage", json!({ "oneOf": [reference("Message"), reference("InboundMessage")] })),
        ("NewBroadcast", new_broadcast()),
        ("Broadcast", broadcast()),
        ("Counts", counts()),
        ("Ucs2Characters", ucs2_characters()),
    ]
}

fn error() -> Value {
    object(
        &["code", "message", "status", "moreInfo"],
        &json!({
            "code": { "type": "integer", "description": "The number of the error." },
            "message": text("The error in words. It is the same for every request."),
            "status": { "type": "integer", "description": "The HTTP status." },
            "moreInfo": { "type": "string", "format": "uri", "description": "A page that explains the error." },
            "additionalInfo": {
                "type": ["object", "array"],
                "description": "Help to fix the request: the field, the place, the character. Its form depends on the \
                    code.",
            },
        }),
    )
}

/// The fields that requests for messages and for broadcasts have in common.
fn content() -> Value {
    json!({
        "from": text("The sender: a number of your account, in E.164 form. Where the operator allows it, a short code \
            or a name."),
        "body": text("The text. Required unless there is a `mediaUrl`. At most 640 characters, 1,600 in an MMS, \
            unless the operator has set other limits."),
        "mediaUrl": {
            "type": ["string", "null"],
            "maxLength": 2048,
            "description": "A public http or https address of a file of at most 1,048,576 bytes. It is fetched once, \
                before the answer.",
        },
        "messageType": {
            "type": ["string", "null"],
            "enum": ["SMS", "MMS", null],
            "description": "Follows from `mediaUrl` where it is absent.",
        },
        "reference": {
            "type": ["string", "null"],
            "maxLength": 200,
            "description": "Your own name for it. It comes back in answers and events, and lists can be filtered by \
                it.",
        },
        "validitySeconds": {
            "type": ["integer", "null"],
            "minimum": Validity::MIN_SECS,
            "maximum": Validity::MAX_SECS,
            "description": "How long it is worth sending: what no carrier has taken by then is `undelivered`, with \
                `errorType` `expired`, and the carrier is told the rest. Where it is absent, 24 hours unless the \
                operator has set another time.",
        },
        "idempotencyKey": {
            "type": ["string", "null"],
            "pattern": "^[A-Za-z0-9@_)(-]{2,100}$",
            "description": "The same request under the same key within 24 hours is done once.",
        },
    })
}

fn new_message() -> Value {
    let mut properties = json!({
        "to": number("The recipient."),
        "sendAt": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When the message is to leave, up to 35 days ahead. It is `scheduled` until then.",
        },
    });
    merge(&mut properties, &content());
    with_content(object(&["to", "from"], &properties))
}

fn new_broadcast() -> Value {
    let recipient = json!({
        "oneOf": [number("A number."), object(&["to"], &json!({
            "to": number("A number."),
            "variables": {
                "type": ["object", "null"],
                "additionalProperties": { "type": ["string", "null"], "maxLength": 1_600 },
                "propertyNames": { "pattern": "^[A-Za-z0-9_]{1,32}$" },
                "maxProperties": 20,
                "description": "The recipient's values for the variables in `body`, by name: `{{name}}` in the text \
                                stands for the value of `name`. Names have 1 to 32 of `A-Z a-z 0-9 _`.",
            },
        }))],
    });
    let mut recipients =
        list(&recipient, "The recipients, each once; 50,000 at most unless the operator has set another limit.");
    recipients["minItems"] = 1.into();
    let mut properties = json!({ "recipients": recipients });
    merge(&mut properties, &content());
    with_content(object(&["recipients", "from"], &properties))
}

/// The same, with a text or with media.
fn with_content(mut request: Value) -> Value {
    let has = |field: &str| json!({ "required": [field], "properties": { field: { "type": "string" } } });
    request["anyOf"] = json!([has("body"), has("mediaUrl")]);
    request
}

/// A number in E.164 form.
fn number(description: &str) -> Value {
    json!({ "type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$", "description": description })
}

fn message() -> Value {
    object(
        &["id", "direction", "to", "from", "messageType", "encoding", "segments", "status", "createdAt"],
        &json!({
            "id": text("`msg_` and 22 letters and digits."),
            "direction": { "const": "outbound" },
            "to": text("The recipient; `\"\"` once the person was erased."),
            "from": text("The sender."),
            "body": text_or_null("The text; `null` once it was removed because of its age. Absent where there was \
                none."),
            "mediaUrl": text("As in the request."),
            "reference": text("As in the request."),
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "encoding": one_of(&["GSM-7", "UCS-2"], "How the text is encoded."),
            "segments": count("Into how many segments the message is cut; 1 for an MMS."),
            "ucs2Characters": reference("Ucs2Characters"),
            "status": one_of(&Status::ALL.map(Status::as_str), "Where the message stands. It never goes back."),
            "createdAt": time("When it was accepted."),
            "sendAt": time("When it is to leave, as in the request."),
            "broadcastId": text("The broadcast that it belongs to."),
            "sentAt": time("When a carrier took it."),
            "deliveredAt": time("When it arrived."),
            "failedAt": time("When it ended without arriving."),
            "canceledAt": time("When you canceled it."),
            "errorType": one_of(&ErrorType::ALL.map(ErrorType::as_str), "Why it did not arrive."),
            "errorMessage": text("The same in words."),
            "receipt": { "const": "missing", "description": "The carrier has not reported on it for as long as the \
                operator waits." },
            "automatic": { "const": true, "description": "It answered a keyword by itself." },
            "erasedAt": time("When the operator erased the person."),
        }),
    )
}

fn inbound() -> Value {
    let media = object(
        &["url", "contentType", "bytes", "sha256"],
        &json!({
            "url": { "type": "string", "format": "uri", "description": "A link that needs no key and is good for an \
                hour." },
            "contentType": text("The type that the sender gave it."),
            "bytes": count("Its size."),
            "sha256": text("Its SHA-256, in hexadecimal digits."),
        }),
    );
    object(
        &["id", "direction", "from", "to", "messageType", "encoding", "segments", "status", "createdAt", "receivedAt"],
        &json!({
            "id": text("`msg_` and 22 letters and digits."),
            "direction": { "const": "inbound" },
            "from": text("The handset: a number, a short code, a name, or the carrier's own text."),
            "to": text("Your number or short code."),
            "additionalRecipients": list(&json!({ "type": "string" }), "The other recipients of a group message."),
            "body": text_or_null("The text; `null` once it was removed. Absent where there is `bodyBase64`."),
            "bodyBase64": { "type": "string", "contentEncoding": "base64", "description": "Octets that are text in no \
                known encoding." },
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "encoding": one_of(&["GSM-7", "UCS-2", "Latin-1", "ASCII", "UTF-8", "binary"], "How the text came."),
            "segments": count("In how many parts it came."),
            "status": { "const": "received" },
            "partial": { "const": true, "description": "Parts of it are missing." },
            "missingParts": list(&json!({ "type": "integer" }), "The numbers of the missing parts."),
            "keyword": one_of(&["stop", "start", "help"], "The whole text is this keyword."),
            "suspectedOptOut": flag("The text seems to ask for an end in other words."),
            "media": list(&media, "The files of an MMS, in the order of the message."),
            "createdAt": time("When the message was recorded."),
            "receivedAt": time("When its first part came."),
            "erasedAt": time("When the operator erased the person."),
        }),
    )
}

fn broadcast() -> Value {
    object(
        &["id", "from", "messageType", "totalRecipients", "status", "createdAt"],
        &json!({
            "id": text("`brc_` and 22 letters and digits."),
            "from": text("The sender."),
            "body": text_or_null("The text; `null` once it was removed because of its age. Absent where there was \
                none."),
            "mediaUrl": text("As in the request."),
            "reference": text("As in the request."),
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "ucs2Characters": reference("Ucs2Characters"),
            "totalRecipients": count("How many recipients it has."),
            "status": one_of(&BroadcastStatus::ALL.map(BroadcastStatus::as_str), "Where the broadcast stands."),
            "createdAt": time("When it was accepted."),
            "counts": reference("Counts"),
            "stopped": count("In the answer to a cancellation: how many messages it stopped."),
        }),
    )
}

fn counts() -> Value {
    let names = ["total", "skipped", "queued", "sent", "delivered", "undelivered", "failed"];
    object(
        &names,
        &json!({
            "total": count("All recipients."),
            "skipped": count("Those who get no message: blocked, opted out, or saved by a cancellation of their \
                broadcast or of their message."),
            "queued": count("Those who wait."),
            "sent": count("Those whose message a carrier took."),
            "delivered": count("Those whose message arrived."),
            "undelivered": count("Those whose message did not arrive."),
            "failed": count("Those whose message no carrier took."),
        }),
    )
}

fn ucs2_characters() -> Value {
    let character = object(
        &["character", "position"],
        &json!({ "character": text("The character."), "position": count("Its first place, from 1.") }),
    );
    list(&character, "The first ten characters that make an SMS UCS-2.")
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.clone());
    }
}
