//! Forms for endpoints: the status of a message, and a message of a handset, as Twilio's API sends them.

use model::webhook::EventType;
use model::{InboundMessage, KeywordKind, MessageRecord, Owner, Timestamp};
use pipeline::webhook::Form;

use super::errors::code_of;
use super::{VERSION, sid};
use crate::links::MediaLinks;
use crate::view::inbound_address;

/// What an endpoint hears when the status of a message changes.
pub(crate) fn of_status(record: &MessageRecord) -> Form {
    let MessageRecord { message, delivery } = record;
    let (id, status) = (sid::of_message(message.id), delivery.status.as_str().to_owned());
    let is_erased = delivery.erased_at.is_some();
    let (to, from) = (message.recipient, message.originator);
    let mut form: Form = vec![
        ("MessageSid".into(), id.clone()),
        ("MessageStatus".into(), status.clone()),
        ("SmsSid".into(), id),
        ("SmsStatus".into(), status),
        ("AccountSid".into(), sid::of_account(message.account)),
        ("From".into(), if is_erased && from.is_nobody() { String::new() } else { from.to_string() }),
        ("To".into(), if is_erased && to.is_nobody() { String::new() } else { to.to_string() }),
        ("ApiVersion".into(), VERSION.to_owned()),
    ];
    if let Some(error) = delivery.error_type {
        form.push(("ErrorCode".into(), code_of(error).to_string()));
    }
    form
}

/// What an endpoint hears of a message of a handset. Its links to media are those of an answer at `at`.
pub(crate) fn of_inbound(message: &InboundMessage, links: &MediaLinks, at: Timestamp) -> Form {
    let (id, is_erased) = (sid::of_message(message.id), message.erased_at.is_some());
    let mut form: Form = vec![
        ("MessageSid".into(), id.clone()),
        ("SmsSid".into(), id.clone()),
        ("SmsMessageSid".into(), id),
        ("SmsStatus".into(), "received".to_owned()),
        ("AccountSid".into(), sid::of_account(message.account)),
        ("From".into(), inbound_address(&message.from, is_erased)),
        ("To".into(), inbound_address(&message.to, is_erased)),
        ("Body".into(), message.body.text().unwrap_or_default().to_owned()),
        ("NumSegments".into(), message.segments.to_string()),
        ("NumMedia".into(), message.media.len().to_string()),
        ("ApiVersion".into(), VERSION.to_owned()),
    ];
    for (place, media) in message.media.iter().enumerate() {
        form.push((format!("MediaContentType{place}").into(), media.content_type.to_string()));
        form.push((format!("MediaUrl{place}").into(), links.url(message.id, place, at)));
    }
    if let Some(keyword) = &message.keyword {
        let kind = match keyword.kind {
            KeywordKind::Stop => "STOP",
            KeywordKind::Start => "START",
            KeywordKind::Help => "HELP",
        };
        form.push(("OptOutType".into(), kind.to_owned()));
    }
    form
}

/// What an endpoint hears of a test, of which Twilio knows nothing.
pub(crate) fn of_test(owner: Owner) -> Form {
    vec![
        ("EventType".into(), EventType::WebhookTest.as_str().to_owned()),
        ("AccountSid".into(), sid::of_account(owner.account)),
        ("ApiVersion".into(), VERSION.to_owned()),
    ]
}
