//! Nodes on one store: what a living epoch owns is its own, what one that is over owned goes to others, and it begins
//! nothing more.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use model::event::EventKind;
use model::status::SegmentFate;
use model::{BroadcastId, BroadcastStatus, Message, MessageId, Moment, Status, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use store::contract::admission::{Admission, Admitted, Quota};
use store::contract::broadcasts::Expansion;
use store::contract::dispatch::{Attempt, Lease, LeaseRequest, Leased, Outcome, Verdict};
use store::contract::inbound::InboundOutcome;
use store::contract::nodes::{Epoch, LIFE, Slot, StoppedCarrier, TakenOver, Tokens};
use store::contract::receipts::ReceiptOutcome;
use store::{Store, StoreError};

use crate::broadcasts::{accepted, broadcast, expand};
use crate::office::{Office, arrival, part};
use crate::support::{
    Backend, Desk, LEASE_SECS, NODE, NORTH, NOW, RETRY_WITHIN, VALID_SECS, acks, admission, after, ids, lease_request,
    live, receipt, retry, under,
};

/// A second node beside that of the desk.
struct Other {
    epoch: Epoch,
    tokens: Tokens,
}

impl Other {
    async fn join(store: &dyn Store, name: &str, now: Timestamp) -> Self {
        let epoch = store.join(name.to_owned(), "0".to_owned(), Moment::of(now)).await.unwrap();
        Self { epoch, tokens: Tokens::of(epoch) }
    }

    async fn lease(&self, desk: &Desk, now: Timestamp) -> Vec<Leased> {
        desk.lease(self.tokens.next(), now).await
    }
}

/// A desk and another node on one store.
async fn two(fresh: &impl Backend) -> (Desk, Other) {
    let desk = Desk::at(fresh.open_shared().await).await;
    let other = Other::join(&*desk.store, "other", NOW).await;
    (desk, other)
}

/// The moment at which an epoch that joined at [`NOW`] may be ended.
fn late() -> Timestamp {
    NOW + LIFE
}

/// Lets `other` end the desk's node.
async fn end_desk(desk: &Desk, other: &Other) -> TakenOver {
    desk.store.renew(other.epoch, late()).await.unwrap();
    desk.store.take_over(other.epoch, late()).await.unwrap()
}

pub(crate) async fn every_start_has_an_epoch_of_its_own(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let second = Other::join(&*desk.store, "desk", after(1)).await.epoch;
    desk.reopen(&fresh).await;
    let third = Other::join(&*desk.store, "desk", after(2)).await.epoch;
    assert!(NODE < second && second < third);
    let nodes = desk.store.nodes().await.unwrap();
    let seen: Vec<_> =
        nodes.iter().map(|node| (node.epoch, node.name.as_str(), node.joined_at, node.is_over)).collect();
    assert_eq!(seen, [(third, "desk", after(2), false), (second, "desk", after(1), true), (NODE, "desk", NOW, true)]);
}

pub(crate) async fn a_start_ends_the_earlier_one_of_its_name(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.admit(desk.message(desk.account())).await;
    let token = desk.token();
    assert_eq!(ids(&desk.lease(token, NOW).await), [id]);
    let next = Other::join(&*desk.store, "desk", after(1)).await;
    assert_eq!(desk.begin(id, token, after(1)).await, None, "its epoch is over");
    assert_eq!(desk.store.recover(next.epoch, after(1), RETRY_WITHIN).await.unwrap(), 0);
    assert_eq!(ids(&next.lease(&desk, after(1)).await), [id]);
}

pub(crate) async fn a_start_of_one_of_several_nodes_ends_its_own_earlier_one_alone(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let id = desk.admit(desk.message(desk.account())).await;
    let token = desk.token();
    assert_eq!(ids(&desk.lease(token, NOW).await), [id]);
    let next = Other::join(&*desk.store, "desk", after(1)).await;
    assert_eq!(desk.begin(id, token, after(1)).await, None, "its epoch is over");
    assert_eq!(desk.store.renew(NODE, after(1)).await, Err(StoreError::Over));
    desk.store.renew(other.epoch, after(1)).await.unwrap();
    assert_eq!(desk.store.recover(next.epoch, after(1), RETRY_WITHIN).await.unwrap(), 0);
    assert_eq!(ids(&next.lease(&desk, after(1)).await), [id]);
}

pub(crate) async fn a_late_epoch_lives_until_another_node_ends_it(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    for (at, ended) in [(late() - Duration::from_millis(1), vec![]), (late(), vec![NODE])] {
        desk.store.renew(other.epoch, at).await.unwrap();
        assert_eq!(desk.store.take_over(other.epoch, at).await.unwrap(), TakenOver { epochs: ended, interrupted: 0 });
    }
    assert_eq!(desk.store.renew(NODE, late()).await, Err(StoreError::Over));
    // The other one is late by hours, and nobody has ended it.
    desk.store.renew(other.epoch, after(9_999)).await.unwrap();
    assert_eq!(
        desk.store.take_over(NODE, after(99_999)).await,
        Err(StoreError::Over),
        "one that is over ends no other"
    );
}

pub(crate) async fn a_renewed_epoch_is_not_ended(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    for secs in (0..120).step_by(2) {
        desk.store.renew(NODE, after(secs)).await.unwrap();
        // A reading of before, by a call that was slow, takes nothing back.
        desk.store.renew(NODE, NOW).await.unwrap();
        desk.store.renew(other.epoch, after(secs)).await.unwrap();
        assert_eq!(desk.store.take_over(other.epoch, after(secs + 9)).await.unwrap(), TakenOver::default());
    }
}

pub(crate) async fn a_clock_that_is_set_back_keeps_no_epoch_alive(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    desk.store.renew(NODE, after(3_600)).await.unwrap();
    let mut ended = Vec::new();
    for secs in (0..=20).step_by(2) {
        desk.store.renew(other.epoch, after(secs)).await.unwrap();
        let taken = desk.store.take_over(other.epoch, after(secs)).await.unwrap();
        ended.extend(taken.epochs.into_iter().map(|epoch| (secs, epoch)));
    }
    assert_eq!(ended, [(10, NODE)]);
}

pub(crate) async fn a_living_epoch_keeps_its_attempts_and_its_leases_until_they_end(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    let leased = desk.admit(desk.message(account)).await;
    assert_eq!(ids(&desk.lease(desk.token(), NOW).await), [leased]);
    let begun = desk.attempted(desk.message(account)).await.id;
    assert_eq!(other.lease(&desk, after(LEASE_SECS - 1)).await, []);
    // Long after the leases have ended, but the node lives: it may have put a message aside, never an attempt.
    let later = after(VALID_SECS - 1);
    assert_eq!(desk.store.recover(other.epoch, later, RETRY_WITHIN).await.unwrap(), 0);
    assert_eq!(ids(&other.lease(&desk, later).await), [leased]);
    assert_eq!(other.lease(&desk, later).await, []);
    let over = Moment::of(after(VALID_SECS));
    assert_eq!(desk.store.expire(other.epoch, over, HashSet::new(), 10).await.unwrap(), 0);
    assert_eq!(ids(&desk.lease(desk.token(), later).await), [begun], "its own epoch finds the attempt again");
}

pub(crate) async fn what_an_ended_epoch_owned_is_given_to_others_at_once(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    let far = Some(Lease { token: desk.token(), until: after(VALID_SECS) });
    let waiting = desk.message(account);
    desk.try_admit(under(far, admission(waiting.clone()))).await;
    let begun = desk.attempted(desk.message(account)).await;
    assert_eq!(end_desk(&desk, &other).await, TakenOver { epochs: vec![NODE], interrupted: 1 });
    let given = other.lease(&desk, late()).await;
    let interrupted: BTreeMap<MessageId, bool> =
        given.iter().map(|leased| (leased.message.id, leased.interrupted)).collect();
    assert_eq!(interrupted, BTreeMap::from([(waiting.id, false), (begun.id, true)]));
}

pub(crate) async fn an_ended_epoch_is_given_nothing_and_promises_nothing(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    let (first, second) = (desk.attempted(desk.message(account)).await, desk.attempted(desk.message(account)).await);
    let token = desk.token();
    let third = desk.admit(desk.message(account)).await;
    assert_eq!(ids(&desk.lease(token, NOW).await), [third]);
    let open = broadcast(&desk, account, 5, 0);
    assert_eq!(desk.store.admit_broadcast(crate::broadcasts::admission(open.clone())).await.unwrap(), Admitted::New);
    let expansion =
        Expansion { node: NODE, broadcast: open.id, from: 0, turns: 5, messages: Vec::new(), due_at: NOW, at: NOW };
    end_desk(&desk, &other).await;

    let now = late();
    assert_eq!(desk.begin(third, token, NOW).await, None);
    assert_eq!(desk.store.lease_due(lease_request(desk.token(), now)).await, Err(StoreError::Over));
    assert_eq!(desk.store.admit(admission(desk.message(account))).await, Err(StoreError::Over));
    let refused = desk.store.admit_broadcast(crate::broadcasts::admission(broadcast(&desk, account, 5, 0))).await;
    assert_eq!(refused, Err(StoreError::Over));
    assert_eq!(desk.store.expand(expansion).await, Err(StoreError::Over));
    assert_eq!(desk.store.expire(NODE, Moment::of(after(VALID_SECS)), HashSet::new(), 10).await, Err(StoreError::Over));
    assert_eq!(desk.store.recover(NODE, now, RETRY_WITHIN).await, Err(StoreError::Over));
    assert_eq!(desk.store.claim_slots(NODE, NORTH.to_owned(), 1, 1).await, Err(StoreError::Over));
    let office = Arc::new(Office::of(live(account)));
    let (text, part) = (arrival("hello", NOW), part(1, 2, "he", NOW));
    for arrivals in [vec![text], vec![part]] {
        let recorded = desk.store.record_inbound(NODE, arrivals.clone(), Arc::clone(&office) as _).await;
        assert_eq!(recorded, Err(StoreError::Over));
        let again = desk.store.record_inbound(other.epoch, arrivals, Arc::clone(&office) as _).await.unwrap();
        assert_ne!(again[0].outcome, InboundOutcome::Repeated, "nothing was recorded");
    }
    let before = desk.all_of(first.id).await;
    for verdict in [Verdict::Retry(retry(now)), Verdict::Hold, Verdict::Expired] {
        assert_eq!(desk.record(&Outcome { verdict: verdict.clone(), ..first.clone() }).await, [], "{verdict:?}");
    }
    assert_eq!(desk.all_of(first.id).await, before);
    // The carrier has it, and both nodes must say so.
    assert_eq!(desk.record(&Outcome { accepted: acks(["a"]), ..second.clone() }).await.len(), 1);
    assert_eq!(desk.status(second.id).await, Status::Sent);
    desk.store.release(vec![(third, token)], NOW).await.unwrap();
    let given: BTreeSet<MessageId> = ids(&other.lease(&desk, now).await).into_iter().collect();
    assert_eq!(given, BTreeSet::from([first.id, third]));
}

pub(crate) async fn a_node_that_leaves_gives_everything_back(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let id = desk.attempted(desk.message(desk.account())).await.id;
    assert_eq!(desk.store.claim_slots(NODE, NORTH.to_owned(), 2, 2).await.unwrap(), [0, 1]);
    for _ in 0..2 {
        desk.store.leave(NODE, after(1)).await.unwrap();
    }
    let given = other.lease(&desk, after(1)).await;
    assert_eq!((ids(&given), given[0].interrupted), (vec![id], true));
    assert_eq!(desk.store.slots().await.unwrap(), []);
    assert_eq!(desk.store.claim_slots(other.epoch, NORTH.to_owned(), 2, 2).await.unwrap(), [0, 1]);
    desk.store.leave(other.epoch, after(2)).await.unwrap();
    assert_eq!(desk.store.renew(other.epoch, after(2)).await, Err(StoreError::Over), "for ever");
}

pub(crate) async fn an_epoch_that_is_over_is_over_after_reopening(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let epoch = Other::join(&*desk.store, "desk", NOW).await.epoch;
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.renew(NODE, NOW).await, Err(StoreError::Over));
    desk.store.renew(epoch, NOW).await.unwrap();
}

