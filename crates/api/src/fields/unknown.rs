//! The names of unknown fields, for the client that wrote them.

use axum::http::HeaderValue;

/// How many names are kept. A request with more has another mistake.
const NAMES_MAX: usize = 20;

/// How much of a name is kept, in characters.
const CHARACTERS_MAX: usize = 64;

/// The most octets of a header with names.
const HEADER_MAX: usize = 1_024;

/// Names of unknown fields, each once, in the order in which they came first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unknown(Vec<String>);

impl Unknown {
    /// Keeps a name, which stands at this place: nothing at the top, or the name of a list and a full stop.
    pub(crate) fn note(&mut self, place: &'static str, name: &str) {
        if self.0.len() == NAMES_MAX {
            return;
        }
        let kept = name.char_indices().nth(CHARACTERS_MAX).map_or(name, |(end, _)| &name[..end]);
        if self.0.iter().all(|known| known.strip_prefix(place) != Some(kept)) {
            self.0.push(format!("{place}{kept}"));
        }
    }

    /// The name that came first.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// The names as the value of a header: with commas between them, and escaped as in a URL where they are no plain
    /// text. As many as there is room for; `None` where there are none.
    pub(crate) fn to_header(&self) -> Option<HeaderValue> {
        let mut value = String::new();
        for name in self.0.iter().filter(|name| !name.is_empty()) {
            let escaped: String = name.bytes().map(escaped).collect();
            if value.len() + 2 + escaped.len() > HEADER_MAX {
                break;
            }
            if !value.is_empty() {
                value.push_str(", ");
            }
            value.push_str(&escaped);
        }
        if value.is_empty() { None } else { HeaderValue::try_from(value).ok() }
    }
}

fn escaped(octet: u8) -> String {
    if octet.is_ascii_graphic() && !b"%,;\"".contains(&octet) {
        char::from(octet).to_string()
    } else {
        format!("%{octet:02X}")
    }
}

const LEAVES_LATER: &str = "no field of this name: `sendAt` is when a message leaves";
const ONE_RECIPIENT: &str = "no field of this name: `to` is the recipient";

/// What a client that sends a broadcast has to know: the same, but where a message has what a broadcast has not.
pub(super) fn advice_for_broadcast(name: &str) -> Option<&'static str> {
    Some(match advice(name)? {
        LEAVES_LATER => "no field of this name: a broadcast leaves at once; a message has `sendAt`",
        ONE_RECIPIENT => "no field of this name: `recipients` are the recipients",
        other => other,
    })
}

/// What a sending client has to know that writes a field of another service.
pub(super) fn advice(name: &str) -> Option<&'static str> {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Some(match &*letters {
        "statuscallback"
        | "statuscallbackurl"
        | "statuscallbackmethod"
        | "callback"
        | "callbackurl"
        | "webhookurl"
        | "webhook"
        | "dlrurl"
        | "notifyurl"
        | "deliveryreporturl"
        | "deliveryreport" => "no field of this name: statuses go to the webhooks of the account (`POST /webhook`)",
        "mediaurl" | "mediaurls" | "media" | "attachments" => "no field of this name: `mediaUrl` has one address",
        "messagingservicesid"
        | "messagingserviceid"
        | "messagingprofileid"
        | "serviceplanid"
        | "senderid"
        | "sender"
        | "source"
        | "from"
        | "originator"
        | "fromnumber"
        | "phonenumberid" => "no field of this name: `from` is the sender",
        "to" | "recipient" | "destination" | "tonumber" | "phonenumber" => ONE_RECIPIENT,
        "recipients" | "destinations" | "bulk" => "no field of this name: `POST /broadcast` takes `recipients`",
        "text" | "message" | "content" | "body" | "msg" => "no field of this name: `body` is the text",
        "type" | "channel" | "messagetype" => "no field of this name: `messageType` is `SMS` or `MMS`",
        "clientref" | "clientreference" | "customid" | "customstring" | "metadata" | "tags" | "tag" | "reference" => {
            "no field of this name: `reference` is your own name for the message"
        }
        "sendat" | "sendtime" | "senddate" | "schedule" | "scheduledat" | "scheduledfor" | "scheduledtime"
        | "scheduletime" | "scheduletype" | "deliverat" | "deliverytime" => LEAVES_LATER,
        "validity" | "validityperiod" | "ttl" | "timetolive" | "expiry" | "expiresat" => {
            "no field of this name: `validitySeconds` is how long a message is worth sending"
        }
        "variables" | "parameters" | "substitutions" | "mergefields" | "personalizations" => {
            "no field of this name: each recipient of a broadcast has `variables`"
        }
        "idempotencykey" | "requestid" | "clientrequestid" => "no field of this name: `idempotencyKey` is that",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown<'a>(names: impl IntoIterator<Item = &'a str>) -> Unknown {
        let mut unknown = Unknown::default();
        names.into_iter().for_each(|name| unknown.note("", name));
        unknown
    }

    #[test]
    fn a_name_is_kept_once_and_escaped_where_it_is_no_plain_text() {
        let mut names = unknown(["statusCallback", "a,b", "x y", "é", "statusCallback", ""]);
        names.note("recipients[].", "name");
        names.note("recipients[].", "name");
        names.note("recipients[].", "statusCallback");
        assert_eq!(names.first(), Some("statusCallback"));
        assert_eq!(
            names.to_header().unwrap(),
            "statusCallback, a%2Cb, x%20y, %C3%A9, recipients[].name, recipients[].statusCallback"
        );
        assert_eq!((unknown([]).first(), unknown([]).to_header()), (None, None));
        assert_eq!((unknown([""]).first(), unknown([""]).to_header()), (Some(""), None), "no header has an empty name");
    }

    #[test]
    fn however_many_there_are_the_header_is_short() {
        let names: Vec<String> = (0..1_000).map(|at| format!("{at:02}{}", "é".repeat(1_000))).collect();
        let many = unknown(names.iter().map(String::as_str));
        assert_eq!(many.0.len(), NAMES_MAX);
        assert!(many.0.iter().all(|name| name.chars().count() == CHARACTERS_MAX));
        let header = many.to_header().unwrap();
        assert!(header.len() <= HEADER_MAX && header.to_str().unwrap().starts_with("00%C3%A9"), "{header:?}");
    }

    #[test]
    fn fields_of_other_services_are_answered_with_ours() {
        for (name, ours) in [
            ("statusCallback", "/webhook"),
            ("StatusCallback", "/webhook"),
            ("mediaUrls", "mediaUrl"),
            ("MediaUrl", "mediaUrl"),
            ("messagingServiceSid", "`from`"),
            ("client_ref", "reference"),
            ("Body", "`body`"),
            ("send_at", "`sendAt`"),
            ("validityPeriod", "`validitySeconds`"),
            ("variables", "`variables`"),
        ] {
            assert!(advice(name).unwrap().contains(ours), "{name}");
        }
        assert_eq!(advice("colour"), None);
    }

    #[test]
    fn a_broadcast_is_not_told_of_fields_that_only_a_message_has() {
        for (name, ours) in [
            ("send_at", "a broadcast leaves at once"),
            ("scheduledAt", "a broadcast leaves at once"),
            ("destination", "`recipients`"),
            ("Body", "`body`"),
        ] {
            assert!(advice_for_broadcast(name).unwrap().contains(ours), "{name}");
        }
        assert_eq!(advice_for_broadcast("colour"), None);
    }
}
