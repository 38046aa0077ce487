//! MM7 as we write it, letter for letter, and as peers write it.
//!
//! `golden/mm7` holds what is written here: the `Content-Type` of an HTTP message and its body. `golden/mm7/peers`
//! holds what others write, with their oddities. `WRITE_GOLDEN=1` writes the former anew, to be read before they are
//! believed.

use std::path::PathBuf;

use bytes::Bytes;
use wire::mm7::{
    Address, Content, DeliverReq, DeliverRsp, DeliveryReportReq, Dialect, Fault, FaultKind, Malformed, Message,
    MmStatus, NAMESPACE_ROOT, Operation, Recipients, Status, StatusCode, SubmitReq, SubmitRsp, post,
};
use wire::mms::{self, Attachment, Part};
use wire::receipt::ReceiptState;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mm7").join(name)
}

/// The media type and the body of a file; an envelope alone has no media type.
fn peers(name: &str) -> (Option<String>, Vec<u8>) {
    let octets = std::fs::read(file(&format!("peers/{name}"))).unwrap();
    let Some(rest) = octets.strip_prefix(b"Content-Type: ") else { return (None, octets) };
    let end = rest.iter().position(|octet| *octet == b'\n').unwrap();
    (Some(String::from_utf8(rest[..end].to_vec()).unwrap().trim().to_owned()), rest[end + 1..].to_vec())
}

