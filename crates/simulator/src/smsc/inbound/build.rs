//! From a message of a handset to its PDUs.

use wire::gsm::{self, Cut, Encoding, packed};
use wire::smpp::constants::{data_coding, esm_class};
use wire::smpp::{Address, Body, DataSm, Pdu, Sm, Tlvs, tag};

use super::{Handset, InboundEncoding, InboundOptions, InboundOrder, InboundSplit, InboundVia};
use crate::handsets::Place;
use crate::random::Random;

/// The most octets that `short_message` has room for (SMPP 3.4, 4.6.1).
const SHORT_MESSAGE_MAX: usize = 254;

/// Octets of a part of what is no text: 140, without the longest header.
const PART_OCTETS: usize = 133;

/// A part of a message, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    from: Address,
    to: Address,
    esm_class: u8,
    data_coding: u8,
    user_data: Vec<u8>,
    tlvs: Tlvs,
    via_data_sm: bool,
    /// Its place among the parts, and how many there are.
    pub(crate) number_of: (u8, u8),
    /// The part on the screen of its handset.
    pub(crate) place: Option<Place>,
    /// How often it was refused for now.
    pub(crate) failures: u32,
}

/// The parts of a message, in the order in which they are sent.
///
/// # Errors
/// Why the text cannot be encoded as the options say.
pub(crate) fn deliveries(
    options: &InboundOptions,
    message: &Handset,
    reference: u16,
    random: &mut Random,
) -> Result<Vec<Delivery>, String> {
    let (coding, parts) = encoded(options, &message.text)?;
    let total = u8::try_from(parts.len()).map_err(|_| "it takes more than 255 parts".to_owned())?;
    let data_coding = options.inbound_data_coding.unwrap_or(coding);
    let is_packed = options.inbound_encoding == InboundEncoding::Gsm7Packed;
    let mut deliveries = Vec::new();
    for (number, part) in (1..=total).zip(parts) {
        let mut tlvs = Tlvs::default();
        let header = header(options.inbound_split, reference, total, number, &mut tlvs);
        let text = if is_packed { packed::pack(&part, packed::fill_bits(header.len())) } else { part };
        deliveries.push(Delivery {
            from: message.from.clone(),
            to: message.to.clone(),
            esm_class: if header.is_empty() { 0 } else { esm_class::UDHI },
            data_coding,
            user_data: [header, text].concat(),
            tlvs,
            via_data_sm: options.inbound_via == InboundVia::DataSm,
            number_of: (number, total),
            place: None,
            failures: 0,
        });
    }
    match options.inbound_order {
        InboundOrder::Forward => {}
        InboundOrder::Reverse => deliveries.reverse(),
        InboundOrder::Shuffled => {
            for last in (1..deliveries.len()).rev() {
                deliveries.swap(last, (random.next() % (last as u64 + 1)) as usize);
            }
        }
    }
    Ok(deliveries)
}

/// What holds a part to its fellows: its header, or parameters. Nothing for the only part.
fn header(split: InboundSplit, reference: u16, total: u8, number: u8, tlvs: &mut Tlvs) -> Vec<u8> {
    let [high, low] = reference.to_be_bytes();
    match split {
        _ if total == 1 => Vec::new(),
        InboundSplit::Udh8 => vec![5, 0x00, 3, low, total, number],
        InboundSplit::Udh16 => vec![6, 0x08, 4, high, low, total, number],
        InboundSplit::Sar => {
            tlvs.push(tag::SAR_MSG_REF_NUM, [high, low]);
            tlvs.push(tag::SAR_TOTAL_SEGMENTS, [total]);
            tlvs.push(tag::SAR_SEGMENT_SEQNUM, [number]);
            Vec::new()
        }
        InboundSplit::Payload => Vec::new(),
    }
}

