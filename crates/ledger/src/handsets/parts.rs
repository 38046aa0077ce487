//! Which message a part belongs to, and what it makes of it.

use std::time::Duration;

use model::Timestamp;

use super::arrivals::is_within;
use crate::contract::inbound::{Arrival, Assembled, LATE_PARTS_WITHIN, REDELIVERED_WITHIN};

/// How many messages under one name are looked at, the newest first.
pub const SAME_NAME_MAX: u8 = 16;

/// How far a message has come. The numbers are on disk and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its parts are awaited.
    Awaited = 0,
    /// It is shown without some of them, which may still come.
    Partial = 1,
    /// It is whole.
    Whole = 2,
    /// Another message took its name.
    Replaced = 3,
}

impl State {
    /// The state with this number.
    pub const fn of(number: u8) -> Self {
        match number {
            0 => Self::Awaited,
            1 => Self::Partial,
            2 => Self::Whole,
            _ => Self::Replaced,
        }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// What a message is that is shown, and how long its parts are known from then on.
    pub const fn shown(is_whole: bool) -> (Self, Duration) {
        if is_whole { (Self::Whole, REDELIVERED_WITHIN) } else { (Self::Partial, LATE_PARTS_WITHIN) }
    }

    /// Whether parts that came are shown by now.
    pub fn shows(self, assembled: &Assembled) -> bool {
        self == Self::Partial || assembled.missing().is_empty()
    }
}

/// A message that has the name of a part.
pub struct Candidate {
    /// The number of its row.
    pub id: i64,
    /// The state of its parts.
    pub state: State,
    /// The time of its last part.
    pub last_at: Timestamp,
    /// What is known of the part of this number.
    pub content: Option<Vec<u8>>,
}

impl Candidate {
    /// Whether a part may be one of its missing ones at `now`.
    fn is_open(&self, now: Timestamp) -> bool {
        match self.state {
            State::Awaited => true,
            State::Partial => is_within(self.last_at, now, LATE_PARTS_WITHIN),
            State::Whole | State::Replaced => false,
        }
    }

    /// Whether this part is one of its parts that came again.
    fn has(&self, arrival: &Arrival) -> bool {
        self.content.as_deref().is_some_and(|content| *content == *arrival.content)
            && (self.is_open(arrival.at) || is_within(self.last_at, arrival.at, REDELIVERED_WITHIN))
    }
}

/// Where a part belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It exists already.
    Known,
    /// It begins a new message, in place of this one where its number is known with other content.
    Begins(Option<i64>),
    /// It is one of the missing parts of this message, which has come so far.
    Joins(i64, State),
}

impl Place {
    /// Where a part belongs among the messages that have its name, the newest first.
    pub fn of(arrival: &Arrival, candidates: &[Candidate]) -> Self {
        if candidates.iter().any(|candidate| candidate.has(arrival)) {
            return Self::Known;
        }
        match candidates.iter().find(|candidate| candidate.is_open(arrival.at)) {
            Some(open) if open.content.is_none() => Self::Joins(open.id, open.state),
            open => Self::Begins(open.map(|open| open.id)),
        }
    }
}
