//! The user data of messages of handsets: octets as a carrier brings them, to text.
//!
//! A sender may cut a long text anywhere, inside a character too. So the octets of all parts are joined first and
//! decoded once, where all parts are coded alike.

mod decode;
mod octets;
mod scheme;

pub use decode::decode;

use crate::concat::Header;
use crate::gsm::packed;

/// How the octets of user data are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// The GSM 7-bit alphabet, one septet in each octet.
    Gsm7,
    /// The GSM 7-bit alphabet, eight septets in seven octets (3GPP TS 23.038, 6.1.2.1).
    Gsm7Packed,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-16, big-endian.
    Ucs2,
    /// UTF-8.
    Utf8,
    /// No text.
    Binary,
}

impl Coding {
    /// Every coding.
    pub const ALL: [Self; 7] =
        [Self::Gsm7, Self::Gsm7Packed, Self::Latin1, Self::Ascii, Self::Ucs2, Self::Utf8, Self::Binary];
}

/// Octets and all that is needed to read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData {
    /// How the octets are coded.
    pub coding: Coding,
    /// The national table that replaces the extension table; 0 for none (3GPP TS 23.038, 6.2.1.2.4).
    pub single_shift: u8,
    /// The national table that replaces the alphabet; 0 for none.
    pub locking_shift: u8,
    /// Whether a header addresses it to a port (3GPP TS 23.040, 9.2.3.24.3 and 4): an application's data, no text.
    pub has_port: bool,
    /// How many bits stand before the first of packed septets, at most 6: they begin at the first boundary of septets
    /// behind the header (3GPP TS 23.040, 9.2.3.24).
    pub fill_bits: u8,
    /// The octets behind the header.
    pub octets: Vec<u8>,
}

impl UserData {
    /// User data without a header.
    pub const fn new(coding: Coding, octets: Vec<u8>) -> Self {
        Self { coding, single_shift: 0, locking_shift: 0, has_port: false, fill_bits: 0, octets }
    }

    /// User data that follows this header.
    pub const fn behind(header: &Header, coding: Coding, octets: Vec<u8>) -> Self {
        Self {
            coding,
            single_shift: header.single_shift,
            locking_shift: header.locking_shift,
            has_port: header.has_port,
            fill_bits: packed::fill_bits(header.octets),
            octets,
        }
    }
}

/// What user data says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Text, and how it was coded.
    Text(String, Coding),
    /// Data: of an application, or in no way that is known to be text.
    Binary(Vec<u8>),
}
