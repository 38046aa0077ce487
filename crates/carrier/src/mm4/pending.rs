//! Messages whose `MM4_forward.RES` is waited for, by the id that we sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use model::unmatched::clipped;
use runtime::Runtime;
use tokio::sync::oneshot;
use wire::mm4::{Answer, Request, RequestStatus, Verdict};

/// How many refusals are remembered, so that one that comes twice is told once.
const REFUSALS_KEPT: usize = 4_096;

/// Who waits for what.
#[derive(Default)]
pub(super) struct Pending {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<String, oneshot::Sender<Answer>>,
    refused: VecDeque<String>,
}

/// What an answer was to those who wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Somebody waited for it.
    Awaited,
    /// It said before what it says now, or what nobody needs to be told.
    Nothing,
    /// Nobody waits any more, and it takes back what was believed: the message is refused.
    Refusal,
}

impl Pending {
    /// Begins to wait. Do it before the message leaves: the answer may be quicker than SMTP.
    pub(super) fn expect(&self, runtime: &Arc<dyn Runtime>, id: &str) -> Waiting<'_> {
        let (sender, answer) = oneshot::channel();
        let key = key_of(id);
        self.state().waiting.insert(key.clone(), sender);
        Waiting { runtime: Arc::clone(runtime), pending: self, key, answer }
    }

    /// An answer came.
    pub(super) fn hear(&self, answer: Answer) -> Heard {
        let ids = [Some(answer.transaction_id.as_str()), answer.message_id.as_deref()];
        let keys: Vec<String> = ids.into_iter().flatten().filter(|id| !id.is_empty()).map(key_of).collect();
        let is_refusal = answer.status.verdict() != Verdict::Accepted;
        let mut state = self.state();
        let waiting = keys.iter().find_map(|key| state.waiting.remove(key));
        if is_refusal {
            if keys.iter().any(|key| state.refused.contains(key)) {
                return Heard::Nothing;
            }
            state.refused.extend(keys);
            let excess = state.refused.len().saturating_sub(REFUSALS_KEPT);
            state.refused.drain(..excess);
        }
        match waiting.is_some_and(|waiting| waiting.send(answer).is_ok()) {
            true => Heard::Awaited,
            false if is_refusal => Heard::Refusal,
            false => Heard::Nothing,
        }
    }

    /// A report says that the message of this id has arrived: the MMSC has taken it, whatever an answer that comes
    /// later says.
    pub(super) fn is_delivered(&self, id: &str) {
        let waiting = self.state().waiting.remove(&key_of(id));
        if let Some(waiting) = waiting {
            // One that waits no longer has its outcome.
            let _ = waiting.send(Answer::new(Request::Forward, id.to_owned(), RequestStatus::Ok));
        }
    }

    /// Forgets that a refusal was told, since it could not be kept: when it comes again, it is new.
    pub(super) fn forget(&self, id: &str) {
        let key = key_of(id);
        self.state().refused.retain(|refused| *refused != key);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits, until this is dropped.
pub(super) struct Waiting<'a> {
    runtime: Arc<dyn Runtime>,
    pending: &'a Pending,
    key: String,
    answer: oneshot::Receiver<Answer>,
}

impl Waiting<'_> {
    /// The answer, if it comes by then or `enough` happens no sooner.
    pub(super) async fn until(mut self, deadline: Instant, enough: impl Future<Output = ()>) -> Option<Answer> {
        let answer = tokio::select! {
            biased;
            answer = self.runtime.timeout_at(deadline, &mut self.answer) => answer.ok().and_then(Result::ok),
            () = enough => None,
        };
        if answer.is_some() {
            return answer;
        }
        // Who answers holds the same lock, so that an answer is either here now or goes to nobody.
        self.pending.state().waiting.remove(&self.key);
        self.answer.try_recv().ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pending.state().waiting.remove(&self.key);
    }
}

/// The part of an id before the `@`, in small letters: some peers leave our domain out, or write ids in capitals.
pub(super) fn key_of(id: &str) -> String {
    let part = id.split('@').next().unwrap_or_default();
    clipped(part, KEY_BYTES_MAX).to_ascii_lowercase()
}

/// The longest part of an id that is remembered, in bytes; ours are shorter.
const KEY_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;
    use crate::machine;

    fn answer(transaction: &str, message: Option<&str>, status: RequestStatus) -> Answer {
        Answer {
            message_id: message.map(str::to_owned),
            ..Answer::new(Request::Forward, transaction.to_owned(), status)
        }
    }

    fn soon() -> Instant {
        machine().instant() + Duration::from_secs(60)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_finds_who_waits_by_either_id() {
        for (transaction, message) in
            [("ab.1", Some("ab.1@x")), ("AB.1@x", None), ("other", Some("AB.1")), ("", Some("ab.1@X"))]
        {
            let waits = Pending::default();
            let waiting = waits.expect(&machine(), "ab.1@x");
            assert_eq!(waits.hear(answer(transaction, message, RequestStatus::Ok)), Heard::Awaited);
            assert_eq!(waiting.until(soon(), pending()).await.map(|answer| answer.status), Some(RequestStatus::Ok));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_or_long_enough_hears_nothing() {
        let waits = Pending::default();
        assert_eq!(waits.expect(&machine(), "1").until(soon(), pending()).await, None);
        assert_eq!(waits.expect(&machine(), "1").until(soon(), std::future::ready(())).await, None);
        drop(waits.expect(&machine(), "1"));
        assert!(waits.state().waiting.is_empty());
    }

    #[test]
    fn a_refusal_that_nobody_waits_for_is_told_once() {
        let waits = Pending::default();
        let refusal = || answer("1", Some("1@x"), RequestStatus::ServiceDenied);
        assert_eq!(waits.hear(answer("1", None, RequestStatus::Ok)), Heard::Nothing);
        assert_eq!(waits.hear(refusal()), Heard::Refusal);
        assert_eq!(waits.hear(refusal()), Heard::Nothing);
        waits.forget("1@x");
        assert_eq!(waits.hear(refusal()), Heard::Refusal);
        let _waiting = waits.expect(&machine(), "2");
        assert_eq!(waits.hear(answer("2", None, RequestStatus::ServiceDenied)), Heard::Awaited);
        assert_eq!(waits.hear(answer("2", None, RequestStatus::ServiceDenied)), Heard::Nothing);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let waits = Pending::default();
        for number in 0..REFUSALS_KEPT + 10 {
            waits.hear(answer(&format!("{number}{}", "x".repeat(1_000)), None, RequestStatus::ServiceDenied));
        }
        assert_eq!(waits.state().refused.len(), REFUSALS_KEPT);
        assert!(waits.state().refused.iter().all(|key| key.len() <= KEY_BYTES_MAX));
    }
}
