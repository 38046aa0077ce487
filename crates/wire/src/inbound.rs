//! The user data of messages of handsets: octets as a carrier brings them, to text.
//!
//! A sender may cut a long text anywhere, inside a character too. So the octets of all parts are joined first and
//! decoded once, where all parts are coded alike.

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
    /// The octets behind the header.
    pub octets: Vec<u8>,
}

/// What user data says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Text, and how it was coded.
    Text(String, Coding),
    /// Data: of an application, or in no way that is known to be text.
    Binary(Vec<u8>),
}
