//! Requests under way: a key is held by one request of one living node, and no two repeats are answered differently.

use std::sync::Arc;

use model::idempotency::{AnswerForm, Endpoint};
use model::{AccountId, Message, Mode, Moment, Owner};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::StoreError;
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewMessage, Quota, Replay};
use store::contract::nodes::{Epoch, LIFE};
use store::contract::requests::RequestKey;
use tokio::task::JoinSet;

use crate::broadcasts::{self, broadcast};
use crate::support::{Backend, Desk, NODE, NOW, admission, claim, live};

/// A store with the desk's node and another one.
async fn two(fresh: &impl Backend) -> (Desk, Epoch) {
    let desk = Desk::at(fresh.open_shared().await).await;
    let other = desk.store.join("other".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
    (desk, other)
}

/// Ends the desk's node by another one.
async fn end_desk(desk: &Desk, other: Epoch) {
    desk.store.renew(other, NOW + LIFE).await.unwrap();
    assert_eq!(desk.store.take_over(other, NOW + LIFE).await.unwrap().epochs, [NODE]);
}

/// The request has begun under its key before.
const BEGUN: (bool, bool) = (true, false);
/// Its answer is awaited.
const AWAITED: (bool, bool) = (false, true);
const BEGUN_AND_AWAITED: (bool, bool) = (true, true);
const PLAIN: (bool, bool) = (false, false);

fn with(
    message: Message,
    node: Epoch,
    claim: &IdempotencyClaim,
    (begun, awaited): (bool, bool),
) -> Admission<NewMessage> {
    Admission { node, idempotency: Some(IdempotencyClaim { begun, awaited, ..claim.clone() }), ..admission(message) }
}

fn replayed(message: &Message, answer: Option<&str>) -> Earlier<Message> {
    Earlier::Replayed(Replay {
        made: Arc::new(message.clone()),
        answer: answer.map(str::to_owned),
        form: AnswerForm::NEWEST,
    })
}

async fn begin(desk: &Desk, node: Epoch, key: &RequestKey) -> bool {
    desk.store.begin_request(node, key).await.unwrap()
}

/// What a repeat at any node finds.
async fn replay(desk: &Desk, account: AccountId, claim: &IdempotencyClaim) -> Option<Earlier<Message>> {
    desk.store.replay(live(account), claim).await.unwrap()
}

pub(crate) async fn a_key_is_held_by_one_request_until_that_ends(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let key = claim.of(live(account));
    assert!(begin(&desk, NODE, &key).await);
    for node in [NODE, other] {
        assert!(!begin(&desk, node, &key).await, "{node}");
    }
    assert_eq!(replay(&desk, account, &claim).await, Some(Earlier::UnderWay));
    let another = claim.clone();
    assert_eq!(
        replay(
            &desk,
            account,
            &IdempotencyClaim { fingerprint: crate::support::claim("key-1", "bye", NOW).fingerprint, ..another }
        )
        .await,
        Some(Earlier::UnderWay)
    );
    assert_eq!(
        replay(&desk, account, &IdempotencyClaim { begun: true, ..claim.clone() }).await,
        None,
        "its own hold is no obstacle"
    );
    desk.store.end_request(other, &key).await;
    assert!(!begin(&desk, other, &key).await, "the other node did not hold it");
    desk.store.end_request(NODE, &key).await;
    assert_eq!(replay(&desk, account, &claim).await, None);
    assert!(begin(&desk, other, &key).await);
}

pub(crate) async fn a_held_key_is_one_of_its_owner_and_its_endpoint(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (owner, claim) = (live(desk.account()), claim("key-1", "hello", NOW));
    let key = claim.of(owner);
    for free in [
        key.clone(),
        RequestKey { endpoint: Endpoint::Broadcast, ..key.clone() },
        RequestKey { owner: Owner { mode: Mode::Test, ..owner }, ..key.clone() },
        RequestKey { owner: live(desk.account()), ..key.clone() },
        crate::support::claim("KEY-1", "hello", NOW).of(owner),
    ] {
        assert!(begin(&desk, NODE, &free).await, "{free:?}");
        assert!(!begin(&desk, other, &free).await, "{free:?}");
    }
}

pub(crate) async fn of_many_nodes_that_begin_at_once_one_gets_the_key(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let key = claim("key-1", "hello", NOW).of(live(desk.account()));
    for _ in 0..20 {
        let mut tasks = JoinSet::new();
        for n in 0..40 {
            let (store, key, node) = (Arc::clone(&desk.store), key.clone(), if n % 2 == 0 { NODE } else { other });
            tasks.spawn(async move { store.begin_request(node, &key).await.unwrap().then_some(node) });
        }
        let got: Vec<Epoch> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(got.len(), 1);
        desk.store.end_request(got[0], &key).await;
    }
}

pub(crate) async fn a_key_of_an_epoch_that_is_over_is_free(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let key = claim.of(live(account));
    assert!(begin(&desk, NODE, &key).await);
    end_desk(&desk, other).await;
    assert_eq!(replay(&desk, account, &claim).await, None);
    assert_eq!(desk.store.begin_request(NODE, &key).await, Err(StoreError::Over));
    assert!(begin(&desk, other, &key).await);
    desk.store.end_request(NODE, &key).await;
    assert_eq!(
        replay(&desk, account, &claim).await,
        Some(Earlier::UnderWay),
        "the late end of the other request frees nothing"
    );
    desk.store.leave(other, NOW + LIFE).await.unwrap();
    assert_eq!(replay(&desk, account, &claim).await, None);
}

pub(crate) async fn a_request_that_began_is_admitted_under_its_key(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let (key, message) = (claim.of(live(account)), desk.message(account));
    assert!(begin(&desk, NODE, &key).await);
    assert_eq!(desk.try_admit(with(message.clone(), NODE, &claim, BEGUN)).await, Admitted::New);
    assert_eq!(replay(&desk, account, &claim).await, Some(replayed(&message, None)), "how it is answered is on record");
    assert_eq!(
        desk.try_admit(with(desk.message(account), other, &claim, PLAIN)).await,
        Admitted::Earlier(replayed(&message, None))
    );
    assert!(!begin(&desk, other, &key).await);
    desk.store.end_request(NODE, &key).await;
    // A repeat holds the key while it looks, and hinders no other repeat.
    assert!(begin(&desk, other, &key).await);
    assert_eq!(replay(&desk, account, &claim).await, Some(replayed(&message, None)));
    assert_eq!(desk.count(account).await, 1);
}

pub(crate) async fn a_request_that_began_may_be_awaited_as_well(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let (key, message) = (claim.of(live(account)), desk.message(account));
    assert!(begin(&desk, NODE, &key).await);
    let refused = with(message.clone(), NODE, &claim, BEGUN_AND_AWAITED);
    let quota = Quota { limit: 0, ..refused.quota };
    assert_eq!(desk.try_admit(Admission { quota, ..refused }).await, Admitted::QuotaReached);
    assert!(!begin(&desk, other, &key).await, "it holds the key as before");
    assert_eq!(desk.try_admit(with(message.clone(), NODE, &claim, BEGUN_AND_AWAITED)).await, Admitted::New);
    assert_eq!(replay(&desk, account, &claim).await, Some(Earlier::UnderWay));
    assert_eq!(
        desk.try_admit(with(desk.message(account), other, &claim, PLAIN)).await,
        Admitted::Earlier(Earlier::UnderWay)
    );
    desk.store.end_request(NODE, &key).await;
    assert_eq!(replay(&desk, account, &claim).await, Some(replayed(&message, None)));
}

pub(crate) async fn a_request_with_an_earlier_look_makes_no_second_message(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let (key, message) = (claim.of(live(account)), desk.message(account));
    // A request without media looked before the other one began, and is admitted first.
    assert!(begin(&desk, NODE, &key).await);
    assert_eq!(desk.try_admit(with(message.clone(), other, &claim, PLAIN)).await, Admitted::New);
    assert_eq!(
        desk.try_admit(with(desk.message(account), NODE, &claim, BEGUN)).await,
        Admitted::Earlier(replayed(&message, None))
    );
    assert_eq!(
        desk.try_admit(with(desk.message(account), other, &claim, AWAITED)).await,
        Admitted::Earlier(replayed(&message, None))
    );
    assert_eq!(desk.count(account).await, 1);
}

pub(crate) async fn an_awaited_answer_is_under_way_until_its_request_ends(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    for (name, answer) in [("key-1", Some("{\"status\":\"sent\"}")), ("key-2", None)] {
        let claim = claim(name, "hello", NOW);
        let (key, message) = (claim.of(live(account)), desk.message(account));
        assert_eq!(desk.try_admit(with(message.clone(), NODE, &claim, AWAITED)).await, Admitted::New);
        for (node, how) in [(NODE, AWAITED), (other, AWAITED), (other, PLAIN)] {
            assert_eq!(
                desk.try_admit(with(desk.message(account), node, &claim, how)).await,
                Admitted::Earlier(Earlier::UnderWay),
                "{node} {how:?}"
            );
        }
        assert!(!begin(&desk, other, &key).await);
        assert_eq!(replay(&desk, account, &claim).await, Some(Earlier::UnderWay));
        let taken =
            IdempotencyClaim { fingerprint: crate::support::claim(name, "bye", NOW).fingerprint, ..claim.clone() };
        assert_eq!(replay(&desk, account, &taken).await, Some(Earlier::KeyTaken));
        if let Some(answer) = answer {
            desk.store.record_answer(NODE, &key, answer.to_owned()).await.unwrap();
            assert_eq!(
                replay(&desk, account, &claim).await,
                Some(replayed(&message, Some(answer))),
                "what is on record does not change any more"
            );
        }
        desk.store.end_request(NODE, &key).await;
        assert_eq!(replay(&desk, account, &claim).await, Some(replayed(&message, answer)));
        assert_eq!(
            desk.try_admit(with(desk.message(account), other, &claim, AWAITED)).await,
            Admitted::Earlier(replayed(&message, answer))
        );
        assert!(begin(&desk, other, &key).await, "a replay holds nothing");
    }
}

pub(crate) async fn a_request_that_is_not_admitted_holds_no_key(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let key = claim.of(live(account));
    let over = with(desk.message(account), NODE, &claim, AWAITED);
    let quota = Quota { limit: 0, ..over.quota };
    assert_eq!(desk.try_admit(Admission { quota, ..over }).await, Admitted::QuotaReached);
    assert_eq!(replay(&desk, account, &claim).await, None);
    assert!(begin(&desk, other, &key).await);
    assert_eq!(
        desk.try_admit(with(desk.message(account), NODE, &claim, AWAITED)).await,
        Admitted::Earlier(Earlier::UnderWay)
    );
    desk.store.end_request(other, &key).await;
    assert_eq!(desk.try_admit(with(desk.message(account), NODE, &claim, AWAITED)).await, Admitted::New);
}

pub(crate) async fn an_answer_awaited_by_an_epoch_that_is_over_is_that_of_the_record(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, claim) = (desk.account(), claim("key-1", "hello", NOW));
    let (key, message) = (claim.of(live(account)), desk.message(account));
    assert_eq!(desk.try_admit(with(message.clone(), NODE, &claim, AWAITED)).await, Admitted::New);
    end_desk(&desk, other).await;
    assert_eq!(replay(&desk, account, &claim).await, Some(replayed(&message, None)));
    let late = desk.store.record_answer(NODE, &key, "{}".to_owned()).await;
    assert_eq!(late, Err(StoreError::Over), "a repeat was answered already");
    desk.store.end_request(NODE, &key).await;
    assert_eq!(replay(&desk, account, &claim).await, Some(replayed(&message, None)));
}

