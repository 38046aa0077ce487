//! The pure checks: from a request's loose fields to values that cannot be wrong any more.

use std::sync::Arc;
use std::time::Duration;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::idempotency::{Fingerprint, IdempotencyKey};
use model::message::{Encoding, MessageType};
use model::{CarrierName, ClientReference, Msisdn, Originator, SenderKinds, Timestamp, Validity};

use wire::text::LooseText;

use super::{AdmissionLimits, SendRequest};

/// A request whose fields are there and well formed. Its text has not been looked at.
pub(super) struct Parsed {
    recipient: Msisdn,
    originator: Originator,
    pub(super) body: Option<LooseText>,
    pub(super) media_url: Option<String>,
    kind: MessageType,
    reference: Option<ClientReference>,
    pub(super) send_at: Option<Timestamp>,
    validity: Option<Validity>,
    status_callback: Option<Arc<str>>,
    pub(super) idempotency_key: Option<IdempotencyKey>,
    pub(super) carrier: Option<CarrierName>,
}

/// What is to be sent.
pub(super) struct Draft {
    pub(super) recipient: Msisdn,
    pub(super) originator: Originator,
    pub(super) body: Option<Arc<str>>,
    pub(super) media_url: Option<String>,
    pub(super) kind: MessageType,
    pub(super) reference: Option<ClientReference>,
    pub(super) validity: Option<Validity>,
    pub(super) status_callback: Option<Arc<str>>,
    pub(super) encoding: Encoding,
    pub(super) segments: u16,
}

impl Parsed {
    /// Checks presence (33005), type (33006), numbers (33003) and the idempotency key's form (33106), in this order.
    pub(super) fn check(request: SendRequest, sender_kinds: SenderKinds) -> Result<Self, Refusal> {
        let media_url = given(request.media_url);
        let body = given_text(request.body);
        let (Some(to), Some(from)) = (given(request.to.clone()), given(request.from.clone())) else {
            return Err(missing_of_message(&request.to, &request.from, body.is_none() && media_url.is_none()));
        };
        if body.is_none() && media_url.is_none() {
            return Err(missing_of_message(&request.to, &request.from, true));
        }
        let kind = kind_of(request.message_type.as_deref(), media_url.is_some())?;
        let recipient = number("to", &to)?;
        let originator = sender("from", &from, sender_kinds)?;
        let idempotency_key = match request.idempotency_key {
            Some(key) => Some(IdempotencyKey::parse(&key).map_err(|_| ErrorCode::InvalidIdempotencyKey)?),
            None => None,
        };
        let SendRequest { reference, send_at, validity, status_callback, carrier, .. } = request;
        Ok(Self {
            recipient,
            originator,
            body,
            media_url,
            kind,
            reference,
            send_at,
            validity,
            status_callback,
            idempotency_key,
            carrier,
        })
    }

    /// What tells this request from another under the same key: its values, not how they were written.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let body = self.body.as_ref().map(LooseText::to_wtf8);
        let (recipient, originator) = (self.recipient.text(), self.originator.text());
        let values = [
            Some(recipient.as_bytes()),
            Some(originator.as_bytes()),
            body.as_deref(),
            self.media_url.as_deref().map(str::as_bytes),
            Some(self.kind.as_str().as_bytes()),
        ];
        let mut terms = terms(self.reference.as_ref(), self.validity, self.status_callback.as_deref(), self.send_at);
        if let Some(carrier) = &self.carrier {
            // Behind all that the terms of another request may be.
            terms.resize(TERMS, None);
            terms.push(Some(carrier.as_bytes().to_vec()));
        }
        Fingerprint::of_octets(values.into_iter().chain(terms.iter().map(Option::as_deref)))
    }
}

impl Draft {
    /// Checks the text: invalid characters (33016), then length (33107); and measures it.
    pub(super) fn check(parsed: Parsed, limits: &AdmissionLimits) -> Result<Self, Refusal> {
        let Parsed { recipient, originator, body, media_url, kind, reference, validity, status_callback, .. } = parsed;
        let (body, encoding, segments) = measured(body, kind, limits)?;
        Ok(Self {
            recipient,
            originator,
            body,
            media_url,
            kind,
            reference,
            validity,
            status_callback,
            encoding,
            segments,
        })
    }
}

/// How many [`terms`] there are at the most.
pub(super) const TERMS: usize = 4;

