//! Values of PDU fields that have names.

/// Types of number (SMPP 3.4, 5.2.5).
#[allow(missing_docs, reason = "the names are the specification's")]
pub mod ton {
    pub const UNKNOWN: u8 = 0;
    pub const INTERNATIONAL: u8 = 1;
    pub const NATIONAL: u8 = 2;
    pub const NETWORK_SPECIFIC: u8 = 3;
    pub const SUBSCRIBER: u8 = 4;
    pub const ALPHANUMERIC: u8 = 5;
    pub const ABBREVIATED: u8 = 6;
}

/// Numbering plan indicators (SMPP 3.4, 5.2.6).
#[allow(missing_docs, reason = "the names are the specification's")]
pub mod npi {
    pub const UNKNOWN: u8 = 0;
    pub const ISDN: u8 = 1;
}

/// Bits of `esm_class` (SMPP 3.4, 5.2.12).
pub mod esm_class {
    /// The bits that tell what kind of message it is; none for an ordinary one.
    pub const TYPE_MASK: u8 = 0b0011_1100;
    /// A delivery receipt.
    pub const RECEIPT: u8 = 0x04;
    /// The user data begins with a header.
    pub const UDHI: u8 = 0x40;
}

/// Bits of `registered_delivery` (SMPP 3.4, 5.2.17).
pub mod registered_delivery {
    /// The bits that ask for a receipt.
    pub const RECEIPT_MASK: u8 = 0b11;
    /// A receipt on success and on failure.
    pub const FINAL: u8 = 1;
    /// A receipt on failure alone.
    pub const FAILURE: u8 = 2;
    /// A receipt on success alone (SMPP 5.0).
    pub const SUCCESS: u8 = 3;
    /// Intermediate notifications as well: bit 4, as the matrix in the specification and all practice have it.
    pub const INTERMEDIATE: u8 = 0x10;
}

/// Values of `data_coding` (SMPP 3.4, 5.2.19).
pub mod data_coding {
    /// The carrier's default alphabet: GSM 7 bit, one septet in each octet, with most.
    pub const DEFAULT: u8 = 0;
    /// IA5, or ASCII.
    pub const IA5: u8 = 1;
    /// ISO 8859-1.
    pub const LATIN1: u8 = 3;
    /// UCS-2, big-endian.
    pub const UCS2: u8 = 8;
}

/// Values of `interface_version` (SMPP 3.4, 5.2.4; SMPP 5.0, 4.7.13).
pub mod interface_version {
    /// SMPP 3.3 and before, as some carriers want it.
    pub const V3_3: u8 = 0x33;
    /// SMPP 3.4.
    pub const V3_4: u8 = 0x34;
    /// SMPP 5.0.
    pub const V5_0: u8 = 0x50;
}
