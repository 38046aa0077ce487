//! PDUs written out by hand, and PDUs as the field sends them.

use super::*;
use crate::smpp::constants::{data_coding, esm_class, interface_version, npi, registered_delivery, ton};
use crate::smpp::{
    Address, Bind, BindKind, Body, CancelSm, CommandId, CommandStatus, DataSm, Outbind, Pdu, QueryResult, QuerySm, Sm,
    Tlvs, frame, tag,
};
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn encoded(pdu: &Pdu) -> Vec<u8> {
    let mut out = Vec::new();
    encode(pdu, &mut out);
    out
}

fn framed(command: CommandId, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = (16 + body.len()) as u32;
    let header = [length, command.0, status, sequence].into_iter().flat_map(u32::to_be_bytes);
    header.chain(body.iter().copied()).collect()
}

fn sm() -> Sm {
    Sm {
        source: Address::new(ton::INTERNATIONAL, npi::ISDN, "18005559876"),
        destination: Address::new(ton::INTERNATIONAL, npi::ISDN, "18005551234"),
        registered_delivery: registered_delivery::FINAL,
        short_message: b"Hi".to_vec(),
        ..Sm::default()
    }
}

#[test]
fn pdus_are_written_octet_by_octet_as_the_specification_says() {
    let bind = Bind {
        system_id: b"SMPP3TEST".to_vec(),
        password: b"secret08".to_vec(),
        system_type: b"SUBMIT1".to_vec(),
        interface_version: interface_version::V3_4,
        addr_ton: ton::INTERNATIONAL,
        addr_npi: npi::ISDN,
        address_range: Vec::new(),
    };
    let mut reported = Pdu::new(3, Body::DeliverSm(Box::new(Sm { esm_class: esm_class::RECEIPT, ..sm() })));
    reported.tlvs.push(tag::RECEIPTED_MESSAGE_ID, *b"42\0");
    reported.tlvs.push(tag::MESSAGE_STATE, [2]);
    let address = "01 01 3138303035353539383736 00 01 01 3138303035353531323334 00";
    for (pdu, octets) in [
        (
            Pdu::new(1, Body::Bind(BindKind::Transmitter, bind)),
            // The example of the specification, 3.2.
            "0000002F 00000002 00000000 00000001 534D50503354455354 00 7365637265743038 00 5355424D495431 00 34 01 01 \
             00"
            .to_owned(),
        ),
        (
            Pdu::new(1, Body::BindResp(BindKind::Transceiver, b"smsc".to_vec())),
            "00000015 80000009 00000000 00000001 \
            736D7363 00"
                .to_owned(),
        ),
        (
            Pdu::new(2, Body::SubmitSm(Box::new(sm()))),
            format!(
                "00000039 00000004 00000000 00000002 00 {address} 00 00 \
            00 00 00 01 00 00 00 02 4869"
            ),
        ),
        (
            reported,
            format!(
                "00000045 00000005 00000000 00000003 00 {address} 04 00 00 00 00 01 00 00 00 02 4869 001E \
            0003 343200 0427 0001 02"
            ),
        ),
        (Pdu::new(2, Body::SubmitSmResp(b"42".to_vec())), "00000013 80000004 00000000 00000002 3432 00".to_owned()),
        (
            Pdu::answer(2, CommandStatus::RTHROTTLED, Body::SubmitSmResp(b"x".to_vec())),
            "00000010 80000004 00000058 \
            00000002"
                .to_owned(),
        ),
        (Pdu::new(3, Body::DeliverSmResp(Vec::new())), "00000011 80000005 00000000 00000003 00".to_owned()),
        (Pdu::new(9, Body::EnquireLink), "00000010 00000015 00000000 00000009".to_owned()),
        (Pdu::new(9, Body::Unbind), "00000010 00000006 00000000 00000009".to_owned()),
        (Pdu::answer(0, CommandStatus::RINVCMDID, Body::GenericNack), "00000010 80000000 00000003 00000000".to_owned()),
    ] {
        assert_eq!(encoded(&pdu), hex(&octets), "{pdu:?}");
        if pdu.status.is_ok() {
            assert_eq!(decode(&hex(&octets)), Ok(pdu));
        }
    }
}

