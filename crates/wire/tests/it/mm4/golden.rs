//! Mails as files: those that are written here, to the octet, and those of peers with their quirks.

use wire::mm4::{
    Address, Answer, DeliveryReportReq, Expiry, ForwardReq, Mm4, MmStatus, Priority, Request, RequestStatus, parse,
};
use wire::receipt::ReceiptState;

use super::{BYTES_MAX, address, forward};

/// A file of the folder, its lines as mail has them.
fn golden(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mm4").join(name);
    std::fs::read_to_string(path).unwrap().replace('\n', "\r\n").into_bytes()
}

fn read(name: &str) -> Mm4 {
    let mail = golden(name);
    let read = parse(&mail, BYTES_MAX).unwrap_or_else(|error| panic!("{name}: {error}"));
    let bare: Vec<u8> = mail.iter().copied().filter(|byte| *byte != b'\r').collect();
    // Where a part is not encoded, its own line ends are its content.
    if name != "quoted_forward_req.eml" {
        assert_eq!(parse(&bare, BYTES_MAX).as_ref(), Ok(&read), "{name} without carriage returns");
    }
    read
}

/// The message that the peers of these files speak of.
const ID: &str = "0197f3c2a1b07c3d8e9fa0b1c2d3e4f5.1@mms.ours.example";

#[test]
fn each_type_is_written_to_the_octet_as_its_file_has_it() {
    let answer = |request, status| Answer {
        message_id: Some(ID.to_owned()),
        sender: Some(address("system@mms.ours.example")),
        to: Some(address("system@mms.peer.example")),
        date: Some(1_773_585_012),
        ..Answer::new(request, "t-1".to_owned(), status)
    };
    let refused = Answer {
        status_text: Some("geht nicht: \u{fc}berf\u{fc}llt".to_owned()),
        recipients: vec![
            address("+12025550101/TYPE=PLMN@mms.ours.example"),
            address("+12025550103/TYPE=PLMN@mms.ours.example"),
        ],
        ..answer(Request::Forward, RequestStatus::ServiceDenied)
    };
    let report = DeliveryReportReq {
        from: Some(address("+12025550101/TYPE=PLMN@mms.ours.example")),
        to: Some(address("+12025550102/TYPE=PLMN@mms.peer.example")),
        sender: Some(address("system@mms.ours.example")),
        date: Some(1_773_585_012),
        ..DeliveryReportReq::new("r-1".to_owned(), ID.to_owned(), MmStatus::Retrieved)
    };
    for (name, written) in [
        ("forward_req.eml", forward().build()),
        ("forward_res.eml", answer(Request::Forward, RequestStatus::Ok).build()),
        ("forward_res_denied.eml", refused.build()),
        ("delivery_report_req.eml", report.build()),
        ("delivery_report_res.eml", answer(Request::DeliveryReport, RequestStatus::Ok).build()),
    ] {
        assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(golden(name)).unwrap(), "{name}");
    }
    assert_eq!(
        read("forward_req.eml"),
        Mm4::Forward(Box::new(ForwardReq { version: "6.10.0".to_owned(), ..forward() }))
    );
    assert_eq!(
        read("forward_res_denied.eml"),
        Mm4::Answer(Box::new(Answer { version: "6.10.0".to_owned(), ..refused }))
    );
    assert_eq!(
        read("delivery_report_req.eml"),
        Mm4::Report(Box::new(DeliveryReportReq { version: "6.10.0".to_owned(), ..report }))
    );
}