pub(crate) async fn of_many_awaited_requests_at_two_nodes_one_is_admitted(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    for round in 0..10 {
        let claim = claim(&format!("key-{round}"), "hello", NOW);
        let mut tasks = JoinSet::new();
        for n in 0..50 {
            let (how, node) = ([AWAITED, AWAITED, PLAIN][n % 3], [NODE, other][n % 2]);
            let (store, admission) = (Arc::clone(&desk.store), with(desk.message(account), node, &claim, how));
            tasks.spawn(async move { (node, how, store.admit(admission).await.unwrap()) });
        }
        let outcomes = tasks.join_all().await;
        let first: Vec<_> = outcomes.iter().filter(|(.., admitted)| *admitted == Admitted::New).collect();
        let [(node, how, _)] = first[..] else { panic!("{first:?}") };
        let is_awaited = *how == AWAITED;
        let others = outcomes.iter().filter(|(.., admitted)| *admitted != Admitted::New);
        others.for_each(|(.., admitted)| {
            assert_eq!(*admitted == Admitted::Earlier(Earlier::UnderWay), is_awaited, "{admitted:?}");
        });
        desk.store.end_request(*node, &claim.of(live(account))).await;
        assert!(matches!(replay(&desk, account, &claim).await, Some(Earlier::Replayed(_))));
    }
    assert_eq!(desk.count(account).await, 10);
}

