//! A PDU as the trace shows it: every field by the name that the specification has for it.

use std::fmt::Write;

use model::unmatched::escaped;
use wire::gsm;
use wire::smpp::constants::{data_coding, esm_class};
use wire::smpp::{Address, Bind, Body, CommandId, DataSm, DecodeError, Pdu, Sm, Tlvs, decode, tag};

use crate::trace::{Decoded, Field, masked_number};

/// What is shown in place of a password.
const HIDDEN: &str = "***";

/// Octets of a value that are shown.
const SHOWN_MAX: usize = 2_048;

/// Octets of the head of a PDU.
const HEAD: usize = 16;

/// A PDU for the trace, with texts and numbers where `texts` says so.
pub(crate) fn of_octets(octets: &[u8], texts: bool) -> Decoded {
    match decode(octets) {
        Ok(pdu) => of(&pdu, texts),
        Err(error) => unreadable(&error, octets, texts),
    }
}

fn of(pdu: &Pdu, texts: bool) -> Decoded {
    let command = pdu.body.command();
    let mut fields = Fields { list: Vec::new(), texts };
    fields.body(&pdu.body);
    let (coding, is_report) = match &pdu.body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => (sm.data_coding, sm.is_report()),
        Body::DataSm(data) => (data.data_coding, data.esm_class & esm_class::TYPE_MASK != 0),
        _ => (data_coding::DEFAULT, false),
    };
    fields.tlvs(&pdu.tlvs, coding, is_report);
    Decoded {
        operation: command.to_string(),
        sequence: Some(pdu.sequence),
        status: command.is_response().then(|| pdu.status.to_string()),
        fields: fields.list,
        unreadable: None,
    }
}

/// A PDU that cannot be read. Behind its head there may be a text, a number or a password.
fn unreadable(error: &DecodeError, octets: &[u8], texts: bool) -> Decoded {
    let is_secret = matches!(
        error.command,
        CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER | CommandId::OUTBIND
    );
    let shown = if texts && !is_secret { octets } else { &octets[..octets.len().min(HEAD)] };
    let mut value = hex(&shown[..shown.len().min(SHOWN_MAX)]);
    if shown.len() < octets.len() {
        // Writing to a text cannot fail.
        let _ = write!(value, "… ({} octets in all)", octets.len());
    }
    Decoded {
        operation: error.command.to_string(),
        sequence: Some(error.sequence),
        status: None,
        fields: vec![Field::new("octets", value)],
        unreadable: Some(format!("it cannot be read: {}", error.status)),
    }
}

/// The fields of a PDU.
struct Fields {
    list: Vec<Field>,
    texts: bool,
}

impl Fields {
    fn add(&mut self, name: &'static str, value: impl ToString) {
        self.list.push(Field::new(name, value));
    }

    fn text(&mut self, name: &'static str, octets: &[u8]) {
        self.add(name, escaped(octets, SHOWN_MAX));
    }

