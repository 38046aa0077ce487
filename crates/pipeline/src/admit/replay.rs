//! Idempotency: a repeat is answered as its first request was.
//!
//! An answer that is not simply that of a queued message, because its client waited, is recorded before the client gets
//! it. Until then a repeat is refused (33013), since the first request holds its key from its admission until its
//! answer is recorded ([`under_way`](super::under_way)). A client that hangs up changes nothing about that.
//!
//! The text of a message may be removed while its key is remembered. A repeat has the same text, so that it is answered
//! with its own.

use std::sync::Arc;

use model::error::{ErrorCode, Refusal};
use model::idempotency::Endpoint;
use model::sampler::Line;
use model::{Broadcast, Message, Timestamp};
use store::StoreError;
use store::contract::broadcasts::{BroadcastAdmitted, BroadcastReplay};
use store::contract::messages::{Admitted, IdempotencyClaim, Replay};
use store::contract::requests::RequestKey;

use super::Admission;
use super::parse::Parsed;
use super::under_way::UnderWay;
use crate::refusal::{RETRY_AFTER, refused_by_store};
use crate::tenants::Caller;

/// What a request is answered that repeats this one, with its own text where that of the message was removed.
pub(super) fn with_text(mut replay: Replay, parsed: &Parsed) -> Replay {
    let body = parsed.body.as_ref().map(|body| Arc::from(body.as_str()));
    restore(&mut replay.message, body.as_ref(), parsed.media_url.as_ref());
    replay
}

/// Gives a message that has lost its text the one of a request for the same.
pub(super) fn restore(message: &mut Arc<Message>, body: Option<&Arc<str>>, media_url: Option<&String>) {
    if message.body.is_none() && message.media_url.is_none() {
        let message = Arc::make_mut(message);
        (message.body, message.media_url) = (body.cloned(), media_url.cloned());
    }
}

/// The same of a broadcast.
pub(super) fn restore_broadcast(broadcast: &mut Arc<Broadcast>, body: Option<&Arc<str>>, media_url: Option<&String>) {
    if broadcast.body.is_none() && broadcast.media_url.is_none() {
        let broadcast = Arc::make_mut(broadcast);
        (broadcast.body, broadcast.media_url) = (body.cloned(), media_url.cloned());
    }
}

impl Admission {
    /// A request that begins. `is_awaited` says that its client waits for news.
    pub(crate) const fn under_way(&self, is_awaited: bool) -> UnderWay<'_> {
        UnderWay::new(self, is_awaited)
    }

    pub(super) fn claim(&self, parsed: &Parsed, now: Timestamp) -> Option<IdempotencyClaim> {
        let key = parsed.idempotency_key.clone()?;
        let not_before = now - self.limits.get().idempotency;
        Some(IdempotencyClaim {
            endpoint: Endpoint::Message,
            key,
            fingerprint: parsed.fingerprint(),
            not_before,
            begun: false,
            awaited: false,
        })
    }

    /// The answer that the first request under this claim was given; `None` where this is the first.
    pub(super) async fn replay(
        &self,
        caller: &Caller,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<Option<Replay>, Refusal> {
        let Some(claim) = claim else { return Ok(None) };
        match self.store.replay(caller.owner(), claim).await.map_err(refused_by_store)? {
            Some(Admitted::Replayed(replay)) => Ok(Some(replay)),
            Some(Admitted::KeyTaken | Admitted::UnderWay) => Err(ErrorCode::DuplicateIdempotencyKey.into()),
            Some(Admitted::New | Admitted::QuotaReached | Admitted::MediaGone) | None => Ok(None),
        }
    }

    /// The same of a broadcast: what the first request under this claim was answered.
    pub(super) async fn broadcast_replay(
        &self,
        caller: &Caller,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<Option<BroadcastReplay>, Refusal> {
        let Some(claim) = claim else { return Ok(None) };
        match self.store.replay_broadcast(caller.owner(), claim).await.map_err(refused_by_store)? {
            Some(BroadcastAdmitted::Replayed(replay)) => Ok(Some(replay)),
            Some(BroadcastAdmitted::KeyTaken | BroadcastAdmitted::UnderWay) => {
                Err(ErrorCode::DuplicateIdempotencyKey.into())
            }
            Some(BroadcastAdmitted::New | BroadcastAdmitted::QuotaReached | BroadcastAdmitted::MediaGone) | None => {
                Ok(None)
            }
        }
    }

    /// Records where what a request made stands (`record`) when it is about to be answered, where it has a key and the
    /// answer is not that of a queued message or a new broadcast. Returns what the client is answered: `body`, or, where that cannot be recorded or
    /// the node is over, what `as_accepted` says, as every repeat will be answered.
    ///
    /// # Errors
    /// 33105 where nobody knows whether the record is on disk. Under the same key the client learns it once the process
    /// is started again.
    pub(crate) async fn record_answer(
        &self,
        key: &RequestKey,
        record: String,
        body: String,
        as_accepted: impl FnOnce() -> String,
    ) -> Result<String, Refusal> {
        match self.store.record_answer(self.node.epoch(), key, record).await {
            Ok(()) => Ok(body),
            Err(error @ StoreError::Failed(_)) => {
                Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(RETRY_AFTER).caused_by(error))
            }
            Err(error) => {
                if let Some(Line { left_out }) = self.unrecorded_lines.line(self.runtime.instant()) {
                    tracing::warn!(%error, left_out, "The answer under an idempotency key could not be recorded, so \
                        that its client hears that the request is queued: {error}");
                }
                Ok(as_accepted())
            }
        }
    }
}
