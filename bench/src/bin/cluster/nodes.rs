//! Nodes that accept messages and submit them, as the pipeline has the store do it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::idempotency::{Endpoint, Fingerprint, IdempotencyKey};
use model::{Message, Moment};
use runtime::Machine;
use store::Store;
use store::contract::admission::{Admission, Admitted, IdempotencyClaim, NewMessage};
use store::contract::dispatch::{Attempt, Lease, Outcome, SegmentAck, Verdict};
use store::contract::nodes::Epoch;
use testkit::{Load, NOW};
use tokio::sync::{Mutex, mpsc};

use crate::{Failure, JoinSet};

/// How many messages a dispatcher takes at once at most, and how many dispatchers a node has: one for each carrier.
pub(crate) const BATCH: usize = 200;
const CARRIERS: usize = 4;

/// Whether clients send idempotency keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    None,
    Each,
}

/// Nodes that share a database.
pub(crate) struct Fleet(Vec<Node>);

/// A node.
pub(crate) struct Node {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) epoch: Epoch,
    groups: Arc<Groups>,
    accepted: mpsc::UnboundedSender<Arc<Message>>,
    to_submit: Mutex<mpsc::UnboundedReceiver<Arc<Message>>>,
}

/// What its commits were.
#[derive(Default)]
struct Groups {
    commits: AtomicUsize,
    calls: AtomicUsize,
}

impl Fleet {
    /// So many nodes of a database, and of a Valkey where one is named.
    pub(crate) async fn join(url: &str, count: usize, valkey: Option<&str>) -> Result<Self, Failure> {
        let mut nodes = Vec::new();
        for number in 0..count {
            nodes.push(Node::join(url, &format!("node-{number}"), valkey).await?);
        }
        Ok(Self(nodes))
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.0
    }

    /// Accepts all messages of the load: each of so many callers waits for its answer before it asks again.
    pub(crate) async fn accept(self: &Arc<Self>, load: &Arc<Load>, callers: usize, keys: Keys) -> Result<(), Failure> {
        let mut running = JoinSet::new();
        for caller in 0..callers {
            let (fleet, load) = (Arc::clone(self), Arc::clone(load));
            running.spawn(async move {
                let node = &fleet.0[caller % fleet.0.len()];
                while let Some(message) = load.next() {
                    node.accept(Arc::new(message), keys).await?;
                }
                Ok(())
            });
        }
        all(running).await
    }

    /// Submits so many messages in all, each at the node that accepted it, to carriers that answer at once.
    pub(crate) async fn submit(self: &Arc<Self>, messages: usize) -> Result<(), Failure> {
        let left = Arc::new(AtomicUsize::new(messages));
        let mut running = JoinSet::new();
        for dispatcher in 0..self.0.len() * CARRIERS {
            let (fleet, left) = (Arc::clone(self), Arc::clone(&left));
            running.spawn(async move { fleet.0[dispatcher % fleet.0.len()].dispatch(&left).await });
        }
        all(running).await
    }

    /// How many calls shared a commit.
    pub(crate) fn mean_group(&self) -> f64 {
        let sum = |count: fn(&Groups) -> &AtomicUsize| -> usize {
            self.0.iter().map(|node| count(&node.groups).load(Ordering::Relaxed)).sum()
        };
        sum(|groups| &groups.calls) as f64 / sum(|groups| &groups.commits).max(1) as f64
    }

    /// Says that all of them live.
    pub(crate) async fn renew(&self) -> Result<(), Failure> {
        for node in &self.0 {
            node.store.renew(node.epoch, NOW).await?;
        }
        Ok(())
    }

    pub(crate) async fn leave(&self) {
        for node in &self.0 {
            node.store.close().await;
        }
    }
}

impl Node {
    pub(crate) async fn join(url: &str, name: &str, valkey: Option<&str>) -> Result<Self, Failure> {
        let runtime = Arc::new(Machine::new());
        let store = match valkey {
            Some(valkey) => store::open_with_valkey(url, valkey, runtime).await?,
            None => store::open(url, runtime).await?,
        };
        let epoch = store.join(name.to_owned(), "0".to_owned(), Moment::of(NOW)).await?;
        let (accepted, to_submit) = mpsc::unbounded_channel();
        let groups: Arc<Groups> = Arc::default();
        let counted = Arc::clone(&groups);
        store.observe_commits(Box::new(move |sample| {
            counted.commits.fetch_add(1, Ordering::Relaxed);
            counted.calls.fetch_add(sample.group, Ordering::Relaxed);
        }));
        Ok(Self { store, epoch, groups, accepted, to_submit: Mutex::new(to_submit) })
    }

