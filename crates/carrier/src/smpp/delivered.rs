//! A `deliver_sm` or `data_sm` from the SMSC.

use wire::smpp::constants::esm_class;
use wire::smpp::{Address, DataSm, Sm, Tlvs, tag};

/// How many octets of a text are looked at. A receipt and the longest message that it repeats have fewer.
const TEXT_OCTETS_MAX: usize = 8_192;

/// What `deliver_sm` and `data_sm` have in common.
pub(crate) struct Delivered<'a> {
    pub(crate) source: &'a Address,
    pub(crate) destination: &'a Address,
    pub(crate) esm_class: u8,
    /// Zero in a `data_sm`, which has none.
    pub(crate) protocol_id: u8,
    pub(crate) data_coding: u8,
    pub(crate) short_message: &'a [u8],
    pub(crate) tlvs: &'a Tlvs,
}

impl<'a> Delivered<'a> {
    pub(crate) fn of_sm(sm: &'a Sm, tlvs: &'a Tlvs) -> Self {
        Self {
            source: &sm.source,
            destination: &sm.destination,
            esm_class: sm.esm_class,
            protocol_id: sm.protocol_id,
            data_coding: sm.data_coding,
            short_message: &sm.short_message,
            tlvs,
        }
    }

    pub(crate) fn of_data(data: &'a DataSm, tlvs: &'a Tlvs) -> Self {
        Self {
            source: &data.source,
            destination: &data.destination,
            esm_class: data.esm_class,
            protocol_id: 0,
            data_coding: data.data_coding,
            short_message: &[],
            tlvs,
        }
    }

    /// The user data: SMPP 3.4, 5.3.2.32 forbids both places in one PDU, and SMSCs that fill both cut `short_message`.
    pub(crate) fn user_data(&self) -> &'a [u8] {
        self.tlvs.get(tag::MESSAGE_PAYLOAD).filter(|payload| !payload.is_empty()).unwrap_or(self.short_message)
    }

    /// Whether its class says that it reports on a message (SMPP 3.4, 5.2.12).
    pub(crate) const fn is_labelled_report(&self) -> bool {
        self.esm_class & esm_class::TYPE_MASK != 0
    }

    /// The places that may have the text, likeliest first, each with the length of the header that was cut off. SMPP
    /// 3.4, 5.3.2.32 forbids both the payload and `short_message` in one PDU, and SMSCs send both, one of them cut.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let parameter = |tag| self.tlvs.get(tag).unwrap_or_default();
        let places = [parameter(tag::MESSAGE_PAYLOAD), self.short_message, parameter(tag::ADDITIONAL_STATUS_INFO_TEXT)];
        let is_said_to_have_header = self.esm_class & esm_class::UDHI != 0;
        places.into_iter().filter(|octets| !octets.is_empty()).map(move |octets| {
            let octets = octets.get(..TEXT_OCTETS_MAX).unwrap_or(octets);
            // Some carriers set the bit on receipts that have no header.
            let text = if is_said_to_have_header && wire::concat::has_header(octets) {
                wire::concat::read(octets).1
            } else {
                octets
            };
            (octets.len() - text.len(), text)
        })
    }
}
