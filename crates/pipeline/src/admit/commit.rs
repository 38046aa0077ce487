//! The one write of an admission: what was decided becomes durable, with its media in their place before it.

use std::sync::Arc;

use model::error::{ErrorCode, Refusal};
use model::quota::UtcDay;
use model::{Broadcast, Media, MediaId, Message, Owner, Recipients, Screened, ScreeningRecord, Timestamp};
use store::contract::admission::{
    Admission as Envelope, Admitted, Earlier, IdempotencyClaim, NewBroadcast, NewMessage, Quota, Replay,
};
use store::contract::requests::RequestKey;
use store::{Store, StoreError};

use super::replay::replayed;
use super::{Admission, UnderWay};
use crate::refusal::refused_by_store;
use crate::route::{Carriers, Subject};
use crate::tenants::Caller;

/// What admission makes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accepted<T> {
    /// Something that is on disk and will be sent, and the idempotency key of its request.
    New(Arc<T>, Option<RequestKey>),
    /// The answer given before, which changes no more.
    Replayed(Replay<T>),
}

/// What a request makes, on its way to the store: a message, or a broadcast and its recipients.
pub(super) trait Payload: Send + Sync + Sized {
    /// What is made.
    type Made: Send + Sync;

    /// When it was accepted.
    fn created_at(&self) -> Timestamp;

    /// What a record of the screen is about.
    fn screened(&self) -> Screened;

    /// Names the media that it carries.
    fn carry(&mut self, media: Option<MediaId>);

    /// Writes it.
    fn write(
        &self,
        admission: &Admission,
        envelope: Envelope<()>,
    ) -> impl Future<Output = Result<Admitted<Self::Made>, Refusal>> + Send;

    /// What it is once it is on disk.
    fn made(self) -> Arc<Self::Made>;

    /// What a repeat of its request is answered.
    fn earlier(
        store: &dyn Store,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> impl Future<Output = Result<Option<Earlier<Self::Made>>, StoreError>> + Send;
}

impl Admission {
    /// Places the media and writes.
    pub(super) async fn commit<P: Payload>(
        &self,
        caller: &Caller,
        mut payload: P,
        media: Option<Media>,
        under_way: &mut UnderWay<'_>,
        flagged: Option<ScreeningRecord>,
    ) -> Result<Accepted<P::Made>, Refusal> {
        let now = payload.created_at();
        let quota = Quota { day: UtcDay::of(now), limit: caller.limits.daily_quota };
        let flagged = flagged.map(|flagged| ScreeningRecord { about: Some(payload.screened()), ..flagged });
        let mut placed = self.shelf.place(media.as_ref()).await?;
        loop {
            payload.carry(placed.id);
            let envelope = Envelope {
                node: self.node.epoch(),
                payload: (),
                quota,
                idempotency: under_way.claim().cloned(),
                flagged: flagged.clone(),
                media: placed.brought.clone(),
            };
            let admitted = payload.write(self, envelope).await?;
            if !matches!(admitted, Admitted::New) {
                self.shelf.take_back(&placed).await;
            }
            return match admitted {
                Admitted::New => Ok(Accepted::New(payload.made(), under_way.admitted(caller))),
                Admitted::Earlier(earlier) => replayed(earlier).map(Accepted::Replayed),
                Admitted::QuotaReached => {
                    Err(Refusal::new(ErrorCode::DailyQuotaReached).with_retry_after(quota.day.time_left(now)))
                }
                Admitted::MediaGone => {
                    placed = self.shelf.place_again(media.as_ref()).await?;
                    continue;
                }
            };
        }
    }
}

impl Payload for Arc<Message> {
    type Made = Message;

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn screened(&self) -> Screened {
        Screened::Message(self.id)
    }

    fn carry(&mut self, media: Option<MediaId>) {
        Self::make_mut(self).media = media;
    }

    /// What is accepted goes straight to its dispatcher where that one has room; otherwise it is found in the store.
    async fn write(&self, admission: &Admission, envelope: Envelope<()>) -> Result<Admitted<Message>, Refusal> {
        let (message, dispatchers) = (Self::clone(self), &admission.dispatchers);
        let carrier = admission.routes.first(Subject::of(&message), |name| dispatchers.standing(name));
        let place = carrier.carrier().and_then(|name| dispatchers.reserve(name, message.account));
        let (lease, due_at) = (place.as_ref().map(|place| place.lease()), admission.runtime.steady());
        let envelope = envelope.with(NewMessage { message, carrier, lease, due_at });
        let admitted = admission.store.admit(envelope).await.map_err(refused_by_store)?;
        if let (Admitted::New, Some(place)) = (&admitted, place) {
            place.fill(Self::clone(self));
        }
        Ok(admitted)
    }

    fn made(self) -> Self {
        self
    }

    async fn earlier(
        store: &dyn Store,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Message>>, StoreError> {
        store.replay(owner, claim).await
    }
}

impl Payload for (Arc<Broadcast>, Recipients) {
    type Made = Broadcast;

    fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    fn screened(&self) -> Screened {
        Screened::Broadcast(self.0.id)
    }

    fn carry(&mut self, media: Option<MediaId>) {
        Arc::make_mut(&mut self.0).media = media;
    }

    async fn write(&self, admission: &Admission, envelope: Envelope<()>) -> Result<Admitted<Broadcast>, Refusal> {
        let payload = NewBroadcast { broadcast: Arc::clone(&self.0), recipients: self.1.clone() };
        admission.store.admit_broadcast(envelope.with(payload)).await.map_err(refused_by_store)
    }

    fn made(self) -> Arc<Broadcast> {
        self.0
    }

    async fn earlier(
        store: &dyn Store,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Broadcast>>, StoreError> {
        store.replay_broadcast(owner, claim).await
    }
}
