//! Whatever happens in whatever order: nothing leaves that was not begun, nothing leaves twice under one lease, no more
//! is under way than there was room for, a machine that has stopped begins nothing, and every message that came in is
//! either there or has left.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// What happens next. Numbers choose among what is possible then.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A message comes, of a broadcast or of none, with so many segments, a pace, media.
    Comes {
        broadcast: Option<u8>,
        segments: u16,
        paced: bool,
        media: bool,
        placed: bool,
    },
    /// The driver finishes what it is doing: well, or not.
    Answers {
        well: bool,
        choice: u8,
    },
    /// An attempt under way ends.
    Ends(u8),
    Forgets(u8),
    Passes(u16),
    Due,
    Stops,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let comes = (
        prop::option::weighted(0.4, 0..3u8),
        1..6u16,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        any::<bool>(),
    );
    let comes = comes.prop_map(|(broadcast, segments, paced, media, placed)| Event::Comes {
        broadcast,
        segments,
        paced,
        media,
        placed,
    });
    let event = prop_oneof![
        6 => comes,
        16 => (prop::bool::weighted(0.85), any::<u8>()).prop_map(|(well, choice)| Event::Answers { well, choice }),
        4 => any::<u8>().prop_map(Event::Ends),
        1 => (0..3u8).prop_map(Event::Forgets),
        2 => (0..3_000u16).prop_map(Event::Passes),
        1 => Just(Event::Due),
        1 => prop::bool::weighted(0.1).prop_map(|stops| if stops { Event::Stops } else { Event::Due }),
    ];
    prop::collection::vec(event, 1..300)
}

/// What the driver is doing, as the world outside sees it.
enum Doing {
    Nothing,
    Leasing(LeaseRequest),
    Reading(BTreeSet<MediaId>),
    Recording(usize),
    Beginning(Vec<Attempt>),
    Waiting,
    Over,
}

struct World {
    machine: Dispatch,
    now: Moment,
    doing: Doing,
    next: u32,
    /// Messages that came into memory and have not left it.
    held: i64,
    segments: HashMap<MessageId, usize>,
    under_way: Vec<(MessageId, u32)>,
    /// Attempts that the store has begun and the machine has not handed over yet.
    begun: Vec<(MessageId, u64)>,
    submitted: BTreeSet<(u32, u64)>,
    stopped: bool,
    room: usize,
}

const WINDOW: usize = 12;

impl World {
    fn new() -> Self {
        let machine = machine();
        let (segments, under_way, begun, submitted) = (HashMap::new(), Vec::new(), Vec::new(), BTreeSet::new());
        Self {
            machine,
            now: NOW,
            doing: Doing::Nothing,
            next: 0,
            held: 0,
            segments,
            under_way,
            begun,
            submitted,
            stopped: false,
            room: 0,
        }
    }

    fn used(&self) -> usize {
        self.under_way.iter().map(|(id, _)| self.segments[id]).sum()
    }

    /// How many messages the machine has given to the driver for the moment.
    fn in_hands(&self) -> usize {
        match &self.machine.phase {
            Phase::Weeding(messages, _) | Phase::Diverting(messages, _) => messages.len(),
            Phase::Reading(batch) | Phase::Ending(batch) | Phase::Beginning(batch, _) => {
                batch.live.len() + batch.ended.len()
            }
            Phase::Idle | Phase::Waiting | Phase::Leasing(_) | Phase::Settling(..) | Phase::Over => 0,
        }
    }

