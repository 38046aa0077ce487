//! The answer to something that a carrier sent, held back until that thing is on disk.

use tokio::sync::mpsc::UnboundedSender;

/// Whether the carrier may forget what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is on disk here.
    Taken,
    /// It is not: send it again later.
    TryLater,
}

/// The pending answer. Dropping it answers [`Answer::TryLater`], so that nothing is lost on the way.
#[derive(Debug)]
pub struct Ack {
    number: u32,
    answers: Option<UnboundedSender<(u32, Answer)>>,
}

impl Ack {
    /// An answer to what came under `number`, and where it goes.
    pub const fn new(number: u32, answers: UnboundedSender<(u32, Answer)>) -> Self {
        Self { number, answers: Some(answers) }
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
