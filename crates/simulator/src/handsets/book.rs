//! All handsets, in bounded memory.

use std::collections::{HashMap, VecDeque};

use tokio::sync::watch;

use super::bubble::Bubble;
use super::number::Number;
use super::switch::Switch;

/// Handsets that are kept.
pub(crate) const HANDSETS_MAX: usize = 200;

/// Messages that are kept of a handset.
pub(crate) const BUBBLES_MAX: usize = 200;

/// What all messages may take, in bytes.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// One handset.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(crate) switch: watch::Sender<Switch>,
    pub(crate) bubbles: VecDeque<Bubble>,
    /// Messages that are not kept any more.
    pub(crate) left_out: u64,
    /// Segments that wait for it.
    pub(crate) waiting: usize,
    /// When it was used last: a greater number is later.
    used: u64,
}

/// All handsets.
#[derive(Debug, Default)]
pub(crate) struct Book {
    phones: HashMap<Number, Phone>,
    uses: u64,
    next_bubble: u64,
    /// What all messages take.
    bytes: usize,
    /// Handsets that are not kept any more.
    pub(crate) left_out: u64,
}

impl Book {
    /// The handset of this number, which appears when it is used first. Another one may go.
    pub(crate) fn phone(&mut self, number: &Number) -> &mut Phone {
        self.uses += 1;
        if !self.phones.contains_key(number) && self.phones.len() >= HANDSETS_MAX {
            self.forget_one();
        }
        let phone = self.phones.entry(number.clone()).or_insert_with(Phone::new);
        phone.used = self.uses;
        phone
    }

    /// The handset of this number, if it is there.
    pub(crate) fn find(&self, number: &Number) -> Option<&Phone> {
        self.phones.get(number)
    }

    /// The same, to change it.
    pub(crate) fn find_mut(&mut self, number: &Number) -> Option<&mut Phone> {
        self.phones.get_mut(number)
    }

    /// All handsets, those that were used last before the others.
    pub(crate) fn by_use(&self) -> Vec<(&Number, &Phone)> {
        let mut phones: Vec<_> = self.phones.iter().collect();
        phones.sort_by_key(|(_, phone)| std::cmp::Reverse(phone.used));
        phones
    }

    /// Adds a message; returns its id.
    pub(crate) fn add(&mut self, number: &Number, bubble: impl FnOnce(u64) -> Bubble) -> u64 {
        self.next_bubble += 1;
        let bubble = bubble(self.next_bubble);
        let (id, weight) = (bubble.id, bubble.weight_bytes());
        let phone = self.phone(number);
        phone.bubbles.push_back(bubble);
        let dropped = if phone.bubbles.len() > BUBBLES_MAX { phone.drop_oldest() } else { 0 };
        self.bytes = (self.bytes + weight).saturating_sub(dropped);
        self.trim(number);
        id
    }

    /// Changes a message that is still there.
    pub(crate) fn change<R>(&mut self, number: &Number, id: u64, change: impl FnOnce(&mut Bubble) -> R) -> Option<R> {
        let phone = self.phones.get_mut(number)?;
        let bubble = phone.bubbles.iter_mut().rev().find(|bubble| bubble.id == id)?;
        let before = bubble.weight_bytes();
        let result = change(bubble);
        self.bytes = (self.bytes + bubble.weight_bytes()).saturating_sub(before);
        self.trim(number);
        Some(result)
    }

    /// Drops the oldest messages of the handsets that were idle for the longest time, until the rest fits. The
    /// last message of the handset in use stays.
    fn trim(&mut self, in_use: &Number) {
        while self.bytes > BYTES_MAX {
            let droppable =
                |(number, phone): &(&Number, &mut Phone)| phone.bubbles.len() > usize::from(*number == in_use);
            let oldest = self.phones.iter_mut().filter(droppable).min_by_key(|(_, phone)| phone.used);
            let Some((_, phone)) = oldest else { return };
            let dropped = phone.drop_oldest();
            self.bytes = self.bytes.saturating_sub(dropped);
        }
    }

    /// Forgets the handset that was idle for the longest time; one for which messages wait only where there is
    /// no other. What waits for it expires.
    fn forget_one(&mut self) {
        let least = self.phones.iter().min_by_key(|(_, phone)| (phone.waiting > 0, phone.used));
        let Some(number) = least.map(|(number, _)| number.clone()) else { return };
        if let Some(phone) = self.phones.remove(&number) {
            let weight: usize = phone.bubbles.iter().map(Bubble::weight_bytes).sum();
            self.bytes = self.bytes.saturating_sub(weight);
            self.left_out += 1;
            tracing::debug!("The handset {number} is forgotten: {HANDSETS_MAX} others were used since");
        }
    }
}

impl Phone {
    fn new() -> Self {
        Self { switch: watch::Sender::new(Switch::On), bubbles: VecDeque::new(), left_out: 0, waiting: 0, used: 0 }
    }

    /// Drops the oldest message; returns what it took, in bytes.
    fn drop_oldest(&mut self) -> usize {
        self.left_out += 1;
        self.bubbles.pop_front().as_ref().map_or(0, Bubble::weight_bytes)
    }
}
