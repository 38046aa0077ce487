//! Handsets as the page shows them. They are copies: nothing waits while a page is written.

use super::bubble::{Bubble, Direction, Standing, Tick};
use super::{Handsets, Number, Switch};

/// A handset and its messages.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    pub(crate) number: Number,
    pub(crate) switch: Switch,
    /// Messages that are not kept any more.
    pub(crate) left_out: u64,
    /// Segments that wait for it.
    pub(crate) waiting: usize,
    /// Those that are shown, the oldest first.
    pub(crate) bubbles: Vec<Bubble>,
    /// Whether there are earlier ones than those.
    pub(crate) has_earlier: bool,
    /// Numbers and names that have texted it, and those that it has written to, the latest first.
    pub(crate) peers: Vec<String>,
}

/// A handset on the wall, with its last messages.
#[derive(Clone, Debug)]
pub(crate) struct Thumbnail {
    pub(crate) number: Number,
    pub(crate) switch: Switch,
    /// Messages that are kept of it.
    pub(crate) kept: usize,
    /// Segments that wait for it.
    pub(crate) waiting: usize,
    /// Its last messages, the oldest first.
    pub(crate) last: Vec<Excerpt>,
}

/// The beginning of a message.
#[derive(Clone, Debug)]
pub(crate) struct Excerpt {
    pub(crate) direction: Direction,
    pub(crate) peer: String,
    pub(crate) text: String,
    pub(crate) pictures: usize,
    pub(crate) standing: Standing,
    pub(crate) tick: Tick,
}

/// Peers that are offered for a reply.
const PEERS_MAX: usize = 20;

impl Handsets {
    /// All handsets with so many of their last messages, those that were used last before the others, and how many
    /// handsets are not kept any more.
    pub(crate) fn wall(&self, messages: usize) -> (Vec<Thumbnail>, u64) {
        let book = self.lock();
        let shown = book.by_use().into_iter().map(|(number, phone)| Thumbnail {
            number: number.clone(),
            switch: *phone.switch.borrow(),
            kept: phone.bubbles.len(),
            waiting: phone.waiting,
            last: phone.bubbles.range(phone.bubbles.len().saturating_sub(messages)..).map(Excerpt::of).collect(),
        });
        (shown.collect(), book.left_out)
    }

    /// A handset with so many of its messages: the last, or the last before the one with this id. One that was never
    /// used has none.
    pub(crate) fn screen(&self, number: &Number, before: Option<u64>, messages: usize) -> Screen {
        let book = self.lock();
        let number = number.clone();
        let Some(phone) = book.find(&number) else {
            let (switch, bubbles, peers) = (Switch::On, Vec::new(), Vec::new());
            return Screen { number, switch, left_out: 0, waiting: 0, bubbles, has_earlier: false, peers };
        };
        let end = before.map_or(phone.bubbles.len(), |id| phone.bubbles.partition_point(|bubble| bubble.id < id));
        let start = end.saturating_sub(messages);
        let mut peers: Vec<String> = Vec::new();
        for bubble in phone.bubbles.iter().rev() {
            if peers.len() < PEERS_MAX && !peers.contains(&bubble.peer) {
                peers.push(bubble.peer.clone());
            }
        }
        Screen {
            number,
            switch: *phone.switch.borrow(),
            left_out: phone.left_out,
            waiting: phone.waiting,
            bubbles: phone.bubbles.range(start..end).cloned().collect(),
            has_earlier: start > 0,
            peers,
        }
    }
}

impl Excerpt {
    fn of(bubble: &Bubble) -> Self {
        Self {
            direction: bubble.direction,
            peer: bubble.peer.clone(),
            text: bubble.excerpt(),
            pictures: bubble.pictures().len(),
            standing: bubble.standing(),
            tick: bubble.tick(),
        }
    }
}
