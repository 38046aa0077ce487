//! What another implementation of SMPP (`rusmpp`) makes of our PDUs, and what we make of its.

use bytes::BytesMut;
use proptest::prelude::*;
use rusmpp::Command;
use rusmpp::decode::DecodeWithLength;
use rusmpp::encode::{Encode, Length};
use wire::smpp::{Address, Body, Pdu, Sm, decode, encode, tag};

use crate::generate::{Octets, bodies};

fn ours(pdu: &Pdu) -> Vec<u8> {
    let mut octets = Vec::new();
    encode(pdu, &mut octets);
    octets
}

/// What the other one reads, which is without the length.
fn theirs(octets: &[u8]) -> Command {
    let mut rest = BytesMut::from(&octets[4..]);
    let (command, size) = Command::decode(&mut rest, octets.len() - 4).unwrap();
    assert_eq!((size, rest.len()), (octets.len() - 4, 0), "it read all of it");
    command
}

/// What the other one writes.
fn written_by_them(command: &Command) -> Vec<u8> {
    let mut octets = vec![0; 4 + command.length()];
    let length = u32::try_from(octets.len()).unwrap().to_be_bytes();
    octets[..4].copy_from_slice(&length);
    let size = command.encode(&mut octets[4..]);
    assert_eq!(size, octets.len() - 4);
    octets
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn it_reads_what_we_write_and_writes_what_we_read(body in bodies(Octets::Ascii), sequence in 1u32..0x8000_0000) {
        let pdu = Pdu::new(sequence, body);
        let octets = ours(&pdu);
        let command = theirs(&octets);
        prop_assert_eq!(command.sequence_number(), sequence);
        prop_assert_eq!(u32::from(command.id()), pdu.body.command().0);
        let again = written_by_them(&command);
        prop_assert_eq!(&again, &octets);
        prop_assert_eq!(decode(&again), Ok(pdu));
    }
}

#[test]
fn optional_parameters_are_the_same_to_both() {
    let sm = Sm {
        source: Address::new(1, 1, "18005559876"),
        destination: Address::new(1, 1, "18005551234"),
        ..Sm::default()
    };
    let mut submit = Pdu::new(7, Body::SubmitSm(Box::new(sm.clone())));
    for (tag, value) in [
        (tag::MESSAGE_PAYLOAD, &b"a long text"[..]),
        (tag::SAR_MSG_REF_NUM, &[0xAB, 0xCD]),
        (tag::SAR_TOTAL_SEGMENTS, &[3]),
        (tag::SAR_SEGMENT_SEQNUM, &[1]),
        (tag::MORE_MESSAGES_TO_SEND, &[1]),
        (0x1400, b"entity"),
    ] {
        submit.tlvs.push(tag, value);
    }
    let mut deliver = Pdu::new(8, Body::DeliverSm(Box::new(Sm { esm_class: 4, ..sm })));
    for (tag, value) in
        [(tag::RECEIPTED_MESSAGE_ID, &b"42\0"[..]), (tag::MESSAGE_STATE, &[2]), (tag::NETWORK_ERROR_CODE, &[3, 0, 27])]
    {
        deliver.tlvs.push(tag, value);
    }
    let mut answer = Pdu::new(9, Body::SubmitSmResp(b"42".to_vec()));
    answer.tlvs.push(tag::CONGESTION_STATE, [95]);
    for pdu in [submit, deliver, answer] {
        let octets = ours(&pdu);
        let again = written_by_them(&theirs(&octets));
        assert_eq!(again, octets);
        assert_eq!(decode(&again), Ok(pdu));
    }
}
