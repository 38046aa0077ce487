//! Segments of a message that are put together.

use std::collections::BTreeMap;

use wire::concat::{self, Concat};
use wire::inbound::{Coding, Decoded, UserData, decode};
use wire::smpp::{Address, Sm, Tlvs, tag};

/// What all segments of a message share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    source: Address,
    /// The reference and whether it has 16 bits; `None` for the `sar_` parameters, whose reference stands beside.
    wide: Option<bool>,
    reference: u32,
    pub(crate) total: u8,
}

/// A segment as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What it shares with others; `None` for the only one.
    pub(crate) key: Option<Key>,
    /// Its place, from 1.
    pub(crate) number: u8,
    pub(crate) data: UserData,
    pub(crate) data_coding: u8,
}

impl Piece {
    /// Reads the segment in a `submit_sm`.
    pub(crate) fn of(sm: &Sm, tlvs: &Tlvs) -> Self {
        let user_data = match tlvs.get(tag::MESSAGE_PAYLOAD) {
            Some(payload) if sm.short_message.is_empty() => payload,
            _ => &sm.short_message[..],
        };
        let coding = Coding::of(sm.data_coding, Coding::Gsm7);
        let (header, data) = match concat::header(user_data).filter(|_| sm.has_header()) {
            Some((header, text)) => (header.concat, UserData::behind(&header, coding, text.to_vec())),
            None => (None, UserData::new(coding, user_data.to_vec())),
        };
        let keyed = header.filter(|concat| concat.total > 1).map(|concat| (Self::by_header(sm, concat), concat.number));
        let (key, number) = keyed.or_else(|| Self::by_parameters(sm, tlvs)).unzip();
        Self { key, number: number.unwrap_or(1), data, data_coding: sm.data_coding }
    }

    fn by_header(sm: &Sm, concat: Concat) -> Key {
        let (reference, wide) = (concat.reference.into(), Some(concat.wide));
        Key { source: sm.source.clone(), wide, reference, total: concat.total }
    }

    fn by_parameters(sm: &Sm, tlvs: &Tlvs) -> Option<(Key, u8)> {
        let octet = |tag| tlvs.number(tag).and_then(|number| u8::try_from(number).ok());
        let (total, number) = (octet(tag::SAR_TOTAL_SEGMENTS)?, octet(tag::SAR_SEGMENT_SEQNUM)?);
        let reference = tlvs.number(tag::SAR_MSG_REF_NUM)?;
        let is_sound = total > 1 && (1..=total).contains(&number);
        is_sound.then(|| (Key { source: sm.source.clone(), wide: None, reference, total }, number))
    }
}

/// The segments of a message that have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gathering {
    key: Key,
    parts: BTreeMap<u8, UserData>,
}

/// How a segment fits a message that is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It belongs to another one.
    None,
    /// It is one of those that are missing.
    Missing,
    /// It is there already: it was sent again.
    Again,
}

impl Gathering {
    /// With the first segment that came.
    pub(crate) fn new(key: Key, number: u8, data: UserData) -> Self {
        Self { key, parts: BTreeMap::from([(number, data)]) }
    }

    /// How a segment fits.
    pub(crate) fn fit(&self, piece: &Piece) -> Fit {
        match self.parts.get(&piece.number) {
            _ if piece.key.as_ref() != Some(&self.key) => Fit::None,
            None => Fit::Missing,
            Some(data) if *data == piece.data => Fit::Again,
            Some(_) => Fit::None,
        }
    }

    /// Adds one.
    pub(crate) fn add(&mut self, piece: Piece) {
        self.parts.insert(piece.number, piece.data);
    }

    /// Whether all are there.
    pub(crate) fn is_complete(&self) -> bool {
        self.parts.len() == usize::from(self.key.total)
    }

    /// What those say that are there, and whether it is data.
    pub(crate) fn text(&self) -> (String, bool) {
        said(&self.parts.values().cloned().collect::<Vec<_>>())
    }

    /// How many octets are kept.
    pub(crate) fn octets(&self) -> usize {
        self.parts.values().map(|data| data.octets.len() + size_of::<UserData>()).sum()
    }
}

/// What user data says: text, or data in hexadecimal, and whether it is data.
pub(crate) fn said(parts: &[UserData]) -> (String, bool) {
    match decode(parts) {
        Decoded::Text(text, _) => (text, false),
        Decoded::Binary(octets) => (octets.iter().map(|octet| format!("{octet:02x}")).collect(), true),
    }
}

/// The name of a coding.
pub(crate) const fn encoding(data_coding: u8) -> &'static str {
    match Coding::of(data_coding, Coding::Gsm7) {
        Coding::Gsm7 | Coding::Gsm7Packed => "GSM-7",
        Coding::Latin1 => "Latin-1",
        Coding::Ascii => "ASCII",
        Coding::Ucs2 => "UCS-2",
        Coding::Utf8 => "UTF-8",
        Coding::Binary => "binary",
    }
}

/// The class that a `data_coding` names (3GPP TS 23.038, section 4).
pub(crate) const fn class(data_coding: u8) -> Option<u8> {
    match data_coding {
        0x10..=0x1F | 0x30..=0x3F | 0x50..=0x5F | 0x70..=0x7F | 0xF0..=0xFF => Some(data_coding & 0b11),
        _ => None,
    }
}
