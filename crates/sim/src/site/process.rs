//! A process that is up, and what clients get of it.

use std::sync::Arc;
use std::time::Duration;

use model::error::{ErrorCode, Refusal};
use model::limits::RequestKind;
use model::{Delivery, Message, MessageId, Timestamp};
use pipeline::limiter::RateLimiter;
use pipeline::tenants::{Caller, TenantBook};
use pipeline::{Answered, BroadcastRequest, Pipeline, SendRequest};
use store::Store;

use super::Credentials;
use crate::executor::{ProcessId, ProcessRuntime};
use crate::ledger::Ledger;

/// A process that is up.
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) runtime: Arc<ProcessRuntime>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(super) limiter: RateLimiter,
    pub(super) ledger: Arc<Ledger>,
    /// The process that has the store open, which counts the requests.
    pub(super) machine: ProcessId,
}

/// What a client gets of the program.
impl Process {
    async fn admit(&self, credentials: &Credentials, kind: RequestKind) -> Result<Caller, Refusal> {
        let now = model::Clock::now(&*self.runtime);
        let caller = self
            .tenants
            .authenticate(credentials.id.as_str(), &credentials.secret, now)
            .ok_or(ErrorCode::AuthenticationFailed)?;
        let taken = self.limiter.take(caller.owner(), kind, &caller.limits, now).await;
        let standing = taken.map_err(|(_, refusal)| refusal)?;
        self.ledger.lock().passed(self.machine, caller.owner(), kind, standing);
        Ok(caller)
    }

    pub(crate) async fn send(
        &self,
        credentials: &Credentials,
        request: SendRequest,
        wait: Option<Duration>,
    ) -> Result<Answered<MessageId>, Refusal> {
        let caller = self.admit(credentials, RequestKind::Message).await?;
        self.pipeline.send(&caller, request, wait, |message, delivery, _| written(message, delivery)).await
    }

    pub(crate) async fn broadcast(
        &self,
        credentials: &Credentials,
        request: BroadcastRequest,
        wait: Option<Duration>,
    ) -> Result<Answered<model::BroadcastId>, Refusal> {
        let caller = self.admit(credentials, RequestKind::Broadcast).await?;
        self.pipeline
            .broadcast(&caller, request, wait, |broadcast, status, _| {
                let text = broadcast.body.as_deref().unwrap_or("no text");
                format!("{} {} {text}", broadcast.id, status.as_str())
            })
            .await
    }
}

fn written(message: &Message, delivery: &Delivery) -> String {
    let at = |at: Option<Timestamp>| at.map_or(0, Timestamp::as_millis);
    let (status, text) = (delivery.status.as_str(), message.body.as_deref().unwrap_or("no text"));
    format!("{} {} {status} {} {text}", message.id, message.recipient, at(delivery.sent_at))
}
