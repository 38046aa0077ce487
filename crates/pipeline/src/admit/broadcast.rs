//! Admission of a broadcast: the checks of a message, in the same published order, over many recipients at once.

use std::sync::Arc;
use std::time::Duration;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::idempotency::{Endpoint, Fingerprint, IdempotencyKey};
use model::message::MessageType;
use model::quota::UtcDay;
use model::{Broadcast, BroadcastId, Media, Msisdn, Recipients, Screened, ScreeningRecord, Timestamp};
use store::contract::broadcasts::{BroadcastAdmission, BroadcastAdmitted, BroadcastReplay};
use store::contract::messages::{IdempotencyClaim, Quota};
use store::contract::requests::RequestKey;

use super::parse::{given, given_text, kind_of, measured, missing, number};
use super::recipients::RecipientList;
use super::replay::restore_broadcast;
use super::{Admission, UnderWay};
use crate::refusal::refused_by_store;
use crate::tenants::Caller;
use wire::text::LooseText;

/// `POST /broadcast` as the client sent it: every field as it stands, none of them checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroadcastRequest {
    /// The recipients.
    pub recipients: Option<RecipientList>,
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

/// What admission makes of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BroadcastAccepted {
    /// A broadcast that is on disk and will be sent, and the idempotency key of its request.
    New(Arc<Broadcast>, Option<RequestKey>),
    /// The answer given before, which changes no more.
    Replayed(BroadcastReplay),
}

/// How many duplicates are told.
const DUPLICATES_MAX: usize = 100;

/// How many recipients are looked up while the tenants' tables are held.
const LOOKUP: usize = 1_000;

/// A request whose fields are there and well formed. Its text has not been looked at.
struct Parsed {
    recipients: Recipients,
    originator: Msisdn,
    body: Option<LooseText>,
    media_url: Option<String>,
    kind: MessageType,
    idempotency_key: Option<IdempotencyKey>,
}

impl Admission {
    /// What `POST /broadcast` asks of admission, check by check. `name` gives the broadcast its id once it is to be
    /// written.
    pub(crate) async fn decide_broadcast(
        &self,
        caller: &Caller,
        request: BroadcastRequest,
        under_way: &mut UnderWay<'_>,
        name: impl FnOnce(Timestamp) -> BroadcastId + Send,
    ) -> Result<BroadcastAccepted, Refusal> {
        let now = self.runtime.now();
        let parsed = Parsed::check(request, self.limits.get().recipients_max)?; // 33005 33006 33003 33024 33108 33106
        let is_first = under_way.begin(caller, self.broadcast_claim(&parsed, now), parsed.media_url.is_some()).await?;
        if let Some(mut replay) = self.broadcast_replay(caller, under_way.claim()).await? {
            let body = parsed.body.as_ref().map(|body| Arc::from(body.as_str()));
            restore_broadcast(&mut replay.broadcast, body.as_ref(), parsed.media_url.as_ref());
            return Ok(BroadcastAccepted::Replayed(replay)); // 33013
        }
        if !is_first {
            return Err(ErrorCode::DuplicateIdempotencyKey.into()); // 33013
        }
        let (body, encoding, segments) = measured(parsed.body, parsed.kind, &self.limits.get())?; // 33016 33107
        self.tenants.check_sender(caller.account, &parsed.originator)?; // 33008 33004 33009 33011
        let recipients = self.not_blocked(caller, &parsed.recipients);
        let flagged = self.screen(caller, &parsed.originator, body.as_ref(), now).await?; // 33019
        let media = self.media(caller, parsed.media_url.as_deref()).await?; // 33018 33017 33014 33015
        // Media take their time, and the broadcast begins its life when it is written.
        let now = self.runtime.now();
        let total = parsed.recipients.len() as u32;
        let broadcast = Broadcast {
            id: name(now),
            account: caller.account,
            mode: caller.mode,
            kind: parsed.kind,
            expires_at: now + self.limits.get().validity + self.paced(&parsed.originator, recipients.len(), segments),
            originator: parsed.originator,
            body,
            media_url: parsed.media_url,
            media: None,
            encoding,
            segments,
            total,
            blocked: total - recipients.len() as u32,
            created_at: now,
        };
        self.commit_broadcast(caller, broadcast, recipients, media, under_way, flagged).await // 33012 33013 33007
    }

