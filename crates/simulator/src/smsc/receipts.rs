//! Reports on messages, in the ways that carriers write them.

use wire::receipt::{self, ReceiptState};
use wire::smpp::constants::registered_delivery;
use wire::smpp::{Address, Body, DataSm, Pdu, Sm, Tlvs, tag, time};

use super::options::{Options, ReceiptFormat};

/// What is to be reported.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) id: u64,
    pub(crate) state: ReceiptState,
    /// The message's addresses; a report's are the other way round.
    pub(crate) originator: Address,
    pub(crate) recipient: Address,
    /// How often it has been offered in vain.
    pub(crate) failures: u32,
}

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

/// The report as a PDU.
pub(crate) fn pdu(options: &Options, report: &Report, sequence: u32, now_ms: i64) -> Pdu {
    let id = options.receipt_id_format.unwrap_or(options.id_format).write(report.id);
    let err = if report.state == ReceiptState::Delivered { "000" } else { "001" };
    let text = receipt::build(&id, &date(options, now_ms), report.state, err, "");
    let mut tlvs = Tlvs::default();
    if matches!(options.receipt_format, ReceiptFormat::Tlv | ReceiptFormat::Both) {
        tlvs.push(tag::RECEIPTED_MESSAGE_ID, [id.as_bytes(), b"\0"].concat());
        tlvs.push(tag::MESSAGE_STATE, [report.state.message_state()]);
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

fn date(options: &Options, now_ms: i64) -> String {
    // YYMMDDhhmmss, of which a receipt may have only ten digits, or a century before them.
    let digits = &time::absolute(now_ms)[..12];
    match options.receipt_date_digits {
        14 => format!("20{digits}"),
        12 => digits.to_owned(),
        _ => digits[..10].to_owned(),
    }
}
