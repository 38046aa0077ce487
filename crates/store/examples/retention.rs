//! What removing old things does to the size of a store's file, and a store full of old messages for `bench/retention`.
//!
//!     cargo run --release -p store --example retention -- size [MESSAGES A DAY]
//!     cargo run --release -p store --example retention -- fill FILE MESSAGES DAYS
//!
//! `size` runs ten days of steady load on a real file, with the time as an argument: each message is accepted, sent,
//! receipted and listed, and every hour of it what is older than the rules is removed. It prints a line for each day.
//! `fill` makes a store with so many messages that ended so many days ago.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time and for tasks")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::message::{Direction, Encoding, MessageType};
use model::status::SegmentFate;
use model::{AccountId, Entropy, Message, MessageId, Mode, Moment, Msisdn, ReceiptScope, SeededEntropy, Timestamp};
use runtime::Machine;
use store::contract::admission::{Admission, NewMessage};
use store::contract::dispatch::{Attempt, Lease, Outcome, SegmentAck, Verdict};
use store::contract::nodes::{Epoch, Tokens};
use store::contract::receipts::Receipt;
use store::contract::retention::Walk;
use store::{Store, StoreError};

const DAY: Duration = Duration::from_secs(86_400);

/// The rules of `size`: short, so that ten days show all of them at work.
const TEXTS: Duration = DAY;
const KEYS: Duration = Duration::from_secs(2 * 86_400);
const MESSAGES: Duration = Duration::from_secs(3 * 86_400);

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["size"] => size(20_000).await,
        ["size", a_day] => size(a_day.parse()?).await,
        ["fill", file, messages, days] => fill(Path::new(file), messages.parse()?, days.parse()?).await,
        _ => Err("size [MESSAGES A DAY], or fill FILE MESSAGES DAYS".into()),
    }
}

/// Ten days of steady load.
async fn size(a_day: usize) -> Result<(), Failure> {
    let directory = tempfile::Builder::new().prefix("retention").tempdir()?;
    let path = directory.path().join("store.db");
    let begin = Timestamp::from_millis(1_773_585_000_000);
    let mut desk = Desk::open(&path, begin).await?;
    say(&format!("{a_day} messages a day; texts are kept for 1 day, keys of receipts for 2, messages for 3"));
    say("day  accepted  removed  megabytes  growth");
    let (mut before, mut accepted) = (0.0, 0);
    for day in 1..=10u32 {
        let mut removed = 0;
        for hour in 0..24u32 {
            let now = begin + DAY * (day - 1) + DAY / 24 * hour;
            let count = a_day / 24;
            desk.live(count, now).await?;
            accepted += count;
            removed += desk.remove_old(now).await?;
        }
        let megabytes = megabytes(&path)?;
        say(&format!("{day:>3}  {accepted:>8}  {removed:>7}  {megabytes:>9.1}  {:>+5.1}%", growth(before, megabytes)));
        before = megabytes;
    }
    desk.store.close().await;
    Ok(())
}

/// A store with messages that ended long ago.
async fn fill(path: &Path, messages: usize, days: u32) -> Result<(), Failure> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let then = Timestamp::from_millis(now) - DAY * days;
    let mut desk = Desk::open(path, then).await?;
    let mut left = messages;
    while left > 0 {
        let count = left.min(1_000);
        let at = then + Duration::from_millis((messages - left) as u64);
        desk.live(count, at).await?;
        left -= count;
    }
    desk.store.close().await;
    Ok(())
}

/// A store, and what goes in.
struct Desk {
    store: Arc<dyn Store>,
    node: Epoch,
    tokens: Tokens,
    entropy: SeededEntropy,
    accounts: Vec<AccountId>,
    originator: Msisdn,
    made: u64,
}

impl Desk {
    async fn open(path: &Path, now: Timestamp) -> Result<Self, Failure> {
        let store = store::open(&format!("sqlite:{}", path.display()), Arc::new(Machine::new())).await?;
        let node = store.join("retention".to_owned(), "0".to_owned(), Moment::of(now)).await?;
        let entropy = SeededEntropy::new(1);
        let accounts = (0..20).map(|_| AccountId::new(now, &entropy)).collect();
        let originator = Msisdn::parse("+18005559876").map_err(|_| "a number")?;
        Ok(Self { store, node, tokens: Tokens::of(node), entropy, accounts, originator, made: 0 })
    }

