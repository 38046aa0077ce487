//! The expander under kills at any moment: every recipient has exactly one turn.
//!
//! A kill ends the expander between two steps of its future and the store with it: what a call had handed to the
//! store's writer is on disk, whether the expander heard of it or not, and what it had not handed over never happened.
//! The next life begins on the same file.

use std::collections::{BTreeSet, HashSet};
use std::pin::Pin;
use std::task::{Context, Poll};

use model::number::{BlockKind, NumberState};
use model::{
    AccountId, Assignment, Broadcast, BroadcastCounts, BroadcastId, Clock, Msisdn, Originator, Recipients,
    SeededEntropy, SimClock, Status,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use runtime::Machine;
use store::contract::admission::Admitted;
use store::contract::dispatch::{Attempt, Lease, LeaseRequest, Leased, Outcome, Verdict};
use store::contract::messages::MessageFilter;
use testkit::{LIMITS, NOW, Place, pepper, recipient};

use super::expanding::QUIET;
use super::*;

/// A life of the process: how far it comes, and what happens after it.
#[derive(Clone, Debug)]
struct Life {
    /// Steps of the expander's future before it is killed.
    steps: usize,
    /// Messages that a carrier takes afterwards.
    taken: usize,
    /// A recipient who is blocked then.
    blocked: Option<u32>,
}

#[derive(Clone, Debug)]
struct Story {
    sizes: Vec<u32>,
    settings: (usize, usize),
    lives: Vec<Life>,
    /// Which broadcast is canceled after which life.
    canceled: Option<(usize, usize)>,
}

fn stories() -> impl Strategy<Value = Story> {
    let life = (0..40usize, 0..200usize, prop::option::weighted(0.3, 0..1_200u32))
        .prop_map(|(steps, taken, blocked)| Life { steps, taken, blocked });
    let canceled = prop::option::weighted(0.3, (0..3usize, 0..8usize));
    let settings = (20..300usize, 1..150usize);
    (prop::collection::vec(1..1_200u32, 1..4), settings, prop::collection::vec(life, 1..12), canceled)
        .prop_map(|(sizes, settings, lives, canceled)| Story { sizes, settings, lives, canceled })
}

/// A future that is given so many steps.
struct Mortal<F> {
    future: Pin<Box<F>>,
    steps: usize,
}

impl<F: Future> Future for Mortal<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(steps) = self.steps.checked_sub(1) else { return Poll::Ready(None) };
        self.steps = steps;
        self.future.as_mut().poll(context).map(Some)
    }
}

struct World {
    file: Place,
    clock: Arc<SimClock>,
    settings: BroadcastSettings,
    store: Arc<dyn Store>,
    tenants: Arc<TenantBook>,
    node: Arc<Node>,
}

impl World {
    async fn new(lookahead: usize, batch: usize) -> Self {
        let (file, clock) = (Place::new(), testkit::clock());
        let (store, tenants, node) = open(&file, &clock).await;
        Self { file, clock, settings: BroadcastSettings { lookahead, batch }, store, tenants, node }
    }

    fn expander(&self) -> Expander {
        Expander {
            store: Arc::clone(&self.store),
            tenants: Arc::clone(&self.tenants),
            routes: Arc::default(),
            dispatchers: Dispatchers::default(),
            settings: self.settings,
            bell: Arc::default(),
            counters: Arc::default(),
            references: Arc::new(References::new(&SeededEntropy::new(3))),
            runtime: Arc::new(Machine::with_clock(Arc::<SimClock>::clone(&self.clock))),
            node: Arc::clone(&self.node),
        }
    }

    /// Expands until there is nothing to do, or for so many steps.
    async fn live(&self, steps: usize) {
        let expander = self.expander();
        let work = async move {
            let mut expanding = expander.expanding();
            while expander.round(&mut expanding).await.is_none() {}
        };
        Mortal { future: Box::pin(work), steps }.await;
    }

    async fn die(&mut self) {
        self.store.close().await;
        (self.store, self.tenants, self.node) = open(&self.file, &self.clock).await;
        self.store.recover(self.node.epoch(), self.clock.steady(), Duration::from_secs(600)).await.unwrap();
    }

    async fn accept(
        &self,
        entropy: &SeededEntropy,
        account: AccountId,
        originator: Originator,
        total: u32,
    ) -> Arc<Broadcast> {
        let recipients: Recipients = (0..total).map(recipient).collect();
        let broadcast = Arc::new(Broadcast {
            id: BroadcastId::new(NOW, entropy),
            account,
            originator,
            expires_at: NOW + Duration::from_secs(86_400),
            ..testkit::broadcast(0, total)
        });
        let admission = testkit::broadcast_admission(self.node.epoch(), Arc::clone(&broadcast), recipients);
        assert_eq!(self.store.admit_broadcast(admission).await.unwrap(), Admitted::New);
        broadcast
    }

