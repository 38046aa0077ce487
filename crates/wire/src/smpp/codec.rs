//! PDUs from octets and to octets.

use super::frame::{HEADER_BYTES, Header};
use super::pdu::{Bind, BindKind, Body, DataSm, Pdu, QueryResult, QuerySm};
use super::{Address, CommandId, CommandStatus, Sm, Tlvs};

/// A PDU that could not be read. The stream is sound: answer it, and go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{command} with sequence_number {sequence}: {status}")]
pub struct DecodeError {
    /// What it claimed to be.
    pub command: CommandId,
    /// Its number.
    pub sequence: u32,
    /// What to answer. [`CommandStatus::RINVCMDID`] goes into a `generic_nack`.
    pub status: CommandStatus,
}

/// Reads the one PDU that `octets` are, as [`super::frame::next`] cut it out.
///
/// Lenient where the field is: text fields may be too long or hold any octet, an answer may lack its body, stray octets at the end are dropped.
///
/// # Errors
/// [`DecodeError`] for an operation that the specification does not have, or a body that ends before its fields do.
pub fn decode(octets: &[u8]) -> Result<Pdu, DecodeError> {
    let Some((header, body)) = Header::read(octets).zip(octets.get(HEADER_BYTES..)) else {
        return Err(DecodeError { command: CommandId::GENERIC_NACK, sequence: 0, status: CommandStatus::RINVCMDLEN });
    };
    let refused = |status| DecodeError { command: header.command, sequence: header.sequence, status };
    if header.command.name().is_none() {
        return Err(refused(CommandStatus::RINVCMDID));
    }
    let mut reader = Reader { rest: body, lenient: header.command.is_response() };
    let body = read_body(header.command, &mut reader).ok_or(refused(CommandStatus::RINVMSGLEN))?;
    let has_tlvs = !matches!(body, Body::Other(..) | Body::EnquireLink | Body::EnquireLinkResp | Body::Unbind | Body::UnbindResp | Body::GenericNack);
    let tlvs = if has_tlvs { Tlvs::decode(reader.rest) } else { Tlvs::default() };
    Ok(Pdu { status: header.status, sequence: header.sequence, body, tlvs })
}

fn read_body(command: CommandId, reader: &mut Reader<'_>) -> Option<Body> {
    Some(match command {
        CommandId::BIND_RECEIVER => Body::Bind(BindKind::Receiver, reader.bind()?),
        CommandId::BIND_TRANSMITTER => Body::Bind(BindKind::Transmitter, reader.bind()?),
        CommandId::BIND_TRANSCEIVER => Body::Bind(BindKind::Transceiver, reader.bind()?),
        CommandId::BIND_RECEIVER_RESP => Body::BindResp(BindKind::Receiver, reader.text()?),
        CommandId::BIND_TRANSMITTER_RESP => Body::BindResp(BindKind::Transmitter, reader.text()?),
        CommandId::BIND_TRANSCEIVER_RESP => Body::BindResp(BindKind::Transceiver, reader.text()?),
        CommandId::OUTBIND => Body::Outbind { system_id: reader.text()?, password: reader.text()? },
        CommandId::UNBIND => Body::Unbind,
        CommandId::UNBIND_RESP => Body::UnbindResp,
        CommandId::ENQUIRE_LINK => Body::EnquireLink,
        CommandId::ENQUIRE_LINK_RESP => Body::EnquireLinkResp,
        CommandId::GENERIC_NACK => Body::GenericNack,
        CommandId::SUBMIT_SM => Body::SubmitSm(Box::new(reader.sm()?)),
        CommandId::SUBMIT_SM_RESP => Body::SubmitSmResp(reader.text()?),
        CommandId::DELIVER_SM => Body::DeliverSm(Box::new(reader.sm()?)),
        CommandId::DELIVER_SM_RESP => Body::DeliverSmResp(reader.text()?),
        CommandId::DATA_SM => Body::DataSm(Box::new(reader.data_sm()?)),
        CommandId::DATA_SM_RESP => Body::DataSmResp(reader.text()?),
        CommandId::QUERY_SM => Body::QuerySm(QuerySm { message_id: reader.text()?, source: reader.address()? }),
        CommandId::QUERY_SM_RESP => Body::QuerySmResp(QueryResult {
            message_id: reader.text()?,
            final_date: reader.text()?,
            message_state: reader.octet()?,
            error_code: reader.octet()?,
        }),
        CommandId::CANCEL_SM_RESP => Body::CancelSmResp,
        CommandId::ALERT_NOTIFICATION => Body::AlertNotification { source: reader.address()?, esme: reader.address()? },
        other => Body::Other(other, reader.rest.to_vec()),
    })
}

/// The unread part of a body.
struct Reader<'a> {
    rest: &'a [u8],
    /// Whether fields that are not there are empty: answers may come without a body.
    lenient: bool,
}