pub(crate) async fn an_unowned_message_is_anyones(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    let ids_of = [desk.admit(desk.message(account)).await, desk.admit(desk.message(account)).await];
    let request = LeaseRequest { limit: 1, ..lease_request(other.tokens.next(), NOW) };
    let first = ids(&desk.store.lease_due(request).await.unwrap());
    let rest = ids(&desk.lease(desk.token(), NOW).await);
    let given: BTreeSet<MessageId> = first.into_iter().chain(rest).collect();
    assert_eq!(given, BTreeSet::from(ids_of));
}

pub(crate) async fn a_retry_belongs_to_nobody(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let outcome = desk.attempted(desk.message(desk.account())).await;
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(5))), ..outcome.clone() }).await;
    let given = other.lease(&desk, after(5)).await;
    assert_eq!((ids(&given), given[0].interrupted, given[0].attempts), (vec![outcome.id], false, 1));
    assert_eq!(desk.begin(outcome.id, outcome.token, after(5)).await, None);
}

pub(crate) async fn a_broadcast_is_expanded_by_its_owner_and_taken_over_when_that_is_over(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (account, first_turn) = (desk.account(), |node, id: BroadcastId, from| Expansion {
        node,
        broadcast: id,
        from,
        turns: 2,
        messages: Vec::new(),
        due_at: NOW,
        at: NOW,
    });
    let open = broadcast(&desk, account, 6, 0);
    desk.store.admit_broadcast(crate::broadcasts::admission(open.clone())).await.unwrap();
    assert!(desk.store.expand(first_turn(NODE, open.id, 0)).await.unwrap());
    assert_eq!(desk.store.unexpanded(other.epoch, None, 10).await.unwrap(), []);
    assert!(!desk.store.expand(first_turn(other.epoch, open.id, 2)).await.unwrap(), "it has an owner");
    end_desk(&desk, &other).await;
    assert!(!desk.store.expand(first_turn(other.epoch, open.id, 2)).await.unwrap(), "it is not claimed yet");
    let third = Other::join(&*desk.store, "third", late()).await;
    assert_eq!(desk.store.unexpanded(other.epoch, None, 10).await.unwrap(), [Arc::new(open.clone())]);
    assert_eq!(desk.store.unexpanded(third.epoch, None, 10).await.unwrap(), [], "one node took it");
    assert!(desk.store.expand(first_turn(other.epoch, open.id, 2)).await.unwrap(), "where the dead one left off");
}