#[test]
fn quoted_ids_junk_headers_and_wrapped_parts_are_read() {
    let Mm4::Forward(read) = read("quoted_forward_req.eml") else { panic!("another type") };
    assert_eq!(
        (read.version.as_str(), read.transaction_id.as_str(), read.message_id.as_str()),
        ("5.3.0", "tr0815", "qf2345@mms.peer.example")
    );
    assert_eq!(read.subject.as_deref(), Some("Gr\u{fc}\u{df}e"));
    assert_eq!(
        (read.priority, read.expiry, read.date),
        (Some(Priority::Normal), Some(Expiry::After(86_400)), Some(1_773_585_012))
    );
    assert_eq!((read.ack_request, read.delivery_report, read.read_reply), (true, true, false));
    assert_eq!(read.to.iter().map(|to| to.digits().unwrap()).collect::<Vec<_>>(), ["12025550101", "12025550103"]);
    assert_eq!(read.answer_to().map(Address::to_string).as_deref(), Some("system@mms.peer.example"));
    let parts: Vec<_> = read
        .parts
        .iter()
        .map(|part| (part.content_type.as_str(), part.id.as_str(), part.location.as_str(), &part.bytes[..]))
        .collect();
    assert_eq!(
        parts,
        [
            ("application/smil", "0000", "", &b"<smil><body><par><text src=\"cid:text1\"/></par></body></smil>"[..]),
            (
                "text/plain; charset=utf-8",
                "text1",
                "hello.txt",
                "Gr\u{fc}\u{df}e aus der Ferne\r\n--outer of nothing".as_bytes()
            ),
            (
                "image/gif; name=dot.gif",
                "dot",
                "dot.gif",
                b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02"
            ),
        ]
    );
}

#[test]
fn a_message_of_one_part_from_a_test_client_is_read() {
    let Mm4::Forward(read) = read("test_client_forward_req.eml") else { panic!("another type") };
    assert_eq!(
        (read.version.as_str(), read.transaction_id.as_str(), read.message_id.as_str()),
        ("6.3.0", "0123456789", "abc@mms.peer.example")
    );
    assert_eq!(read.answer_to().map(Address::to_string).as_deref(), Some("mms@mms.peer.example"));
    assert_eq!(
        (read.expiry, read.is_sender_hidden, read.forward_counter),
        (Some(Expiry::At(1_773_671_412)), true, Some(2))
    );
    assert_eq!(
        (read.adaptation_allowed, read.content_class.as_deref(), read.drm_content),
        (Some(false), Some("image-basic"), Some(false))
    );
    assert_eq!(read.parts.len(), 1);
    assert_eq!((read.parts[0].id.as_str(), &read.parts[0].bytes[..]), ("picture", &b"\x89PNG\r\n\x1a\n"[..]));
}

#[test]
fn answers_are_read_as_peers_write_them() {
    let Mm4::Answer(taken) = read("forward_res_mm1_version.eml") else { panic!("another type") };
    assert_eq!(
        (taken.request, taken.version.as_str(), taken.transaction_id.as_str()),
        (Request::Forward, "1.2", "t-1")
    );
    assert_eq!((taken.message_id.as_deref(), taken.status), (Some(ID), RequestStatus::Ok));
    assert_eq!(taken.status_text.as_deref(), Some("alles gut"));
    let Mm4::Answer(refused) = read("forward_res_refused.eml") else { panic!("another type") };
    assert_eq!((refused.transaction_id.as_str(), refused.message_id.as_deref()), ("t-1", None));
    assert_eq!(
        (refused.status, refused.status_text.as_deref()),
        (RequestStatus::SendingAddressUnresolved, Some("no such subscriber"))
    );
    assert_eq!(refused.recipients, [address("+12025550101/TYPE=PLMN@mms.peer.example")]);
}

#[test]
fn reports_are_read_as_peers_write_them() {
    let Mm4::Report(retrieved) = read("delivery_report_req_capital.eml") else { panic!("another type") };
    assert_eq!((retrieved.transaction_id.as_str(), retrieved.ack_request), ("r-7", true));
    assert!(retrieved.message_id.eq_ignore_ascii_case(ID));
    assert_eq!(retrieved.status.receipt_state(), ReceiptState::Delivered);
    assert_eq!(retrieved.from.as_ref().and_then(Address::digits), Some("12025550101"));
    let answer = retrieved.answer(RequestStatus::Ok);
    assert_eq!((answer.transaction_id.as_str(), answer.to), ("r-7", Some(address("system@mms.peer.example"))));
    let Mm4::Report(rejected) = read("delivery_report_req_status.eml") else { panic!("another type") };
    assert_eq!((rejected.transaction_id.as_str(), rejected.message_id.as_str(), rejected.ack_request), ("", ID, false));
    assert_eq!((rejected.status, rejected.code.as_str()), (MmStatus::Rejected, "Rejected"));
    assert_eq!(rejected.status_extension.as_deref(), Some("Rejection-By-MMS-Recipient"));
    assert_eq!(read("read_reply_report_req.eml"), Mm4::ReadReply);
}
