//! From a `deliver_sm` or `data_sm` that is no receipt to the message of a handset that it carries.

use wire::concat::Header;
use wire::gsm::alphabet;
use wire::inbound::{Coding, UserData};
use wire::smpp::constants::{esm_class, ton};
use wire::smpp::{Address, tag};

use super::config::{NameAlphabet, SmppConfig};
use super::delivered::Delivered;
use super::parts::{self, Numbered};
use crate::inbound::address::{self, Form};
use crate::{Inbound, InboundContent, InboundPart};
use model::InboundAddress;

/// The `protocol_id` of a Short Message Type 0, which a handset acknowledges and drops (3GPP TS 23.040, 9.2.3.9).
const SHORT_MESSAGE_TYPE_0: u8 = 0x40;

/// Whether a delivery is to be acknowledged and dropped.
pub(super) const fn is_silent(delivered: &Delivered<'_>) -> bool {
    delivered.protocol_id == SHORT_MESSAGE_TYPE_0
}

/// The message, or the part of one.
pub(super) fn read(config: &SmppConfig, delivered: &Delivered<'_>) -> Inbound {
    let octets = delivered.user_data();
    let is_said_to_have_header = delivered.esm_class & esm_class::UDHI != 0;
    let (header, text) =
        wire::concat::header(octets).filter(|_| is_said_to_have_header).unwrap_or((Header::default(), octets));
    let coding = Coding::of(delivered.data_coding, config.inbound_alphabet.coding());
    let mut data = UserData::behind(&header, coding, text.to_vec());
    // Some SMSCs take the header away and say the port in a parameter (SMPP 3.4, 5.3.2.21).
    data.has_port |= delivered.tlvs.number(tag::DESTINATION_PORT).is_some_and(|port| port != 0);
    let numbered = header.concat.map(Numbered::from).or_else(|| parts::by_parameters(delivered.tlvs));
    let part = numbered.filter(|numbered| numbered.total > 1).map(|numbered| InboundPart {
        form: numbered.form,
        reference: numbered.reference,
        total: numbered.total,
        number: numbered.number,
        other_elements: header.others.as_slice().into(),
    });
    Inbound {
        from: of_pdu(config, delivered.source),
        to: vec![of_pdu(config, delivered.destination)],
        content: InboundContent::Sms(data, part),
    }
}

/// An address of a PDU. A name is in the alphabet in which the carrier takes names; digits are a number, whatever type
/// they have.
fn of_pdu(config: &SmppConfig, address: &Address) -> InboundAddress {
    let text = match config.name_alphabet {
        NameAlphabet::Gsm7 if address.ton == ton::ALPHANUMERIC => alphabet::decode(&address.octets),
        NameAlphabet::Gsm7 | NameAlphabet::Latin1 => address.text(),
    };
    let form = match address.ton {
        ton::INTERNATIONAL => Form::International,
        ton::NATIONAL => Form::National,
        _ => Form::Unsaid,
    };
    address::read(&text, form, config.national_prefix.as_deref())
}
