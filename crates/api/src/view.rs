//! Messages and broadcasts as a client sees them.

mod inbound;
mod optout;

use model::idempotency::AnswerForm;
use model::message::{Encoding, MessageType};
use model::{
    Broadcast, BroadcastCounts, BroadcastRecord, BroadcastStatus, Delivery, Message, Msisdn, Originator, Status,
    Timestamp,
};
use serde::{Serialize, Serializer};
use wire::gsm::{Ucs2Character, ucs2_characters};

pub use inbound::InboundView;
pub(super) use inbound::address as inbound_address;
use inbound::is_false;
pub use optout::{OptOutChangeView, OptOutView};

/// The number of characters in the list of those that need UCS-2.
const UCS2_CHARACTERS_MAX: usize = 10;

/// The JSON of a message; fields that do not apply are absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageView<'a> {
    #[serde(serialize_with = "text")]
    id: model::MessageId,
    direction: &'static str,
    #[serde(serialize_with = "text_or_empty")]
    to: Option<Msisdn>,
    #[serde(serialize_with = "text_or_empty")]
    from: Option<Originator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    message_type: &'static str,
    encoding: &'static str,
    segments: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ucs2_characters: Vec<Ucs2View>,
    status: &'static str,
    #[serde(serialize_with = "text")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    send_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    sent_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    delivered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    failed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    canceled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    automatic: bool,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    erased_at: Option<Timestamp>,
}

impl<'a> MessageView<'a> {
    /// The message with the state of its delivery.
    pub fn of(message: &'a Message, delivery: &'a Delivery) -> Self {
        let is_erased = delivery.erased_at.is_some();
        let (failed_at, canceled_at) = match delivery.status {
            Status::Canceled => (None, delivery.failed_at),
            _ => (delivery.failed_at, None),
        };
        Self {
            id: message.id,
            direction: message.direction.as_str(),
            to: Some(message.recipient).filter(|to| !(is_erased && to.is_nobody())),
            from: Some(message.originator).filter(|from| !(is_erased && from.is_nobody())),
            body: body_view(message.body.as_deref(), message.media_url.as_deref()),
            media_url: message.media_url.as_deref(),
            reference: message.client_reference.as_deref(),
            message_type: message.kind.as_str(),
            encoding: message.encoding.name(),
            segments: message.segments,
            ucs2_characters: named(message.kind, message.encoding, message.body.as_deref()),
            status: delivery.status.as_str(),
            created_at: message.created_at,
            send_at: message.send_at,
            broadcast_id: message.broadcast.map(|id| id.to_string()),
            sent_at: delivery.sent_at,
            delivered_at: delivery.delivered_at,
            failed_at,
            canceled_at,
            error_type: delivery.error_type.map(model::ErrorType::as_str),
            error_message: delivery.error_message.as_deref(),
            receipt: delivery.receipt_missing.then_some("missing"),
            automatic: message.automatic.is_some(),
            erased_at: delivery.erased_at,
        }
    }

    /// The same with the fields that answers of this form have.
    pub fn in_form(mut self, form: AnswerForm) -> Self {
        if form < AnswerForm::UCS2_CHARACTERS {
            self.ucs2_characters.clear();
        }
        self
    }

    /// The view as JSON.
    pub fn to_json(&self) -> String {
        // Texts and numbers only: nothing in it can fail to be JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An address; empty in place of a person who was erased, because clients expect a text.
fn text_or_empty<T: std::fmt::Display, S: Serializer>(address: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => serializer.collect_str(address),
        None => serializer.serialize_str(""),
    }
}

/// The JSON of a broadcast; fields that do not apply are absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BroadcastView<'a> {
    #[serde(serialize_with = "text")]
    id: model::BroadcastId,
    #[serde(serialize_with = "text")]
    from: Originator,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    message_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ucs2_characters: Vec<Ucs2View>,
    total_recipients: u32,
    status: &'static str,
    #[serde(serialize_with = "text")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
}