fn read(name: &str) -> (Message, Vec<Part>) {
    let (content_type, body) = peers(name);
    post::read(content_type.as_deref(), &body).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn number(digits: &str) -> Address {
    Address::Number(format!("+{digits}"))
}

fn parts() -> Vec<Part> {
    let media = Bytes::from_static(b"\x89PNG\r\n\x1A\n\0\0--=_mm7.content\r\n");
    mms::parts(
        Some("Grüße\r\n--=_mm7.content--\r\n"),
        Some(Attachment { content_type: "image/png", extension: "png", bytes: &media }),
    )
}

fn submit_req() -> SubmitReq {
    SubmitReq {
        vasp_id: Some("TNN".to_owned()),
        vas_id: Some("News".to_owned()),
        sender_address: Some(number("12025550100")),
        recipients: Recipients {
            to: vec![number("12025550101")],
            cc: vec![Address::Rfc2822("a@example.net".to_owned())],
            bcc: vec![],
        },
        service_code: Some("gold-sp33-im42".to_owned()),
        linked_id: Some("mms00016666".to_owned()),
        message_class: Some("Informational".to_owned()),
        time_stamp: Some("2026-03-15T14:30:12Z".to_owned()),
        earliest_delivery_time: Some("2026-03-15T15:30:12Z".to_owned()),
        expiry_date: Some("P1D".to_owned()),
        delivery_report: Some(true),
        read_reply: Some(false),
        priority: Some("Normal".to_owned()),
        subject: Some("News & <weather>".to_owned()),
        charged_party: Some("Sender".to_owned()),
        distribution_indicator: Some(false),
        content: Some(Content { id: "content".to_owned(), allow_adaptations: Some(true) }),
    }
}

/// One message of each operation, with what travels beside it, and the file that it is written as.
fn messages() -> Vec<(&'static str, Message, Vec<Part>)> {
    let plain = Dialect::default();
    let prefixed =
        Dialect { namespace: format!("{NAMESPACE_ROOT}REL-6-MM7-1-4"), version: "6.8.0".to_owned(), prefixed: true };
    let message = |dialect: &Dialect, operation| Message {
        dialect: dialect.clone(),
        transaction_id: "tx-1".to_owned(),
        operation,
    };
    let refused = Status { details: Some("+12025550101".to_owned()), ..Status::new(StatusCode::ADDRESS_NOT_FOUND) };
    let submitted = SubmitRsp { status: Status::new(StatusCode::SUCCESS), message_id: Some("m-1".to_owned()) };
    let delivered = DeliverReq {
        relay_server_id: Some("mmsc-1".to_owned()),
        linked_id: Some("link-1".to_owned()),
        sender: Some(number("12025550101")),
        recipients: Recipients { to: vec![Address::ShortCode("23355".to_owned())], ..Recipients::default() },
        time_stamp: Some("2026-03-15T14:30:12Z".to_owned()),
        priority: Some("Normal".to_owned()),
        subject: Some("Re: News".to_owned()),
        content: Some(Content { id: "content".to_owned(), allow_adaptations: None }),
    };
    let report = DeliveryReportReq {
        relay_server_id: Some("mmsc-1".to_owned()),
        message_id: "m-1".to_owned(),
        recipient: Some(number("12025550101")),
        sender: Some(number("12025550100")),
        date: Some("2026-03-15T14:31:12Z".to_owned()),
        mm_status: MmStatus::Retrieved,
        status_text: None,
    };
    let taken = DeliverRsp { status: Status::new(StatusCode::SUCCESS), service_code: None };
    vec![
        ("submit-req.http", message(&plain, Operation::SubmitReq(Box::new(submit_req()))), parts()),
        ("submit-req-prefixed.http", message(&prefixed, Operation::SubmitReq(Box::new(submit_req()))), parts()),
        ("submit-rsp.http", message(&plain, Operation::SubmitRsp(submitted)), vec![]),
        (
            "submit-rsp-refused.http",
            message(&prefixed, Operation::SubmitRsp(SubmitRsp { status: refused.clone(), message_id: None })),
            vec![],
        ),
        ("rs-error-rsp.http", message(&plain, Operation::Fault(Fault::new(FaultKind::RelayServer, refused))), vec![]),
        (
            "vasp-error-rsp.http",
            message(&prefixed, Operation::Fault(Fault::new(FaultKind::Vasp, Status::new(StatusCode::SERVER_ERROR)))),
            vec![],
        ),
        ("deliver-req.http", message(&plain, Operation::DeliverReq(Box::new(delivered))), parts()),
        ("deliver-rsp.http", message(&plain, Operation::DeliverRsp(taken)), vec![]),
        ("delivery-report-req.http", message(&plain, Operation::DeliveryReportReq(Box::new(report))), vec![]),
        (
            "delivery-report-rsp.http",
            message(&prefixed, Operation::DeliveryReportRsp(Status::new(StatusCode::SUCCESS))),
            vec![],
        ),
    ]
}

#[test]
fn every_operation_is_written_letter_for_letter_and_reads_back() {
    for (name, message, parts) in messages() {
        let post = post::write(&message, &parts);
        let written = [format!("Content-Type: {}\r\n\r\n", post.content_type).as_bytes(), &post.body].concat();
        if std::env::var_os("WRITE_GOLDEN").is_some() {
            std::fs::write(file(name), &written).unwrap();
        }
        let golden = std::fs::read(file(name)).unwrap();
        assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&golden), "{name}");
        assert_eq!(post::read(Some(&post.content_type), &post.body), Ok((message, parts)), "{name}");
    }
}

#[test]
fn answers_of_peers_are_understood_in_every_dialect() {
    for (name, code, message_id) in [
        ("submit-rsp-prefixed.xml", 1000, Some("041502073667")),
        ("submit-rsp-children-without-namespace.xml", 2101, Some("y_r2P9")),
        ("submit-rsp-declares-utf-16.xml", 1100, Some("m-1")),
        ("submit-rsp-bare.xml", 4006, None),
        ("submit-rsp-id-alone.xml", 1000, Some("m-2")),
        ("submit-rsp-in-multipart.http", 1000, Some("m-3")),
    ] {
        let (message, _) = read(name);
        let Operation::SubmitRsp(answer) = message.operation else { panic!("{name}: {:?}", message.operation) };
        assert_eq!((answer.status.code.0, answer.message_id.as_deref()), (code, message_id), "{name}");
    }
}

