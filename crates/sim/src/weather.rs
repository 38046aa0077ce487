//! What goes wrong with a carrier, and how often.

use std::time::Duration;

use carrier::{ReceiptState, SegmentOutcome};
use model::ErrorType;

use crate::chance::Chance;

/// How often each fault happens: times in a thousand, per segment unless a field says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The carrier has it, and its answer is lost.
    pub answer_lost: u64,
    /// It is lost on its way.
    pub lost: u64,
    /// The carrier answers after it was given up.
    pub late: u64,
    /// It is refused for good.
    pub refused: u64,
    /// It is put off: throttled, or the queue is full.
    pub put_off: u64,
    /// The carrier says that the session is not bound.
    pub not_bound: u64,
    /// The answer takes up to the time that it may take.
    pub slow: u64,
    /// The receipt comes before the answer.
    pub early: u64,
    /// No receipt comes.
    pub no_receipt: u64,
    /// The receipt comes more than once.
    pub repeated: u64,
    /// A second receipt contradicts the first.
    pub contradicted: u64,
    /// The handset was not reached.
    pub undelivered: u64,
    /// The session breaks, in each second.
    pub breaks: u64,
    /// The window shrinks, in each second.
    pub shrinks: u64,
    /// Receipts with ids that no message has, in each second.
    pub strange: u64,
}

impl Weather {
    /// Nothing goes wrong.
    pub const fn fair() -> Self {
        Self {
            answer_lost: 0,
            lost: 0,
            late: 0,
            refused: 0,
            put_off: 0,
            not_bound: 0,
            slow: 0,
            early: 0,
            no_receipt: 0,
            repeated: 0,
            contradicted: 0,
            undelivered: 0,
            breaks: 0,
            shrinks: 0,
            strange: 0,
        }
    }

    /// Some things go wrong, others do not.
    pub fn bad(chance: &mut Chance) -> Self {
        let mut often = |most: u64| if chance.permille(500) { chance.within(0..most) } else { 0 };
        Self {
            answer_lost: often(80),
            lost: often(60),
            late: often(120),
            refused: often(80),
            put_off: often(250),
            not_bound: often(30),
            slow: often(200),
            early: often(300),
            no_receipt: often(200),
            repeated: often(300),
            contradicted: often(200),
            undelivered: often(200),
            breaks: often(150),
            shrinks: often(200),
            strange: often(200),
        }
    }

    /// What becomes of a segment.
    pub(crate) fn fate(&self, chance: &mut Chance, answer_within: Duration) -> Fate {
        let quick = chance.millis(1..60);
        let whole = u64::try_from(answer_within.as_millis()).unwrap_or(1_000);
        if chance.permille(self.answer_lost) {
            return Fate::Silent { is_taken: true };
        }
        if chance.permille(self.lost) {
            return Fate::Silent { is_taken: false };
        }
        if chance.permille(self.late) {
            return Fate::Late { after: answer_within + chance.millis(1..8_000) };
        }
        if chance.permille(self.refused) {
            let why =
                *chance.pick(&[ErrorType::CarrierRejected, ErrorType::InvalidDestination, ErrorType::BlockedByCarrier]);
            return Fate::Answered {
                after: quick,
                outcome: SegmentOutcome::Refused { error_type: why, status: "ESME_RSUBMITFAIL".to_owned() },
            };
        }
        if chance.permille(self.put_off) {
            let status = *chance.pick(&["ESME_RTHROTTLED", "ESME_RMSGQFUL"]);
            return Fate::Answered { after: quick, outcome: SegmentOutcome::TryLater { status: status.to_owned() } };
        }
        if chance.permille(self.not_bound) {
            return Fate::Answered {
                after: quick,
                outcome: SegmentOutcome::NotBound { status: "ESME_RINVBNDSTS".to_owned() },
            };
        }
        if chance.permille(self.slow) {
            return Fate::Taken { after: chance.millis(50..whole) };
        }
        Fate::Taken { after: quick }
    }

    /// The receipts for a segment that the carrier has.
    pub(crate) fn report(&self, chance: &mut Chance, answered_after: Duration) -> Option<Report> {
        if chance.permille(self.no_receipt) {
            return None;
        }
        let after =
            if chance.permille(self.early) { answered_after / 2 } else { answered_after + chance.millis(1..4_000) };
        let state = if chance.permille(self.undelivered) {
            *chance.pick(&[ReceiptState::Undeliverable, ReceiptState::Expired, ReceiptState::Rejected])
        } else {
            ReceiptState::Delivered
        };
        let times = match chance.permille(self.repeated) {
            true if chance.permille(50) => 25,
            is_repeated => 1 + u32::from(is_repeated),
        };
        let contradiction = match state {
            ReceiptState::Delivered => ReceiptState::Undeliverable,
            _ => ReceiptState::Delivered,
        };
        let contradicted_by = chance.permille(self.contradicted).then_some(contradiction);
        Some(Report { after, state, times, is_announced: chance.permille(self.repeated), contradicted_by })
    }
}

/// What becomes of a segment on its way to the carrier and of its answer.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// The carrier has it and says so.
    Taken { after: Duration },
    /// It answers something else.
    Answered { after: Duration, outcome: SegmentOutcome },
    /// No answer comes.
    Silent { is_taken: bool },
    /// The carrier has it and says so when it was given up.
    Late { after: Duration },
}

/// The receipts for a segment, and when they come.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) after: Duration,
    pub(crate) state: ReceiptState,
    pub(crate) times: u32,
    /// Whether a receipt with an intermediate state precedes it.
    pub(crate) is_announced: bool,
    /// What a later receipt claims instead.
    pub(crate) contradicted_by: Option<ReceiptState>,
}
