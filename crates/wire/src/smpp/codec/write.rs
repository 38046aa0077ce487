//! PDUs to octets: in comes a value and a buffer, out goes the PDU at the buffer's end. No field is ever written beyond
//! its bounds.

use crate::smpp::{Address, Bind, Body, Pdu, Sm, Tlvs};

/// A field that its PDU has no room for. Whoever filled it in is told; sent as it is, the PDU would say something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The field has more octets than the specification lets it have.
    #[error("{field} is longer than {bytes_max} octets")]
    TooLong {
        /// The specification's name of the field.
        field: &'static str,
        /// How many octets it may have, without its NUL.
        bytes_max: usize,
    },
    /// The field would end at a NUL inside it.
    #[error("{field} has a NUL in it")]
    HasNul {
        /// The specification's name of the field.
        field: &'static str,
    },
}

/// Writes `pdu` at the end of `out`, whole or not at all.
///
/// # Errors
/// [`EncodeError`] for the first field that does not fit; `out` is then as it was.
pub fn try_encode(pdu: &Pdu, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    write(pdu, out).map_or(Ok(()), |lost| {
        out.truncate(start);
        Err(lost)
    })
}

/// Writes `pdu` at the end of `out`. A field that does not fit is cut: right for what was checked before and for
/// answers, which must go out. For what others filled in use [`try_encode`], because a recipient that is cut is another
/// recipient.
pub fn encode(pdu: &Pdu, out: &mut Vec<u8>) {
    let _cut = write(pdu, out);
}

/// Writes the PDU, and returns the first thing that had to be cut.
fn write(pdu: &Pdu, out: &mut Vec<u8>) -> Option<EncodeError> {
    let (start, command) = (out.len(), pdu.body.command());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&command.0.to_be_bytes());
    out.extend_from_slice(&pdu.status.0.to_be_bytes());
    out.extend_from_slice(&pdu.sequence.to_be_bytes());
    let mut writer = Writer { out, lost: None };
    // SMPP 3.4, 4.4.2: an answer that refuses has no body, unless optional parameters say more (4.7.2), which need one
    // before them.
    if !command.is_response() || pdu.status.is_ok() || !pdu.tlvs.is_empty() {
        writer.body(&pdu.body);
        writer.tlvs(&pdu.tlvs);
    }
    let lost = writer.lost;
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    lost
}

/// The longest texts, without their NUL (SMPP 3.4, 4 and 5.2; the password as the field has it).
mod limit {
    pub(super) const SYSTEM_ID: usize = 15;
    pub(super) const PASSWORD: usize = 16;
    pub(super) const SYSTEM_TYPE: usize = 12;
    pub(super) const ADDRESS_RANGE: usize = 40;
    pub(super) const SERVICE_TYPE: usize = 5;
    pub(super) const ADDRESS: usize = 20;
    pub(super) const DATA_SM_ADDRESS: usize = 64;
    pub(super) const TIME: usize = 16;
    pub(super) const MESSAGE_ID: usize = 64;
    pub(super) const SHORT_MESSAGE: usize = 254;
    pub(super) const TLV: usize = 65_535;
}

/// The end of the buffer, and what was lost on the way there.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    lost: Option<EncodeError>,
}

