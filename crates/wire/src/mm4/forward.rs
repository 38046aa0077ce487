//! `MM4_forward.REQ` (TS 23.140, 8.4.4.1): a multimedia message on its way to another MMSC.

use std::fmt;

use super::fields::{self, Fields};
use super::write::Mail;
use super::{Address, Answer, Expiry, MessageType, Mm4Error, Request, RequestStatus, parts};
use crate::mms::Part;

/// How urgent a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Not.
    Low,
    /// As others.
    Normal,
    /// More than others.
    High,
}

impl Priority {
    fn named(name: &str) -> Option<Self> {
        [Self::Low, Self::Normal, Self::High]
            .into_iter()
            .find(|priority| priority.to_string().eq_ignore_ascii_case(name.trim_matches('"')))
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "Low",
            Self::Normal => "Normal",
            Self::High => "High",
        })
    }
}

/// A multimedia message, and what its sender's MMSC asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardReq {
    /// The version that the sender speaks; empty where it names none. Written as [`super::VERSION`] when empty.
    pub version: String,
    /// Binds the answer to this request.
    pub transaction_id: String,
    /// Names the message in every report.
    pub message_id: String,
    /// Who sends; `None` where it is hidden.
    pub from: Option<Address>,
    /// For whom; at least one.
    pub to: Vec<Address>,
    /// Who gets a copy.
    pub cc: Vec<Address>,
    /// The system that sends, as mail has it.
    pub sender: Option<Address>,
    /// Where the answer goes; the sender when absent.
    pub originator_system: Option<Address>,
    /// Whether an answer is wanted.
    pub ack_request: bool,
    /// Whether a report of what the handset does is wanted.
    pub delivery_report: bool,
    /// Whether a report of its reading is wanted.
    pub read_reply: bool,
    /// `Personal`, `Advertisement`, `Informational` or `Auto`.
    pub message_class: Option<String>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When it is of no more use.
    pub expiry: Option<Expiry>,
    /// When it was sent, in seconds since 1970.
    pub date: Option<i64>,
    /// Its subject.
    pub subject: Option<String>,
    /// Whether the recipient is not to see who sends.
    pub is_sender_hidden: bool,
    /// How often it was forwarded before.
    pub forward_counter: Option<u32>,
    /// Whether its content may be adapted to the handset.
    pub adaptation_allowed: Option<bool>,
    /// What kind of content it has, as `image-rich`.
    pub content_class: Option<String>,
    /// Whether it holds protected content.
    pub drm_content: Option<bool>,
    /// What it is made of, the presentation first.
    pub parts: Vec<Part>,
}

impl ForwardReq {
    /// A message that asks for an answer and nothing else.
    pub const fn new(
        transaction_id: String,
        message_id: String,
        from: Address,
        to: Vec<Address>,
        parts: Vec<Part>,
    ) -> Self {
        Self {
            version: String::new(),
            transaction_id,
            message_id,
            from: Some(from),
            to,
            cc: Vec::new(),
            sender: None,
            originator_system: None,
            ack_request: true,
            delivery_report: false,
            read_reply: false,
            message_class: None,
            priority: None,
            expiry: None,
            date: None,
            subject: None,
            is_sender_hidden: false,
            forward_counter: None,
            adaptation_allowed: None,
            content_class: None,
            drm_content: None,
            parts,
        }
    }

    pub(super) fn read(fields: &Fields, body: &[u8]) -> Result<Self, Mm4Error> {
        let (to, cc) = (fields.addresses(fields::TO)?, fields.addresses(fields::CC)?);
        if to.is_empty() && cc.is_empty() {
            return Err(Mm4Error::Missing(fields::TO));
        }
        Ok(Self {
            version: fields.version(),
            transaction_id: fields.id(fields::TRANSACTION_ID)?.ok_or(Mm4Error::Missing(fields::TRANSACTION_ID))?,
            message_id: fields.id(fields::MESSAGE_ID)?.ok_or(Mm4Error::Missing(fields::MESSAGE_ID))?,
            from: fields.address(fields::FROM),
            to,
            cc,
            sender: fields.address(fields::SENDER),
            originator_system: fields.address(fields::ORIGINATOR_SYSTEM),
            ack_request: fields.flag(fields::ACK_REQUEST).unwrap_or(false),
            delivery_report: fields.flag(fields::DELIVERY_REPORT).unwrap_or(false),
            read_reply: fields.flag(fields::READ_REPLY).unwrap_or(false),
            message_class: fields.owned(fields::MESSAGE_CLASS),
            priority: fields.text(fields::PRIORITY).and_then(Priority::named),
            expiry: fields.text(fields::EXPIRY).and_then(Expiry::parse),
            date: fields.date(),
            subject: fields.owned(fields::SUBJECT),
            is_sender_hidden: fields
                .text(fields::SENDER_VISIBILITY)
                .is_some_and(|text| text.eq_ignore_ascii_case("hide")),
            forward_counter: fields.text(fields::FORWARD_COUNTER).and_then(|text| text.parse().ok()),
            adaptation_allowed: fields.flag(fields::ADAPTATION_ALLOWED),
            content_class: fields.owned(fields::CONTENT_CLASS),
            drm_content: fields.flag(fields::DRM_CONTENT),
            parts: parts::read(fields, body)?,
        })
    }

    /// The mail that carries it.
    pub fn build(&self) -> Vec<u8> {
        let mut mail = Mail::new(MessageType { request: Request::Forward, is_answer: false }, &self.version);
        mail.field(fields::TRANSACTION_ID, &self.transaction_id);
        mail.field(fields::MESSAGE_ID, &self.message_id);
        mail.mail_id(&self.message_id);
        mail.maybe(fields::FROM, self.from.as_ref());
        mail.addresses(fields::TO, &self.to);
        mail.addresses(fields::CC, &self.cc);
        mail.maybe(fields::SUBJECT, self.subject.as_ref());
        mail.date(self.date);
        mail.maybe(fields::SENDER, self.sender.as_ref());
        mail.maybe(fields::ORIGINATOR_SYSTEM, self.originator_system.as_ref());
        mail.flag(fields::ACK_REQUEST, self.ack_request);
        mail.flag(fields::DELIVERY_REPORT, self.delivery_report);
        mail.flag(fields::READ_REPLY, self.read_reply);
        mail.maybe(fields::MESSAGE_CLASS, self.message_class.as_ref());
        mail.maybe(fields::PRIORITY, self.priority);
        mail.maybe(fields::EXPIRY, self.expiry);
        mail.field(fields::SENDER_VISIBILITY, if self.is_sender_hidden { "Hide" } else { "Show" });
        mail.maybe(fields::FORWARD_COUNTER, self.forward_counter);
        self.adaptation_allowed.iter().for_each(|value| mail.flag(fields::ADAPTATION_ALLOWED, *value));
        mail.maybe(fields::CONTENT_CLASS, self.content_class.as_ref());
        self.drm_content.iter().for_each(|value| mail.flag(fields::DRM_CONTENT, *value));
        mail.with_parts(&self.parts)
    }

    /// Where the answer goes, where the mail says so.
    pub fn answer_to(&self) -> Option<&Address> {
        self.originator_system.as_ref().or(self.sender.as_ref())
    }

    /// The `MM4_forward.RES` to it.
    pub fn answer(&self, status: RequestStatus) -> Answer {
        Answer {
            to: self.answer_to().cloned(),
            version: self.version.clone(),
            message_id: Some(self.message_id.clone()),
            ..Answer::new(Request::Forward, self.transaction_id.clone(), status)
        }
    }
}
