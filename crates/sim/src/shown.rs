//! How resources are shown to endpoints of the simulation.

use std::sync::Arc;

use async_trait::async_trait;
use pipeline::webhook::{Form, Render};
use serde_json::json;
use store::contract::webhooks::{EventContent, EventRecord};
use store::{Store, StoreError};

/// Shows what the checks compare. `resource` tells apart what endpoints may want in order.
pub(crate) struct Shown(pub(crate) Arc<dyn Store>);

#[async_trait]
impl Render for Shown {
    async fn data(&self, event: &EventRecord) -> Result<Option<String>, StoreError> {
        let data = match &event.content {
            EventContent::Message(record) => json!({
                "resource": record.message.id.to_string(),
                "status": record.delivery.status.as_str(),
                "recipient": record.message.recipient.to_string(),
                "segments": record.message.segments,
                "sentAt": record.delivery.sent_at.map(|at| at.as_millis()),
                "why": record.delivery.error_message.as_deref(),
                "text": record.message.body.as_deref(),
            }),
            EventContent::Broadcast(record) => json!({
                "resource": record.broadcast.id.to_string(),
                "status": record.status.as_str(),
                "total": record.counts.total,
                "delivered": record.counts.delivered,
            }),
            // A late part changes what it says, and retention takes its text: neither is looked at here.
            EventContent::Inbound(id) => match self.0.inbound_message(event.owner, *id).await? {
                Some(message) => json!({ "resource": id.to_string(), "from": message.from.to_string() }),
                None => return Ok(None),
            },
            EventContent::OptOut(opt_out) => json!({
                "resource": opt_out.name.number.to_string(),
                "from": opt_out.name.from.map(|from| from.to_string()),
                "source": opt_out.source.as_str(),
            }),
            EventContent::Webhook { id, reason } => {
                json!({ "resource": id.to_string(), "reason": reason.map(model::webhook::DisabledReason::as_str) })
            }
        };
        Ok(Some(data.to_string()))
    }

    /// No endpoint of the simulation wants forms.
    async fn form(&self, _: &EventRecord) -> Result<Option<Form>, StoreError> {
        Ok(None)
    }
}