#[test]
fn an_unknown_operation_is_told_with_its_number() {
    let refused = decode(&framed(CommandId(0x999), 0, 77, b"x")).unwrap_err();
    assert_eq!((refused.sequence, refused.status), (77, CommandStatus::RINVCMDID));
}

#[test]
fn a_body_that_ends_early_is_told_with_its_number() {
    // The last octet of a text may be missing where the SMSC delivers it: `sm_length` is one off in the field.
    for (body, read_from) in [(Body::DeliverSm(Box::new(sm())), 1), (Body::SubmitSm(Box::new(sm())), 0)] {
        let whole = encoded(&Pdu::new(5, body.clone()));
        for end in 16..whole.len() - read_from {
            let refused = decode(&whole[..end]).unwrap_err();
            assert_eq!(
                (refused.command, refused.sequence, refused.status),
                (body.command(), 5, CommandStatus::RINVMSGLEN),
                "{end}"
            );
        }
    }
}

#[test]
fn a_delivered_text_that_is_counted_wrongly_by_one_is_read() {
    let id = [0, 0x1E, 0, 3, b'4', b'2', 0];
    let state = [4, 0x27, 0, 1, 2];
    let vendors = [0x14, 0, 0, 1, 5];
    let both = [&id[..], &state].concat();
    let text = b"stat:DELIVRD";
    for parameters in [&[][..], &id, &state, &vendors, &both] {
        for (length, stray, expected) in [
            (text.len(), &b""[..], &text[..]),
            (text.len(), b"\0", text),
            (text.len(), b"\0\0", text),
            (text.len() - 1, b"", text),
            (text.len() + 1, b"", text),
            (text.len() + 1, b"\0", b"stat:DELIVRD\0"),
            (0, b"", b""),
            (0, b"\0", b""),
        ] {
            let text = if length == 0 { &b""[..] } else { text };
            let head = encoded(&Pdu::new(5, Body::DeliverSm(Box::new(Sm { short_message: Vec::new(), ..sm() }))));
            let body = [&head[16..head.len() - 1], &[length as u8], text, stray, parameters].concat();
            let pdu = decode(&framed(CommandId::DELIVER_SM, 0, 5, &body)).unwrap();
            let Body::DeliverSm(read) = &pdu.body else { panic!("not a deliver_sm") };
            assert_eq!(read.short_message, expected, "{length} {stray:?} {parameters:?}");
            assert_eq!(
                pdu.tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum::<usize>(),
                parameters.len(),
                "{length} {stray:?} {parameters:?}"
            );
        }
    }
}

#[test]
fn a_delivered_text_that_is_not_counted_is_read() {
    let id = [0, 0x1E, 0, 3, b'4', b'2', 0];
    let wide: Vec<u8> = "id:42 stat:DELIVRD".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for parameters in [&[][..], &id] {
        for text in [&b"id:42 stat:DELIVRD err:000 text:Hello"[..], &wide] {
            let head = encoded(&Pdu::new(5, Body::DeliverSm(Box::new(Sm { short_message: Vec::new(), ..sm() }))));
            let body = [&head[16..head.len() - 1], &[0], text, parameters].concat();
            let pdu = decode(&framed(CommandId::DELIVER_SM, 0, 5, &body)).unwrap();
            let Body::DeliverSm(read) = &pdu.body else { panic!("not a deliver_sm") };
            assert_eq!(read.short_message, text, "{parameters:?}");
            assert_eq!(pdu.tlvs.iter().count(), usize::from(!parameters.is_empty()));
        }
    }
    // What is no text stays none: cut parameters, and a few stray octets.
    for rest in [&[0, 0x1E, 0, 9, b'4', b'2'][..], b"\x04\x27\0\x01\x02\x04", b"id:", b"\0\0\0\0\0"] {
        let head = encoded(&Pdu::new(5, Body::DeliverSm(Box::new(Sm { short_message: Vec::new(), ..sm() }))));
        let body = [&head[16..head.len() - 1], &[0], rest].concat();
        let Body::DeliverSm(read) = decode(&framed(CommandId::DELIVER_SM, 0, 5, &body)).unwrap().body else {
            panic!("not a deliver_sm")
        };
        assert_eq!(read.short_message, b"", "{rest:?}");
    }
}

