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
        "from": text("The sender: a number of your account, in E.164 form. If the operator allows it, also a short \
            code or a name."),
        "body": text("The text. Required unless there is a `mediaUrl`. At most 640 characters, 1,600 in an MMS, \
            unless the operator has set other limits."),
        "mediaUrl": {
            "type": ["string", "null"],
            "maxLength": 2048,
            "description": "A public http or https address of a file of at most 1,048,576 bytes. The platform fetches \
                it once, before the answer.",
        },
        "messageType": {
            "type": ["string", "null"],
            "enum": ["SMS", "MMS", null],
            "description": "By default `MMS` if there is a `mediaUrl`, and `SMS` if not.",
        },
        "reference": {
            "type": ["string", "null"],
            "maxLength": 200,
            "description": "Your own reference. Answers and events repeat it, and lists can be filtered by it.",
        },
        "validitySeconds": {
            "type": ["integer", "null"],
            "minimum": Validity::MIN_SECS,
            "maximum": Validity::MAX_SECS,
            "description": "The validity in seconds. A message that no carrier has accepted by its end is \
                `undelivered`, with `errorType` `expired`. The carrier gets the remaining validity. By default 24 \
                hours, unless the operator has set another time.",
        },
        "idempotencyKey": {
            "type": ["string", "null"],
            "pattern": "^[A-Za-z0-9@_)(-]{2,100}$",
            "description": "If you repeat the request with the same key within 24 hours, nothing is sent again.",
        },
    })
}

fn new_message() -> Value {
    let mut properties = json!({
        "to": number("The recipient."),
        "sendAt": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "The time at which the message leaves, at most 35 days ahead. Until then it is `scheduled`.",
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
            "to": text("The recipient; `\"\"` after an erasure of the person."),
            "from": text("The sender."),
            "body": text_or_null("The text; `null` after its removal because of its age. Absent if there was none."),
            "mediaUrl": text("As in the request."),
            "reference": text("As in the request."),
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "encoding": one_of(&["GSM-7", "UCS-2"], "The encoding of the text."),
            "segments": count("The number of segments; 1 for an MMS."),
            "ucs2Characters": reference("Ucs2Characters"),
            "status": one_of(&Status::ALL.map(Status::as_str), "The status. It never goes back to an earlier one."),
            "createdAt": time("The time of its acceptance."),
            "sendAt": time("The time at which it leaves, as in the request."),
            "broadcastId": text("The broadcast that it belongs to."),
            "sentAt": time("The time at which a carrier accepted it."),
            "deliveredAt": time("The time of its delivery."),
            "failedAt": time("The time at which it ended without a delivery."),
            "canceledAt": time("The time of its cancellation."),
            "errorType": one_of(&ErrorType::ALL.map(ErrorType::as_str), "The reason why it was not delivered."),
            "errorMessage": text("The reason in words."),
            "receipt": { "const": "missing", "description": "The carrier sent no receipt within the time that the \
                operator has set." },
            "automatic": { "const": true, "description": "The platform sent it as an answer to a keyword." },
            "erasedAt": time("The time at which the operator erased the data of the person."),
        }),
    )
}

fn inbound() -> Value {
    let media = object(
        &["url", "contentType", "bytes", "sha256"],
        &json!({
            "url": { "type": "string", "format": "uri", "description": "A link that needs no key and expires after an \
                hour." },
            "contentType": text("The media type, as the sender gave it."),
            "bytes": count("Its size in bytes."),
            "sha256": text("Its SHA-256, in hexadecimal digits."),
        }),
    );
    object(
        &["id", "direction", "from", "to", "messageType", "encoding", "segments", "status", "createdAt", "receivedAt"],
        &json!({
            "id": text("`msg_` and 22 letters and digits."),
            "direction": { "const": "inbound" },
            "from": text("The sender: a number, a short code, a name, or the carrier's own text."),
            "to": text("Your number or short code."),
            "additionalRecipients": list(&json!({ "type": "string" }), "The other recipients of a group message."),
            "body": text_or_null("The text; `null` after its removal. Absent if there is `bodyBase64`."),
            "bodyBase64": { "type": "string", "contentEncoding": "base64", "description": "The content, if it is not \
                text in a known encoding." },
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "encoding": one_of(&["GSM-7", "UCS-2", "Latin-1", "ASCII", "UTF-8", "binary"], "The encoding in which the \
                text came."),
            "segments": count("The number of its parts."),
            "status": { "const": "received" },
            "partial": { "const": true, "description": "Whether parts of it are missing." },
            "missingParts": list(&json!({ "type": "integer" }), "The numbers of the missing parts."),
            "keyword": one_of(&["stop", "start", "help"], "The keyword that is the whole text."),
            "suspectedOptOut": flag("Whether the text seems to ask for an opt-out in other words."),
            "media": list(&media, "The files of an MMS, in the order of the message."),
            "createdAt": time("The time at which the platform recorded the message."),
            "receivedAt": time("The time at which its first part came."),
            "erasedAt": time("The time at which the operator erased the data of the person."),
        }),
    )
}

fn broadcast() -> Value {
    object(
        &["id", "from", "messageType", "totalRecipients", "status", "createdAt"],
        &json!({
            "id": text("`brc_` and 22 letters and digits."),
            "from": text("The sender."),
            "body": text_or_null("The text; `null` after its removal because of its age. Absent if there was none."),
            "mediaUrl": text("As in the request."),
            "reference": text("As in the request."),
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "ucs2Characters": reference("Ucs2Characters"),
            "totalRecipients": count("The number of its recipients."),
            "status": one_of(&BroadcastStatus::ALL.map(BroadcastStatus::as_str), "The status of the broadcast."),
            "createdAt": time("The time of its acceptance."),
            "counts": reference("Counts"),
            "stopped": count("Only in the answer to a cancellation: the number of messages that it stopped."),
        }),
    )
}

fn counts() -> Value {
    let names = ["total", "skipped", "queued", "sent", "delivered", "undelivered", "failed"];
    object(
        &names,
        &json!({
            "total": count("All recipients."),
            "skipped": count("Recipients that get no message: they are blocked or opted out, or their broadcast or \
                message was canceled."),
            "queued": count("Recipients whose message waits."),
            "sent": count("Recipients whose message a carrier accepted."),
            "delivered": count("Recipients whose message was delivered."),
            "undelivered": count("Recipients whose message was not delivered."),
            "failed": count("Recipients whose message no carrier accepted."),
        }),
    )
}

fn ucs2_characters() -> Value {
    let character = object(
        &["character", "position"],
        &json!({ "character": text("The character."), "position": count("Its first position in the text, from 1.") }),
    );
    list(&character, "The first ten characters that need UCS-2.")
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.clone());
    }
}
