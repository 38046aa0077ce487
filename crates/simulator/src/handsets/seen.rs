//! What went over the wire for a message: kept as octets, read when they are shown.

use std::collections::VecDeque;

use model::Timestamp;
use serde_json::{Value, json};
use wire::smpp::{Address, Body, Pdu, Sm, Tlv, Tlvs, decode, tag};

/// PDUs that are kept of a message: the first half of them and the last.
const KEPT_MAX: usize = 64;

/// Octets of a value that are shown.
const SHOWN_OCTETS_MAX: usize = 320;

/// Octets of a PDU or a head that are kept.
const KEPT_OCTETS_MAX: usize = 4_096;

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Platform,
    Simulator,
}

/// What it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A PDU.
    Pdu(Vec<u8>),
    /// A message of another protocol: its name, and what is shown of it.
    Text(&'static str, String),
}

#[derive(Clone, Debug)]
struct Seen {
    at: Timestamp,
    by: By,
    what: What,
    /// Its whole length in octets.
    length: usize,
}

/// Everything that was seen of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    first: Vec<Seen>,
    last: VecDeque<Seen>,
    left_out: u64,
}

impl Trace {
    /// Keeps one more; from the middle the oldest goes.
    pub(crate) fn push(&mut self, at: Timestamp, by: By, what: What) {
        let length = match &what {
            What::Pdu(octets) => octets.len(),
            What::Text(_, text) => text.len(),
        };
        let seen = Seen { at, by, what: cut(what), length };
        if self.first.len() < KEPT_MAX / 2 {
            return self.first.push(seen);
        }
        if self.last.len() == KEPT_MAX / 2 {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(seen);
    }

    /// How many octets are kept.
    pub(crate) fn octets(&self) -> usize {
        let kept = |seen: &Seen| {
            size_of::<Seen>()
                + match &seen.what {
                    What::Pdu(octets) => octets.len(),
                    What::Text(_, text) => text.len(),
                }
        };
        self.first.iter().chain(&self.last).map(kept).sum()
    }

    /// All of it, and how many were left out in the middle.
    pub(crate) fn shown(&self) -> (Vec<Shown>, u64) {
        (self.first.iter().chain(&self.last).map(Seen::shown).collect(), self.left_out)
    }
}

/// What is kept of something very long.
fn cut(what: What) -> What {
    match what {
        What::Pdu(octets) => What::Pdu(octets),
        What::Text(name, mut text) => {
            text.truncate(text.floor_char_boundary(KEPT_OCTETS_MAX));
            What::Text(name, text)
        }
    }
}

/// Something that was seen, as people read it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) at: Timestamp,
    pub(crate) by: By,
    /// Of a PDU its command, such as `submit_sm`.
    pub(crate) name: String,
    /// Its whole length in octets.
    pub(crate) length: usize,
    pub(crate) content: ShownContent,
}

/// What something holds that was seen.
#[derive(Clone, Debug)]
pub(crate) enum ShownContent {
    /// A PDU.
    Pdu {
        sequence: u32,
        /// Of an answer.
        status: Option<String>,
        /// Names and values.
        fields: Vec<(String, String)>,
        /// In hexadecimal.
        octets: String,
    },
    /// A message of another protocol.
    Text(String),
    /// Octets that are no PDU.
    None,
}

impl Shown {
    pub(crate) fn to_json(&self) -> Value {
        let mut shown = json!({ "at": self.at.to_string(), "by": self.by.name(), "name": self.name });
        match &self.content {
            ShownContent::Pdu { sequence, status, fields, octets } => {
                shown["sequence"] = (*sequence).into();
                if let Some(status) = status {
                    shown["status"] = status.as_str().into();
                }
                shown["fields"] = fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
                shown["octets"] = octets.as_str().into();
            }
            ShownContent::Text(text) => shown["text"] = text.as_str().into(),
            ShownContent::None => {}
        }
        shown["length"] = self.length.into();
        shown
    }
}

impl By {
    /// Its name in the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Simulator => "simulator",
        }
    }
}

impl Seen {
    fn shown(&self) -> Shown {
        let (name, content) = match &self.what {
            What::Pdu(octets) => match decode(octets) {
                Ok(pdu) => {
                    let status = pdu.body.command().is_response().then(|| pdu.status.to_string());
                    let (fields, octets) = (fields(&pdu), hex(octets));
                    (name(&pdu), ShownContent::Pdu { sequence: pdu.sequence, status, fields, octets })
                }
                // It was read once, so that this does not happen.
                Err(error) => (error.to_string(), ShownContent::None),
            },
            What::Text(name, text) => ((*name).to_owned(), ShownContent::Text(text.clone())),
        };
        Shown { at: self.at, by: self.by, name, length: self.length, content }
    }
}

fn name(pdu: &Pdu) -> String {
    let command = pdu.body.command();
    command.name().map_or_else(|| command.to_string(), str::to_owned)
}