pub(crate) async fn sessions_are_shared_and_never_held_twice(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let (store, carrier) = (&desk.store, || NORTH.to_owned());
    assert_eq!(store.claim_slots(NODE, carrier(), 3, 2).await.unwrap(), [0, 1]);
    assert_eq!(store.claim_slots(NODE, carrier(), 3, 2).await.unwrap(), [0, 1], "it holds them already");
    assert_eq!(store.claim_slots(other.epoch, carrier(), 3, 3).await.unwrap(), [2]);
    assert_eq!(
        store.claim_slots(other.epoch, "south".to_owned(), 1, 1).await.unwrap(),
        [0],
        "each carrier has its own"
    );
    store.release_slots(other.epoch, carrier(), vec![0]).await.unwrap();
    store.release_slots(NODE, carrier(), vec![1]).await.unwrap();
    assert_eq!(store.claim_slots(other.epoch, carrier(), 3, 3).await.unwrap(), [1, 2], "what was given back");
    let slot = |carrier: &str, number, epoch| Slot { carrier: carrier.into(), number, epoch };
    let held =
        [slot(NORTH, 0, NODE), slot(NORTH, 1, other.epoch), slot(NORTH, 2, other.epoch), slot("south", 0, other.epoch)];
    assert_eq!(store.slots().await.unwrap(), held);
    end_desk(&desk, &other).await;
    assert_eq!(store.slots().await.unwrap(), held[1..]);
    assert_eq!(store.claim_slots(other.epoch, carrier(), 3, 3).await.unwrap(), [0, 1, 2]);
    // A configuration with fewer sessions.
    assert_eq!(store.claim_slots(other.epoch, carrier(), 1, 1).await.unwrap(), [0]);
}