impl Writer<'_> {
    fn body(&mut self, body: &Body) {
        match body {
            Body::Bind(_, bind) => self.bind(bind),
            Body::BindResp(_, system_id) => self.text("system_id", system_id, limit::SYSTEM_ID),
            Body::Outbind(outbind) => {
                self.text("system_id", &outbind.system_id, limit::SYSTEM_ID);
                self.text("password", &outbind.password, limit::PASSWORD);
            }
            Body::SubmitSm(sm) | Body::DeliverSm(sm) => self.sm(sm),
            Body::SubmitSmResp(id) | Body::DeliverSmResp(id) | Body::DataSmResp(id) => {
                self.text("message_id", id, limit::MESSAGE_ID);
            }
            Body::DataSm(data) => {
                self.text("service_type", &data.service_type, limit::SERVICE_TYPE);
                self.address("source_addr", &data.source, limit::DATA_SM_ADDRESS);
                self.address("destination_addr", &data.destination, limit::DATA_SM_ADDRESS);
                self.octets(&[data.esm_class, data.registered_delivery, data.data_coding]);
            }
            Body::QuerySm(query) => {
                self.text("message_id", &query.message_id, limit::MESSAGE_ID);
                self.address("source_addr", &query.source, limit::ADDRESS);
            }
            Body::QuerySmResp(result) => {
                self.text("message_id", &result.message_id, limit::MESSAGE_ID);
                self.text("final_date", &result.final_date, limit::TIME);
                self.octets(&[result.message_state, result.error_code]);
            }
            Body::CancelSm(cancel) => {
                self.text("service_type", &cancel.service_type, limit::SERVICE_TYPE);
                self.text("message_id", &cancel.message_id, limit::MESSAGE_ID);
                self.address("source_addr", &cancel.source, limit::ADDRESS);
                self.address("destination_addr", &cancel.destination, limit::ADDRESS);
            }
            Body::AlertNotification { source, esme } => {
                self.address("source_addr", source, limit::DATA_SM_ADDRESS);
                self.address("esme_addr", esme, limit::DATA_SM_ADDRESS);
            }
            Body::Other(_, octets) => self.octets(octets),
            Body::Unbind
            | Body::UnbindResp
            | Body::EnquireLink
            | Body::EnquireLinkResp
            | Body::GenericNack
            | Body::CancelSmResp => {}
        }
    }

    fn bind(&mut self, bind: &Bind) {
        self.text("system_id", &bind.system_id, limit::SYSTEM_ID);
        self.text("password", &bind.password, limit::PASSWORD);
        self.text("system_type", &bind.system_type, limit::SYSTEM_TYPE);
        self.octets(&[bind.interface_version, bind.addr_ton, bind.addr_npi]);
        self.text("address_range", &bind.address_range, limit::ADDRESS_RANGE);
    }

    fn sm(&mut self, sm: &Sm) {
        self.text("service_type", &sm.service_type, limit::SERVICE_TYPE);
        self.address("source_addr", &sm.source, limit::ADDRESS);
        self.address("destination_addr", &sm.destination, limit::ADDRESS);
        self.octets(&[sm.esm_class, sm.protocol_id, sm.priority_flag]);
        self.text("schedule_delivery_time", &sm.schedule_delivery_time, limit::TIME);
        self.text("validity_period", &sm.validity_period, limit::TIME);
        self.octets(&[sm.registered_delivery, sm.replace_if_present_flag, sm.data_coding, sm.sm_default_msg_id]);
        let message = self.cut("short_message", &sm.short_message, limit::SHORT_MESSAGE);
        self.octets(&[u8::try_from(message.len()).unwrap_or(u8::MAX)]);
        self.octets(message);
    }

    fn tlvs(&mut self, tlvs: &Tlvs) {
        for tlv in tlvs {
            let value = self.cut("an optional parameter", &tlv.value, limit::TLV);
            self.octets(&tlv.tag.to_be_bytes());
            self.octets(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
            self.octets(value);
        }
    }

    fn address(&mut self, field: &'static str, address: &Address, bytes_max: usize) {
        self.octets(&[address.ton, address.npi]);
        self.text(field, &address.octets, bytes_max);
    }

    /// At most `bytes_max` octets up to the first NUL, and a NUL.
    fn text(&mut self, field: &'static str, octets: &[u8], bytes_max: usize) {
        let mut text = self.cut(field, octets, bytes_max);
        if let Some(end) = text.iter().position(|octet| *octet == 0) {
            self.lost.get_or_insert(EncodeError::HasNul { field });
            text = &text[..end];
        }
        self.octets(text);
        self.out.push(0);
    }

    fn cut<'o>(&mut self, field: &'static str, octets: &'o [u8], bytes_max: usize) -> &'o [u8] {
        if octets.len() > bytes_max {
            self.lost.get_or_insert(EncodeError::TooLong { field, bytes_max });
        }
        &octets[..octets.len().min(bytes_max)]
    }

    fn octets(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }
}
