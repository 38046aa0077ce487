//! Idempotency keys, under which requests are made at three nodes: some fetch media first, some await news, some look
//! before they are made, and not all are the same.

use std::sync::Arc;
use std::time::Duration;

use model::quota::UtcDay;
use model::{AccountId, Entropy, MessageId, SeededEntropy};
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, Quota};
use store::{Messages, Requests, StoreError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::checker::Model;
use super::history::{History, known};
use super::nodes::{NODES, Node, Three};
use super::{Round, pause};
use crate::support::{NOW, claim, live, message};

/// How many keys there are.
const KEYS: usize = 20;

/// How many requests each of the clients makes.
const REQUESTS: usize = 30;

/// How long after the last request a key may be held: what nobody knows to be held is freed meanwhile.
const FREE_WITHIN: Duration = Duration::from_secs(15);

/// What stands under a key.
struct Key;

/// What is on record under the key, which request holds it, and which nodes are over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    record: Option<Record>,
    hold: Option<Hold>,
    over: [bool; NODES],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Record {
    what: u8,
    made: MessageId,
    answer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Hold {
    node: usize,
    /// Which call began the request.
    call: Option<u64>,
    /// What the request made, where its answer is awaited.
    made: Option<MessageId>,
}

/// How a request is made.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// What it asks for.
    what: u8,
    begun: bool,
    awaited: bool,
}

#[derive(Clone, Debug)]
enum Call {
    Begin {
        node: usize,
        call: u64,
    },
    /// `fits` says whether the quota has room for it.
    Admit {
        node: usize,
        manner: Manner,
        id: MessageId,
        fits: bool,
    },
    /// A look at what a repeat is answered.
    Replay {
        manner: Manner,
    },
    Record {
        node: usize,
        answer: String,
    },
    Finish {
        node: usize,
    },
    /// The store frees the key of a request whose caller does not know that it began.
    GiveBack {
        call: u64,
    },
    /// The store frees the key of a request that awaits its answer, whose caller does not know that it is admitted.
    LetGo {
        id: MessageId,
        begun: bool,
    },
    End {
        node: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Begun(bool),
    New,
    Full,
    Free,
    UnderWay,
    Taken,
    Replayed(MessageId, Option<String>),
    Done,
    Over,
}

impl State {
    /// What is told of an earlier request.
    fn earlier(&self, manner: Manner) -> Option<Answer> {
        let Some(record) = &self.record else {
            return (self.hold.is_some() && !manner.begun).then_some(Answer::UnderWay);
        };
        let is_awaited = self.hold.as_ref().is_some_and(|hold| hold.made.is_some());
        Some(match &record.answer {
            _ if record.what != manner.what => Answer::Taken,
            None if is_awaited => Answer::UnderWay,
            answer => Answer::Replayed(record.made, answer.clone()),
        })
    }

    fn admit(&mut self, node: usize, manner: Manner, id: MessageId, fits: bool) -> Answer {
        // Who awaits nothing is admitted although the key is held.
        if let Some(earlier) = self.earlier(manner).filter(|_| self.record.is_some() || manner.awaited) {
            return earlier;
        }
        if !fits {
            return Answer::Full;
        }
        self.record = Some(Record { what: manner.what, made: id, answer: None });
        if manner.awaited {
            let call = self.hold.as_ref().and_then(|hold| hold.call);
            self.hold = Some(Hold { node, call, made: Some(id) });
        }
        Answer::New
    }

    fn let_go(&mut self, id: MessageId, begun: bool) {
        if let Some(hold) = self.hold.as_mut().filter(|hold| hold.made == Some(id)) {
            hold.made = None;
            if !begun {
                self.hold = None;
            }
        }
    }
}

impl Model for Key {
    type State = State;
    type Call = Call;
    type Answer = Answer;

    fn step(state: &State, call: &Call, answer: Option<&Answer>) -> Option<State> {
        let mut after = state.clone();
        let expected = match call {
            Call::Begin { node, .. } | Call::Admit { node, .. } | Call::Record { node, .. } if state.over[*node] => {
                Answer::Over
            }
            Call::Begin { node, call } => {
                after.hold = state.hold.clone().or(Some(Hold { node: *node, call: Some(*call), made: None }));
                Answer::Begun(state.hold.is_none())
            }
            Call::Admit { node, manner, id, fits } => after.admit(*node, *manner, *id, *fits),
            Call::Replay { manner } => state.earlier(*manner).unwrap_or(Answer::Free),
            Call::Record { answer, .. } => {
                if let Some(record) = &mut after.record {
                    record.answer = Some(answer.clone());
                }
                Answer::Done
            }
            Call::Finish { node } => {
                after.hold = after.hold.filter(|hold| hold.node != *node);
                Answer::Done
            }
            Call::GiveBack { call } => {
                after.hold = after.hold.filter(|hold| hold.call != Some(*call));
                Answer::Done
            }
            Call::LetGo { id, begun } => {
                after.let_go(*id, *begun);
                Answer::Done
            }
            Call::End { node } => {
                after.over[*node] = true;
                after.hold = after.hold.filter(|hold| hold.node != *node);
                Answer::Done
            }
        };
        answer.is_none_or(|answer| *answer == expected).then_some(after)
    }

    fn changes_nothing(_: &Call, answer: &Answer) -> bool {
        !matches!(answer, Answer::Begun(true) | Answer::New | Answer::Done)
    }
}

/// What the clients share.
struct Clients {
    history: History<Key>,
    account: AccountId,
}

/// Makes a history and checks it.
pub(super) async fn check(three: &Three, round: &Round<'_>) {
    let entropy = SeededEntropy::new(round.seed);
    let clients = Arc::new(Clients { history: History::default(), account: AccountId::new(NOW, &entropy) });
    let mut tasks = JoinSet::new();
    for client in 0..round.clients {
        let (clients, node) = (Arc::clone(&clients), three.nodes[client % NODES].clone());
        let entropy = SeededEntropy::new(round.seed ^ (client as u64 + 1) << 32);
        tasks.spawn(async move {
            for request in 0..REQUESTS {
                // All clients go from key to key, so that they meet.
                let key = request * KEYS / REQUESTS + entropy.next_u64() as usize % 3;
                clients.request(key.min(KEYS - 1), &node, &entropy).await;
                sleep(Duration::from_millis(entropy.next_u64() % 20)).await;
            }
        });
    }
    let end = async {
        if round.ends_a_node {
            sleep(pause(&entropy)).await;
            let began = clients.history.now();
            three.end_last().await;
            clients.history.ended(0..KEYS, began, &Call::End { node: NODES - 1 }, &Answer::Done);
        }
    };
    tokio::join!(round.make_faults(three), end, tasks.join_all());
    clients.settle(&three.nodes[0]).await;
    let history = &clients.history;
    let count = |is: fn(&Answer) -> bool| history.count(|_, answer| is(answer));
    let (new, replayed) = (count(|is| *is == Answer::New), count(|is| matches!(is, Answer::Replayed(..))));
    let (under_way, over) = (count(|is| *is == Answer::UnderWay), count(|is| *is == Answer::Over));
    round.tell("keys", history.len(), &format!("{new} new, {replayed} replayed, {under_way} under way, {over} over"));
    history.check("key");
}

impl Clients {
    fn claim(&self, key: usize, manner: Manner) -> IdempotencyClaim {
        let Manner { what, begun, awaited } = manner;
        IdempotencyClaim { begun, awaited, ..claim(&format!("key-{key}"), &format!("text {what}"), NOW) }
    }

    /// Makes a request, as a node makes it for its client.
    async fn request(&self, key: usize, node: &Node, entropy: &SeededEntropy) {
        let any = |below: u64| entropy.next_u64() % below;
        let mut manner = Manner { what: u8::from(any(5) == 0), begun: false, awaited: any(2) == 0 };
        let mut holds = false;
        if any(3) == 0 {
            match self.begin(key, node).await {
                Some(Answer::Begun(true)) => (manner.begun, holds) = (true, true),
                _ => return,
            }
        }
        if (any(2) == 0 || holds) && self.replay(key, node, manner).await != Some(Answer::Free) {
            return self.finish(key, node, holds).await;
        }
        // Now and then a request does not fit, so that a key is free again.
        let admitted = self.admit(key, node, manner, MessageId::new(NOW, entropy), any(4) != 0).await;
        if admitted == Some(Answer::New) && manner.awaited {
            holds = true;
            sleep(Duration::from_millis(any(10))).await;
            if any(2) == 0 {
                self.record(key, node, format!("answer {}", any(1_000_000))).await;
            }
        }
        self.finish(key, node, holds).await;
    }

    async fn begin(&self, key: usize, node: &Node) -> Option<Answer> {
        let name = self.claim(key, Manner { what: 0, begun: false, awaited: false }).of(live(self.account));
        let call = self.history.now();
        let begin = async { Some(known(node.store.begin_request(node.epoch, &name).await)?.map(Answer::Begun)) };
        let begun = self.call(key, node, Call::Begin { node: node.number, call }, begin).await;
        if begun.is_none() {
            self.history.may_happen(key, call, Call::GiveBack { call });
        }
        begun
    }

    async fn replay(&self, key: usize, node: &Node, manner: Manner) -> Option<Answer> {
        let claim = self.claim(key, manner);
        let replay = async {
            let found = known(node.store.replay(live(self.account), &claim).await)?;
            Some(found.map(|found| found.map_or(Answer::Free, told)))
        };
        self.call(key, node, Call::Replay { manner }, replay).await
    }

    async fn admit(&self, key: usize, node: &Node, manner: Manner, id: MessageId, fits: bool) -> Option<Answer> {
        let quota = Quota { day: UtcDay::of(NOW), limit: if fits { u64::MAX } else { 0 } };
        let admission = testkit::admission(node.epoch, message(id, self.account, NOW));
        let admission = Admission { quota, idempotency: Some(self.claim(key, manner)), ..admission };
        let began = self.history.now();
        let admit = async {
            Some(known(node.store.admit(admission).await)?.map(|admitted| match admitted {
                Admitted::New => Answer::New,
                Admitted::QuotaReached => Answer::Full,
                Admitted::Earlier(earlier) => told(earlier),
                Admitted::MediaGone => panic!("there are no media"),
            }))
        };
        let admitted = self.call(key, node, Call::Admit { node: node.number, manner, id, fits }, admit).await;
        if admitted.is_none() && manner.awaited {
            self.history.may_happen(key, began, Call::LetGo { id, begun: manner.begun });
        }
        admitted
    }

    async fn record(&self, key: usize, node: &Node, answer: String) {
        let name = self.claim(key, Manner { what: 0, begun: false, awaited: false }).of(live(self.account));
        let body = answer.clone();
        let record =
            async { Some(known(node.store.record_answer(node.epoch, &name, body).await)?.map(|()| Answer::Done)) };
        self.call(key, node, Call::Record { node: node.number, answer }, record).await;
    }

    async fn finish(&self, key: usize, node: &Node, holds: bool) {
        if holds {
            let name = self.claim(key, Manner { what: 0, begun: false, awaited: false }).of(live(self.account));
            let finish = async {
                node.store.end_request(node.epoch, &name).await;
                Some(Ok(Answer::Done))
            };
            self.call(key, node, Call::Finish { node: node.number }, finish).await;
        }
    }

    async fn call(
        &self,
        key: usize,
        node: &Node,
        call: Call,
        answer: impl Future<Output = Option<Result<Answer, StoreError>>>,
    ) -> Option<Answer> {
        let answer = async {
            Some(answer.await?.unwrap_or_else(|error| match error {
                StoreError::Over => Answer::Over,
                other => panic!("{other}"),
            }))
        };
        let answer = self.history.call(key, call, answer).await;
        if answer.is_none() {
            node.reached().await;
        }
        answer
    }

    /// Waits until no request holds a key: all have ended.
    async fn settle(&self, node: &Node) {
        let until = Instant::now() + FREE_WITHIN;
        for key in 0..KEYS {
            let manner = Manner { what: 0, begun: false, awaited: false };
            while self.replay(key, node, manner).await == Some(Answer::UnderWay) {
                assert!(Instant::now() < until, "key {key} is held, although its request has ended");
                sleep(Duration::from_millis(100)).await;
            }
            // A record hides who holds the key, but from those who begin.
            while self.begin(key, node).await == Some(Answer::Begun(false)) {
                assert!(Instant::now() < until, "key {key} is held, although its request has ended");
                sleep(Duration::from_millis(100)).await;
            }
            self.finish(key, node, true).await;
        }
    }
}

fn told(earlier: Earlier<model::Message>) -> Answer {
    match earlier {
        Earlier::Replayed(replay) => Answer::Replayed(replay.made.id, replay.answer),
        Earlier::KeyTaken => Answer::Taken,
        Earlier::UnderWay => Answer::UnderWay,
    }
}