/// The `data_coding` of a text and its octets, part by part; of packed text, septets.
fn encoded(options: &InboundOptions, text: &str) -> Result<(u8, Vec<Vec<u8>>), String> {
    use InboundEncoding as To;
    let encoding = match options.inbound_encoding {
        To::Auto if gsm::measure(text).encoding == Encoding::Gsm7 => To::Gsm7,
        To::Auto => To::Ucs2,
        given => given,
    };
    let (coding, by_characters) = match encoding {
        To::Gsm7 | To::Gsm7Packed => (data_coding::DEFAULT, Some(Encoding::Gsm7)),
        To::Latin1 => (data_coding::LATIN1, Some(Encoding::Latin1)),
        To::Auto | To::Ucs2 => (data_coding::UCS2, Some(Encoding::Ucs2)),
        To::Utf8 => (data_coding::DEFAULT, None),
        To::Binary => (4, None),
    };
    let is_cut = options.inbound_split != InboundSplit::Payload;
    let cut = match (is_cut, options.inbound_split) {
        (false, _) => Cut::Payload,
        (true, InboundSplit::Udh8) => Cut::Udh8,
        (true, _) => Cut::Udh16,
    };
    let Some(by_characters) = by_characters else {
        let octets = if encoding == To::Binary { unhex(text)? } else { text.as_bytes().to_vec() };
        return Ok((coding, pieces(&octets, options.inbound_part_octets.map_or(PART_OCTETS, usize::from), is_cut)));
    };
    let parts = |cut| -> Result<Vec<Vec<u8>>, String> {
        let segments = gsm::cut(text, by_characters, cut).map_err(|error| error.to_string())?;
        Ok(segments.into_iter().map(|segment| segment.text).collect())
    };
    match options.inbound_part_octets {
        // Through characters, where it so happens.
        Some(octets) => Ok((coding, pieces(&parts(Cut::Payload)?.concat(), octets.into(), is_cut))),
        None => Ok((coding, parts(cut)?)),
    }
}

