//! Idempotency: a repeat is answered as its first request was.
//!
//! An answer that is not simply that of a queued message, because its client waited, is recorded before the client gets it. Until then a repeat is refused (33013): the first
//! request stands in [`Waiters`](crate::watch::Waiters) from before its message is written until its answer is recorded. A client that hangs up changes nothing about that.

use model::error::{ErrorCode, Refusal};
use model::idempotency::{Endpoint, IdempotencyKey};
use model::sampler::Line;
use model::{Owner, Timestamp};
use store::StoreError;
use store::contract::broadcasts::{BroadcastAdmitted, BroadcastReplay};
use store::contract::messages::{Admitted, IdempotencyClaim, Replay};

use super::Admission;
use super::parse::Parsed;
use super::under_way::UnderWay;
use crate::refusal::{RETRY_AFTER, refused_by_store};
use crate::tenants::Caller;

impl Admission {
    /// Keeps others from using the same key while media are fetched. Begun before the answers that were given are looked at, and judged after: what ends in between has its
    /// answer there, and many may ask for that at once.
    pub(super) fn begin(&self, caller: &Caller, claim: Option<&IdempotencyClaim>, media_url: Option<&String>) -> Result<Option<UnderWay>, Refusal> {
        match (claim, media_url) {
            (None, _) => Ok(None),
            (Some(claim), Some(_)) => self.keys.begin(caller.owner(), claim.endpoint, &claim.key).map(Some),
            // It is written at once.
            (Some(claim), None) => self.keys.check(caller.owner(), claim.endpoint, &claim.key).map(|()| None),
        }
    }

    pub(super) fn claim(&self, parsed: &Parsed, now: Timestamp) -> Option<IdempotencyClaim> {
        let key = parsed.idempotency_key.clone()?;
        Some(IdempotencyClaim { endpoint: Endpoint::Message, key, fingerprint: parsed.fingerprint(), not_before: now - self.limits.get().idempotency })
    }

    /// The answer that the first request under this claim was given; `None` where this is the first.
    pub(super) async fn replay(&self, caller: &Caller, claim: Option<&IdempotencyClaim>) -> Result<Option<Replay>, Refusal> {
        let Some(claim) = claim else { return Ok(None) };
        match self.store.replay(caller.owner(), claim).await.map_err(refused_by_store)? {
            Some(Admitted::Replayed(replay)) => self.settled(caller, claim, replay).await.map(Some),
            Some(Admitted::KeyTaken) => Err(ErrorCode::DuplicateIdempotencyKey.into()),
            Some(Admitted::New | Admitted::QuotaReached | Admitted::MediaGone) | None => Ok(None),
        }
    }

    /// A replay with its final answer.
    pub(super) async fn settled(&self, caller: &Caller, claim: &IdempotencyClaim, replay: Replay) -> Result<Replay, Refusal> {
        let (has_answer, waits) = (replay.answer.is_some(), || self.waiters.has(&replay.message.id));
        let again = settled(has_answer, waits, self.store.replay(caller.owner(), claim)).await?;
        Ok(if let Some(Admitted::Replayed(settled)) = again { settled } else { replay })
    }

    /// The same of a broadcast: what the first request under this claim was answered.
    pub(super) async fn broadcast_replay(&self, caller: &Caller, claim: Option<&IdempotencyClaim>) -> Result<Option<BroadcastReplay>, Refusal> {
        let Some(claim) = claim else { return Ok(None) };
        match self.store.replay_broadcast(caller.owner(), claim).await.map_err(refused_by_store)? {
            Some(BroadcastAdmitted::Replayed(replay)) => self.broadcast_settled(caller, claim, replay).await.map(Some),
            Some(BroadcastAdmitted::KeyTaken) => Err(ErrorCode::DuplicateIdempotencyKey.into()),
            Some(BroadcastAdmitted::New | BroadcastAdmitted::QuotaReached | BroadcastAdmitted::MediaGone) | None => Ok(None),
        }
    }

    /// A replay of a broadcast with its final answer.
    pub(super) async fn broadcast_settled(&self, caller: &Caller, claim: &IdempotencyClaim, replay: BroadcastReplay) -> Result<BroadcastReplay, Refusal> {
        let (has_answer, waits) = (replay.answer.is_some(), || self.broadcast_waiters.has(&replay.broadcast.id));
        let again = settled(has_answer, waits, self.store.replay_broadcast(caller.owner(), claim)).await?;
        Ok(if let Some(BroadcastAdmitted::Replayed(settled)) = again { settled } else { replay })
    }

    /// Records what a request is about to be answered, where it has a key and the answer is not that of a queued message or a new broadcast. Returns what the client
    /// is answered: `body`, or, where that cannot be recorded, what `as_accepted` says, as every repeat will be answered.
    ///
    /// # Errors
    /// 33105 where nobody knows whether the record is on disk. Under the same key the client learns it once the process is started again.
    pub(crate) async fn record_answer(
        &self,
        owner: Owner,
        endpoint: Endpoint,
        key: &IdempotencyKey,
        body: String,
        as_accepted: impl FnOnce() -> String,
    ) -> Result<String, Refusal> {
        match self.store.record_answer(owner, endpoint, key, body.clone()).await {
            Ok(()) => Ok(body),
            Err(error @ StoreError::Failed(_)) => Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(RETRY_AFTER).caused_by(error)),
            Err(error) => {
                if let Some(Line { left_out }) = self.unrecorded_lines.line(self.runtime.instant()) {
                    tracing::warn!(%error, left_out, "The answer under an idempotency key could not be recorded, so that its client hears that the request is queued: {error}");
                }
                Ok(as_accepted())
            }
        }
    }
}

/// What is on record now, where the record that was read may be older than the answer; `None` where it has its final answer.
///
/// # Errors
/// 33013 while the first request still waits.
async fn settled<T>(
    has_answer: bool,
    waits: impl FnOnce() -> bool,
    read_again: impl Future<Output = Result<Option<T>, StoreError>>,
) -> Result<Option<T>, Refusal> {
    if has_answer {
        return Ok(None);
    }
    if waits() {
        return Err(ErrorCode::DuplicateIdempotencyKey.into());
    }
    // The first request does not wait any more, so that its answer, if it recorded one, is there now.
    read_again.await.map_err(refused_by_store)
}
