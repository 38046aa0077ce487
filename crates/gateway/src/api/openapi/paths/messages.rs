//! `/message`.

use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::operation::Operation;
use super::super::parts::{header, id as id_of, in_path, page_of, paging, query, reference, times};
use super::super::{STRICT, api_path};

const TAG: &str = "Messages";

/// Errors of whatever sends: what is wrong with the request, with its sender, its text and its media.
pub(crate) const OF_SENDING: [ErrorCode; 17] = [
    ErrorCode::MissingRequiredField,
    ErrorCode::InvalidMessageType,
    ErrorCode::InvalidPhoneNumber,
    ErrorCode::InvalidIdempotencyKey,
    ErrorCode::DuplicateIdempotencyKey,
    ErrorCode::InvalidMessageContent,
    ErrorCode::MessageTooLong,
    ErrorCode::SenderNumberNotAvailable,
    ErrorCode::NumberNotOwned,
    ErrorCode::SenderNumberNotActive,
    ErrorCode::SenderBlocked,
    ErrorCode::NonCompliantMessageContent,
    ErrorCode::MediaUrlNotAllowed,
    ErrorCode::MediaUploadFailed,
    ErrorCode::MediaTooLarge,
    ErrorCode::MediaTypeNotSupported,
    ErrorCode::DailyQuotaReached,
];

pub(super) fn all() -> [Operation; 5] {
    [send(), list(), show(), cancel(), media()]
}

/// The headers of a request that sends.
pub(super) fn headers() -> [Value; 2] {
    let key = json!({ "type": "string", "pattern": "^\"?[A-Za-z0-9@_)(-]{2,100}\"?$" });
    let prefer = json!({ "type": "string", "examples": ["wait=5", "handling=strict", "handling=strict, wait=5"] });
    [
        header("Idempotency-Key", "In place of `idempotencyKey`. If both are given, they must be the same.", &key),
        header("Prefer", &format!("`wait=N` holds the answer for up to N seconds, 30 at most. {STRICT}"), &prefer),
    ]
}

/// The headers of an answer that accepts something.
pub(crate) const ACCEPTED: [&str; 1] = ["Idempotent-Replayed"];

fn send() -> Operation {
    let about = (
        TAG,
        "Send a message",
        "A 201 means that the message is on disk and will be submitted. The first check that fails answers; nothing is \
         kept of a refused request. With `Prefer: wait=N` the answer waits until the message leaves `queued`.",
    );
    let example = json!({ "to": "+18005551234", "from": "+18005550100", "body": "Your table is ready" });
    Operation::new("post", api_path!("/message"), "sendMessage", about)
        .parameters(headers())
        .json("NewMessage", &example)
        .creates("Message", &ACCEPTED)
        .codes(OF_SENDING)
        .codes([ErrorCode::RecipientBlocked, ErrorCode::MessageSendFailed])
}

fn list() -> Operation {
    let about = (TAG, "List messages", "Messages of both directions, newest first. Filters apply together.");
    let text = json!({ "type": "string" });
    let status = json!({
        "type": "string",
        "enum": ["scheduled", "queued", "sent", "delivered", "undelivered", "failed", "canceled", "received"],
    });
    let direction = json!({ "type": "string", "enum": ["outbound", "inbound"] });
    Operation::new("get", api_path!("/message"), "listMessages", about)
        .parameters([
            query("status", "Messages that stand there; `received` has the inbound ones.", &status),
            query("direction", "One direction alone.", &direction),
            query("to", "Messages to this address.", &text),
            query("from", "Messages from this address.", &text),
            query("reference", "Messages with your name for them.", &json!({ "type": "string", "maxLength": 200 })),
            query("broadcastId", "Messages of this broadcast.", &id_of("brc")),
        ])
        .parameters(times())
        .parameters(paging())
        .answers(200, "A page of messages.", &page_of("AnyMessage"))
        .codes([ErrorCode::InvalidPhoneNumber])
}

fn id() -> Value {
    in_path("id", "The id of the message.", &id_of("msg"))
}

fn show() -> Operation {
    let about = (TAG, "Get a message", "A message of either direction.");
    let schema = json!({ "$ref": "#/components/schemas/AnyMessage" });
    Operation::new("get", api_path!("/message/{id}"), "getMessage", about)
        .parameters([id()])
        .answers(200, "The message.", &schema)
        .of_one()
}

fn cancel() -> Operation {
    let about = (
        TAG,
        "Cancel a message",
        "Takes back a message that waits: it is never submitted. A message of which a carrier may have anything is \
         33109. A message that is canceled already is answered like the first time.",
    );
    Operation::new("post", api_path!("/message/{id}/cancel"), "cancelMessage", about)
        .parameters([id()])
        .answers(200, "The message, which is `canceled`.", &reference("Message"))
        .codes([ErrorCode::TooLateToCancel])
        .of_one()
}

/// The content of an answer that is a file.
pub(super) fn file() -> Value {
    json!({ "*/*": { "schema": { "type": "string", "format": "binary" } } })
}

fn media() -> Operation {
    let about = (
        TAG,
        "Get a file of an inbound message",
        "The file has the type that its sender gave it. Browsers save everything but sound pictures.",
    );
    let place = json!({ "type": "integer", "minimum": 0 });
    Operation::new("get", api_path!("/message/{id}/media/{place}"), "getMessageMedia", about)
        .parameters([id(), in_path("place", "The index of the file in `media`, from 0.", &place)])
        .answers_with(200, "The file.", &[], file())
        .of_one()
}