/// Every way in which a lease of one node can stand when the other asks, as data: how the message came to its owner,
/// what became of the owner, and what each of both is given then.
/// Where a message stands with its owner.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Unowned,
    Leased,
    Begun,
    Retried,
    Held,
}

impl State {
    /// Brings a message to this state that is admitted under `token`.
    async fn reach(self, desk: &Desk, message: &Message, token: u64) {
        let (id, recipient, lease_until) = (message.id, message.recipient, after(LEASE_SECS));
        if matches!(self, Self::Begun | Self::Retried | Self::Held) {
            let (carrier, detail) = (NORTH.into(), String::new());
            let attempt = Attempt { id, recipient, token, carrier, lease_until, detail };
            assert_eq!(desk.store.begin_attempts(vec![attempt], Moment::of(NOW)).await.unwrap(), [Some(1)]);
        }
        let outcome = outcome(message, token, NOW);
        match self {
            Self::Retried => drop(desk.record(&Outcome { verdict: Verdict::Retry(retry(NOW)), ..outcome }).await),
            Self::Held => drop(desk.record(&Outcome { verdict: Verdict::Hold, ..outcome }).await),
            Self::Unowned | Self::Leased | Self::Begun => {}
        }
    }
}

pub(crate) async fn a_message_is_given_as_its_owner_stands(fresh: impl Backend) {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Owner {
        Lives,
        Ended,
        Left,
    }
    let desk = Desk::at(fresh.open_shared().await).await;
    let other = Other::join(&*desk.store, "other", NOW).await;
    for state in [State::Unowned, State::Leased, State::Begun, State::Retried, State::Held] {
        for owner in [Owner::Lives, Owner::Ended, Owner::Left] {
            for lease_is_over in [false, true] {
                let node = Other::join(&*desk.store, "node", NOW).await;
                desk.store.renew(other.epoch, NOW).await.unwrap();
                let (message, token) = (desk.message(desk.account()), node.tokens.next());
                let id = message.id;
                let lease = (state != State::Unowned).then_some(Lease { token, until: after(LEASE_SECS) });
                desk.try_admit(Admission { node: node.epoch, ..under(lease, admission(message.clone())) }).await;
                state.reach(&desk, &message, token).await;
                let now = if lease_is_over { after(LEASE_SECS) } else { after(11) };
                desk.store.renew(other.epoch, now).await.unwrap();
                match owner {
                    Owner::Lives => desk.store.renew(node.epoch, now).await.unwrap(),
                    Owner::Ended => {
                        assert!(desk.store.take_over(other.epoch, now).await.unwrap().epochs.contains(&node.epoch));
                    }
                    Owner::Left => desk.store.leave(node.epoch, now).await.unwrap(),
                }
                let case = format!("{state:?}, {owner:?}, lease over: {lease_is_over}");
                let given = other.lease(&desk, now).await;
                let given = given.iter().find(|leased| leased.message.id == id).map(|leased| leased.interrupted);
                let wanted = match (state, owner) {
                    (State::Held, _) | (State::Begun, Owner::Lives) => None,
                    (State::Leased, Owner::Lives) if !lease_is_over => None,
                    (State::Unowned | State::Retried | State::Leased, _) => Some(false),
                    (State::Begun, _) => Some(true),
                };
                assert_eq!(given, wanted, "the other node: {case}");
                let own = desk.store.lease_due(lease_request(node.tokens.next(), now)).await;
                match (owner, state) {
                    (Owner::Ended | Owner::Left, _) => assert_eq!(own, Err(StoreError::Over), "{case}"),
                    (Owner::Lives, State::Leased | State::Begun) => {
                        let again =
                            own.unwrap().iter().find(|leased| leased.message.id == id).map(|leased| leased.interrupted);
                        // The other node has taken what was only leased.
                        let is_own = lease_is_over && state == State::Begun;
                        assert_eq!(again, is_own.then_some(true), "the owner: {case}");
                    }
                    (Owner::Lives, _) => assert!(!ids(&own.unwrap()).contains(&id), "{case}"),
                }
            }
        }
    }
}

