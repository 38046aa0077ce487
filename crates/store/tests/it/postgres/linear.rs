//! What several nodes promise together, checked as linearizability: calls that run at the same time at three nodes are
//! answered as if they came one after the other, each at some moment between its beginning and its end. Meanwhile
//! connections end, locks are not to be had, commits take too long, a node's epoch is ended by another node, and the
//! server is killed.
//!
//! A call that ends as unavailable may or may not have happened, now or later.
//!
//! | history | what is promised |
//! |---|---|
//! | [`quota`] | the recipients of a day never exceed the limit, and are those that were admitted |
//! | [`keys`] | under a key there is one request, and its repeats are answered alike |
//! | [`revocation`] | what is read of API keys is the present; every node hears of a revocation within a second |
//!
//! The tests make a few short histories. Many, with everything that can go wrong, and what was seen of each:
//!
//! ```text
//! SMSFACTORY_LINEAR_ROUNDS=200 SMSFACTORY_SEED=random cargo test -p store --test it linear::many_rounds -- --nocapture
//! ```
//!
//! A seed decides what is asked and what goes wrong. The machine decides what meets, so that a seed that failed may
//! have to be tried again.

mod checker;
mod faults;
mod history;
mod keys;
mod nodes;
mod quota;
mod revocation;

use std::time::Duration;

use model::{Entropy, SeededEntropy};
use testkit::postgres::{Database, OwnServer};

use self::faults::Fault;
use self::nodes::Three;

/// How many rounds the long form has; none, where the variable is not set.
const ROUNDS: &str = "SMSFACTORY_LINEAR_ROUNDS";

/// One history.
struct Round<'r> {
    seed: u64,
    /// How many clients there are, at three nodes.
    clients: usize,
    faults: Vec<Fault>,
    /// Whether the epoch of the last node is ended meanwhile.
    ends_a_node: bool,
    server: Option<&'r OwnServer>,
}

impl Round<'_> {
    fn of(faults: &[Fault]) -> Self {
        Self { seed: trials::seed(), clients: 12, faults: faults.to_vec(), ends_a_node: true, server: None }
    }

    fn kills_the_server(&self) -> bool {
        self.faults.contains(&Fault::Killed)
    }

    /// Makes the faults of this round.
    async fn make_faults(&self, three: &Three) {
        faults::make(&self.faults, &three.database, self.server, self.seed).await;
    }

    fn tell(&self, what: &str, (calls, unanswered): (usize, usize), more: &str) {
        let Self { seed, faults, .. } = self;
        tracing::info!("seed {seed}, {faults:?}: {what}: {calls} calls, {unanswered} unanswered; {more}");
    }
}

/// How long something waits until it happens.
fn pause(entropy: &SeededEntropy) -> Duration {
    Duration::from_millis(entropy.next_u64() % 200)
}

async fn three(round: &Round<'_>) -> Three {
    let database = match round.server {
        Some(server) => server.fresh().await,
        None => Database::fresh().await,
    };
    faults::slow_down(&round.faults, &database).await;
    Three::join(database).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quota_is_linearizable() {
    for faults in [&[Fault::Terminated][..], &[Fault::Slow("quota", 1_000_000), Fault::Locked("quota")]] {
        let round = Round::of(faults);
        let three = three(&round).await;
        quota::check(&three, &round).await;
        three.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn idempotency_keys_are_linearizable() {
    for faults in [&[Fault::Terminated][..], &[Fault::Slow("held_keys", 60), Fault::Terminated]] {
        let round = Round::of(faults);
        let three = three(&round).await;
        keys::check(&three, &round).await;
        three.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_is_linearizable_and_known_within_a_second() {
    let round = Round { ends_a_node: false, ..Round::of(&[Fault::Terminated]) };
    let three = three(&round).await;
    revocation::check(&three, &round).await;
    three.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_rounds() {
    let Ok(rounds) = std::env::var(ROUNDS) else { return };
    let rounds: u64 = rounds.parse().unwrap_or_else(|_| panic!("{ROUNDS} is `{rounds}`, and no number"));
    let server = OwnServer::start().await;
    for number in 0..rounds {
        let seed = trials::seed().wrapping_mul(1_000_003).wrapping_add(number);
        let entropy = SeededEntropy::new(seed);
        let any = |below: u64| entropy.next_u64() % below;
        let table = ["quota", "held_keys", "keys"][number as usize % 3];
        let mut faults = vec![[Fault::Terminated, Fault::Killed][usize::from(any(3) == 0)]];
        match any(5) {
            0 => faults.push(Fault::Locked(table)),
            1 => faults.push(Fault::Slow(table, 60)),
            2 => faults.push(Fault::Slow(table, 1_000_000)),
            _ => {}
        }
        let (clients, ends_a_node) = (6 + any(12) as usize, any(2) == 0);
        let round = Round { seed, clients, faults, ends_a_node, server: Some(&server) };
        let three = three(&round).await;
        match number % 3 {
            0 => quota::check(&three, &round).await,
            1 => keys::check(&three, &round).await,
            _ => revocation::check(&three, &round).await,
        }
        three.close().await;
    }
}
