//! The short message of `submit_sm` and `deliver_sm`, which share their fields (SMPP 3.4, 4.4.1 and 4.6.1).

use super::Address;
use super::constants::esm_class;

/// A short message. Text fields hold no NUL; the octets are as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sm {
    /// The service that it belongs to, at most 5 octets.
    pub service_type: Vec<u8>,
    /// The originator.
    pub source: Address,
    /// The recipient.
    pub destination: Address,
    /// Mode, type and features.
    pub esm_class: u8,
    /// The network's protocol identifier.
    pub protocol_id: u8,
    /// Priority, 0 to 3.
    pub priority_flag: u8,
    /// When to deliver it; at once when empty.
    pub schedule_delivery_time: Vec<u8>,
    /// How long it is worth delivering; as the carrier pleases when empty.
    pub validity_period: Vec<u8>,
    /// Which receipts are asked for.
    pub registered_delivery: u8,
    /// Whether it replaces one like it.
    pub replace_if_present_flag: u8,
    /// How the text is encoded.
    pub data_coding: u8,
    /// A message that the carrier keeps ready.
    pub sm_default_msg_id: u8,
    /// The user data, at most 254 octets, header included; empty where `message_payload` has it.
    pub short_message: Vec<u8>,
}

impl Sm {
    /// Whether its type bits say that it reports on another message.
    pub const fn is_report(&self) -> bool {
        self.esm_class & esm_class::TYPE_MASK != 0
    }

    /// Whether its user data begins with a header.
    pub const fn has_header(&self) -> bool {
        self.esm_class & esm_class::UDHI != 0
    }
}
