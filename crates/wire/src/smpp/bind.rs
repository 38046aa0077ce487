//! What opens a session: the fields of the three binds and of `outbind` (SMPP 3.4, 4.1).

use std::fmt;

use super::CommandId;

/// What a bind asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindKind {
    /// To receive.
    Receiver,
    /// To send.
    Transmitter,
    /// Both.
    Transceiver,
}

impl BindKind {
    /// The operation that asks for it.
    pub const fn command(self) -> CommandId {
        match self {
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }
}

/// The fields of a bind (SMPP 3.4, 4.1.1).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bind {
    /// Who binds, at most 15 octets.
    pub system_id: Vec<u8>,
    /// The password: at most 8 octets by the specification, 16 in the field.
    pub password: Vec<u8>,
    /// What kind of system binds, at most 12 octets.
    pub system_type: Vec<u8>,
    /// The version that it speaks.
    pub interface_version: u8,
    /// Type of number of the range below.
    pub addr_ton: u8,
    /// Numbering plan of the range below.
    pub addr_npi: u8,
    /// Addresses that it serves.
    pub address_range: Vec<u8>,
}

/// Without the password, because debug output ends up in logs.
impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system_id = String::from_utf8_lossy(&self.system_id);
        f.debug_struct("Bind")
            .field("system_id", &system_id)
            .field("interface_version", &self.interface_version)
            .finish_non_exhaustive()
    }
}

/// The fields of `outbind`, with which an SMSC asks an ESME to bind as receiver (SMPP 3.4, 4.1.7).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Outbind {
    /// Who asks, at most 15 octets.
    pub system_id: Vec<u8>,
    /// The SMSC's password, as for a bind.
    pub password: Vec<u8>,
}

/// Without the password, because debug output ends up in logs.
impl fmt::Debug for Outbind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbind").field("system_id", &String::from_utf8_lossy(&self.system_id)).finish_non_exhaustive()
    }
}
