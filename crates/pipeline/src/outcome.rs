//! The consequence of a carrier's answer.
//!
//! The input is the outcome of each segment of an attempt; the output is the verdict on the message: sent, another
//! attempt (with time and carrier), held, or failed.

use std::time::Duration;

use carrier::{SegmentOutcome, SubmissionOutcome};
use model::backoff::Backoff;
use model::unmatched::clipped;
use model::{CarrierName, ErrorType, Moment, Timestamp};
use store::contract::dispatch::{Leased, Outcome, Retry, SegmentAck, Verdict};
use wire::receipt::id;

use crate::route::{Carriers, OnUnknown, Routes, Subject};

/// The longest id or error of a carrier in an event, in bytes: specifications have shorter ones, and a carrier may send
/// any.
pub(crate) const ID_SHOWN_BYTES_MAX: usize = 100;

/// The circumstances of a verdict, except the answer itself.
pub(crate) struct Circumstances<'a> {
    pub(crate) carrier: &'a CarrierName,
    pub(crate) routes: &'a Routes,
    pub(crate) carriers: &'a dyn Carriers,
    pub(crate) now: Moment,
    pub(crate) retry: Backoff,
    /// After so many deferred attempts, the next carrier of the route is tried.
    pub(crate) attempts_per_carrier: u32,
    /// A random number from 0 up to 1.
    pub(crate) unit: f64,
    /// How long a message that the carrier accepted waits for its receipts.
    pub(crate) receipt_wait: Option<Duration>,
}

/// The verdict on the message.
pub(crate) fn judge(answer: &SubmissionOutcome, with: &Circumstances<'_>) -> Outcome {
    let message = &*answer.message;
    let accepted: Vec<SegmentAck> =
        answer.segments.iter().filter_map(|(number, outcome)| acknowledged(*number, outcome)).collect();
    let (verdict, detail) = verdict(answer, with);
    Outcome {
        id: message.id,
        recipient: message.recipient,
        token: answer.token,
        total: answer.total,
        attempt: answer.attempt,
        carrier: with.carrier.clone().into(),
        at: with.now.wall,
        accepted,
        verdict,
        detail,
        receipt_by: with.receipt_wait.map(|wait| with.now.wall + wait),
    }
}

/// The verdict on a leased message of which nothing was sent under this lease.
pub(crate) fn unattempted(leased: &Leased, at: Timestamp, verdict: Verdict, detail: String) -> Outcome {
    Outcome {
        id: leased.message.id,
        recipient: leased.message.recipient,
        token: leased.lease.token,
        total: leased.message.segments,
        attempt: leased.attempts,
        carrier: leased.carrier.clone(),
        at,
        accepted: Vec::new(),
        verdict,
        detail,
        receipt_by: None,
    }
}

fn acknowledged(number: u16, outcome: &SegmentOutcome) -> Option<SegmentAck> {
    let SegmentOutcome::Accepted { carrier_id, .. } = outcome else { return None };
    let key = carrier_id.as_deref().map(id::canonical).filter(|key| !key.is_empty());
    Some(SegmentAck { number, carrier_id: carrier_id.clone(), key })
}

/// The worst outcome of a segment decides: a refusal is final, an unknown outcome takes precedence over a delay.
fn verdict(answer: &SubmissionOutcome, with: &Circumstances<'_>) -> (Verdict, String) {
    let found = |wanted: fn(&SegmentOutcome) -> bool| {
        answer.segments.iter().map(|(_, outcome)| outcome).find(|outcome| wanted(outcome))
    };
    if let Some(SegmentOutcome::Refused { error_type, status }) =
        found(|outcome| matches!(outcome, SegmentOutcome::Refused { .. }))
    {
        return refused(answer, with, *error_type, status);
    }
    if let Some(SegmentOutcome::Unknown { why }) = found(|outcome| matches!(outcome, SegmentOutcome::Unknown { .. })) {
        return unknown(answer, with, why);
    }
    if let Some(SegmentOutcome::TryLater { status }) =
        found(|outcome| matches!(outcome, SegmentOutcome::TryLater { .. }))
    {
        return later(answer, with, status);
    }
    if let Some(SegmentOutcome::NotBound { status }) =
        found(|outcome| matches!(outcome, SegmentOutcome::NotBound { .. }))
    {
        return not_bound(answer, with, status);
    }
    if is_whole(answer) {
        return (Verdict::Sent, particulars(answer));
    }
    let retry = Retry { counts: false, ..Retry::at_once(with.carrier.clone(), with.now) };
    (Verdict::Retry(retry), "nothing left this machine".to_owned())
}

