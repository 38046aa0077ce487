//! The body of a request to an endpoint: the envelope of an event around its resource.

use async_trait::async_trait;
use serde_json::json;
use serde_json::value::RawValue;
use store::StoreError;
use store::contract::webhooks::EventRecord;

use super::form::Form;

/// Shows the resource of an event as `GET` shows it. What shows resources to clients implements it.
#[async_trait]
pub trait Render: Send + Sync {
    /// The resource as JSON; `None` when it is not there any more.
    async fn data(&self, event: &EventRecord) -> Result<Option<String>, StoreError>;

    /// The form about an event; `None` where its resource is not there any more, and for events that have no form.
    async fn form(&self, event: &EventRecord) -> Result<Option<Form>, StoreError>;
}

/// The event as it is delivered and listed. `data` is JSON.
pub fn envelope(event: &EventRecord, data: String) -> String {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct View {
        id: String,
        r#type: &'static str,
        timestamp: String,
        sequence: u32,
        r#final: bool,
        mode: &'static str,
        account_id: String,
        data: Box<RawValue>,
    }
    // What shows resources writes JSON; nothing else could go wrong.
    let data = RawValue::from_string(data).unwrap_or_default();
    let view = View {
        id: event.id.to_string(),
        r#type: event.kind.as_str(),
        timestamp: event.at.to_string(),
        sequence: event.sequence,
        r#final: event.is_final,
        mode: event.owner.mode.as_str(),
        account_id: event.owner.account.to_string(),
        data,
    };
    serde_json::to_string(&view).unwrap_or_else(|_| json!({}).to_string())
}