/// The fields of a PDU that have a value, and its parameters, each as a name and a text.
fn fields(pdu: &Pdu) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
    match &pdu.body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => of_sm(sm, &mut add),
        Body::DataSm(data) => {
            add("source_addr", address(&data.source));
            add("destination_addr", address(&data.destination));
            add("esm_class", octet(data.esm_class));
            add("registered_delivery", octet(data.registered_delivery));
            add("data_coding", octet(data.data_coding));
        }
        Body::SubmitSmResp(id) | Body::DeliverSmResp(id) | Body::DataSmResp(id) if !id.is_empty() => {
            add("message_id", text(id));
        }
        _ => {}
    }
    parameters(&pdu.tlvs, &mut add);
    fields
}

fn of_sm(sm: &Sm, add: &mut impl FnMut(&str, String)) {
    add("source_addr", address(&sm.source));
    add("destination_addr", address(&sm.destination));
    add("esm_class", octet(sm.esm_class));
    add("data_coding", octet(sm.data_coding));
    add("registered_delivery", octet(sm.registered_delivery));
    for (name, value) in [("protocol_id", sm.protocol_id), ("priority_flag", sm.priority_flag)] {
        if value != 0 {
            add(name, octet(value));
        }
    }
    for (name, value) in [
        ("service_type", &sm.service_type),
        ("schedule_delivery_time", &sm.schedule_delivery_time),
        ("validity_period", &sm.validity_period),
    ] {
        if !value.is_empty() {
            add(name, text(value));
        }
    }
    let user_data = &sm.short_message[..];
    add("sm_length", user_data.len().to_string());
    let (header, rest) = match wire::concat::header(user_data).filter(|_| sm.has_header()) {
        Some((_, rest)) => user_data.split_at(user_data.len() - rest.len()),
        None => (&[][..], user_data),
    };
    if !header.is_empty() {
        add("user data header", hex(header));
    }
    let is_plain = rest.iter().all(|octet| (0x20..0x7F).contains(octet));
    add("short_message", if is_plain { text(rest) } else { hex(rest) });
}

fn parameters(tlvs: &Tlvs, add: &mut impl FnMut(&str, String)) {
    for Tlv { tag, value } in tlvs {
        let shown = value.strip_suffix(b"\0").unwrap_or(value);
        let is_plain = !shown.is_empty() && shown.iter().all(|octet| (0x20..0x7F).contains(octet));
        let name = tag_name(*tag).map_or_else(|| format!("0x{tag:04X}"), str::to_owned);
        add(&name, if is_plain { text(shown) } else { hex(value) });
    }
}

fn address(address: &Address) -> String {
    format!("{} (ton {}, npi {})", text(&address.octets), address.ton, address.npi)
}

fn octet(value: u8) -> String {
    format!("0x{value:02X}")
}

fn text(octets: &[u8]) -> String {
    let shown: String = octets.iter().take(SHOWN_OCTETS_MAX).map(|octet| char::from(*octet)).collect();
    if octets.len() > SHOWN_OCTETS_MAX { format!("{shown}…") } else { shown }
}

/// Octets in hexadecimal, with a blank between them.
fn hex(octets: &[u8]) -> String {
    let shown: Vec<String> = octets.iter().take(SHOWN_OCTETS_MAX).map(|octet| format!("{octet:02X}")).collect();
    let shown = shown.join(" ");
    if octets.len() > SHOWN_OCTETS_MAX { format!("{shown} …") } else { shown }
}

/// The names of the parameters that messages and receipts have (SMPP 3.4, 5.3.2; SMPP 5.0, 4.8.4).
const fn tag_name(tag: u16) -> Option<&'static str> {
    Some(match tag {
        tag::RECEIPTED_MESSAGE_ID => "receipted_message_id",
        tag::MESSAGE_STATE => "message_state",
        tag::NETWORK_ERROR_CODE => "network_error_code",
        tag::MESSAGE_PAYLOAD => "message_payload",
        tag::SAR_MSG_REF_NUM => "sar_msg_ref_num",
        tag::SAR_TOTAL_SEGMENTS => "sar_total_segments",
        tag::SAR_SEGMENT_SEQNUM => "sar_segment_seqnum",
        tag::USER_MESSAGE_REFERENCE => "user_message_reference",
        tag::CONGESTION_STATE => "congestion_state",
        tag::ADDITIONAL_STATUS_INFO_TEXT => "additional_status_info_text",
        tag::SOURCE_PORT => "source_port",
        tag::DESTINATION_PORT => "destination_port",
        tag::MORE_MESSAGES_TO_SEND => "more_messages_to_send",
        tag::LANGUAGE_INDICATOR => "language_indicator",
        tag::BILLING_IDENTIFICATION => "billing_identification",
        _ => return None,
    })
}