/// Whether the carrier has every segment of its cut now.
fn is_whole(answer: &SubmissionOutcome) -> bool {
    let taken = answer.segments.iter().filter(|(_, outcome)| matches!(outcome, SegmentOutcome::Accepted { .. }));
    let has = taken.fold(answer.accepted_before, |mask, (number, _)| mask | 1 << (number - 1).min(63));
    (0..answer.total.clamp(1, 64)).all(|bit| has >> bit & 1 == 1)
}

fn refused(
    answer: &SubmissionOutcome,
    with: &Circumstances<'_>,
    error_type: ErrorType,
    status: &str,
) -> (Verdict, String) {
    // Another carrier may take what this one will not; a recipient that does not exist, or a block, stays what it is.
    if error_type == ErrorType::CarrierRejected
        && let Some(next) = next_carrier(answer, with)
    {
        let detail = format!("{status}; next carrier: {next}");
        return (Verdict::Retry(Retry { refused: true, ..Retry::at_once(next, with.now) }), detail);
    }
    (Verdict::Failed { error_type, message: error_type.sentence().to_owned() }, status.to_owned())
}

fn unknown(answer: &SubmissionOutcome, with: &Circumstances<'_>, why: &str) -> (Verdict, String) {
    match with.routes.on_unknown(Subject::of(&answer.message)) {
        OnUnknown::Hold => (Verdict::Hold, format!("{why}; held")),
        OnUnknown::Resend => {
            // A carrier that takes everything and answers nothing must not flood a handset.
            let (retry, wait) = another_try(answer, with, true);
            (
                Verdict::Retry(retry),
                format!("{why}; it will be sent again in {} s and may arrive twice", wait.as_secs()),
            )
        }
    }
}

fn later(answer: &SubmissionOutcome, with: &Circumstances<'_>, status: &str) -> (Verdict, String) {
    let (retry, wait) = another_try(answer, with, false);
    let detail = format!("{status}; next attempt with {} in {} s", retry.carrier, wait.as_secs());
    (Verdict::Retry(retry), detail)
}

/// So many attempts that met a session which was not bound are repeated as soon as the carrier is bound again. Past
/// them the message waits as usual: it may be this very message that the carrier answers so, and each of its attempts
/// ends a session.
const NOT_BOUND_AT_ONCE: u32 = 3;

fn not_bound(answer: &SubmissionOutcome, with: &Circumstances<'_>, status: &str) -> (Verdict, String) {
    if answer.attempt > NOT_BOUND_AT_ONCE {
        return later(answer, with, status);
    }
    let (retry, _) = another_try(answer, with, false);
    let detail = format!("{status}; next attempt once {} is bound", retry.carrier);
    (Verdict::Retry(Retry { due_at: with.now.steady, ..retry }), detail)
}