fn pieces(octets: &[u8], most: usize, is_cut: bool) -> Vec<Vec<u8>> {
    if !is_cut || octets.len() <= most {
        vec![octets.to_vec()]
    } else {
        octets.chunks(most).map(<[u8]>::to_vec).collect()
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let octets = text.as_bytes().chunks(2).map(|pair| octet(pair).filter(|_| pair.len() == 2)).collect();
    Option::ok_or(octets, format!("`{text}` is not octets in hexadecimal"))
}

impl Delivery {
    /// The part as a PDU. What `short_message` has no room for goes in `message_payload`.
    pub(crate) fn pdu(&self, sequence: u32) -> Pdu {
        let (source, destination) = (self.from.clone(), self.to.clone());
        let (esm_class, data_coding, mut tlvs) = (self.esm_class, self.data_coding, self.tlvs.clone());
        let is_payload = self.via_data_sm || self.user_data.len() > SHORT_MESSAGE_MAX;
        if is_payload {
            tlvs.push(tag::MESSAGE_PAYLOAD, self.user_data.clone());
        }
        let body = if self.via_data_sm {
            Body::DataSm(Box::new(DataSm { source, destination, esm_class, data_coding, ..DataSm::default() }))
        } else {
            let short_message = if is_payload { Vec::new() } else { self.user_data.clone() };
            Body::DeliverSm(Box::new(Sm {
                source,
                destination,
                esm_class,
                data_coding,
                short_message,
                ..Sm::default()
            }))
        };
        Pdu { tlvs, ..Pdu::new(sequence, body) }
    }

    /// Its `data_coding`, and what follows its header.
    pub(crate) fn text(&self) -> (u8, &[u8]) {
        let has_header = self.esm_class & esm_class::UDHI != 0;
        (self.data_coding, if has_header { wire::concat::read(&self.user_data).1 } else { &self.user_data[..] })
    }

    /// What the log says of it.
    pub(crate) fn line(&self, sequence: u32) -> serde_json::Value {
        serde_json::json!({
            "event": "inbound", "sequence": sequence, "source": self.from.text(), "destination": self.to.text(),
            "data_coding": self.data_coding, "esm_class": self.esm_class, "octets": self.user_data.len(),
            "number": self.number_of.0, "total": self.number_of.1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smsc::Options;
    use wire::concat;
    use wire::inbound::{Coding, Decoded, UserData, decode};

    fn options() -> InboundOptions {
        Options::default().inbound
    }

    /// What the parts of a text say when they are put in their order again.
    fn said(options: &InboundOptions, text: &str) -> Decoded {
        let message: Handset = format!("+18005550001 +18005551234 {text}").parse().unwrap();
        let mut parts = deliveries(options, &message, 0x1234, &mut Random::new(1)).unwrap();
        parts.sort_by_key(|part| part.number_of);
        let default = match options.inbound_encoding {
            InboundEncoding::Gsm7Packed => Coding::Gsm7Packed,
            InboundEncoding::Utf8 => Coding::Utf8,
            _ => Coding::Gsm7,
        };
        let data = |part: &Delivery| {
            let coding = Coding::of(part.data_coding, default);
            match concat::header(&part.user_data).filter(|_| part.esm_class != 0) {
                Some((header, text)) => UserData::behind(&header, coding, text.to_vec()),
                None => UserData::new(coding, part.user_data.clone()),
            }
        };
        decode(&parts.iter().map(data).collect::<Vec<_>>())
    }

    #[test]
    fn every_text_is_read_again_in_every_form() {
        let long = "A text with [brackets] and a € that is long enough for several parts of any encoding. ".repeat(4);
        let long = long.trim_end();
        for split in [InboundSplit::Udh8, InboundSplit::Udh16, InboundSplit::Sar, InboundSplit::Payload] {
            for order in [InboundOrder::Forward, InboundOrder::Reverse, InboundOrder::Shuffled] {
                for octets in [None, Some(7), Some(50)] {
                    for encoding in
                        [InboundEncoding::Auto, InboundEncoding::Gsm7, InboundEncoding::Ucs2, InboundEncoding::Utf8]
                    {
                        let options = InboundOptions {
                            inbound_split: split,
                            inbound_order: order,
                            inbound_part_octets: octets,
                            inbound_encoding: encoding,
                            ..options()
                        };
                        let Decoded::Text(text, _) = said(&options, long) else { panic!("{options:?}") };
                        assert_eq!(text, long, "{options:?}");
                    }
                }
            }
        }
        for (encoding, text) in [
            (InboundEncoding::Gsm7Packed, "Packed, and long. ".repeat(20)),
            (InboundEncoding::Latin1, "Grüße ".repeat(50)),
        ] {
            let options = InboundOptions { inbound_encoding: encoding, ..options() };
            let Decoded::Text(found, _) = said(&options, &text) else { panic!("{encoding:?}") };
            assert_eq!(found, text, "{encoding:?}");
        }
        let binary = InboundOptions { inbound_encoding: InboundEncoding::Binary, ..options() };
        assert_eq!(said(&binary, "00ff10"), Decoded::Binary(vec![0, 255, 16]));
    }

    #[test]
    fn what_cannot_be_encoded_is_said() {
        let message: Handset = "1234567 7654321 日本".parse().unwrap();
        for encoding in [InboundEncoding::Gsm7, InboundEncoding::Latin1, InboundEncoding::Binary] {
            let options = InboundOptions { inbound_encoding: encoding, ..options() };
            assert!(deliveries(&options, &message, 1, &mut Random::new(1)).is_err(), "{encoding:?}");
        }
    }

    #[test]
    fn a_long_payload_leaves_short_message_empty() {
        let message: Handset = format!("1234567 7654321 {}", "x".repeat(300)).parse().unwrap();
        let payload = InboundOptions { inbound_split: InboundSplit::Payload, ..options() };
        let parts = deliveries(&payload, &message, 1, &mut Random::new(1)).unwrap();
        let pdu = parts[0].pdu(1);
        let Body::DeliverSm(sm) = &pdu.body else { panic!("{pdu:?}") };
        assert!(
            sm.short_message.is_empty() && pdu.tlvs.get(tag::MESSAGE_PAYLOAD).is_some_and(|text| text.len() == 300)
        );
    }
}
