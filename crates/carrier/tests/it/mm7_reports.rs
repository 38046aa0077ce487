//! What an MMSC reports to our listener, and what it is answered.

use std::net::SocketAddr;
use std::time::Duration;

use carrier::keys::Secret;
use carrier::mm7::config::Mm7Config;
use carrier::{Event, ReceiptState, RefusedConnections, UnusableCounts};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use wire::mm7::{
    Address, DeliveryReportReq, Dialect, Message, MmStatus, NAMESPACE_ROOT, Operation, StatusCode, SubmitReq, post,
};

use crate::support::mmsc::{Heard, Line, Mmsc, config, listening, picture, submit_rsp};
use crate::support::{Bench, skip, supervisor, within};

/// The URL is never used here.
fn nowhere() -> Mm7Config {
    config(([127, 0, 0, 1], 1).into())
}

fn report(message_id: &str, mm_status: MmStatus) -> Operation {
    Operation::DeliveryReportReq(Box::new(DeliveryReportReq {
        relay_server_id: None,
        message_id: message_id.to_owned(),
        recipient: Some(Address::Number("+18005550001".to_owned())),
        sender: Some(Address::Number("+18005559876".to_owned())),
        date: None,
        mm_status,
        status_text: None,
    }))
}

/// A request, as an MMSC of another release than ours writes it.
fn request(operation: Operation) -> Vec<u8> {
    let dialect =
        Dialect { namespace: format!("{NAMESPACE_ROOT}REL-6-MM7-1-4"), version: "6.8.0".to_owned(), prefixed: true };
    let post = post::write(&Message { dialect, transaction_id: "tx-9".to_owned(), operation }, &[]);
    posted("POST /mm7 HTTP/1.1\r\nHost: us\r\n", &post.content_type, &post.body)
}

