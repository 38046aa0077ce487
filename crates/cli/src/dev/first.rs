//! The first messages: sent as any client would, and waited for.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Method, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::MessageId;
use serde_json::Value;

use super::super::client::{self, escaped};
use super::super::refusal::refused;
use super::super::{Failed, machine};
use super::demo::Demo;
use server::app::App;

/// The time in which a message has to be delivered.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends `message` with the demo account's live key, and waits for its delivery. Returns it with its events, as the
/// operator sees it.
pub(super) async fn send(app: &App, demo: &Demo, admin_token: &str, message: &Value) -> Result<Value, Failed> {
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", demo.live.key_id, demo.live.key_secret)));
    let (status, answer) =
        client::request(&url(app.api_address)?, &Method::POST, "/api/v1/messaging/message", &basic, Some(message))
            .await?;
    if status != StatusCode::CREATED {
        return Err(refused(status, &answer));
    }
    let id = answer["id"].as_str().unwrap_or_default();
    let ended = machine().timeout(LIMIT, end(app, id)).await;
    ended
        .unwrap_or_else(|_| Err(Failed::new(format!("message {id} was not delivered within {} s", LIMIT.as_secs()))))?;
    let path = format!("/admin/v1/messages/{}", escaped(id));
    let (status, message) =
        client::request(&url(app.admin_address)?, &Method::GET, &path, &format!("Bearer {admin_token}"), None).await?;
    match message["status"].as_str() {
        _ if !status.is_success() => Err(refused(status, &message)),
        Some("delivered") => Ok(message),
        _ => Err(Failed::new(format!("the message {id} is {}: {}", message["status"], message["errorMessage"]))),
    }
}

/// Waits for a final status.
async fn end(app: &App, id: &str) -> Result<(), Failed> {
    let id: MessageId = id.parse().map_err(Failed::new)?;
    loop {
        let record = app.pipeline().store().message_of_any_account(id).await.map_err(Failed::new)?;
        if record.is_some_and(|record| record.delivery.status.is_final()) {
            return Ok(());
        }
        machine().sleep(Duration::from_millis(20)).await;
    }
}

pub(super) fn url(address: SocketAddr) -> Result<Uri, Failed> {
    format!("http://{address}").parse().map_err(Failed::new)
}