    /// The one write, with the media in their place before it.
    async fn commit_broadcast(
        &self,
        caller: &Caller,
        broadcast: Broadcast,
        recipients: Recipients,
        media: Option<Media>,
        under_way: &mut UnderWay<'_>,
        flagged: Option<ScreeningRecord>,
    ) -> Result<BroadcastAccepted, Refusal> {
        let now = broadcast.created_at;
        let flagged =
            flagged.map(|flagged| ScreeningRecord { about: Some(Screened::Broadcast(broadcast.id)), ..flagged });
        let quota = Quota { day: UtcDay::of(now), limit: caller.limits.daily_quota };
        let mut broadcast = Arc::new(broadcast);
        let mut placed = self.shelf.place(media.as_ref()).await?;
        loop {
            Arc::make_mut(&mut broadcast).media = placed.id;
            let admission = BroadcastAdmission {
                node: self.node.epoch(),
                broadcast: Arc::clone(&broadcast),
                recipients: recipients.clone(),
                quota,
                idempotency: under_way.claim().cloned(),
                flagged: flagged.clone(),
                media: placed.brought.clone(),
            };
            let admitted = self.store.admit_broadcast(admission).await.map_err(refused_by_store)?;
            if admitted != BroadcastAdmitted::New {
                self.shelf.take_back(&placed).await;
            }
            return match admitted {
                BroadcastAdmitted::New => Ok(BroadcastAccepted::New(broadcast, under_way.admitted(caller))),
                BroadcastAdmitted::Replayed(mut replay) => {
                    restore_broadcast(&mut replay.broadcast, broadcast.body.as_ref(), broadcast.media_url.as_ref());
                    Ok(BroadcastAccepted::Replayed(replay))
                }
                BroadcastAdmitted::KeyTaken | BroadcastAdmitted::UnderWay => {
                    Err(ErrorCode::DuplicateIdempotencyKey.into())
                }
                BroadcastAdmitted::QuotaReached => {
                    Err(Refusal::new(ErrorCode::DailyQuotaReached).with_retry_after(quota.day.time_left(now)))
                }
                BroadcastAdmitted::MediaGone => {
                    placed = self.shelf.place_again(media.as_ref()).await?;
                    continue;
                }
            };
        }
    }

    fn broadcast_claim(&self, parsed: &Parsed, now: Timestamp) -> Option<IdempotencyClaim> {
        let key = parsed.idempotency_key.clone()?;
        let not_before = now - self.limits.get().idempotency;
        Some(IdempotencyClaim {
            endpoint: Endpoint::Broadcast,
            key,
            fingerprint: parsed.fingerprint(),
            not_before,
            begun: false,
            awaited: false,
        })
    }

    fn not_blocked(&self, caller: &Caller, recipients: &Recipients) -> Recipients {
        let (mut sound, mut rest) = (Recipients::default(), recipients.iter());
        loop {
            let some: Vec<Msisdn> = rest.by_ref().take(LOOKUP).collect();
            if some.is_empty() {
                return sound;
            }
            let blocked = self.tenants.blocked_among(caller.account, &some);
            some.iter().zip(blocked).filter(|(_, blocked)| !blocked).for_each(|(recipient, _)| sound.push(recipient));
        }
    }

    /// How long the sender's pace makes the last recipient wait, which is no reason for their message to be too old.
    fn paced(&self, originator: &Msisdn, recipients: usize, segments: u16) -> Duration {
        let rate = self.tenants.pace_of(originator).map_or(0, |pace| u64::from(pace.get()));
        Duration::from_secs((recipients as u64 * u64::from(segments)).checked_div(rate).unwrap_or(0))
    }
}

