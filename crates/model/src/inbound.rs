//! A message from a handset to a number of ours (MO): its addresses, its text, its media.

use std::fmt;
use std::sync::Arc;

use crate::carrier::CarrierName;
use crate::clock::Timestamp;
use crate::id::{AccountId, MediaId, MessageId};
use crate::key::Mode;
use crate::keyword::Keyword;
use crate::media::{self, Digest};
use crate::message::MessageType;
use crate::originator::Originator;
use crate::owner::Owner;

/// The address of either side of an inbound message, as far as the carrier's octets tell it. Every address that a
/// carrier can write has a value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InboundAddress {
    /// A number in its international form, a short code or a name.
    Known(Originator),
    /// Anything else, as the carrier wrote it: at most [`RAW_CHARS_MAX`] characters, none of them a control character.
    /// Empty where the carrier named no address.
    Raw(Arc<str>),
}

/// The longest address that is kept as the carrier wrote it, in characters: an MM4 address is a mail address.
pub const RAW_CHARS_MAX: usize = 120;

impl InboundAddress {
    /// The address that this text is: a number with its `+`, a short code, a name, or anything else.
    pub fn of(text: &str) -> Self {
        match Originator::parse(text) {
            Ok(known) => Self::Known(known),
            Err(_) => {
                let plain = text.trim().chars().filter(|character| !character.is_control());
                Self::Raw(plain.take(RAW_CHARS_MAX).collect::<String>().into())
            }
        }
    }

    /// The number, short code or name, where it is one.
    pub const fn known(&self) -> Option<Originator> {
        match self {
            Self::Known(known) => Some(*known),
            Self::Raw(_) => None,
        }
    }

    /// The address as a log may show it.
    pub fn masked(&self) -> String {
        match self {
            Self::Known(known) => known.masked(),
            Self::Raw(text) => format!("an address of {} characters", text.chars().count()),
        }
    }
}

impl From<Originator> for InboundAddress {
    fn from(address: Originator) -> Self {
        Self::Known(address)
    }
}

impl fmt::Display for InboundAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => known.fmt(f),
            Self::Raw(text) => f.pad(text),
        }
    }
}

/// Masked, because debug output ends up in logs.
impl fmt::Debug for InboundAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The encoding in which the text of an inbound message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboundEncoding {
    /// The GSM 7-bit alphabet with any of its tables (3GPP TS 23.038, 6.2.1).
    Gsm7,
    /// UTF-16, big-endian.
    Ucs2,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// No text: data, a message to a port, or octets that are text in no known way.
    Binary,
}

impl InboundEncoding {
    /// Every encoding.
    pub const ALL: [Self; 6] = [Self::Gsm7, Self::Ucs2, Self::Latin1, Self::Ascii, Self::Utf8, Self::Binary];

    /// The encoding's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
            Self::Latin1 => "Latin-1",
            Self::Ascii => "ASCII",
            Self::Utf8 => "UTF-8",
            Self::Binary => "binary",
        }
    }

    /// The encoding with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.as_str() == text)
    }
}

/// Its content beside media.
#[derive(Clone, PartialEq, Eq)]
pub enum InboundBody {
    /// Text; empty for a message without any.
    Text(Arc<str>),
    /// Data.
    Binary(Arc<[u8]>),
    /// It was removed by retention or by an erasure.
    Gone,
}

impl InboundBody {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) | Self::Gone => None,
        }
    }
}

/// Without the content, because debug output ends up in logs.
impl fmt::Debug for InboundBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} characters)", text.chars().count()),
            Self::Binary(octets) => write!(f, "Binary({} octets)", octets.len()),
            Self::Gone => f.write_str("Gone"),
        }
    }
}

/// A file that an inbound MMS carries. Its octets are an object under [`Self::name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundMedia {
    /// Names the object. The messages that a group message becomes may share one.
    pub id: MediaId,
    /// The type that the sender gave it: `type/subtype` in lower case, without parameters.
    pub content_type: Arc<str>,
    /// Its size in octets.
    pub bytes: u64,
    /// The SHA-256 of its octets.
    pub sha256: [u8; 32],
}

impl InboundMedia {
    /// The name under which the object with its octets is kept.
    pub fn name(&self) -> String {
        media::object_name(Digest(self.sha256), self.id)
    }
}

/// A message that came from a handset. It changes when a late part completes it, and when it is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundMessage {
    /// Its id, of the same order as those of outbound messages.
    pub id: MessageId,
    /// The owner.
    pub account: AccountId,
    /// Live, or test where the sandbox sent it.
    pub mode: Mode,
    /// SMS or MMS.
    pub kind: MessageType,
    /// The handset.
    pub from: InboundAddress,
    /// The number of the platform.
    pub to: InboundAddress,
    /// The other recipients of a group message.
    pub additional_recipients: Arc<[InboundAddress]>,
    /// What it says.
    pub body: InboundBody,
    /// The encoding of the text.
    pub encoding: InboundEncoding,
    /// The number of its parts; 1 for an MMS.
    pub segments: u16,
    /// The parts that have not come, from 1; empty for a whole message.
    pub missing_parts: Arc<[u8]>,
    /// The keyword that its text is.
    pub keyword: Option<Keyword>,
    /// Whether it seems to ask for an end in other words than a keyword.
    pub suspected_opt_out: bool,
    /// Its media, in the order of the message.
    pub media: Arc<[InboundMedia]>,
    /// The carrier that brought it.
    pub carrier: CarrierName,
    /// The arrival of its first part.
    pub received_at: Timestamp,
    /// The time at which it was recorded as a message: whole, or after the wait for its parts.
    pub created_at: Timestamp,
    /// The time of the erasure of its person.
    pub erased_at: Option<Timestamp>,
}

impl InboundMessage {
    /// Its mode, live or test.
    pub const fn owner(&self) -> Owner {
        Owner { account: self.account, mode: self.mode }
    }

    /// Whether parts of it are missing.
    pub fn is_partial(&self) -> bool {
        !self.missing_parts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_a_value() {
        for (text, is_known) in [
            ("+18005551234", true),
            ("72345", true),
            ("ACME", true),
            ("", false),
            ("1-800-FLOWERS-NOW", false),
            ("someone@example.com", false),
            ("12", false),
        ] {
            let address = InboundAddress::of(text);
            assert_eq!((address.known().is_some(), address.to_string()), (is_known, text.to_owned()));
        }
        assert_eq!(InboundAddress::of("a\u{0}b_\n").to_string(), "ab_");
        assert_eq!(InboundAddress::of(&"_".repeat(1_000)).to_string().len(), RAW_CHARS_MAX);
    }

    #[test]
    fn debug_output_shows_neither_text_nor_numbers() {
        let body = InboundBody::Text("my secret".into());
        let address = InboundAddress::of("someone@example.com");
        assert_eq!(format!("{body:?} {address:?}"), "Text(9 characters) an address of 19 characters");
    }
}
