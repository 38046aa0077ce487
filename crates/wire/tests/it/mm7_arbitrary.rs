//! MM7 of any content: what is written is read as the same, and whatever is read, nothing breaks.

use bytes::Bytes;
use proptest::prelude::*;
use wire::mm7::{
    Address, Content, DeliverReq, DeliverRsp, DeliveryReportReq, Dialect, Fault, FaultKind, Message, MmStatus,
    Operation, Recipients, Status, StatusCode, SubmitReq, SubmitRsp, post,
};
use wire::mms::Part;

/// A text that an element can have: something, no blanks around it, and nothing that XML has no sign for.
fn text() -> impl Strategy<Value = String> {
    "[^\\p{C}\\s\u{FFFE}\u{FFFF}]([^\\p{C}\u{FFFE}\u{FFFF}]{0,20}[^\\p{C}\\s\u{FFFE}\u{FFFF}])?"
}

fn maybe_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text())
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        text().prop_map(Address::Number),
        text().prop_map(Address::ShortCode),
        text().prop_map(Address::Rfc2822)
    ]
}

fn recipients() -> impl Strategy<Value = Recipients> {
    let list = || prop::collection::vec(address(), 0..3);
    (list(), list(), list()).prop_map(|(to, cc, bcc)| Recipients { to, cc, bcc })
}

fn content() -> impl Strategy<Value = Option<Content>> {
    prop::option::of(
        ("[a-zA-Z0-9._@/-]{1,20}", any::<Option<bool>>())
            .prop_map(|(id, allow_adaptations)| Content { id, allow_adaptations }),
    )
}

fn status() -> impl Strategy<Value = Status> {
    (any::<u16>(), maybe_text(), maybe_text()).prop_map(|(code, text, details)| Status {
        code: StatusCode(code),
        text: text.unwrap_or_default(),
        details,
    })
}

fn submit_req() -> impl Strategy<Value = SubmitReq> {
    let texts = prop::collection::vec(maybe_text(), 11);
    (texts, any::<[Option<bool>; 3]>(), prop::option::of(address()), recipients(), content()).prop_map(
        |(mut texts, flags, sender_address, recipients, content)| {
            let mut next = || texts.pop().flatten();
            SubmitReq {
                vasp_id: next(),
                vas_id: next(),
                sender_address,
                recipients,
                service_code: next(),
                linked_id: next(),
                message_class: next(),
                time_stamp: next(),
                earliest_delivery_time: next(),
                expiry_date: next(),
                delivery_report: flags[0],
                read_reply: flags[1],
                priority: next(),
                subject: next(),
                charged_party: next(),
                distribution_indicator: flags[2],
                content,
            }
        },
    )
}

fn deliver_req() -> impl Strategy<Value = DeliverReq> {
    let texts = prop::collection::vec(maybe_text(), 5);
    (texts, prop::option::of(address()), recipients(), content()).prop_map(
        |(mut texts, sender, recipients, content)| {
            let mut next = || texts.pop().flatten();
            DeliverReq {
                relay_server_id: next(),
                linked_id: next(),
                sender,
                recipients,
                time_stamp: next(),
                priority: next(),
                subject: next(),
                content,
            }
        },
    )
}

fn delivery_report_req() -> impl Strategy<Value = DeliveryReportReq> {
    let mm_status = prop_oneof![prop::sample::select(MmStatus::NAMED), text().prop_map(|word| MmStatus::parse(&word))];
    (
        text(),
        prop::collection::vec(maybe_text(), 3),
        prop::option::of(address()),
        prop::option::of(address()),
        mm_status,
    )
        .prop_map(|(message_id, mut texts, recipient, sender, mm_status)| {
            let mut next = || texts.pop().flatten();
            DeliveryReportReq {
                relay_server_id: next(),
                message_id,
                recipient,
                sender,
                date: next(),
                mm_status,
                status_text: next(),
            }
        })
}

