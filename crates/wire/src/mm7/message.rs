//! What VASP and MMSC say to each other: the abstract messages of 3GPP TS 23.140, 8.7.

use super::{Address, Dialect, MmStatus, Status, StatusCode};

/// One envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How it is written.
    pub dialect: Dialect,
    /// What tells which answer belongs to which request; empty where a peer leaves it out.
    pub transaction_id: String,
    /// What is said.
    pub operation: Operation,
}

impl Message {
    /// The answer to it: in its dialect and under the id of its transaction.
    pub fn answer(&self, operation: Operation) -> Self {
        Self { dialect: self.dialect.clone(), transaction_id: self.transaction_id.clone(), operation }
    }
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// VASP to MMSC: deliver this.
    SubmitReq(Box<SubmitReq>),
    /// Its answer.
    SubmitRsp(SubmitRsp),
    /// MMSC to VASP: a handset sent this.
    DeliverReq(Box<DeliverReq>),
    /// Its answer.
    DeliverRsp(DeliverRsp),
    /// MMSC to VASP: what became of a message.
    DeliveryReportReq(Box<DeliveryReportReq>),
    /// Its answer.
    DeliveryReportRsp(Status),
    /// What is said instead of an answer.
    Fault(Fault),
    /// Another operation, by the name of its element.
    Other(String),
}

/// A message to be delivered (3GPP TS 23.140, 8.7.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmitReq {
    /// Who provides the service, as the MMSC knows it.
    pub vasp_id: Option<String>,
    /// Which service it is.
    pub vas_id: Option<String>,
    /// What the handset shows as the originator.
    pub sender_address: Option<Address>,
    /// Who is to get it.
    pub recipients: Recipients,
    /// What the MMSC charges by.
    pub service_code: Option<String>,
    /// The message that this one belongs to.
    pub linked_id: Option<String>,
    /// `Personal`, `Advertisement`, `Informational` or `Auto`.
    pub message_class: Option<String>,
    /// When it was submitted, as XML writes times.
    pub time_stamp: Option<String>,
    /// Not to be delivered before; a time, or a duration from now.
    pub earliest_delivery_time: Option<String>,
    /// Not to be delivered after; a time, or a duration from now.
    pub expiry_date: Option<String>,
    /// Whether delivery reports are wanted.
    pub delivery_report: Option<bool>,
    /// Whether read replies are wanted.
    pub read_reply: Option<bool>,
    /// `Low`, `Normal` or `High`.
    pub priority: Option<String>,
    /// What the handset shows as the subject.
    pub subject: Option<String>,
    /// Who pays: `Sender`, `Recipient`, `Both`, `Neither` or `ThirdParty`.
    pub charged_party: Option<String>,
    /// Whether the content may be passed on.
    pub distribution_indicator: Option<bool>,
    /// Where its content is.
    pub content: Option<Content>,
}

/// Who is to get a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Whom it is to.
    pub to: Vec<Address>,
    /// Who gets a copy.
    pub cc: Vec<Address>,
    /// Who gets a copy that nobody sees.
    pub bcc: Vec<Address>,
}

/// A reference to the content: another part of the same HTTP body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The `Content-ID` of the part, without `cid:` and angle brackets.
    pub id: String,
    /// Whether the MMSC may fit it to the handset.
    pub allow_adaptations: Option<bool>,
}

/// What the MMSC says to a submission (3GPP TS 23.140, 8.7.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitRsp {
    /// Whether it took it.
    pub status: Status,
    /// The id under which it will report.
    pub message_id: Option<String>,
}

/// A message from a handset (3GPP TS 23.140, 8.7.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliverReq {
    /// Which MMSC it is.
    pub relay_server_id: Option<String>,
    /// What an answer to it would be linked by.
    pub linked_id: Option<String>,
    /// Who sent it.
    pub sender: Option<Address>,
    /// Whom it was sent to.
    pub recipients: Recipients,
    /// When it was sent, as XML writes times.
    pub time_stamp: Option<String>,
    /// `Low`, `Normal` or `High`.
    pub priority: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// Where its content is.
    pub content: Option<Content>,
}

/// What the VASP says to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverRsp {
    /// Whether it took it.
    pub status: Status,
    /// What the MMSC charges by.
    pub service_code: Option<String>,
}

/// What became of a message (3GPP TS 23.140, 8.7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReportReq {
    /// Which MMSC it is.
    pub relay_server_id: Option<String>,
    /// The id that the answer to the submission gave.
    pub message_id: String,
    /// For which recipient this is.
    pub recipient: Option<Address>,
    /// Who sent the message.
    pub sender: Option<Address>,
    /// When it happened, as XML writes times.
    pub date: Option<String>,
    /// The event.
    pub mm_status: MmStatus,
    /// The same in words.
    pub status_text: Option<String>,
}

/// Which of the two errors of 3GPP TS 23.140, 8.7.6, is in a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// `RSErrorRsp`: the MMSC's.
    RelayServer,
    /// `VASPErrorRsp`: the VASP's.
    Vasp,
}

/// What is said instead of an answer (SOAP 1.1, section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `Client`, `Server`, `MustUnderstand` or `VersionMismatch`, without a prefix.
    pub fault_code: String,
    /// What went wrong, for a person.
    pub fault_string: String,
    /// Whose error it is; `None` for a fault of SOAP alone.
    pub kind: Option<FaultKind>,
    /// What exactly; `None` where only SOAP's own code says it.
    pub status: Option<Status>,
}

impl Fault {
    /// The fault with which one side refuses a request of the other.
    pub fn new(kind: FaultKind, status: Status) -> Self {
        let fault_code = if status.code.class() == StatusCode::SERVER_ERROR.0 { "Server" } else { "Client" };
        Self {
            fault_code: fault_code.to_owned(),
            fault_string: status.text.clone(),
            kind: Some(kind),
            status: Some(status),
        }
    }

    /// What it comes down to: its status, or else what SOAP's code says (SOAP 1.1, section 4.4.1): a `Client` fault
    /// will be the same next time, a `Server` fault may not.
    pub fn code(&self) -> StatusCode {
        match &self.status {
            Some(status) => status.code,
            None if self.fault_code.starts_with("Client") || self.fault_code.starts_with("Sender") => {
                StatusCode::CLIENT_ERROR
            }
            None if self.fault_code.starts_with("MustUnderstand") => StatusCode::UNSUPPORTED_OPERATION,
            None if self.fault_code.starts_with("VersionMismatch") => StatusCode::UNSUPPORTED_VERSION,
            None => StatusCode::SERVER_ERROR,
        }
    }
}
