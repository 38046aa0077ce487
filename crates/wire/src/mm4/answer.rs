//! The answers, `MM4_*.RES` (TS 23.140, 8.4.4.2, 8.4.4.4): whether a request was taken. They all have the same form.

use super::fields::{self, Fields};
use super::write::Mail;
use super::{Address, MessageType, Mm4Error, Remark, Request, RequestStatus};

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What kind of request it answers.
    pub request: Request,
    /// The version that the peer speaks; empty where it names none. Written as [`super::VERSION`] when empty.
    pub version: String,
    /// The request that is answered; empty where a peer names only the message.
    pub transaction_id: String,
    /// The message that it is about.
    pub message_id: Option<String>,
    /// The system that answers.
    pub sender: Option<Address>,
    /// The system that asked.
    pub to: Option<Address>,
    /// When it was answered, in seconds since 1970.
    pub date: Option<i64>,
    /// What the answer is.
    pub status: RequestStatus,
    /// The code as the peer wrote it.
    pub code: String,
    /// Words for people.
    pub status_text: Option<String>,
    /// What a vendor says beside it. Read, and never written.
    pub remarks: Vec<Remark>,
    /// The recipients that it is about, where it is not about all.
    pub recipients: Vec<Address>,
}

impl Answer {
    /// An answer that says no more than it must.
    pub fn new(request: Request, transaction_id: String, status: RequestStatus) -> Self {
        Self {
            request,
            version: String::new(),
            transaction_id,
            message_id: None,
            sender: None,
            to: None,
            date: None,
            status,
            code: status.name().to_owned(),
            status_text: None,
            remarks: Vec::new(),
            recipients: Vec::new(),
        }
    }

    pub(super) fn read(request: Request, fields: &Fields) -> Result<Self, Mm4Error> {
        let (transaction_id, message_id) = (fields.id(fields::TRANSACTION_ID)?, fields.id(fields::MESSAGE_ID)?);
        if transaction_id.is_none() && message_id.is_none() {
            return Err(Mm4Error::Missing(fields::TRANSACTION_ID));
        }
        let code = fields.text(fields::REQUEST_STATUS).ok_or(Mm4Error::Missing(fields::REQUEST_STATUS))?;
        Ok(Self {
            request,
            version: fields.version(),
            transaction_id: transaction_id.unwrap_or_default(),
            message_id,
            sender: fields.address(fields::SENDER),
            to: fields.address(fields::TO),
            date: fields.date(),
            status: RequestStatus::parse(code),
            code: code.to_owned(),
            status_text: fields.owned(fields::STATUS_TEXT),
            remarks: fields.remarks(),
            recipients: fields.addresses(fields::REQUEST_RECIPIENTS)?,
        })
    }

    /// Everything that is said beside the code, the words for people first.
    pub fn explained(&self) -> impl Iterator<Item = Remark> {
        let words = self.status_text.iter().map(|text| Remark::of(fields::STATUS_TEXT, text));
        words.chain(self.remarks.iter().cloned())
    }

    /// The mail that carries it.
    pub fn build(&self) -> Vec<u8> {
        let mut mail = Mail::new(MessageType { request: self.request, is_answer: true }, &self.version);
        mail.field(fields::TRANSACTION_ID, &self.transaction_id);
        mail.maybe(fields::MESSAGE_ID, self.message_id.as_ref());
        // Mail wants to know who it is from (RFC 5322, 3.6); MM4 asks for the sender.
        mail.maybe(fields::FROM, self.sender.as_ref());
        mail.maybe(fields::SENDER, self.sender.as_ref());
        mail.maybe(fields::TO, self.to.as_ref());
        mail.date(self.date);
        mail.field(fields::REQUEST_STATUS, &self.code);
        mail.maybe(fields::STATUS_TEXT, self.status_text.as_ref());
        mail.addresses(fields::REQUEST_RECIPIENTS, &self.recipients);
        mail.without_body()
    }
}
