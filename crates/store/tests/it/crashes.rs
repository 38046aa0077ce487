//! A store whose disk loses power, or whose process is killed, at any point: what was answered is there, and nothing is
//! half there.
//!
//! A story is decided by its seed: random calls, some of them at once, on a disk that is cut after a random number of
//! changes; then the store is opened on what is left, and compared with what it had answered. A call that failed may
//! have happened or not, whole.

mod handsets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::disk::Disk;
use model::event::EventKind;
use model::quota::UtcDay;
use model::status::SegmentFate;
use model::{AccountId, Entropy, Message, MessageId, Moment, SeededEntropy, Status};
use rusqlite::{Connection, OpenFlags};
use store::Store;
use store::contract::admission::{Admission, Admitted, IdempotencyClaim, Quota};
use store::contract::dispatch::{Attempt, Leased, Outcome, Verdict};
use store::contract::nodes::Epoch;

use crate::disk::{FILE, open};
use handsets::Handsets;

use crate::support::{
    LEASE_SECS, NODE, NORTH, NOW, RETRY_WITHIN, WAIT_SECS, acks, admission, after, claim, lease_request, live, message,
    receipt,
};

/// How often the power is cut in a story.
const CRASHES: usize = 5;

/// How many messages an account may send.
const LIMIT: u64 = 12;

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Absent,
    Queued,
    Sent,
    Delivered,
}

/// A message, and what the store has answered about it.
struct Entry {
    message: Message,
    claim: Option<IdempotencyClaim>,
    /// How far it has come for certain, and how far it may have come by calls that failed.
    certain: Stage,
    possible: Stage,
    attempts: u32,
    attempts_possible: u32,
    /// The token and the number of the attempt that is under way.
    under_way: Option<(u64, u32)>,
}

struct Story {
    chance: SeededEntropy,
    accounts: [AccountId; 2],
    entries: Vec<Entry>,
    /// The node of the present opening, and how many leases it has taken.
    node: Epoch,
    leases: u32,
    handsets: Handsets,
}

/// What a call said: its answer, or that the store is gone.
type Said<T> = Result<T, ()>;

impl Story {
    fn new(seed: u64) -> Self {
        let chance = SeededEntropy::new(seed);
        Self {
            accounts: [(); 2].map(|()| AccountId::new(NOW, &chance)),
            handsets: Handsets::of(live(AccountId::new(NOW, &chance)), seed),
            chance,
            entries: Vec::new(),
            node: NODE,
            leases: 0,
        }
    }

    fn below(&self, bound: u64) -> u64 {
        self.chance.next_u64() % bound
    }

    /// Joins as a node, and makes calls until the store fails, or a few dozen.
    async fn work(&mut self, store: &Arc<dyn Store>) -> Said<()> {
        self.node = store.join("test".to_owned(), "0".to_owned(), Moment::of(NOW)).await.map_err(drop)?;
        store.recover(self.node, NOW, RETRY_WITHIN).await.map_err(drop)?;
        for _ in 0..50 {
            match self.below(10) {
                0..=2 => self.admit(store).await?,
                3 | 4 => self.attempt(store).await?,
                5 => self.end_attempts(store).await?,
                6 => self.hear(store).await?,
                7 | 8 => self.handsets.work(store, self.node, &self.chance).await?,
                _ => store.probe().await.map_err(drop)?,
            }
        }
        Ok(())
    }

    /// Admits a few messages at once, some under keys.
    async fn admit(&mut self, store: &Arc<dyn Store>) -> Said<()> {
        let mut calls = Vec::new();
        for _ in 0..=self.below(4) {
            let account = self.accounts[self.below(2) as usize];
            let message = message(MessageId::new(NOW, &self.chance), account, NOW);
            let claim = (self.below(2) == 0).then(|| claim(&format!("key-{}", self.entries.len()), "one", NOW));
            let quota = Quota { day: UtcDay::of(NOW), limit: LIMIT };
            let admission =
                Admission { node: self.node, quota, idempotency: claim.clone(), ..admission(message.clone()) };
            let (certain, possible) = (Stage::Absent, Stage::Queued);
            self.entries.push(Entry {
                message,
                claim,
                certain,
                possible,
                attempts: 0,
                attempts_possible: 0,
                under_way: None,
            });
            let store = Arc::clone(store);
            calls.push((self.entries.len() - 1, tokio::spawn(async move { store.admit(admission).await })));
        }
        let mut said = Ok(());
        for (at, call) in calls {
            match call.await.unwrap() {
                Ok(Admitted::New) => self.entries[at].certain = Stage::Queued,
                Ok(Admitted::QuotaReached) => self.entries[at].possible = Stage::Absent,
                Ok(other) => panic!("a new message is answered with {other:?}"),
                Err(_) => said = Err(()),
            }
        }
        said
    }

