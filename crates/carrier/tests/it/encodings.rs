//! From a text to octets and back: the scripted SMSC joins what it gets, and must have the text.

use std::sync::Arc;
use std::time::Duration;

use carrier::keys::ValidityForm;
use carrier::smpp::config::{Alphabet, NameAlphabet, SmppConfig, SplitMethod};
use carrier::{SegmentOutcome, Submission};
use model::{ErrorType, Originator};
use wire::gsm::{self, Encoding, alphabet, packed, segment};
use wire::smpp::{CommandStatus, Tlvs, tag};
use wire::{concat, smpp};

use crate::support::peer::{Peer, Session, Submitted};
use crate::support::{Bench, config, first_attempt, needs_ucs2};

/// Texts whose characters want to be torn: escapes and surrogate pairs stand at every place around the cuts.
fn texts() -> Vec<String> {
    let mut texts = vec![
        String::new(),
        "Hello @ $ _ £ ¥ Ω é à ü ß § ¿".to_owned(),
        "привет".to_owned(),
        "日本語".to_owned(),
        "👩‍👩‍👧 family".to_owned(),
    ];
    for filling in [65, 66, 67, 69, 70, 71, 132, 133, 134, 150, 151, 152, 153, 159, 160, 161, 303, 304, 305, 306, 307] {
        texts.push(format!("{}€{}", "a".repeat(filling), "{[~]}|^\\".repeat(10)));
        texts.push(format!("{}😀{}", "’".repeat(filling), "😀é".repeat(40)));
        texts.push("é".repeat(filling));
        texts.push("x".repeat(filling));
    }
    texts
}

/// A carrier and its session with the scripted SMSC.
struct Line {
    bench: Bench,
    session: Session,
}

impl Line {
    async fn open(peer: &Peer, knobs: SmppConfig) -> Self {
        let bench = Bench::start(SmppConfig { segments_max: 64, window: 100, ..knobs });
        Self { bench, session: peer.bound().await }
    }

    /// Sends one message and returns the PDUs that it became.
    async fn send(&mut self, submission: Submission) -> Vec<Submitted> {
        self.bench.submit(submission).await;
        let mut pdus: Vec<Submitted> = Vec::new();
        loop {
            tokio::select! {
                submitted = self.session.submitted() => {
                    self.session.answer(submitted.sequence, CommandStatus::ROK, "id").await;
                    pdus.push(submitted);
                }
                outcome = self.bench.outcome() => {
                    assert_eq!(outcome.segments.len(), pdus.len());
                    assert_eq!(
                        u32::from(outcome.total) - outcome.accepted_before.count_ones(),
                        pdus.len() as u32,
                        "what it had and what it got are all of it"
                    );
                    return pdus;
                }
            }
        }
    }
}

/// The PDUs of one message on a line of its own.
async fn pdus(knobs: SmppConfig, peer: &Peer, submission: Submission) -> Vec<Submitted> {
    Line::open(peer, knobs).await.send(submission).await
}

/// One segment as an SMSC sees it: reference, total and number where there are several, and the text.
fn read(split: SplitMethod, pdu: &Submitted) -> (Option<(u16, u8, u8)>, Vec<u8>) {
    let sm = &pdu.sm;
    let sar = |name| pdu.tlvs.number(name).and_then(|number| u16::try_from(number).ok());
    let sar_octet = |name| pdu.tlvs.get(name).map(|value| value[0]);
    match split {
        SplitMethod::Udh8 | SplitMethod::Udh16 if sm.has_header() => {
            let (concat, text) = concat::read(&sm.short_message);
            let concat = concat.unwrap();
            assert_eq!(concat.wide, split == SplitMethod::Udh16);
            (Some((concat.reference, concat.total, concat.number)), text.to_vec())
        }
        SplitMethod::Sar if sar(tag::SAR_MSG_REF_NUM).is_some() => {
            assert!(!sm.has_header());
            let reference = sar(tag::SAR_MSG_REF_NUM).unwrap();
            (
                Some((
                    reference,
                    sar_octet(tag::SAR_TOTAL_SEGMENTS).unwrap(),
                    sar_octet(tag::SAR_SEGMENT_SEQNUM).unwrap(),
                )),
                sm.short_message.clone(),
            )
        }
        SplitMethod::Payload if pdu.tlvs.get(tag::MESSAGE_PAYLOAD).is_some() => {
            assert!(sm.short_message.is_empty(), "never both");
            (None, pdu.tlvs.get(tag::MESSAGE_PAYLOAD).unwrap().to_vec())
        }
        _ => {
            assert!(!sm.has_header() && sm.short_message.len() <= 160);
            (None, sm.short_message.clone())
        }
    }
}

