//! PDUs from octets: in comes one PDU as it was cut out of the stream, out goes its value or what to answer.

use crate::smpp::frame::{HEADER_BYTES, Header};
use crate::smpp::{
    Address, Bind, BindKind, Body, CancelSm, CommandId, CommandStatus, DataSm, Outbind, Pdu, QueryResult, QuerySm, Sm,
    Tlvs,
};

/// A PDU that could not be read. The stream is sound: answer it, and go on. What cannot be answered is an answer itself
/// ([`CommandId::is_response`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{command} with sequence_number {sequence}: {status}")]
pub struct DecodeError {
    /// What it claimed to be.
    pub command: CommandId,
    /// Its number.
    pub sequence: u32,
    /// What to answer. [`CommandStatus::RINVCMDID`] and [`CommandStatus::RINVCMDLEN`] go into a `generic_nack`.
    pub status: CommandStatus,
}

/// Reads the one PDU at the beginning of `octets`, as [`crate::smpp::frame::next`] cut it out; octets beyond its
/// `command_length` are not looked at.
///
/// Lenient where the field is: text fields may be too long or hold any octet, an answer may lack its body, stray octets
/// at the end are dropped, and the `sm_length` of a `deliver_sm` may be one off, or 0 before a text.
///
/// # Errors
/// [`DecodeError`] for an operation that the specification does not have, or a body that ends before its fields do.
pub fn decode(octets: &[u8]) -> Result<Pdu, DecodeError> {
    let Some(header) = Header::read(octets) else {
        return Err(DecodeError { command: CommandId::GENERIC_NACK, sequence: 0, status: CommandStatus::RINVCMDLEN });
    };
    let refused = |status| DecodeError { command: header.command, sequence: header.sequence, status };
    let end = octets.len().min(header.length as usize);
    let body = octets.get(HEADER_BYTES..end).ok_or(refused(CommandStatus::RINVCMDLEN))?;
    if header.command.name().is_none() {
        return Err(refused(CommandStatus::RINVCMDID));
    }
    let mut reader = Reader { rest: body, lenient: header.command.is_response() };
    let body = read_body(header.command, &mut reader).ok_or(refused(CommandStatus::RINVMSGLEN))?;
    Ok(Pdu { status: header.status, sequence: header.sequence, body, tlvs: Tlvs::decode(reader.rest) })
}

