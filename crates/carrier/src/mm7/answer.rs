//! The outcome of an MMSC's answer: its status, or the HTTP status if it has none.

use std::collections::HashMap;

use hyper::StatusCode as Http;
use model::ErrorType;
use wire::mm7::{Operation, Refusal, StatusCode, Verdict, post};

use super::client::{Answer, Sent};
use super::config::{Mm7Config, parse_code};
use crate::SegmentOutcome;
use crate::action::Action;
use crate::exchange::{Handed, Peer, Teller};

/// Judges the answers of one MMSC.
pub(crate) struct Judge {
    /// What its own statuses mean.
    exceptions: HashMap<StatusCode, Action>,
}

impl Judge {
    pub(crate) fn new(config: &Mm7Config) -> Self {
        Self {
            exceptions: config.errors.iter().filter_map(|(code, action)| Some((parse_code(code)?, *action))).collect(),
        }
    }

    /// What became of a message, and what that says about the MMSC.
    pub(crate) fn judge(&self, sent: Sent, teller: &Teller) -> Handed {
        match sent {
            Sent::Not(why) => Handed { outcome: SegmentOutcome::NotSent, peer: Peer::Fails(why) },
            // Certainly not taken. But it counts as an attempt: what an MMSC hangs up on may be this message, for its
            // size above all.
            Sent::InPart(why, more) => {
                Handed { outcome: SegmentOutcome::TryLater { status: why.to_owned() }, peer: Peer::Fails(more) }
            }
            Sent::Unanswered(why, more) => Handed { outcome: SegmentOutcome::Unknown { why }, peer: Peer::Fails(more) },
            Sent::Answered(answer) => self.answered(&answer, teller),
        }
    }

    /// The status of the envelope decides, under whatever HTTP says (SOAP 1.1, section 6.2, has faults under 500; some
    /// peers have them under 200).
    fn answered(&self, answer: &Answer, teller: &Teller) -> Handed {
        if answer.status.is_success() && answer.body.trim_ascii().is_empty() {
            // Some MMSCs say nothing more than that.
            return accepted(None);
        }
        match post::read(answer.content_type.as_deref(), &answer.body).map(|(message, _)| message.operation) {
            Ok(Operation::SubmitRsp(answer)) => self.status(answer.status.code, &answer.status.text, answer.message_id),
            Ok(Operation::Fault(fault)) => {
                let text = fault.status.as_ref().map_or(&fault.fault_string, |status| &status.text);
                self.status(fault.code(), text, None)
            }
            Ok(_) if answer.status.is_success() => {
                teller.malformed();
                unknown("the answer is to something else", "the answer is to something else".to_owned())
            }
            Err(error) if answer.status.is_success() => {
                teller.malformed();
                unknown("the answer cannot be read", format!("the answer cannot be read: {error}"))
            }
            Ok(_) | Err(_) => by_http(answer.status),
        }
    }

    fn status(&self, code: StatusCode, text: &str, message_id: Option<String>) -> Handed {
        let status = match code.name() {
            Some(_) => code.to_string(),
            None => format!("{} {}", code.0, in_short(text)).trim_end().to_owned(),
        };
        let later = |peer| Handed { outcome: SegmentOutcome::TryLater { status: status.clone() }, peer };
        if let Some(action) = self.exceptions.get(&code) {
            return match (action, action.error_type()) {
                (Action::Accept, _) => accepted(message_id),
                (Action::Throttle, _) => later(Peer::Busy),
                (_, Some(error_type)) => refused(error_type, status),
                (_, None) => later(Peer::Answers),
            };
        }
        match code.verdict() {
            Verdict::Accepted => accepted(message_id),
            Verdict::Refused(refusal) => refused(error_type(refusal), status),
            Verdict::TryLater if code == StatusCode::SERVICE_UNAVAILABLE => later(Peer::Busy),
            Verdict::TryLater => later(Peer::Answers),
            Verdict::NotLetIn => later(Peer::RefusesUs(format!("the MMSC does not know us: {status}"))),
        }
    }
}

fn accepted(carrier_id: Option<String>) -> Handed {
    Handed { outcome: SegmentOutcome::Accepted { carrier_id, remark: None }, peer: Peer::Answers }
}

fn refused(error_type: ErrorType, status: String) -> Handed {
    Handed { outcome: SegmentOutcome::Refused { error_type, status }, peer: Peer::Answers }
}

fn unknown(why: &'static str, more: String) -> Handed {
    Handed { outcome: SegmentOutcome::Unknown { why }, peer: Peer::Fails(more) }
}

const fn error_type(refusal: Refusal) -> ErrorType {
    match refusal {
        Refusal::Address => ErrorType::InvalidDestination,
        Refusal::Content => ErrorType::MediaFailed,
        Refusal::Denied => ErrorType::BlockedByCarrier,
        Refusal::Rejected => ErrorType::CarrierRejected,
    }
}

/// What HTTP says where there is no envelope to say it.
fn by_http(http: Http) -> Handed {
    let status = format!("HTTP {}", http.as_u16());
    let later = |peer| Handed { outcome: SegmentOutcome::TryLater { status: status.clone() }, peer };
    match http {
        Http::UNAUTHORIZED | Http::FORBIDDEN | Http::PROXY_AUTHENTICATION_REQUIRED => {
            later(Peer::RefusesUs(format!("the MMSC does not let us in: {status}")))
        }
        Http::TOO_MANY_REQUESTS | Http::SERVICE_UNAVAILABLE => later(Peer::Busy),
        Http::REQUEST_TIMEOUT => later(Peer::Answers),
        Http::PAYLOAD_TOO_LARGE => refused(ErrorType::MediaFailed, status),
        // What stands between us has given up waiting for the MMSC, which may have the message.
        Http::GATEWAY_TIMEOUT => unknown("HTTP 504", status),
        // The MMSC's trouble may be with this message alone; its attempts have an end.
        Http::INTERNAL_SERVER_ERROR => later(Peer::Answers),
        // Nothing is wrong with the message, but `url` does not lead to an MMSC.
        Http::NOT_FOUND | Http::METHOD_NOT_ALLOWED | Http::GONE => {
            later(Peer::Fails(format!("there is no MMSC: {status}")))
        }
        _ if http.is_client_error() => refused(ErrorType::CarrierRejected, status),
        _ => later(Peer::Fails(format!("the MMSC does not talk sense: {status}"))),
    }
}

/// A text of the MMSC's own, of a length that an event can hold, and without what may be a number of somebody's.
fn in_short(text: &str) -> String {
    let is_number = |word: &&str| word.bytes().filter(u8::is_ascii_digit).count() > 4;
    let words: Vec<&str> = text.split_whitespace().map(|word| if is_number(&word) { "…" } else { word }).collect();
    words.join(" ").chars().filter(|character| !character.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mmscs_own_words_name_nobody() {
        for (text, short) in [
            ("Invalid  Content", "Invalid Content"),
            ("Unknown +12025550101, sorry", "Unknown … sorry"),
            ("tel:1-202-555-0101", "…"),
            ("line\nbreak\u{7}", "line break"),
            ("", ""),
        ] {
            assert_eq!(in_short(text), short);
        }
        assert_eq!(in_short(&"x".repeat(200)).len(), 80);
    }
}
