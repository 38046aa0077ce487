//! Idempotency: a repeat is answered as its first request was.
//!
//! An answer that is not simply that of a queued message, because its client waited, is recorded before the client gets
//! it. Until then a repeat is refused (33013), since the first request holds its key from its admission until its
//! answer is recorded ([`under_way`](super::under_way)). A client that hangs up changes nothing about that.
//!
//! The text of a message may be removed while its key is remembered. A repeat has the same text, so that it is answered
//! with its own.

use std::sync::Arc;

use model::Timestamp;
use model::error::{ErrorCode, Refusal};
use model::idempotency::{Endpoint, Fingerprint, IdempotencyKey};
use model::sampler::Line;
use store::contract::admission::{Earlier, IdempotencyClaim, Replay};
use store::contract::requests::RequestKey;

use super::Admission;
use super::payload::Payload;
use super::under_way::UnderWay;
use super::worded::Worded;
use crate::refusal::{RETRY_AFTER, refused_by_store};
use crate::tenants::Caller;

/// What a request with this text is answered that repeats an earlier one: with its own text where that of what was made
/// is removed.
pub(super) fn with_text<T: Worded>(mut replay: Replay<T>, body: Option<&str>, media_url: Option<&str>) -> Replay<T> {
    let (known_body, known_media) = Arc::make_mut(&mut replay.made).text();
    if known_body.is_none() && known_media.is_none() {
        (*known_body, *known_media) = (body.map(Arc::from), media_url.map(str::to_owned));
    }
    replay
}

impl Admission {
    /// A request that begins. `is_awaited` says that its client waits for news.
    pub(crate) const fn under_way(&self, is_awaited: bool) -> UnderWay<'_> {
        UnderWay::new(self, is_awaited)
    }

    /// The claim of a request under `key`.
    pub(super) fn claim(
        &self,
        endpoint: Endpoint,
        key: IdempotencyKey,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> IdempotencyClaim {
        let not_before = now - self.limits.get().idempotency;
        IdempotencyClaim { endpoint, key, fingerprint, not_before, begun: false, awaited: false }
    }

    /// Begins a request under its claim, and looks whether it was answered before; `None` where this is the first.
    pub(super) async fn begin<P: Payload>(
        &self,
        caller: &Caller,
        claim: Option<IdempotencyClaim>,
        fetches_media: bool,
        under_way: &mut UnderWay<'_>,
    ) -> Result<Option<Replay<P::Made>>, Refusal> {
        let is_first = under_way.begin(caller, claim, fetches_media).await?;
        let Some(claim) = under_way.claim() else { return Ok(None) };
        match P::earlier(&*self.store, caller.owner(), claim).await.map_err(refused_by_store)? {
            Some(earlier) => replayed(earlier).map(Some),
            None if is_first => Ok(None),
            None => Err(ErrorCode::DuplicateIdempotencyKey.into()),
        }
    }

    /// Records where what a request made stands (`record`) when it is about to be answered, where it has a key and the
    /// answer is not that of a queued message or a new broadcast. Returns what the client is answered: `body`, or,
    /// where that cannot be recorded or the node is over, what `as_accepted` says, as every repeat will be answered.
    ///
    /// # Errors
    /// 33105 where the record may or may not be on disk: after a failed sync, and where other nodes share the
    /// store, whose commits may have happened although their answer was lost. Under the same key the client learns it
    /// later.
    pub(crate) async fn record_answer(
        &self,
        key: &RequestKey,
        record: String,
        body: String,
        as_accepted: impl FnOnce() -> String,
    ) -> Result<String, Refusal> {
        match self.store.record_answer(self.node.epoch(), key, record).await {
            Ok(()) => Ok(body),
            Err(error) if self.store.may_have_happened(&error) => {
                Err(Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(RETRY_AFTER).caused_by(error))
            }
            Err(error) => {
                if let Some(Line { left_out }) = self.unrecorded_lines.line(self.runtime.instant()) {
                    tracing::warn!(%error, left_out, "The answer for an idempotency key could not be recorded, so the \
                        client gets the status `queued`: {error}");
                }
                Ok(as_accepted())
            }
        }
    }
}

/// The answer that an earlier request was given, unless it was a different one or is under way (33013).
pub(super) fn replayed<T>(earlier: Earlier<T>) -> Result<Replay<T>, Refusal> {
    match earlier {
        Earlier::Replayed(replay) => Ok(replay),
        Earlier::KeyTaken | Earlier::UnderWay => Err(ErrorCode::DuplicateIdempotencyKey.into()),
    }
}