    /// A carrier takes so many of the messages that wait. Returns how many it was.
    async fn send(&mut self, count: usize) -> usize {
        let lease = Lease { token: self.node.next_token(), until: self.clock.steady() + Duration::from_secs(60) };
        let request = LeaseRequest {
            carrier: Assignment::NoRoute,
            now: self.clock.look(),
            lease,
            limit: count,
            limit_per_account: count,
            limit_of_broadcasts: count,
            passed_over: Vec::new(),
            under_way: HashSet::new(),
        };
        let leased = self.store.lease_due(request).await.unwrap();
        let attempt = |leased: &Leased| Attempt {
            id: leased.message.id,
            recipient: leased.message.recipient,
            token: lease.token,
            carrier: "main".into(),
            lease_until: lease.until,
            detail: String::new(),
        };
        let begun = self.store.begin_attempts(leased.iter().map(attempt).collect(), self.clock.look()).await.unwrap();
        let sent = |(leased, attempt): (&Leased, &Option<u32>)| Outcome {
            id: leased.message.id,
            recipient: leased.message.recipient,
            token: lease.token,
            total: 1,
            attempt: attempt.unwrap(),
            carrier: "main".into(),
            at: NOW,
            accepted: Vec::new(),
            verdict: Verdict::Sent,
            detail: String::new(),
            receipt_by: None,
        };
        self.store.record_outcomes(leased.iter().zip(&begun).map(sent).collect()).await.unwrap();
        leased.len()
    }

    /// How far the broadcast is ahead of its carrier, and that nobody had two turns.
    async fn check(&self, broadcast: &Broadcast) -> (BroadcastCounts, BTreeSet<Msisdn>) {
        let counts = self.store.broadcast(None, broadcast.id).await.unwrap().unwrap().counts;
        let filter = MessageFilter { broadcast: Some(broadcast.id), ..MessageFilter::default() };
        let messages = self.store.messages(Some(broadcast.owner()), filter, None, 10_000).await.unwrap().messages;
        let recipients: BTreeSet<Msisdn> = messages.iter().map(|record| record.message.recipient).collect();
        assert_eq!(recipients.len(), messages.len(), "nobody has two messages");
        let queued = messages.iter().filter(|record| record.delivery.status == Status::Queued).count();
        assert!(queued <= 2 * self.settings.lookahead, "{queued} are made and wait");
        let sum = counts.skipped + counts.queued + counts.sent + counts.delivered + counts.undelivered + counts.failed;
        assert_eq!((sum, counts.total), (counts.total, u64::from(broadcast.total)));
        assert_eq!(counts.sent, messages.iter().filter(|record| record.delivery.status == Status::Sent).count() as u64);
        (counts, recipients)
    }
}

async fn open(file: &Place, clock: &Arc<SimClock>) -> (Arc<dyn Store>, Arc<TenantBook>, Arc<Node>) {
    let store = file.open().await;
    let tenants =
        TenantBook::load(Arc::clone(&store), pepper(), Arc::<SimClock>::clone(clock), Arc::new(SeededEntropy::new(1)))
            .await
            .unwrap();
    let node = Node::join(Arc::clone(&store), "test".to_owned(), "0", Arc::<SimClock>::clone(clock)).await.unwrap();
    (store, Arc::new(tenants), node)
}

