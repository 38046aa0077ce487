//! The daily quota of an owner, of which messages and broadcasts take their recipients at three nodes.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::quota::UtcDay;
use model::{AccountId, Broadcast, BroadcastId, Entropy, MessageId, SeededEntropy};
use store::contract::admission::{Admission, Admitted, Quota};
use store::{Broadcasts, Messages, StoreError};
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use super::checker::Model;
use super::history::{History, known};
use super::nodes::{NODES, Node, Three};
use super::{Round, pause};
use crate::support::{NOW, message};

/// How many owners there are.
const OWNERS: usize = 3;

/// How many requests each of the clients makes.
const REQUESTS: u64 = 16;

/// A day of an owner.
struct Day;

/// How many recipients are counted, and which nodes are over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    used: u64,
    over: [bool; NODES],
}

#[derive(Clone, Debug)]
enum Call {
    Take {
        node: usize,
        recipients: u64,
        limit: u64,
    },
    /// A look past the store at what is counted, and at what is there.
    Look,
    End {
        node: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Taken,
    Full,
    Over,
    Used { counted: u64, there: u64 },
    Ended,
}

impl Model for Day {
    type State = State;
    type Call = Call;
    type Answer = Answer;

    fn step(state: &State, call: &Call, answer: Option<&Answer>) -> Option<State> {
        let mut after = state.clone();
        let expected = match *call {
            Call::Take { node, .. } if state.over[node] => Answer::Over,
            Call::Take { recipients, limit, .. } if state.used + recipients > limit => Answer::Full,
            Call::Take { recipients, .. } => {
                after.used += recipients;
                Answer::Taken
            }
            Call::Look => Answer::Used { counted: state.used, there: state.used },
            Call::End { node } => {
                after.over[node] = true;
                Answer::Ended
            }
        };
        answer.is_none_or(|answer| *answer == expected).then_some(after)
    }

    fn changes_nothing(_: &Call, answer: &Answer) -> bool {
        !matches!(answer, Answer::Taken | Answer::Ended)
    }
}

/// What the clients share.
struct Clients {
    history: History<Day>,
    accounts: [AccountId; OWNERS],
    /// The limit of now. It grows, since the count does.
    limit: AtomicU64,
}

/// Makes a history and checks it.
pub(super) async fn check(three: &Three, round: &Round<'_>) {
    let entropy = SeededEntropy::new(round.seed);
    let accounts = std::array::from_fn(|_| AccountId::new(NOW, &entropy));
    let clients = Arc::new(Clients { history: History::default(), accounts, limit: AtomicU64::new(8) });
    let mut tasks = JoinSet::new();
    for client in 0..round.clients {
        let (clients, node) = (Arc::clone(&clients), three.nodes[client % NODES].clone());
        let entropy = SeededEntropy::new(round.seed ^ (client as u64 + 1) << 32);
        tasks.spawn(async move { clients.take(&node, &entropy).await });
    }
    let end = async {
        if round.ends_a_node {
            sleep(pause(&entropy)).await;
            let began = clients.history.now();
            three.end_last().await;
            clients.history.ended(0..OWNERS, began, &Call::End { node: NODES - 1 }, &Answer::Ended);
        }
    };
    tokio::join!(round.make_faults(three), end, tasks.join_all());
    clients.look(three).await;
    let history = &clients.history;
    let count = |answer: Answer| history.count(|_, is| *is == answer);
    let (taken, full, over) = (count(Answer::Taken), count(Answer::Full), count(Answer::Over));
    round.tell("quota", history.len(), &format!("{taken} taken, {full} refused, {over} over"));
    history.check("the quota of owner");
}

impl Clients {
    async fn take(&self, node: &Node, entropy: &SeededEntropy) {
        let any = |below: u64| entropy.next_u64() % below;
        for _ in 0..REQUESTS {
            let owner = any(OWNERS as u64) as usize;
            if any(6) == 0 {
                self.limit.fetch_add(any(5), Ordering::Relaxed);
            }
            // Some clients have heard of another limit.
            let limit = self.limit.load(Ordering::Relaxed) - any(2) * any(8);
            let recipients = if any(2) == 0 { 1 } else { 1 + any(6) };
            let call = Call::Take { node: node.number, recipients, limit };
            let quota = Quota { day: UtcDay::of(NOW), limit };
            let answer = admit(node, self.accounts[owner], recipients, quota, entropy);
            if self.history.call(owner, call, answer).await.is_none() {
                node.reached().await;
            }
            sleep(Duration::from_millis(any(50))).await;
        }
    }

    async fn look(&self, three: &Three) {
        let client = three.database.client().await;
        let sql = "SELECT coalesce((SELECT used FROM quota WHERE account_id = $1), 0), \
            (SELECT count(*) FROM messages WHERE account_id = $1) + \
            (SELECT coalesce(sum(total), 0)::bigint FROM broadcasts WHERE account_id = $1)";
        for (owner, account) in self.accounts.iter().enumerate() {
            let look = async {
                let row = client.query_one(sql, &[&Uuid::from_bytes(account.to_bytes())]).await.unwrap();
                let count = |at| row.get::<_, i64>(at).cast_unsigned();
                Some(Answer::Used { counted: count(0), there: count(1) })
            };
            self.history.call(owner, Call::Look, look).await;
        }
    }
}

/// Asks a node to admit a message, or a broadcast where there is more than one recipient.
async fn admit(
    node: &Node,
    account: AccountId,
    recipients: u64,
    quota: Quota,
    entropy: &SeededEntropy,
) -> Option<Answer> {
    let (epoch, store) = (node.epoch, &node.store);
    if recipients == 1 {
        let admission = testkit::admission(epoch, message(MessageId::new(NOW, entropy), account, NOW));
        return told(store.admit(Admission { quota, ..admission }).await);
    }
    let total = recipients as u32;
    let broadcast = Broadcast { id: BroadcastId::new(NOW, entropy), account, ..testkit::broadcast(0, total) };
    let admission = testkit::broadcast_admission(epoch, broadcast, testkit::recipients(total));
    told(store.admit_broadcast(Admission { quota, ..admission }).await)
}

fn told<T: Debug>(admitted: Result<Admitted<T>, StoreError>) -> Option<Answer> {
    match known(admitted)? {
        Ok(Admitted::New) => Some(Answer::Taken),
        Ok(Admitted::QuotaReached) => Some(Answer::Full),
        Err(StoreError::Over) => Some(Answer::Over),
        other => panic!("{other:?}"),
    }
}