/// The next try, and how long it is until then: later each time, and with the next carrier once this one has had its
/// share, where there is one that messages go to.
fn another_try(answer: &SubmissionOutcome, with: &Circumstances<'_>, outcome_unknown: bool) -> (Retry, Duration) {
    let has_had_its_share = answer.attempt.is_multiple_of(with.attempts_per_carrier.max(1));
    let next = if has_had_its_share { next_carrier(answer, with) } else { None };
    let next = next.filter(|next| with.carriers.standing(next).is_usable());
    let wait = if next.is_some() { Duration::ZERO } else { with.retry.wait(answer.attempt, with.unit) };
    let due_at = with.now.steady + wait.min(answer.message.expires_at.since(with.now.wall));
    let carrier = next.unwrap_or_else(|| with.carrier.clone());
    (Retry { due_at, outcome_unknown, ..Retry::at_once(carrier, with.now) }, wait)
}

fn next_carrier(answer: &SubmissionOutcome, with: &Circumstances<'_>) -> Option<CarrierName> {
    let refused_by = with.carriers.refused_by(with.carrier, answer.message.id);
    let standing = |name: &CarrierName| with.carriers.standing(name);
    with.routes.next(Subject::of(&answer.message), with.carrier, &refused_by, standing)
}

/// What an acknowledged attempt says of itself: the carrier's ids, how many segments the carrier's cut has where
/// admission counted another number, and what the carrier says beside them.
fn particulars(answer: &SubmissionOutcome) -> String {
    let mut ids = ids(answer);
    for (_, outcome) in &answer.segments {
        if let SegmentOutcome::Accepted { remark: Some(remark), .. } = outcome {
            ids = format!("{ids}; {remark}");
        }
    }
    match answer.total {
        total if total == answer.message.segments => ids,
        1 => format!("in 1 segment; {ids}"),
        total => format!("in {total} segments; {ids}"),
    }
}

