//! From a message to its `submit_sm` PDUs, by the carrier's knobs.
//!
//! What leaves is measured here, where the carrier's alphabet is known: how the text is encoded, into how many segments
//! it is cut, and whether anything is left of it.

use std::borrow::Cow;

use model::{ErrorType, Message};
use wire::gsm::{self, Cut, Encoding, Segment, packed};
use wire::smpp::constants::{data_coding, esm_class};
use wire::smpp::{Address, Sm, Tlvs, tag, time};

use super::addresses;
use super::config::{Alphabet, SmppConfig};
use crate::keys::ValidityForm;
use crate::{SegmentOutcome, Submission, SubmissionOutcome};

/// One `submit_sm`, without its sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubmitSm {
    /// Which segment it is, from 1.
    pub(crate) number: u16,
    pub(crate) sm: Box<Sm>,
    pub(crate) tlvs: Tlvs,
}

/// A submission as PDUs: every segment but those that the carrier has.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) submission: Submission,
    /// How many segments the whole text has in this carrier's cut.
    pub(crate) total: u16,
    pub(crate) segments: Vec<SubmitSm>,
}

impl Outgoing {
    /// The outcome when none of it has left.
    pub(crate) fn not_sent(&self) -> SubmissionOutcome {
        let segments = self.segments.iter().map(|segment| (segment.number, SegmentOutcome::NotSent));
        self.submission.ended(self.total, segments.collect())
    }
}

/// How a message's text leaves.
struct Plan {
    encoding: Encoding,
    packed: bool,
    data_coding: u8,
}

/// Cuts a message as the carrier wants it.
///
/// # Errors
/// The outcome, when this carrier cannot have it.
pub(crate) fn build(config: &SmppConfig, submission: Submission) -> Result<Outgoing, SubmissionOutcome> {
    match segments(config, &submission) {
        Ok((total, segments)) => Ok(Outgoing { submission, total, segments }),
        Err(why) => {
            let refused = SegmentOutcome::Refused { error_type: ErrorType::CarrierRejected, status: why };
            Err(submission.ended(1, vec![(1, refused)]))
        }
    }
}

fn segments(config: &SmppConfig, submission: &Submission) -> Result<(u16, Vec<SubmitSm>), String> {
    let message = &*submission.message;
    let text = leaving(config, message.body.as_deref().unwrap_or_default());
    let plan = plan(config, &text);
    let cut = config.cut();
    let segments = gsm::cut(&text, plan.encoding, cut).map_err(|error| error.to_string())?;
    if segments.len() > usize::from(config.segments_max) {
        return Err(format!("{} segments, and the carrier takes {}", segments.len(), config.segments_max));
    }
    let total = segments.first().map_or(1, |segment| segment.total.into());
    let source = addresses::source(config, message.originator)?;
    let lacked = segments.iter().filter(|segment| submission.lacks(segment.number.into()));
    Ok((total, lacked.map(|segment| one(config, submission, &source, &plan, cut, segment)).collect()))
}

/// The text as it leaves. Typographic characters become plain ones where that keeps the text out of UCS-2. Where it
/// stays in UCS-2 all the same it gains nothing from being changed; where nothing would be left of it, or where it
/// would take more segments, it leaves as it came.
fn leaving<'a>(config: &SmppConfig, text: &'a str) -> Cow<'a, str> {
    let is_ucs2 = |text: &str| plan(config, text).encoding == Encoding::Ucs2;
    if !config.transliterate || !is_ucs2(text) {
        return text.into();
    }
    let plain = gsm::transliterate(text);
    let gains = !plain.is_empty() && !is_ucs2(&plain) && count(config, &plain) <= count(config, text);
    if gains { plain } else { text.into() }
}

/// How many segments a text takes, whoever cuts it.
fn count(config: &SmppConfig, text: &str) -> usize {
    let cut = match config.cut() {
        Cut::Payload | Cut::Refuse => Cut::Udh8,
        cut => cut,
    };
    gsm::cut(text, plan(config, text).encoding, cut).map_or(usize::MAX, |segments| segments.len())
}

