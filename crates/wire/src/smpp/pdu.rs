//! PDUs as values.

use super::{Address, Bind, BindKind, CommandId, CommandStatus, Outbind, Sm, Tlvs};

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

/// The fields of `query_sm` (SMPP 3.4, 4.8.1).
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

/// The fields of `cancel_sm` (SMPP 3.4, 4.9.1): one message by its id, or all between two addresses when that is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelSm {
    /// The service that it belongs to.
    pub service_type: Vec<u8>,
    /// The carrier's id; empty to cancel by addresses.
    pub message_id: Vec<u8>,
    /// The originator.
    pub source: Address,
    /// The recipient.
    pub destination: Address,
}

/// The operation of a PDU and its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Body {
    Bind(BindKind, Bind),
    /// With the other side's `system_id`.
    BindResp(BindKind, Vec<u8>),
    Outbind(Outbind),
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
    CancelSm(Box<CancelSm>),
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
            Self::Outbind(_) => CommandId::OUTBIND,
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
            Self::CancelSm(_) => CommandId::CANCEL_SM,
            Self::CancelSmResp => CommandId::CANCEL_SM_RESP,
            Self::AlertNotification { .. } => CommandId::ALERT_NOTIFICATION,
            Self::Other(command, _) => *command,
        }
    }
}
