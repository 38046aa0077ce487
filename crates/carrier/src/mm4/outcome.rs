//! The outcome of an SMTP reply ([`of_failure`]) or of an `MM4_forward.RES` ([`of_answer`]).

use model::ErrorType;
use wire::mm4::{Answer, Refusal, Remark, Verdict};

use super::smtp::{Failure, Reply, Step};
use crate::SegmentOutcome;
use crate::exchange::{Handed, Peer};

/// What became of a message that was not taken over SMTP.
pub(super) fn of_failure(failure: Failure) -> Handed {
    match failure {
        Failure::NotSent(why) => Handed { outcome: SegmentOutcome::NotSent, peer: Peer::Fails(why) },
        // Certainly not taken. But it counts as an attempt: what an MMSC hangs up on may be this message, for its size
        // above all.
        Failure::InPart(why) => Handed {
            outcome: SegmentOutcome::TryLater { status: "the connection broke during the mail".to_owned() },
            peer: Peer::Fails(why),
        },
        Failure::Unknown(why) => Handed { outcome: SegmentOutcome::Unknown { why }, peer: Peer::Fails(why.to_owned()) },
        Failure::TooLong => {
            let status = "longer than the MMSC takes (SIZE)".to_owned();
            Handed {
                outcome: SegmentOutcome::Refused { error_type: ErrorType::MediaFailed, status },
                peer: Peer::Answers,
            }
        }
        Failure::Refused(step, reply) => of_reply(step, &reply),
    }
}

/// What became of a message by the peer's answer to it.
pub(super) fn of_answer(answer: &Answer, carrier_id: String) -> SegmentOutcome {
    match answer.status.verdict() {
        Verdict::Accepted => {
            let remark = answer.explained().next().is_some().then(|| status_of(answer));
            SegmentOutcome::Accepted { carrier_id: Some(carrier_id), remark }
        }
        Verdict::TryLater => SegmentOutcome::TryLater { status: status_of(answer) },
        Verdict::Refused(refusal) => {
            SegmentOutcome::Refused { error_type: error_type(refusal), status: status_of(answer) }
        }
    }
}

/// The code of an answer as the peer wrote it, where it is a word, or else as the specification has it; and what the
/// vendor says beside it.
pub(super) fn status_of(answer: &Answer) -> String {
    explained(word_or(&answer.code, answer.status.name()), answer.explained())
}

/// A code as the peer wrote it, where it is a word, or else the specification's.
pub(super) fn word_or<'a>(code: &'a str, otherwise: &'a str) -> &'a str {
    const CHARS_MAX: usize = 80;
    let is_word = (1..=CHARS_MAX).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    if is_word { code } else { otherwise }
}

/// A code, and what is said beside it, which may be all that an operator has to go by.
pub(super) fn explained(code: &str, remarks: impl Iterator<Item = Remark>) -> String {
    let remarks: Vec<String> = remarks.map(|remark| remark.to_string()).collect();
    if remarks.is_empty() { code.to_owned() } else { format!("{code} ({})", remarks.join("; ")) }
}

const fn error_type(refusal: Refusal) -> ErrorType {
    match refusal {
        Refusal::Rejected => ErrorType::CarrierRejected,
        Refusal::Address => ErrorType::InvalidDestination,
        Refusal::Content => ErrorType::MediaFailed,
        Refusal::Denied => ErrorType::BlockedByCarrier,
    }
}

/// Replies by their codes (RFC 5321, 4.2.3; RFC 3463; RFC 4954, 6).
fn of_reply(step: Step, reply: &Reply) -> Handed {
    let status = reply.codes();
    let does_not_let_us_in =
        matches!(reply.code, 530 | 534 | 535 | 538) || step == Step::Hello && reply.code / 100 == 5;
    match (step, reply.code / 100) {
        _ if does_not_let_us_in => Handed {
            outcome: SegmentOutcome::NotSent,
            peer: Peer::RefusesUs(format!("it does not let us in: {status}")),
        },
        // Nobody is served, so this must count as being down: messages that are not sent count no attempts, and would
        // never find the next carrier.
        (Step::Hello, 4) => {
            Handed { outcome: SegmentOutcome::NotSent, peer: Peer::Fails(format!("it takes no mail now: {status}")) }
        }
        (_, 4) => Handed {
            outcome: SegmentOutcome::TryLater { status },
            peer: if is_busy(reply) { Peer::Busy } else { Peer::Answers },
        },
        (_, 5) => Handed {
            outcome: SegmentOutcome::Refused { error_type: of_permanent(step, reply), status },
            peer: Peer::Answers,
        },
        _ => Handed {
            outcome: SegmentOutcome::NotSent,
            peer: Peer::Fails(format!("its answer makes no sense: {status}")),
        },
    }
}

/// Whether a temporary failure is the system's and not this message's. What is said of the recipient's mailbox (RFC
/// 3463, 3.3), such as 452 with 4.2.2 where it is full, is no reason to send others less.
fn is_busy(reply: &Reply) -> bool {
    let enhanced = reply.enhanced().unwrap_or_default();
    let of_system = enhanced.starts_with("4.3.") || enhanced.starts_with("4.4.") || enhanced == "4.7.0";
    of_system || reply.code == 421 || reply.code == 452 && !enhanced.starts_with("4.2.")
}

