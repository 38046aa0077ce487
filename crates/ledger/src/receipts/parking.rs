//! What is parked of a receipt that matches nothing, and within which bounds.

use model::unmatched::clipped;
use model::{CarrierName, Timestamp};

use super::numbers::key_of_recipient;
use super::words::{fate_word, scope_number};
use crate::contract::bounds::Bounds;
use crate::contract::receipts::{KEY_BYTES_MAX, Receipt, Refused};

/// Keys and addresses of one receipt that are filed. Readings of an id are few; a carrier that lists more is not
/// believed.
const NAMES_MAX: usize = 16;

/// The longest address, in bytes: E.164 has 15 digits, and carriers write prefixes before them.
const ADDRESS_BYTES_MAX: usize = 32;

/// The longest particulars, in bytes.
const DETAIL_BYTES_MAX: usize = 255;

/// The longest excerpt of what came, in bytes.
const RAW_BYTES_MAX: usize = 1_500;

/// What a row and its index entries take beside its texts, in bytes.
const ROW_BYTES: usize = 128;

/// How many parked receipts are dropped for a new one, so that the work for each is bounded.
pub const DROPPED_FOR_ONE: u64 = 16;

/// How many receipts under one key are looked at when its acknowledgement comes.
pub const SAME_KEY_MAX: u32 = 100;

/// What is filed of a receipt that matches nothing.
pub struct Entry {
    /// The carrier.
    pub carrier: CarrierName,
    /// The time of its arrival.
    pub at: Timestamp,
    /// Every key under which it is parked, each once.
    pub keys: Vec<String>,
    /// The ids that it was compared with, one a line.
    pub listed: String,
    /// The addresses, with blanks between them.
    pub addresses: String,
    /// The state that it reports.
    pub says: &'static str,
    /// Its scope, as a number (`words::scope_number`).
    pub scope: u16,
    /// The cause, for the operator.
    pub detail: String,
    /// The receipt as it came.
    pub raw: String,
    /// How much it takes.
    pub bytes: u64,
    /// Whether an acknowledgement can ever bring its id: one that has no id of a possible length never matches.
    pub can_match: bool,
}

impl Entry {
    /// What is filed of `receipt`.
    pub fn of(receipt: &Receipt) -> Self {
        let ids: Vec<&str> =
            receipt.keys.iter().filter(|key| key.len() <= KEY_BYTES_MAX).take(NAMES_MAX).map(String::as_str).collect();
        let addresses: Vec<&str> = receipt
            .addresses
            .iter()
            .filter(|address| address.len() <= ADDRESS_BYTES_MAX)
            .take(NAMES_MAX)
            .map(String::as_str)
            .collect();
        let mut keys: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        keys.extend(addresses.iter().map(|address| key_of_recipient(address)));
        keys.sort_unstable();
        keys.dedup();
        let entry = Self {
            carrier: receipt.carrier.clone(),
            at: receipt.at,
            keys,
            listed: ids.join("\n"),
            addresses: addresses.join(" "),
            says: fate_word(receipt.fate),
            scope: scope_number(receipt.scope),
            detail: clipped(&receipt.detail, DETAIL_BYTES_MAX).to_owned(),
            raw: clipped(&receipt.raw.to_text(), RAW_BYTES_MAX).to_owned(),
            bytes: 0,
            can_match: !ids.is_empty(),
        };
        Self { bytes: entry.weight(), ..entry }
    }

    fn weight(&self) -> u64 {
        let carrier = self.carrier.len();
        let keys = self.keys.iter().map(|key| key.len() + carrier + ROW_BYTES / 2).sum::<usize>();
        let texts = self.listed.len() + self.addresses.len() + self.detail.len() + self.raw.len();
        (keys + texts + carrier + ROW_BYTES) as u64
    }
}

/// What is kept of the words of something that was refused as it came: particulars and excerpt.
pub fn kept_of(refused: &Refused) -> (&str, &str) {
    (clipped(&refused.detail, DETAIL_BYTES_MAX), clipped(&refused.raw, RAW_BYTES_MAX))
}

/// The receipt that is parked under `key`, as what comes under that key sees it: where `key` is its exact id, or its
/// recipient, it has no other.
pub fn seen_under(key: &str, receipt: Receipt) -> Receipt {
    if receipt.keys.iter().skip(1).any(|other| other == key) {
        return receipt;
    }
    Receipt { keys: vec![key.to_owned()], ..receipt }
}

/// How much is parked of a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Receipts.
    pub count: u64,
    /// The bytes that they take.
    pub bytes: u64,
}

impl Load {
    /// Whether one that takes so many bytes fits.
    pub const fn has_room(&self, bytes: u64, bounds: Bounds) -> bool {
        self.count < bounds.parked_max && self.bytes.saturating_add(bytes) <= bounds.parked_bytes_max
    }

    /// One more that takes so many bytes.
    pub const fn add(&mut self, bytes: u64) {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// One less.
    pub const fn take(&mut self, bytes: u64) {
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Drops the longest parked of `parked` until another one fits, or too many would go for it. Says how many went.
pub fn make_room<P, F>(
    parked: &mut P,
    has_room: impl Fn(&P) -> bool,
    mut drop_oldest: impl FnMut(&mut P) -> Result<bool, F>,
) -> Result<u64, F> {
    let mut dropped = 0;
    while dropped < DROPPED_FOR_ONE && !has_room(parked) && drop_oldest(parked)? {
        dropped += 1;
    }
    Ok(dropped)
}