fn read_body(command: CommandId, reader: &mut Reader<'_>) -> Option<Body> {
    Some(match command {
        CommandId::BIND_RECEIVER => Body::Bind(BindKind::Receiver, reader.bind()?),
        CommandId::BIND_TRANSMITTER => Body::Bind(BindKind::Transmitter, reader.bind()?),
        CommandId::BIND_TRANSCEIVER => Body::Bind(BindKind::Transceiver, reader.bind()?),
        CommandId::BIND_RECEIVER_RESP => Body::BindResp(BindKind::Receiver, reader.text()?),
        CommandId::BIND_TRANSMITTER_RESP => Body::BindResp(BindKind::Transmitter, reader.text()?),
        CommandId::BIND_TRANSCEIVER_RESP => Body::BindResp(BindKind::Transceiver, reader.text()?),
        CommandId::OUTBIND => Body::Outbind(Outbind { system_id: reader.text()?, password: reader.text()? }),
        CommandId::UNBIND => Body::Unbind,
        CommandId::UNBIND_RESP => Body::UnbindResp,
        CommandId::ENQUIRE_LINK => Body::EnquireLink,
        CommandId::ENQUIRE_LINK_RESP => Body::EnquireLinkResp,
        CommandId::GENERIC_NACK => Body::GenericNack,
        CommandId::SUBMIT_SM => Body::SubmitSm(Box::new(reader.sm()?)),
        CommandId::SUBMIT_SM_RESP => Body::SubmitSmResp(reader.text()?),
        CommandId::DELIVER_SM => Body::DeliverSm(Box::new(reader.delivered_sm()?)),
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
        CommandId::CANCEL_SM => Body::CancelSm(Box::new(CancelSm {
            service_type: reader.text()?,
            message_id: reader.text()?,
            source: reader.address()?,
            destination: reader.address()?,
        })),
        CommandId::CANCEL_SM_RESP => Body::CancelSmResp,
        CommandId::ALERT_NOTIFICATION => Body::AlertNotification { source: reader.address()?, esme: reader.address()? },
        other => Body::Other(other, std::mem::take(&mut reader.rest).to_vec()),
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
        let head = self.sm_head()?;
        Some(Sm { short_message: self.short_message()?, ..head })
    }

    fn delivered_sm(&mut self) -> Option<Sm> {
        let head = self.sm_head()?;
        Some(Sm { short_message: self.delivered_text()?, ..head })
    }

    /// All fields before `sm_length`.
    fn sm_head(&mut self) -> Option<Sm> {
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
            short_message: Vec::new(),
        })
    }

    fn short_message(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(self.octet()?);
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text.to_vec())
    }

    /// The text of a `deliver_sm`. Some SMSCs count it wrongly by one octet, or write a NUL behind it that they do not
    /// count. Then its parameters do not begin where `sm_length` says, and do one octet before or after: a NUL and an
    /// octet of text begin no tag that is defined (SMPP 3.4, 5.3.1). Others write 0 before a text.
    fn delivered_text(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(self.octet()?);
        if length == 0
            && let Some(end) = uncounted_text(self.rest)
        {
            let (text, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            return Some(text.to_vec());
        }
        let parameters_begin = |end: usize, strict| self.rest.get(end..).is_some_and(|rest| Tlvs::fill(rest, strict));
        let nuls = |end: usize| self.rest.get(length..end).is_some_and(|octets| octets.iter().all(|octet| *octet == 0));
        let other_ends = [Some(length + 1), length.checked_sub(1), Some(length + 2).filter(|end| nuls(*end))];
        let end = match parameters_begin(length, false) {
            true => length,
            false => other_ends.into_iter().flatten().find(|end| parameters_begin(*end, true)).unwrap_or(length),
        };
        let (text, rest) = self.rest.split_at_checked(end)?;
        let text = if end > length && nuls(end) { &text[..length] } else { text };
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

/// The fewest characters by which a text is told from parameters.
const TELLING_CHARS: usize = 4;

/// The longest text that is looked for behind an `sm_length` of 0: the longest that the field may have (SMPP 3.4,
/// 5.2.22).
const UNCOUNTED_MAX: usize = 254;

/// Where a text ends that stands behind an `sm_length` of 0: where parameters fill the rest, or with the PDU. `None`
/// where there are parameters, or nothing that is clearly text: visible ASCII, alone or in UTF-16.
fn uncounted_text(rest: &[u8]) -> Option<usize> {
    let is_visible = |octet: &u8| (0x20..0x7F).contains(octet);
    let is_text = |start: usize, step: usize| {
        let mut octets = rest.iter().skip(start).step_by(step).take(TELLING_CHARS);
        octets.len() == TELLING_CHARS && octets.all(is_visible)
    };
    let is_wide = |low: usize| {
        is_text(low, 2) && rest.iter().skip(1 - low).step_by(2).take(TELLING_CHARS).all(|octet| *octet == 0)
    };
    if Tlvs::fill(rest, false) || !(is_text(0, 1) || is_wide(0) || is_wide(1)) {
        return None;
    }
    // A character of UTF-16 is no tag, though there is one that is written so (0x0030, `0`).
    let is_character = |rest: &[u8]| rest.first() == Some(&0) && rest.get(1).is_some_and(is_visible);
    let begin = |end: &usize| rest.get(*end..).is_some_and(|rest| !is_character(rest) && Tlvs::fill(rest, true));
    let parameters = (TELLING_CHARS..rest.len().min(UNCOUNTED_MAX + 1)).find(begin);
    // Stray octets behind the longest text are dropped.
    Some(parameters.unwrap_or(rest.len().min(UNCOUNTED_MAX)))
}