/// What a fingerprint is made of beside a request's content, up to the last that the client gave: a request without any
/// of them has the fingerprint that it had before there were such fields.
pub(super) fn terms(
    reference: Option<&ClientReference>,
    validity: Option<Validity>,
    status_callback: Option<&str>,
    send_at: Option<Timestamp>,
) -> Vec<Option<Vec<u8>>> {
    let mut terms = vec![
        reference.map(|reference| reference.as_bytes().to_vec()),
        validity.map(|validity| validity.as_secs().to_be_bytes().to_vec()),
        status_callback.map(|url| url.as_bytes().to_vec()),
        send_at.map(|send_at| send_at.as_millis().to_be_bytes().to_vec()),
    ];
    terms.truncate(terms.iter().rposition(Option::is_some).map_or(0, |last| last + 1));
    terms
}

/// How far ahead a message may be scheduled.
const AHEAD_MAX: Duration = Duration::from_secs(35 * 86_400);

/// How late a request may come with a time to leave: what leaves then leaves at once.
const LATE_MAX: Duration = Duration::from_secs(60);

/// When a message is to leave that its client wants to leave at this time: `None` for at once (33100 where that is in
/// the past or too far ahead).
pub(super) fn time_to_leave(send_at: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let Some(at) = send_at else { return Ok(None) };
    if at < now - LATE_MAX || at > now + AHEAD_MAX {
        let (field, expected) = ("sendAt".into(), "a time from now to 35 days ahead".into());
        return Err(Refusal::new(ErrorCode::MalformedRequest).with_info(AdditionalInfo::WrongType { field, expected }));
    }
    Ok(send_at.filter(|at| *at > now))
}

/// A text, how it is encoded and how many segments it takes, unless it has invalid characters (33016) or is too long
/// (33107).
pub(super) fn measured(
    body: Option<LooseText>,
    kind: MessageType,
    limits: &AdmissionLimits,
) -> Result<(Option<Arc<str>>, Encoding, u16), Refusal> {
    let invalid = body.as_ref().map(LooseText::invalid_characters).unwrap_or_default();
    if !invalid.is_empty() {
        return Err(
            Refusal::new(ErrorCode::InvalidMessageContent).with_info(AdditionalInfo::InvalidCharacters(invalid))
        );
    }
    // A lone surrogate is an invalid character, so that the text is whole here.
    let text: Option<Arc<str>> = body.and_then(LooseText::into_text).map(Arc::from);
    let measure = wire::gsm::measure(text.as_deref().unwrap_or_default());
    let (characters_max, segments) = match kind {
        MessageType::Sms => (limits.sms_characters_max, measure.segments),
        // It is handed over in one piece, however long its text is.
        MessageType::Mms => (limits.mms_characters_max, 1),
    };
    let segments = u16::try_from(segments).ok().filter(|segments| *segments <= SEGMENTS_MAX);
    let Some(segments) = segments.filter(|_| measure.characters <= characters_max) else {
        return Err(ErrorCode::MessageTooLong.into());
    };
    Ok((text, measure.encoding, segments))
}

/// The store keeps which segments a carrier has taken in 64 bits.
const SEGMENTS_MAX: u16 = 64;

/// The value, unless it is empty or white space alone, which is as good as missing.
pub(super) fn given(value: Option<String>) -> Option<String> {
    value.filter(|text| !text.trim().is_empty())
}

/// The same of a message's text.
pub(super) fn given_text(value: Option<LooseText>) -> Option<LooseText> {
    value.filter(|text| !text.is_blank())
}

fn missing_of_message(to: &Option<String>, from: &Option<String>, content_missing: bool) -> Refusal {
    let absent = |value: &Option<String>| value.as_deref().is_none_or(|text| text.trim().is_empty());
    missing([("to", absent(to)), ("from", absent(from)), ("body", content_missing)])
}