impl Parsed {
    /// Checks presence (33005), type (33006), numbers (33003), duplicates (33024), how many there are (33108) and the
    /// idempotency key's form (33106), in this order.
    fn check(request: BroadcastRequest, recipients_max: usize) -> Result<Self, Refusal> {
        let (from, body, media_url) = (given(request.from), given_text(request.body), given(request.media_url));
        let content_missing = body.is_none() && media_url.is_none();
        let (Some(list), Some(from), false) = (&request.recipients, &from, content_missing) else {
            return Err(missing([
                ("recipients", request.recipients.is_none()),
                ("from", from.is_none()),
                ("body", content_missing),
            ]));
        };
        let kind = kind_of(request.message_type.as_deref(), media_url.is_some())?;
        if !list.invalid.is_empty() {
            let info = AdditionalInfo::InvalidRecipients(list.invalid.clone());
            return Err(Refusal::new(ErrorCode::InvalidPhoneNumber).with_info(info));
        }
        let originator = number("from", from)?;
        let duplicates = list.numbers.duplicates(DUPLICATES_MAX);
        if !duplicates.is_empty() {
            let info = AdditionalInfo::DuplicateRecipients(
                duplicates.iter().map(|number| number.as_str().to_owned()).collect(),
            );
            return Err(Refusal::new(ErrorCode::DuplicateRecipients).with_info(info));
        }
        if list.count == 0 || list.count > recipients_max {
            return Err(ErrorCode::TooManyRecipients.into());
        }
        let idempotency_key = match request.idempotency_key {
            Some(key) => Some(IdempotencyKey::parse(&key).map_err(|_| ErrorCode::InvalidIdempotencyKey)?),
            None => None,
        };
        let recipients = request.recipients.map(|list| list.numbers).unwrap_or_default();
        Ok(Self { recipients, originator, body, media_url, kind, idempotency_key })
    }

    /// What tells this request from another under the same key: its values, not how they were written.
    fn fingerprint(&self) -> Fingerprint {
        let recipients: Vec<u8> = self.recipients.as_numbers().iter().flat_map(|number| number.to_le_bytes()).collect();
        let (originator, kind) = (self.originator.as_str().as_bytes(), self.kind.as_str().as_bytes());
        let (body, media_url) =
            (self.body.as_ref().map(LooseText::to_wtf8), self.media_url.as_deref().map(str::as_bytes));
        Fingerprint::of_octets([Some(&recipients[..]), Some(originator), body.as_deref(), media_url, Some(kind)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(numbers: &[&str]) -> RecipientList {
        let mut list = RecipientList::default();
        numbers.iter().for_each(|number| list.push(number));
        list
    }

    fn request(numbers: &[&str]) -> BroadcastRequest {
        BroadcastRequest {
            recipients: Some(list(numbers)),
            from: Some("+18005550000".into()),
            body: Some("x".into()),
            ..Default::default()
        }
    }

    fn code(request: BroadcastRequest) -> Option<ErrorCode> {
        Parsed::check(request, 3).err().map(|refusal| refusal.code)
    }

    #[test]
    fn the_first_broken_rule_answers() {
        let (one, two) = ("+18005551001", "+18005551002");
        let bad_key = |request| BroadcastRequest { idempotency_key: Some("!".into()), ..request };
        assert_eq!(code(BroadcastRequest::default()), Some(ErrorCode::MissingRequiredField));
        let fax = BroadcastRequest { message_type: Some("fax".into()), ..request(&["555"]) };
        assert_eq!(code(bad_key(fax)), Some(ErrorCode::InvalidMessageType));
        assert_eq!(code(bad_key(request(&[one, one, "555", two]))), Some(ErrorCode::InvalidPhoneNumber));
        assert_eq!(
            code(bad_key(BroadcastRequest { from: Some("555".into()), ..request(&[one, one]) })),
            Some(ErrorCode::InvalidPhoneNumber)
        );
        assert_eq!(code(bad_key(request(&[one, one, two, two]))), Some(ErrorCode::DuplicateRecipients));
        assert_eq!(
            code(bad_key(request(&[one, two, "+18005551003", "+18005551004"]))),
            Some(ErrorCode::TooManyRecipients)
        );
        assert_eq!(code(bad_key(request(&[]))), Some(ErrorCode::TooManyRecipients));
        assert_eq!(code(bad_key(request(&[one]))), Some(ErrorCode::InvalidIdempotencyKey));
        assert_eq!(code(request(&[one, two, "+18005551003"])), None);
    }

    #[test]
    fn a_fingerprint_is_of_the_recipients_in_their_order() {
        let print = |numbers: &[&str]| Parsed::check(request(numbers), 3).ok().map(|parsed| parsed.fingerprint());
        assert_eq!(print(&["+18005551001", "+18005551002"]), print(&["+18005551001", "+18005551002"]));
        assert_ne!(print(&["+18005551001", "+18005551002"]), print(&["+18005551002", "+18005551001"]));
    }
}