    fn flags(&mut self, name: &'static str, value: u8) {
        self.add(name, format!("{value:#04x}"));
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Bind(_, bind) => self.bind(bind),
            Body::BindResp(_, system_id) => self.text("system_id", system_id),
            Body::Outbind(outbind) => {
                self.text("system_id", &outbind.system_id);
                self.add("password", HIDDEN);
            }
            Body::SubmitSm(sm) | Body::DeliverSm(sm) => self.sm(sm),
            Body::SubmitSmResp(id) | Body::DeliverSmResp(id) | Body::DataSmResp(id) => self.text("message_id", id),
            Body::DataSm(data) => self.data_sm(data),
            Body::QuerySm(query) => {
                self.text("message_id", &query.message_id);
                self.address(["source_addr_ton", "source_addr_npi", "source_addr"], &query.source);
            }
            Body::QuerySmResp(result) => {
                self.text("message_id", &result.message_id);
                self.text("final_date", &result.final_date);
                self.add("message_state", result.message_state);
                self.add("error_code", result.error_code);
            }
            Body::CancelSm(cancel) => {
                self.text("service_type", &cancel.service_type);
                self.text("message_id", &cancel.message_id);
                self.address(["source_addr_ton", "source_addr_npi", "source_addr"], &cancel.source);
                self.address(["dest_addr_ton", "dest_addr_npi", "destination_addr"], &cancel.destination);
            }
            Body::AlertNotification { source, esme } => {
                self.address(["source_addr_ton", "source_addr_npi", "source_addr"], source);
                self.address(["esme_addr_ton", "esme_addr_npi", "esme_addr"], esme);
            }
            Body::Other(_, octets) => self.opaque("body", octets),
            Body::Unbind
            | Body::UnbindResp
            | Body::EnquireLink
            | Body::EnquireLinkResp
            | Body::GenericNack
            | Body::CancelSmResp => {}
        }
    }

    fn bind(&mut self, bind: &Bind) {
        self.text("system_id", &bind.system_id);
        self.add("password", HIDDEN);
        self.text("system_type", &bind.system_type);
        self.flags("interface_version", bind.interface_version);
        self.add("addr_ton", bind.addr_ton);
        self.add("addr_npi", bind.addr_npi);
        self.text("address_range", &bind.address_range);
    }

    fn sm(&mut self, sm: &Sm) {
        self.text("service_type", &sm.service_type);
        self.address(["source_addr_ton", "source_addr_npi", "source_addr"], &sm.source);
        self.address(["dest_addr_ton", "dest_addr_npi", "destination_addr"], &sm.destination);
        self.flags("esm_class", sm.esm_class);
        self.flags("protocol_id", sm.protocol_id);
        self.add("priority_flag", sm.priority_flag);
        self.text("schedule_delivery_time", &sm.schedule_delivery_time);
        self.text("validity_period", &sm.validity_period);
        self.flags("registered_delivery", sm.registered_delivery);
        self.add("replace_if_present_flag", sm.replace_if_present_flag);
        self.flags("data_coding", sm.data_coding);
        self.add("sm_default_msg_id", sm.sm_default_msg_id);
        self.add("sm_length", sm.short_message.len());
        let length = if sm.has_header() { 1 + usize::from(sm.short_message.first().copied().unwrap_or(0)) } else { 0 };
        let (header, text) = sm.short_message.split_at(length.min(sm.short_message.len()));
        if !header.is_empty() {
            self.add("user_data_header", hex(header));
        }
        self.user_data("short_message", text, sm.data_coding, sm.is_report());
    }

    fn data_sm(&mut self, data: &DataSm) {
        self.text("service_type", &data.service_type);
        self.address(["source_addr_ton", "source_addr_npi", "source_addr"], &data.source);
        self.address(["dest_addr_ton", "dest_addr_npi", "destination_addr"], &data.destination);
        self.flags("esm_class", data.esm_class);
        self.flags("registered_delivery", data.registered_delivery);
        self.flags("data_coding", data.data_coding);
    }

    fn address(&mut self, [ton, npi, name]: [&'static str; 3], address: &Address) {
        self.add(ton, address.ton);
        self.add(npi, address.npi);
        let text = escaped(&address.octets, SHOWN_MAX);
        self.add(name, if self.texts { text } else { masked_number(&text) });
    }

    /// A text. A receipt is shown up to the text that it repeats, because its ids and codes are the reason to look.
    fn user_data(&mut self, name: &'static str, octets: &[u8], coding: u8, is_report: bool) {
        let text = readable(octets, coding);
        let shown = match (self.texts, is_report) {
            (true, _) => text,
            (false, true) => before_text(&text),
            (false, false) => format!("({} octets)", octets.len()),
        };
        self.add(name, shown);
    }

    /// What may hold anything.
    fn opaque(&mut self, name: &'static str, octets: &[u8]) {
        let shown =
            if self.texts { hex(&octets[..octets.len().min(SHOWN_MAX)]) } else { format!("({} octets)", octets.len()) };
        self.add(name, shown);
    }

    fn tlvs(&mut self, tlvs: &Tlvs, coding: u8, is_report: bool) {
        for tlv in tlvs {
            let octets = &tlv.value[..tlv.value.len().min(SHOWN_MAX)];
            let value = match tlv.tag {
                tag::MESSAGE_PAYLOAD | tag::ADDITIONAL_STATUS_INFO_TEXT => {
                    let before = self.list.len();
                    self.user_data("", octets, coding, is_report);
                    self.list.drain(before..).map(|field| field.value).collect()
                }
                tag::RECEIPTED_MESSAGE_ID => escaped(octets, SHOWN_MAX),
                // Numbers, parts of addresses, and whatever vendors put into theirs.
                tag::CALLBACK_NUM | tag::CALLBACK_NUM_ATAG | tag::SOURCE_SUBADDRESS | tag::DEST_SUBADDRESS
                    if !self.texts =>
                {
                    format!("({} octets)", tlv.value.len())
                }
                other if tag::name(other).is_none() && !self.texts => format!("({} octets)", tlv.value.len()),
                _ => hex(octets),
            };
            let name = tag::name(tlv.tag).unwrap_or_else(|| format!("tlv {:#06x}", tlv.tag));
            self.list.push(Field::new(name, value));
        }
    }
}

