//! No octets make a decoder panic, and none is made to look beyond what it was given.

use proptest::prelude::*;
use wire::gsm::{alphabet, packed, segment};
use wire::receipt::{self, ReceiptState, id};
use wire::smpp::{Address, Body, CommandId, CommandStatus, decode, encode, frame, tag};
use wire::{concat, gsm, text};

/// A header that may lie about its length, and a body.
fn almost_pdus() -> impl Strategy<Value = Vec<u8>> {
    let command = prop_oneof![
        any::<u32>(),
        (0u32..0x120, any::<bool>()).prop_map(|(command, response)| if response {
            command | 0x8000_0000
        } else {
            command
        })
    ];
    let length = prop_oneof![any::<u32>(), 0u32..200];
    (command, any::<u32>(), any::<u32>(), prop::option::of(length), prop::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(command, status, sequence, length, body)| {
            let length = length.unwrap_or(16 + u32::try_from(body.len()).unwrap());
            let header = [length, command, status, sequence].into_iter().flat_map(u32::to_be_bytes);
            header.chain(body).collect()
        })
}

/// Texts that are nearly receipts.
fn almost_receipts() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "id",
        "ID",
        "sub",
        "dlvrd",
        "submit date",
        "submitdate",
        "done date",
        "stat",
        "Stat",
        "err",
        "text",
        "foo",
        "",
    ]);
    let field = (
        name,
        prop::sample::select(vec![":", " : ", ": ", "", "::", ":\""]),
        "[0-9A-Za-zé\"\\- ]{0,12}",
        prop::sample::select(vec![" ", ",", ";", "\r\n", "\0", ""]),
    );
    prop::collection::vec(field, 0..12).prop_map(|fields| {
        fields.into_iter().map(|(name, colon, value, end)| format!("{name}{colon}{value}{end}")).collect()
    })
}

proptest! {
    #![proptest_config(trials::config(2_000))]

    #[test]
    fn almost_a_pdu_is_read_or_refused(octets in almost_pdus()) {
        match decode(&octets) {
            Ok(pdu) => {
                // What was taken leniently is written soundly, and the second reading agrees.
                let mut again = Vec::new();
                encode(&pdu, &mut again);
                prop_assert_eq!(frame::next(&again, again.len()), Ok(Some(again.len())));
                let read = decode(&again);
                prop_assert!(read.is_ok(), "{:?}", read);
                prop_assert_eq!(read.unwrap().body.command(), pdu.body.command());
                let _ = (
                    pdu.tlvs.number(tag::MESSAGE_STATE),
                    pdu.tlvs.text(tag::RECEIPTED_MESSAGE_ID),
                    pdu.tlvs.is_malformed(),
                );
            }
            Err(error) => prop_assert!(!error.status.is_ok()),
        }
    }

    #[test]
    fn a_decoder_stops_at_the_length_that_the_header_gives(octets in almost_pdus(), tail: Vec<u8>) {
        if let Ok(Some(length)) = frame::next(&octets, 100_000) {
            let longer = [&octets[..length], &tail].concat();
            prop_assert_eq!(decode(&longer), decode(&octets[..length]));
        }
    }

    #[test]
    fn a_frame_is_whole_or_awaited_or_refused(octets: Vec<u8>, most in 0usize..100_000) {
        match frame::next(&octets, most) {
            Ok(Some(length)) => prop_assert!((frame::HEADER_BYTES..=most.min(octets.len())).contains(&length)),
            Ok(None) => {}
            Err(lost) => {
                prop_assert!((lost.header.length as usize) < frame::HEADER_BYTES || lost.header.length as usize > most);
            }
        }
    }

    #[test]
    fn parameters_are_read_from_any_octets(octets: Vec<u8>) {
        let header = [16 + u32::try_from(octets.len()).unwrap(), CommandId::UNBIND_RESP.0, 0, 1]
            .into_iter()
            .flat_map(u32::to_be_bytes);
        let pdu = decode(&header.chain(octets.iter().copied()).collect::<Vec<u8>>()).unwrap();
        prop_assert_eq!(&pdu.body, &Body::UnbindResp);
        let taken: usize = pdu.tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum();
        prop_assert!(taken <= octets.len() && (taken == octets.len()) != pdu.tlvs.is_malformed());
    }

    #[test]
    fn almost_a_receipt_is_read_or_refused(text in almost_receipts()) {
        if let Some(read) = receipt::parse(&text) {
            prop_assert!(read.id.is_some() || read.stat.is_some());
            prop_assert!(
                read.id
                    .iter()
                    .chain(&read.stat)
                    .chain(&read.err)
                    .all(|value| !value.is_empty() && text.contains(value.as_str()))
            );
            let _ = read.stat.map(|stat| ReceiptState::from_stat(&stat));
            let _ = read.id.map(|read| id::candidates(&read, id::IdMode::Auto));
        }
    }

    #[test]
    fn octets_of_any_label_may_be_a_receipt(
        octets: Vec<u8>,
        text in almost_receipts(),
        wide: bool,
        label: u8,
        header_octets in 0usize..10,
    ) {
        let written: Vec<u8> =
            if wide { text.encode_utf16().flat_map(u16::to_be_bytes).collect() } else { text.into_bytes() };
        for octets in [&octets, &written, &[octets.clone(), written.clone()].concat()] {
            for text in receipt::octets::readings(octets, label, header_octets) {
                prop_assert!(text.chars().count() <= octets.len() * 8 / 7);
                if let Some(read) = receipt::parse(&text) {
                    prop_assert!(
                        read.id
                            .iter()
                            .chain(&read.long_id)
                            .chain(&read.stat)
                            .chain(&read.err)
                            .all(|value| text.contains(value.as_str()))
                    );
                }
            }
        }
    }

    #[test]
    fn an_address_of_a_receipt_is_digits_or_none(address: String, masked in "[+0-9*xX() -]{0,24}") {
        for address in [address, masked] {
            prop_assert!(
                receipt::address::digits(&address)
                    .is_none_or(|digits| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*'))
            );
        }
    }

    #[test]
    fn user_data_of_any_octets_is_read(octets: Vec<u8>, fill: u8, count in 0usize..400) {
        let (found, rest) = concat::read(&octets);
        prop_assert!(octets.ends_with(rest));
        prop_assert!(found.is_none_or(|concat| concat.number >= 1 && concat.number <= concat.total));
        prop_assert!(alphabet::decode(rest).chars().all(|character| character != char::REPLACEMENT_CHARACTER));
        prop_assert!(segment::decode_ucs2(rest).chars().count() <= rest.len() / 2);
        prop_assert!(packed::unpack(&octets, fill, count).iter().all(|septet| *septet < 0x80));
    }

    #[test]
    fn any_text_is_measured_written_and_judged(body: String) {
        let _ = (
            text::invalid_characters(&body),
            gsm::measure(&body),
            gsm::transliterate(&body),
            receipt::parse(&body),
            ReceiptState::from_stat(&body),
        );
        let _ = (Address::guess(&body).digits(), CommandStatus::parse(&body), id::canonical(&body));
        for mode in [id::IdMode::Auto, id::IdMode::Exact, id::IdMode::HexToDecimal, id::IdMode::DecimalToHex] {
            prop_assert!(id::candidates(&body, mode).iter().all(|key| !key.is_empty()));
        }
    }

    #[test]
    fn an_address_of_any_octets_is_text(ton: u8, npi: u8, octets: Vec<u8>) {
        let address = Address { ton, npi, octets };
        prop_assert_eq!(address.text().chars().count(), address.octets.len());
        prop_assert!(address.digits().is_none_or(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())));
    }
}
