//! Admission: whether a request becomes a message.
//!
//! In comes a request of an authenticated, unhurried caller; out goes a durable message or the first reason against it.
//! The lines of `Admission::decide` are the order in which a client learns of a problem: pure checks, then what the
//! platform knows, then the network, then the one write.

mod broadcast;
mod in_force;
mod parse;
mod recipients;
mod reference;
mod replay;
mod screen;
pub(crate) mod standing;
mod under_way;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use model::error::{ErrorCode, Refusal};
use model::message::{Direction, Message, MessageType};
use model::quota::UtcDay;
use model::sampler::Sampler;
use model::{Entropy, Media, MessageId, Mint, Mode, Msisdn, Screened, ScreeningRecord, Timestamp};
use runtime::Runtime;
use screening::Screen;
use store::Store;
use store::contract::messages::{Admission as Write, Admitted, Quota, Replay};
use store::contract::requests::RequestKey;
use tokio::sync::watch;

use crate::counters::Counters;
use crate::dispatch::Dispatchers;
use crate::media::Shelf;
use crate::node::Node;
use crate::refusal::{draining, refused_by_store};
use crate::route::Routes;
use crate::tenants::{Caller, TenantBook};
use crate::watch::{BroadcastWaiters, MessageWaiters};
pub use broadcast::{BroadcastAccepted, BroadcastRequest};
pub(crate) use in_force::InForce;
use parse::{Draft, Parsed};
pub use recipients::RecipientList;
pub(crate) use reference::References;
use replay::{restore, with_text};
pub(crate) use under_way::UnderWay;
use wire::text::LooseText;

/// The name of the carrier that test keys reach, and no route does.
pub const SANDBOX: &str = "sandbox";

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
    /// The idempotency key, from the body or the header.
    pub idempotency_key: Option<String>,
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
}

/// What admission makes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A message that is on disk and will be submitted, and the idempotency key of its request.
    New(Arc<Message>, Option<RequestKey>),
    /// The answer given before, which changes no more.
    Replayed(Replay),
}

/// All that admission asks of its surroundings.
pub(crate) struct Admission {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: Arc<Node>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) limits: InForce,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) references: Arc<References>,
    pub(crate) screen: RwLock<Arc<Screen>>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) mint: Mint,
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
    ) -> Result<Accepted, Refusal> {
        let now = self.runtime.now();
        let parsed = Parsed::check(request)?; // 33005 33006 33003 33106
        let is_first = under_way.begin(caller, self.claim(&parsed, now), parsed.media_url.is_some()).await?;
        if let Some(replay) = self.replay(caller, under_way.claim()).await? {
            return Ok(Accepted::Replayed(with_text(replay, &parsed))); // 33013
        }
        if !is_first {
            return Err(ErrorCode::DuplicateIdempotencyKey.into()); // 33013
        }
        let draft = Draft::check(parsed, &self.limits.get())?; // 33016 33107
        self.tenants.check_sender(caller.account, &draft.originator)?; // 33008 33004 33009 33011
        self.tenants.check_recipient(caller.account, &draft.recipient)?; // 33010
        let flagged = self.screen(caller, &draft.originator, draft.body.as_ref(), now).await?; // 33019
        let media = self.media(caller, draft.media_url.as_deref()).await?; // 33018 33017 33014 33015
        // Media take their time, and the message begins its life when it is written.
        let now = self.runtime.now();
        let message = self.message(caller, draft, name(now), now);
        self.commit(caller, message, media, under_way, flagged, now).await // 33012 33013 33007
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

    fn message(&self, caller: &Caller, draft: Draft, id: MessageId, now: Timestamp) -> Message {
        Message {
            id,
            account: caller.account,
            broadcast: None,
            direction: Direction::Outbound,
            mode: caller.mode,
            kind: draft.kind,
            reference: self.references.next(&draft.originator, &draft.recipient),
            originator: draft.originator,
            recipient: draft.recipient,
            body: draft.body,
            media_url: draft.media_url,
            media: None,
            encoding: draft.encoding,
            segments: draft.segments,
            created_at: now,
            expires_at: now + self.limits.get().validity,
        }
    }

    /// The one write, with the media in their place before it.
    async fn commit(
        &self,
        caller: &Caller,
        message: Message,
        media: Option<Media>,
        under_way: &mut UnderWay<'_>,
        flagged: Option<ScreeningRecord>,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        let day = UtcDay::of(now);
        let flagged = flagged.map(|flagged| ScreeningRecord { about: Some(Screened::Message(message.id)), ..flagged });
        let mut message = Arc::new(message);
        let mut placed = self.shelf.place(media.as_ref()).await?;
        loop {
            Arc::make_mut(&mut message).media = placed.id;
            let admission = Write {
                node: self.node.epoch(),
                message: Arc::clone(&message),
                carrier: first_carrier(&self.routes, &self.dispatchers, message.mode, &message.recipient, message.kind)
                    .to_owned(),
                lease: None,
                due_at: self.runtime.steady(),
                quota: Quota { day, limit: caller.limits.daily_quota },
                idempotency: under_way.claim().cloned(),
                flagged: flagged.clone(),
                media: placed.brought.clone(),
            };
            let admitted = self.admit(admission).await?;
            if !matches!(admitted, Admitted::New) {
                self.shelf.take_back(&placed).await;
            }
            return match admitted {
                Admitted::New => Ok(Accepted::New(message, under_way.admitted(caller))),
                Admitted::Replayed(mut replay) => {
                    restore(&mut replay.message, message.body.as_ref(), message.media_url.as_ref());
                    Ok(Accepted::Replayed(replay))
                }
                Admitted::KeyTaken | Admitted::UnderWay => Err(ErrorCode::DuplicateIdempotencyKey.into()),
                Admitted::QuotaReached => {
                    Err(Refusal::new(ErrorCode::DailyQuotaReached).with_retry_after(day.time_left(now)))
                }
                Admitted::MediaGone => {
                    placed = self.shelf.place_again(media.as_ref()).await?;
                    continue;
                }
            };
        }
    }

    /// Writes. What is accepted goes straight to its dispatcher where that one has room; otherwise it is found in the
    /// store.
    async fn admit(&self, admission: Write) -> Result<Admitted, Refusal> {
        let message = Arc::clone(&admission.message);
        let place = self.dispatchers.reserve(&admission.carrier, message.account);
        let admission = Write { lease: place.as_ref().map(|place| place.lease()), ..admission };
        let admitted = self.store.admit(admission).await.map_err(refused_by_store)?;
        if let (Admitted::New, Some(place)) = (&admitted, place) {
            place.fill(message);
        }
        Ok(admitted)
    }
}

/// The carrier that a message goes to first: the first of its route that has not been down for long. Empty where no
/// route leads anywhere.
pub(crate) fn first_carrier<'a>(
    routes: &'a Routes,
    dispatchers: &Dispatchers,
    mode: Mode,
    recipient: &Msisdn,
    kind: MessageType,
) -> &'a str {
    match mode {
        Mode::Test => SANDBOX,
        Mode::Live => {
            routes.find(recipient, kind).and_then(|route| dispatchers.first_usable(&route.carriers)).unwrap_or_default()
        }
    }
}
