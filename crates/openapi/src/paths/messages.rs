//! `/message`.

use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::STRICT;
use super::super::operation::Operation;
use super::super::parts::{header, id as id_of, in_path, page_of, paging, query, reference, times};

const TAG: &str = "Messages";

/// Errors of whatever sends: what is wrong with the request, with its sender, its text and its media.
pub const OF_SENDING: [ErrorCode; 17] = [
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
        header("Idempotency-Key", "An alternative to `idempotencyKey`. If you send both, they must be equal.", &key),
        header("Prefer", &format!("`wait=N` delays the answer by up to N seconds, at most 30. {STRICT}"), &prefer),
    ]
}

/// The headers of an answer that accepts something.
pub const ACCEPTED: [&str; 1] = ["Idempotent-Replayed"];

fn send() -> Operation {
    let about = (
        TAG,
        "Send a message",
        "A 201 means that the message is on disk and will be submitted. The first failed check decides the error, and \
         nothing is sent. With `Prefer: wait=N`, the answer waits until the message is no longer `queued`.",
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
            query("status", "Only messages with this status; inbound messages are `received`.", &status),
            query("direction", "Only messages of this direction.", &direction),
            query("to", "Only messages to this address.", &text),
            query("from", "Only messages from this address.", &text),
            query(
                "reference",
                "Only messages with this reference of yours.",
                &json!({ "type": "string", "maxLength": 200 }),
            ),
            query("broadcastId", "Only messages of this broadcast.", &id_of("brc")),
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
        "Cancels a `scheduled` or `queued` message: it is never submitted. If a carrier may have any part of the \
         message, the answer is 33109. To cancel a canceled message again is no error, and changes nothing.",
    );
    Operation::new("post", api_path!("/message/{id}/cancel"), "cancelMessage", about)
        .parameters([id()])
        .answers(200, "The canceled message.", &reference("Message"))
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
        "The file has the media type that its sender gave. Browsers show valid JPEG, PNG and GIF pictures, and save \
         every other file.",
    );
    let place = json!({ "type": "integer", "minimum": 0 });
    Operation::new("get", api_path!("/message/{id}/media/{place}"), "getMessageMedia", about)
        .parameters([id(), in_path("place", "The index of the file in `media`, from 0.", &place)])
        .answers_with(200, "The file.", &[], file())
        .of_one()
}
