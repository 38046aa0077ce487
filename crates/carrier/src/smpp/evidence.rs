//! A delivered PDU as the operator sees it: every field that decides its kind, and its text as it came.

use std::fmt::Write;

use model::unmatched::{Raw, escape_into};
use wire::smpp::{Address, Sm, tag};

use super::delivered::Delivered;
use crate::unusable::SHOWN_OCTETS_MAX;

/// Parameters that say which message a receipt means and what it says, by their names in the specification.
const SHOWN: [(u16, &str); 3] = [
    (tag::RECEIPTED_MESSAGE_ID, "receipted_message_id"),
    (tag::MESSAGE_STATE, "message_state"),
    (tag::NETWORK_ERROR_CODE, "network_error_code"),
];

/// The length of what is shown of a usual receipt.
const SHOWN_OCTETS: usize = 320;

/// A delivery of more octets is written at once, so that what is kept stays small.
const KEPT_OCTETS_MAX: usize = 2 * SHOWN_OCTETS_MAX;

/// A delivery as [`of`] writes it, once it is to be shown.
pub(crate) fn kept(delivered: &Delivered<'_>, text_max: usize) -> Raw {
    let parameters = delivered.tlvs.iter().map(|tlv| tlv.value.len()).sum::<usize>();
    let addresses = delivered.source.octets.len() + delivered.destination.octets.len();
    if delivered.short_message.len() + parameters + addresses > KEPT_OCTETS_MAX {
        return of(delivered, text_max).into();
    }
    let sm = Sm {
        source: delivered.source.clone(),
        destination: delivered.destination.clone(),
        esm_class: delivered.esm_class,
        data_coding: delivered.data_coding,
        short_message: delivered.short_message.to_vec(),
        ..Sm::default()
    };
    let tlvs = delivered.tlvs.clone();
    Raw::written_by(move || of(&Delivered::of_sm(&sm, &tlvs), text_max))
}

/// A delivery for the operator: cut, and with control characters escaped. Of its text at most `text_max` octets.
pub(crate) fn of(delivered: &Delivered<'_>, text_max: usize) -> String {
    let mut shown = String::with_capacity(SHOWN_OCTETS);
    let _ =
        write!(shown, "esm_class 0x{:02x}, data_coding 0x{:02x}, from ", delivered.esm_class, delivered.data_coding);
    address(&mut shown, delivered.source);
    shown.push_str(", to ");
    address(&mut shown, delivered.destination);
    for (tag, name) in SHOWN {
        if let Some(value) = delivered.tlvs.get(tag) {
            shown.push_str(", ");
            shown.push_str(name);
            shown.push(' ');
            let is_text = value.iter().all(|octet| (0x20..0x7F).contains(octet) || *octet == 0);
            if is_text { escape_into(&mut shown, value, 70) } else { shown.push_str(&hex(value, 35)) }
        }
    }
    let payload = delivered.tlvs.get(tag::MESSAGE_PAYLOAD);
    if !delivered.short_message.is_empty() || payload.is_none() {
        quoted(&mut shown, "short_message", delivered.short_message, text_max);
    }
    if let Some(payload) = payload {
        quoted(&mut shown, "message_payload", payload, text_max);
    }
    shown
}

/// A PDU that cannot be read, for the operator.
pub(crate) fn of_octets(octets: &[u8]) -> String {
    hex(octets, SHOWN_OCTETS_MAX)
}

fn address(shown: &mut String, address: &Address) {
    // Writing to a text cannot fail.
    let _ = write!(shown, "{}/{}:", address.ton, address.npi);
    escape_into(shown, &address.octets, 30);
}

fn quoted(shown: &mut String, name: &str, text: &[u8], text_max: usize) {
    shown.push_str(", ");
    shown.push_str(name);
    shown.push_str(" \"");
    escape_into(shown, text, text_max);
    shown.push('"');
}

fn hex(octets: &[u8], most: usize) -> String {
    let mut text = String::with_capacity(2 * octets.len().min(most) + 2);
    text.push_str("0x");
    for octet in octets.iter().take(most) {
        let _ = write!(text, "{octet:02x}");
    }
    if octets.len() > most {
        let _ = write!(text, "… ({} octets in all)", octets.len());
    }
    text
}
