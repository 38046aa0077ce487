//! Sessions as they were met in the field, each as a script of an SMSC: `tests/field/smpp.jsonl` at the root of the
//! repository.
//!
//! A line with `steps` is one story. `carrier` has settings beside those of these tests, and the steps are done in
//! order:
//!
//! | step | |
//! |---|---|
//! | `connect` | takes the next connection and reads its bind |
//! | `send` | sends octets, in hexadecimal |
//! | `submit` | hands over messages with these numbers; the number is the recipient's end |
//! | `take` | reads `submit_sm` until it has those of these numbers |
//! | `answer`, `status` | answers `submit_sm` of these numbers, with `ESME_ROK` where no status is named |
//! | `hear` | the next PDU must be this operation |
//! | `receipt`, `accept` | sends a receipt under this number; takes the next receipt of the carrier and accepts it |
//! | `quiet` | what was sent before has been taken, and made no PDU but answers to it |
//! | `skip_secs` | lets so much time pass |
//! | `half_close`, `close` | ends the SMSC's side of the connection; all of it |
//! | `end` | the carrier ends the connection, after PDUs of these operations |
//! | `outcomes` | by number, how each ended; in whatever order they come |
//! | `no_outcome` | none is there |
//! | `state`, `error`, `throttled` | how the carrier is seen to be, at last |
//! | `no_connection` | none was made so far |

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use carrier::smpp::config::SmppConfig;
use carrier::{Event, SegmentOutcome};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::smpp::{Body, CommandStatus, Pdu};

use crate::support::peer::{Peer, Session, receipt};
use crate::support::{Bench, first_attempt, skip};

const FIELD: &str = include_str!("../../../../tests/field/smpp.jsonl");

#[derive(Deserialize)]
struct Story {
    id: String,
    title: String,
    #[serde(default)]
    carrier: serde_json::Map<String, Value>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Step {
    Connect,
    Send(String),
    Submit(Vec<u32>),
    Take(Vec<u32>),
    Answer(Answer),
    Hear(String),
    Receipt(u32),
    Accept,
    Quiet,
    SkipSecs(u64),
    HalfClose,
    Close,
    End(Vec<String>),
    Outcomes(BTreeMap<u32, String>),
    NoOutcome,
    State(String),
    Error(String),
    Throttled(u64),
    NoConnection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    of: Vec<u32>,
    #[serde(default)]
    status: Option<String>,
}

/// One story as it is played.
struct Stage {
    peer: Peer,
    bench: Bench,
    session: Option<Session>,
    /// The number of the `submit_sm` that each message left in last.
    sequences: HashMap<u32, u32>,
    outcomes: HashMap<u32, String>,
}

impl Stage {
    async fn set(settings: &serde_json::Map<String, Value>) -> Self {
        let peer = Peer::start().await;
        let mut config = json!({
            "name": "main", "host": "127.0.0.1", "port": peer.address().port(), "system_id": "me", "password": "secret",
            "rate": 0, "reconnect_floor_ms": 20, "reconnect_ceiling_ms": 200, "throttle_floor_ms": 30_000,
            "throttle_ceiling_ms": 60_000,
        });
        config.as_object_mut().unwrap().extend(settings.clone());
        let bench = Bench::start(serde_json::from_value::<SmppConfig>(config).unwrap());
        Self { peer, bench, session: None, sequences: HashMap::new(), outcomes: HashMap::new() }
    }

    fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("a connection")
    }

