//! Admission of a broadcast: the checks of a message, in the same published order, over many recipients at once.

use std::sync::Arc;
use std::time::Duration;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::idempotency::{Endpoint, Fingerprint, IdempotencyKey};
use model::message::MessageType;
use model::variables::Values;
use model::{Broadcast, BroadcastId, ClientReference, Msisdn, Originator, Recipients, Timestamp, Validity};

use super::parse::{TERMS, given, given_text, kind_of, missing, sender, terms};
use super::recipients::RecipientList;
use super::replay::with_text;
use super::variables::{measured_each, values_of};
use super::{Accepted, Admission, AdmissionLimits, UnderWay};
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
    /// The client's own name for it.
    pub reference: Option<ClientReference>,
    /// How long its messages are worth sending; the operator's bound where the client says nothing, and then longer
    /// by what the sender's pace takes.
    pub validity: Option<Validity>,
    /// The idempotency key, from the body or the header.
    pub idempotency_key: Option<String>,
}

/// How many duplicates are told.
const DUPLICATES_MAX: usize = 100;

/// How many recipients are looked up while the tenants' tables are held.
const LOOKUP: usize = 1_000;

/// A request whose fields are there and well formed. Its text has not been looked at.
struct Parsed {
    recipients: Recipients,
    values: Vec<Values>,
    originator: Originator,
    body: Option<LooseText>,
    media_url: Option<String>,
    kind: MessageType,
    reference: Option<ClientReference>,
    validity: Option<Validity>,
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
    ) -> Result<Accepted<Broadcast>, Refusal> {
        let now = self.runtime.now();
        let parsed = Parsed::check(request, &self.limits.get())?; // 33005 33006 33003 33024 33108 33106
        let key = parsed.idempotency_key.clone();
        let claim = key.map(|key| self.claim(Endpoint::Broadcast, key, parsed.fingerprint(), now));
        let fetches = parsed.media_url.is_some();
        let earlier =
            self.begin::<(Arc<Broadcast>, Recipients, Vec<Values>)>(caller, claim, fetches, under_way).await?;
        if let Some(replay) = earlier {
            let (body, media_url) = (parsed.body.as_ref().map(LooseText::as_str), parsed.media_url.as_deref());
            return Ok(Accepted::Replayed(with_text(replay, body, media_url))); // 33013
        }
        let (limits, kind) = (self.limits.get(), parsed.kind);
        let (body, encoding, segments) = measured_each(parsed.body, &parsed.values, kind, &limits)?; // 33016 33107
        self.tenants.check_sender(caller.account, parsed.originator)?; // 33008 33004 33009 33011
        let texts = (body.as_ref(), &parsed.values[..]);
        let flagged = self.screen_each(caller, parsed.originator, texts, now).await?; // 33019
        let (recipients, values) = self.not_barred(caller, parsed.originator, &parsed.recipients, parsed.values);
        let media = self.media(caller, parsed.media_url.as_deref()).await?; // 33018 33017 33014 33015
        // Media take their time, and the broadcast begins its life when it is written.
        let now = self.runtime.now();
        let total = parsed.recipients.len() as u32;
        let broadcast = Broadcast {
            id: name(now),
            account: caller.account,
            mode: caller.mode,
            kind: parsed.kind,
            expires_at: now
                + match parsed.validity {
                    Some(validity) => validity.duration(),
                    None => self.limits.get().validity + self.paced(parsed.originator, recipients.len(), segments),
                },
            originator: parsed.originator,
            body,
            media_url: parsed.media_url,
            media: None,
            encoding,
            segments,
            total,
            blocked: total - recipients.len() as u32,
            created_at: now,
            client_reference: parsed.reference,
        };
        let payload = (Arc::new(broadcast), recipients, values);
        self.commit(caller, payload, media, under_way, (flagged, None)).await // 33012 33013 33007
    }

    /// The recipients that are neither blocked nor opted out, and their values, where there are any.
    fn not_barred(
        &self,
        caller: &Caller,
        originator: Originator,
        recipients: &Recipients,
        values: Vec<Values>,
    ) -> (Recipients, Vec<Values>) {
        let (mut sound, mut rest) = (Recipients::default(), recipients.iter());
        let (mut sound_values, mut values) = (Vec::with_capacity(values.len()), values.into_iter());
        loop {
            let some: Vec<Msisdn> = rest.by_ref().take(LOOKUP).collect();
            if some.is_empty() {
                return (sound, sound_values);
            }
            let barred = self.tenants.barred_among(caller.owner(), originator, &some);
            for (recipient, barred) in some.into_iter().zip(barred) {
                let values = values.next();
                if !barred {
                    sound.push(recipient);
                    sound_values.extend(values);
                }
            }
        }
    }

    /// How long the sender's pace makes the last recipient wait, which is no reason for their message to be too old.
    fn paced(&self, originator: Originator, recipients: usize, segments: u16) -> Duration {
        let rate = self.tenants.pace_of(originator).map_or(0, |pace| u64::from(pace.get()));
        Duration::from_secs((recipients as u64 * u64::from(segments)).checked_div(rate).unwrap_or(0))
    }
}

