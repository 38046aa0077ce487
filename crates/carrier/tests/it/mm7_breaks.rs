//! Connections that break at every step of an exchange, and MMSCs that are slow.

use std::time::Duration;

use carrier::SegmentOutcome;
use carrier::mm7::config::Mm7Config;
use tokio::io::AsyncReadExt;

use crate::support::mmsc::{Mmsc, bench, config, picture, submit_rsp};
use crate::support::{accepted, skip, within};

const ENDED: SegmentOutcome = SegmentOutcome::Unknown { why: "the connection ended before the answer" };

const BROKEN: SegmentOutcome = SegmentOutcome::Unknown { why: "the answer broke off or was too long" };

#[tokio::test]
async fn where_nobody_listens_nothing_leaves() {
    let address = {
        let mmsc = Mmsc::start().await;
        mmsc.address()
    };
    let mut bench = bench(&config(address));
    bench.submit(picture(1, 100)).await;
    assert_eq!(bench.segments().await, [SegmentOutcome::NotSent]);
    let status = bench.carrier.status();
    assert!(
        status.state == "down" && status.last_error.as_deref().unwrap().starts_with("no connection to 127.0.0.1:"),
        "{status:?}"
    );
}

#[tokio::test]
async fn a_connection_that_takes_too_long_to_open_sends_nothing() {
    // A peer that never answers the handshake of TLS is a connection that does not open.
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&Mm7Config { url: format!("https://{}/", mmsc.address()), ..config(mmsc.address()) });
    bench.submit(picture(1, 100)).await;
    let _line = mmsc.accept().await;
    skip(Duration::from_secs(10)).await;
    assert_eq!(bench.segments().await, [SegmentOutcome::NotSent]);
}

#[tokio::test]
async fn what_breaks_before_the_request_is_through_was_not_taken() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&Mm7Config { max_bytes: 10_000_000, ..config(mmsc.address()) });
    // More than what two sockets and a buffer hold.
    bench.submit(picture(1, 9_000_000)).await;
    let mut line = mmsc.accept().await;
    line.stream.read_exact(&mut [0; 10_000]).await.unwrap();
    drop(line);
    assert_eq!(
        bench.segments().await,
        [SegmentOutcome::TryLater { status: "the connection ended before the answer".to_owned() }]
    );
}

#[tokio::test]
async fn an_mmsc_that_stops_reading_did_not_take_it() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&Mm7Config { max_bytes: 10_000_000, ..config(mmsc.address()) });
    bench.submit(picture(1, 9_000_000)).await;
    let mut line = mmsc.accept().await;
    line.stream.read_exact(&mut [0; 10_000]).await.unwrap();
    skip(Duration::from_secs(60)).await;
    assert_eq!(bench.segments().await, [SegmentOutcome::TryLater { status: "no answer in time".to_owned() }]);
}

#[tokio::test]
async fn what_breaks_after_the_request_is_of_unknown_outcome() {
    let answer = submit_rsp(1000, Some("m-1"));
    let head = answer.find("\r\n\r\n").unwrap();
    for (what, cut, outcome) in [
        ("before the answer", 0, ENDED),
        ("within its first line", 5, ENDED),
        ("within its head", head, ENDED),
        ("before its body", head + 4, BROKEN),
        ("within its body", answer.len() - 1, BROKEN),
        ("after its end", answer.len(), accepted("m-1")),
    ] {
        let mmsc = Mmsc::start().await;
        let mut bench = bench(&config(mmsc.address()));
        bench.submit(picture(1, 100)).await;
        let mut line = mmsc.accept().await;
        line.hear().await;
        line.say(&answer[..cut]).await;
        drop(line);
        assert_eq!(bench.segments().await, [outcome], "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_waited_for_no_longer() {
    let answer = submit_rsp(1000, Some("m-1"));
    for (what, said) in [("nothing", 0), ("half of it", answer.len() / 2)] {
        let mmsc = Mmsc::start().await;
        let mut bench = bench(&config(mmsc.address()));
        bench.submit(picture(1, 100)).await;
        let mut line = mmsc.accept().await;
        line.hear().await;
        line.say(&answer[..said]).await;
        skip(Duration::from_secs(59)).await;
        assert!(bench.event_now().is_none(), "{what}");
        skip(Duration::from_secs(1)).await;
        assert_eq!(bench.segments().await, [SegmentOutcome::Unknown { why: "no answer in time" }], "{what}");
        assert!(within("the end of the connection", line.hear_or_end()).await.is_none(), "{what}");
    }
}

#[tokio::test]
async fn an_answer_in_single_octets_is_an_answer() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&config(mmsc.address()));
    bench.submit(picture(1, 100)).await;
    let mut line = mmsc.accept().await;
    line.hear().await;
    for octet in submit_rsp(1000, Some("m-1")).bytes() {
        line.say([octet]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.segments().await, [accepted("m-1")]);
}

#[tokio::test]
async fn after_a_failure_one_message_finds_out_whether_it_is_over() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&config(mmsc.address()));
    bench.submit(picture(1, 100)).await;
    drop(mmsc.accept().await);
    assert_eq!(bench.segments().await, [ENDED]);
    assert_eq!(within("a probe", bench.carrier.ready()).await, 1);
    bench.submit(picture(2, 100)).await;
    let mut line = mmsc.accept().await;
    line.hear().await;
    line.say(submit_rsp(1000, Some("m-2"))).await;
    assert_eq!(bench.segments().await, [accepted("m-2")]);
    assert_eq!(within("the whole window", bench.carrier.ready()).await, 10);
}

#[tokio::test]
async fn draining_waits_for_the_answer() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&config(mmsc.address()));
    bench.submit(picture(1, 100)).await;
    let mut line = mmsc.accept().await;
    line.hear().await;
    let carrier = std::sync::Arc::clone(&bench.carrier);
    let drained = tokio::spawn(async move { carrier.drain(Duration::from_secs(60)).await });
    bench.status("it drains", |status| status.state == "draining").await;
    line.say(submit_rsp(1000, Some("m-1"))).await;
    assert_eq!(bench.segments().await, [accepted("m-1")]);
    within("the end", drained).await.unwrap();
    assert!(within("the end of the connection", line.hear_or_end()).await.is_none());
}
