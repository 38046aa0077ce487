//! What follows for a message from the outcome of an attempt, and from the end of its validity.

use std::borrow::Cow;

use model::event::EventKind;
use model::{ErrorType, Msisdn, Status, Timestamp};

use crate::contract::dispatch::{Attempt, Outcome, Retry, Verdict};
use crate::life::{Life, NewEvent};

impl Attempt {
    /// The event that the attempt with this number begins.
    pub fn event(&self, number: u32, at: Timestamp) -> NewEvent {
        NewEvent {
            carrier: Some(self.carrier.clone()),
            attempt: Some(number),
            ..NewEvent::plain(self.id, at, EventKind::Attempt, self.detail.as_str())
        }
    }
}

/// An outcome as it may be recorded: of a message that was erased, without the recipient and the carrier's words.
pub fn unless_erased<'o>(outcome: &'o Outcome, life: &Life) -> Cow<'o, Outcome> {
    if life.delivery.erased_at.is_none() {
        return Cow::Borrowed(outcome);
    }
    Cow::Owned(Outcome { recipient: Msisdn::nobody(), detail: String::new(), ..outcome.clone() })
}

/// Applies an outcome. `stops` says why the message is not to be tried again, where something forbids it since.
pub fn apply(life: &mut Life, outcome: &Outcome, stops: Option<&str>) {
    let known = life.accepted;
    if outcome.verdict == Verdict::Sent && life.delivery.status == Status::Queued {
        life.stand_with(&outcome.carrier);
    }
    if life.delivery.carrier == outcome.carrier {
        life.took(outcome.total, &outcome.accepted);
    }
    match &outcome.verdict {
        Verdict::Sent => {
            let changed = life.change(Status::Sent, outcome.at, None);
            if changed {
                life.receipt_by = outcome.receipt_by;
            }
            if changed || life.accepted != known {
                note(life, outcome, EventKind::Acknowledged, &outcome.detail);
            }
        }
        Verdict::Retry(retry) => {
            let kind = if retry.outcome_unknown { EventKind::Unknown } else { EventKind::Retry };
            note(life, outcome, kind, &outcome.detail);
            match stops {
                Some(why) => {
                    life.delivery.unknown_outcomes += u32::from(retry.outcome_unknown);
                    life.skip(outcome.at, why);
                }
                None => retry_later(life, retry),
            }
        }
        Verdict::Hold => {
            note(life, outcome, EventKind::Unknown, &outcome.detail);
            note(life, outcome, EventKind::Held, "until a receipt comes or the validity period ends");
            life.let_go();
            life.delivery.held = true;
            life.delivery.unknown_outcomes += 1;
        }
        Verdict::Failed { error_type, message } => {
            note(life, outcome, EventKind::Refused, &outcome.detail);
            life.change(Status::Failed, outcome.at, Some((*error_type, message.clone())));
            note(life, outcome, EventKind::Ended, &format!("failed: {}", error_type.as_str()));
        }
        Verdict::Expired => {
            let why = end_of_validity(life);
            life.change(Status::Undelivered, outcome.at, Some(why));
            note(life, outcome, EventKind::Ended, OVER);
        }
        Verdict::Skipped(why) => {
            life.skip(outcome.at, why);
        }
    }
}

const OVER: &str = "undelivered: the validity period is over";

const NOT_AGAIN: &str =
    "undelivered: it may have left before the store was restored, and the operator had it not sent again";

/// Why queued messages end that no carrier took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Their validity is over.
    ByValidity,
    /// The operator of a restored store has so decided for all of them.
    ByOperator,
}

impl Ending {
    /// Messages end that are valid until this moment or an earlier one.
    pub const fn valid_until(self, now: Timestamp) -> Timestamp {
        match self {
            Self::ByValidity => now,
            Self::ByOperator => Timestamp::from_millis(i64::MAX),
        }
    }

    /// Ends a message. Says whether it did.
    pub fn apply(self, life: &mut Life, now: Timestamp) -> bool {
        match self {
            Self::ByValidity => end(life, now, end_of_validity(life), OVER),
            Self::ByOperator => {
                end(life, now, (ErrorType::Unknown, ErrorType::Unknown.sentence().to_owned()), NOT_AGAIN)
            }
        }
    }
}

fn end(life: &mut Life, now: Timestamp, why: (ErrorType, String), told: &str) -> bool {
    let interrupted = life.in_flight.then(|| NewEvent {
        carrier: life.delivery.carrier.carrier().cloned(),
        attempt: Some(life.delivery.attempts),
        ..NewEvent::plain(life.id, now, EventKind::Unknown, "the process ended before the outcome was recorded")
    });
    if !life.change(Status::Undelivered, now, Some(why)) {
        return false;
    }
    life.delivery.unknown_outcomes += u32::from(interrupted.is_some());
    life.events.extend(interrupted);
    life.note(now, EventKind::Ended, told);
    true
}

fn note(life: &mut Life, outcome: &Outcome, kind: EventKind, detail: &str) {
    let (carrier, attempt) = (outcome.carrier.carrier().cloned(), Some(outcome.attempt));
    life.events.push(NewEvent { carrier, attempt, ..NewEvent::plain(outcome.id, outcome.at, kind, detail) });
}

fn retry_later(life: &mut Life, retry: &Retry) {
    // Where none was begun, the count is that of earlier ones.
    if !retry.counts && life.in_flight {
        life.delivery.attempts = life.delivery.attempts.saturating_sub(1);
    }
    life.let_go();
    life.due_at = retry.due_at;
    if retry.refused {
        life.refuse();
    }
    life.stand_with(&retry.carrier.clone().into());
    if retry.outcome_unknown {
        life.delivery.unknown_outcomes += 1;
    }
}

/// Why a message ends with its validity: it may have arrived where an attempt's outcome is unknown and nothing more was
/// tried.
fn end_of_validity(life: &Life) -> (ErrorType, String) {
    let why = if life.delivery.held || life.in_flight { ErrorType::Unknown } else { ErrorType::Expired };
    (why, why.sentence().to_owned())
}
