//! PDUs as values.

use super::{Address, CommandId, CommandStatus, Sm, Tlvs};

/// One PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    /// How the other side took what this answers; [`CommandStatus::ROK`] in requests.
    pub status: CommandStatus,
    /// What ties an answer to its request.
    pub sequence: u32,
    /// The operation and its fields.
    pub body: Body,
    /// Optional parameters.
    pub tlvs: Tlvs,
}

impl Pdu {
    /// A request, or an answer that all is well, without optional parameters.
    pub fn new(sequence: u32, body: Body) -> Self {
        Self { status: CommandStatus::ROK, sequence, body, tlvs: Tlvs::default() }
    }

    /// An answer with this status.
    pub fn answer(sequence: u32, status: CommandStatus, body: Body) -> Self {
        Self { status, sequence, body, tlvs: Tlvs::default() }
    }
}

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
impl std::fmt::Debug for Bind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let system_id = String::from_utf8_lossy(&self.system_id);
        f.debug_struct("Bind").field("system_id", &system_id).field("interface_version", &self.interface_version).finish_non_exhaustive()
    }
}

/// The fields of `data_sm` (SMPP 3.4, 4.7.1). Its text is in `message_payload`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSm {
    /// The service that it belongs to.
    pub service_type: Vec<u8>,
    /// The originator.
    pub source: Address,
    /// The recipient.
    pub destination: Address,
    /// Mode, type and features.
    pub esm_class: u8,
    /// Which receipts are asked for.
    pub registered_delivery: u8,
    /// How the text is encoded.
    pub data_coding: u8,
}

/// The fields of `query_sm` and `cancel_sm` that name a message (SMPP 3.4, 4.8.1 and 4.9.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuerySm {
    /// The carrier's id.
    pub message_id: Vec<u8>,
    /// The originator.
    pub source: Address,
}

/// The fields of `query_sm_resp` (SMPP 3.4, 4.8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryResult {
    /// The carrier's id.
    pub message_id: Vec<u8>,
    /// When it got its state.
    pub final_date: Vec<u8>,
    /// Its state.
    pub message_state: u8,
    /// The network's error.
    pub error_code: u8,
}

/// The operation of a PDU and its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Body {
    Bind(BindKind, Bind),
    /// With the other side's `system_id`.
    BindResp(BindKind, Vec<u8>),
    Outbind {
        system_id: Vec<u8>,
        password: Vec<u8>,
    },
    Unbind,
    UnbindResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSm(Box<Sm>),
    /// With the carrier's `message_id`; empty where it gave none.
    SubmitSmResp(Vec<u8>),
    DeliverSm(Box<Sm>),
    /// With a `message_id` that has no meaning and is written empty.
    DeliverSmResp(Vec<u8>),
    DataSm(Box<DataSm>),
    DataSmResp(Vec<u8>),
    QuerySm(QuerySm),
    QuerySmResp(QueryResult),
    CancelSmResp,
    AlertNotification {
        source: Address,
        esme: Address,
    },
    /// An operation of the specification whose fields we do not read, with its body.
    Other(CommandId, Vec<u8>),
}

impl Body {
    /// The operation.
    pub const fn command(&self) -> CommandId {
        match self {
            Self::Bind(kind, _) => kind.command(),
            Self::BindResp(kind, _) => kind.command().response(),
            Self::Outbind { .. } => CommandId::OUTBIND,
            Self::Unbind => CommandId::UNBIND,
            Self::UnbindResp => CommandId::UNBIND_RESP,
            Self::EnquireLink => CommandId::ENQUIRE_LINK,
            Self::EnquireLinkResp => CommandId::ENQUIRE_LINK_RESP,
            Self::GenericNack => CommandId::GENERIC_NACK,
            Self::SubmitSm(_) => CommandId::SUBMIT_SM,
            Self::SubmitSmResp(_) => CommandId::SUBMIT_SM_RESP,
            Self::DeliverSm(_) => CommandId::DELIVER_SM,
            Self::DeliverSmResp(_) => CommandId::DELIVER_SM_RESP,
            Self::DataSm(_) => CommandId::DATA_SM,
            Self::DataSmResp(_) => CommandId::DATA_SM_RESP,
            Self::QuerySm(_) => CommandId::QUERY_SM,
            Self::QuerySmResp(_) => CommandId::QUERY_SM_RESP,
            Self::CancelSmResp => CommandId::CANCEL_SM_RESP,
            Self::AlertNotification { .. } => CommandId::ALERT_NOTIFICATION,
            Self::Other(command, _) => *command,
        }
    }
}
