//! What the change feed costs, and how much it carries.
//!
//! In come, at will, the directory to measure in (which should be on a disk) and the number of rounds; out goes a
//! table: how many messages a second are accepted, and how many live their whole life (accepted, attempted,
//! acknowledged, delivered), without a consumer of the log, with one of statuses, and with one of everything. The three
//! take turns, and a ratio is the median of those within a round, so that a machine whose speed drifts drifts for all
//! of them. The store has one writer, which bounds the rate of a machine with spare cores: its time on a core for each
//! message (of Linux) tells the cost also where other programs take the cores. A consumer reads, moves its cursor, and
//! has what it passed dropped, all the time; behind a rate stands how many changes a second it read, and how many were
//! left at the end.
#![allow(clippy::disallowed_methods, reason = "a benchmark asks the machine for the time and for tasks")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::status::SegmentFate;
use model::{Message, Moment, ReceiptScope};
use runtime::Machine;
use store::contract::admission::{Admission, NewMessage};
use store::contract::changes::{Kind, Kinds};
use store::contract::dispatch::{Attempt, Lease, Outcome, SegmentAck, Verdict};
use store::contract::nodes::Epoch;
use store::contract::receipts::Receipt;
use store::{Store, StoreError};
use testkit::{Load, NOW};
use tokio::task::JoinSet;

/// How many callers ask at once.
const CALLERS: usize = 64;

/// How many messages are accepted, and how many live their whole life, in a measurement.
const ACCEPTED: usize = 60_000;
const LIVES: usize = 40_000;

/// How many messages a dispatcher takes at once.
const BATCH: usize = 200;

/// The first that joins a new store.
const NODE: Epoch = Epoch::new(1).unwrap();

/// Who reads the log in a measurement.
const CONSUMERS: [(&str, Kinds); 3] = [
    ("none", Kinds::NONE),
    ("of statuses", Kinds::of(&[Kind::Message, Kind::Broadcast])),
    ("of everything", Kinds::of(&Kind::ALL)),
];

/// What a measurement came to.
#[derive(Clone, Copy, Default)]
struct Measured {
    per_second: f64,
    read_per_second: f64,
    /// The writer's time on a core for each message, in µs.
    writer_us: f64,
    left: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let place = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let rounds: usize =
        arguments.next().and_then(|rounds| rounds.into_string().ok()).map_or(Ok(5), |rounds| rounds.parse())?;
    let directory = tempfile::Builder::new().prefix("feed").tempdir_in(place)?;
    for (what, count, is_life) in [("accepted", ACCEPTED, false), ("whole lives", LIVES, true)] {
        let mut measured = [(); 3].map(|()| Vec::new());
        for round in 0..rounds {
            for turn in 0..CONSUMERS.len() {
                let who = (turn + round) % CONSUMERS.len();
                let path = directory.path().join(format!("{what}{round}{who}.db"));
                measured[who].push(measure(&path, CONSUMERS[who].1, count, is_life).await?);
            }
        }
        say(&format!(
            "{:<14}{:<14}{:>9} {:>6} {:>10} {:>6}   consumer",
            "what", "consumer", "a second", "ratio", "writer µs", "ratio"
        ));
        for (who, (name, _)) in CONSUMERS.iter().enumerate() {
            let of = |value: fn(&Measured) -> f64| {
                let ratio =
                    median(measured[who].iter().zip(&measured[0]).map(|(this, bare)| value(this) / value(bare)));
                (median(measured[who].iter().map(value)), ratio)
            };
            let ((rate, faster), (writer, longer)) = (of(|one| one.per_second), of(|one| one.writer_us));
            let read = median(measured[who].iter().map(|one| one.read_per_second));
            let left = measured[who].iter().map(|one| one.left).max().unwrap_or_default();
            let figures = format!("{rate:>9.0} {faster:>6.3} {writer:>10.1} {longer:>6.3}");
            say(&format!("{what:<14}{name:<14}{figures}   {read:.0} changes/s read, {left} left at most"));
        }
    }
    Ok(())
}