/// How an attempt of a message ended with [`NORTH`].
fn outcome(message: &Message, token: u64, now: Timestamp) -> Outcome {
    Outcome {
        id: message.id,
        recipient: message.recipient,
        token,
        total: 1,
        attempt: 1,
        carrier: NORTH.into(),
        at: now,
        accepted: Vec::new(),
        verdict: Verdict::Sent,
        detail: String::new(),
        receipt_by: None,
    }
}

/// What happens on a store with several nodes. Nodes and messages are named by small numbers, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    Join,
    Renew { node: usize },
    TakeOver { node: usize },
    Leave { node: usize },
    Admit { node: usize, leased: bool },
    Lease { node: usize },
    Begin { node: usize, message: usize },
    End { node: usize, message: usize, sent: bool },
    Release { node: usize, message: usize },
    Wait { secs: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (node, message) = (|| 0..5usize, || 0..12usize);
    let step = prop_oneof![
        1 => Just(Step::Join),
        3 => node().prop_map(|node| Step::Renew { node }),
        2 => node().prop_map(|node| Step::TakeOver { node }),
        1 => node().prop_map(|node| Step::Leave { node }),
        4 => (node(), any::<bool>()).prop_map(|(node, leased)| Step::Admit { node, leased }),
        5 => node().prop_map(|node| Step::Lease { node }),
        6 => (node(), message()).prop_map(|(node, message)| Step::Begin { node, message }),
        5 => (node(), message(), prop::bool::weighted(0.3))
            .prop_map(|(node, message, sent)| Step::End { node, message, sent }),
        1 => (node(), message()).prop_map(|(node, message)| Step::Release { node, message }),
        4 => prop_oneof![Just(1), Just(5), Just(LIFE.as_secs()), Just(LEASE_SECS)].prop_map(|secs| Step::Wait { secs }),
    ];
    prop::collection::vec(step, 1..100)
}