#[test]
fn faults_of_peers_come_down_to_a_status() {
    for (name, kind, fault_code, code) in [
        ("fault-prefixed-code.xml", Some(FaultKind::RelayServer), "Client", 4004),
        ("fault-of-soap-alone.xml", None, "Server", 3000),
        ("fault-of-soap-1-2.xml", None, "Sender", 2000),
        ("error-without-fault.xml", Some(FaultKind::RelayServer), "", 4001),
    ] {
        let (message, _) = read(name);
        let Operation::Fault(fault) = message.operation else { panic!("{name}: {:?}", message.operation) };
        assert_eq!((fault.kind, fault.fault_code.as_str(), fault.code().0), (kind, fault_code, code), "{name}");
    }
}

#[test]
fn reports_of_peers_name_the_message_and_its_recipient() {
    for (name, id, recipient, state, release) in [
        (
            "delivery-report-req-short-code.xml",
            "23316115@mmsc1",
            "12025550101",
            ReceiptState::Delivered,
            "REL-5-MM7-1-0",
        ),
        ("delivery-report-req-time-stamp.xml", "m-1", "12025550101", ReceiptState::Undeliverable, "REL-5-MM7-1-3"),
    ] {
        let (message, _) = read(name);
        let Operation::DeliveryReportReq(report) = message.operation else { panic!("{name}: {:?}", message.operation) };
        assert_eq!((report.message_id.as_str(), report.mm_status.receipt_state()), (id, state), "{name}");
        assert_eq!(report.recipient.unwrap().digits().as_deref(), Some(recipient), "{name}");
        assert!(report.date.is_some(), "{name}");
        assert_eq!(message.dialect.namespace, format!("{NAMESPACE_ROOT}{release}"), "{name}");
    }
}

#[test]
fn content_is_found_though_its_id_does_not_fit() {
    let (message, parts) = read("deliver-req-ids-do-not-fit.http");
    let Operation::DeliverReq(request) = message.operation else { panic!("{:?}", message.operation) };
    assert_eq!(request.sender.unwrap().digits().as_deref(), Some("12025550101"));
    assert_eq!((message.transaction_id.as_str(), message.dialect.version.as_str()), ("vas00324-dem", "5.6.0"));
    let parts: Vec<_> = parts.iter().map(|part| (part.id.as_str(), part.location.as_str(), &part.bytes[..])).collect();
    assert_eq!(parts, [("text-1", "", &b"How is it?"[..]), ("image-1", "sun.gif", &b"GIF89a\x01\0\x01\0\0\0\0,"[..])]);
}

