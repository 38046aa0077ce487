//! API keys that are made and revoked at three nodes, which read them and hear of each other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::key::{ApiKey, KeyId, SecretDigest};
use model::{AccountId, Entropy, Mode, SeededEntropy, Timestamp};
use store::contract::changes::{Kinds, Resource, Tailed};
use store::{Changes, StoreError, Tenants};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Round;
use super::checker::Model;
use super::history::{History, known};
use super::nodes::{NODES, Node, Three};
use crate::support::NOW;
use crate::tenants::account;

/// How many accounts there are, and keys of each.
const ACCOUNTS: usize = 12;
const KEYS: usize = 4;

/// How many calls each of the clients makes.
const CALLS: usize = 36;

/// How soon every node knows of a revocation.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);

/// The keys of an account: whether each is there, and when it was revoked.
struct Account;

type Key = Option<Option<Timestamp>>;

#[derive(Clone, Debug)]
enum Call {
    Create(usize),
    Revoke(usize, Timestamp),
    Read,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Created,
    Exists,
    Unknown,
    Revoked(Timestamp),
    Keys([Key; KEYS]),
}

impl Model for Account {
    type State = [Key; KEYS];
    type Call = Call;
    type Answer = Answer;

    fn step(state: &[Key; KEYS], call: &Call, answer: Option<&Answer>) -> Option<[Key; KEYS]> {
        let mut after = *state;
        let expected = match *call {
            Call::Create(key) if state[key].is_some() => Answer::Exists,
            Call::Create(key) => {
                after[key] = Some(None);
                Answer::Created
            }
            Call::Revoke(key, at) => match state[key] {
                None => Answer::Unknown,
                Some(revoked) => {
                    let at = revoked.unwrap_or(at);
                    after[key] = Some(Some(at));
                    Answer::Revoked(at)
                }
            },
            Call::Read => Answer::Keys(*state),
        };
        answer.is_none_or(|answer| *answer == expected).then_some(after)
    }

    fn changes_nothing(call: &Call, answer: &Answer) -> bool {
        match (call, answer) {
            (_, Answer::Created) => false,
            (Call::Revoke(_, own), Answer::Revoked(at)) => own != at,
            _ => true,
        }
    }
}

/// What a node heard of a key, and when.
type Heard = (KeyId, Option<Timestamp>, Instant);

/// What the clients share.
struct Clients {
    history: History<Account>,
    accounts: [AccountId; ACCOUNTS],
    /// Revocations, each with its node, and when that had answered.
    revoked: Mutex<Vec<(usize, KeyId, Timestamp, Instant)>>,
}

/// Makes a history and checks it.
pub(super) async fn check(three: &Three, round: &Round<'_>) {
    let entropy = SeededEntropy::new(round.seed);
    let accounts = std::array::from_fn(|_| AccountId::new(NOW, &entropy));
    for id in accounts {
        three.nodes[0].store.create_account(account(id)).await.unwrap();
    }
    let heard: [Arc<Mutex<Vec<Heard>>>; NODES] = Default::default();
    let mut tails = JoinSet::new();
    for (node, heard) in three.nodes.iter().zip(&heard) {
        tails.spawn(listen(node.clone(), Arc::clone(heard)));
    }
    let clients = Arc::new(Clients { history: History::default(), accounts, revoked: Mutex::default() });
    let mut tasks = JoinSet::new();
    for client in 0..round.clients {
        let (clients, node) = (Arc::clone(&clients), three.nodes[client % NODES].clone());
        let entropy = SeededEntropy::new(round.seed ^ (client as u64 + 1) << 32);
        tasks.spawn(async move { clients.work(client, &node, &entropy).await });
    }
    let late = Arc::new(Mutex::new(Duration::ZERO));
    tails.spawn(watch(Arc::clone(&late)));
    tokio::join!(round.make_faults(three), tasks.join_all());
    for object in 0..ACCOUNTS {
        clients.read(object, &three.nodes[0]).await;
    }
    sleep(KNOWN_WITHIN * 2).await;
    tails.shutdown().await;
    let late = *late.lock().unwrap();
    let history = &clients.history;
    let slowest = clients.slowest(&heard);
    let revoked = clients.revoked.lock().unwrap().len();
    let words = format!("{revoked} revoked, heard of within {slowest:?}, with a machine that is {late:?} late");
    round.tell("API keys", history.len(), &words);
    history.check("the keys of account");
    if !round.kills_the_server() {
        assert!(slowest <= KNOWN_WITHIN + late, "{words}");
        let told = heard.map(|heard| heard.lock().unwrap().iter().map(|(key, at, _)| (key.clone(), *at)).collect());
        let [first, others @ ..]: [Vec<_>; NODES] = told;
        assert!(others.iter().all(|other| *other == first), "every node hears of everything in the same order");
    }
}