async fn measure(path: &Path, kinds: Kinds, count: usize, is_life: bool) -> Result<Measured, StoreError> {
    let store = store::open(&format!("sqlite:{}", path.display()), Arc::new(Machine::new())).await?;
    store.join("feed".to_owned(), "0".to_owned(), Moment::of(NOW)).await?;
    let reads = kinds != Kinds::NONE;
    let (is_over, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    if reads {
        store.register_consumer("bench", kinds).await?;
    }
    let consumer = tokio::spawn(consume(Arc::clone(&store), Arc::clone(&is_over), Arc::clone(&read), reads));
    let work = Arc::new(Load::new(count));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..CALLERS {
        let (store, work) = (Arc::clone(&store), Arc::clone(&work));
        running.spawn(async move { if is_life { live(&*store, &work).await } else { accept(&*store, &work).await } });
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| StoreError::Failed(error.to_string()))??;
    }
    let took = began.elapsed().as_secs_f64();
    let read_in_time = read.load(Ordering::Relaxed);
    let writer_us = on_core("store-writer").as_secs_f64() * 1e6 / count as f64;
    let left = if reads { store.consumers().await?.first().map_or(0, |consumer| consumer.behind) } else { 0 };
    is_over.store(true, Ordering::Relaxed);
    consumer.await.map_err(|error| StoreError::Failed(error.to_string()))??;
    store.close().await;
    Ok(Measured { per_second: count as f64 / took, read_per_second: read_in_time as f64 / took, writer_us, left })
}

/// Reads the log, moves the cursor and has what was passed dropped, as a consumer in the server and its sweeper do.
async fn consume(
    store: Arc<dyn Store>,
    is_over: Arc<AtomicBool>,
    read: Arc<AtomicU64>,
    reads: bool,
) -> Result<(), StoreError> {
    while reads && !is_over.load(Ordering::Relaxed) {
        let batch = store.changes("bench", 2_000).await?;
        let Some(end) = batch.end else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        read.fetch_add(batch.changes.len() as u64, Ordering::Relaxed);
        store.move_cursor("bench", end).await?;
        while store.forget_changes(1_000).await? >= 1_000 {}
    }
    Ok(())
}

/// Accepts messages, one after the other.
async fn accept(store: &dyn Store, work: &Load) -> Result<(), StoreError> {
    while let Some(message) = work.next() {
        store.admit(admission(Arc::new(message), None)).await?;
    }
    Ok(())
}

/// Takes messages through their whole life, a batch at a time: one call accepts each, as clients do; the rest goes in
/// batches, as dispatchers do.
async fn live(store: &dyn Store, work: &Load) -> Result<(), StoreError> {
    let lease = Lease { token: NODE.token(1), until: NOW + Duration::from_secs(600) };
    loop {
        let messages: Vec<Arc<Message>> = std::iter::from_fn(|| work.next()).take(BATCH).map(Arc::new).collect();
        if messages.is_empty() {
            return Ok(());
        }
        for message in &messages {
            store.admit(admission(Arc::clone(message), Some(lease))).await?;
        }
        let attempt = |message: &Arc<Message>| Attempt {
            id: message.id,
            recipient: message.recipient,
            token: lease.token,
            carrier: "main".into(),
            lease_until: lease.until,
            detail: "all segments".to_owned(),
        };
        store.begin_attempts(messages.iter().map(attempt).collect(), Moment::of(NOW)).await?;
        store.record_outcomes(messages.iter().map(|message| outcome(message)).collect()).await?;
        store.record_receipts(messages.iter().map(|message| receipt(message)).collect()).await?;
    }
}

fn admission(message: Arc<Message>, lease: Option<Lease>) -> Admission<NewMessage> {
    let admission = testkit::admission(NODE, message);
    let payload = NewMessage { carrier: "main".into(), lease, ..admission.payload };
    Admission { payload, ..admission }
}

fn outcome(message: &Message) -> Outcome {
    let key = message.id.to_string();
    Outcome {
        id: message.id,
        recipient: message.recipient,
        token: NODE.token(1),
        total: 1,
        attempt: 1,
        carrier: "main".into(),
        at: NOW,
        accepted: vec![SegmentAck { number: 1, carrier_id: Some(key.clone()), key: Some(key) }],
        verdict: Verdict::Sent,
        detail: "ESME_ROK".to_owned(),
        receipt_by: Some(NOW + Duration::from_secs(86_400)),
    }
}

fn receipt(message: &Message) -> Receipt {
    Receipt {
        carrier: "main".into(),
        keys: vec![message.id.to_string()],
        addresses: vec![message.recipient.digits().to_string()],
        fate: SegmentFate::Delivered,
        at: NOW,
        detail: "id 1 DELIVRD err:000".to_owned(),
        scope: ReceiptScope::Segment,
        raw: model::unmatched::Raw::default(),
    }
}

/// How long the threads of this name were on a core so far. Zero where the system does not say.
fn on_core(name: &str) -> Duration {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let time = |task: &Path| -> Option<u64> {
        std::fs::read_to_string(task.join("comm")).ok().filter(|comm| comm.trim() == name)?;
        std::fs::read_to_string(task.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    Duration::from_nanos(tasks.flatten().filter_map(|task| time(&task.path())).sum())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "to print is what this example is for")]
fn say(line: &str) {
    println!("{line}");
}
