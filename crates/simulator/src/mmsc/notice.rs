//! What is sent to the other side: an answer, a report or a message of a handset, again and again until it is taken, as
//! a real MMSC does.

use std::time::Duration;

use super::Shared;
use super::options::Options;
use crate::handsets::Place;

/// So many are sent at once; the others take their turns.
pub(crate) const AT_ONCE_MAX: usize = 16;

/// What a notice is, for the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// An answer to a message.
    Answer,
    /// A delivery report.
    Report,
    /// An inbound message.
    Message,
}

/// Something on its way, as what the protocol sends.
pub(crate) struct Notice<P> {
    /// What the log calls it.
    pub(crate) kind: &'static str,
    /// What it is.
    pub(crate) about: About,
    /// The message that it is about.
    pub(crate) message_id: String,
    /// The recipient that it is about; of a report or a message.
    pub(crate) recipient: Option<String>,
    /// What it says.
    pub(crate) status: String,
    /// What is sent.
    pub(crate) parcel: P,
    /// What it is about on the screen of a handset.
    pub(crate) place: Option<Place>,
    /// How often it was sent.
    attempts: u64,
}

/// What a protocol sends.
pub(crate) trait Parcel {
    /// Sends it once; says what the other side said.
    fn send(&self, shared: &Shared) -> impl Future<Output = Heard> + Send;

    /// Waits until the other side has an address.
    fn addressed(&self, shared: &Shared) -> impl Future<Output = ()> + Send;
}

/// What follows from what the other side said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Taken,
    TryAgain,
    GiveUp,
}

/// What the other side said, if anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) verdict: Verdict,
    /// For the log and the counters.
    pub(crate) reply: String,
}

impl<P: Parcel> Notice<P> {
    pub(crate) const fn new(
        kind: &'static str,
        about: About,
        message_id: String,
        recipient: Option<String>,
        status: String,
        parcel: P,
    ) -> Self {
        Self { kind, about, message_id, recipient, status, parcel, place: None, attempts: 0 }
    }

    /// The same, about this on the screen of a handset.
    pub(crate) fn at(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    /// Sends it once.
    pub(crate) async fn attempt(&mut self, shared: &Shared) -> Verdict {
        // It is never closed.
        let _place = shared.places.acquire().await;
        self.attempts += 1;
        shared.journal.count(|summary| match self.about {
            About::Answer => summary.answers_sent += 1,
            About::Report => summary.reports_sent += 1,
            About::Message => summary.inbound_sent += 1,
        });
        let heard = self.parcel.send(shared).await;
        shared.log(serde_json::json!({
            "event": "sent",
            "type": self.kind,
            "message_id": self.message_id,
            "recipient": self.recipient,
            "status": self.status,
            "attempt": self.attempts,
            "reply": heard.reply,
            "taken": heard.verdict == Verdict::Taken,
        }));
        let verdict = heard.verdict;
        shared.show_sent(self, &heard);
        shared.journal.count(|summary| match (verdict, self.about) {
            (Verdict::Taken, About::Report) => summary.reports_taken += 1,
            (Verdict::Taken, About::Answer) => summary.answers_taken += 1,
            (Verdict::Taken, About::Message) => summary.inbound_taken += 1,
            _ => *summary.not_taken.entry(heard.reply).or_default() += 1,
        });
        verdict
    }

    /// Sends it until it is taken, or refused for good.
    pub(crate) async fn until_taken(mut self, shared: &Shared) {
        self.parcel.addressed(shared).await;
        while self.attempt(shared).await == Verdict::TryAgain {
            shared.runtime.sleep(self.pause(&shared.options)).await;
        }
    }

    /// How long to wait before the next attempt.
    fn pause(&self, options: &Options) -> Duration {
        let doubled = options.retry_ms.0.saturating_mul(1 << self.attempts.saturating_sub(1).min(32));
        Duration::from_millis(doubled.min(options.retry_ms.1))
    }
}

/// Waits for an address.
pub(crate) async fn known<T>(address: &tokio::sync::watch::Sender<Option<T>>) {
    // The sender is ours, so that it is there as long as this is.
    let _ = address.subscribe().wait_for(Option::is_some).await;
}