/// Makes random interleavings of nodes that join, lease, begin, record and end, each on a fresh store.
pub(crate) fn any_interleaving_of_nodes_gives_every_message_one_living_owner<B: Backend>(fresh: impl Fn() -> B) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 128, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() };
    let check = |steps| {
        runtime.block_on(tell(&fresh(), steps));
        Ok(())
    };
    TestRunner::new(config).run(&steps(), check).unwrap();
}

async fn tell(backend: &impl Backend, steps: Vec<Step>) {
    let desk = Desk::at(backend.open_shared().await).await;
    let first = Actor { epoch: NODE, tokens: Tokens::of(NODE), lives: true, end: NOW + LIFE };
    let mut world = World { desk, nodes: vec![first], entries: Vec::new(), now: NOW };
    for step in steps {
        world.make(&step).await;
    }
    world.end().await;
}

/// A node as the model has it.
struct Actor {
    epoch: Epoch,
    tokens: Tokens,
    lives: bool,
    end: Timestamp,
}

/// A message as the model has it.
struct Entry {
    message: Message,
    /// The node, token and end of its lease.
    lease: Option<(usize, u64, Timestamp)>,
    /// The last token that each node had for it, which that node goes on using.
    tokens: BTreeMap<usize, u64>,
    begun: bool,
    ever_begun: bool,
    sent: bool,
}

struct World {
    desk: Desk,
    nodes: Vec<Actor>,
    entries: Vec<Entry>,
    now: Timestamp,
}

impl World {
    async fn make(&mut self, step: &Step) {
        let node = |node: usize| node % self.nodes.len();
        match *step {
            Step::Join => self.join().await,
            Step::Renew { node: n } => self.renew(node(n)).await,
            Step::TakeOver { node: n } => self.take_over(node(n)).await,
            Step::Leave { node: n } => self.leave(node(n)).await,
            Step::Admit { node: n, leased } => self.admit(node(n), leased).await,
            Step::Lease { node: n } => self.lease(node(n)).await,
            Step::Begin { node: n, message } => self.begin(node(n), message).await,
            Step::End { node: n, message, sent } => self.record(node(n), message, sent).await,
            Step::Release { node: n, message } => self.release(node(n), message).await,
            Step::Wait { secs } => self.now = self.now + Duration::from_secs(secs),
        }
    }

    async fn join(&mut self) {
        let name = format!("node {}", self.nodes.len());
        let epoch = self.desk.store.join(name, "0".to_owned(), Moment::of(self.now)).await.unwrap();
        assert!(self.nodes.iter().all(|node| node.epoch < epoch));
        self.nodes.push(Actor { epoch, tokens: Tokens::of(epoch), lives: true, end: self.now + LIFE });
    }

    async fn renew(&mut self, node: usize) {
        let (now, node) = (self.now, &mut self.nodes[node]);
        let renewed = self.desk.store.renew(node.epoch, now).await;
        assert_eq!(renewed, if node.lives { Ok(()) } else { Err(StoreError::Over) });
        node.end = node.end.max(now + LIFE);
    }