/// Notes what a node hears.
async fn listen(node: Node, heard: Arc<Mutex<Vec<Heard>>>) {
    let tail = node.store.subscribe(Kinds::TENANTS);
    loop {
        match tail.next().await {
            Tailed::Changes(changes) => heard.lock().unwrap().extend(changes.iter().filter_map(|change| {
                let Resource::Key(key) = &change.resource else { return None };
                Some((key.id.clone(), key.revoked_at, Instant::now()))
            })),
            Tailed::Missed(_) => {}
            Tailed::Closed => return,
        }
    }
}

/// Notes how late this machine is at worst.
async fn watch(late: Arc<Mutex<Duration>>) {
    let step = Duration::from_millis(20);
    loop {
        let began = Instant::now();
        sleep(step).await;
        let by = began.elapsed().saturating_sub(step);
        let mut late = late.lock().unwrap();
        *late = by.max(*late);
    }
}

impl Clients {
    async fn work(&self, client: usize, node: &Node, entropy: &SeededEntropy) {
        let any = |below: u64| entropy.next_u64() % below;
        for number in 0..CALLS {
            // All clients go from account to account, so that they meet.
            let object = (number * ACCOUNTS / CALLS + any(2) as usize).min(ACCOUNTS - 1);
            let key = any(KEYS as u64) as usize;
            match any(4) {
                0 => self.create(object, key, node).await,
                1 => {
                    let at = Timestamp::from_millis(NOW.as_millis() + client as i64 * 1_000 + number as i64);
                    self.revoke(object, key, at, node).await;
                }
                _ => self.read(object, node).await,
            }
            sleep(Duration::from_millis(any(20))).await;
        }
    }

    async fn create(&self, object: usize, key: usize, node: &Node) {
        let key_of = ApiKey {
            id: name(object, key),
            account: self.accounts[object],
            mode: Mode::Live,
            name: None,
            digest: SecretDigest::from_bytes([object as u8 * 16 + key as u8; 32]),
            created_at: NOW,
            expires_at: None,
            revoked_at: None,
        };
        let create = async {
            Some(match known(node.store.create_key(key_of).await)? {
                Ok(()) => Answer::Created,
                Err(StoreError::AlreadyExists) => Answer::Exists,
                Err(other) => panic!("{other}"),
            })
        };
        self.call(object, node, Call::Create(key), create).await;
    }

    async fn revoke(&self, object: usize, key: usize, at: Timestamp, node: &Node) {
        let id = name(object, key);
        let revoke = async {
            Some(match known(node.store.revoke_key(&id, at).await)? {
                Ok(key) => Answer::Revoked(key.revoked_at.unwrap()),
                Err(StoreError::NotFound) => Answer::Unknown,
                Err(other) => panic!("{other}"),
            })
        };
        let answer = self.call(object, node, Call::Revoke(key, at), revoke).await;
        if answer == Some(Answer::Revoked(at)) {
            self.revoked.lock().unwrap().push((node.number, id, at, Instant::now()));
        }
    }

    async fn read(&self, object: usize, node: &Node) {
        let read = async {
            let data = known(node.store.tenants().await)?.unwrap();
            let state = |key: usize| data.keys.iter().find(|one| one.id == name(object, key)).map(|one| one.revoked_at);
            Some(Answer::Keys(std::array::from_fn(state)))
        };
        self.call(object, node, Call::Read, read).await;
    }

    async fn call(
        &self,
        object: usize,
        node: &Node,
        call: Call,
        answer: impl Future<Output = Option<Answer>>,
    ) -> Option<Answer> {
        let answer = self.history.call(object, call, answer).await;
        if answer.is_none() {
            node.reached().await;
        }
        answer
    }

    /// How long after the answer to a revocation the last node heard of it; for ever where one did not.
    fn slowest(&self, heard: &[Arc<Mutex<Vec<Heard>>>; NODES]) -> Duration {
        let when: Vec<BTreeMap<(KeyId, Timestamp), Instant>> = heard
            .iter()
            .map(|heard| {
                let heard = heard.lock().unwrap();
                heard.iter().filter_map(|(key, at, when)| Some(((key.clone(), (*at)?), *when))).collect()
            })
            .collect();
        let mut slowest = Duration::ZERO;
        for (_, key, at, answered) in &*self.revoked.lock().unwrap() {
            for heard in &when {
                let after = heard.get(&(key.clone(), *at)).map_or(Duration::MAX, |when| when.duration_since(*answered));
                slowest = slowest.max(after);
            }
        }
        slowest
    }
}

fn name(object: usize, key: usize) -> KeyId {
    KeyId::from_text(format!("uk_{object}_{key}"))
}