fn operation() -> impl Strategy<Value = Operation> {
    let kind = prop::sample::select(vec![FaultKind::RelayServer, FaultKind::Vasp]);
    prop_oneof![
        submit_req().prop_map(|request| Operation::SubmitReq(Box::new(request))),
        (status(), maybe_text())
            .prop_map(|(status, message_id)| Operation::SubmitRsp(SubmitRsp { status, message_id })),
        deliver_req().prop_map(|request| Operation::DeliverReq(Box::new(request))),
        (status(), maybe_text())
            .prop_map(|(status, service_code)| Operation::DeliverRsp(DeliverRsp { status, service_code })),
        delivery_report_req().prop_map(|request| Operation::DeliveryReportReq(Box::new(request))),
        status().prop_map(Operation::DeliveryReportRsp),
        (kind, status()).prop_map(|(kind, status)| Operation::Fault(Fault::new(kind, status))),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let dialect = (text(), text(), any::<bool>()).prop_map(|(namespace, version, prefixed)| Dialect {
        namespace,
        version,
        prefixed,
    });
    (dialect, text(), operation()).prop_map(|(dialect, transaction_id, operation)| Message {
        dialect,
        transaction_id,
        operation,
    })
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let content_type = prop::sample::select(vec![
        "application/smil",
        "text/plain; charset=utf-8",
        "text/vcard",
        "image/png",
        "application/pdf",
        "video/mp4",
    ]);
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::sample::select(vec![
            "--=_mm7.content",
            "\r\n--=_mm7.content--\r\n",
            "=_mm7.envelope",
            "<a/>\n",
            "--\r\n"
        ])
        .prop_map(|text| text.as_bytes().to_vec())
    ];
    let part = (content_type, "[a-zA-Z0-9._-]{1,12}", "[a-z]{1,8}\\.[a-z]{3}", bytes).prop_map(
        |(content_type, id, location, bytes)| Part {
            content_type: content_type.to_owned(),
            id,
            location,
            bytes: Bytes::from(bytes),
        },
    );
    prop::collection::vec(part, 0..5)
}

/// What is nearly a body: pieces of what bodies are made of, in any order.
fn almost_bodies() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "--b",
        "--",
        "\r\n",
        "\n",
        "\r\n\r\n",
        "Content-Type: ",
        "text/xml",
        "multipart/related; boundary=b",
        "multipart/mixed; boundary=\"b\\",
        "Content-ID: <c>",
        "Content-Transfer-Encoding: base64",
        "<Envelope>",
        "</Envelope>",
        "<Body>",
        "</Body>",
        "<SubmitRsp>",
        "<StatusCode>1000</StatusCode>",
        "</SubmitRsp>",
        "<Fault>",
        "<Content href='cid:é'/>",
        "<a:b xmlns:a='",
        "'>",
        "&#0;",
        "&amp;",
        "&#x110000;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?",
        "?>",
        "=C3=",
        "é",
        "\0",
        "\u{FEFF}",
    ]);
    let piece = prop_oneof![
        8 => pieces.prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn a_message_and_its_content_are_read_as_they_were_written(message in message(), parts in parts()) {
        let post = post::write(&message, &parts);
        prop_assert_eq!(post::read(Some(&post.content_type), &post.body), Ok((message, parts)));
    }

    #[test]
    fn a_body_is_read_though_its_type_is_lost(message in message(), parts in parts()) {
        let post = post::write(&message, &parts);
        let (read, content) = post::read(None, &post.body).unwrap();
        prop_assert_eq!((read, content.len()), (message, parts.len()));
    }

    #[test]
    fn text_of_any_characters_makes_an_envelope_that_is_read(text: String) {
        let operation = Operation::SubmitReq(Box::new(SubmitReq {
            subject: Some(text.clone()),
            vasp_id: Some(text.clone()),
            ..SubmitReq::default()
        }));
        let dialect = Dialect { version: text.clone(), ..Dialect::default() };
        let post = post::write(&Message { dialect, transaction_id: text, operation }, &[]);
        prop_assert!(post::read(Some(&post.content_type), &post.body).is_ok());
    }
}

proptest! {
    #![proptest_config(trials::config(2_000))]

    #[test]
    fn almost_a_body_is_read_or_refused(content_type: Option<String>, body in almost_bodies()) {
        for content_type in [content_type.as_deref(), Some("multipart/related; boundary=b"), Some("text/xml"), None] {
            if let Ok((message, parts)) = post::read(content_type, &body) {
                // What was taken leniently is written soundly.
                let post = post::write(&message, &parts);
                prop_assert!(
                    matches!(message.operation, Operation::Other(_))
                        || post::read(Some(&post.content_type), &post.body).is_ok()
                );
            }
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(content_type: Option<String>, body: Vec<u8>) {
        let _ = post::read(content_type.as_deref(), &body);
        let _ = post::read(Some("multipart/related; boundary=b"), &body);
    }

    #[test]
    fn a_body_cut_short_is_never_a_panic(message in message(), parts in parts(), cut in any::<prop::sample::Index>()) {
        let post = post::write(&message, &parts);
        let _ = post::read(Some(&post.content_type), &post.body[..cut.index(post.body.len())]);
    }
}