#[test]
fn answers_come_with_and_without_their_body() {
    for (status, body, id) in
        [(0, &b"42\0"[..], &b"42"[..]), (0, b"42", b"42"), (0, b"", b""), (0xB, b"", b""), (0xB, b"42\0", b"42")]
    {
        let pdu = decode(&framed(CommandId::SUBMIT_SM_RESP, status, 1, body)).unwrap();
        assert_eq!((pdu.status.0, pdu.body), (status, Body::SubmitSmResp(id.to_vec())));
    }
}

#[test]
fn stray_octets_and_cut_parameters_do_no_harm() {
    let whole = encoded(&Pdu::new(5, Body::DeliverSm(Box::new(sm()))));
    for (stray, tags) in [
        (&[0][..], 0),
        (&[0, 0x1E], 0),
        (&[0, 0x1E, 0, 9, b'4', b'2'], 0),
        (&[4, 0x27, 0, 1, 2, 0, 0x1E, 0], 1),
        (&[4, 0x27, 0, 1, 2, 0], 1),
    ] {
        let mut octets = [&whole[..], stray].concat();
        let length = (octets.len() as u32).to_be_bytes();
        octets[..4].copy_from_slice(&length);
        let pdu = decode(&octets).unwrap();
        assert_eq!((pdu.tlvs.iter().len(), pdu.body), (tags, Body::DeliverSm(Box::new(sm()))), "{stray:?}");
    }
}

#[test]
fn parameters_are_read_with_or_without_their_nul() {
    for (value, text) in [(&b"42\0"[..], "42"), (b"42", "42"), (b"\0", ""), (b"", ""), (b"4\xE9", "4é")] {
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::RECEIPTED_MESSAGE_ID, value);
        assert_eq!(tlvs.text(tag::RECEIPTED_MESSAGE_ID).as_deref(), Some(text));
    }
}

#[test]
fn fields_are_taken_as_long_as_they_come() {
    let long = "A very long sender name, far beyond the bounds";
    let mut body = vec![0, 5, 0];
    body.extend(long.as_bytes());
    body.extend([0, 1, 1, b'1', 0, 0, 0, 0, 0, 0, 0, 0, data_coding::UCS2, 0, 0]);
    let Body::DeliverSm(read) = decode(&framed(CommandId::DELIVER_SM, 0, 1, &body)).unwrap().body else {
        panic!("not a deliver_sm")
    };
    assert_eq!(read.source.text(), long);
    assert_eq!(Address { octets: b"caf\xE9".to_vec(), ..Address::default() }.text(), "café");
}

#[test]
fn a_bind_without_its_last_fields_is_read() {
    let Body::Bind(_, bind) = decode(&framed(CommandId::BIND_TRANSCEIVER, 0, 1, b"me\0pw\0\0\x34")).unwrap().body
    else {
        panic!("not a bind")
    };
    assert_eq!((bind.system_id, bind.interface_version), (b"me".to_vec(), 0x34));
}

#[test]
fn the_password_stays_out_of_debug_output() {
    let bind = Bind { password: b"hunter2".to_vec(), ..Bind::default() };
    assert!(!format!("{bind:?}").contains("hunter2"));
}

fn field(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1u8..=255, 0..=max)
}

fn address(max: usize) -> impl Strategy<Value = Address> {
    (any::<u8>(), any::<u8>(), field(max)).prop_map(|(ton, npi, octets)| Address { ton, npi, octets })
}

