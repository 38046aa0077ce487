//! What is written is read as the same, wherever it is cut.

use proptest::prelude::*;
use wire::receipt::{self, ReceiptState, id};
use wire::smpp::{Address, CommandStatus, Pdu, decode, encode, frame, time, try_encode};

use crate::generate::{Octets, bodies, pdus};

fn written(pdu: &Pdu) -> Vec<u8> {
    let mut octets = Vec::new();
    encode(pdu, &mut octets);
    octets
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn every_pdu_is_read_as_it_was_written(pdu in pdus()) {
        let octets = written(&pdu);
        prop_assert_eq!(decode(&octets), Ok(pdu.clone()));
        let mut whole = Vec::new();
        prop_assert_eq!(try_encode(&pdu, &mut whole), Ok(()));
        prop_assert_eq!(whole, octets);
    }

    #[test]
    fn a_stream_of_pdus_is_cut_where_they_end(pdus in prop::collection::vec(pdus(), 1..6), size in 1usize..60) {
        let stream: Vec<u8> = pdus.iter().flat_map(written).collect();
        let (mut input, mut read) = (Vec::new(), Vec::new());
        for piece in stream.chunks(size) {
            input.extend_from_slice(piece);
            while let Some(length) = frame::next(&input, 100_000).unwrap() {
                let rest = input.split_off(length);
                read.push(decode(&input).unwrap());
                input = rest;
            }
        }
        prop_assert!(input.is_empty());
        prop_assert_eq!(read, pdus);
    }

    #[test]
    fn a_pdu_cut_short_is_never_read_as_another(pdu in pdus(), cut in any::<prop::sample::Index>()) {
        let octets = written(&pdu);
        let cut = &octets[..cut.index(octets.len())];
        prop_assert_eq!(frame::next(cut, 100_000), Ok(None));
        if let Err(error) = decode(cut) {
            prop_assert!(cut.len() < 16 || error.sequence == pdu.sequence && error.command == pdu.body.command());
        }
    }

    #[test]
    fn an_answer_that_refuses_keeps_its_status_and_number(
        body in bodies(Octets::Any),
        status in 1u32..,
        sequence: u32,
    ) {
        prop_assume!(body.command().is_response());
        let pdu = decode(&written(&Pdu::answer(sequence, CommandStatus(status), body.clone()))).unwrap();
        prop_assert_eq!(
            (pdu.status, pdu.sequence, pdu.body.command()),
            (CommandStatus(status), sequence, body.command())
        );
    }

    #[test]
    fn a_status_is_read_as_it_is_shown(status: u32) {
        let status = CommandStatus(status);
        prop_assert_eq!(CommandStatus::parse(&status.to_string()), Some(status));
    }

    #[test]
    fn an_international_number_is_found_again_in_its_address(digits in "[1-9][0-9]{7,14}") {
        prop_assert_eq!(Address::guess(&format!("+{digits}")).digits(), Some(digits.clone()));
        prop_assert_eq!(Address::new(0, 0, &format!("00{digits}")).digits(), Some(digits));
    }

    #[test]
    fn times_always_have_their_sixteen_characters(unix_ms: i64, secs: u64) {
        for text in [time::absolute(unix_ms), time::relative(secs)] {
            prop_assert_eq!(text.len(), 16, "{}", text);
            prop_assert!(text[..15].bytes().all(|byte| byte.is_ascii_digit()), "{}", text);
        }
    }

    #[test]
    fn a_receipt_is_read_as_it_was_built(
        id in "[0-9a-zA-Z_-]{1,64}",
        submitted in "2[0-9](0[1-9]|1[0-2])(0[1-9]|1[0-9])1[0-9][0-5][0-9]([0-5][0-9])?",
        done in "3[0-9](0[1-9]|1[0-2])(0[1-9]|1[0-9])1[0-9][0-5][0-9]([0-5][0-9])?",
        number in 0u8..10,
    ) {
        let state = ReceiptState::from_message_state(number);
        let read = receipt::parse(&receipt::build(&id, (&submitted, &done), state, "012", "")).unwrap();
        prop_assert_eq!(read.id.as_deref(), Some(&id[..]));
        prop_assert_eq!(read.err.as_deref(), Some("012"));
        prop_assert_eq!(ReceiptState::from_stat(&read.stat.unwrap()), state);
        let years = [read.submit_date, read.done_date].map(|date| date.map(|date| date.year / 10));
        prop_assert_eq!(years, [Some(202), Some(203)]);
        prop_assert!(id::candidates(&id, id::IdMode::Auto).contains(&id::canonical(&id)));
    }
}