    /// Leases what is due and begins attempts.
    async fn attempt(&mut self, store: &Arc<dyn Store>) -> Said<()> {
        self.leases += 1;
        let token = self.node.token(self.leases);
        let leased = store.lease_due(lease_request(token, NOW)).await.map_err(drop)?;
        let attempt = |leased: &Leased| Attempt {
            id: leased.message.id,
            recipient: leased.message.recipient,
            token,
            carrier: NORTH.into(),
            lease_until: after(LEASE_SECS),
            detail: "all segments".to_owned(),
        };
        let ids: Vec<MessageId> = leased.iter().map(|leased| leased.message.id).collect();
        for id in &ids {
            self.entry(*id).attempts_possible += 1;
        }
        let begun = store.begin_attempts(leased.iter().map(attempt).collect(), Moment::of(NOW)).await.map_err(drop)?;
        for (id, number) in ids.into_iter().zip(begun) {
            let number = number.expect("the lease holds");
            let entry = self.entry(id);
            assert_eq!(number, entry.attempts + 1, "attempts are numbered without gaps");
            (entry.attempts, entry.attempts_possible, entry.under_way) = (number, number, Some((token, number)));
        }
        Ok(())
    }

    /// Records that the carrier took what is under way.
    async fn end_attempts(&mut self, store: &Arc<dyn Store>) -> Said<()> {
        let mut outcomes = Vec::new();
        for entry in &mut self.entries {
            let Some((token, attempt)) = entry.under_way.take() else { continue };
            let (id, recipient, carrier) = (entry.message.id, entry.message.recipient, NORTH.into());
            let (accepted, receipt_by) = (acks([&id.to_string()]), Some(after(WAIT_SECS)));
            let (verdict, detail) = (Verdict::Sent, "ESME_ROK".to_owned());
            outcomes.push(Outcome {
                id,
                recipient,
                token,
                total: 1,
                attempt,
                carrier,
                at: NOW,
                accepted,
                verdict,
                detail,
                receipt_by,
            });
            entry.possible = entry.possible.max(Stage::Sent);
        }
        let ids: Vec<MessageId> = outcomes.iter().map(|outcome| outcome.id).collect();
        store.record_outcomes(outcomes).await.map(drop).map_err(drop)?;
        ids.into_iter().for_each(|id| self.entry(id).certain = Stage::Sent);
        Ok(())
    }

