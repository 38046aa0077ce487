//! Messages of handsets that an MMSC delivers over MM7.

use std::net::SocketAddr;

use bytes::Bytes;
use carrier::mm7::config::Mm7Config;
use carrier::{Ack, Event, Inbound, InboundContent, InboundFile, InboundMms, MMS_BYTES_MAX, UnusableCounts};
use tokio::net::TcpStream;
use wire::mm7::{Address, Content, DeliverReq, Dialect, Message, Operation, Recipients, post};
use wire::mms::Part;

use crate::support::mmsc::{Line, config, listening};
use crate::support::{Bench, within};

fn nowhere() -> Mm7Config {
    config(([127, 0, 0, 1], 1).into())
}

fn part(content_type: &str, id: &str, bytes: impl Into<Bytes>) -> Part {
    Part { content_type: content_type.to_owned(), id: id.to_owned(), location: String::new(), bytes: bytes.into() }
}

/// A request with a message of a handset to two of our numbers.
fn request(parts: &[Part]) -> Vec<u8> {
    let deliver = DeliverReq {
        sender: Some(Address::Number("+12025550101".to_owned())),
        recipients: Recipients {
            to: vec![Address::ShortCode("72345".to_owned())],
            cc: vec![Address::Rfc2822("+18005551234/TYPE=PLMN@mms.ours.example".to_owned())],
            bcc: Vec::new(),
        },
        subject: Some("Holidays".to_owned()),
        content: Some(Content { id: "c".to_owned(), allow_adaptations: None }),
        ..DeliverReq::default()
    };
    let operation = Operation::DeliverReq(Box::new(deliver));
    let message = Message { dialect: Dialect::default(), transaction_id: "tx-9".to_owned(), operation };
    let post = post::write(&message, parts);
    let head = format!(
        "POST /mm7 HTTP/1.1\r\nHost: us\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        post.content_type,
        post.body.len()
    );
    [head.as_bytes(), &post.body].concat()
}

fn letter() -> Vec<Part> {
    vec![part("text/plain; charset=utf-8", "a", "Gr\u{fc}\u{df}e"), part("image/heic", "p", &b"\0\0\0\x18ftypheic"[..])]
}

async fn begin(address: SocketAddr, request: &[u8]) -> Line<TcpStream> {
    let mut line = Line::new(TcpStream::connect(address).await.unwrap());
    line.say(request).await;
    line
}

/// The status of HTTP and of MM7 that is answered.
async fn answer(line: &mut Line<TcpStream>) -> (String, u16) {
    let heard = within("an answer", line.hear()).await;
    let http = heard.start().split(' ').nth(1).unwrap().to_owned();
    match heard.message().0.operation {
        Operation::DeliverRsp(answer) => (http, answer.status.code.0),
        other => panic!("{other:?}"),
    }
}

async fn inbound(bench: &mut Bench) -> (Inbound, Ack) {
    match bench.event().await {
        Event::Inbound(inbound, ack) => (*inbound, ack),
        other => panic!("no message of a handset: {other:?}"),
    }
}

#[tokio::test]
async fn a_message_is_answered_once_it_is_on_disk() {
    let (mut bench, address) = listening(&nowhere());
    let mut line = begin(address, &request(&letter())).await;
    let (inbound, ack) = inbound(&mut bench).await;
    let texts: Vec<String> = inbound.to.iter().map(ToString::to_string).collect();
    assert_eq!(
        (inbound.from.to_string().as_str(), texts),
        ("+12025550101", vec!["72345".into(), "+18005551234".into()])
    );
    let file = InboundFile { content_type: "image/heic".to_owned(), bytes: b"\0\0\0\x18ftypheic".to_vec() };
    assert_eq!(
        inbound.content,
        InboundContent::Mms(InboundMms {
            subject: Some("Holidays".to_owned()),
            text: "Gr\u{fc}\u{df}e".to_owned(),
            files: vec![file],
        })
    );
    let id = ack.id();
    ack.accept();
    assert_eq!(answer(&mut line).await, ("200".to_owned(), 1000));
    assert!(matches!(bench.event().await, Event::Answered(answered) if answered == id));
    assert_eq!(bench.carrier.status().inbound, 1);
}

#[tokio::test]
async fn a_message_that_is_not_kept_is_to_come_again() {
    let (mut bench, address) = listening(&nowhere());
    let mut line = begin(address, &request(&letter())).await;
    drop(inbound(&mut bench).await);
    assert_eq!(answer(&mut line).await, ("503".to_owned(), 3000));
    assert!(bench.event_now().is_none());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_for_good() {
    let (mut bench, address) = listening(&nowhere());
    let large = request(&[part("video/mp4", "v", vec![7; MMS_BYTES_MAX + 1])]);
    assert_eq!(answer(&mut begin(address, &large).await).await, ("200".to_owned(), 2004));
    assert!(matches!(bench.event().await, Event::Unusable(_)));
    assert_eq!(bench.carrier.status().unusable, UnusableCounts { unreadable: 0, inbound: 1 });
}
