//! Messages of handsets, as carriers bring them.

pub(crate) mod address;
pub(crate) mod mms;

use std::sync::Arc;
use std::time::Duration;

use model::InboundAddress;
use wire::inbound::UserData;

pub use mms::MMS_BYTES_MAX;

/// An answer counts as in time when the carrier has it so soon after what it answers came
/// ([`Event::Answered`](crate::Event::Answered)): carriers send again what was not answered for longer.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// A message of a handset, or a part of one, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The handset. A number is in its international form where the carrier's address allows it.
    pub from: InboundAddress,
    /// Whom it is for: numbers of ours and, in a group message, others. Never empty.
    pub to: Vec<InboundAddress>,
    /// What it carries.
    pub content: InboundContent,
}

/// What a message of a handset carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundContent {
    /// User data of a short message, and which part of a longer one it is.
    Sms(UserData, Option<InboundPart>),
    /// A multimedia message.
    Mms(InboundMms),
}

/// How the parts of one message are numbered. The same number in another form is another reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartForm {
    /// An element of 8 bits in the user data header (3GPP TS 23.040, 9.2.3.24.1).
    Header8,
    /// An element of 16 bits in the header (3GPP TS 23.040, 9.2.3.24.8).
    Header16,
    /// The parameters `sar_msg_ref_num`, `sar_total_segments` and `sar_segment_seqnum` (SMPP 3.4, 5.3.2.22 to 24).
    Parameters,
}

/// Which part of which message something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundPart {
    /// How it is numbered.
    pub form: PartForm,
    /// What all parts share.
    pub reference: u16,
    /// How many parts there are, at least 2.
    pub total: u8,
    /// Which one this is, from 1 to `total`.
    pub number: u8,
    /// The other elements of the header, as they came.
    pub other_elements: Arc<[u8]>,
}

/// A multimedia message of a handset. Its text parts are joined, and its presentation is read and left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboundMms {
    /// The subject, where it has one.
    pub subject: Option<String>,
    /// The text parts in the order of the presentation, joined by a line break.
    pub text: String,
    /// The other parts, in the order of the presentation.
    pub files: Vec<InboundFile>,
}

/// A file in a multimedia message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundFile {
    /// The type that the sender gave it: `type/subtype` in lower case, without parameters.
    pub content_type: String,
    /// Its octets.
    pub bytes: Vec<u8>,
}