/// The reason why a message will never be accepted.
fn of_permanent(step: Step, reply: &Reply) -> ErrorType {
    match (reply.enhanced(), reply.code) {
        (Some("5.3.4" | "5.2.3"), _) | (None, 552) => ErrorType::MediaFailed,
        (Some(code), _) if code.starts_with("5.7.") => ErrorType::BlockedByCarrier,
        (Some(code), _) if code.starts_with("5.6.") => ErrorType::MediaFailed,
        (Some(code), _) if code.starts_with("5.1.") && step == Step::Recipient => ErrorType::InvalidDestination,
        (None, 550 | 551 | 553) if step == Step::Recipient => ErrorType::InvalidDestination,
        _ => ErrorType::CarrierRejected,
    }
}

#[cfg(test)]
mod tests {
    use wire::mm4::{Request, RequestStatus};

    use super::*;

    #[test]
    fn replies_are_judged_by_their_codes_and_by_what_was_asked() {
        use ErrorType::{BlockedByCarrier, CarrierRejected, InvalidDestination, MediaFailed};
        let (answers, busy) = (Peer::Answers, Peer::Busy);
        let refused = |error_type| move |status: String| SegmentOutcome::Refused { error_type, status };
        let later = |status: String| SegmentOutcome::TryLater { status };
        for (step, code, words, outcome, peer) in [
            (Step::Recipient, 550, "5.1.1 who", refused(InvalidDestination)("SMTP 550 5.1.1".into()), &answers),
            (Step::Recipient, 550, "who", refused(InvalidDestination)("SMTP 550".into()), &answers),
            (Step::Recipient, 550, "5.7.1 no", refused(BlockedByCarrier)("SMTP 550 5.7.1".into()), &answers),
            (Step::Recipient, 450, "4.2.1 later", later("SMTP 450 4.2.1".into()), &answers),
            (Step::Recipient, 452, "4.2.2 mailbox full", later("SMTP 452 4.2.2".into()), &answers),
            (Step::Recipient, 452, "4.5.3 many", later("SMTP 452 4.5.3".into()), &busy),
            (Step::Sender, 550, "no", refused(CarrierRejected)("SMTP 550".into()), &answers),
            (Step::Sender, 552, "5.3.4 long", refused(MediaFailed)("SMTP 552 5.3.4".into()), &answers),
            (Step::Sender, 421, "bye", later("SMTP 421".into()), &busy),
            (Step::Data, 554, "5.5.1 no", refused(CarrierRejected)("SMTP 554 5.5.1".into()), &answers),
            (Step::End, 552, "long", refused(MediaFailed)("SMTP 552".into()), &answers),
            (Step::End, 554, "5.6.0 what", refused(MediaFailed)("SMTP 554 5.6.0".into()), &answers),
            (Step::End, 451, "4.3.0 disk", later("SMTP 451 4.3.0".into()), &busy),
            (Step::Hello, 421, "busy", SegmentOutcome::NotSent, &Peer::Fails("it takes no mail now: SMTP 421".into())),
            (
                Step::Hello,
                554,
                "5.7.1 who are you",
                SegmentOutcome::NotSent,
                &Peer::RefusesUs("it does not let us in: SMTP 554 5.7.1".into()),
            ),
            (
                Step::Sender,
                530,
                "5.7.0 log in",
                SegmentOutcome::NotSent,
                &Peer::RefusesUs("it does not let us in: SMTP 530 5.7.0".into()),
            ),
            (
                Step::Sender,
                354,
                "go on",
                SegmentOutcome::NotSent,
                &Peer::Fails("its answer makes no sense: SMTP 354".into()),
            ),
        ] {
            let reply = Reply { code, lines: vec![words.to_owned()] };
            assert_eq!(
                of_failure(Failure::Refused(step, reply)),
                Handed { outcome, peer: peer.clone() },
                "{step:?} {code} {words}"
            );
        }
    }

    #[test]
    fn a_mail_that_breaks_off_counts_as_an_attempt() {
        let handed = of_failure(Failure::InPart("it hung up".to_owned()));
        assert!(matches!(handed.outcome, SegmentOutcome::TryLater { .. }), "{handed:?}");
        assert_eq!(handed.peer, Peer::Fails("it hung up".to_owned()));
    }

    #[test]
    fn answers_are_judged_by_their_codes() {
        let refused = |error_type, status: &str| SegmentOutcome::Refused { error_type, status: status.to_owned() };
        for (status, outcome) in [
            (RequestStatus::Ok, SegmentOutcome::Accepted { carrier_id: Some("id".to_owned()), remark: None }),
            (RequestStatus::NetworkProblem, SegmentOutcome::TryLater { status: "Error-network-problem".to_owned() }),
            (RequestStatus::Unspecified, SegmentOutcome::TryLater { status: "Error-unspecified".to_owned() }),
            (RequestStatus::ServiceDenied, refused(ErrorType::BlockedByCarrier, "Error-service-denied")),
            (
                RequestStatus::SendingAddressUnresolved,
                refused(ErrorType::InvalidDestination, "Error-sending-address-unresolved"),
            ),
            (RequestStatus::ContentNotAccepted, refused(ErrorType::MediaFailed, "Error-content-not-accepted")),
            (RequestStatus::MessageNotFound, refused(ErrorType::CarrierRejected, "Error-message-not-found")),
        ] {
            assert_eq!(of_answer(&Answer::new(Request::Forward, "t".to_owned(), status), "id".to_owned()), outcome);
        }
    }

    #[test]
    fn a_code_is_told_as_it_came_unless_it_is_no_word() {
        let code = |code: &str| {
            status_of(&Answer {
                code: code.to_owned(),
                ..Answer::new(Request::Forward, "t".to_owned(), RequestStatus::Unspecified)
            })
        };
        assert_eq!(code("Error-of-our-own"), "Error-of-our-own");
        assert_eq!(code("no such number +12025550101"), "Error-unspecified");
        assert_eq!(code(&"x".repeat(200)), "Error-unspecified");
    }
}