fn plan(config: &SmppConfig, text: &str) -> Plan {
    let fits = Encoding::of(text) == Encoding::Gsm7;
    let ucs2 = Plan {
        encoding: Encoding::Ucs2,
        packed: false,
        data_coding: config.ucs2_data_coding.unwrap_or(data_coding::UCS2),
    };
    match config.alphabet {
        _ if !fits => ucs2,
        Alphabet::Ucs2 => ucs2,
        Alphabet::Gsm7 => Plan {
            encoding: Encoding::Gsm7,
            packed: false,
            data_coding: config.data_coding.unwrap_or(data_coding::DEFAULT),
        },
        Alphabet::Gsm7Packed => Plan {
            encoding: Encoding::Gsm7,
            packed: true,
            data_coding: config.data_coding.unwrap_or(data_coding::DEFAULT),
        },
        // Some SMSCs transcode Latin-1 and drop what GSM lacks, so only what is in both goes this way.
        Alphabet::Latin1 if text.chars().all(|character| Encoding::Latin1.units(character).is_some()) => Plan {
            encoding: Encoding::Latin1,
            packed: false,
            data_coding: config.data_coding.unwrap_or(data_coding::LATIN1),
        },
        Alphabet::Latin1 => ucs2,
    }
}

fn one(
    config: &SmppConfig,
    submission: &Submission,
    source: &Address,
    plan: &Plan,
    cut: Cut,
    segment: &Segment,
) -> SubmitSm {
    let message = &*submission.message;
    let reference = reference(message);
    let header = segment.header(cut, reference);
    let udhi = if header.is_empty() { 0 } else { esm_class::UDHI };
    let text = if plan.packed { pack(&segment.text, header.len()) } else { segment.text.clone() };
    let mut tlvs = Tlvs::default();
    let short_message = if cut == Cut::Payload && segment.text.len() > 140 {
        tlvs.push(tag::MESSAGE_PAYLOAD, text);
        Vec::new()
    } else {
        [header, text].concat()
    };
    if cut == Cut::Sar && segment.total > 1 {
        tlvs.push(tag::SAR_MSG_REF_NUM, reference.to_be_bytes());
        tlvs.push(tag::SAR_TOTAL_SEGMENTS, [segment.total]);
        tlvs.push(tag::SAR_SEGMENT_SEQNUM, [segment.number]);
    }
    if config.more_messages_to_send && segment.number < segment.total {
        tlvs.push(tag::MORE_MESSAGES_TO_SEND, [1]);
    }
    for (tag, value) in config.extra_tlvs() {
        tlvs.push(tag, value);
    }
    let sm = Sm {
        service_type: config.service_type.clone().into_bytes(),
        source: source.clone(),
        destination: addresses::destination(config, message.recipient),
        esm_class: config.esm_class | udhi,
        protocol_id: config.protocol_id,
        priority_flag: config.priority,
        validity_period: validity(config, message, submission),
        registered_delivery: config.registered_delivery,
        data_coding: plan.data_coding,
        short_message,
        ..Sm::default()
    };
    SubmitSm { number: u16::from(segment.number), sm: Box::new(sm), tlvs }
}

/// The reference of a message's segments. A message that was accepted before every message had one gets it from its id,
/// so that it too is the same at every attempt.
fn reference(message: &Message) -> u16 {
    let pairs = message.id.to_bytes();
    let of_id = pairs.chunks_exact(2).fold(0, |folded, pair| folded ^ u16::from_be_bytes([pair[0], pair[1]]));
    if message.reference == 0 { of_id } else { message.reference }
}

fn pack(septets: &[u8], header_bytes: usize) -> Vec<u8> {
    packed::pack(septets, packed::fill_bits(header_bytes))
}

fn validity(config: &SmppConfig, message: &Message, submission: &Submission) -> Vec<u8> {
    match config.validity {
        ValidityForm::Relative => time::relative(submission.valid_for.as_secs().max(1)).into_bytes(),
        ValidityForm::Absolute => time::absolute(message.expires_at.as_millis()).into_bytes(),
        ValidityForm::Omit => Vec::new(),
    }
}
