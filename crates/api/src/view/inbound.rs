//! Inbound messages as a client sees them, in answers and in events alike.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::media::Digest;
use model::message::MessageType;
use model::{InboundAddress, InboundBody, InboundMessage, Timestamp};
use serde::Serialize;

use super::{text, text_of_some};
use crate::links::MediaLinks;

/// The JSON of an inbound message; what does not apply is absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundView<'a> {
    #[serde(serialize_with = "text")]
    id: model::MessageId,
    direction: &'static str,
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    additional_recipients: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    message_type: &'static str,
    encoding: &'static str,
    segments: u16,
    status: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    partial: bool,
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    missing_parts: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    suspected_opt_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<Vec<MediaView<'a>>>,
    #[serde(serialize_with = "text")]
    created_at: Timestamp,
    #[serde(serialize_with = "text")]
    received_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text_of_some")]
    erased_at: Option<Timestamp>,
}

/// A file that an inbound MMS carries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MediaView<'a> {
    url: String,
    content_type: &'a str,
    bytes: u64,
    sha256: String,
}

impl<'a> InboundView<'a> {
    /// The message as `GET` shows it at `at`. The same message, links and moment always give the same JSON.
    pub fn of(message: &'a InboundMessage, links: &MediaLinks, at: Timestamp) -> Self {
        let is_erased = message.erased_at.is_some();
        let (body, body_base64) = match &message.body {
            InboundBody::Text(text) => (Some(Some(&**text)), None),
            InboundBody::Binary(octets) => (None, Some(STANDARD.encode(octets))),
            InboundBody::Gone => (Some(None), None),
        };
        let media = message.media.iter().enumerate().map(|(place, media)| MediaView {
            url: links.url(message.id, place, at),
            content_type: &media.content_type,
            bytes: media.bytes,
            sha256: Digest(media.sha256).to_string(),
        });
        Self {
            id: message.id,
            direction: "inbound",
            from: address(&message.from, is_erased),
            to: address(&message.to, is_erased),
            additional_recipients: message.additional_recipients.iter().map(ToString::to_string).collect(),
            body,
            body_base64,
            message_type: message.kind.as_str(),
            encoding: message.encoding.as_str(),
            segments: message.segments,
            status: "received",
            partial: message.is_partial(),
            missing_parts: &message.missing_parts,
            keyword: message.keyword.as_ref().map(|keyword| keyword.kind.as_str()),
            suspected_opt_out: message.suspected_opt_out,
            media: (message.kind == MessageType::Mms).then(|| media.collect()),
            created_at: message.created_at,
            received_at: message.received_at,
            erased_at: message.erased_at,
        }
    }

    pub(crate) fn to_json(&self) -> String {
        // Texts and numbers only: nothing in it can fail to be JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An address; empty in place of a person who was erased, because clients expect a text.
pub(crate) fn address(address: &InboundAddress, is_erased: bool) -> String {
    match address.known() {
        Some(known) if is_erased && known.is_nobody() => String::new(),
        _ => address.to_string(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use model::key::Pepper;
    use model::{InboundEncoding, InboundMedia, Keyword, KeywordKind};
    use serde_json::{Value, json};

    use super::*;

    fn message() -> InboundMessage {
        InboundMessage {
            id: model::MessageId::from_bytes([1; 16]),
            account: model::AccountId::from_bytes([2; 16]),
            mode: model::Mode::Live,
            kind: MessageType::Sms,
            from: InboundAddress::of("+18005551234"),
            to: InboundAddress::of("+18005559876"),
            additional_recipients: [].into(),
            body: InboundBody::Text("STOP".into()),
            encoding: InboundEncoding::Gsm7,
            segments: 1,
            missing_parts: [].into(),
            keyword: Some(Keyword { kind: KeywordKind::Stop, word: "STOP".into() }),
            suspected_opt_out: false,
            media: [].into(),
            carrier: "main".into(),
            received_at: Timestamp::from_millis(1_000),
            created_at: Timestamp::from_millis(2_000),
            erased_at: None,
        }
    }

    fn view(message: &InboundMessage) -> Value {
        let links = MediaLinks::new("https://sms.example.com".to_owned(), &Pepper::new(&"p".repeat(32)).unwrap());
        serde_json::from_str(&InboundView::of(message, &links, Timestamp::from_millis(2_000)).to_json()).unwrap()
    }

    #[test]
    fn what_does_not_apply_is_absent() {
        let expected = json!({
            "id": message().id.to_string(), "direction": "inbound", "from": "+18005551234", "to": "+18005559876",
            "body": "STOP", "messageType": "SMS", "encoding": "GSM-7", "segments": 1, "status": "received",
            "keyword": "stop", "createdAt": "1970-01-01T00:00:02.000Z", "receivedAt": "1970-01-01T00:00:01.000Z",
        });
        assert_eq!(view(&message()), expected);
    }

    #[test]
    fn each_kind_of_content_has_its_fields() {
        let partial = InboundMessage { missing_parts: [2].into(), segments: 3, keyword: None, ..message() };
        assert_eq!((&view(&partial)["partial"], &view(&partial)["missingParts"]), (&json!(true), &json!([2])));
        let binary = InboundMessage {
            body: InboundBody::Binary([0, 255].into()),
            encoding: InboundEncoding::Binary,
            ..message()
        };
        assert_eq!((view(&binary).get("body"), &view(&binary)["bodyBase64"]), (None, &json!("AP8=")));
        let gone = InboundMessage { body: InboundBody::Gone, suspected_opt_out: true, ..message() };
        assert_eq!((&view(&gone)["body"], &view(&gone)["suspectedOptOut"]), (&Value::Null, &json!(true)));
        assert!(view(&gone).get("body").is_some());
        let group = InboundMessage {
            kind: MessageType::Mms,
            additional_recipients: [InboundAddress::of("+18005550001"), InboundAddress::of("a@example.com")].into(),
            media: [InboundMedia {
                id: model::MediaId::from_bytes([3; 16]),
                content_type: "image/jpeg".into(),
                bytes: 3,
                sha256: Digest::of(b"abc").0,
            }]
            .into(),
            ..message()
        };
        let view = view(&group);
        assert_eq!(view["additionalRecipients"], json!(["+18005550001", "a@example.com"]));
        let media = &view["media"][0];
        assert_eq!((&media["contentType"], &media["bytes"]), (&json!("image/jpeg"), &json!(3)));
        assert_eq!(media["sha256"], Digest::of(b"abc").to_string());
        let url = media["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("https://sms.example.com/media/{}/0?exp=3602&sig=", group.id)), "{url}");
    }
}
