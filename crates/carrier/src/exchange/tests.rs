//! Scripted answers, and a clock that jumps.

use std::collections::VecDeque;

use model::message::{Message, MessageType};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::*;

/// Answers in the order of its script, each when it is let. A script that asks for it panics.
struct Script {
    answers: Mutex<VecDeque<Handed>>,
    let_go: Semaphore,
    closed: Arc<AtomicBool>,
}

#[async_trait]
impl Exchange for Script {
    async fn hand_over(&self, _submission: &Submission) -> Handed {
        self.let_go.acquire().await.unwrap().forget();
        let handed = self.answers.lock().unwrap().pop_front().unwrap_or_else(taken);
        assert_ne!(handed.peer, Peer::Fails(PANIC.to_owned()));
        handed
    }

    fn listens_at(&self) -> Option<SocketAddr> {
        None
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
}

fn taken() -> Handed {
    Handed { outcome: SegmentOutcome::Accepted { carrier_id: Some("1".into()), remark: None }, peer: Peer::Answers }
}

fn failing() -> Handed {
    Handed { outcome: SegmentOutcome::NotSent, peer: Peer::Fails("nobody there".into()) }
}

/// What a script's exchange fails with to panic.
const PANIC: &str = "panic";

struct Stage {
    carrier: ExchangeCarrier<Script>,
    events: mpsc::UnboundedReceiver<CarrierEvent>,
    closed: Arc<AtomicBool>,
}

fn stage(answers: Vec<Handed>, let_go: usize) -> Stage {
    let (sender, events) = mpsc::unbounded_channel();
    let closed = Arc::new(AtomicBool::new(false));
    let script =
        Script { answers: Mutex::new(answers.into()), let_go: Semaphore::new(let_go), closed: Arc::clone(&closed) };
    let bounds = Bounds {
        answers_within: Duration::from_secs(60),
        window: 3,
        rate: 0,
        receipt_wait: None,
        rest_floor: Duration::from_secs(1),
        rest_ceiling: Duration::from_secs(4),
    };
    Stage {
        carrier: ExchangeCarrier::new(crate::machine(), script, Teller::new("mmsc", sender, Arc::default()), bounds),
        events,
        closed,
    }
}

impl Stage {
    fn submit(&self) {
        let message = Message { kind: MessageType::Mms, ..testkit::message(1) };
        self.carrier.submit(crate::first_attempt(message, 1));
    }

    async fn outcome(&mut self) -> SegmentOutcome {
        match self.events.recv().await.unwrap().event {
            Event::Outcome(outcome) => outcome.segments[0].1.clone(),
            Event::Receipt(..) | Event::Inbound(..) | Event::Answered(_) | Event::Unusable(_) => {
                panic!("no receipt was sent")
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_messages_are_under_way_than_the_window_has() {
    let mut stage = stage(Vec::new(), 0);
    assert_eq!(stage.carrier.ready().await, 3);
    (0..3).for_each(|_| stage.submit());
    let waited = tokio::time::timeout(Duration::from_secs(3600), stage.carrier.ready()).await;
    assert!(waited.is_err() && stage.carrier.status().window_in_use == 3);
    stage.carrier.core.exchange.let_go.add_permits(1);
    assert_eq!(stage.outcome().await, taken().outcome);
    assert_eq!(stage.carrier.ready().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_fails_rests_longer_each_time_and_one_message_finds_out() {
    let mut stage = stage(vec![failing(), failing(), taken()], 100);
    let start = Instant::now();
    for (waited_secs, room) in [(0, 3), (1, 1), (1 + 2, 1)] {
        assert_eq!(stage.carrier.ready().await, room);
        assert_eq!(start.elapsed().as_secs(), waited_secs);
        stage.submit();
        stage.outcome().await;
    }
    assert_eq!(stage.carrier.ready().await, 3);
    assert_eq!((stage.carrier.down_for(), stage.carrier.status().state), (None, "ready"));
}

#[tokio::test(start_paused = true)]
async fn how_long_it_is_down_counts_from_the_first_failure() {
    let mut stage = stage(vec![failing(), failing()], 100);
    for _ in 0..2 {
        stage.carrier.ready().await;
        stage.submit();
        stage.outcome().await;
    }
    let status = stage.carrier.status();
    assert_eq!((status.state, status.last_error.as_deref()), ("down", Some("nobody there")));
    assert_eq!(stage.carrier.down_for(), Some(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_does_not_let_us_in_is_told_apart() {
    let refused = Handed { outcome: SegmentOutcome::NotSent, peer: Peer::RefusesUs("401".into()) };
    let mut stage = stage(vec![refused], 100);
    stage.submit();
    stage.outcome().await;
    assert_eq!(stage.carrier.status().state, "refused");
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_what_is_under_way_and_takes_nothing_more() {
    let mut stage = stage(Vec::new(), 0);
    stage.submit();
    tokio::task::yield_now().await;
    let core = Arc::clone(&stage.carrier.core);
    let drained = tokio::spawn(async move { ExchangeCarrier { core }.drain(Duration::from_secs(60)).await });
    tokio::task::yield_now().await;
    stage.submit();
    assert_eq!(stage.outcome().await, SegmentOutcome::NotSent);
    assert!(!stage.closed.load(Ordering::Acquire));
    stage.carrier.core.exchange.let_go.add_permits(1);
    assert_eq!(stage.outcome().await, taken().outcome);
    drained.await.unwrap();
    assert!(stage.closed.load(Ordering::Acquire) && stage.carrier.status().state == "closed");
}

#[tokio::test(start_paused = true)]
async fn draining_ends_at_its_limit() {
    let stage = stage(Vec::new(), 0);
    stage.submit();
    tokio::task::yield_now().await;
    let start = Instant::now();
    stage.carrier.drain(Duration::from_secs(5)).await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_ours_takes_no_place_and_leaves_an_outcome() {
    let fault = Handed { outcome: SegmentOutcome::NotSent, peer: Peer::Fails(PANIC.to_owned()) };
    let mut stage = stage(vec![fault], 100);
    stage.submit();
    assert_eq!(stage.outcome().await, SegmentOutcome::Unknown { why: "handing it over was broken off" });
    assert_eq!(stage.carrier.ready().await, 3);
}
