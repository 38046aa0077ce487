//! Walks through what may be old: the rules that every backend shares.

use model::{AccountId, MessageId, Timestamp};

use crate::contract::retention::Walk;

/// How many rows one look reads.
pub const ROWS: usize = 1_000;

/// A row that a walk has passed. Which of the fields name it depends on the walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The carrier.
    pub carrier: String,
    /// The key under the carrier.
    pub key: String,
    /// The id.
    pub id: [u8; 16],
    /// The number.
    pub number: i64,
}

impl Place {
    /// The row of this id.
    pub fn of_id(id: [u8; 16]) -> Self {
        Self { id, ..Self::default() }
    }
}

/// What a look came to.
pub struct Looked<T> {
    /// What may be removed, in the order of the walk, each with its place.
    pub found: Vec<(Place, T)>,
    /// The last row that was looked at, or where the look began.
    pub last: Place,
    /// The number of rows that the step looked at.
    pub rows: u64,
    /// Whether there is no further row that is old.
    pub is_end: bool,
}

impl<T> Looked<T> {
    /// A look that begins behind a row.
    pub fn behind(from: Place) -> Self {
        Self { found: Vec::new(), last: from, rows: 0, is_end: true }
    }

    /// Adds the next row, and what may be removed of it. Says whether `limit` are found with it.
    pub fn add(&mut self, place: Place, thing: Option<T>, limit: usize) -> bool {
        self.rows += 1;
        self.last = place.clone();
        self.found.extend(thing.map(|thing| (place, thing)));
        let is_full = self.found.len() == limit;
        self.is_end = !is_full && self.rows < ROWS as u64;
        is_full
    }
}

impl Walk {
    /// Whether a walk at its end goes on from there when there is more, and does not begin again.
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Texts(_) | Self::BroadcastTexts(_) | Self::InboundTexts(_))
    }

    /// Whether the store keeps how far it has come.
    pub const fn is_marked(self) -> bool {
        matches!(self, Self::Texts(_) | Self::BroadcastTexts(_) | Self::InboundTexts(_) | Self::ReceiptKeys)
    }

    /// The account that it is confined to.
    pub const fn account(self) -> Option<AccountId> {
        match self {
            Self::Texts(account)
            | Self::ScheduledTexts(account)
            | Self::BroadcastTexts(account)
            | Self::InboundTexts(account) => account,
            _ => None,
        }
    }
}

/// The lowest id of this moment, of a message or a broadcast.
pub fn lowest_at(at: Timestamp) -> u128 {
    u128::from_be_bytes(MessageId::lowest_at(at).to_bytes())
}