/// The JSON of a text: absent if there was none, and `null` after its removal because of its age. Every message is
/// accepted with a text or with media.
fn body_view<'a>(body: Option<&'a str>, media_url: Option<&str>) -> Option<Option<&'a str>> {
    match (body, media_url) {
        (Some(body), _) => Some(Some(body)),
        (None, Some(_)) => None,
        (None, None) => Some(None),
    }
}

/// A character that makes a text UCS-2, and its first place.
#[derive(Serialize)]
pub struct Ucs2View {
    character: char,
    /// From 1, in Unicode scalar values.
    pub position: usize,
}

/// The first few characters for which the text of an SMS is UCS-2, each once.
fn named(kind: MessageType, encoding: Encoding, body: Option<&str>) -> Vec<Ucs2View> {
    match (kind, encoding, body) {
        (MessageType::Sms, Encoding::Ucs2, Some(body)) => ucs2_view(body),
        _ => Vec::new(),
    }
}

/// The first few characters for which a text is UCS-2, each once.
pub fn ucs2_view(text: &str) -> Vec<Ucs2View> {
    ucs2_characters(text, UCS2_CHARACTERS_MAX)
        .into_iter()
        .map(|Ucs2Character { character, position }| Ucs2View { character, position })
        .collect()
}

/// The numbers of recipients by status.
#[derive(Serialize)]
struct CountsView {
    total: u64,
    skipped: u64,
    queued: u64,
    sent: u64,
    delivered: u64,
    undelivered: u64,
    failed: u64,
}

impl<'a> BroadcastView<'a> {
    /// A broadcast just accepted.
    pub(crate) fn accepted(broadcast: &'a Broadcast, status: BroadcastStatus) -> Self {
        Self {
            id: broadcast.id,
            from: broadcast.originator,
            body: body_view(broadcast.body.as_deref(), broadcast.media_url.as_deref()),
            media_url: broadcast.media_url.as_deref(),
            reference: broadcast.client_reference.as_deref(),
            message_type: broadcast.kind.as_str(),
            ucs2_characters: named(broadcast.kind, broadcast.encoding, broadcast.body.as_deref()),
            total_recipients: broadcast.total,
            status: status.as_str(),
            created_at: broadcast.created_at,
            counts: None,
        }
    }

    /// A broadcast and its progress.
    pub fn of(record: &'a BroadcastRecord) -> Self {
        let BroadcastCounts { total, skipped, queued, sent, delivered, undelivered, failed } = record.counts;
        let counts = Some(CountsView { total, skipped, queued, sent, delivered, undelivered, failed });
        Self { counts, ..Self::accepted(&record.broadcast, record.status) }
    }

    /// The same with the fields that answers of this form have.
    pub(crate) fn in_form(mut self, form: AnswerForm) -> Self {
        if form < AnswerForm::UCS2_CHARACTERS {
            self.ucs2_characters.clear();
        }
        self
    }

    pub(crate) fn to_json(&self) -> String {
        // Texts and numbers only: nothing in it can fail to be JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn text<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn text_of_some<S: Serializer>(value: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Message {
        Message { body: Some(body.into()), encoding: Encoding::of(body), ..testkit::message(1) }
    }

    #[test]
    fn an_automatic_message_says_so() {
        let queued = Delivery::queued(model::Assignment::NoRoute);
        let reply = Message { automatic: Some(model::KeywordKind::Stop), ..message("You are opted out") };
        assert!(MessageView::of(&reply, &queued).to_json().contains(r#""automatic":true"#));
        assert!(!MessageView::of(&message("hello"), &queued).to_json().contains("automatic"));
    }

    #[test]
    fn an_answer_made_again_has_the_fields_of_its_time() {
        let queued = Delivery::queued(model::Assignment::NoRoute);
        let json = |body: &str, form| MessageView::of(&message(body), &queued).in_form(form).to_json();
        let old = json("Ж", AnswerForm::FIRST);
        assert!(!old.contains("ucs2Characters"), "{old}");
        let new = json("Ж", AnswerForm::NEWEST);
        assert_eq!(new.replace(r#""ucs2Characters":[{"character":"Ж","position":1}],"#, ""), old);
        assert_eq!(json("a", AnswerForm::FIRST), json("a", AnswerForm::NEWEST));
    }
}
