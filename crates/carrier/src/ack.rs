//! The answer to something that a carrier sent, held back until that thing is on disk.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::UnboundedSender;

/// Whether the carrier may forget what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is on disk here.
    Taken,
    /// It is not: send it again later.
    TryLater,
}

/// Names a pending answer among all of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckId(u64);

static NEXT: AtomicU64 = AtomicU64::new(1);

impl AckId {
    /// A name that no other pending answer has.
    pub(crate) fn next() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The pending answer. Dropping it answers [`Answer::TryLater`], so that nothing is lost on the way.
#[derive(Debug)]
pub struct Ack {
    id: AckId,
    number: u32,
    answers: Option<UnboundedSender<(u32, Answer)>>,
}

impl Ack {
    /// An answer to what came under `number`, and where it goes.
    pub fn new(number: u32, answers: UnboundedSender<(u32, Answer)>) -> Self {
        Self::of(AckId::next(), number, answers)
    }

    /// The same under a name that was given before.
    pub(crate) const fn of(id: AckId, number: u32, answers: UnboundedSender<(u32, Answer)>) -> Self {
        Self { id, number, answers: Some(answers) }
    }

    /// Its name, by which [`Event::Answered`](crate::Event::Answered) speaks of it.
    pub const fn id(&self) -> AckId {
        self.id
    }

    /// It is on disk: the carrier may forget it.
    pub fn accept(mut self) {
        self.answer(Answer::Taken);
    }

    fn answer(&mut self, answer: Answer) {
        if let Some(answers) = self.answers.take() {
            // A session that is gone needs no answer: the carrier will send again and find it recorded.
            let _ = answers.send((self.number, answer));
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        self.answer(Answer::TryLater);
    }
}