    /// The lease of what it accepts itself.
    pub(crate) const fn lease(&self) -> Lease {
        Lease { token: self.epoch.token(1), until: later() }
    }

    /// Accepts a message, as for a client whose request has just come.
    pub(crate) async fn accept(&self, message: Arc<Message>, keys: Keys) -> Result<(), Failure> {
        let admission = testkit::admission(self.epoch, Arc::clone(&message));
        let claim = (keys == Keys::Each).then(|| claim(&message)).transpose()?;
        if let Some(claim) = &claim
            && self.store.replay(message.owner(), claim).await?.is_some()
        {
            return Err("a new key is known".into());
        }
        let payload = NewMessage { carrier: "main".into(), lease: Some(self.lease()), ..admission.payload };
        match self.store.admit(Admission { payload, idempotency: claim, ..admission }).await? {
            Admitted::New => Ok(self.accepted.send(message)?),
            other => Err(format!("a new message was not admitted: {other:?}").into()),
        }
    }

    /// A dispatcher: takes what was accepted in batches, and goes on until nothing is left.
    async fn dispatch(&self, left: &AtomicUsize) -> Result<(), Failure> {
        while left.load(Ordering::Relaxed) > 0 {
            let mut batch = Vec::new();
            // Others of this node wait for their turn here.
            let wait = async { self.to_submit.lock().await.recv_many(&mut batch, BATCH).await };
            if tokio::time::timeout(Duration::from_millis(5), wait).await.is_err() || batch.is_empty() {
                continue;
            }
            self.send(&batch, self.lease()).await?;
            left.fetch_sub(batch.len(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes messages to a carrier that has them at once.
    pub(crate) async fn send(&self, messages: &[Arc<Message>], lease: Lease) -> Result<(), Failure> {
        let attempts = messages.iter().map(|message| attempt(message, lease)).collect();
        let begun = self.store.begin_attempts(attempts, Moment::of(NOW)).await?;
        if let Some(missing) = begun.iter().position(Option::is_none) {
            return Err(format!("the lease of {} does not hold", messages[missing].id).into());
        }
        let outcomes = messages.iter().zip(begun);
        let outcomes = outcomes.map(|(message, number)| outcome(message, lease, number.unwrap_or_default())).collect();
        Ok(self.store.record_outcomes(outcomes).await?)
    }
}

/// The end of what has begun; the first failure, where there is one.
async fn all(mut running: JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

const fn later() -> model::Timestamp {
    model::Timestamp::from_millis(NOW.as_millis() + 600_000)
}

fn claim(message: &Message) -> Result<IdempotencyClaim, Failure> {
    let key = IdempotencyKey::parse(&message.id.to_string()).map_err(|_| "a key that is none")?;
    let (endpoint, fingerprint) = (Endpoint::Message, Fingerprint([7; 32]));
    let not_before = model::Timestamp::from_millis(0);
    Ok(IdempotencyClaim { endpoint, key, fingerprint, not_before, begun: false, awaited: false })
}

fn attempt(message: &Arc<Message>, lease: Lease) -> Attempt {
    Attempt {
        id: message.id,
        recipient: message.recipient,
        token: lease.token,
        carrier: "main".into(),
        lease_until: lease.until,
        detail: "all segments".to_owned(),
    }
}

fn outcome(message: &Message, lease: Lease, attempt: u32) -> Outcome {
    let key = message.id.to_string();
    Outcome {
        id: message.id,
        recipient: message.recipient,
        token: lease.token,
        total: 1,
        attempt,
        carrier: "main".into(),
        at: NOW,
        accepted: vec![SegmentAck { number: 1, carrier_id: Some(key.clone()), key: Some(key) }],
        verdict: Verdict::Sent,
        detail: "ESME_ROK".to_owned(),
        receipt_by: Some(NOW + Duration::from_secs(86_400)),
    }
}