/// The text of one segment, read by itself: a torn character would show.
fn decode(data_coding: u8, octets: &[u8]) -> String {
    match data_coding {
        smpp::constants::data_coding::DEFAULT => {
            assert_ne!(octets.last(), Some(&alphabet::ESCAPE), "a torn escape");
            alphabet::decode(octets)
        }
        smpp::constants::data_coding::LATIN1 => octets.iter().map(|octet| char::from(*octet)).collect(),
        smpp::constants::data_coding::UCS2 => segment::decode_ucs2(octets),
        other => panic!("data_coding {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_text_is_joined_again_however_it_was_cut() {
    let peer = Peer::start().await;
    for split in [SplitMethod::Udh8, SplitMethod::Udh16, SplitMethod::Sar, SplitMethod::Payload] {
        for alphabet in [Alphabet::Gsm7, Alphabet::Latin1, Alphabet::Ucs2] {
            let mut line = Line::open(&peer, SmppConfig { split, alphabet, ..config(peer.address()) }).await;
            for text in texts() {
                let pdus = line.send(first_attempt(1, &text)).await;
                joins(split, alphabet, &text, &pdus);
            }
        }
    }
}

fn joins(split: SplitMethod, alphabet: Alphabet, text: &str, pdus: &[Submitted]) {
    let what = format!("{split:?} {alphabet:?} {text:?}");
    let mut joined = String::new();
    let total = u8::try_from(pdus.len()).unwrap();
    for (pdu, place) in pdus.iter().zip(1u8..) {
        let (concat, octets) = read(split, pdu);
        let narrow = split == SplitMethod::Udh8;
        let expected = (total > 1).then_some((if narrow { 0xCD } else { 0xABCD }, total, place));
        assert_eq!(concat, expected, "{what}");
        let part = decode(pdu.sm.data_coding, &octets);
        assert!(!part.contains(char::REPLACEMENT_CHARACTER), "{what}: a torn surrogate pair");
        let is_long = pdu.tlvs.get(tag::MESSAGE_PAYLOAD).is_some();
        let bits = if pdu.sm.data_coding == 0 { 7 } else { 8 };
        let header_bytes = pdu.sm.short_message.len() - if is_long { 0 } else { octets.len() };
        assert!(is_long || (octets.len() * bits).div_ceil(8) + header_bytes <= 140, "{what}: {} octets", octets.len());
        joined += &part;
    }
    assert_eq!(joined, text, "{what}");
    let ucs2 = needs_ucs2(text)
        || alphabet == Alphabet::Ucs2
        || alphabet == Alphabet::Latin1 && text.chars().any(|character| u32::from(character) > 0xFF);
    assert!(pdus.iter().all(|pdu| (pdu.sm.data_coding == 8) == ucs2), "{what}");
    if split == SplitMethod::Udh8 && alphabet == Alphabet::Gsm7 {
        assert_eq!(pdus.len(), gsm::measure(text).segments, "{what}: as it was counted and billed");
    }
}

#[tokio::test]
async fn packed_septets_begin_after_the_header_at_a_septet() {
    let peer = Peer::start().await;
    for (split, header_bytes) in [(SplitMethod::Udh8, 6), (SplitMethod::Udh16, 7), (SplitMethod::Sar, 0)] {
        for text in ["a".repeat(7), "a".repeat(160), "b€".repeat(150), "x".repeat(400)] {
            let knobs = SmppConfig { split, alphabet: Alphabet::Gsm7Packed, ..config(peer.address()) };
            let pdus = pdus(knobs, &peer, first_attempt(1, &text)).await;
            let mut septets = Vec::new();
            for pdu in &pdus {
                assert!(pdu.sm.short_message.len() <= 140);
                let (concat, octets) = read(split, pdu);
                let fill = if concat.is_some() { packed::fill_bits(header_bytes) } else { 0 };
                let count = (octets.len() * 8 - usize::from(fill)) / 7;
                let mut part = packed::unpack(&octets, fill, count);
                if part.last() == Some(&b'\r') {
                    part.pop();
                }
                septets.extend(part);
            }
            assert_eq!(alphabet::decode(&septets), text, "{split:?}");
        }
    }
}

#[tokio::test]
async fn segments_that_the_carrier_has_are_not_sent_again() {
    let peer = Peer::start().await;
    for (has, expected) in [(0b0001u64, vec![2, 3, 4]), (0b1011, vec![3]), (0b0110, vec![1, 4]), (0b1111, vec![])] {
        let mut submission = first_attempt(1, &"long ".repeat(100));
        (submission.accepted_segments, submission.attempt) = (has, 2);
        let pdus = pdus(config(peer.address()), &peer, submission).await;
        let numbers: Vec<_> = pdus.iter().map(|pdu| read(SplitMethod::Udh8, pdu).0.unwrap()).collect();
        assert_eq!(
            numbers,
            expected.into_iter().map(|number| (0xCD, 4, number)).collect::<Vec<_>>(),
            "the reference and the total stay"
        );
    }
}

#[tokio::test]
async fn the_knobs_of_the_fields_reach_the_fields() {
    let peer = Peer::start().await;
    let plain = pdus(config(peer.address()), &peer, first_attempt(1, "Hello")).await.remove(0).sm;
    assert_eq!((plain.source.ton, plain.source.npi, plain.source.text().as_str()), (1, 1, "18005559876"));
    assert_eq!(
        (plain.destination.ton, plain.destination.npi, plain.destination.text().as_str()),
        (1, 1, "18005550001")
    );
    assert_eq!(
        (plain.esm_class, plain.registered_delivery, plain.data_coding, plain.protocol_id, plain.priority_flag),
        (0, 1, 0, 0, 0)
    );
    assert_eq!(
        (&plain.validity_period[..], &plain.schedule_delivery_time[..], &plain.service_type[..]),
        (&b"000001000000000R"[..], &b""[..], &b""[..])
    );
    let knobs = SmppConfig {
        source_ton: Some(5),
        source_npi: Some(0),
        destination_ton: Some(2),
        destination_npi: Some(8),
        keep_plus: true,
        esm_class: 3,
        service_type: "WAP".to_owned(),
        protocol_id: 0x41,
        priority: 2,
        validity: ValidityForm::Absolute,
        registered_delivery: 0x11,
        data_coding: Some(0xF1),
        tlvs: [("0x1400".to_owned(), "entity".to_owned()), ("0x1402".to_owned(), "0x00FF".to_owned())].into(),
        ..config(peer.address())
    };
    let sent = pdus(knobs, &peer, first_attempt(1, "Hello")).await.remove(0);
    let sm = &sent.sm;
    assert_eq!((sm.source.ton, sm.source.npi, sm.source.text().as_str()), (5, 0, "+18005559876"));
    assert_eq!((sm.destination.ton, sm.destination.npi, sm.destination.text().as_str()), (2, 8, "+18005550001"));
    assert_eq!(
        (sm.esm_class, sm.registered_delivery, sm.data_coding, sm.protocol_id, sm.priority_flag),
        (3, 0x11, 0xF1, 0x41, 2)
    );
    assert_eq!((&sm.validity_period[..], &sm.service_type[..]), (&b"260316143012300+"[..], &b"WAP"[..]));
    let mut tlvs = Tlvs::default();
    tlvs.push(0x1400, *b"entity");
    tlvs.push(0x1402, [0, 0xFF]);
    assert_eq!(sent.tlvs, tlvs);
}

#[tokio::test]
async fn a_recipient_of_the_carriers_own_country_goes_as_a_national_number() {
    let peer = Peer::start().await;
    for (prefix, expected) in
        [("+1", (2, 1, "8005550001")), ("+1800", (2, 1, "5550001")), ("+44", (1, 1, "18005550001"))]
    {
        let knobs = SmppConfig { national_prefix: Some(prefix.to_owned()), ..config(peer.address()) };
        let sm = pdus(knobs, &peer, first_attempt(1, "Hello")).await.remove(0).sm;
        assert_eq!((sm.destination.ton, sm.destination.npi, sm.destination.text().as_str()), expected, "{prefix}");
        assert_eq!((sm.source.ton, sm.source.text().as_str()), (1, "18005559876"), "an originator keeps its form");
    }
    // What the knobs say of recipients is said of the others.
    let knobs = |prefix: &str| SmppConfig {
        national_prefix: Some(prefix.to_owned()),
        destination_ton: Some(0),
        destination_npi: Some(8),
        keep_plus: true,
        ..config(peer.address())
    };
    for (prefix, expected) in [("+1", (2, 8, "8005550001")), ("+44", (0, 8, "+18005550001"))] {
        let sm = pdus(knobs(prefix), &peer, first_attempt(1, "Hello")).await.remove(0).sm;
        assert_eq!((sm.destination.ton, sm.destination.npi, sm.destination.text().as_str()), expected, "{prefix}");
    }
}

/// A message from this sender.
fn from(text: &str) -> Submission {
    let mut submission = first_attempt(1, "Hello");
    Arc::make_mut(&mut submission.message).originator = Originator::parse(text).unwrap();
    submission
}

#[tokio::test]
async fn each_kind_of_sender_has_its_type_of_number_and_its_numbering_plan() {
    let peer = Peer::start().await;
    let plain = || config(peer.address());
    // `keep_plus` and the keys of numbers change nothing for the other kinds.
    let plus = || SmppConfig { keep_plus: true, source_ton: Some(2), source_npi: Some(8), ..plain() };
    let codes = || SmppConfig { short_code_ton: Some(6), short_code_npi: Some(9), ..plain() };
    let names = || SmppConfig { name_ton: Some(0), name_npi: Some(1), ..plain() };
    let gsm = || SmppConfig { name_alphabet: NameAlphabet::Gsm7, ..plain() };
    for (knobs, sender, ton, npi, octets) in [
        (plain(), "+18005559876", 1, 1, &b"18005559876"[..]),
        (plain(), "72345", 3, 0, b"72345"),
        (plain(), "00123", 3, 0, b"00123"),
        (plain(), "ACME", 5, 0, b"ACME"),
        (plain(), "3M & Co. @1", 5, 0, b"3M & Co. @1"),
        (plain(), "Caf\u{e9} \u{d1}", 5, 0, b"Caf\xE9 \xD1"),
        (plus(), "+18005559876", 2, 8, b"+18005559876"),
        (plus(), "72345", 3, 0, b"72345"),
        (plus(), "ACME", 5, 0, b"ACME"),
        (codes(), "+18005559876", 1, 1, b"18005559876"),
        (codes(), "72345", 6, 9, b"72345"),
        (codes(), "ACME", 5, 0, b"ACME"),
        (names(), "72345", 3, 0, b"72345"),
        (names(), "ACME", 0, 1, b"ACME"),
        (gsm(), "ACME", 5, 0, b"ACME"),
        (gsm(), "Caf\u{e9}_\u{394}$", 5, 0, b"Caf\x05\x11\x10\x02"),
    ] {
        let sm = pdus(knobs, &peer, from(sender)).await.remove(0).sm;
        assert_eq!((sm.source.ton, sm.source.npi, &sm.source.octets[..]), (ton, npi, octets), "{sender}");
        assert_eq!((sm.destination.ton, sm.destination.npi), (1, 1), "{sender}");
    }
}

#[tokio::test]
async fn a_name_that_the_carriers_alphabet_lacks_is_refused_and_nothing_leaves() {
    let peer = Peer::start().await;
    // The `@` of the GSM alphabet is a NUL, where an address ends.
    for (alphabet, sender) in [(NameAlphabet::Latin1, "\u{394}elta"), (NameAlphabet::Gsm7, "A@B")] {
        let mut line = Line::open(&peer, SmppConfig { name_alphabet: alphabet, ..config(peer.address()) }).await;
        line.bench.submit(from(sender)).await;
        let status = "a character of the sender's name is not in the carrier's `name_alphabet`".to_owned();
        let refused = SegmentOutcome::Refused { error_type: ErrorType::CarrierRejected, status };
        assert_eq!(line.bench.outcome().await.segments, [(1, refused)], "{sender}");
        assert_eq!(line.send(from("ACME")).await.len(), 1, "the session goes on");
    }
}

#[tokio::test]
async fn a_header_is_added_to_the_carriers_own_class() {
    let peer = Peer::start().await;
    let knobs = SmppConfig {
        esm_class: 3,
        more_messages_to_send: true,
        validity: ValidityForm::Omit,
        ..config(peer.address())
    };
    let pdus = pdus(knobs, &peer, first_attempt(1, &"long ".repeat(70))).await;
    let more: Vec<_> = pdus
        .iter()
        .map(|pdu| (pdu.sm.esm_class, pdu.tlvs.number(tag::MORE_MESSAGES_TO_SEND), pdu.sm.validity_period.len()))
        .collect();
    assert_eq!(more, [(0x43, Some(1), 0), (0x43, Some(1), 0), (0x43, None, 0)]);
}

#[tokio::test]
async fn a_short_validity_is_told_in_seconds_and_never_as_none() {
    let peer = Peer::start().await;
    for (valid_for, expected) in
        [(Duration::ZERO, "000000000001000R"), (Duration::from_millis(90_500), "000000000130000R")]
    {
        let submission = Submission { valid_for, ..first_attempt(1, "Hello") };
        let sent = pdus(config(peer.address()), &peer, submission).await.remove(0);
        assert_eq!(sent.sm.validity_period, expected.as_bytes());
    }
}

#[tokio::test]
async fn transliteration_keeps_a_text_in_the_gsm_alphabet() {
    let peer = Peer::start().await;
    let text = "“It’s” – fine…";
    assert_eq!(Encoding::of(text), Encoding::Ucs2);
    let knobs = SmppConfig { transliterate: true, ..config(peer.address()) };
    let sent = pdus(knobs, &peer, first_attempt(1, text)).await.remove(0);
    assert_eq!((sent.sm.data_coding, alphabet::decode(&sent.sm.short_message)), (0, "\"It's\" - fine...".to_owned()));
    let sent = pdus(config(peer.address()), &peer, first_attempt(1, text)).await.remove(0);
    assert_eq!((sent.sm.data_coding, segment::decode_ucs2(&sent.sm.short_message)), (8, text.to_owned()));
}