fn ids(answer: &SubmissionOutcome) -> String {
    let ids = answer.segments.iter().filter_map(|(_, outcome)| match outcome {
        SegmentOutcome::Accepted { carrier_id, .. } => {
            Some(carrier_id.as_deref().map_or("(none)", |id| clipped(id, ID_SHOWN_BYTES_MAX)))
        }
        _ => None,
    });
    format!("carrier id {}", ids.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{Route, Standing};
    use model::MessageId;
    use model::message::{Message, MessageType};

    use std::sync::Arc;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn answer(attempt: u32, segments: Vec<SegmentOutcome>) -> SubmissionOutcome {
        let count = segments.len() as u16;
        let message = Message {
            segments: count,
            created_at: NOW,
            expires_at: NOW + Duration::from_secs(100),
            ..testkit::message(1)
        };
        let segments = (1..=count).zip(segments).collect();
        SubmissionOutcome { message: Arc::new(message), attempt, token: 1, total: count, accepted_before: 0, segments }
    }

    /// The backup's standing, and the carriers that refused the message.
    struct Others(Standing, &'static [&'static str]);

    impl Carriers for Others {
        fn standing(&self, name: &CarrierName) -> Standing {
            if *name == "backup" { self.0 } else { Standing::Up }
        }

        fn refused_by(&self, _: &CarrierName, _: MessageId) -> Vec<CarrierName> {
            self.1.iter().map(|name| CarrierName::from(*name)).collect()
        }
    }

    fn main() -> CarrierName {
        "main".into()
    }

    fn verdict_on(attempt: u32, on_unknown: OnUnknown, segments: Vec<SegmentOutcome>) -> Verdict {
        verdict_among(&Others(Standing::Up, &[]), attempt, on_unknown, segments)
    }

    fn verdict_among(others: &Others, attempt: u32, on_unknown: OnUnknown, segments: Vec<SegmentOutcome>) -> Verdict {
        let carriers = vec!["main".into(), "backup".into()];
        let routes = Routes::new(vec![Route { prefix: "+1".into(), kind: MessageType::Sms, carriers, on_unknown }]);
        let retry = Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(600) };
        let with = Circumstances {
            carrier: &main(),
            routes: &routes,
            carriers: others,
            now: Moment::of(NOW),
            retry,
            attempts_per_carrier: 3,
            unit: 1.0,
            receipt_wait: None,
        };
        judge(&answer(attempt, segments), &with).verdict
    }

    fn accepted() -> SegmentOutcome {
        SegmentOutcome::Accepted { carrier_id: Some("7".into()), remark: None }
    }

    fn refused(error_type: ErrorType) -> SegmentOutcome {
        SegmentOutcome::Refused { error_type, status: "ESME_X".into() }
    }

    fn retry(wait_secs: u64, carrier: &str, counts: bool, outcome_unknown: bool) -> Verdict {
        Verdict::Retry(Retry {
            due_at: NOW + Duration::from_secs(wait_secs),
            carrier: carrier.into(),
            counts,
            outcome_unknown,
            refused: false,
        })
    }

    #[test]
    fn a_message_is_sent_when_the_carrier_has_all_of_it() {
        assert_eq!(verdict_on(1, OnUnknown::Resend, vec![accepted(), accepted()]), Verdict::Sent);
    }

    #[test]
    fn how_many_segments_are_all_of_it_is_the_carriers_to_say() {
        let routes = Routes::default();
        let retry = Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(60) };
        let with = Circumstances {
            carrier: &main(),
            routes: &routes,
            carriers: &Others(Standing::Up, &[]),
            now: Moment::of(NOW),
            retry,
            attempts_per_carrier: 3,
            unit: 0.5,
            receipt_wait: None,
        };
        let taken = answer(1, vec![accepted()]);
        for segments in [1, 3] {
            let message = Arc::new(Message { segments, ..Message::clone(&taken.message) });
            assert_eq!(
                judge(&SubmissionOutcome { message, ..taken.clone() }, &with).verdict,
                Verdict::Sent,
                "{segments} segments at admission"
            );
        }
    }

    #[test]
    fn what_never_left_is_tried_at_once_and_counts_for_nothing() {
        assert_eq!(verdict_on(1, OnUnknown::Hold, vec![SegmentOutcome::NotSent]), retry(0, "main", false, false));
    }

    #[test]
    fn a_delay_is_waited_out_longer_each_time_and_then_another_carrier_tried() {
        let later = || vec![SegmentOutcome::TryLater { status: "ESME_RSYSERR".into() }];
        assert_eq!(verdict_on(1, OnUnknown::Resend, later()), retry(10, "main", true, false));
        assert_eq!(verdict_on(2, OnUnknown::Resend, later()), retry(20, "main", true, false));
        assert_eq!(verdict_on(3, OnUnknown::Resend, later()), retry(0, "backup", true, false));
        for others in [Others(Standing::Down, &[]), Others(Standing::Up, &["backup"])] {
            assert_eq!(verdict_among(&others, 3, OnUnknown::Resend, later()), retry(40, "main", true, false));
        }
    }

    #[test]
    fn what_met_a_session_that_was_not_bound_is_tried_again_at_once_a_few_times() {
        let not_bound =
            || vec![accepted(), SegmentOutcome::NotBound { status: "ESME_RINVBNDSTS".into() }, SegmentOutcome::NotSent];
        for (attempt, verdict) in [
            (1, retry(0, "main", true, false)),
            (2, retry(0, "main", true, false)),
            (3, retry(0, "backup", true, false)),
            (4, retry(80, "main", true, false)),
            (6, retry(0, "backup", true, false)),
        ] {
            assert_eq!(verdict_on(attempt, OnUnknown::Hold, not_bound()), verdict, "attempt {attempt}");
        }
    }

    #[test]
    fn a_delay_that_the_carrier_asks_for_outweighs_a_session_that_was_not_bound() {
        let both = vec![
            SegmentOutcome::NotBound { status: "ESME_RINVBNDSTS".into() },
            SegmentOutcome::TryLater { status: "ESME_RSYSERR".into() },
        ];
        assert_eq!(verdict_on(1, OnUnknown::Resend, both), retry(10, "main", true, false));
    }

    #[test]
    fn an_acknowledgement_says_into_how_many_segments_the_text_was_cut() {
        let routes = Routes::default();
        let retry = Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(60) };
        let with = Circumstances {
            carrier: &main(),
            routes: &routes,
            carriers: &Others(Standing::Up, &[]),
            now: Moment::of(NOW),
            retry,
            attempts_per_carrier: 3,
            unit: 0.5,
            receipt_wait: None,
        };
        for (counted, cut, detail) in [
            (1, 1, "carrier id 7"),
            (2, 2, "carrier id 7, 7"),
            (1, 3, "in 3 segments; carrier id 7, 7, 7"),
            (3, 1, "in 1 segment; carrier id 7"),
        ] {
            let taken = answer(1, vec![accepted(); cut]);
            let message = Arc::new(Message { segments: counted, ..Message::clone(&taken.message) });
            assert_eq!(judge(&SubmissionOutcome { message, ..taken }, &with).detail, detail);
        }
    }

    #[test]
    fn what_the_carrier_says_beside_its_id_is_kept() {
        let routes = Routes::default();
        let retry = Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(60) };
        let with = Circumstances {
            carrier: &main(),
            routes: &routes,
            carriers: &Others(Standing::Up, &[]),
            now: Moment::of(NOW),
            retry,
            attempts_per_carrier: 3,
            unit: 0.5,
            receipt_wait: None,
        };
        let taken = SegmentOutcome::Accepted {
            carrier_id: Some("7".into()),
            remark: Some("Ok (X-Internal-Status-Code: 0)".into()),
        };
        assert_eq!(judge(&answer(1, vec![taken]), &with).detail, "carrier id 7; Ok (X-Internal-Status-Code: 0)");
    }

    #[test]
    fn no_wait_outlasts_the_validity_period() {
        let later = vec![SegmentOutcome::TryLater { status: "ESME_RSYSERR".into() }];
        assert_eq!(verdict_on(5, OnUnknown::Resend, later), retry(100, "main", true, false));
    }

    #[test]
    fn an_unknown_outcome_follows_the_routes_policy() {
        let unknown = || vec![accepted(), SegmentOutcome::Unknown { why: "no answer in time" }];
        assert_eq!(verdict_on(1, OnUnknown::Resend, unknown()), retry(10, "main", true, true));
        assert_eq!(verdict_on(2, OnUnknown::Resend, unknown()), retry(20, "main", true, true));
        assert_eq!(verdict_on(3, OnUnknown::Resend, unknown()), retry(0, "backup", true, true));
        assert_eq!(verdict_on(1, OnUnknown::Hold, unknown()), Verdict::Hold);
    }

    #[test]
    fn a_refusal_is_final_unless_another_carrier_may_think_otherwise() {
        let rejected = || vec![refused(ErrorType::CarrierRejected)];
        let next = Verdict::Retry(Retry { refused: true, ..Retry::at_once("backup".into(), Moment::of(NOW)) });
        assert_eq!(verdict_on(1, OnUnknown::Resend, rejected()), next);
        // It waits for a carrier that is down, and never for one that refused it or is gone.
        let failed = Verdict::Failed {
            error_type: ErrorType::CarrierRejected,
            message: ErrorType::CarrierRejected.sentence().into(),
        };
        for (others, verdict) in [
            (Others(Standing::Down, &[]), &next),
            (Others(Standing::Absent, &[]), &failed),
            (Others(Standing::Up, &["backup"]), &failed),
        ] {
            assert_eq!(verdict_among(&others, 1, OnUnknown::Resend, rejected()), *verdict);
        }
        for kind in [ErrorType::InvalidDestination, ErrorType::BlockedByCarrier] {
            let failed = Verdict::Failed { error_type: kind, message: kind.sentence().into() };
            assert_eq!(
                verdict_on(1, OnUnknown::Resend, vec![accepted(), refused(kind), SegmentOutcome::NotSent]),
                failed
            );
        }
    }
}
