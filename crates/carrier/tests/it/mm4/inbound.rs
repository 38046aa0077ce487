//! Messages of handsets that the MMSC forwards.

use bytes::Bytes;
use carrier::mm4::config::Mm4Config;
use carrier::{Ack, Event, Inbound, InboundContent, InboundFile, InboundMms, MMS_BYTES_MAX, UnusableCounts};
use model::unmatched::Reason;
use wire::mm4::{Address, ForwardReq, Request, RequestStatus};
use wire::mms::Part;

use super::mmsc::{Mmsc, begin_to_bring, bring, call};
use super::{config, settle, start};
use crate::support::Bench;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn part(content_type: &str, id: &str, bytes: impl Into<Bytes>) -> Part {
    Part { content_type: content_type.to_owned(), id: id.to_owned(), location: String::new(), bytes: bytes.into() }
}

/// A message with a picture between two texts, to two numbers and a copy.
fn forward(parts: Vec<Part>) -> ForwardReq {
    let (from, to) = (
        address("+12025550101/TYPE=PLMN@mms.peer.example"),
        vec![address("+18005551234/TYPE=PLMN@mms.ours.example"), address("12025550102/TYPE=PLMN@mms.peer.example")],
    );
    ForwardReq {
        cc: vec![address("72345/TYPE=PLMN@mms.ours.example"), address("someone@example.com")],
        subject: Some("Holidays".to_owned()),
        originator_system: Some(address("mmsc@mms.peer.example")),
        ..ForwardReq::new("t-9".to_owned(), "m-9".to_owned(), from, to, parts)
    }
}

fn letter() -> Vec<Part> {
    let smil = "<smil><body><par><text src=\"cid:a\"/><img src=\"cid:p\"/></par><par><text src=\"cid:b\"/></par>\
        </body></smil>";
    vec![
        part("application/smil", "s", smil),
        part("image/jpeg", "p", &b"\xFF\xD8\xFF.\r\n.\r\n\0"[..]),
        part("text/plain; charset=utf-8", "b", "and gone"),
        part("text/plain; charset=utf-8", "a", "Gr\u{fc}\u{df}e"),
    ]
}

async fn inbound(bench: &mut Bench) -> (Inbound, Ack) {
    match bench.event().await {
        Event::Inbound(inbound, ack) => (*inbound, ack),
        other => panic!("no message of a handset: {other:?}"),
    }
}

#[tokio::test]
async fn a_message_is_answered_once_it_is_on_disk() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let mut talk = begin_to_bring(listener, &forward(letter()).build()).await;
    let (inbound, ack) = inbound(&mut bench).await;
    let texts: Vec<String> = inbound.to.iter().map(ToString::to_string).collect();
    assert_eq!(inbound.from.to_string(), "+12025550101");
    assert_eq!(texts, ["+18005551234", "+12025550102", "72345", "someone@example.com"]);
    let picture = InboundFile { content_type: "image/jpeg".to_owned(), bytes: b"\xFF\xD8\xFF.\r\n.\r\n\0".to_vec() };
    assert_eq!(
        inbound.content,
        InboundContent::Mms(InboundMms {
            subject: Some("Holidays".to_owned()),
            text: "Gr\u{fc}\u{df}e\nand gone".to_owned(),
            files: vec![picture],
        })
    );
    settle().await;
    assert!(talk.is_silent() && !mmsc.has_connection().await);
    let id = ack.id();
    ack.accept();
    talk.hear("250").await;
    assert!(bench.event_now().is_none(), "the MMSC asked for more than SMTP's reply");
    let mut back = mmsc.greeted().await;
    let answer = back.answered().await;
    assert_eq!((answer.request, answer.status), (Request::Forward, RequestStatus::Ok));
    assert_eq!((answer.transaction_id.as_str(), answer.message_id.as_deref()), ("t-9", Some("m-9")));
    assert_eq!(answer.to.unwrap().to_string(), "mmsc@mms.peer.example");
    assert!(matches!(bench.event().await, Event::Answered(answered) if answered == id));
    assert_eq!(bench.carrier.status().inbound, 1);
}

#[tokio::test]
async fn a_message_that_asks_for_no_answer_has_it_with_the_reply() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let quiet = ForwardReq { ack_request: false, ..forward(letter()) };
    let mut talk = begin_to_bring(listener, &quiet.build()).await;
    let (_, ack) = inbound(&mut bench).await;
    let id = ack.id();
    ack.accept();
    talk.hear("250").await;
    assert!(matches!(bench.event().await, Event::Answered(answered) if answered == id));
    settle().await;
    assert!(!mmsc.has_connection().await);
}

#[tokio::test]
async fn a_message_that_is_not_kept_is_to_come_again() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let mut talk = begin_to_bring(listener, &forward(letter()).build()).await;
    drop(inbound(&mut bench).await);
    talk.hear("451").await;
    settle().await;
    assert!(!mmsc.has_connection().await && bench.event_now().is_none());
}

#[tokio::test]
async fn a_handset_that_only_the_envelope_names_is_a_recipient() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let mut talk = call(listener).await;
    talk.hear("220 ").await;
    for command in [
        "HELO mms.peer.example",
        "MAIL FROM:<system@mms.peer.example>",
        "RCPT TO:<+18005551234/TYPE=PLMN@mms.ours.example>",
        "RCPT TO:<+18005559999/TYPE=PLMN@mms.ours.example>",
        "RCPT TO:<system@mms.ours.example>",
    ] {
        talk.say(command).await;
        talk.hear("250").await;
    }
    talk.say("DATA").await;
    talk.hear("354").await;
    talk.write(&ForwardReq { cc: Vec::new(), ..forward(letter()) }.build()).await;
    talk.write(b"\r\n.\r\n").await;
    let (inbound, ack) = inbound(&mut bench).await;
    let texts: Vec<String> = inbound.to.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["+18005551234", "+12025550102", "+18005559999"]);
    ack.accept();
    talk.hear("250").await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_for_good() {
    let mmsc = Mmsc::start().await;
    let (mut bench, listener) = start(config(&mmsc));
    let large = forward(vec![part("video/mp4", "v", vec![7; MMS_BYTES_MAX + 1])]);
    assert_eq!(bring(listener, &ForwardReq { ack_request: false, ..large.clone() }.build()).await, 552);
    assert_eq!(bring(listener, &large.build()).await, 250);
    let answer = mmsc.greeted().await.answered().await;
    assert_eq!(answer.status, RequestStatus::ContentNotAccepted);
    for _ in 0..2 {
        let Some(Event::Unusable(unusable)) = bench.event_now() else { panic!("the operator sees nothing of it") };
        assert!(unusable.reason == Reason::Inbound && unusable.raw.contains("MM4_forward.REQ"), "{unusable:?}");
    }
    assert_eq!(bench.carrier.status().unusable, UnusableCounts { unreadable: 0, inbound: 2 });
}

#[tokio::test]
async fn a_mail_that_is_longer_than_any_is_counted() {
    let mmsc = Mmsc::start().await;
    let (bench, listener) = start(Mm4Config { listen_bytes_max: 10_000, ..config(&mmsc) });
    assert_eq!(bring(listener, &b"x\r\n".repeat(5_000)).await, 552);
    assert_eq!(bench.carrier.status().unusable, UnusableCounts { unreadable: 0, inbound: 1 });
}
