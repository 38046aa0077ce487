//! The end: nothing more is taken, what is under way is waited for.

use std::sync::Arc;
use std::time::Duration;

use carrier::smpp::config::SmppConfig;
use carrier::{Carrier, SegmentOutcome};
use wire::smpp::{Body, CommandId, CommandStatus, Pdu};

use crate::support::peer::{Peer, receipt};
use crate::support::{Bench, accepted, config, first_attempt, skip, within};

const LONG: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_drain_waits_for_the_window_and_unbinds() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(SmppConfig { window: 2, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, &"long ".repeat(100))).await;
    let (first, second) = (session.submitted().await.sequence, session.submitted().await.sequence);
    let carrier = Arc::clone(&bench.carrier);
    let drained = tokio::spawn(async move { carrier.drain(LONG).await });
    bench.status("it drains", |status| status.state == "draining").await;
    session.answer(first, CommandStatus::ROK, "1").await;
    session.sync().await;
    assert!(!drained.is_finished());
    session.answer(second, CommandStatus::ROK, "2").await;
    let unbind = session.next().await;
    assert_eq!(unbind.body, Body::Unbind);
    let outcomes = bench.segments().await;
    assert_eq!(outcomes, [accepted("1"), accepted("2"), SegmentOutcome::NotSent, SegmentOutcome::NotSent]);
    session.send(&Pdu::new(unbind.sequence, Body::UnbindResp)).await;
    within("the drain ends", drained).await.unwrap();
    assert!(session.end().await.is_empty());
    assert_eq!(bench.carrier.status().state, "closed");
    bench.carrier.submit(first_attempt(2, "Hello"));
    assert_eq!(bench.segments().await, [SegmentOutcome::NotSent]);
}

#[tokio::test]
async fn a_drain_waits_for_receipts_that_are_being_stored() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    session.send(&receipt(5, "id:1 stat:DELIVRD")).await;
    let (_, ack) = bench.receipt().await;
    let carrier = Arc::clone(&bench.carrier);
    let drained = tokio::spawn(async move { carrier.drain(LONG).await });
    bench.status("it drains", |status| status.state == "draining").await;
    session.sync().await;
    ack.accept();
    assert_eq!(session.next().await, Pdu::new(5, Body::DeliverSmResp(Vec::new())));
    assert_eq!(session.end_answering_unbind().await, [CommandId::UNBIND]);
    within("the drain ends", drained).await.unwrap();
}

#[tokio::test]
async fn a_drain_ends_while_many_still_wait_for_room() {
    let peer = Peer::start().await;
    let bench = Bench::start(SmppConfig { window: 1, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    let waiters: Vec<_> = (0..50).map(|_| tokio::spawn(wait_for_room(Arc::clone(&bench.carrier)))).collect();
    session.sync().await;
    let carrier = Arc::clone(&bench.carrier);
    let drained = tokio::spawn(async move { carrier.drain(LONG).await });
    bench.status("it drains", |status| status.state == "draining").await;
    session.answer(sequence, CommandStatus::ROK, "1").await;
    assert_eq!(session.end_answering_unbind().await, [CommandId::UNBIND]);
    within("the drain ends", drained).await.unwrap();
    waiters.iter().for_each(tokio::task::JoinHandle::abort);
}

async fn wait_for_room(carrier: Arc<dyn Carrier>) {
    loop {
        carrier.ready().await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_drain_ends_at_once_where_there_is_no_connection() {
    let peer = Peer::start().await;
    let address = peer.address();
    drop(peer);
    let bench =
        Bench::start(SmppConfig { reconnect_floor_ms: 3_600_000, reconnect_ceiling_ms: 3_600_000, ..config(address) });
    bench.status("the first try failed", |status| status.state == "down").await;
    within("the drain ends", bench.carrier.drain(LONG)).await;
    assert_eq!(bench.carrier.status().state, "closed");
}

#[tokio::test]
async fn a_drain_waits_no_longer_than_it_may() {
    let peer = Peer::start().await;
    let bench = Bench::start(SmppConfig { response_timeout_secs: 600, ..config(peer.address()) });
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    session.submitted().await;
    let carrier = Arc::clone(&bench.carrier);
    let drained = tokio::spawn(async move { carrier.drain(Duration::from_secs(5)).await });
    bench.status("it drains", |status| status.state == "draining").await;
    skip(Duration::from_secs(6)).await;
    within("the drain ends", drained).await.unwrap();
    assert_eq!(bench.carrier.status().window_in_use, 1);
}

#[tokio::test]
async fn an_smsc_that_does_not_answer_the_unbind_is_not_waited_for() {
    let peer = Peer::start().await;
    let bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    bench.status("it is bound", |status| status.state == "bound").await;
    let carrier = Arc::clone(&bench.carrier);
    let drained = tokio::spawn(async move { carrier.drain(LONG).await });
    assert_eq!(session.next().await.body, Body::Unbind);
    skip(Duration::from_secs(11)).await;
    within("the drain ends", drained).await.unwrap();
}

#[tokio::test]
async fn a_carrier_that_is_dropped_drains_by_itself() {
    let peer = Peer::start().await;
    let mut bench = Bench::start(config(peer.address()));
    let mut session = peer.bound().await;
    bench.submit(first_attempt(1, "Hello")).await;
    let sequence = session.submitted().await.sequence;
    bench.drop_carrier();
    session.sync().await;
    session.answer(sequence, CommandStatus::ROK, "1").await;
    assert_eq!(bench.segments().await, [accepted("1")]);
    assert_eq!(session.end_answering_unbind().await, [CommandId::UNBIND]);
}