impl Reader<'_> {
    fn octet(&mut self) -> Option<u8> {
        match self.rest.split_first() {
            Some((octet, rest)) => {
                self.rest = rest;
                Some(*octet)
            }
            None => self.lenient.then_some(0),
        }
    }

    /// A text up to its NUL, or to the end where the NUL was forgotten.
    fn text(&mut self) -> Option<Vec<u8>> {
        if self.rest.is_empty() && !self.lenient {
            return None;
        }
        let end = self.rest.iter().position(|octet| *octet == 0).unwrap_or(self.rest.len());
        let text = self.rest[..end].to_vec();
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(text)
    }

    fn address(&mut self) -> Option<Address> {
        Some(Address { ton: self.octet()?, npi: self.octet()?, octets: self.text()? })
    }

    fn bind(&mut self) -> Option<Bind> {
        let (system_id, password, system_type) = (self.text()?, self.text()?, self.text()?);
        // Some peers end the PDU after the texts.
        self.lenient = true;
        Some(Bind {
            system_id,
            password,
            system_type,
            interface_version: self.octet()?,
            addr_ton: self.octet()?,
            addr_npi: self.octet()?,
            address_range: self.text()?,
        })
    }

    fn sm(&mut self) -> Option<Sm> {
        Some(Sm {
            service_type: self.text()?,
            source: self.address()?,
            destination: self.address()?,
            esm_class: self.octet()?,
            protocol_id: self.octet()?,
            priority_flag: self.octet()?,
            schedule_delivery_time: self.text()?,
            validity_period: self.text()?,
            registered_delivery: self.octet()?,
            replace_if_present_flag: self.octet()?,
            data_coding: self.octet()?,
            sm_default_msg_id: self.octet()?,
            short_message: self.short_message()?,
        })
    }

    fn short_message(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(self.octet()?);
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text.to_vec())
    }

    fn data_sm(&mut self) -> Option<DataSm> {
        Some(DataSm {
            service_type: self.text()?,
            source: self.address()?,
            destination: self.address()?,
            esm_class: self.octet()?,
            registered_delivery: self.octet()?,
            data_coding: self.octet()?,
        })
    }
}

/// Writes `pdu` at the end of `out`. Fields longer than the specification lets them be are cut, never written beyond their bounds.
pub fn encode(pdu: &Pdu, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(pdu.body.command().0.to_be_bytes());
    out.extend(pdu.status.0.to_be_bytes());
    out.extend(pdu.sequence.to_be_bytes());
    // SMPP 3.4, 3.2: an answer that refuses has no body.
    if pdu.status.is_ok() {
        write_body(&pdu.body, out);
        pdu.tlvs.encode(out);
    }
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
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
}

fn write_body(body: &Body, out: &mut Vec<u8>) {
    match body {
        Body::Bind(_, bind) => {
            text(&bind.system_id, limit::SYSTEM_ID, out);
            text(&bind.password, limit::PASSWORD, out);
            text(&bind.system_type, limit::SYSTEM_TYPE, out);
            out.extend([bind.interface_version, bind.addr_ton, bind.addr_npi]);
            text(&bind.address_range, limit::ADDRESS_RANGE, out);
        }
        Body::BindResp(_, system_id) => text(system_id, limit::SYSTEM_ID, out),
        Body::Outbind { system_id, password } => {
            text(system_id, limit::SYSTEM_ID, out);
            text(password, limit::PASSWORD, out);
        }
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => write_sm(sm, out),
        Body::SubmitSmResp(id) | Body::DeliverSmResp(id) | Body::DataSmResp(id) => text(id, limit::MESSAGE_ID, out),
        Body::DataSm(data) => {
            text(&data.service_type, limit::SERVICE_TYPE, out);
            address(&data.source, limit::DATA_SM_ADDRESS, out);
            address(&data.destination, limit::DATA_SM_ADDRESS, out);
            out.extend([data.esm_class, data.registered_delivery, data.data_coding]);
        }
        Body::QuerySm(query) => {
            text(&query.message_id, limit::MESSAGE_ID, out);
            address(&query.source, limit::ADDRESS, out);
        }
        Body::QuerySmResp(result) => {
            text(&result.message_id, limit::MESSAGE_ID, out);
            text(&result.final_date, limit::TIME, out);
            out.extend([result.message_state, result.error_code]);
        }
        Body::AlertNotification { source, esme } => {
            address(source, limit::DATA_SM_ADDRESS, out);
            address(esme, limit::DATA_SM_ADDRESS, out);
        }
        Body::Other(_, octets) => out.extend(octets),
        Body::Unbind | Body::UnbindResp | Body::EnquireLink | Body::EnquireLinkResp | Body::GenericNack | Body::CancelSmResp => {}
    }
}

fn write_sm(sm: &Sm, out: &mut Vec<u8>) {
    text(&sm.service_type, limit::SERVICE_TYPE, out);
    address(&sm.source, limit::ADDRESS, out);
    address(&sm.destination, limit::ADDRESS, out);
    out.extend([sm.esm_class, sm.protocol_id, sm.priority_flag]);
    text(&sm.schedule_delivery_time, limit::TIME, out);
    text(&sm.validity_period, limit::TIME, out);
    out.extend([sm.registered_delivery, sm.replace_if_present_flag, sm.data_coding, sm.sm_default_msg_id]);
    let message = &sm.short_message[..sm.short_message.len().min(limit::SHORT_MESSAGE)];
    out.push(u8::try_from(message.len()).unwrap_or(u8::MAX));
    out.extend(message);
}

fn address(address: &Address, max: usize, out: &mut Vec<u8>) {
    out.extend([address.ton, address.npi]);
    text(&address.octets, max, out);
}

/// At most `max` octets up to the first NUL, and a NUL.
fn text(octets: &[u8], max: usize, out: &mut Vec<u8>) {
    out.extend(octets.iter().take(max).take_while(|octet| **octet != 0));
    out.push(0);
}

#[cfg(test)]
mod tests;
