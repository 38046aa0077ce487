//! Messages and broadcasts as a client sees them.

use model::{Broadcast, BroadcastCounts, BroadcastRecord, BroadcastStatus, Delivery, Message, Timestamp};
use serde::{Serialize, Serializer};

/// The JSON of a message; what does not apply is absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageView<'a> {
    #[serde(serialize_with = "text")]
    id: model::MessageId,
    direction: &'static str,
    to: &'a str,
    from: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_url: Option<&'a str>,
    message_type: &'static str,
    encoding: &'static str,
    segments: u16,
    status: &'static str,
    #[serde(serialize_with = "text")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    sent_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    delivered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    failed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'static str>,
}

impl<'a> MessageView<'a> {
    pub(crate) fn of(message: &'a Message, delivery: &'a Delivery) -> Self {
        Self {
            id: message.id,
            direction: message.direction.as_str(),
            to: message.recipient.as_str(),
            from: message.originator.as_str(),
            body: message.body.as_deref(),
            media_url: message.media_url.as_deref(),
            message_type: message.kind.as_str(),
            encoding: message.encoding.name(),
            segments: message.segments,
            status: delivery.status.as_str(),
            created_at: message.created_at,
            broadcast_id: message.broadcast.map(|id| id.to_string()),
            sent_at: delivery.sent_at,
            delivered_at: delivery.delivered_at,
            failed_at: delivery.failed_at,
            error_type: delivery.error_type.map(model::ErrorType::as_str),
            error_message: delivery.error_message.as_deref(),
            receipt: delivery.receipt_missing.then_some("missing"),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        // Texts and numbers only: nothing in it can fail to be JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The JSON of a broadcast; what does not apply is absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BroadcastView<'a> {
    #[serde(serialize_with = "text")]
    id: model::BroadcastId,
    from: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_url: Option<&'a str>,
    message_type: &'static str,
    total_recipients: u32,
    status: &'static str,
    #[serde(serialize_with = "text")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
}

/// How many recipients stand where.
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
            from: broadcast.originator.as_str(),
            body: broadcast.body.as_deref(),
            media_url: broadcast.media_url.as_deref(),
            message_type: broadcast.kind.as_str(),
            total_recipients: broadcast.total,
            status: status.as_str(),
            created_at: broadcast.created_at,
            counts: None,
        }
    }

    /// A broadcast and how far it has come.
    pub(crate) fn of(record: &'a BroadcastRecord) -> Self {
        let BroadcastCounts { total, skipped, queued, sent, delivered, undelivered, failed } = record.counts;
        let counts = Some(CountsView { total, skipped, queued, sent, delivered, undelivered, failed });
        Self { counts, ..Self::accepted(&record.broadcast, record.status) }
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
