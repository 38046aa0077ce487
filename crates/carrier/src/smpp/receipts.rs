//! From a `deliver_sm` or `data_sm` to what it reports.

use model::ReceiptScope;
use wire::gsm::{alphabet, segment};
use wire::receipt::{self, ReceiptState, ReceiptText, id};
use wire::smpp::constants::{data_coding, esm_class, ton};
use wire::smpp::{Address, DataSm, Sm, Tlvs, tag};

use super::config::{ReceiptDetection, ReceiptPer, SmppConfig, StatMeaning};
use super::evidence;
use crate::Receipt;
use crate::unusable::SHOWN_OCTETS_MAX;

/// What both operations have.
pub(crate) struct Delivered<'a> {
    pub(crate) source: &'a Address,
    pub(crate) destination: &'a Address,
    pub(crate) esm_class: u8,
    pub(crate) data_coding: u8,
    pub(crate) short_message: &'a [u8],
    pub(crate) tlvs: &'a Tlvs,
}

impl<'a> Delivered<'a> {
    pub(crate) fn of_sm(sm: &'a Sm, tlvs: &'a Tlvs) -> Self {
        Self { source: &sm.source, destination: &sm.destination, esm_class: sm.esm_class, data_coding: sm.data_coding, short_message: &sm.short_message, tlvs }
    }

    pub(crate) fn of_data(data: &'a DataSm, tlvs: &'a Tlvs) -> Self {
        Self { source: &data.source, destination: &data.destination, esm_class: data.esm_class, data_coding: data.data_coding, short_message: &[], tlvs }
    }

    /// The text, wherever it is, as a receipt's would be: ASCII in nearly any coding, UTF-16 in UCS-2.
    fn text(&self) -> String {
        let payload = self.tlvs.get(tag::MESSAGE_PAYLOAD).filter(|_| self.short_message.is_empty());
        let octets = payload.unwrap_or(self.short_message);
        // Some carriers set the bit on receipts that have no header.
        let has_header = self.esm_class & esm_class::UDHI != 0 && wire::concat::has_header(octets);
        let octets = if has_header { wire::concat::read(octets).1 } else { octets };
        match self.data_coding {
            data_coding::UCS2 => segment::decode_ucs2(octets),
            data_coding::DEFAULT if octets.iter().all(|octet| *octet < 0x80) => alphabet_or_ascii(octets),
            _ => octets.iter().map(|octet| char::from(*octet)).collect(),
        }
    }
}

/// GSM and ASCII differ in a few signs, `_` among them, which ids may have. A receipt is machine-made ASCII; only what ASCII cannot show is GSM.
fn alphabet_or_ascii(octets: &[u8]) -> String {
    let printable = octets.iter().all(|octet| (0x20..0x7F).contains(octet) || b"\r\n\t\0".contains(octet));
    if printable { octets.iter().map(|octet| char::from(*octet)).collect() } else { alphabet::decode(octets) }
}

/// What a `deliver_sm` or `data_sm` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A report on a segment.
    Receipt(Receipt),
    /// A message of a handset.
    Inbound,
    /// It is labelled as a receipt, and names no message.
    Unreadable {
        /// The reason, from a fixed list: short enough for a label of a metric.
        why: &'static str,
        /// The text as well as it could be read, for the operator. It may repeat the message, so it never reaches a log line.
        text: String,
    },
}