    fn message(&mut self, broadcast: Option<u8>, segments: u16, paced: bool, media: bool) -> Leased {
        self.next += 1;
        let leased = leased(self.next, |message| {
            message.broadcast = broadcast.map(|broadcast| BroadcastId::from_bytes([broadcast; 16]));
            message.segments = segments;
            message.media = media.then(|| MediaId::from_bytes([segments as u8; 16]));
            if paced {
                message.originator = Originator::parse(PACED).unwrap();
            }
            if segments == 5 {
                message.recipient = Msisdn::parse(BLOCKED).unwrap();
            }
        });
        self.segments.insert(leased.message.id, segments.into());
        leased
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Comes { broadcast, segments, paced, media, placed } => {
                let leased = self.message(broadcast, segments, paced, media);
                if placed && broadcast.is_none() {
                    if self.machine.reserve(leased.message.account, self.now.steady).is_none() {
                        return;
                    }
                    self.feed(Input::Placed(leased));
                } else {
                    self.feed(Input::Held(vec![leased]));
                }
                self.held += 1;
            }
            Event::Ends(choice) if !self.under_way.is_empty() => {
                let (id, attempt) = self.under_way.remove(usize::from(choice) % self.under_way.len());
                self.feed(Input::Ended(&[ended(number(id), attempt)]));
            }
            Event::Forgets(broadcast) => {
                let id = BroadcastId::from_bytes([broadcast; 16]);
                self.held -= self.machine.held_of(id) as i64;
                self.feed(Input::Forget(id));
            }
            Event::Passes(ms) => self.now = Moment::of(self.now.steady + Duration::from_millis(ms.into())),
            Event::Due => self.feed(Input::Due),
            Event::Stops => {
                self.stopped = true;
                self.feed(Input::Stop);
            }
            Event::Answers { well, choice } => self.answers(well, usize::from(choice)),
            Event::Ends(_) => {}
        }
    }

    fn answers(&mut self, well: bool, choice: usize) {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Over => self.doing = Doing::Over,
            Doing::Nothing => self.feed(Input::Turn),
            Doing::Leasing(_) | Doing::Recording(_) | Doing::Beginning(_) if !well => self.feed(Input::Unavailable),
            Doing::Leasing(request) => {
                let leased: Vec<_> = (0..choice % 4).map(|_| self.message(None, 1, false, false)).collect();
                assert!(request.limit > 0 && leased.len() <= request.limit.max(4));
                self.held += leased.len() as i64;
                let gone = Leased { interrupted: true, ..self.message(None, 1, false, false) };
                self.feed(Input::Leased(leased.into_iter().chain(choice.is_multiple_of(5).then_some(gone)).collect()));
            }
            Doing::Reading(wanted) => {
                let picture = || Media { kind: MediaType::Png, bytes: Bytes::from_static(b"png") };
                let read = |(place, id): (usize, MediaId)| match (place + choice) % 4 {
                    0 => None,
                    1 => Some((id, Err(MediaError::Lost(id, "gone")))),
                    _ => Some((id, Ok(picture()))),
                };
                self.feed(Input::Media(wanted.into_iter().enumerate().filter_map(read).collect()));
            }
            Doing::Recording(leaving) => {
                self.held -= leaving as i64;
                self.feed(Input::Written);
            }
            Doing::Beginning(attempts) => {
                self.held -= attempts.len() as i64;
                let begun: Vec<_> =
                    (0..attempts.len()).map(|place| Some(1).filter(|_| !(place + choice).is_multiple_of(7))).collect();
                self.begun = attempts
                    .iter()
                    .zip(&begun)
                    .filter(|(_, begun)| begun.is_some())
                    .map(|(attempt, _)| (attempt.id, attempt.token))
                    .collect();
                self.feed(Input::Begun(begun));
                assert_eq!(self.begun, [], "what was begun leaves, also at the end");
            }
            Doing::Waiting => match choice % 4 {
                0 => self.feed(Input::Woken),
                1 => {
                    let down_for = choice.is_multiple_of(3).then_some(Duration::from_secs(40));
                    self.feed(Input::Tick(Carriers { down_for, up: BTreeSet::from(["second".into()]) }));
                }
                _ => {
                    let ready = choice % 9 + 1;
                    self.room = ready.min(WINDOW.saturating_sub(self.used()));
                    self.feed(Input::Room { ready, window: WINDOW, answers_within: Duration::from_secs(60) });
                }
            },
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        let interrupts = matches!(self.machine.phase, Phase::Leasing(_));
        let actions = self.machine.on(input, self.now);
        for action in actions {
            match action {
                Action::Lease(request) => {
                    assert!(!self.stopped);
                    self.doing = Doing::Leasing(request);
                }
                Action::Read(wanted) => self.doing = Doing::Reading(wanted),
                // Attempts of an earlier process were never in memory.
                Action::Record(outcomes) => {
                    self.doing = Doing::Recording(if interrupts && matches!(self.machine.phase, Phase::Settling(..)) {
                        0
                    } else {
                        outcomes.len()
                    });
                }
                Action::Begin(attempts, _) => {
                    assert!(!self.stopped, "nothing begins any more");
                    let (_, but_last) = attempts.split_last().unwrap();
                    let segments: usize = but_last.iter().map(|attempt| self.segments[&attempt.id]).sum();
                    assert!(segments < self.room, "{segments} and one message more, for {}", self.room);
                    self.doing = Doing::Beginning(attempts);
                }
                Action::Submit(submissions) => {
                    let leaving: Vec<_> =
                        submissions.iter().map(|submission| (submission.message.id, submission.token)).collect();
                    assert_eq!(std::mem::take(&mut self.begun), leaving, "what leaves was begun");
                    for submission in submissions {
                        assert!(
                            self.submitted.insert((number(submission.message.id), submission.token)),
                            "it leaves once under a lease"
                        );
                        self.under_way.push((submission.message.id, submission.attempt));
                    }
                }
                Action::Wait(_) => {
                    assert!(!self.stopped);
                    self.doing = Doing::Waiting;
                }
                Action::Release(held) => {
                    self.held -= held.len() as i64;
                    self.doing = Doing::Over;
                }
                Action::MadeRoom | Action::LookAt(_) | Action::Report(_) => {}
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.held, (self.machine.queued() + self.in_hands()) as i64, "held is what came less what left");
        assert_eq!(self.machine.under_way().room(1_000), 1_000 - self.used());
        assert_eq!(matches!(self.doing, Doing::Over), self.machine.is_over());
    }
}

/// So many cases, unless `PROPTEST_CASES` wants more.
fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn every_message_leaves_once_and_none_is_lost(events in events()) {
        let mut world = World::new();
        for event in events {
            world.happens(event);
            world.check();
        }
    }
}
