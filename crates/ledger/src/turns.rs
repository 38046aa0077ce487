//! Turns: in which order reads get a connection. A queue without connections or threads, so that its promises can be
//! tested as they are.
//!
//! Small reads go ahead of pages, and among each of the two, readers take turns. Pages never take the last connection,
//! and one reader's pages never take all that pages may have: a small read, such as the look for a replay, waits for no
//! page, and a page waits for one page of another reader at most.

use std::collections::{BTreeMap, VecDeque};

use model::Owner;

/// The party that a read is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    /// The platform itself, for a request or a task that it has begun.
    Platform,
    /// The operator.
    Operator,
    /// A client.
    Owner(Owner),
}

impl From<Option<Owner>> for Reader {
    fn from(owner: Option<Owner>) -> Self {
        owner.map_or(Self::Operator, Self::Owner)
    }
}

/// How much a read looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A row or two.
    One,
    /// As many rows as a page may.
    Page,
}

/// Reads of one reader that wait, at most. The platform's own are not counted: each belongs to a request or a task, and
/// those are bounded.
const WAITING_PER_READER: usize = 512;

/// Reads that wait, at most, likewise.
const WAITING_MAX: usize = 8_192;

/// A read that waits.
pub(crate) trait Waiter {
    /// Whether its caller has gone away.
    fn has_gone(&self) -> bool;
}

/// Too many reads wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Crowded;

/// The reads that wait, and how many are running.
pub(crate) struct Turns<T> {
    connections: usize,
    running: usize,
    pages: BTreeMap<Reader, usize>,
    small: Line<T>,
    large: Line<T>,
}

/// Reads of one kind, in turns.
struct Line<T> {
    /// The readers with something in `waiting`, in the order of their turns.
    turns: VecDeque<Reader>,
    waiting: BTreeMap<Reader, VecDeque<T>>,
    len: usize,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { turns: VecDeque::new(), waiting: BTreeMap::new(), len: 0 }
    }
}

impl<T: Waiter> Turns<T> {
    /// Turns on so many connections; more than one.
    pub(crate) fn new(connections: usize) -> Self {
        Self { connections, running: 0, pages: BTreeMap::new(), small: Line::default(), large: Line::default() }
    }

    /// Adds a read.
    ///
    /// # Errors
    /// [`Crowded`] where as many wait as may.
    pub(crate) fn join(&mut self, reader: Reader, work: Work, waiter: T) -> Result<(), Crowded> {
        let others = match work {
            Work::One => self.large.len,
            Work::Page => self.small.len,
        };
        let line = self.line(work);
        if reader != Reader::Platform {
            if line.of(reader) >= WAITING_PER_READER {
                line.forget_gone(reader);
            }
            if line.of(reader) >= WAITING_PER_READER || line.len + others >= WAITING_MAX {
                return Err(Crowded);
            }
        }
        line.push(reader, waiter);
        Ok(())
    }

    /// The next read in turn, if there is a connection for it. It runs from now on, until [`Self::end`].
    pub(crate) fn next(&mut self) -> Option<(Reader, Work, T)> {
        if self.running == self.connections {
            return None;
        }
        if let Some((reader, waiter)) = self.small.pop(|_| true) {
            self.running += 1;
            return Some((reader, Work::One, waiter));
        }
        if self.pages.values().sum::<usize>() + 1 >= self.connections {
            return None;
        }
        // With few connections a reader has one page at a time.
        let most = (self.connections - 1).saturating_sub(1).max(1);
        let pages = &self.pages;
        let (reader, waiter) = self.large.pop(|reader| pages.get(reader).is_none_or(|count| *count < most))?;
        self.running += 1;
        *self.pages.entry(reader).or_default() += 1;
        Some((reader, Work::Page, waiter))
    }

    /// A read has ended.
    pub(crate) fn end(&mut self, reader: Reader, work: Work) {
        self.running -= 1;
        if work == Work::Page
            && let Some(count) = self.pages.get_mut(&reader)
        {
            *count -= 1;
            if *count == 0 {
                self.pages.remove(&reader);
            }
        }
    }

    /// Sends away all that wait.
    pub(crate) fn clear(&mut self) {
        (self.small, self.large) = (Line::default(), Line::default());
    }

    /// Whether nothing runs.
    pub(crate) const fn is_idle(&self) -> bool {
        self.running == 0
    }

    const fn line(&mut self, work: Work) -> &mut Line<T> {
        match work {
            Work::One => &mut self.small,
            Work::Page => &mut self.large,
        }
    }
}

impl<T: Waiter> Line<T> {
    fn of(&self, reader: Reader) -> usize {
        self.waiting.get(&reader).map_or(0, VecDeque::len)
    }

    fn push(&mut self, reader: Reader, waiter: T) {
        let lane = self.waiting.entry(reader).or_default();
        if lane.is_empty() {
            self.turns.push_back(reader);
        }
        lane.push_back(waiter);
        self.len += 1;
    }

    /// Drops the reads of a reader whose callers have gone away.
    fn forget_gone(&mut self, reader: Reader) {
        if let Some(lane) = self.waiting.get_mut(&reader) {
            let before = lane.len();
            lane.retain(|waiter| !waiter.has_gone());
            self.len -= before - lane.len();
            if lane.is_empty() {
                self.waiting.remove(&reader);
                self.turns.retain(|other| *other != reader);
            }
        }
    }

    /// The next read of the first reader in turn that `may` run one. That reader goes to the end of the line.
    fn pop(&mut self, may: impl Fn(&Reader) -> bool) -> Option<(Reader, T)> {
        for _ in 0..self.turns.len() {
            let reader = self.turns.pop_front()?;
            if !may(&reader) {
                self.turns.push_back(reader);
                continue;
            }
            let Some(lane) = self.waiting.get_mut(&reader) else { continue };
            while let Some(waiter) = lane.pop_front() {
                self.len -= 1;
                if !waiter.has_gone() {
                    if lane.is_empty() {
                        self.waiting.remove(&reader);
                    } else {
                        self.turns.push_back(reader);
                    }
                    return Some((reader, waiter));
                }
            }
            self.waiting.remove(&reader);
        }
        None
    }
}

#[cfg(test)]
mod tests;
