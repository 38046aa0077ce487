//! What is refused, and why; and that no octets make the reader panic.

use proptest::prelude::*;
use wire::mm4::{ADDRESSES_MAX, HEAD_BYTES_MAX, ID_CHARS_MAX, Mm4Error, PARTS_MAX, parse};

use super::{BYTES_MAX, forward};

const FORWARD: &str = "X-Mms-Message-Type: MM4_forward.REQ\r\nX-Mms-Transaction-ID: t\r\nX-Mms-Message-ID: m\r\nTo: \
    +12025550101/TYPE=PLMN\r\n";
const RES: &str = "X-Mms-Message-Type: MM4_forward.RES\r\n";
const REPORT: &str = "X-Mms-Message-Type: MM4_delivery_report.REQ\r\n";

#[test]
fn what_cannot_be_understood_is_refused_with_its_reason() {
    let mixed = |rest: &str| format!("{FORWARD}Content-Type: multipart/mixed; boundary=b\r\n\r\n{rest}");
    let encoded = |encoding: &str, body: &str| format!("{FORWARD}Content-Transfer-Encoding: {encoding}\r\n\r\n{body}");
    let nested: String =
        (0..6).map(|depth| format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n")).collect();
    let ends: String = (0..6).rev().map(|depth| format!("\r\n--b{depth}--\r\n")).collect();
    for (mail, error) in [
        (String::new(), Mm4Error::NotMm4),
        ("Subject: Cheap watches\r\n\r\nBuy now".to_owned(), Mm4Error::NotMm4),
        ("\r\nX-Mms-Message-Type: MM4_forward.REQ\r\n".to_owned(), Mm4Error::NotMm4),
        ("X-Mms-Message-Type: m-send-req\r\n\r\n".to_owned(), Mm4Error::UnknownType),
        ("X-Mms-Message-Type: MM4_forward.REQ\r\n\r\n".to_owned(), Mm4Error::Missing("To")),
        (FORWARD.replace("Transaction", "Other"), Mm4Error::Missing("X-Mms-Transaction-ID")),
        (FORWARD.replace("Message-ID: m", "Message-ID: \"<>\""), Mm4Error::Missing("X-Mms-Message-ID")),
        (FORWARD.replace("+12025550101", "nobody at all"), Mm4Error::Missing("To")),
        (
            FORWARD.replace("ID: t", &format!("ID: {}", "t".repeat(ID_CHARS_MAX + 1))),
            Mm4Error::TooLong("X-Mms-Transaction-ID"),
        ),
        (format!("{FORWARD}X-Long: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX)), Mm4Error::TooLong("head")),
        (format!("{FORWARD}\r\n{}", "x".repeat(BYTES_MAX)), Mm4Error::TooLong("message")),
        (format!("{FORWARD}To: {}\r\n", "12025550101,".repeat(ADDRESSES_MAX)), Mm4Error::TooMany("addresses")),
        (format!("{FORWARD}Subject: {}\r\n", "=?AA?q?".repeat(1_000)), Mm4Error::TooMany("encoded words")),
        (mixed(&format!("--b\r\nX-Long: {}\r\n\r\nx\r\n--b--", "x".repeat(HEAD_BYTES_MAX))), Mm4Error::TooLong("head")),
        (mixed(&"--b\r\n\r\nx\r\n".repeat(PARTS_MAX + 2)), Mm4Error::TooMany("parts")),
        (mixed("--b\r\n\r\nx\r\n"), Mm4Error::Body("a multipart has no end")),
        (mixed("no delimiter"), Mm4Error::Body("a multipart has no end")),
        (mixed("--b\r\n\r\nx --b--\r\n--b-- and more"), Mm4Error::Body("a multipart has no end")),
        (
            format!("{FORWARD}Content-Type: multipart/related\r\n\r\n--b--"),
            Mm4Error::Body("a multipart names no boundary"),
        ),
        (format!("{FORWARD}{nested}{ends}"), Mm4Error::Body("multiparts are nested too deep")),
        (encoded("base64", "not; base64"), Mm4Error::Body("invalid base64")),
        (encoded("quoted-printable", "=GG"), Mm4Error::Body("invalid quoted-printable")),
        (encoded("x-uuencode", "begin"), Mm4Error::Body("a part has an unknown encoding")),
        (RES.to_owned(), Mm4Error::Missing("X-Mms-Transaction-ID")),
        (format!("{RES}X-Mms-Transaction-ID: t\r\n"), Mm4Error::Missing("X-Mms-Request-Status-Code")),
        (
            format!("{RES}X-Mms-Transaction-ID: t\r\nX-Mms-Request-Status-Code:\r\n"),
            Mm4Error::Missing("X-Mms-Request-Status-Code"),
        ),
        (format!("{REPORT}X-Mms-Message-ID: m\r\n"), Mm4Error::Missing("X-Mms-MM-Status-Code")),
        (format!("{REPORT}X-Mms-Status: Retrieved\r\n"), Mm4Error::Missing("X-Mms-Message-ID")),
    ] {
        assert_eq!(parse(mail.as_bytes(), BYTES_MAX).err(), Some(error), "{mail:.200}");
    }
}

#[test]
fn nothing_breaks_out_of_a_header() {
    let evil = "a\r\nX-Mms-Ack-Request: No\r\n\r\nbody".to_owned();
    let mail = wire::mm4::ForwardReq {
        transaction_id: evil.clone(),
        message_id: evil.clone(),
        subject: Some(evil.clone()),
        version: evil,
        ..forward()
    };
    let text = String::from_utf8(mail.build()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.matches("\r\nX-Mms-Ack-Request").count(), 1, "{head}");
    assert!(head.contains("X-Mms-Ack-Request: Yes") && head.contains("multipart/related"), "{head}");
}

/// A mail that is one but for some octets.
fn almost_mails() -> impl Strategy<Value = Vec<u8>> {
    let names = vec![
        "X-Mms-Message-Type: MM4_forward.REQ",
        "X-Mms-Message-Type: MM4_forward.RES",
        "X-Mms-Message-Type: MM4_Delivery_report.REQ",
        "X-Mms-Transaction-ID: ",
        "X-Mms-Message-ID: \"",
        "To: ",
        "From: ",
        "Date: ",
        "X-Mms-Expiry: ",
        "X-Mms-Status: ",
        "X-Mms-Request-Status-Code: ",
        "Subject: =?utf-8?",
        "Subject: =?",
        "Content-Type: multipart/related; boundary=",
        "Content-Type: multipart/mixed; boundary=\"b\"",
        "Content-Type: ",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "--b",
        "--b--",
        "=\r\n--b",
        "",
        "\r\n",
        " ",
        "\t",
        "MIME-Version: 1.0",
        "X-Mms-Request-Recipients: ",
    ];
    let piece = (
        prop::sample::select(names),
        prop::collection::vec(any::<u8>(), 0..24),
        prop::sample::select(vec!["\r\n", "\n", "", "\r\n\r\n", "\r"]),
    );
    prop::collection::vec(piece, 0..24).prop_map(|pieces| {
        pieces.into_iter().flat_map(|(name, octets, end)| [name.as_bytes(), &octets, end.as_bytes()].concat()).collect()
    })
}

proptest! {
    #![proptest_config(trials::config(2_000))]

    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&octets, BYTES_MAX);
        let _ = parse(&[b"X-Mms-Message-Type: MM4_forward.REQ\r\nX-Mms-Transaction-ID: 1\r\nX-Mms-Message-ID: \
            1\r\nTo: 12345\r\n", &octets[..]].concat(), BYTES_MAX);
    }

    #[test]
    fn almost_a_mail_is_read_or_refused(mail in almost_mails()) {
        let _ = parse(&mail, BYTES_MAX);
    }

    #[test]
    fn a_mail_with_octets_changed_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut mail = forward().build();
        for (index, octet) in changes {
            let at = index.index(mail.len());
            mail[at] = octet;
        }
        let _ = parse(&mail, BYTES_MAX);
    }
}