pub(crate) async fn a_broadcast_holds_its_key_as_a_message_does(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    let claim = IdempotencyClaim { endpoint: Endpoint::Broadcast, ..claim("key-1", "hello", NOW) };
    let key = claim.of(live(account));
    let with = |(begun, awaited)| {
        let idempotency = Some(IdempotencyClaim { begun, awaited, ..claim.clone() });
        Admission { idempotency, ..broadcasts::admission(broadcast(&desk, account, 5, 0)) }
    };
    let look = async || desk.store.replay_broadcast(live(account), &claim).await.unwrap();
    assert!(begin(&desk, other, &key).await);
    assert_eq!(look().await, Some(Earlier::UnderWay));
    assert_eq!(desk.store.admit_broadcast(with(AWAITED)).await.unwrap(), Admitted::Earlier(Earlier::UnderWay));
    desk.store.end_request(other, &key).await;
    assert_eq!(desk.store.admit_broadcast(with(AWAITED)).await.unwrap(), Admitted::New);
    assert_eq!(look().await, Some(Earlier::UnderWay));
    assert_eq!(desk.store.admit_broadcast(with(PLAIN)).await.unwrap(), Admitted::Earlier(Earlier::UnderWay));
    desk.store.record_answer(NODE, &key, "{}".to_owned()).await.unwrap();
    desk.store.end_request(NODE, &key).await;
    let Some(Earlier::Replayed(Replay { answer, .. })) = look().await else { panic!("it was admitted") };
    assert_eq!(answer.as_deref(), Some("{}"));
    assert!(begin(&desk, other, &key).await);
    end_desk(&desk, other).await;
}