    async fn play(&mut self, step: &Step) {
        match step {
            Step::Connect => {
                let mut session = self.peer.accept().await;
                session.bind().await;
                self.session = Some(session);
            }
            Step::Send(hex) => self.session().send_octets(&octets(hex)).await,
            Step::Submit(numbers) => {
                for number in numbers {
                    self.bench.submit(first_attempt(*number, "Hello")).await;
                }
            }
            Step::Take(numbers) => self.take(numbers).await,
            Step::Answer(Answer { of, status }) => {
                let status = status.as_deref().map_or(CommandStatus::ROK, |name| CommandStatus::parse(name).unwrap());
                for number in of {
                    let sequence = self.sequences[number];
                    self.session().answer(sequence, status, if status.is_ok() { "id" } else { "" }).await;
                }
            }
            Step::Hear(command) => assert_eq!(self.session().next().await.body.command().to_string(), *command),
            Step::Receipt(sequence) => self.session().send(&receipt(*sequence, "id:1 stat:DELIVRD")).await,
            Step::Accept => self.accept().await,
            Step::Quiet => self.session().sync().await,
            Step::SkipSecs(secs) => skip(Duration::from_secs(*secs)).await,
            Step::HalfClose => self.session().half_close().await,
            Step::Close => self.session = None,
            Step::End(commands) => {
                let heard: Vec<_> = self.session().end().await.iter().map(ToString::to_string).collect();
                assert_eq!(heard, *commands);
            }
            Step::Outcomes(expected) => self.outcomes(expected).await,
            Step::NoOutcome => {
                let ended = self.bench.event_now();
                assert!(ended.is_none() && self.outcomes.is_empty(), "{ended:?} {:?}", self.outcomes);
            }
            Step::State(state) => drop(self.bench.status(state, |status| status.state == state).await),
            Step::Error(part) => drop(
                self.bench
                    .status(part, |status| status.last_error.as_ref().is_some_and(|error| error.contains(part)))
                    .await,
            ),
            Step::Throttled(times) => assert_eq!(self.bench.carrier.status().throttled, *times),
            Step::NoConnection => assert!(!self.peer.has_connection().await, "too soon"),
        }
    }

    async fn take(&mut self, numbers: &[u32]) {
        let mut missing = numbers.to_vec();
        while !missing.is_empty() {
            let submitted = self.session().submitted().await;
            let recipient = submitted.sm.destination.text();
            let place = missing.iter().position(|number| recipient.ends_with(&format!("{:04}", number % 10_000)));
            let number = missing.remove(place.unwrap_or_else(|| panic!("a submit_sm to {recipient}")));
            self.sequences.insert(number, submitted.sequence);
        }
    }

    async fn accept(&mut self) {
        loop {
            match self.bench.event().await {
                Event::Receipt(_, ack) => return ack.accept(),
                Event::Outcome(outcome) => self.note(&outcome),
                Event::Inbound(..) | Event::Answered(_) => panic!("no receipt"),
                Event::Unusable(unusable) => panic!("no receipt: {unusable:?}"),
            }
        }
    }

    async fn outcomes(&mut self, expected: &BTreeMap<u32, String>) {
        while self.outcomes.len() < expected.len() {
            let outcome = self.bench.outcome().await;
            self.note(&outcome);
        }
        let outcomes: BTreeMap<u32, String> = self.outcomes.drain().collect();
        assert_eq!(outcomes, *expected);
    }

    fn note(&mut self, outcome: &carrier::SubmissionOutcome) {
        let [(1, segment)] = &outcome.segments[..] else { panic!("one segment: {outcome:?}") };
        let before = self.outcomes.insert(u32::try_from(outcome.token).unwrap(), word(segment));
        assert_eq!(before, None, "a second outcome: {outcome:?}");
    }
}

/// The outcome's name.
fn word(outcome: &SegmentOutcome) -> String {
    format!("{outcome:?}").split(' ').next().unwrap_or_default().to_owned()
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn sessions_of_the_field_end_as_they_should() {
    let stories: Vec<Story> = FIELD
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let mut failed = Vec::new();
    for story in stories.iter().filter(|story| !story.steps.is_empty()) {
        // Each has a runtime of its own, whose clock it moves.
        let played = std::thread::scope(|scope| scope.spawn(|| play(story)).join());
        if let Err(cause) = played {
            let text =
                cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
            failed.push(format!("{}, {}: {}", story.id, story.title, text.unwrap_or_default()));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

fn play(story: &Story) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stage = Stage::set(&story.carrier).await;
        for step in &story.steps {
            stage.play(step).await;
        }
    });
}

/// What the scripts say in hexadecimal is what they mean.
#[test]
fn octets_of_the_field_are_read() {
    let mut bound = Vec::new();
    wire::smpp::encode(&Pdu::new(1, Body::BindResp(wire::smpp::BindKind::Transceiver, Vec::new())), &mut bound);
    assert_eq!(octets("00000011 80000009 00000000 00000001 00"), bound);
}
