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
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::Moment;
use runtime::Machine;
use store::contract::admission::{Admission, Admitted, NewMessage};
use store::contract::nodes::Epoch;
use store::{Store, StoreError};
use testkit::{Load, NOW};
use tokio::task::JoinSet;

/// How many callers ask at once, and how many messages they hand over in all.
const ROUNDS: [(usize, usize); 3] = [(1, 5_000), (64, 100_000), (256, 200_000)];

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
    let work = Arc::new(Load::new(messages));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        running.spawn(call_until_done(Arc::clone(&store), node, Arc::clone(&work)));
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
async fn call_until_done(store: Arc<dyn Store>, node: Epoch, work: Arc<Load>) -> Result<(), StoreError> {
    while let Some(message) = work.next() {
        let admission = testkit::admission(node, message);
        let payload = NewMessage { carrier: "main".into(), ..admission.payload };
        let outcome = store.admit(Admission { payload, ..admission }).await?;
        if outcome != Admitted::New {
            return Err(StoreError::Failed(format!("a new message was not admitted: {outcome:?}")));
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "to print is what this example is for")]
fn say(line: &str) {
    println!("{line}");
}