/// Makes random interleavings of requests at nodes that come and go, each on a fresh store, and compares what they hear
/// with a model.
pub(crate) fn any_interleaving_of_requests_answers_all_repeats_alike<B: Backend>(fresh: impl Fn() -> B) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let check = |steps: Vec<Step>| {
        runtime.block_on(async {
            let backend = fresh();
            let desk = Desk::at(backend.open_shared().await).await;
            let mut world = World {
                account: desk.account(),
                desk,
                nodes: vec![(NODE, true)],
                keys: [Key::default(), Key::default()],
            };
            for step in steps {
                world.make(step).await;
            }
        });
        Ok(())
    };
    TestRunner::new(trials::config(96)).run(&prop::collection::vec(steps(), 1..80), check).unwrap();
}

/// What a node does; the second number says with which key.
#[derive(Clone, Copy, Debug)]
enum Step {
    Join,
    Leave(usize),
    Begin(usize, usize),
    /// Whether the answer is awaited.
    Admit(usize, usize, bool),
    Record(usize, usize),
    End(usize, usize),
    Look(usize),
}

fn steps() -> impl Strategy<Value = Step> {
    let at = || (0..4usize, 0..2usize);
    prop_oneof![
        1 => Just(Step::Join),
        1 => (0..4usize).prop_map(Step::Leave),
        4 => at().prop_map(|(node, key)| Step::Begin(node, key)),
        6 => (at(), any::<bool>()).prop_map(|((node, key), awaited)| Step::Admit(node, key, awaited)),
        3 => at().prop_map(|(node, key)| Step::Record(node, key)),
        3 => at().prop_map(|(node, key)| Step::End(node, key)),
        5 => (0..2usize).prop_map(Step::Look),
    ]
}

/// A key as the model has it.
#[derive(Clone, Default)]
struct Key {
    /// The message on record, and its answer.
    record: Option<(Message, Option<String>)>,
    /// The node whose request holds it, and whether its answer is awaited.
    held: Option<(usize, bool)>,
    /// What the first repeat heard.
    heard: Option<Earlier<Message>>,
}

impl Key {
    /// What a repeat hears; nothing where the request would be the first.
    fn repeat(&self) -> Option<Earlier<Message>> {
        match (&self.record, self.held) {
            (Some((_, None)), Some((_, true))) => Some(Earlier::UnderWay),
            (Some((message, answer)), _) => Some(replayed(message, answer.as_deref())),
            (None, _) => None,
        }
    }
}