    async fn take_over(&mut self, node: usize) {
        let taken = self.desk.store.take_over(self.nodes[node].epoch, self.now).await;
        if !self.nodes[node].lives {
            assert_eq!(taken, Err(StoreError::Over));
            return;
        }
        let late: Vec<usize> = (0..self.nodes.len())
            .filter(|other| *other != node && self.nodes[*other].lives && self.nodes[*other].end <= self.now)
            .collect();
        let of_late =
            |entry: &&Entry| entry.lease.is_some_and(|(owner, _, until)| late.contains(&owner) && until > self.now);
        let interrupted = self.entries.iter().filter(of_late).filter(|entry| entry.begun && !entry.sent).count() as u64;
        let epochs = late.iter().map(|late| self.nodes[*late].epoch).collect();
        assert_eq!(taken, Ok(TakenOver { epochs, interrupted }));
        late.into_iter().for_each(|late| self.nodes[late].lives = false);
    }

    async fn leave(&mut self, node: usize) {
        self.desk.store.leave(self.nodes[node].epoch, self.now).await.unwrap();
        self.nodes[node].lives = false;
    }

    async fn admit(&mut self, node: usize, leased: bool) {
        let message = Message { expires_at: after(1_000_000), ..self.desk.message_at(self.desk.account(), self.now) };
        let lease = leased.then(|| (node, self.nodes[node].tokens.next(), self.now + Duration::from_secs(LEASE_SECS)));
        let (epoch, given) = (self.nodes[node].epoch, lease.map(|(_, token, until)| Lease { token, until }));
        let admitted =
            self.desk.store.admit(Admission { node: epoch, ..under(given, admission(message.clone())) }).await;
        if !self.nodes[node].lives {
            assert_eq!(admitted, Err(StoreError::Over));
            return;
        }
        admitted.unwrap();
        let tokens = lease.into_iter().map(|(node, token, _)| (node, token)).collect();
        self.entries.push(Entry { message, lease, tokens, begun: false, ever_begun: false, sent: false });
    }

    async fn lease(&mut self, node: usize) {
        let token = self.nodes[node].tokens.next();
        let leased = self.desk.store.lease_due(lease_request(token, self.now)).await;
        if !self.nodes[node].lives {
            assert_eq!(leased, Err(StoreError::Over));
            return;
        }
        let until = self.now + Duration::from_secs(LEASE_SECS);
        let mut wanted = BTreeMap::new();
        for entry in &mut self.entries {
            let is_due = match entry.lease {
                None => true,
                Some((owner, _, _)) if !self.nodes[owner].lives => true,
                Some((owner, _, until)) => until <= self.now && (owner == node || !entry.begun),
            };
            if is_due && !entry.sent {
                wanted.insert(entry.message.id, entry.begun);
                entry.lease = Some((node, token, until));
                entry.tokens.insert(node, token);
            }
        }
        let given: BTreeMap<MessageId, bool> =
            leased.unwrap().iter().map(|leased| (leased.message.id, leased.interrupted)).collect();
        assert_eq!(given, wanted);
    }

    /// The message of this number with the last token that a node had for it, and whether the node still holds it.
    fn held(&mut self, node: usize, message: usize) -> Option<(&mut Entry, u64, bool)> {
        let lives = self.nodes[node].lives;
        let entry = self.entries.get_mut(message)?;
        let token = *entry.tokens.get(&node)?;
        let holds = lives && !entry.sent && entry.lease.is_some_and(|(_, held, _)| held == token);
        Some((entry, token, holds))
    }

    async fn begin(&mut self, node: usize, message: usize) {
        let now = self.now;
        let Some((entry, token, holds)) = self.held(node, message) else { return };
        let id = entry.message.id;
        let in_time = entry.lease.is_some_and(|(_, _, until)| now < until);
        if holds && in_time {
            (entry.begun, entry.ever_begun) = (true, true);
            entry.lease =
                entry.lease.map(|(node, token, until)| (node, token, until.max(now + Duration::from_secs(LEASE_SECS))));
        }
        assert_eq!(self.desk.begin(id, token, now).await.is_some(), holds && in_time);
    }

    async fn record(&mut self, node: usize, message: usize, sent: bool) {
        let now = self.now;
        let Some((entry, token, holds)) = self.held(node, message) else { return };
        let sent = sent && entry.ever_begun;
        let (message, was_sent) = (entry.message.clone(), entry.sent);
        if sent {
            entry.sent = true;
        } else if holds {
            (entry.lease, entry.begun) = (None, false);
        }
        let verdict = if sent { Verdict::Sent } else { Verdict::Retry(retry(now)) };
        let changes = self.desk.record(&Outcome { verdict, ..outcome(&message, token, now) }).await;
        assert_eq!(changes.len(), usize::from(sent && !was_sent));
    }

