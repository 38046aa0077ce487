//! Attempts under way: begun in the store, and not yet recorded there as ended. At most so many messages have an
//! unknown outcome when the process dies. So a dispatcher begins no attempt above its carrier's window, even if the
//! carrier answers fast.

use std::collections::{HashMap, HashSet};

use model::{CarrierName, MessageId};
use store::contract::dispatch::Outcome;

/// The attempts of one dispatcher that are under way.
#[derive(Default)]
pub(crate) struct UnderWay {
    by_message: HashMap<MessageId, Begun>,
    segments: usize,
}

/// An attempt that is under way.
struct Begun {
    number: u32,
    segments: usize,
    /// The carriers that refused its message before.
    refused_by: Vec<CarrierName>,
}

impl UnderWay {
    /// An attempt is begun in the store.
    pub(crate) fn begin(&mut self, id: MessageId, number: u32, segments: usize, refused_by: Vec<CarrierName>) {
        self.segments += segments;
        if let Some(before) = self.by_message.insert(id, Begun { number, segments, refused_by }) {
            self.segments -= before.segments;
        }
    }

    /// An outcome is recorded. One that came late, after its attempt had ended as unknown, changes nothing.
    pub(crate) fn record(&mut self, outcome: &Outcome) {
        if self.by_message.get(&outcome.id).is_some_and(|begun| begun.number == outcome.attempt)
            && let Some(begun) = self.by_message.remove(&outcome.id)
        {
            self.segments -= begun.segments;
        }
    }

    /// The carriers that refused a message before its attempt that is under way.
    pub(crate) fn refused_by(&self, id: MessageId) -> Vec<CarrierName> {
        self.by_message.get(&id).map(|begun| begun.refused_by.clone()).unwrap_or_default()
    }

    /// The messages whose attempts are under way.
    pub(crate) fn messages(&self) -> HashSet<MessageId> {
        self.by_message.keys().copied().collect()
    }

    /// Whether no attempt is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_message.is_empty()
    }

    /// How many fewer than `window` segments are under way.
    pub(crate) fn room(&self, window: usize) -> usize {
        window.saturating_sub(self.segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Msisdn, Timestamp};
    use store::contract::dispatch::Verdict;

    fn ended(id: u8, attempt: u32) -> Outcome {
        Outcome {
            id: MessageId::from_bytes([id; 16]),
            recipient: Msisdn::parse("+18005551000").unwrap(),
            token: 1,
            total: 1,
            attempt,
            carrier: "main".into(),
            at: Timestamp::from_millis(0),
            accepted: Vec::new(),
            verdict: Verdict::Sent,
            detail: String::new(),
            receipt_by: None,
        }
    }

    #[test]
    fn there_is_room_again_when_an_outcome_is_recorded_and_once_for_each_attempt() {
        let mut under_way = UnderWay::default();
        under_way.begin(MessageId::from_bytes([1; 16]), 1, 2, Vec::new());
        assert_eq!(under_way.room(3), 1);
        under_way.begin(MessageId::from_bytes([2; 16]), 4, 1, Vec::new());
        assert_eq!(under_way.room(3), 0);
        under_way.record(&ended(2, 3));
        assert_eq!(under_way.room(3), 0, "that was an earlier attempt");
        under_way.record(&ended(1, 1));
        under_way.record(&ended(1, 1));
        assert_eq!(under_way.room(3), 2);
        under_way.record(&ended(2, 4));
        assert_eq!(under_way.room(3), 3);
    }
}
