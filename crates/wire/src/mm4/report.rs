//! `MM4_delivery_report.REQ` (TS 23.140, 8.4.4.3): what became of a message at one recipient.

use super::fields::{self, Fields};
use super::write::Mail;
use super::{Address, Answer, MessageType, Mm4Error, MmStatus, Remark, Request, RequestStatus};

/// A report on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReportReq {
    /// The version that the peer speaks; empty where it names none. Written as [`super::VERSION`] when empty.
    pub version: String,
    /// Binds the answer to this request; empty where the peer names none, and then no answer can be bound.
    pub transaction_id: String,
    /// The message, by the id that came with it.
    pub message_id: String,
    /// Whether an answer is wanted.
    pub ack_request: bool,
    /// The recipient of the message, which is whom the report is from.
    pub from: Option<Address>,
    /// The originator of the message, which is whom the report is for.
    pub to: Option<Address>,
    /// The system that reports, which the answer goes to.
    pub sender: Option<Address>,
    /// When it happened, in seconds since 1970.
    pub date: Option<i64>,
    /// The event.
    pub status: MmStatus,
    /// The code as the peer wrote it.
    pub code: String,
    /// More of it, as `Rejection-By-MMS-Recipient`.
    pub status_extension: Option<String>,
    /// Words for people.
    pub status_text: Option<String>,
    /// What a vendor says beside it. Read, and never written.
    pub remarks: Vec<Remark>,
}

impl DeliveryReportReq {
    /// A report that asks for an answer.
    pub fn new(transaction_id: String, message_id: String, status: MmStatus) -> Self {
        Self {
            version: String::new(),
            transaction_id,
            message_id,
            ack_request: true,
            from: None,
            to: None,
            sender: None,
            date: None,
            status,
            code: status.name().to_owned(),
            status_extension: None,
            status_text: None,
            remarks: Vec::new(),
        }
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, Mm4Error> {
        let code = fields.mm_status().ok_or(Mm4Error::Missing(fields::MM_STATUS))?;
        Ok(Self {
            version: fields.version(),
            transaction_id: fields.id(fields::TRANSACTION_ID)?.unwrap_or_default(),
            message_id: fields.id(fields::MESSAGE_ID)?.ok_or(Mm4Error::Missing(fields::MESSAGE_ID))?,
            ack_request: fields.flag(fields::ACK_REQUEST).unwrap_or(false),
            from: fields.address(fields::FROM),
            to: fields.address(fields::TO),
            sender: fields.address(fields::SENDER),
            date: fields.date(),
            status: MmStatus::parse(code),
            code: code.to_owned(),
            status_extension: fields.owned(fields::MM_STATUS_EXTENSION),
            status_text: fields.owned(fields::STATUS_TEXT),
            remarks: fields.remarks(),
        })
    }

    /// Everything that is said beside the code: its extension, the words for people, and what the vendor adds.
    pub fn explained(&self) -> impl Iterator<Item = Remark> {
        let extension = self.status_extension.iter().map(|text| Remark::of(fields::MM_STATUS_EXTENSION, text));
        let words = self.status_text.iter().map(|text| Remark::of(fields::STATUS_TEXT, text));
        extension.chain(words).chain(self.remarks.iter().cloned())
    }

    /// The mail that carries it.
    pub fn build(&self) -> Vec<u8> {
        let mut mail = Mail::new(MessageType { request: Request::DeliveryReport, is_answer: false }, &self.version);
        mail.field(fields::TRANSACTION_ID, &self.transaction_id);
        mail.field(fields::MESSAGE_ID, &self.message_id);
        mail.maybe(fields::FROM, self.from.as_ref());
        mail.maybe(fields::TO, self.to.as_ref());
        mail.maybe(fields::SENDER, self.sender.as_ref());
        mail.date(self.date);
        mail.flag(fields::ACK_REQUEST, self.ack_request);
        mail.field(fields::MM_STATUS, &self.code);
        mail.maybe(fields::MM_STATUS_EXTENSION, self.status_extension.as_ref());
        mail.maybe(fields::STATUS_TEXT, self.status_text.as_ref());
        mail.without_body()
    }

    /// The `MM4_delivery_report.RES` to it.
    pub fn answer(&self, status: RequestStatus) -> Answer {
        Answer {
            to: self.sender.clone(),
            version: self.version.clone(),
            message_id: Some(self.message_id.clone()),
            ..Answer::new(Request::DeliveryReport, self.transaction_id.clone(), status)
        }
    }
}