    async fn release(&mut self, node: usize, message: usize) {
        let now = self.now;
        let Some((entry, token, holds)) = self.held(node, message) else { return };
        let id = entry.message.id;
        if holds && !entry.begun {
            entry.lease = None;
        }
        self.desk.store.release(vec![(id, token)], now).await.unwrap();
    }

    /// Every node dies without a word, and the next one has all that was not sent.
    async fn end(&mut self) {
        self.now = self.now + LIFE;
        self.join().await;
        let last = self.nodes.len() - 1;
        self.take_over(last).await;
        let left: BTreeSet<MessageId> =
            self.entries.iter().filter(|entry| !entry.sent).map(|entry| entry.message.id).collect();
        let given = self.desk.lease(self.nodes[last].tokens.next(), self.now).await;
        assert_eq!(ids(&given).into_iter().collect::<BTreeSet<_>>(), left, "nothing is lost");
        for entry in &self.entries {
            let attempts =
                self.desk.kinds(entry.message.id).await.into_iter().filter(|kind| *kind == EventKind::Attempt).count();
            assert!(attempts > 0 || !entry.sent, "nothing is sent that was not begun");
        }
    }
}

pub(crate) async fn what_is_counted_is_counted_over_all_nodes(fresh: impl Backend) {
    let (desk, other) = two(&fresh).await;
    let account = desk.account();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (store, admission) = (Arc::clone(&desk.store), admission(desk.message(account)));
        let quota = Quota { limit: 25, ..admission.quota };
        let admission = Admission { node: if n % 2 == 0 { NODE } else { other.epoch }, quota, ..admission };
        tasks.spawn(async move { store.admit(admission).await.unwrap() });
    }
    let admitted = tasks.join_all().await;
    assert_eq!(admitted.iter().filter(|admitted| **admitted == Admitted::New).count(), 25);
    assert_eq!(admitted.iter().filter(|admitted| **admitted == Admitted::QuotaReached).count(), 75);

    // Two nodes send the messages of one broadcast.
    let open = accepted(&desk, desk.account(), 2).await;
    expand(&desk, &open, 2).await;
    let tokens = [desk.token(), other.tokens.next()];
    for (token, key) in tokens.into_iter().zip(["a", "b"]) {
        let request = LeaseRequest { limit_of_broadcasts: 1, ..lease_request(token, NOW) };
        let leased = desk.store.lease_due(request).await.unwrap();
        let leased = leased.iter().find(|leased| leased.message.broadcast == Some(open.id)).unwrap();
        let (id, recipient) = (leased.message.id, leased.message.recipient);
        assert_eq!(desk.begin(id, token, NOW).await, Some(1));
        // Its receipt comes before the acknowledgement.
        assert_eq!(desk.hear(receipt([key], SegmentFate::Delivered)).await, ReceiptOutcome::Parked);
        let (carrier, detail, accepted) = (NORTH.into(), String::new(), acks([key]));
        let outcome = Outcome {
            id,
            recipient,
            token,
            total: 1,
            attempt: 1,
            carrier,
            at: NOW,
            accepted,
            verdict: Verdict::Sent,
            detail,
            receipt_by: None,
        };
        desk.record(&outcome).await;
        assert_eq!(desk.status(id).await, Status::Delivered);
    }
    let record = desk.store.broadcast(None, open.id).await.unwrap().unwrap();
    assert_eq!((record.counts.delivered, record.counts.queued, record.status), (2, 0, BroadcastStatus::Completed));
}

pub(crate) async fn a_stopped_carrier_stays_stopped_until_it_is_started(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    for (name, secs) in [("south", 1), ("north", 2), ("south", 3)] {
        desk.store.stop_carrier(name.to_owned(), after(secs)).await.unwrap();
    }
    desk.reopen(&fresh).await;
    let stopped = |carrier: &str, secs| StoppedCarrier { carrier: carrier.to_owned(), since: after(secs) };
    assert_eq!(desk.store.stopped_carriers().await, Ok(vec![stopped("north", 2), stopped("south", 1)]));
    for name in ["south", "nowhere"] {
        desk.store.start_carrier(name.to_owned()).await.unwrap();
    }
    assert_eq!(desk.store.stopped_carriers().await, Ok(vec![stopped("north", 2)]));
}
