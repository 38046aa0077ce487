//! Admission: whether a request becomes a message.
//!
//! In comes a request of an authenticated, unhurried caller; out goes a durable message or the first reason against it.
//! The lines of `Admission::decide` are the order in which a client learns of a problem: pure checks, then what the
//! platform knows, then the network, then the one write.

mod broadcast;
mod commit;
mod in_force;
mod launch;
mod parse;
mod payload;
mod recipients;
mod reference;
mod replay;
mod screen;
pub(crate) mod standing;
mod under_way;
mod variables;
mod worded;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use model::error::Refusal;
use model::idempotency::Endpoint;
use model::message::{Direction, Message};
use model::sampler::Sampler;
use model::{CarrierName, ClientReference, Entropy, Media, MessageId, Mint, SenderKinds, Timestamp, Validity};
use runtime::Runtime;
use screening::Screen;
use store::Store;
use tokio::sync::watch;

use crate::counters::Counters;
use crate::dispatch::Dispatchers;
use crate::media::Shelf;
use crate::node::Node;
use crate::refusal::draining;
use crate::route::Routes;
use crate::tenants::{Caller, TenantBook};
use crate::watch::{BroadcastWaiters, MessageWaiters};
pub use broadcast::BroadcastRequest;
pub(crate) use commit::Accepted;
pub(crate) use in_force::InForce;
use parse::{Draft, Parsed, time_to_leave};
use payload::Outbound;
pub use recipients::{RecipientList, Variables};
pub(crate) use reference::References;
use replay::with_text;
pub(crate) use under_way::UnderWay;
use wire::text::LooseText;

/// `POST /message` as the client sent it: every field as it stands, none of them checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendRequest {
    /// The recipient.
    pub to: Option<String>,
    /// The originator.
    pub from: Option<String>,
    /// The text.
    pub body: Option<LooseText>,
    /// Where the media is.
    pub media_url: Option<String>,
    /// `SMS` or `MMS`.
    pub message_type: Option<String>,
    /// The client's own name for it.
    pub reference: Option<ClientReference>,
    /// When it is to leave.
    pub send_at: Option<Timestamp>,
    /// How long the message is worth sending from then on; the operator's bound where the client says nothing.
    pub validity: Option<Validity>,
    /// Where the client wants to hear of the status: a URL that [`crate::Webhooks::check_callback`] lets pass.
    pub status_callback: Option<Arc<str>>,
    /// The idempotency key, from the body or the header.
    pub idempotency_key: Option<String>,
    /// The message of which it is a copy; never the client's word.
    pub again: Option<MessageId>,
    /// The carrier that gets the message first, in the place of the first of its route; never the client's word.
    pub carrier: Option<CarrierName>,
}

/// The bounds that the operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// The longest SMS body, in Unicode scalar values.
    pub sms_characters_max: usize,
    /// The longest MMS body, likewise.
    pub mms_characters_max: usize,
    /// The most recipients of a broadcast.
    pub recipients_max: usize,
    /// How long a message is worth sending.
    pub validity: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency: Duration,
    /// The kinds of senders that clients may use.
    pub sender_kinds: SenderKinds,
}

#[cfg(test)]
impl AdmissionLimits {
    /// Limits that let nothing pass but what every limit lets pass.
    pub(crate) const SMALLEST: Self = Self {
        sms_characters_max: 1,
        mms_characters_max: 1,
        recipients_max: 1,
        validity: Duration::ZERO,
        idempotency: Duration::ZERO,
        sender_kinds: SenderKinds::NUMBERS,
    };
}

/// All that admission asks of its surroundings.
pub(crate) struct Admission {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: Arc<Node>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) limits: Arc<InForce>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) references: Arc<References>,
    pub(crate) screen: RwLock<Arc<Screen>>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) mint: Arc<Mint>,
    pub(crate) waiters: Arc<MessageWaiters>,
    pub(crate) broadcast_waiters: Arc<BroadcastWaiters>,
    pub(crate) counters: Arc<Counters>,
    /// Log lines about answers that could not be recorded: on a full disk each request can cause one.
    pub(crate) unrecorded_lines: Sampler,
    /// Turns true when the process ends.
    pub(crate) stopped: watch::Receiver<bool>,
}

impl Admission {
    /// What `POST /message` asks of admission, check by check. `name` gives the message its id once it is to be
    /// written.
    pub(crate) async fn decide(
        &self,
        caller: &Caller,
        request: SendRequest,
        under_way: &mut UnderWay<'_>,
        name: impl FnOnce(Timestamp) -> MessageId + Send,
    ) -> Result<Accepted<Message>, Refusal> {
        let (now, again) = (self.runtime.now(), request.again);
        let parsed = Parsed::check(request, self.limits.get().sender_kinds)?; // 33005 33006 33003 33106
        let (key, carrier) = (parsed.idempotency_key.clone(), parsed.carrier.clone());
        let claim = key.map(|key| self.claim(Endpoint::Message, key, parsed.fingerprint(), now));
        if let Some(replay) = self.begin::<Outbound>(caller, claim, parsed.media_url.is_some(), under_way).await? {
            let (body, media_url) = (parsed.body.as_ref().map(LooseText::as_str), parsed.media_url.as_deref());
            return Ok(Accepted::Replayed(with_text(replay, body, media_url))); // 33013
        }
        let send_at = time_to_leave(parsed.send_at, now)?; // 33100
        let draft = Draft::check(parsed, &self.limits.get())?; // 33016 33107
        self.tenants.check_sender(caller.account, draft.originator)?; // 33008 33004 33009 33011
        self.tenants.check_recipient(caller.owner(), draft.originator, draft.recipient)?; // 33010
        let flagged = self.screen(caller, draft.originator, draft.body.as_ref(), now).await?; // 33019
        let media = self.media(caller, draft.media_url.as_deref()).await?; // 33018 33017 33014 33015
        // Media take their time, and the message begins its life when it is written.
        let now = self.runtime.now();
        let message = Arc::new(self.message(caller, draft, name(now), (now, send_at)));
        self.commit(caller, (message, carrier), media, under_way, (flagged, again)).await // 33012 33013 33007
    }

    /// What a URL points to, if there is one.
    async fn media(&self, caller: &Caller, url: Option<&str>) -> Result<Option<Media>, Refusal> {
        let Some(url) = url else { return Ok(None) };
        let mut stopped = self.stopped.clone();
        tokio::select! {
            biased;
            // A process that ends does not wait for a slow server: nothing has been promised yet.
            _ = stopped.wait_for(|stopped| *stopped) => Err(draining()),
            fetched = self.shelf.fetch(caller.owner(), url) => fetched.map(Some),
        }
    }

    /// The message, which is accepted now and leaves at once or at its time.
    fn message(
        &self,
        caller: &Caller,
        draft: Draft,
        id: MessageId,
        (now, send_at): (Timestamp, Option<Timestamp>),
    ) -> Message {
        let validity = draft.validity.map_or(self.limits.get().validity, Validity::duration);
        Message {
            id,
            account: caller.account,
            broadcast: None,
            direction: Direction::Outbound,
            mode: caller.mode,
            kind: draft.kind,
            reference: self.references.next(draft.originator, draft.recipient),
            client_reference: draft.reference,
            automatic: None,
            status_callback: draft.status_callback,
            originator: draft.originator,
            recipient: draft.recipient,
            body: draft.body,
            media_url: draft.media_url,
            media: None,
            encoding: draft.encoding,
            segments: draft.segments,
            created_at: now,
            send_at,
            expires_at: send_at.unwrap_or(now) + validity,
        }
    }
}
