//! The answer to something that a carrier sent, held back until that thing is on disk.

use tokio::sync::oneshot;

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
pub struct Ack(Option<oneshot::Sender<Answer>>);

impl Ack {
    /// An answer to give, and the place where it arrives (a closed channel is [`Answer::TryLater`]).
    pub fn new() -> (Self, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some(sender)), receiver)
    }

    /// It is on disk: the carrier may forget it.
    pub fn accept(mut self) {
        if let Some(sender) = self.0.take() {
            // A closed session needs no answer; the carrier will send again and find it recorded.
            let _ = sender.send(Answer::Taken);
        }
    }
}