fn short_messages() -> impl Strategy<Value = Sm> {
    let texts = (field(5), address(20), address(20), field(16), field(16), prop::collection::vec(any::<u8>(), 0..=254));
    (texts, any::<[u8; 7]>()).prop_map(
        |((service_type, source, destination, schedule, validity, short_message), octets)| Sm {
            service_type,
            source,
            destination,
            esm_class: octets[0],
            protocol_id: octets[1],
            priority_flag: octets[2],
            schedule_delivery_time: schedule,
            validity_period: validity,
            registered_delivery: octets[3],
            replace_if_present_flag: octets[4],
            data_coding: octets[5],
            sm_default_msg_id: octets[6],
            short_message,
        },
    )
}

fn bodies() -> impl Strategy<Value = Body> {
    let kinds = prop::sample::select(vec![BindKind::Receiver, BindKind::Transmitter, BindKind::Transceiver]);
    let bind = (field(15), field(16), field(12), any::<[u8; 3]>(), field(40)).prop_map(
        |(system_id, password, system_type, octets, range)| Bind {
            system_id,
            password,
            system_type,
            interface_version: octets[0],
            addr_ton: octets[1],
            addr_npi: octets[2],
            address_range: range,
        },
    );
    prop_oneof![
        short_messages().prop_map(|sm| Body::SubmitSm(Box::new(sm))),
        short_messages().prop_map(|sm| Body::DeliverSm(Box::new(sm))),
        (kinds.clone(), bind).prop_map(|(kind, bind)| Body::Bind(kind, bind)),
        (kinds, field(15)).prop_map(|(kind, id)| Body::BindResp(kind, id)),
        field(64).prop_map(Body::SubmitSmResp),
        field(64).prop_map(Body::DeliverSmResp),
        field(64).prop_map(Body::DataSmResp),
        (field(5), address(64), address(64), any::<[u8; 3]>()).prop_map(|(service_type, source, destination, o)| {
            let data = DataSm {
                service_type,
                source,
                destination,
                esm_class: o[0],
                registered_delivery: o[1],
                data_coding: o[2],
            };
            Body::DataSm(Box::new(data))
        }),
        (field(64), address(20)).prop_map(|(message_id, source)| Body::QuerySm(QuerySm { message_id, source })),
        (field(64), field(16), any::<[u8; 2]>()).prop_map(|(message_id, final_date, o)| {
            Body::QuerySmResp(QueryResult { message_id, final_date, message_state: o[0], error_code: o[1] })
        }),
        (address(64), address(64)).prop_map(|(source, esme)| Body::AlertNotification { source, esme }),
        (field(15), field(16)).prop_map(|(system_id, password)| Body::Outbind(Outbind { system_id, password })),
        (field(5), field(64), address(20), address(20)).prop_map(|(service_type, message_id, source, destination)| {
            Body::CancelSm(Box::new(CancelSm { service_type, message_id, source, destination }))
        }),
        Just(Body::Unbind),
        Just(Body::EnquireLinkResp),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|octets| Body::Other(CommandId::SUBMIT_MULTI, octets)),
    ]
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn what_is_written_is_read(body in bodies(), sequence: u32) {
        let pdu = Pdu::new(sequence, body);
        let octets = encoded(&pdu);
        prop_assert_eq!(frame::next(&octets, octets.len()), Ok(Some(octets.len())));
        prop_assert_eq!(decode(&octets), Ok(pdu));
    }

    #[test]
    fn any_octets_are_read_or_refused(octets: Vec<u8>) {
        let _ = decode(&octets);
    }

    #[test]
    fn any_body_is_read_or_refused(command in 0u32..0x120, response: bool, body: Vec<u8>) {
        let command = CommandId(if response { command | 0x8000_0000 } else { command });
        if let Ok(pdu) = decode(&framed(command, 0, 1, &body)) {
            // What was taken leniently is written strictly, and reads as the same.
            let mut again = Vec::new();
            encode(&pdu, &mut again);
            prop_assert!(decode(&again).is_ok());
        }
    }
}
