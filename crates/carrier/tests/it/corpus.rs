//! Receipts in the ways that carriers are known to write them, and what each says.

use carrier::ReceiptState::{
    self, Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Scheduled, Skipped, Undeliverable, Unknown,
};
use wire::smpp::{Address, Body, CommandStatus, Pdu, Sm, Tlvs, tag};

use crate::support::peer::Peer;
use crate::support::{Bench, config};

/// What a `deliver_sm` has: class, coding, text and parameters.
type Given = (u8, u8, &'static [u8], &'static [(u16, &'static [u8])]);

/// What it says: the keys, the state and the error.
type Said = (&'static [&'static str], ReceiptState, Option<&'static str>);

const ID: u16 = tag::RECEIPTED_MESSAGE_ID;
const STATE: u16 = tag::MESSAGE_STATE;
const NETWORK: u16 = tag::NETWORK_ERROR_CODE;
const PAYLOAD: u16 = tag::MESSAGE_PAYLOAD;

/// A class of its own for each, so that the rows stay short.
const fn text(text: &'static str) -> Given {
    (4, 0, text.as_bytes(), &[])
}

const fn parameters(list: &'static [(u16, &'static [u8])]) -> Given {
    (4, 0, b"", list)
}

/// The form of the specification, SMPP 3.4, appendix B.
const USUAL: &[(Given, Said)] = &[
    (
        text(
            "id:7120480 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELIVRD err:000 text:Hello",
        ),
        (&["7120480", "6ca660", "118621312"], Delivered, Some("000")),
    ),
    (
        text("id:c sub:001 dlvrd:000 submit date:2603151430 done date:2603151431 stat:EXPIRED err:001 text:"),
        (&["c", "12"], Expired, Some("001")),
    ),
    (
        text("id:c sub:001 dlvrd:000 submit date:2603151430 done date:2603151431 stat:DELETED err:001 text:"),
        (&["c", "12"], Deleted, Some("001")),
    ),
    (
        text("id:c sub:001 dlvrd:000 submit date:2603151430 done date:2603151431 stat:UNDELIV err:27F text:"),
        (&["c", "12"], Undeliverable, Some("27F")),
    ),
    (
        text("id:c sub:001 dlvrd:000 submit date:2603151430 done date:2603151431 stat:ACCEPTD err:000 text:"),
        (&["c", "12"], Accepted, Some("000")),
    ),
    (
        text("id:c sub:001 dlvrd:000 submit date:2603151430 done date:2603151431 stat:UNKNOWN err:999 text:"),
        (&["c", "12"], Unknown, Some("999")),
    ),
    (
        text("id:c sub:001 dlvrd:000 submit date:2603151430 done date:2603151431 stat:REJECTD err:069 text:"),
        (&["c", "12"], Rejected, Some("069")),
    ),
    (
        text("id:c sub:001 dlvrd:000 submit date:2603151430 done date:2603151431 stat:ENROUTE err:000 text:"),
        (&["c", "12"], Enroute, Some("000")),
    ),
];

/// Fields in another order, under other names, or not there.
const FIELDS: &[(Given, Said)] = &[
    (text("stat:DELIVRD err:000 id:zz"), (&["zz"], Delivered, Some("000"))),
    (
        text("err:12 done date:2603151431 stat:UNDELIV submit date:2603151430 id:zz"),
        (&["zz"], Undeliverable, Some("12")),
    ),
    (text("id:zz stat:DELIVRD"), (&["zz"], Delivered, None)),
    (text("id:zz err:5"), (&["zz"], Unknown, Some("5"))),
    (text("id:zz sub: dlvrd: submit date: done date: stat:DELIVRD err: text:"), (&["zz"], Delivered, None)),
    (text("id:zz submitdate:2603151430 donedate:2603151431 stat:DELIVRD err:000"), (&["zz"], Delivered, Some("000"))),
    (text("id:zz submit_date:2603151430 done_date:2603151431 stat:DELIVRD err:000"), (&["zz"], Delivered, Some("000"))),
    (
        text("ID:ZZ SUB:001 DLVRD:001 SUBMIT DATE:2603151430 DONE DATE:2603151431 STAT:DELIVRD ERR:000 TEXT:"),
        (&["zz"], Delivered, Some("000")),
    ),
    (text("Id:zz Stat:delivrd Err:0000 Text:hi"), (&["zz"], Delivered, Some("0000"))),
    (text("id: zz  stat: DELIVRD  err: 0"), (&["zz"], Delivered, Some("0"))),
    (text("id:zz,sub:001,stat:EXPIRED,err:1"), (&["zz"], Expired, Some("1"))),
    (text("id:zz;stat:EXPIRED;err:1;"), (&["zz"], Expired, Some("1"))),
    (text("id:zz\r\nstat:REJECTD\r\nerr:ABC\r\n"), (&["zz"], Rejected, Some("ABC"))),
    (text("id:zz\nsub:001\nstat:DELIVRD\0"), (&["zz"], Delivered, None)),
    (text("id:\"zz\" stat:\"DELIVRD\" err:\"0\""), (&["zz"], Delivered, Some("0"))),
    (text("id:zz mcc:262 mnc:01 price:0.05 stat:DELIVRD err:0"), (&["zz"], Delivered, Some("0"))),
    (text("id:zz stat:DELIVRD err:000 text:id:yy stat:UNDELIV err:9"), (&["zz"], Delivered, Some("000"))),
    (text("Report id:zz stat:DELIVRD"), (&["zz"], Delivered, None)),
];

/// Dates of every length, or none.
const DATES: &[(Given, Said)] = &[
    (
        text("id:zz submit date:260315143000 done date:260315143100 stat:DELIVRD err:000"),
        (&["zz"], Delivered, Some("000")),
    ),
    (
        text("id:zz submit date:20260315143000 done date:20260315143100 stat:DELIVRD err:000"),
        (&["zz"], Delivered, Some("000")),
    ),
    (text("id:zz submit date:0000000000 done date:0000000000 stat:DELIVRD err:000"), (&["zz"], Delivered, Some("000"))),
    (
        text("id:zz submit date:2026-03-15 14:30 done date:yesterday stat:DELIVRD err:000"),
        (&["zz"], Delivered, Some("000")),
    ),
    (
        text("id:zz submit date:260315143000+0100 done date:26031514310000 stat:UNDELIV err:000"),
        (&["zz"], Undeliverable, Some("000")),
    ),
];

/// Ids of every spelling.
const IDS: &[(Given, Said)] = &[
    (text("id:00B8BE19 stat:DELIVRD"), (&["b8be19", "12107289"], Delivered, None)),
    (text("id:0012107289 stat:DELIVRD"), (&["12107289", "b8be19", "303067785"], Delivered, None)),
    (text("id:000 stat:DELIVRD"), (&["0"], Delivered, None)),
    (
        text("id:0F6A3C1E-2B7D-4C8E-9F10-A1B2C3D4E5F6 stat:DELIVRD"),
        (&["0f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6", "f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6"], Delivered, None),
    ),
    (text("id:SMS_01-az.x stat:DELIVRD"), (&["sms_01-az.x"], Delivered, None)),
    (
        text("id:340282366920938463463374607431768211456 stat:DELIVRD"),
        (&["340282366920938463463374607431768211456"], Delivered, None),
    ),
    (text("id:-1 stat:DELIVRD"), (&["-1"], Delivered, None)),
    (
        text("id:{0F6A3C1E2B7D4C8E9F10A1B2C3D4E5F6} stat:DELIVRD"),
        (&["0f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6", "f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6"], Delivered, None),
    ),
    (text("id:0x2A stat:DELIVRD"), (&["2a", "42"], Delivered, None)),
    (text("id:'zz' stat:DELIVRD"), (&["zz"], Delivered, None)),
    (text("id:z z9 stat:DELIVRD"), (&["z", "zz9"], Delivered, None)),
    (parameters(&[(ID, b"  zz  \0\0"), (STATE, &[2])]), (&["zz"], Delivered, None)),
    (parameters(&[(ID, b"\0\0zz"), (STATE, &[2])]), (&["zz"], Delivered, None)),
    (parameters(&[(ID, b"\0z\0z\0y"), (STATE, &[2])]), (&["zzy"], Delivered, None)),
    (parameters(&[(ID, b"z\0z\0y\0\0\0"), (STATE, &[2])]), (&["zzy"], Delivered, None)),
];

/// Words for states that are nobody's standard.
const WORDS: &[(Given, Said)] = &[
    (text("id:zz stat:DELIVERED"), (&["zz"], Delivered, None)),
    (text("id:zz stat:0 err:000"), (&["zz"], Delivered, Some("000"))),
    (text("id:zz stat:FAILED"), (&["zz"], Undeliverable, None)),
    (text("id:zz stat:BUFFRED"), (&["zz"], Enroute, None)),
    (text("id:zz stat:BUFFERD"), (&["zz"], Enroute, None)),
    (text("id:zz stat:ACKED"), (&["zz"], Accepted, None)),
    (text("id:zz stat:SKIPPED"), (&["zz"], Skipped, None)),
    (text("id:zz stat:NONSENSE"), (&["zz"], Unknown, None)),
    (text("id:zz stat:NOT DELIVERED err:7"), (&["zz"], Undeliverable, Some("7"))),
    (text("id:zz stat:DELIVERY_FAILED err:7"), (&["zz"], Undeliverable, Some("7"))),
    (text("id:zz stat:DELIV"), (&["zz"], Delivered, None)),
    ((4, 0, b"id:zz stat:ACKED", &[(STATE, &[2])]), (&["zz"], Delivered, None)),
    ((4, 0, b"id:zz stat:DELIVRD", &[(STATE, &[0])]), (&["zz"], Delivered, None)),
    ((4, 0, b"id:zz stat:DELIVRD", &[(STATE, &[77])]), (&["zz"], Delivered, None)),
    ((4, 0, b"id:zz stat:FAILED", &[(STATE, &[7])]), (&["zz"], Undeliverable, None)),
    ((4, 0, b"id:zz stat:FAILED", &[(STATE, &[6])]), (&["zz"], Undeliverable, None)),
    ((4, 0, b"id:zz stat:WHATEVER", &[(STATE, &[5])]), (&["zz"], Undeliverable, None)),
    ((4, 0, b"id:zz stat:DELIVRD", &[(STATE, &[5])]), (&["zz"], Undeliverable, None)),
    ((4, 0, b"id:zz stat:BUFFRED", &[(STATE, &[0])]), (&["zz"], Enroute, None)),
    ((4, 0, b"id:zz stat:UNKNOWN", &[(STATE, &[0])]), (&["zz"], Scheduled, None)),
    ((0x20, 0, b"id:zz stat:DELIVRD", &[(STATE, &[1])]), (&["zz"], Enroute, None)),
    (parameters(&[(ID, b"zz\0"), (STATE, b"2")]), (&["zz"], Delivered, None)),
    (parameters(&[(ID, b"zz\0"), (STATE, b"0")]), (&["zz"], Scheduled, None)),
    (parameters(&[(ID, b"zz\0"), (STATE, b"UNDELIV")]), (&["zz"], Undeliverable, None)),
];

/// Parameters, alone and with text.
const PARAMETERS: &[(Given, Said)] = &[
    (parameters(&[(ID, b"zz\0"), (STATE, &[2])]), (&["zz"], Delivered, None)),
    (parameters(&[(ID, b"zz"), (STATE, &[5]), (NETWORK, &[3, 1, 2])]), (&["zz"], Undeliverable, Some("3:258"))),
    (parameters(&[(STATE, &[0, 8]), (ID, b"zz\0\0")]), (&["zz"], Rejected, None)),
    (parameters(&[(ID, b"zz\0"), (STATE, &[0])]), (&["zz"], Scheduled, None)),
    (parameters(&[(ID, b"zz\0"), (STATE, &[99])]), (&["zz"], Unknown, None)),
    (parameters(&[(ID, b"zz\0"), (STATE, &[])]), (&["zz"], Unknown, None)),
    (parameters(&[(ID, b"zz\0"), (PAYLOAD, b"id:yy stat:EXPIRED err:7")]), (&["zz", "yy"], Expired, Some("7"))),
    (parameters(&[(PAYLOAD, b"id:zz stat:DELIVRD err:000")]), (&["zz"], Delivered, Some("000"))),
    (
        (4, 0, b"id:yy stat:DELIVRD err:000", &[(ID, b"zz\0"), (STATE, &[3]), (NETWORK, &[3, 0, 1])]),
        (&["zz", "yy"], Expired, Some("000")),
    ),
    ((4, 0, b"some words of the carrier", &[(ID, b"zz\0"), (STATE, &[2])]), (&["zz"], Delivered, None)),
    ((0, 0, b"", &[(ID, b"zz\0"), (STATE, &[2])]), (&["zz"], Delivered, None)),
];

/// Classes and codings that receipts should not have.
const CLASSES: &[(Given, Said)] = &[
    ((0, 0, b"id:zz stat:DELIVRD err:000", &[]), (&["zz"], Delivered, Some("000"))),
    ((0x44, 0, b"id:zz stat:DELIVRD err:000", &[]), (&["zz"], Delivered, Some("000"))),
    ((0x44, 0, b"\x05\x00\x03\x01\x01\x01id:zz stat:DELIVRD err:000", &[]), (&["zz"], Delivered, Some("000"))),
    ((0x20, 0, b"id:zz stat:ENROUTE err:000", &[]), (&["zz"], Enroute, Some("000"))),
    ((0x07, 0, b"id:zz stat:DELIVRD err:000", &[]), (&["zz"], Delivered, Some("000"))),
    ((4, 1, b"id:z_z stat:DELIVRD", &[]), (&["z_z"], Delivered, None)),
    ((4, 3, b"id:zz stat:DELIVRD text:caf\xE9", &[]), (&["zz"], Delivered, None)),
    ((4, 8, b"\0i\0d\0:\0z\0z\0 \0s\0t\0a\0t\0:\0D\0E\0L\0I\0V\0R\0D", &[]), (&["zz"], Delivered, None)),
    ((4, 0, b"id:zz stat:DELIVRD text:\x00\x11\x7F", &[]), (&["zz"], Delivered, None)),
    ((4, 8, b"id:zz stat:DELIVRD err:000 text:Hello", &[]), (&["zz"], Delivered, Some("000"))),
    ((4, 4, b"id:zz stat:DELIVRD err:000", &[]), (&["zz"], Delivered, Some("000"))),
    ((4, 0xF1, b"id:z\x11z stat:DELIVRD", &[]), (&["z_z"], Delivered, None)),
    ((4, 0, b"\0i\0d\0:\0z\0z\0 \0s\0t\0a\0t\0:\0D\0E\0L\0I\0V\0R\0D", &[]), (&["zz"], Delivered, None)),
    ((4, 0, b"i\0d\0:\0z\0z\0 \0s\0t\0a\0t\0:\0D\0E\0L\0I\0V\0R\0D\0", &[]), (&["zz"], Delivered, None)),
    ((4, 3, b"\xFE\xFF\0i\0d\0:\0z\0z\0 \0s\0t\0a\0t\0:\0D\0E\0L\0I\0V\0R\0D", &[]), (&["zz"], Delivered, None)),
    ((4, 0, b"\xEF\xBB\xBFid:zz stat:DELIVRD", &[]), (&["zz"], Delivered, None)),
    ((4, 0, b"\x01\xFFid:zz\x1Cstat:DELIVRD\x1Cerr:000\x03", &[]), (&["zz"], Delivered, Some("000"))),
    // Two texts, one of them cut, and a repetition of the message before the other fields.
    (
        (4, 0, b"id:zz9 sub:001 dlv", &[(PAYLOAD, b"id:zz9 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Hello")]),
        (&["zz9"], Delivered, Some("000")),
    ),
    ((4, 0, b"id:zz", &[(PAYLOAD, b"id:zz9 stat:DELIVRD err:000")]), (&["zz9"], Delivered, Some("000"))),
    ((4, 0, b"id:zz9 stat:DELIVRD err:000 text:Hello", &[(PAYLOAD, b"id:z")]), (&["zz9"], Delivered, Some("000"))),
    ((4, 0, b"some words", &[(PAYLOAD, b"id:zz stat:DELIVRD")]), (&["zz"], Delivered, None)),
    ((4, 0, b"id:zz text:my id:yy stat:UNDELIV stat:DELIVRD err:000", &[]), (&["zz"], Delivered, Some("000"))),
    ((4, 0, b"text:my id:yy stat:UNDELIV id:zz stat:DELIVRD err:000", &[]), (&["zz"], Delivered, Some("000"))),
    ((4, 0, b"err:7 text:my id:yy stat:UNDELIV", &[(ID, b"zz"), (STATE, &[2])]), (&["zz"], Delivered, Some("7"))),
];

#[tokio::test]
async fn receipts_from_the_field_say_what_they_mean() {
    let corpus: Vec<_> = [USUAL, FIELDS, DATES, IDS, WORDS, PARAMETERS, CLASSES].concat();
    assert!(corpus.len() >= 60);
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    for (sequence, ((esm_class, data_coding, text, parameters), (keys, state, error))) in (1u32..).zip(corpus) {
        let what = format!("{} {parameters:?}", String::from_utf8_lossy(text));
        let sm = Sm {
            source: Address::new(1, 1, "18005550001"),
            destination: Address::new(1, 1, "18005559876"),
            esm_class,
            data_coding,
            short_message: text.to_vec(),
            ..Sm::default()
        };
        let mut tlvs = Tlvs::default();
        parameters.iter().for_each(|(tag, value)| tlvs.push(*tag, *value));
        session.send(&Pdu { tlvs, ..Pdu::new(sequence, Body::DeliverSm(Box::new(sm))) }).await;
        session.sync().await;
        let Some(receipt) = bench.receipt_now() else { panic!("no receipt: {what}") };
        assert_eq!(
            (receipt.keys, receipt.state, receipt.error.as_deref()),
            (keys.iter().map(|key| (*key).to_owned()).collect(), state, error),
            "{what}"
        );
        assert_eq!(
            session.next().await,
            Pdu::answer(sequence, CommandStatus::ROK, Body::DeliverSmResp(Vec::new())),
            "{what}"
        );
    }
}