/// Says what `delivered` is, by the settings of its carrier.
pub(crate) fn read(config: &SmppConfig, delivered: &Delivered<'_>) -> Read {
    let by_class = delivered.esm_class & esm_class::TYPE_MASK != 0;
    let by_tlv = delivered.tlvs.get(tag::RECEIPTED_MESSAGE_ID).is_some();
    let octets = delivered.text();
    let own_form = config.receipt_pattern.as_ref().and_then(|pattern| pattern.read(&octets));
    let text = own_form.or_else(|| receipt::parse(&octets));
    let is_receipt = match config.receipt_detection {
        ReceiptDetection::Auto => by_class || by_tlv || text.as_ref().is_some_and(|text| text.id.is_some() && text.stat.is_some()),
        ReceiptDetection::EsmClass => by_class,
        ReceiptDetection::Tlv => by_tlv,
        ReceiptDetection::Text => text.is_some(),
    };
    if !is_receipt {
        return Read::Inbound;
    }
    let text = text.unwrap_or_default();
    let raw_id = delivered.tlvs.text(tag::RECEIPTED_MESSAGE_ID).filter(|id| !id.is_empty()).or_else(|| text.id.clone()).unwrap_or_default();
    let keys = id::candidates(&raw_id, config.id_mode());
    if keys.is_empty() {
        return Read::Unreadable { why: "no id", text: octets };
    }
    let network_error = delivered.tlvs.get(tag::NETWORK_ERROR_CODE).filter(|code| code.len() == 3);
    let network_error = network_error.map(|code| format!("{}:{}", code[0], u16::from_be_bytes([code[1], code[2]])));
    let state = state(config, text.stat.as_deref(), delivered.tlvs);
    Read::Receipt(Receipt {
        keys,
        addresses: [delivered.source, delivered.destination].into_iter().flat_map(|address| numbers(config, address)).collect(),
        scope: scope(config, state, &text),
        raw: evidence::of(delivered, SHOWN_OCTETS_MAX),
        state,
        error: text.err.or(network_error),
        raw_id,
    })
}

/// The digits of an address. From a carrier of national numbers also those of the whole number: a short national one is not told by its last digits.
fn numbers(config: &SmppConfig, address: &Address) -> impl Iterator<Item = String> {
    let digits = address.digits();
    let country = config.national_prefix.as_deref().and_then(|prefix| prefix.strip_prefix('+'));
    let whole = digits.as_ref().zip(country).filter(|_| address.ton != ton::INTERNATIONAL).map(|(digits, country)| format!("{country}{digits}"));
    digits.into_iter().chain(whole)
}

/// How much of a message the receipt reports on. A `sub` and a `dlvrd` that are the same say that so many segments were submitted and all of them
/// arrived (SMPP 3.4, appendix B); the store compares that with how many there are.
fn scope(config: &SmppConfig, state: ReceiptState, text: &ReceiptText) -> ReceiptScope {
    let count = |count: &Option<String>| count.as_deref().and_then(|count| count.trim().parse::<u16>().ok()).filter(|count| *count > 1);
    match config.receipt_per {
        ReceiptPer::Message => ReceiptScope::Message,
        ReceiptPer::Segment => match (count(&text.sub), count(&text.dlvrd)) {
            (Some(submitted), Some(delivered)) if submitted == delivered && state == ReceiptState::Delivered => ReceiptScope::AllOf(submitted),
            _ => ReceiptScope::Segment,
        },
    }
}