    /// The whole life of so many messages.
    async fn live(&mut self, count: usize, now: Timestamp) -> Result<(), Failure> {
        let lease = Lease { token: self.tokens.next(), until: now + Duration::from_secs(60) };
        let mut messages = Vec::with_capacity(count);
        for _ in 0..count {
            messages.push(self.message(now)?);
        }
        let admitting = messages.iter().map(|message| self.store.admit(self.admission(message, lease)));
        for admitted in join_all(admitting).await {
            admitted?;
        }
        let attempts = messages.iter().map(|message| Attempt {
            id: message.id,
            recipient: message.recipient,
            token: lease.token,
            carrier: "main".into(),
            lease_until: lease.until,
            detail: "all segments".to_owned(),
        });
        self.store.begin_attempts(attempts.collect(), Moment::of(now)).await?;
        let keyed: Vec<(&Arc<Message>, String)> =
            messages.iter().map(|message| (message, format!("{:032x}", self.entropy.next_u64()))).collect();
        let outcomes = keyed.iter().map(|(message, key)| sent(message, key, lease.token, now));
        self.store.record_outcomes(outcomes.collect()).await?;
        self.store.record_receipts(keyed.iter().map(|(_, key)| delivered(key, now)).collect()).await?;
        while self
            .store
            .index_lists(now + Duration::from_secs(1), Duration::ZERO, 5_000)
            .await?
            .oldest_missing
            .is_some()
        {}
        Ok(())
    }

    /// Removes what is old, as the sweeper does.
    async fn remove_old(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut removed = 0;
        for (walk, kept) in [
            (Walk::Texts(None), TEXTS),
            (Walk::BroadcastTexts(None), TEXTS),
            (Walk::Messages, MESSAGES),
            (Walk::Broadcasts, MESSAGES),
            (Walk::ReceiptKeys, KEYS),
            (Walk::Unmatched, KEYS),
        ] {
            loop {
                let step = self.store.remove_old(walk, now - kept, 400).await?;
                removed += if walk == Walk::Messages { step.removed } else { 0 };
                if step.is_end {
                    break;
                }
            }
        }
        self.store.forget_requests(now, 1_000).await?;
        Ok(removed)
    }

    fn message(&mut self, now: Timestamp) -> Result<Arc<Message>, Failure> {
        self.made += 1;
        let random = self.entropy.next_u64();
        Ok(Arc::new(Message {
            id: MessageId::new(now, &self.entropy),
            account: self.accounts[random as usize % self.accounts.len()],
            broadcast: None,
            direction: Direction::Outbound,
            mode: Mode::Live,
            kind: MessageType::Sms,
            originator: self.originator.into(),
            recipient: Msisdn::parse(&format!("+1{:010}", random % 10_000_000_000)).map_err(|_| "a number")?,
            body: Some("Your one-time password is 471147. Tell nobody.".into()),
            media_url: None,
            media: None,
            encoding: Encoding::Gsm7,
            segments: 1,
            reference: 0,
            client_reference: None,
            automatic: None,
            status_callback: None,
            created_at: now,
            send_at: None,
            expires_at: now + DAY,
        }))
    }

    fn admission(&self, message: &Arc<Message>, lease: Lease) -> Admission<NewMessage> {
        let admission = testkit::admission(self.node, Arc::clone(message));
        let payload = NewMessage { carrier: "main".into(), lease: Some(lease), ..admission.payload };
        Admission { payload, ..admission }
    }
}

fn sent(message: &Message, key: &str, token: u64, now: Timestamp) -> Outcome {
    Outcome {
        id: message.id,
        recipient: message.recipient,
        token,
        total: 1,
        attempt: 1,
        carrier: "main".into(),
        at: now,
        accepted: vec![SegmentAck { number: 1, carrier_id: Some(key.to_owned()), key: Some(key.to_owned()) }],
        verdict: Verdict::Sent,
        detail: format!("carrier id {key}"),
        receipt_by: Some(now + DAY),
    }
}

fn delivered(key: &str, now: Timestamp) -> Receipt {
    Receipt {
        carrier: "main".into(),
        keys: vec![key.to_owned()],
        addresses: Vec::new(),
        fate: SegmentFate::Delivered,
        at: now,
        detail: format!("id {key} DELIVRD err:000"),
        scope: ReceiptScope::Segment,
        raw: model::unmatched::Raw::default(),
    }
}

/// Waits for all of them, which share commits.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::with_capacity(waiting.len());
    // Each is polled once before any is waited for, so that the writer takes many at a time.
    std::future::poll_fn(|context| {
        let mut at = 0;
        while at < waiting.len() {
            match waiting[at].as_mut().poll(context) {
                std::task::Poll::Ready(output) => {
                    done.push(output);
                    drop(waiting.swap_remove(at));
                }
                std::task::Poll::Pending => at += 1,
            }
        }
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

/// The size of the file, in millions of bytes: what it has with its log's pages.
fn megabytes(path: &Path) -> Result<f64, Failure> {
    let connection = rusqlite::Connection::open(path)?;
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? * pragma("page_size")?) as f64 / 1e6)
}

fn growth(before: f64, now: f64) -> f64 {
    if before > 0.0 { (now / before - 1.0) * 100.0 } else { 100.0 }
}

#[expect(clippy::print_stdout, reason = "to print is what this example is for")]
fn say(line: &str) {
    println!("{line}");
}
