//! `/messages`, `/inbound` and `/broadcasts`.

use model::error::ErrorCode;
use model::{BroadcastStatus, Status};
use serde_json::{Value, json};

use super::super::parts::{of_account, of_mode};
use super::super::{admin_path, schemas};
use openapi::operation::Operation;
use openapi::parts::{id, in_path, page_of, paging, query, reference, times};
use openapi::paths::messages::{ACCEPTED, OF_SENDING};

pub(super) fn all() -> Vec<Operation> {
    let messages = [list(), send(), show(), reveal(), again(), cancel()];
    let inbound = [inbound(), unrouted(), assign()];
    let broadcasts = [broadcasts(), broadcast(), cancel_broadcast()];
    messages.into_iter().chain(inbound).chain(broadcasts).collect()
}

const MESSAGES: &str = "Messages";

fn message() -> Value {
    in_path("id", "The id of the message.", &id("msg"))
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// The parameter that narrows a list to a client's name for something.
fn of_reference(description: &str) -> Value {
    query("reference", description, &json!({ "type": "string", "maxLength": 200 }))
}

fn list() -> Operation {
    let about = (MESSAGES, "List messages", "Outbound messages of all accounts, newest first. Filters apply together.");
    let status = json!({ "type": "string", "enum": Status::ALL.map(Status::as_str) });
    let reference = "Only messages with this reference of the client; on the first page also those with this id of a \
                     carrier, or with this idempotency key of the account.";
    Operation::new("get", admin_path!("/messages"), "listMessages", about)
        .parameters([
            of_account(),
            of_mode(),
            query("status", "Only messages with this status.", &status),
            query("to", "Only messages to this recipient.", &text()),
            query("from", "Only messages from this sender.", &text()),
            query("number", "Only messages to or from this address.", &text()),
            of_reference(reference),
            query("broadcastId", "Only messages of this broadcast.", &id("brc")),
        ])
        .parameters(times())
        .parameters(paging())
        .answers(200, "A page of messages.", &page_of("Message"))
        .codes([ErrorCode::InvalidPhoneNumber])
}

fn send() -> Operation {
    let about = (
        MESSAGES,
        "Send a message for an account",
        "With every check, limit and quota of the account, as if a client of the account had sent it.",
    );
    let example = json!({
        "accountId": schemas::ACCOUNT, "to": "+18005551234", "from": "+18005550100", "body": "Your table is ready",
    });
    Operation::new("post", admin_path!("/messages"), "sendMessage", about)
        .json("NewMessage", &example)
        .creates("AcceptedMessage", &ACCEPTED)
        .codes(OF_SENDING)
        .codes([ErrorCode::RecipientBlocked, ErrorCode::MessageSendFailed])
}

fn show() -> Operation {
    let about = (
        MESSAGES,
        "Get a message",
        "A message of either direction, with its events. While the carrier is traced, also with its PDUs.",
    );
    Operation::new("get", admin_path!("/messages/{id}"), "getMessage", about)
        .parameters([message()])
        .answers(200, "The message.", &reference("AnyMessage"))
        .of_one()
}

fn reveal() -> Operation {
    let about = (MESSAGES, "Get a message without masks", "The audit log records who asked.");
    Operation::new("post", admin_path!("/messages/{id}/reveal"), "revealMessage", about)
        .parameters([message()])
        .answers(200, "The message.", &reference("AnyMessage"))
        .of_one()
}

fn again() -> Operation {
    let about = (
        MESSAGES,
        "Send a message again",
        "Sends an earlier message as a new one, with every check, limit and quota of the account.",
    );
    Operation::new("post", admin_path!("/messages/{id}/again"), "sendMessageAgain", about)
        .parameters([message()])
        .optional_json("Again", &json!({ "idempotencyKey": "again-1" }))
        .creates("AcceptedMessage", &ACCEPTED)
        .codes(OF_SENDING)
        .codes([ErrorCode::RecipientBlocked, ErrorCode::MessageSendFailed])
        .of_one()
}

fn cancel() -> Operation {
    let about = (
        MESSAGES,
        "Cancel a message",
        "A `scheduled` or `queued` message becomes `canceled`. A message that a carrier may have is an error.",
    );
    Operation::new("post", admin_path!("/messages/{id}/cancel"), "cancelMessage", about)
        .parameters([message()])
        .answers(200, "The message.", &reference("Message"))
        .codes([ErrorCode::TooLateToCancel])
        .of_one()
}

fn inbound() -> Operation {
    let about = (MESSAGES, "List inbound messages", "Of all accounts, or of the account and mode in the query.");
    Operation::new("get", admin_path!("/inbound"), "listInbound", about)
        .parameters([
            of_account(),
            query("mode", "The mode of the account; by default `live`.", &super::super::parts::mode()),
            query("from", "Only messages from this address.", &text()),
            query("to", "Only messages to this number, short code or name.", &text()),
        ])
        .parameters(times())
        .parameters(paging())
        .answers(200, "A page of inbound messages, newest first.", &page_of("InboundMessage"))
        .codes([ErrorCode::InvalidPhoneNumber, ErrorCode::MissingRequiredField])
}

fn unrouted() -> Operation {
    let about = (MESSAGES, "List unrouted inbound messages", "Inbound messages to numbers that belong to no account.");
    Operation::new("get", admin_path!("/inbound/unrouted"), "listUnrouted", about).parameters(paging()).answers(
        200,
        "A page of inbound messages, newest first.",
        &page_of("UnroutedMessage"),
    )
}

fn assign() -> Operation {
    let about = (MESSAGES, "Assign an unrouted message to an account", "The account gets the message and its event.");
    Operation::new("post", admin_path!("/inbound/unrouted/{id}/assign"), "assignUnrouted", about)
        .parameters([message()])
        .json("Assignment", &json!({ "accountId": schemas::ACCOUNT }))
        .answers(200, "The message, which belongs to the account.", &reference("InboundMessage"))
        .codes([ErrorCode::MissingRequiredField])
        .of_one()
}

const BROADCASTS: &str = "Broadcasts";

fn broadcasts() -> Operation {
    let about = (BROADCASTS, "List broadcasts", "Of all accounts, newest first, with their counts.");
    let status = json!({ "type": "string", "enum": BroadcastStatus::ALL.map(BroadcastStatus::as_str) });
    Operation::new("get", admin_path!("/broadcasts"), "listBroadcasts", about)
        .parameters([
            of_account(),
            of_mode(),
            query("status", "Only broadcasts with this status.", &status),
            query("from", "Only broadcasts from this sender.", &text()),
            of_reference("Only broadcasts with this reference of the client."),
        ])
        .parameters(times())
        .parameters(paging())
        .answers(200, "A page of broadcasts.", &page_of("Broadcast"))
        .codes([ErrorCode::InvalidPhoneNumber])
}

fn broadcast_id() -> Value {
    in_path("id", "The id of the broadcast.", &id("brc"))
}

fn broadcast() -> Operation {
    let about = (BROADCASTS, "Get a broadcast", "With the counts of its recipients at this moment.");
    Operation::new("get", admin_path!("/broadcasts/{id}"), "getBroadcast", about)
        .parameters([broadcast_id()])
        .answers(200, "The broadcast.", &reference("Broadcast"))
        .of_one()
}

fn cancel_broadcast() -> Operation {
    let about = (
        BROADCASTS,
        "Cancel a broadcast",
        "Stops the messages that have not left. `stopped` is their number; it is 0 the second time.",
    );
    Operation::new("post", admin_path!("/broadcasts/{id}/cancel"), "cancelBroadcast", about)
        .parameters([broadcast_id()])
        .answers(200, "The broadcast.", &reference("Broadcast"))
        .of_one()
}