/// The state: the carrier's own meaning of its word first, then the parameter, then what the word usually means.
fn state(config: &SmppConfig, stat: Option<&str>, tlvs: &Tlvs) -> ReceiptState {
    let own = stat.and_then(|stat| config.receipt_stats.iter().find(|(word, _)| word.eq_ignore_ascii_case(stat)));
    if let Some((_, meaning)) = own {
        return match meaning {
            StatMeaning::Delivered => ReceiptState::Delivered,
            StatMeaning::Undelivered => ReceiptState::Undeliverable,
            StatMeaning::Expired => ReceiptState::Expired,
            StatMeaning::Rejected => ReceiptState::Rejected,
            StatMeaning::Pending => ReceiptState::Enroute,
        };
    }
    let parameter = tlvs.number(tag::MESSAGE_STATE).and_then(|number| u8::try_from(number).ok());
    match (parameter, stat) {
        (Some(number), _) => ReceiptState::from_message_state(number),
        (None, Some(stat)) => ReceiptState::from_stat(stat),
        (None, None) => ReceiptState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::smpp::constants::npi;

    fn sm(esm_class: u8, text: &str) -> Sm {
        Sm {
            source: Address::new(ton::INTERNATIONAL, npi::ISDN, "18005551234"),
            destination: Address::new(ton::INTERNATIONAL, npi::ISDN, "18005559876"),
            esm_class,
            short_message: text.as_bytes().to_vec(),
            ..Sm::default()
        }
    }

    fn tlvs(id: &[u8], state: Option<u8>) -> Tlvs {
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::RECEIPTED_MESSAGE_ID, id);
        if let Some(state) = state {
            tlvs.push(tag::MESSAGE_STATE, [state]);
        }
        tlvs
    }

    fn found(config: &SmppConfig, sm: &Sm, tlvs: &Tlvs) -> Option<(String, ReceiptState)> {
        match read(config, &Delivered::of_sm(sm, tlvs)) {
            Read::Receipt(receipt) => Some((receipt.keys[0].clone(), receipt.state)),
            Read::Inbound | Read::Unreadable { .. } => None,
        }
    }

    const TEXT: &str = "id:42 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELIVRD err:000 text:";

    #[test]
    fn receipts_are_found_by_class_by_parameter_and_by_text() {
        let config = SmppConfig::default();
        let delivered = Some(("42".to_owned(), ReceiptState::Delivered));
        for (sm, tlvs) in [
            (sm(0x04, TEXT), Tlvs::default()),
            (sm(0x44 & !0x40, TEXT), Tlvs::default()),
            (sm(0, TEXT), Tlvs::default()),
            (sm(0, ""), tlvs(b"42\0", Some(2))),
            (sm(0x04, "some words"), tlvs(b"42", Some(2))),
            (sm(0x20, TEXT), tlvs(b"42", None)),
        ] {
            assert_eq!(found(&config, &sm, &tlvs), delivered, "{sm:?}");
        }
        assert_eq!(found(&config, &sm(0, "Hello id:42"), &Tlvs::default()), None);
        assert_eq!(found(&config, &sm(0x04, "no id at all"), &Tlvs::default()), None);
    }

    #[test]
    fn a_receipt_that_names_no_message_is_told_from_a_message_of_a_handset() {
        let read = |sm: &Sm| read(&SmppConfig::default(), &Delivered::of_sm(sm, &Tlvs::default()));
        assert_eq!(read(&sm(0, "Hello")), Read::Inbound);
        assert_eq!(read(&sm(4, "Hello")), Read::Unreadable { why: "no id", text: "Hello".to_owned() });
        assert_eq!(read(&sm(4, "")), Read::Unreadable { why: "no id", text: String::new() });
    }

    #[test]
    fn a_class_of_0x44_without_a_header_is_still_a_receipt() {
        // The first octet, `i`, would be a header's length of 105 octets: beyond a short text, and within a long one.
        let long = TEXT.replace("id:42", "id:000000000000000000000000000000000042");
        for text in [TEXT, &long] {
            assert_eq!(found(&SmppConfig::default(), &sm(0x44, text), &Tlvs::default()), Some(("42".to_owned(), ReceiptState::Delivered)));
        }
    }

    #[test]
    fn a_header_before_a_receipt_is_passed_over() {
        let sm = Sm { short_message: [b"\x05\x00\x03\x2A\x01\x01", TEXT.as_bytes()].concat(), ..sm(0x44, "") };
        assert_eq!(found(&SmppConfig::default(), &sm, &Tlvs::default()), Some(("42".to_owned(), ReceiptState::Delivered)));
    }

    #[test]
    fn a_text_in_message_payload_is_read() {
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::MESSAGE_PAYLOAD, TEXT.as_bytes());
        let data = DataSm { esm_class: 0x04, ..DataSm::default() };
        let Read::Receipt(receipt) = read(&SmppConfig::default(), &Delivered::of_data(&data, &tlvs)) else { panic!("no receipt") };
        assert_eq!((receipt.keys[0].as_str(), receipt.state), ("42", ReceiptState::Delivered));
    }

    #[test]
    fn a_carrier_means_its_own_by_its_words() {
        let config = SmppConfig { receipt_stats: [("ACCEPTD".to_owned(), StatMeaning::Delivered)].into(), ..SmppConfig::default() };
        assert_eq!(found(&config, &sm(4, "id:42 stat:acceptd"), &Tlvs::default()), Some(("42".to_owned(), ReceiptState::Delivered)));
    }
}
