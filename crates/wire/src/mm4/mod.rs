//! MM4: multimedia messages between two MMSCs, as mail (3GPP TS 23.140, 8.4; RFC 4356 maps it to internet mail).
//!
//! In comes a mail as SMTP carried it, and out goes the [`Mm4`] that it is; every type here builds its own mail again.
//! A `forward.REQ` carries a message to the next MMSC, which answers with a `forward.RES`; what the handset did with it
//! comes later as a `delivery_report.REQ`, which is answered too.
//!
//! Peers write headers in ways of their own, so reading takes what can be understood: names and words in any case, ids
//! in quotes or brackets, three names for the version, codes as words or numbers, whatever mail systems on the way have
//! added. Writing keeps to the specification.
//!
//! Reading order: [`ForwardReq`] (what is sent), [`Answer`], [`DeliveryReportReq`] (what comes back), [`RequestStatus`]
//! and [`MmStatus`] (what they mean), [`Address`] (whose they are), then `fields`, `parts` and `write` (the mail
//! itself).

mod address;
mod answer;
mod date;
mod fields;
mod forward;
mod kind;
mod parts;
mod report;
mod status;
mod write;

pub use address::{Address, AddressKind};
pub use answer::Answer;
pub use date::Expiry;
pub use forward::{ForwardReq, Priority};
pub use kind::{MessageType, Request};
pub use parts::PARTS_MAX;
pub use report::DeliveryReportReq;
pub use status::{MmStatus, Refusal, RequestStatus, Verdict};

use fields::Fields;

/// The version that is named where nobody says otherwise.
pub const VERSION: &str = "6.10.0";
/// The longest head of a mail that is read. TS 23.140 knows no bound; this is far beyond what MMSCs and the mail
/// systems between them write.
pub const HEAD_BYTES_MAX: usize = 65_536;
/// The most addresses of one header.
pub const ADDRESSES_MAX: usize = 256;
/// The longest transaction or message id that is taken. What is longer is refused and not cut, since it could no longer
/// be matched.
pub const ID_CHARS_MAX: usize = 256;

/// The most remarks of a vendor that are kept of one message.
pub const REMARKS_MAX: usize = 8;
/// The most characters of a remark, and of its name.
pub const REMARK_CHARS_MAX: usize = 120;

/// What a vendor says beside the codes of MM4, such as `X-Internal-Status-Code: 412`: for the operator, and for nothing
/// else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The field's name.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.text)
    }
}

/// A message of MM4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mm4 {
    /// A multimedia message on its way: `MM4_forward.REQ`.
    Forward(Box<ForwardReq>),
    /// What became of one: `MM4_delivery_report.REQ`.
    Report(Box<DeliveryReportReq>),
    /// An answer to either, or to a read reply: `MM4_*.RES`.
    Answer(Box<Answer>),
    /// That a message was read: `MM4_read_reply_report.REQ`. Known and not looked into.
    ReadReply,
}

/// Why a mail is no MM4 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mm4Error {
    /// More octets than are taken.
    #[error("the {0} is too long")]
    TooLong(&'static str),
    /// More of something than is taken.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// A mail of somebody else: it names no type of message.
    #[error("this is no MM4 message")]
    NotMm4,
    /// It names a type that MM4 does not have.
    #[error("MM4 has no such type of message")]
    UnknownType,
    /// A header that it cannot be understood without is absent or empty, or says nothing that can be read.
    #[error("{0} is missing or cannot be read")]
    Missing(&'static str),
    /// The body is not as MIME has it.
    #[error("the body cannot be read: {0}")]
    Body(&'static str),
}

/// Reads a mail of at most `bytes_max` octets.
///
/// # Errors
/// [`Mm4Error`] says what is wrong with it.
pub fn parse(mail: &[u8], bytes_max: usize) -> Result<Mm4, Mm4Error> {
    if mail.len() > bytes_max {
        return Err(Mm4Error::TooLong("message"));
    }
    let (head, body) = fields::split(mail);
    let fields = Fields::read(head)?;
    let named = fields.text(fields::MESSAGE_TYPE).ok_or(Mm4Error::NotMm4)?;
    let kind = MessageType::named(named).ok_or(Mm4Error::UnknownType)?;
    match kind {
        MessageType { request, is_answer: true } => Ok(Mm4::Answer(Box::new(Answer::read(request, &fields)?))),
        MessageType { request: Request::Forward, .. } => Ok(Mm4::Forward(Box::new(ForwardReq::read(&fields, body)?))),
        MessageType { request: Request::DeliveryReport, .. } => {
            Ok(Mm4::Report(Box::new(DeliveryReportReq::read(&fields)?)))
        }
        MessageType { request: Request::ReadReply, .. } => Ok(Mm4::ReadReply),
    }
}
