//! Attempts under way: begun in the store, and not yet recorded there as ended. So many messages, and no more, are of unknown outcome when
//! the process dies, so a dispatcher begins none above its carrier's window, however soon the carrier answers.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::MessageId;
use store::contract::dispatch::Outcome;
use tokio::sync::Notify;

/// The attempts of one dispatcher that are under way.
#[derive(Default)]
pub(crate) struct UnderWay {
    attempts: Mutex<Attempts>,
    recorded: Notify,
}

#[derive(Default)]
struct Attempts {
    /// Which attempt of a message, and of how many segments.
    by_message: HashMap<MessageId, (u32, usize)>,
    segments: usize,
}

impl UnderWay {
    /// An attempt is begun in the store.
    pub(crate) fn begin(&self, id: MessageId, attempt: u32, segments: usize) {
        let mut attempts = self.lock();
        attempts.segments += segments;
        if let Some((_, before)) = attempts.by_message.insert(id, (attempt, segments)) {
            attempts.segments -= before;
        }
    }

    /// An outcome is recorded. One that came late, after its attempt had ended as unknown, changes nothing.
    pub(crate) fn record(&self, outcome: &Outcome) {
        let mut attempts = self.lock();
        if let Some((_, segments)) = attempts.by_message.get(&outcome.id).copied().filter(|(attempt, _)| *attempt == outcome.attempt) {
            attempts.by_message.remove(&outcome.id);
            attempts.segments -= segments;
            self.recorded.notify_one();
        }
    }

    /// The messages whose attempts are under way.
    pub(crate) fn messages(&self) -> HashSet<MessageId> {
        self.lock().by_message.keys().copied().collect()
    }

    /// Waits until fewer than `window` segments are under way, and says how many fewer. Cancel-safe.
    pub(crate) async fn room(&self, window: impl Fn() -> usize) -> usize {
        loop {
            let room = window().saturating_sub(self.lock().segments);
            if room > 0 {
                return room;
            }
            self.recorded.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Msisdn, Timestamp};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
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
        let under_way = UnderWay::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut room = || pin!(under_way.room(|| 3)).poll(&mut context);
        under_way.begin(MessageId::from_bytes([1; 16]), 1, 2);
        assert_eq!(room(), Poll::Ready(1));
        under_way.begin(MessageId::from_bytes([2; 16]), 4, 1);
        assert_eq!(room(), Poll::Pending);
        under_way.record(&ended(2, 3));
        assert_eq!(room(), Poll::Pending, "that was an earlier attempt");
        under_way.record(&ended(1, 1));
        under_way.record(&ended(1, 1));
        assert_eq!(room(), Poll::Ready(2));
        under_way.record(&ended(2, 4));
        assert_eq!(room(), Poll::Ready(3));
    }
}
