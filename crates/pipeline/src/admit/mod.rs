//! Admission: whether a request becomes a message.
//!
//! In comes a request of an authenticated, unhurried caller; out goes a durable message or the first reason against it.
//! The lines of `Admission::decide` are the order in which a client learns of a problem: pure checks, then what the platform
//! knows, then the network, then the one write.

mod broadcast;
mod parse;
mod recipients;
mod reference;
mod screen;

use std::sync::Arc;
use std::time::Duration;

use model::error::{ErrorCode, Refusal};
use model::idempotency::{Endpoint, IdempotencyKey};
use model::message::{Direction, Message, MessageType};
use model::quota::UtcDay;
use model::{Clock, Entropy, MessageId, Mode, Msisdn, Screened, ScreeningRecord, Timestamp};
use screening::Screen;
use store::contract::messages::{Admission as Write, Admitted, IdempotencyClaim, Quota, Replay};
use store::{Store, StoreError};

use crate::counters::Counters;
use crate::dispatch::Dispatchers;
use crate::route::Routes;
use crate::tenants::{Caller, TenantBook};
pub use broadcast::{BroadcastAccepted, BroadcastRequest};
use parse::{Draft, Parsed};
pub use recipients::RecipientList;
use reference::References;

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
    pub body: Option<String>,
    /// Where the media is.
    pub media_url: Option<String>,
    /// `SMS` or `MMS`.
    pub message_type: Option<String>,
    /// The idempotency key, from the body or the header.
    pub idempotency_key: Option<String>,
}

/// The bounds that the operator sets.
#[derive(Clone, Debug)]
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
    /// A message that is on disk and will be submitted.
    New(Arc<Message>),
    /// The answer given before.
    Replayed(Replay),
}

/// All that admission asks of its surroundings.
pub(crate) struct Admission {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) limits: AdmissionLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) references: References,
    pub(crate) screen: Arc<Screen>,
    pub(crate) counters: Arc<Counters>,
}

impl Admission {
    /// What `POST /message` asks of admission, check by check. `id` is the message's, should there be one.
    pub(crate) async fn decide(&self, caller: &Caller, request: SendRequest, id: MessageId) -> Result<Accepted, Refusal> {
        let now = self.clock.now();
        let parsed = Parsed::check(request)?; // 33005 33006 33003 33106
        let claim = self.claim(&parsed, now);
        if let Some(replay) = self.replay(caller, claim.as_ref()).await? {
            return Ok(Accepted::Replayed(replay)); // 33013
        }
        let draft = Draft::check(parsed, &self.limits)?; // 33016 33107
        self.tenants.check_sender(caller.account, &draft.originator)?; // 33008 33004 33009 33011
        self.tenants.check_recipient(caller.account, &draft.recipient)?; // 33010
        let flagged = self.screen(caller, &draft.originator, draft.body.as_ref(), Screened::Message(id), now).await?; // 33019
        if draft.kind == MessageType::Mms {
            return Err(Refusal::new(ErrorCode::MessageSendFailed).caused_by("no carrier takes MMS"));
        }
        let message = Arc::new(self.message(caller, draft, id, now));
        self.commit(caller, message, claim, flagged, now).await // 33012 33013 33007
    }

    fn claim(&self, parsed: &Parsed, now: Timestamp) -> Option<IdempotencyClaim> {
        let key = parsed.idempotency_key.clone()?;
        Some(IdempotencyClaim { endpoint: Endpoint::Message, key, fingerprint: parsed.fingerprint(), not_before: now - self.limits.idempotency })
    }

    async fn replay(&self, caller: &Caller, claim: Option<&IdempotencyClaim>) -> Result<Option<Replay>, Refusal> {
        let Some(claim) = claim else { return Ok(None) };
        match self.store.replay(caller.account, claim).await.map_err(refused_by_store)? {
            Some(Admitted::Replayed(replay)) => Ok(Some(replay)),
            Some(Admitted::KeyTaken) => Err(ErrorCode::DuplicateIdempotencyKey.into()),
            Some(Admitted::New | Admitted::QuotaReached) | None => Ok(None),
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
            reference: if draft.segments > 1 { self.references.next(&draft.originator, &draft.recipient, &*self.entropy) } else { 0 },
            originator: draft.originator,
            recipient: draft.recipient,
            body: draft.body,
            media_url: None,
            encoding: draft.encoding,
            segments: draft.segments,
            created_at: now,
            expires_at: now + self.limits.validity,
        }
    }

    /// The one write. What is accepted goes straight to its dispatcher where that one has room; otherwise it is found in the store.
    async fn commit(
        &self,
        caller: &Caller,
        message: Arc<Message>,
        idempotency: Option<IdempotencyClaim>,
        flagged: Option<ScreeningRecord>,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        let carrier = first_carrier(&self.routes, message.mode, &message.recipient, message.kind).to_owned();
        let place = self.dispatchers.reserve(&carrier, message.account, now);
        let day = UtcDay::of(now);
        let admission = Write {
            message: Arc::clone(&message),
            carrier,
            lease: place.as_ref().map(|place| place.lease()),
            quota: Quota { day, limit: caller.limits.daily_quota },
            idempotency,
            flagged,
        };
        match self.store.admit(admission).await.map_err(refused_by_store)? {
            Admitted::New => {
                if let Some(place) = place {
                    place.fill(Arc::clone(&message));
                }
                Ok(Accepted::New(message))
            }
            Admitted::Replayed(replay) => Ok(Accepted::Replayed(replay)),
            Admitted::KeyTaken => Err(ErrorCode::DuplicateIdempotencyKey.into()),
            Admitted::QuotaReached => Err(Refusal::new(ErrorCode::DailyQuotaReached).with_retry_after(day.time_left(now))),
        }
    }

    /// Notes what a request with a key was answered, where the answer was not the queued message or broadcast.
    pub(crate) async fn record_answer(&self, caller: &Caller, endpoint: Endpoint, key: &IdempotencyKey, body: String) -> Result<(), Refusal> {
        self.store.record_answer(caller.account, endpoint, key, body).await.map_err(refused_by_store)
    }
}

/// The carrier that a message goes to first; empty where no route leads anywhere.
pub(crate) fn first_carrier<'a>(routes: &'a Routes, mode: Mode, recipient: &Msisdn, kind: MessageType) -> &'a str {
    match mode {
        Mode::Test => SANDBOX,
        Mode::Live => routes.find(recipient, kind).and_then(|route| route.carriers.first()).map_or("", String::as_str),
    }
}

/// What a client is told when the store did not do what it was asked.
pub fn refused_by_store(error: StoreError) -> Refusal {
    match error {
        StoreError::Unavailable(_) => Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(RETRY_AFTER).caused_by(error),
        StoreError::Failed(_) => Refusal::new(ErrorCode::MessageSendFailed).caused_by(error),
        StoreError::Refused(_) | StoreError::AlreadyExists | StoreError::NotFound => Refusal::new(ErrorCode::UnexpectedError).caused_by(error),
    }
}

/// How soon a client may try again what the store could not take.
const RETRY_AFTER: Duration = Duration::from_secs(2);