fn posted(head: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    [format!("{head}Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

async fn connect(address: SocketAddr) -> Line<TcpStream> {
    Line::new(TcpStream::connect(address).await.unwrap())
}

/// The same from an address of this machine.
async fn connect_from(from: [u8; 4], address: SocketAddr) -> Line<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    Line::new(socket.connect(address).await.unwrap())
}

/// The answer to a request once a connection that ends has left its place.
async fn answer_when_there_is_room(address: SocketAddr, request: &[u8]) -> Heard {
    for _ in 0..100 {
        let heard = answer(address, request).await;
        if heard.start() != "HTTP/1.1 503 Service Unavailable" {
            return heard;
        }
        tokio::task::yield_now().await;
    }
    panic!("there is no room");
}

/// What is answered to a request on a connection of its own.
async fn answer(address: SocketAddr, request: &[u8]) -> Heard {
    let mut line = connect(address).await;
    line.say(request).await;
    line.hear().await
}

fn code(heard: &Heard) -> (String, u16) {
    let http = heard.start().split(' ').nth(1).unwrap().to_owned();
    let code = match heard.message().0.operation {
        Operation::DeliveryReportRsp(status) => status.code,
        Operation::DeliverRsp(answer) => answer.status.code,
        Operation::Fault(fault) => fault.code(),
        other => panic!("{other:?}"),
    };
    (http, code.0)
}

#[tokio::test]
async fn a_report_is_answered_once_it_is_on_disk() {
    let (mut bench, address) = listening(&nowhere());
    let mut line = connect(address).await;
    line.say(request(report("00AB12", MmStatus::Retrieved))).await;
    let (receipt, ack) = bench.receipt().await;
    assert_eq!(
        (receipt.keys, receipt.addresses, receipt.state),
        (vec!["ab12".to_owned()], vec!["18005550001".to_owned()], ReceiptState::Delivered)
    );
    assert_eq!((receipt.raw_id.as_str(), receipt.error), ("00AB12", None));
    ack.accept();
    let heard = line.hear().await;
    assert_eq!(code(&heard), ("200".to_owned(), 1000));
    // In its own dialect, and under its own transaction.
    let (message, _) = heard.message();
    assert_eq!(
        (message.transaction_id.as_str(), message.dialect.version.as_str(), message.dialect.prefixed),
        ("tx-9", "6.8.0", true)
    );
    assert_eq!(bench.carrier.status().receipts, 1);
}

#[tokio::test]
async fn every_status_of_a_report_is_told() {
    let (mut bench, address) = listening(&nowhere());
    let mut line = connect(address).await;
    for (mm_status, state) in [
        (MmStatus::Expired, ReceiptState::Expired),
        (MmStatus::Rejected, ReceiptState::Rejected),
        (MmStatus::Indeterminate, ReceiptState::Unknown),
        (MmStatus::Forwarded, ReceiptState::Accepted),
        (MmStatus::Deferred, ReceiptState::Enroute),
        (MmStatus::Unreachable, ReceiptState::Undeliverable),
    ] {
        line.say(request(report("m-1", mm_status.clone()))).await;
        let (receipt, ack) = bench.receipt().await;
        assert_eq!((receipt.state, receipt.error.as_deref()), (state, Some(mm_status.as_str())));
        ack.accept();
        assert_eq!(code(&line.hear().await), ("200".to_owned(), 1000));
    }
}

#[tokio::test]
async fn a_report_that_is_not_on_disk_is_asked_for_again() {
    let (mut bench, address) = listening(&nowhere());
    let mut line = connect(address).await;
    line.say(request(report("m-1", MmStatus::Retrieved))).await;
    drop(bench.receipt().await);
    let heard = line.hear().await;
    assert_eq!((code(&heard), heard.header("retry-after")), (("503".to_owned(), 4006), Some("30")));

    line.say(request(report("m-1", MmStatus::Retrieved))).await;
    let (_, held) = bench.receipt().await;
    skip(Duration::from_secs(30)).await;
    assert_eq!(code(&line.hear().await), ("503".to_owned(), 4006));
    drop(held);

    // Sent again, it is told again, and taken.
    line.say(request(report("m-1", MmStatus::Retrieved))).await;
    bench.receipt().await.1.accept();
    assert_eq!(code(&line.hear().await), ("200".to_owned(), 1000));
}

#[tokio::test]
async fn reports_that_are_repeated_are_told_and_answered_each_time() {
    let (mut bench, address) = listening(&nowhere());
    let (mut first, mut second) = (connect(address).await, connect(address).await);
    for line in [&mut first, &mut second] {
        line.say(request(report("m-1", MmStatus::Retrieved))).await;
    }
    let (one, two) = (bench.receipt().await, bench.receipt().await);
    assert_eq!(one.0, two.0);
    one.1.accept();
    two.1.accept();
    for line in [&mut first, &mut second] {
        assert_eq!(code(&line.hear().await), ("200".to_owned(), 1000));
    }
}

#[tokio::test]
async fn a_report_may_come_before_the_answer_to_the_submission() {
    let mmsc = Mmsc::start().await;
    let (mut bench, address) = listening(&config(mmsc.address()));
    bench.submit(picture(1, 100)).await;
    let mut submission = mmsc.accept().await;
    submission.hear().await;
    let mut line = connect(address).await;
    line.say(request(report("m-1", MmStatus::Retrieved))).await;
    let Event::Receipt(receipt, ack) = bench.event().await else { panic!("no receipt") };
    ack.accept();
    assert_eq!(code(&line.hear().await), ("200".to_owned(), 1000));
    submission.say(submit_rsp(1000, Some("M-1"))).await;
    let Event::Outcome(outcome) = bench.event().await else { panic!("no outcome") };
    let carrier::SegmentOutcome::Accepted { carrier_id: Some(id), .. } = &outcome.segments[0].1 else {
        panic!("{outcome:?}")
    };
    assert_eq!(receipt.keys, [wire::receipt::id::canonical(id)]);
}

#[tokio::test]
async fn what_is_no_report_is_refused_so_that_it_does_not_come_again() {
    let (mut bench, address) = listening(&nowhere());
    let xml = |text: &str| posted("POST /mm7 HTTP/1.1\r\nHost: us\r\n", "text/xml", text.as_bytes());
    for (what, request, http, code) in [
        ("a submission", request(Operation::SubmitReq(Box::<SubmitReq>::default())), "500", 4003),
        ("another operation", xml("<Envelope><Body><ReadReplyReq/></Body></Envelope>"), "500", 4003),
        (
            "a report without an id",
            xml("<Envelope><Body><DeliveryReportReq><MMStatus>Retrieved</MMStatus></DeliveryReportReq></Body>\
                 </Envelope>"),
            "500",
            4004,
        ),
        ("no envelope", xml("<html/>"), "500", 4004),
        ("no XML", xml("hello"), "500", 2007),
        ("nothing", xml(""), "500", 2007),
        ("a document type", xml("<!DOCTYPE a><a/>"), "500", 2007),
    ] {
        assert_eq!(self::code(&answer(address, &request).await), (http.to_owned(), code), "{what}");
    }
    let told: Vec<Event> = std::iter::from_fn(|| bench.event_now()).collect();
    assert_eq!(told.len(), 7, "{told:?}");
    let status = bench.carrier.status();
    assert_eq!((status.malformed_pdus, status.unusable), (5, UnusableCounts { unreadable: 7, inbound: 0 }));
}

#[tokio::test]
async fn only_posts_to_the_path_are_heard() {
    let (_bench, address) =
        listening(&Mm7Config { listen_path: "/reports".to_owned(), listen_bytes_max: 2_000, ..nowhere() });
    for (what, request, status) in [
        ("another path", posted("POST /mm7 HTTP/1.1\r\nHost: us\r\n", "text/xml", b""), "404"),
        ("another method", b"GET /reports HTTP/1.1\r\nHost: us\r\n\r\n".to_vec(), "405"),
        ("too much", posted("POST /reports HTTP/1.1\r\nHost: us\r\n", "text/xml", &[b' '; 2_001]), "413"),
        (
            "too much, in chunks",
            b"POST /reports HTTP/1.1\r\nHost: us\r\nTransfer-Encoding: chunked\r\n\r\n7d1\r\n"
                .iter()
                .copied()
                .chain([b' '; 2_001])
                .collect(),
            "413",
        ),
        ("no HTTP", b"EHLO us\r\n\r\n".to_vec(), "400"),
    ] {
        assert_eq!(answer(address, &request).await.start().split(' ').nth(1), Some(status), "{what}");
    }
}

#[tokio::test]
async fn the_mmsc_says_who_it_is_where_we_ask() {
    let password = Secret("open sesame".to_owned());
    let (mut bench, address) =
        listening(&Mm7Config { listen_username: "Aladdin".to_owned(), listen_password: password, ..nowhere() });
    let post = request(report("m-1", MmStatus::Retrieved));
    let heard = answer(address, &post).await;
    assert_eq!(
        (heard.start(), heard.header("www-authenticate")),
        ("HTTP/1.1 401 Unauthorized", Some("Basic realm=\"mm7\""))
    );
    assert!(bench.event_now().is_none());
    let post = String::from_utf8(post).unwrap().replacen(
        "Host: us\r\n",
        "Host: us\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n",
        1,
    );
    let mut line = connect(address).await;
    line.say(post).await;
    bench.receipt().await.1.accept();
    assert_eq!(code(&line.hear().await), ("200".to_owned(), 1000));
}

#[tokio::test]
async fn strangers_are_not_heard() {
    let (mut bench, address) =
        listening(&Mm7Config { allow_peers: vec!["192.0.2.0/24".parse().unwrap()], ..nowhere() });
    let mut line = connect(address).await;
    assert!(within("the end of the connection", line.hear_or_end()).await.is_none());
    assert!(bench.event_now().is_none());
}

#[tokio::test]
async fn one_address_does_not_take_all_places_and_others_hear_so_at_once() {
    let (bench, address) = listening(&Mm7Config { listen_connections_max: 4, ..nowhere() });
    let nothing_there = b"GET / HTTP/1.1\r\nHost: us\r\n\r\n";
    let mut held = Vec::new();
    for from in [[127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 2]] {
        let mut line = connect_from(from, address).await;
        line.say(nothing_there).await;
        assert_eq!(line.hear().await.start(), "HTTP/1.1 404 Not Found");
        held.push(line);
        if held.len() == 3 {
            let crowded = answer(address, nothing_there).await;
            assert_eq!(
                (crowded.start(), crowded.header("retry-after")),
                ("HTTP/1.1 503 Service Unavailable", Some("30"))
            );
        }
    }
    let mut late = connect_from([127, 0, 0, 3], address).await;
    late.say(nothing_there).await;
    assert_eq!(late.hear().await.start(), "HTTP/1.1 503 Service Unavailable");
    assert_eq!(
        bench.carrier.status().refused_connections,
        RefusedConnections { not_allowed: 0, address_full: 1, full: 1 }
    );
}

#[tokio::test]
async fn a_slow_mmsc_does_not_keep_its_place() {
    let (_bench, address) = listening(&Mm7Config { listen_connections_max: 1, ..nowhere() });
    for (what, said, status) in [
        ("nothing", "", None),
        ("half a head", "POST /mm7 HTTP/1.1\r\n", None),
        (
            "half a body",
            "POST /mm7 HTTP/1.1\r\nHost: us\r\nContent-Length: 100\r\n\r\nhalf",
            Some("HTTP/1.1 408 Request Timeout"),
        ),
    ] {
        let mut slow = connect(address).await;
        slow.say(said).await;
        let nothing_there = b"GET / HTTP/1.1\r\nHost: us\r\nConnection: close\r\n\r\n";
        let crowded = answer(address, nothing_there).await;
        assert_eq!(
            (crowded.start(), crowded.header("retry-after")),
            ("HTTP/1.1 503 Service Unavailable", Some("30")),
            "{what}"
        );
        // When its connection was accepted, and with that when its time began, is not seen from here.
        let mut heard = None;
        for _ in 0..100 {
            skip(Duration::from_secs(31)).await;
            tokio::select! {
                biased;
                end = slow.hear_or_end() => {
                    heard = Some(end);
                    break;
                }
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
        let heard = heard.unwrap_or_else(|| panic!("{what}: it is still heard"));
        assert_eq!(heard.as_ref().map(Heard::start), status, "{what}");
        drop(slow);
        assert_eq!(answer_when_there_is_room(address, nothing_there).await.start(), "HTTP/1.1 404 Not Found", "{what}");
    }
}

#[tokio::test]
async fn a_peer_that_reads_nothing_loses_its_connection() {
    let (_bench, address) = listening(&Mm7Config { listen_connections_max: 1, listen_timeout_secs: 1, ..nowhere() });
    let many = b"GET /nothing HTTP/1.1\r\nHost: us\r\n\r\n".repeat(1_000);
    let silent = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        while stream.write_all(&many).await.is_ok() {}
    };
    within("the end of a connection that is not read", silent).await;
    // There is one place, and it is free again.
    assert_eq!(
        answer_when_there_is_room(address, b"GET / HTTP/1.1\r\nHost: us\r\n\r\n").await.start(),
        "HTTP/1.1 404 Not Found"
    );
}

#[tokio::test]
async fn nobody_is_heard_after_the_end() {
    let (mut bench, address) = listening(&nowhere());
    let mut line = connect(address).await;
    line.say(request(report("m-1", MmStatus::Retrieved))).await;
    let (_, ack) = bench.receipt().await;
    within("the end", bench.carrier.drain(Duration::from_secs(1))).await;
    // What was under way is still answered.
    ack.accept();
    assert_eq!(code(&line.hear().await), ("200".to_owned(), StatusCode::SUCCESS.0));
    assert!(within("the end of the connection", line.hear_or_end()).await.is_none());
    refused(address).await;
}

#[tokio::test]
async fn a_carrier_that_is_dropped_hears_nobody() {
    let (mut bench, address) = listening(&nowhere());
    Bench::drop_carrier(&mut bench);
    refused(address).await;
}

/// Waits until nobody listens there: a listener ends a moment after it is told to.
async fn refused(address: SocketAddr) {
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within("nobody listens", closed).await;
}

#[tokio::test]
async fn a_place_that_is_taken_is_told_at_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Mm7Config { listen: Some(taken.local_addr().unwrap()), ..nowhere() };
    let events = tokio::sync::mpsc::unbounded_channel().0;
    let started =
        carrier::start(config.into(), events, std::sync::Arc::new(model::SeededEntropy::new(7)), &supervisor());
    assert_eq!(started.err().unwrap().mistakes[0].key, "listen");
}
