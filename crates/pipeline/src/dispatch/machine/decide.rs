//! What becomes of one message: whether it may leave, what its attempt is, and where it goes instead.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{CarrierName, ErrorType, Message, Moment, Timestamp};
use store::contract::dispatch::{Attempt, Leased, Outcome, Retry, Verdict};
use store::reasons::{RECIPIENT_BLOCKED, SENDER_STOPPED};

use super::{Dispatch, Report, Skips};
use crate::lease;
use crate::media::MediaError;
use crate::outcome::unattempted;
use crate::route::{OnUnknown, Subject};
use crate::tenants::TenantBook;

/// Looks up in `tenants` why the operator does not let a message leave any more. A single message was accepted a moment
/// ago and is not looked at again; one that left its schedule, one of a broadcast and an automatic one are bound by all
/// that the operator has decided meanwhile. Opt-outs are looked at by the transaction that begins an attempt.
pub(in crate::dispatch) fn skips(tenants: Arc<TenantBook>) -> Skips {
    Arc::new(move |message| {
        if message.automatic.is_none() && message.broadcast.is_none() && message.send_at.is_none() {
            None
        } else if tenants.check_sender(message.account, message.originator).is_err() {
            Some(SENDER_STOPPED)
        } else {
            tenants.is_blocked_recipient(message.account, message.recipient).then_some(RECIPIENT_BLOCKED)
        }
    })
}

impl Dispatch {
    /// Why a message is not to leave, although it was accepted: it may have waited for long.
    pub(super) fn reason_against(&self, message: &Message, now: Timestamp) -> Option<Verdict> {
        if message.expires_at <= now {
            return Some(Verdict::Expired);
        }
        (self.books.skips)(message).map(Verdict::Skipped)
    }

    /// The attempt of a message that begins at `now`, in steady time.
    pub(super) fn attempt(&self, leased: &Leased, now: Timestamp) -> Attempt {
        let detail = match leased.accepted_segments {
            0 => String::new(),
            mask => format!("{} segments are with the carrier already", mask.count_ones()),
        };
        Attempt {
            id: leased.message.id,
            recipient: leased.message.recipient,
            token: leased.lease.token,
            carrier: self.carrier.clone(),
            lease_until: now + lease::of_attempt(self.answers_within),
            detail,
        }
    }

    /// The outcome of an attempt that an earlier process began.
    pub(super) fn interrupted(&self, leased: &Leased, now: Moment) -> Outcome {
        let verdict = match self.books.routes.on_unknown(Subject::of(&leased.message)) {
            OnUnknown::Hold => Verdict::Hold,
            OnUnknown::Resend => {
                Verdict::Retry(Retry { outcome_unknown: true, ..Retry::at_once(self.carrier.clone(), now) })
            }
        };
        unattempted(leased, now.wall, verdict, "the process ended before an answer was recorded".to_owned())
    }

    /// What follows where media did not come: because of this error, or in time.
    pub(super) fn without_media(&self, leased: &Leased, error: Option<&MediaError>, now: Moment) -> (Verdict, Report) {
        let id = leased.message.id;
        if let Some(error @ MediaError::Lost(..)) = error {
            let error_type = ErrorType::MediaFailed;
            return (
                Verdict::Failed { error_type, message: error_type.sentence().to_owned() },
                Report::Lost(id, error.to_string()),
            );
        }
        let due_at = now.steady + self.settings.retry.floor;
        let why = error.map_or_else(|| "they did not come".to_owned(), ToString::to_string);
        (
            Verdict::Retry(Retry { due_at, counts: false, ..Retry::at_once(self.carrier.clone(), now) }),
            Report::Late(id, why),
        )
    }

    /// The carrier that takes a message while this one is down, among those that are `up`.
    pub(super) fn other_carrier(&self, leased: &Leased, up: &BTreeSet<CarrierName>) -> Option<CarrierName> {
        let (of, routes) = (Subject::of(&leased.message), &self.books.routes);
        routes.instead_of(of, &self.carrier, &leased.refused_by, |name| up.contains(name))
    }

    /// What becomes of a message that goes to another carrier. It was never attempted here, so there is no attempt to
    /// take back.
    pub(super) fn diverted(&self, leased: &Leased, carrier: CarrierName, now: Moment) -> Outcome {
        let detail = format!("{} is down; next carrier: {carrier}", self.carrier);
        let verdict = Verdict::Retry(Retry { counts: false, ..Retry::at_once(carrier, now) });
        unattempted(leased, now.wall, verdict, detail)
    }
}
