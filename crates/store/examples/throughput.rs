//! How many messages a second a store admits, by how many callers ask at once.
//!
//! In comes, at will, the directory to measure in (`cargo run --release -p store --example throughput -- DIRECTORY`;
//! the system's temporary one otherwise, which may be memory and then tells nothing of a disk); out goes a line for
//! each number of callers: admissions a second, the mean number of calls that shared a commit, and the mean time of a
//! commit.
//!
//! Every caller waits for its answer before it asks again, as a client of the API does. Figures of different machines,
//! or of different hours on one, do not compare; those of one run do.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time and for tasks")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::message::{Direction, Encoding, MessageType};
use model::quota::UtcDay;
use model::{AccountId, Entropy, Message, MessageId, Mode, Moment, Msisdn, SeededEntropy, Timestamp};
use runtime::Machine;
use store::contract::admission::{Admission, Admitted, NewMessage, Quota};
use store::contract::nodes::Epoch;
use store::{Store, StoreError};
use tokio::task::JoinSet;

/// How many callers ask at once, and how many messages they hand over in all.
const ROUNDS: [(usize, usize); 3] = [(1, 5_000), (64, 100_000), (256, 200_000)];

/// When the messages are accepted: 2026-03-15T14:30:00Z. The store takes the time as it is told.
const NOW: Timestamp = Timestamp::from_millis(1_773_585_000_000);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::Builder::new().prefix("throughput").tempdir_in(place)?;
    say("callers  admissions/s  calls a commit  ms a commit");
    for (callers, messages) in ROUNDS {
        let path = directory.path().join(format!("{callers}.db"));
        let store = store::open(&format!("sqlite:{}", path.display()), Arc::new(Machine::new())).await?;
        say(&measure(store, callers, messages).await?);
    }
    Ok(())
}

/// Admits so many messages by so many callers, and tells how it went.
async fn measure(store: Arc<dyn Store>, callers: usize, messages: usize) -> Result<String, StoreError> {
    let commits = Arc::new(Mutex::new((0, 0, Duration::ZERO)));
    let counted = Arc::clone(&commits);
    store.observe_commits(Box::new(move |sample| {
        if let Ok(mut commits) = counted.lock() {
            *commits = (commits.0 + 1, commits.1 + sample.group, commits.2 + sample.took);
        }
    }));
    let node = store.join("throughput".to_owned(), "0".to_owned(), Moment::of(NOW)).await?;
    let work = Arc::new(Work::new(node, messages));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        running.spawn(call_until_done(Arc::clone(&store), Arc::clone(&work)));
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| StoreError::Failed(error.to_string()))??;
    }
    let per_second = messages as f64 / began.elapsed().as_secs_f64();
    store.close().await;
    let (count, calls, took) = commits.lock().map_or((1, 0, Duration::ZERO), |commits| *commits);
    let count = f64::from(count);
    Ok(format!(
        "{callers:>7}  {per_second:>12.0}  {:>14.1}  {:>11.2}",
        calls as f64 / count,
        took.as_secs_f64() * 1_000.0 / count
    ))
}

/// One caller.
async fn call_until_done(store: Arc<dyn Store>, work: Arc<Work>) -> Result<(), StoreError> {
    while let Some(admission) = work.next() {
        let outcome = store.admit(admission).await?;
        if outcome != Admitted::New {
            return Err(StoreError::Failed(format!("a new message was not admitted: {outcome:?}")));
        }
    }
    Ok(())
}

/// The messages that are still to be admitted, of a hundred accounts to random recipients: neighbours would flatter the
/// indexes.
struct Work {
    node: Epoch,
    left: AtomicUsize,
    made: AtomicU64,
    entropy: SeededEntropy,
    accounts: Vec<AccountId>,
    originator: Msisdn,
}

impl Work {
    fn new(node: Epoch, messages: usize) -> Self {
        let entropy = SeededEntropy::new(1);
        let accounts = (0..100).map(|_| AccountId::new(NOW, &entropy)).collect();
        let originator = Msisdn::parse("+18005559876").expect("it is well-formed");
        Self { node, left: AtomicUsize::new(messages), made: AtomicU64::new(0), entropy, accounts, originator }
    }

    fn next(&self) -> Option<Admission<NewMessage>> {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).ok()?;
        // A thousand messages in each millisecond of the store's time, so that ids sort by their making as they do in
        // life.
        let now = NOW + Duration::from_millis(self.made.fetch_add(1, Ordering::Relaxed) / 1_000);
        let random = self.entropy.next_u64();
        let message = Message {
            id: MessageId::new(now, &self.entropy),
            account: self.accounts[random as usize % self.accounts.len()],
            broadcast: None,
            direction: Direction::Outbound,
            mode: Mode::Live,
            kind: MessageType::Sms,
            originator: self.originator.clone(),
            recipient: Msisdn::parse(&format!("+1{:010}", random % 10_000_000_000)).expect("it is well-formed"),
            body: Some("Your one-time password is 471147. Tell nobody.".into()),
            media_url: None,
            media: None,
            encoding: Encoding::Gsm7,
            segments: 1,
            reference: 0,
            created_at: now,
            expires_at: now + Duration::from_secs(86_400),
        };
        let quota = Quota { day: UtcDay::of(now), limit: u64::MAX };
        Some(Admission {
            node: self.node,
            payload: NewMessage { message: Arc::new(message), carrier: "main".into(), lease: None, due_at: now },
            quota,
            idempotency: None,
            flagged: None,
            media: None,
        })
    }
}

#[expect(clippy::print_stdout, reason = "to print is what this example is for")]
fn say(line: &str) {
    println!("{line}");
}
