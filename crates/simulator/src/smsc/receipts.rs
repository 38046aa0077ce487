//! Reports on messages, in the ways that carriers write them.

use wire::receipt::{self, ReceiptState};
use wire::smpp::constants::registered_delivery;
use wire::smpp::{Address, Body, DataSm, Pdu, Sm, Tlvs, tag, time};

use super::options::{Options, ReceiptFormat};
use crate::handsets::Place;

/// What is to be reported.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) id: u64,
    pub(crate) state: ReceiptState,
    /// The message's addresses; a report's are the other way round.
    pub(crate) originator: Address,
    pub(crate) recipient: Address,
    /// The network's error, as GSM numbers it.
    pub(crate) error: Option<u16>,
    /// The segment on the screen of its handset.
    pub(crate) place: Option<Place>,
    /// When the message was submitted, in milliseconds since 1970.
    pub(crate) submitted_ms: i64,
    /// When its state was settled, in milliseconds since 1970. A report that is offered again keeps it.
    pub(crate) done_ms: i64,
    /// How often it has been offered in vain.
    pub(crate) failures: u32,
}

/// The kind of network that an error is of (SMPP 3.4, 5.3.2.31).
const NETWORK_GSM: u8 = 3;

/// Whether a message with this `registered_delivery` wants this report.
pub(crate) fn is_wanted(registered: u8, state: ReceiptState) -> bool {
    let delivered = state == ReceiptState::Delivered;
    match registered & registered_delivery::RECEIPT_MASK {
        registered_delivery::FINAL => state.is_final() || registered & registered_delivery::INTERMEDIATE != 0,
        registered_delivery::FAILURE => state.is_final() && !delivered,
        registered_delivery::SUCCESS => delivered,
        _ => false,
    }
}

impl Report {
    /// On a segment, whose id is this, and whose state is settled as soon as it is submitted.
    pub(crate) fn new(id: u64, state: ReceiptState, sm: &Sm, place: Option<Place>, now_ms: i64) -> Self {
        let (originator, recipient) = (sm.source.clone(), sm.destination.clone());
        let (submitted_ms, done_ms) = (now_ms, now_ms);
        Self { id, state, originator, recipient, error: None, place, submitted_ms, done_ms, failures: 0 }
    }
}

/// The report as a PDU.
pub(crate) fn pdu(options: &Options, report: &Report, sequence: u32) -> Pdu {
    let id = options.receipt_id_format.unwrap_or(options.id_format).write(report.id);
    let err = report.error.unwrap_or(u16::from(report.state != ReceiptState::Delivered));
    let dates = (&*date(options, report.submitted_ms), &*date(options, report.done_ms));
    let text = receipt::build(&id, dates, report.state, &format!("{err:03}"), "");
    let mut tlvs = Tlvs::default();
    if matches!(options.receipt_format, ReceiptFormat::Tlv | ReceiptFormat::Both) {
        tlvs.push(tag::RECEIPTED_MESSAGE_ID, [id.as_bytes(), b"\0"].concat());
        tlvs.push(tag::MESSAGE_STATE, [report.state.message_state()]);
        if let Some(error) = report.error {
            let [high, low] = error.to_be_bytes();
            tlvs.push(tag::NETWORK_ERROR_CODE, [NETWORK_GSM, high, low]);
        }
    }
    if matches!(options.receipt_format, ReceiptFormat::Payload | ReceiptFormat::DataSm) {
        tlvs.push(tag::MESSAGE_PAYLOAD, text.as_bytes());
    }
    let has_text = matches!(options.receipt_format, ReceiptFormat::Text | ReceiptFormat::Both);
    let (source, destination, esm_class) =
        (report.recipient.clone(), report.originator.clone(), options.receipt_esm_class);
    let body = if options.receipt_format == ReceiptFormat::DataSm {
        Body::DataSm(Box::new(DataSm { source, destination, esm_class, ..DataSm::default() }))
    } else {
        let short_message = if has_text { text.into_bytes() } else { Vec::new() };
        Body::DeliverSm(Box::new(Sm { source, destination, esm_class, short_message, ..Sm::default() }))
    };
    Pdu { tlvs, ..Pdu::new(sequence, body) }
}

fn date(options: &Options, at_ms: i64) -> String {
    // YYMMDDhhmmss, of which a receipt may have only ten digits, or a century before them.
    let digits = &time::absolute(at_ms)[..12];
    match options.receipt_date_digits {
        14 => format!("20{digits}"),
        12 => digits.to_owned(),
        _ => digits[..10].to_owned(),
    }
}
