//! What a request makes, on its way to the store: a message, or a broadcast and its recipients.

use std::sync::Arc;

use model::error::Refusal;
use model::variables::Values;
use model::{Broadcast, CarrierName, MediaId, Message, Owner, Recipients, Screened, Timestamp};
use store::contract::admission::{
    Admission as Envelope, Admitted, Earlier, IdempotencyClaim, NewBroadcast, NewMessage,
};
use store::{Store, StoreError};

use super::Admission;
use super::worded::Worded;
use crate::refusal::refused_by_store;
use crate::route::{Carriers, Subject};

/// A message, or a broadcast and its recipients.
pub(super) trait Payload: Send + Sync + Sized {
    /// What is made.
    type Made: Worded + Send + Sync;

    /// The time of its acceptance.
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

    /// Its text, and the address of its media.
    fn text(&self) -> (Option<&str>, Option<&str>);

    /// What it is once it is on disk.
    fn made(self) -> Arc<Self::Made>;

    /// What a repeat of its request is answered.
    fn earlier(
        store: &dyn Store,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> impl Future<Output = Result<Option<Earlier<Self::Made>>, StoreError>> + Send;
}

/// A message, and the carrier that the operator names in the place of the first of its route.
pub(super) type Outbound = (Arc<Message>, Option<CarrierName>);

impl Payload for Outbound {
    type Made = Message;

    fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    fn screened(&self) -> Screened {
        Screened::Message(self.0.id)
    }

    fn carry(&mut self, media: Option<MediaId>) {
        Arc::make_mut(&mut self.0).media = media;
    }

    /// What is accepted goes straight to its dispatcher where that one has room; otherwise it is found in the store, as
    /// what leaves later is.
    async fn write(&self, admission: &Admission, envelope: Envelope<()>) -> Result<Admitted<Message>, Refusal> {
        let (message, dispatchers) = (Arc::clone(&self.0), &admission.dispatchers);
        let carrier = match &self.1 {
            Some(name) => name.clone().into(),
            None => admission.routes.first(Subject::of(&message), |name| dispatchers.standing(name)),
        };
        let carrier_now = carrier.carrier().filter(|_| message.send_at.is_none());
        let place = carrier_now.and_then(|name| dispatchers.reserve(name, message.account));
        let (lease, due_at) = (place.as_ref().map(|place| place.lease()), admission.runtime.steady());
        let envelope = envelope.with(NewMessage { message, carrier, lease, due_at });
        let admitted = admission.store.admit(envelope).await.map_err(refused_by_store)?;
        if let (Admitted::New, Some(place)) = (&admitted, place) {
            place.fill(Arc::clone(&self.0));
        }
        Ok(admitted)
    }

    fn text(&self) -> (Option<&str>, Option<&str>) {
        (self.0.body.as_deref(), self.0.media_url.as_deref())
    }

    fn made(self) -> Arc<Message> {
        self.0
    }

    async fn earlier(
        store: &dyn Store,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Message>>, StoreError> {
        store.replay(owner, claim).await
    }
}

impl Payload for (Arc<Broadcast>, Recipients, Vec<Values>) {
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
        let (broadcast, recipients, values) = self.clone();
        let payload = NewBroadcast { broadcast, recipients, values };
        admission.store.admit_broadcast(envelope.with(payload)).await.map_err(refused_by_store)
    }

    fn text(&self) -> (Option<&str>, Option<&str>) {
        (self.0.body.as_deref(), self.0.media_url.as_deref())
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