async fn tell(story: Story) {
    let (mut world, entropy) = (World::new(story.settings.0, story.settings.1).await, SeededEntropy::new(2));
    let account = world.tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
    let originator = Originator::parse("+18005550001").unwrap();
    world.tenants.create_number(originator, Some(account), NumberState::Active, None).await.unwrap();
    let mut broadcasts = Vec::new();
    for size in &story.sizes {
        broadcasts.push(world.accept(&entropy, account, originator, *size).await);
    }
    let mut canceled = None;
    for (at, life) in story.lives.iter().enumerate() {
        world.live(life.steps).await;
        world.die().await;
        world.send(life.taken).await;
        if let Some(index) = life.blocked {
            world.tenants.put_block(recipient(index).into(), BlockKind::Recipient, None, None).await.unwrap();
        }
        if let Some((which, when)) = story.canceled
            && when == at
            && let Some(broadcast) = broadcasts.get(which)
        {
            canceled = Some(broadcast.id);
            world.store.cancel_broadcast(None, broadcast.id, NOW).await.unwrap();
        }
        for broadcast in &broadcasts {
            world.check(broadcast).await;
        }
    }
    while !world.store.unexpanded(world.node.epoch(), None, 10).await.unwrap().is_empty() {
        world.clock.advance(QUIET);
        world.live(usize::MAX).await;
        while world.send(500).await > 0 {}
    }
    while world.send(500).await > 0 {}
    let blocked: BTreeSet<Msisdn> = story.lives.iter().filter_map(|life| life.blocked.map(recipient)).collect();
    for broadcast in &broadcasts {
        let (counts, messages) = world.check(broadcast).await;
        let missing = (0..broadcast.total).map(recipient).filter(|recipient| !messages.contains(recipient));
        assert!(
            canceled == Some(broadcast.id) || missing.into_iter().all(|recipient| blocked.contains(&recipient)),
            "nobody is left out"
        );
        assert_eq!((counts.queued, counts.skipped + counts.sent), (0, u64::from(broadcast.total)));
    }
}

#[test]
fn every_recipient_has_one_turn_whenever_the_expander_is_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The same stories in every run; what fails shrinks to the shortest that does.
    let config = Config { failure_persistence: None, ..trials::config(64) };
    let check = |story| {
        runtime.block_on(tell(story));
        Ok(())
    };
    TestRunner::new(config).run(&stories(), check).unwrap();
}

#[tokio::test]
async fn accounts_have_their_turn_one_after_the_other() {
    let (world, entropy) = (World::new(1_000, 10).await, SeededEntropy::new(2));
    let mut originators = Vec::new();
    for number in ["+18005550001", "+18005550002"] {
        let account = world.tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
        let number = Originator::parse(number).unwrap();
        world.tenants.create_number(number, Some(account), NumberState::Active, None).await.unwrap();
        originators.push((account, number));
    }
    let of = |at: usize| world.accept(&entropy, originators[at].0, originators[at].1, 500);
    let (one, two, three) = (of(0).await, of(0).await, of(1).await);
    let expander = world.expander();
    let mut expanding = expander.expanding();
    for _ in 0..10 {
        assert_eq!(expander.round(&mut expanding).await, None);
    }
    let mut made = Vec::new();
    for broadcast in [&one, &two, &three] {
        made.push(world.store.upcoming(broadcast.id, 1).await.unwrap().unwrap().from);
    }
    assert_eq!(made, [50, 50, 100], "a turn is the account's, however many broadcasts it has");
}

#[tokio::test]
async fn a_sender_that_may_not_send_any_more_sends_to_nobody() {
    let (world, entropy) = (World::new(1_000, 100).await, SeededEntropy::new(2));
    let account = world.tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
    let originator = Originator::parse("+18005550001").unwrap();
    let broadcast = world.accept(&entropy, account, originator, 250).await;
    world.live(usize::MAX).await;
    let (counts, _) = world.check(&broadcast).await;
    assert_eq!(counts, BroadcastCounts { total: 250, skipped: 250, ..BroadcastCounts::default() });
}

#[tokio::test]
async fn a_clock_that_is_set_keeps_no_broadcast_quiet_for_longer() {
    for step in [Duration::from_secs(3_600), Duration::from_secs(43_200)] {
        for forward in [true, false] {
            let (world, entropy) = (World::new(20, 10).await, SeededEntropy::new(2));
            let account = world.tenants.create_account("a tenant".to_owned(), LIMITS).await.unwrap().id;
            let originator = Originator::parse("+18005550001").unwrap();
            world.tenants.create_number(originator, Some(account), NumberState::Active, None).await.unwrap();
            let broadcast = world.accept(&entropy, account, originator, 200).await;
            let expander = world.expander();
            let mut expanding = expander.expanding();
            while expander.round(&mut expanding).await.is_none() {}
            let made = world.store.upcoming(broadcast.id, 1).await.unwrap().unwrap().from;
            world.clock.set(if forward { NOW + step } else { NOW - step });
            let mut world = world;
            while world.send(500).await > 0 {}
            assert_eq!(expander.round(&mut expanding).await, Some(Rest::Idle), "it has been quiet for no time yet");
            world.clock.advance(QUIET);
            assert_eq!(expander.round(&mut expanding).await, None, "{step:?}, forward: {forward}");
            assert!(world.store.upcoming(broadcast.id, 1).await.unwrap().unwrap().from > made);
        }
    }
}