struct World {
    desk: Desk,
    account: AccountId,
    /// The nodes, and whether they are not over.
    nodes: Vec<(Epoch, bool)>,
    keys: [Key; 2],
}

impl World {
    async fn make(&mut self, step: Step) {
        let node = |node: usize| node % self.nodes.len();
        match step {
            Step::Join => {
                // Each has a name of its own: a start ends what had its name before.
                let name = format!("node {}", self.nodes.len());
                let epoch = self.desk.store.join(name, "0".to_owned(), Moment::of(NOW)).await.unwrap();
                self.nodes.push((epoch, true));
            }
            Step::Leave(n) => {
                let n = node(n);
                self.desk.store.leave(self.nodes[n].0, NOW).await.unwrap();
                self.nodes[n].1 = false;
                self.keys
                    .iter_mut()
                    .filter(|key| key.held.is_some_and(|(holder, _)| holder == n))
                    .for_each(|key| key.held = None);
            }
            Step::Begin(n, key) => self.begin(node(n), key).await,
            Step::Admit(n, key, awaited) => self.admit(node(n), key, awaited).await,
            Step::Record(n, key) => self.record(node(n), key).await,
            Step::End(n, key) => {
                let n = node(n);
                self.desk.store.end_request(self.nodes[n].0, &self.claim(key).of(live(self.account))).await;
                self.keys[key].held.take_if(|(holder, _)| *holder == n);
            }
            Step::Look(key) => {
                let expected = self.keys[key].repeat().or_else(|| self.keys[key].held.map(|_| Earlier::UnderWay));
                let heard = replay(&self.desk, self.account, &self.claim(key)).await;
                assert_eq!(heard, expected);
                self.hear(key, heard);
            }
        }
    }

    fn claim(&self, key: usize) -> IdempotencyClaim {
        claim(&format!("key-{key}"), "hello", NOW)
    }

    /// What a repeat is answered never changes.
    fn hear(&mut self, key: usize, heard: Option<Earlier<Message>>) {
        if let Some(heard @ Earlier::Replayed(_)) = heard {
            assert_eq!(self.keys[key].heard.get_or_insert(heard.clone()), &heard);
        }
    }

    async fn begin(&mut self, node: usize, key: usize) {
        let (epoch, lives) = self.nodes[node];
        let begun = self.desk.store.begin_request(epoch, &self.claim(key).of(live(self.account))).await;
        let is_free = self.keys[key].held.is_none();
        assert_eq!(begun, if lives { Ok(is_free) } else { Err(StoreError::Over) });
        if begun == Ok(true) {
            self.keys[key].held = Some((node, false));
        }
    }

    /// A request whose node holds the key is the one that began.
    async fn admit(&mut self, node: usize, key: usize, awaited: bool) {
        let (epoch, lives) = self.nodes[node];
        let begun = self.keys[key].held == Some((node, false));
        let message = self.desk.message(self.account);
        let admitted = self.desk.store.admit(with(message.clone(), epoch, &self.claim(key), (begun, awaited))).await;
        if !lives {
            return assert_eq!(admitted, Err(StoreError::Over));
        }
        let is_refused = awaited && !begun && self.keys[key].held.is_some();
        let expected = self.keys[key].repeat().or(is_refused.then_some(Earlier::UnderWay));
        assert_eq!(admitted, Ok(expected.clone().map_or(Admitted::New, Admitted::Earlier)));
        if expected.is_none() {
            self.keys[key].record = Some((message, None));
            if awaited {
                self.keys[key].held = Some((node, true));
            }
        }
        self.hear(key, expected);
    }

    /// The request that is awaited records its answer once; a node that is over tries it as well.
    async fn record(&mut self, node: usize, key: usize) {
        let (epoch, lives) = self.nodes[node];
        let state = &self.keys[key];
        let is_its =
            state.held == Some((node, true)) && state.record.as_ref().is_some_and(|(_, answer)| answer.is_none());
        if lives && !is_its {
            return;
        }
        let answer = format!("answer of {epoch}");
        let recorded =
            self.desk.store.record_answer(epoch, &self.claim(key).of(live(self.account)), answer.clone()).await;
        assert_eq!(recorded, if lives { Ok(()) } else { Err(StoreError::Over) });
        if let Some((_, recorded)) = self.keys[key].record.as_mut().filter(|_| lives) {
            *recorded = Some(answer);
        }
    }
}