/// A text as a person reads it, in one line.
fn readable(octets: &[u8], coding: u8) -> String {
    match coding {
        data_coding::UCS2 => gsm::segment::decode_ucs2(octets).chars().flat_map(char::escape_debug).collect(),
        _ => escaped(octets, SHOWN_MAX),
    }
}

/// A receipt without the beginning of its message, which it repeats at its end.
fn before_text(receipt: &str) -> String {
    match receipt.to_ascii_lowercase().find("text:") {
        Some(at) => format!("{}…", &receipt[..at + "text:".len()]),
        // A report in a form of the carrier's own may say anything at its end.
        None if receipt.starts_with("id:") => receipt.to_owned(),
        None => format!("({} characters)", receipt.chars().count()),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold("0x".to_owned(), |mut text, octet| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::smpp::{BindKind, encode};

    use super::*;

    fn shown(pdu: &Pdu, texts: bool) -> Decoded {
        let mut octets = Vec::new();
        encode(pdu, &mut octets);
        of_octets(&octets, texts)
    }

    fn value<'a>(decoded: &'a Decoded, name: &str) -> &'a str {
        decoded.fields.iter().find(|field| field.name == name).map_or("(none)", |field| &field.value)
    }

    fn submit() -> Pdu {
        let sm = Sm {
            source: Address::guess("ACME"),
            destination: Address::guess("+12025550123"),
            short_message: b"the code is 1234".to_vec(),
            ..Sm::default()
        };
        let mut pdu = Pdu::new(7, Body::SubmitSm(Box::new(sm)));
        pdu.tlvs.push(0x1400, b"12025550123".to_vec());
        pdu
    }

    #[test]
    fn texts_and_numbers_are_masked_unless_they_are_asked_for() {
        let masked = shown(&submit(), false);
        assert_eq!((masked.operation.as_str(), masked.sequence), ("submit_sm", Some(7)));
        assert_eq!(value(&masked, "destination_addr"), "120******23");
        assert_eq!(value(&masked, "source_addr"), "ACME");
        assert_eq!(value(&masked, "short_message"), "(16 octets)");
        assert_eq!(value(&masked, "tlv 0x1400"), "(11 octets)");
        let whole = shown(&submit(), true);
        assert_eq!(value(&whole, "destination_addr"), "12025550123");
        assert_eq!(value(&whole, "short_message"), "the code is 1234");
    }

    #[test]
    fn a_receipt_is_shown_up_to_the_text_that_it_repeats() {
        let text = b"id:0A1 sub:001 dlvrd:001 stat:UNDELIV err:027 text:the code is 12".to_vec();
        let sm = Sm { esm_class: 4, short_message: text, ..Sm::default() };
        let mut pdu = Pdu::new(1, Body::DeliverSm(Box::new(sm)));
        pdu.tlvs.push(tag::RECEIPTED_MESSAGE_ID, b"0A1\0".to_vec());
        let decoded = shown(&pdu, false);
        assert_eq!(value(&decoded, "short_message"), "id:0A1 sub:001 dlvrd:001 stat:UNDELIV err:027 text:…");
        assert_eq!(value(&decoded, "receipted_message_id"), "0A1\\x00");
    }

    #[test]
    fn a_password_is_never_shown() {
        let bind = Bind { system_id: b"us".to_vec(), password: b"secret7".to_vec(), ..Bind::default() };
        let pdu = Pdu::new(1, Body::Bind(BindKind::Transceiver, bind));
        let mut octets = Vec::new();
        encode(&pdu, &mut octets);
        assert_eq!(value(&of_octets(&octets, true), "password"), HIDDEN);
        // Cut short, it may be one that cannot be read, whose octets hold the password.
        for length in 0..octets.len() {
            let shown = format!("{:?}", of_octets(&octets[..length], true));
            assert!(!shown.contains("secret7") && !shown.contains(&hex(b"secret7")[2..]), "{shown}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(512))]

        #[test]
        fn any_octets_can_be_traced(octets in proptest::collection::vec(any::<u8>(), 0..200), texts in any::<bool>()) {
            let decoded = of_octets(&octets, texts);
            prop_assert!(!decoded.operation.is_empty());
        }
    }
}
