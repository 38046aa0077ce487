//! Messages as Twilio's clients see them.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use model::message::{Delivery, Message};
use model::{AccountId, InboundMessage, MessageId, Timestamp};
use serde::Serialize;

use super::errors::code_of;
use super::{BASE, VERSION, sid};
use crate::view::inbound_address;

/// The JSON of a message. Every field is there; what does not apply is `null`. Counts are texts.
#[derive(Serialize)]
pub(super) struct Resource<'a> {
    account_sid: String,
    api_version: &'static str,
    body: &'a str,
    date_created: String,
    date_sent: Option<String>,
    date_updated: String,
    direction: &'static str,
    error_code: Option<u16>,
    error_message: Option<&'a str>,
    from: String,
    messaging_service_sid: Option<&'a str>,
    num_media: String,
    num_segments: String,
    price: Option<&'a str>,
    price_unit: Option<&'a str>,
    sid: String,
    status: &'static str,
    subresource_uris: BTreeMap<&'a str, &'a str>,
    to: String,
    uri: String,
}

impl<'a> Resource<'a> {
    /// A message of an account, and what became of it. A text that was removed is empty.
    pub(super) fn of(message: &'a Message, delivery: &'a Delivery) -> Self {
        let is_erased = delivery.erased_at.is_some();
        let (to, from) = (message.recipient, message.originator);
        let Delivery { queued_at, sent_at, delivered_at, failed_at, erased_at, .. } = *delivery;
        let later = [queued_at, sent_at, delivered_at, failed_at, erased_at];
        let updated = later.into_iter().flatten().max().unwrap_or(message.created_at);
        Self {
            body: message.body.as_deref().unwrap_or_default(),
            date_sent: delivery.sent_at.map(rfc_2822),
            date_updated: rfc_2822(updated),
            direction: if message.automatic.is_some() { "outbound-reply" } else { "outbound-api" },
            error_code: delivery.error_type.map(code_of),
            error_message: delivery.error_message.as_deref(),
            from: if is_erased && from.is_nobody() { String::new() } else { from.to_string() },
            num_media: usize::from(message.media_url.is_some() || message.media.is_some()).to_string(),
            num_segments: message.segments.to_string(),
            status: delivery.status.as_str(),
            to: if is_erased && to.is_nobody() { String::new() } else { to.to_string() },
            ..Self::named(message.account, message.id, message.created_at)
        }
    }

    /// A message of a handset. Data is no text.
    pub(super) fn of_inbound(message: &'a InboundMessage) -> Self {
        let is_erased = message.erased_at.is_some();
        Self {
            body: message.body.text().unwrap_or_default(),
            date_sent: Some(rfc_2822(message.received_at)),
            date_updated: rfc_2822(message.erased_at.unwrap_or(message.created_at)),
            direction: "inbound",
            from: inbound_address(&message.from, is_erased),
            num_media: message.media.len().to_string(),
            num_segments: message.segments.to_string(),
            status: "received",
            to: inbound_address(&message.to, is_erased),
            ..Self::named(message.account, message.id, message.created_at)
        }
    }

    /// What all messages have.
    fn named(account: AccountId, id: MessageId, created_at: Timestamp) -> Self {
        let (account_sid, sid) = (sid::of_account(account), sid::of_message(id));
        let uri = format!("{BASE}/Accounts/{account_sid}/Messages/{sid}.json");
        Self {
            account_sid,
            api_version: VERSION,
            body: "",
            date_created: rfc_2822(created_at),
            date_sent: None,
            date_updated: rfc_2822(created_at),
            direction: "",
            error_code: None,
            error_message: None,
            from: String::new(),
            messaging_service_sid: None,
            num_media: String::new(),
            num_segments: String::new(),
            price: None,
            price_unit: None,
            sid,
            status: "",
            subresource_uris: BTreeMap::new(),
            to: String::new(),
            uri,
        }
    }

    pub(super) fn to_json(&self) -> String {
        // Texts and numbers only: nothing in it can fail to be JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A date as mails have it (RFC 2822, section 3.3), with the zone as a number.
fn rfc_2822(at: Timestamp) -> String {
    let since = Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or_default());
    httpdate::fmt_http_date(UNIX_EPOCH + since).replace("GMT", "+0000")
}

#[cfg(test)]
mod tests {
    use model::{Assignment, ErrorType, KeywordKind, Status};
    use serde_json::{Value, json};

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_773_585_000_000 + ms)
    }

    fn shown(message: &Message, delivery: &Delivery) -> Value {
        serde_json::from_str(&Resource::of(message, delivery).to_json()).unwrap()
    }

    #[test]
    fn a_message_has_every_field_of_its_resource() {
        let message = Message { created_at: at(0), ..testkit::message(7) };
        let mut delivery = Delivery::queued(Assignment::NoRoute);
        let (account, sid) = (sid::of_account(message.account), sid::of_message(message.id));
        let expected = json!({
            "account_sid": account, "api_version": "2010-04-01", "body": message.body.as_deref().unwrap(),
            "date_created": "Sun, 15 Mar 2026 14:30:00 +0000", "date_sent": null,
            "date_updated": "Sun, 15 Mar 2026 14:30:00 +0000", "direction": "outbound-api", "error_code": null,
            "error_message": null, "from": message.originator.to_string(), "messaging_service_sid": null,
            "num_media": "0", "num_segments": message.segments.to_string(), "price": null, "price_unit": null,
            "sid": sid, "status": "queued", "subresource_uris": {}, "to": message.recipient.to_string(),
            "uri": format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json"),
        });
        assert_eq!(shown(&message, &delivery), expected);
        delivery.status = Status::Undelivered;
        (delivery.sent_at, delivery.failed_at) = (Some(at(1_000)), Some(at(61_000)));
        delivery.error_type = Some(ErrorType::Unreachable);
        delivery.error_message = Some("The handset is off".into());
        let reply = Message { automatic: Some(KeywordKind::Stop), ..message };
        let shown = shown(&reply, &delivery);
        assert_eq!((&shown["direction"], &shown["status"]), (&json!("outbound-reply"), &json!("undelivered")));
        assert_eq!(shown["date_sent"], "Sun, 15 Mar 2026 14:30:01 +0000");
        assert_eq!(shown["date_updated"], "Sun, 15 Mar 2026 14:31:01 +0000");
        assert_eq!((&shown["error_code"], &shown["error_message"]), (&json!(30003), &json!("The handset is off")));
    }

    #[test]
    fn a_person_who_was_erased_is_not_shown() {
        let nobody = model::Msisdn::nobody();
        let message = Message { recipient: nobody, body: None, ..testkit::message(7) };
        let delivery = Delivery { erased_at: Some(at(0)), ..Delivery::queued(Assignment::NoRoute) };
        let shown = shown(&message, &delivery);
        assert_eq!((&shown["to"], &shown["body"]), (&json!(""), &json!("")));
    }
}