/// A refusal that names the fields of which it is said that they are missing.
pub(super) fn missing(fields: [(&'static str, bool); 3]) -> Refusal {
    let fields = fields.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
    Refusal::new(ErrorCode::MissingRequiredField).with_info(AdditionalInfo::Fields(fields))
}

pub(super) fn kind_of(named: Option<&str>, has_media: bool) -> Result<MessageType, Refusal> {
    match (named.map(MessageType::parse), has_media) {
        (None, false) => Ok(MessageType::Sms),
        (None, true) | (Some(Some(MessageType::Mms)), _) => Ok(MessageType::Mms),
        (Some(Some(MessageType::Sms)), false) => Ok(MessageType::Sms),
        (Some(Some(MessageType::Sms)), true) | (Some(None), _) => Err(ErrorCode::InvalidMessageType.into()),
    }
}

pub(super) fn number(field: &'static str, text: &str) -> Result<Msisdn, Refusal> {
    Msisdn::parse(text).map_err(|_| invalid_number(field))
}

/// An originator of a kind that clients may send from.
pub(super) fn sender(field: &'static str, text: &str, kinds: SenderKinds) -> Result<Originator, Refusal> {
    let originator = Originator::parse(text).map_err(|_| invalid_number(field))?;
    let kind = originator.kind();
    if kinds.contains(kind) {
        return Ok(originator);
    }
    // The contract knows no other originator than a number, so that the client learns of no other kind.
    Err(invalid_number(field).caused_by(format_args!("`api.sender_kinds` does not have `{}`", kind.as_str())))
}

fn invalid_number(field: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidPhoneNumber).with_info(AdditionalInfo::Field(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SenderKind;

    fn request(to: &str, from: &str, body: Option<&str>, media: Option<&str>, kind: Option<&str>) -> SendRequest {
        let own = |text: Option<&str>| text.map(str::to_owned);
        SendRequest {
            to: Some(to.to_owned()),
            from: Some(from.to_owned()),
            body: body.map(LooseText::from),
            media_url: own(media),
            message_type: own(kind),
            ..SendRequest::default()
        }
    }

    fn refusal(request: SendRequest) -> Option<(ErrorCode, Option<AdditionalInfo>)> {
        Parsed::check(request, SenderKinds::NUMBERS).err().map(|refusal| (refusal.code, refusal.info))
    }

    #[test]
    fn every_missing_field_is_named_at_once() {
        let fields = |list: &[&'static str]| {
            Some((ErrorCode::MissingRequiredField, Some(AdditionalInfo::Fields(list.to_vec()))))
        };
        assert_eq!(refusal(SendRequest::default()), fields(&["to", "from", "body"]));
        assert_eq!(refusal(request(" ", "+18005550000", Some("\t"), None, None)), fields(&["to", "body"]));
        assert_eq!(refusal(request("x", "", None, Some("http://e"), None)), fields(&["from"]));
    }

    #[test]
    fn the_type_is_judged_before_the_numbers() {
        let code = |media, kind| refusal(request("bad", "bad", Some("x"), media, kind)).map(|(code, _)| code);
        assert_eq!(code(None, Some("sms")), Some(ErrorCode::InvalidMessageType));
        assert_eq!(code(Some("http://e"), Some("SMS")), Some(ErrorCode::InvalidMessageType));
        assert_eq!(code(None, Some("")), Some(ErrorCode::InvalidMessageType));
        assert_eq!(code(Some("http://e"), None), Some(ErrorCode::InvalidPhoneNumber));
    }

    #[test]
    fn the_wrong_number_is_named() {
        let field = |to, from| refusal(request(to, from, Some("x"), None, None)).and_then(|(_, info)| info);
        assert_eq!(field("555", "555"), Some(AdditionalInfo::Field("to")));
        assert_eq!(field("+18005551234", "+1 800"), Some(AdditionalInfo::Field("from")));
    }

    #[test]
    fn a_fingerprint_is_of_the_values_that_count() {
        let print = |body, kind| {
            Parsed::check(request("+18005551234", "+18005550000", Some(body), None, kind), SenderKinds::NUMBERS)
                .ok()
                .map(|p| p.fingerprint())
        };
        assert_eq!(print("a", None), print("a", Some("SMS")));
        assert_ne!(print("a", None), print("b", None));
        let named = |reference| {
            let request = request("+18005551234", "+18005550000", Some("a"), None, None);
            let request = SendRequest { reference: ClientReference::parse(reference), ..request };
            Parsed::check(request, SenderKinds::NUMBERS).ok().map(|parsed| parsed.fingerprint())
        };
        assert_eq!(named(""), print("a", None));
        assert_ne!(named("order 7"), named("order 8"));
        let valid = |reference, secs| {
            let request = request("+18005551234", "+18005550000", Some("a"), None, None);
            let (reference, validity) = (ClientReference::parse(reference), Validity::from_secs(secs));
            let request = SendRequest { reference, validity, ..request };
            Parsed::check(request, SenderKinds::NUMBERS).ok().map(|parsed| parsed.fingerprint())
        };
        assert_eq!((valid("", 0), valid("order 7", 0)), (print("a", None), named("order 7")));
        assert_ne!(valid("", 60), valid("", 61));
        let called_back = |url: &str| {
            let request = request("+18005551234", "+18005550000", Some("a"), None, None);
            let request = SendRequest { status_callback: Some(url.into()), ..request };
            Parsed::check(request, SenderKinds::NUMBERS).ok().map(|parsed| parsed.fingerprint())
        };
        assert_ne!(called_back("https://a.example/?order=7"), called_back("https://a.example/?order=8"));
        let over = |carrier: Option<&str>| {
            let request = request("+18005551234", "+18005550000", Some("a"), None, None);
            let request = SendRequest { carrier: carrier.map(CarrierName::from), ..request };
            Parsed::check(request, SenderKinds::NUMBERS).ok().map(|parsed| parsed.fingerprint())
        };
        assert_eq!(over(None), print("a", None));
        assert_ne!(over(Some("north")), over(None));
        assert_ne!(over(Some("north")), over(Some("south")));
        // Both have the same four octets.
        assert_ne!(valid("", 0x0010_3030), valid("\u{0}\u{10}00", 0));
    }

    #[test]
    fn a_fingerprint_of_numbers_is_of_their_texts() {
        let request = request("+18005551234", "+18005550000", Some("a"), None, None);
        let parsed = Parsed::check(request, SenderKinds::NUMBERS).ok().unwrap();
        let texts = [&b"+18005551234"[..], b"+18005550000", b"a"].map(Some);
        let [to, from, body] = texts;
        assert_eq!(parsed.fingerprint(), Fingerprint::of_octets([to, from, body, None, Some(b"SMS")]));
    }

    #[test]
    fn a_message_leaves_within_35_days_or_at_once() {
        let now = Timestamp::from_millis(1_773_585_000_000);
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
        for (at, leaves) in [
            (now + second, Some(Some(now + second))),
            (now + 35 * day, Some(Some(now + 35 * day))),
            (now + 35 * day + second, None),
            (now, Some(None)),
            (now - 60 * second, Some(None)),
            (now - 61 * second, None),
        ] {
            assert_eq!(time_to_leave(Some(at), now).ok(), leaves, "{at}");
        }
        assert_eq!(time_to_leave(None, now), Ok(None));
    }

    #[test]
    fn a_sender_is_of_a_kind_that_is_open_or_is_no_number() {
        let cause = |kind: &str| Some(format!("`api.sender_kinds` does not have `{kind}`"));
        for (from, kind) in
            [("+18005550000", SenderKind::Number), ("72345", SenderKind::ShortCode), ("ACME", SenderKind::Name)]
        {
            let check = |kinds: SenderKinds| Parsed::check(request("+18005551234", from, Some("x"), None, None), kinds);
            assert!(check([kind].into_iter().collect()).is_ok(), "{from}");
            let others: SenderKinds = SenderKind::ALL.into_iter().filter(|other| *other != kind).collect();
            let refusal = check(others).err().unwrap();
            assert_eq!(
                (refusal.code, refusal.info, refusal.cause),
                (ErrorCode::InvalidPhoneNumber, Some(AdditionalInfo::Field("from")), cause(kind.as_str()))
            );
        }
        let all: SenderKinds = SenderKind::ALL.into_iter().collect();
        for (to, from, field) in [
            ("72345", "72345", "to"),
            ("ACME", "ACME", "to"),
            ("+18005551234", "12", "from"),
            ("+18005551234", "ACME ", "from"),
        ] {
            let refusal = Parsed::check(request(to, from, Some("x"), None, None), all).err().unwrap();
            assert_eq!(
                (refusal.code, refusal.info, refusal.cause),
                (ErrorCode::InvalidPhoneNumber, Some(AdditionalInfo::Field(field)), None),
                "{to} {from}"
            );
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        let limits = AdmissionLimits { sms_characters_max: 3, mms_characters_max: 5, ..AdmissionLimits::SMALLEST };
        let check = |body: &str, kind| {
            let parsed = Parsed::check(
                request("+18005551234", "+18005550000", Some(body), None, Some(kind)),
                SenderKinds::NUMBERS,
            )
            .ok()
            .unwrap();
            Draft::check(parsed, &limits).err().map(|refusal| refusal.code)
        };
        assert_eq!(check("😀😀😀", "SMS"), None);
        assert_eq!(check("abcd", "SMS"), Some(ErrorCode::MessageTooLong));
        assert_eq!(check("abcd", "MMS"), None);
        assert_eq!(check("\u{7}abcd", "SMS"), Some(ErrorCode::InvalidMessageContent));
    }
}