#[test]
fn an_envelope_is_found_wherever_it_is() {
    let envelope = "<Envelope><Body><DeliverReq><Content href=\"cid:c\"/></DeliverReq></Body></Envelope>";
    let two = |first: &str, second: &str| format!("--b\r\n{first}\r\n--b\r\n{second}\r\n--b--");
    let root = |header: &str| format!("{header}\r\n\r\n{envelope}");
    for (what, content_type, body, ids) in [
        ("no type at all", None, envelope.to_owned(), &[][..]),
        ("a type that is wrong", Some("application/octet-stream"), envelope.to_owned(), &[]),
        ("a multipart that is none", Some("multipart/related; boundary=b"), envelope.to_owned(), &[]),
        (
            "a multipart that does not say so",
            None,
            two(&root("Content-Type: text/xml"), "Content-ID: c\r\n\r\nx"),
            &["c"],
        ),
        (
            "the root that is named comes last",
            Some("multipart/related; boundary=b; start=r"),
            two("Content-ID: c\r\n\r\nx", &root("Content-ID: <r>")),
            &["c"],
        ),
        (
            "a root of another name",
            Some("multipart/related; boundary=b; start=\"<r>\""),
            two("\r\nx", &root("Content-ID: <q>")),
            &[""],
        ),
        (
            "the root that is named is no envelope",
            Some("multipart/related; boundary=b; start=c"),
            two("Content-ID: c\r\n\r\nx", &root("X: y")),
            &["c"],
        ),
    ] {
        let (message, parts) =
            post::read(content_type, body.as_bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(matches!(message.operation, Operation::DeliverReq(_)), "{what}");
        assert_eq!(parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ids, "{what}");
    }
}

#[test]
fn what_is_named_comes_first_and_nothing_is_left_out() {
    let body = "--b\r\n\r\n<Envelope><Body><SubmitReq><Content \
        href='cid:&lt;smil>'/></SubmitReq></Body></Envelope>\r\n--b\r\nContent-ID: \
        <i>\r\n\r\nimage\r\n--b\r\nContent-ID: smil\r\n\r\n<smil/>\r\n--b--";
    let (_, parts) = post::read(Some("multipart/related; boundary=b"), body.as_bytes()).unwrap();
    assert_eq!(parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["smil", "i"]);
}

#[test]
fn what_is_no_message_is_refused_with_a_status() {
    let in_body = |operation: &str| format!("<Envelope><Body>{operation}</Body></Envelope>");
    for (what, content_type, body, error, status) in [
        ("nothing", "text/xml", String::new(), Malformed::Blank, 2007),
        ("blanks", "text/xml", "\r\n \t".to_owned(), Malformed::Blank, 2007),
        (
            "a page",
            "text/html",
            "<html><body><h1>It works!</h1></body></html>".to_owned(),
            Malformed::Missing("Envelope"),
            4004,
        ),
        ("an empty envelope", "text/xml", "<Envelope/>".to_owned(), Malformed::Missing("Body"), 4004),
        ("an empty body", "text/xml", in_body(""), Malformed::Missing("Body"), 4004),
        ("an answer without a status", "text/xml", in_body("<SubmitRsp/>"), Malformed::Missing("StatusCode"), 4004),
        (
            "a status of words",
            "text/xml",
            in_body("<SubmitRsp><StatusCode>fine</StatusCode></SubmitRsp>"),
            Malformed::Missing("StatusCode"),
            4004,
        ),
        (
            "a report without an id",
            "text/xml",
            in_body("<DeliveryReportReq><MMStatus>Retrieved</MMStatus></DeliveryReportReq>"),
            Malformed::Missing("MessageID"),
            4004,
        ),
        (
            "a report of nothing",
            "text/xml",
            in_body("<DeliveryReportReq><MessageID>1</MessageID></DeliveryReportReq>"),
            Malformed::Missing("MMStatus"),
            4004,
        ),
        (
            "a document type",
            "text/xml",
            format!("<!DOCTYPE x>{}", in_body("<SubmitRsp/>")),
            Malformed::DocumentType,
            2007,
        ),
        ("a multipart of no part", "multipart/related; boundary=b", "hello".to_owned(), Malformed::NoEnvelope, 2007),
        (
            "a multipart of no envelope",
            "multipart/related; boundary=b",
            "--b\r\n\r\nhello\r\n--b--".to_owned(),
            Malformed::NoEnvelope,
            2007,
        ),
    ] {
        let found = post::read(Some(content_type), body.as_bytes()).unwrap_err();
        assert_eq!((&found, found.status().0), (&error, status), "{what}");
    }
    for (what, body) in [
        ("an envelope cut short", "<Envelope><Body>"),
        ("words", "OK"),
        ("an entity of its own", "<Envelope>&x;</Envelope>"),
    ] {
        assert!(matches!(post::read(None, body.as_bytes()), Err(Malformed::Xml(_))), "{what}");
    }
}

#[test]
fn an_operation_that_nobody_here_knows_is_named() {
    for name in ["CancelReq", "ReadReplyReq", "ReplaceRsp"] {
        let body = format!("<e:Envelope xmlns:e='e'><e:Body><m:{name} xmlns:m='m'/></e:Body></e:Envelope>");
        assert_eq!(post::read(None, body.as_bytes()).unwrap().0.operation, Operation::Other(name.to_owned()));
    }
}