impl Parsed {
    /// Checks presence (33005), the variables in the text (33100) and the presence of their values (33005), type
    /// (33006), numbers (33003), duplicates (33024), how many there are (33108) and the idempotency key's form (33106),
    /// in this order.
    fn check(request: BroadcastRequest, limits: &AdmissionLimits) -> Result<Self, Refusal> {
        let (from, body, media_url) = (given(request.from), given_text(request.body), given(request.media_url));
        let content_missing = body.is_none() && media_url.is_none();
        let (Some(list), Some(from), false) = (&request.recipients, &from, content_missing) else {
            return Err(missing([
                ("recipients", request.recipients.is_none()),
                ("from", from.is_none()),
                ("body", content_missing),
            ]));
        };
        let values = values_of(body.as_ref(), list)?;
        let kind = kind_of(request.message_type.as_deref(), media_url.is_some())?;
        if !list.invalid.is_empty() {
            let info = AdditionalInfo::InvalidRecipients(list.invalid.clone());
            return Err(Refusal::new(ErrorCode::InvalidPhoneNumber).with_info(info));
        }
        let originator = sender("from", from, limits.sender_kinds)?;
        let duplicates = list.numbers.duplicates(DUPLICATES_MAX);
        if !duplicates.is_empty() {
            let info = AdditionalInfo::DuplicateRecipients(duplicates.iter().map(ToString::to_string).collect());
            return Err(Refusal::new(ErrorCode::DuplicateRecipients).with_info(info));
        }
        if list.count == 0 || list.count > limits.recipients_max {
            return Err(ErrorCode::TooManyRecipients.into());
        }
        let idempotency_key = match request.idempotency_key {
            Some(key) => Some(IdempotencyKey::parse(&key).map_err(|_| ErrorCode::InvalidIdempotencyKey)?),
            None => None,
        };
        let recipients = request.recipients.map(|list| list.numbers).unwrap_or_default();
        let (reference, validity) = (request.reference, request.validity);
        Ok(Self { recipients, values, originator, body, media_url, kind, reference, validity, idempotency_key })
    }

    /// What tells this request from another under the same key: its values, not how they were written.
    fn fingerprint(&self) -> Fingerprint {
        let recipients: Vec<u8> = self.recipients.as_numbers().iter().flat_map(|number| number.to_le_bytes()).collect();
        let (originator, kind) = (self.originator.text(), self.kind.as_str().as_bytes());
        let (body, media_url) =
            (self.body.as_ref().map(LooseText::to_wtf8), self.media_url.as_deref().map(str::as_bytes));
        let values = [Some(&recipients[..]), Some(originator.as_bytes()), body.as_deref(), media_url, Some(kind)];
        let mut terms = terms(self.reference.as_ref(), self.validity, None, None);
        if !self.values.is_empty() {
            // Behind all that the terms of another request may be.
            terms.resize(TERMS, None);
            terms.push(Some(octets_of(&self.values)));
        }
        Fingerprint::of_octets(values.into_iter().chain(terms.iter().map(Option::as_deref)))
    }
}

/// Values as octets that no other values have: of each recipient how many there are, and of each value its length
/// before it.
fn octets_of(values: &[Values]) -> Vec<u8> {
    let mut octets = Vec::new();
    for of_one in values {
        octets.extend((of_one.len() as u64).to_be_bytes());
        for value in of_one {
            octets.extend((value.len() as u64).to_be_bytes());
            octets.extend(value.as_bytes());
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AdmissionLimits = AdmissionLimits { recipients_max: 3, ..AdmissionLimits::SMALLEST };

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
        Parsed::check(request, &LIMITS).err().map(|refusal| refusal.code)
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
        let print = |numbers: &[&str]| Parsed::check(request(numbers), &LIMITS).ok().map(|parsed| parsed.fingerprint());
        assert_eq!(print(&["+18005551001", "+18005551002"]), print(&["+18005551001", "+18005551002"]));
        assert_ne!(print(&["+18005551001", "+18005551002"]), print(&["+18005551002", "+18005551001"]));
    }

    #[test]
    fn a_fingerprint_is_of_the_values_too() {
        let print = |values: &[&str]| {
            let mut recipients = RecipientList::default();
            for (number, value) in ["+18005551001", "+18005551002"].into_iter().zip(values) {
                recipients.push_with(number, vec![("name".into(), (*value).into()), ("unused".into(), "x".into())]);
            }
            let body = Some("Hi {{name}}".into());
            let request = BroadcastRequest { recipients: Some(recipients), body, ..request(&[]) };
            Parsed::check(request, &LIMITS).unwrap().fingerprint()
        };
        assert_eq!(print(&["Ada", "Bob"]), print(&["Ada", "Bob"]));
        for other in [["Bob", "Ada"], ["Ada", "Bo"], ["AdaB", "ob"]] {
            assert_ne!(print(&["Ada", "Bob"]), print(&other), "{other:?}");
        }
    }
}
