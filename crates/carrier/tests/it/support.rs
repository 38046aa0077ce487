//! The dispatcher's side of a carrier: messages to hand over, and events with a deadline.

pub(crate) mod mmsc;
pub(crate) mod peer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carrier::keys::Secret;
use carrier::smpp::config::SmppConfig;
use carrier::{
    Ack, Carrier, CarrierConfig, CarrierEvent, CarrierStatus, Event, Receipt, SegmentOutcome, Submission,
    SubmissionOutcome,
};
use model::message::{Encoding, Message};
use model::{SeededEntropy, Timestamp};
use runtime::{Machine, Runtime, Supervisor};
use simulator::smsc::{Options, Smsc};
use tokio::sync::mpsc;
use wire::gsm;

/// What the tests run on.
pub(crate) fn machine() -> Arc<dyn Runtime> {
    Arc::new(Machine::new())
}

/// Watches the carriers of a test.
pub(crate) fn supervisor() -> Supervisor {
    Supervisor::new(machine())
}

/// How long a test waits for what must happen. Never slept through.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for `what`, and fails the test when it does not come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("this did not happen in {DEADLINE:?}: {what}"),
    }
}

/// Lets the runtime's clock jump, so that whatever is due by then happens now. Only for the runtime of one thread.
pub(crate) async fn skip(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A carrier at `address` whose pace is unbounded and whose patience is short.
pub(crate) fn config(address: SocketAddr) -> SmppConfig {
    SmppConfig {
        name: "main".to_owned(),
        host: address.ip().to_string(),
        port: address.port(),
        system_id: "me".to_owned(),
        password: Secret("secret".to_owned()),
        rate: 0,
        reconnect_floor_ms: 20,
        reconnect_ceiling_ms: 200,
        throttle_floor_ms: 20,
        throttle_ceiling_ms: 100,
        ..SmppConfig::default()
    }
}

/// A simulated SMSC on a port of its own.
pub(crate) async fn smsc(options: Options) -> Smsc {
    simulator::smsc::start(Options { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..options }, machine())
        .await
        .unwrap()
}

/// The message of this number and text.
pub(crate) fn message(number: u32, text: &str) -> Arc<Message> {
    let measure = gsm::measure(text);
    Arc::new(Message {
        recipient: testkit::number(&format!("+1800555{:04}", number % 10_000)),
        body: Some(text.into()),
        encoding: measure.encoding,
        segments: u16::try_from(measure.segments).unwrap(),
        reference: 0xABCD,
        client_reference: None,
        automatic: None,
        status_callback: None,
        created_at: Timestamp::from_millis(1_773_585_012_345),
        expires_at: Timestamp::from_millis(1_773_585_012_345 + 86_400_000),
        ..testkit::message(number)
    })
}

/// The first attempt at a message, whose token is the message's number.
pub(crate) fn first_attempt(number: u32, text: &str) -> Submission {
    Submission {
        message: message(number, text),
        media: None,
        attempt: 1,
        token: u64::from(number),
        accepted_segments: 0,
        valid_for: Duration::from_secs(86_400),
    }
}

/// A carrier and what it tells.
pub(crate) struct Bench {
    pub(crate) carrier: Arc<dyn Carrier>,
    events: mpsc::UnboundedReceiver<CarrierEvent>,
}

impl Bench {
    /// Starts a carrier.
    pub(crate) fn start(config: impl Into<CarrierConfig>) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let carrier = carrier::start(config.into(), sender, Arc::new(SeededEntropy::new(7)), &supervisor()).unwrap();
        Self { carrier, events }
    }

    /// A carrier that was started by somebody else, and what it tells.
    pub(crate) const fn of(carrier: Arc<dyn Carrier>, events: mpsc::UnboundedReceiver<CarrierEvent>) -> Self {
        Self { carrier, events }
    }

    /// A carrier at the simulated SMSC.
    pub(crate) fn at(smsc: &Smsc) -> Self {
        Self::start(config(smsc.address()))
    }

    /// Drops the carrier and listens on.
    pub(crate) fn drop_carrier(&mut self) {
        self.carrier = Arc::new(carrier::sandbox::Sandbox::new("nobody", mpsc::unbounded_channel().0, machine()));
    }

    /// Waits until something can leave, and hands a message over.
    pub(crate) async fn submit(&self, submission: Submission) {
        within("the carrier has room", self.carrier.ready()).await;
        self.carrier.submit(submission);
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Event {
        within("an event", self.events.recv()).await.unwrap().event
    }

    /// The next event, for a test that has its own deadline.
    pub(crate) async fn event_without_deadline(&mut self) -> Event {
        self.events.recv().await.unwrap().event
    }

    /// The next event if it is there already.
    pub(crate) fn event_now(&mut self) -> Option<Event> {
        self.events.try_recv().ok().map(|event| event.event)
    }

    /// The next outcome; receipts before it are accepted.
    pub(crate) async fn outcome(&mut self) -> SubmissionOutcome {
        loop {
            match self.event().await {
                Event::Outcome(outcome) => return outcome,
                Event::Receipt(_, ack) => ack.accept(),
                Event::Inbound(..) | Event::Answered(_) | Event::Unusable(_) => {}
            }
        }
    }

    /// The outcomes of the next submission's segments.
    pub(crate) async fn segments(&mut self) -> Vec<SegmentOutcome> {
        self.outcome().await.segments.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// The next receipt; outcomes before it are dropped.
    pub(crate) async fn receipt(&mut self) -> (Receipt, Ack) {
        loop {
            if let Event::Receipt(receipt, ack) = self.event().await {
                return (receipt, ack);
            }
        }
    }

    /// The first receipt among the events that are there already.
    pub(crate) fn receipt_now(&mut self) -> Option<Receipt> {
        std::iter::from_fn(|| self.event_now()).find_map(|event| match event {
            Event::Receipt(receipt, ack) => {
                ack.accept();
                Some(receipt)
            }
            Event::Outcome(_) | Event::Inbound(..) | Event::Answered(_) | Event::Unusable(_) => None,
        })
    }

    /// Waits until the carrier's status satisfies `condition`. The carrier tells nobody when it changes, so this asks
    /// again and again.
    pub(crate) async fn status(&self, what: &str, condition: impl Fn(&CarrierStatus) -> bool) -> CarrierStatus {
        let holds = async {
            loop {
                let status = self.carrier.status();
                if condition(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        match tokio::time::timeout(DEADLINE, holds).await {
            Ok(status) => status,
            Err(_) => panic!("{what}: {:?}", self.carrier.status()),
        }
    }
}

/// An outcome that the carrier took the segment under this id.
pub(crate) fn accepted(id: &str) -> SegmentOutcome {
    SegmentOutcome::Accepted { carrier_id: Some(id.to_owned()), remark: None }
}

/// The carrier's id, where it took the segment.
pub(crate) fn id_of(outcome: &SegmentOutcome) -> Option<&str> {
    match outcome {
        SegmentOutcome::Accepted { carrier_id, .. } => carrier_id.as_deref(),
        _ => None,
    }
}

/// Whether the encoding of a text is UCS-2.
pub(crate) fn needs_ucs2(text: &str) -> bool {
    Encoding::of(text) == Encoding::Ucs2
}