    /// Records the receipt of a message that was sent.
    async fn hear(&mut self, store: &Arc<dyn Store>) -> Said<()> {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.certain == Stage::Sent) else { return Ok(()) };
        entry.possible = Stage::Delivered;
        let key = entry.message.id.to_string();
        store.record_receipts(vec![receipt([&key], SegmentFate::Delivered)]).await.map_err(drop)?;
        entry.certain = Stage::Delivered;
        Ok(())
    }

    fn entry(&mut self, id: MessageId) -> &mut Entry {
        self.entries.iter_mut().find(|entry| entry.message.id == id).expect("the store gives what it was given")
    }

    /// Compares the store with what it had answered, and takes what it says for certain from now on.
    async fn compare(&mut self, store: &Arc<dyn Store>) {
        // Whatever carriers send again goes to a node that lives.
        self.node = store.join("test".to_owned(), "0".to_owned(), Moment::of(NOW)).await.unwrap();
        self.handsets.compare(store, self.node).await;
        for entry in &mut self.entries {
            let id = entry.message.id;
            let found = store.message_of_any_account(id).await.unwrap();
            let kinds: Vec<EventKind> = store.events(id).await.unwrap().into_iter().map(|event| event.kind).collect();
            let stage = found.as_ref().map_or(Stage::Absent, |record| match record.delivery.status {
                Status::Queued => Stage::Queued,
                Status::Sent => Stage::Sent,
                Status::Delivered => Stage::Delivered,
                other => panic!("{id} is {other:?}"),
            });
            assert!(
                (entry.certain..=entry.possible).contains(&stage),
                "{id} is {stage:?}, not {:?} to {:?}",
                entry.certain,
                entry.possible
            );
            let has = |kind| usize::from(kinds.contains(&kind));
            let wanted = [stage >= Stage::Queued, stage >= Stage::Sent, stage >= Stage::Delivered].map(usize::from);
            assert_eq!(
                [has(EventKind::Accepted), has(EventKind::Acknowledged), has(EventKind::Receipt)],
                wanted,
                "{id} is {stage:?}: {kinds:?}"
            );
            let attempts = kinds.iter().filter(|kind| **kind == EventKind::Attempt).count() as u32;
            assert!((entry.attempts..=entry.attempts_possible).contains(&attempts), "{id}: {attempts} attempts");
            if let Some(record) = found {
                assert_eq!((&*record.message, record.delivery.attempts), (&entry.message, attempts), "{id}");
            }
            if let Some(claim) = &entry.claim {
                let replay = store.replay(live(entry.message.account), claim).await.unwrap();
                assert_eq!(replay.is_some(), stage > Stage::Absent, "{id} and its key are there together");
            }
            (entry.certain, entry.possible) = (stage, stage);
            (entry.attempts, entry.attempts_possible, entry.under_way) = (attempts, attempts, None);
        }
    }

    /// What the file itself says, past the store.
    fn look(&self, disk: &Disk) {
        let connection = Connection::open_with_flags_and_vfs(FILE, OpenFlags::default(), disk.name()).unwrap();
        let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(integrity, "ok");
        for account in self.accounts {
            let sql = "SELECT coalesce(sum(used), 0) FROM quota WHERE account_id = ?1";
            let used: u64 = connection.query_row(sql, [account.to_bytes()], |row| row.get(0)).unwrap();
            let there = self
                .entries
                .iter()
                .filter(|entry| entry.message.account == account && entry.certain > Stage::Absent)
                .count() as u64;
            assert!(used == there && used <= LIMIT, "the quota counts {used} of {there} messages");
        }
    }
}

/// Tells one story. Returns the digest of what happened to its disk, and how many messages were delivered.
async fn tell(seed: u64) -> (u64, usize) {
    let mut story = Story::new(seed);
    let mut disk = Disk::new(seed);
    for crash in 0..CRASHES {
        // The first opening makes the schema, with some thousand changes.
        disk.cut_after(story.below(if crash == 0 { 3_000 } else { 400 }));
        if let Ok(store) = open(&disk).await {
            let _ = story.work(&store).await;
            disk.cut_after(0);
            assert!(store.probe().await.is_err());
            store.close().await;
        }
        disk = if story.below(4) == 0 { disk.kill() } else { disk.crash(seed ^ ((crash as u64) << 32)) };
        let store = open(&disk).await.unwrap();
        story.compare(&store).await;
        store.close().await;
        story.look(&disk);
    }
    (disk.digest(), story.entries.iter().filter(|entry| entry.certain == Stage::Delivered).count())
}

/// On one thread, so that the seed decides everything.
fn run(seed: u64) -> (u64, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(tell(seed))))
        .unwrap_or_else(|_| panic!("the story of seed {seed} fails"))
}

#[test]
fn what_was_answered_survives_a_crash_at_any_point_and_nothing_is_half_there() {
    let delivered: usize = (0..50).map(|seed| run(seed).1).sum();
    assert!(delivered > 100, "the stories come far enough to prove something: {delivered}");
}

#[test]
fn a_story_is_the_same_in_every_run() {
    for seed in 0..5 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
