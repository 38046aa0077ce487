//! What is asked of the store again and again, for as long as a process runs: SQLite says how it runs each statement.

use std::collections::BTreeSet;

use model::media::{Digest, StoredMedia};
use model::status::SegmentFate;
use model::unmatched::Reason;
use model::{Broadcast, BroadcastId, MediaId, MediaType, Moment, ReceiptScope};
use store::contract::broadcasts::{Expanded, Expansion};
use store::contract::dispatch::{Attempt, Lease, Outcome, SegmentAck, Verdict};
use store::contract::receipts::{Receipt, Refused};

use super::*;

/// The statements that the store of a bench has run since it was watched.
type Statements = Arc<Mutex<BTreeSet<String>>>;

/// Everything that sweeping, indexing and looking for work ask of the store is watched, and SQLite says how it runs it:
/// what runs for ever reads no table or index from end to end.
#[tokio::test]
async fn nothing_that_runs_for_ever_reads_a_table_from_end_to_end() {
    let statements = Statements::default();
    let heard = Arc::clone(&statements);
    let bench = Bench::watched(Arc::new(move |sql: &str| {
        heard.lock().unwrap().insert(sql.to_owned());
    }))
    .await;
    let (store, sweeper, clock) = (&bench.sweeper.store, &bench.sweeper, &bench.clock);
    store.register_consumer("test", Kinds::of(&[Kind::Message])).await.unwrap();
    bench.make_one_of_everything().await;
    // What the start of a process and its clients ask does not run for ever.
    statements.lock().unwrap().clear();
    const DAY: Duration = Duration::from_secs(86_400);
    sweeper.retention.set(crate::Retention { texts: Some(DAY), messages: Some(8 * DAY), receipt_keys: Some(DAY) });
    let sweeping = sweeper.sweeping();
    for _ in 0..3 {
        for _ in 0..70 {
            let strands = [Strand::Schedule, Strand::Messages, Strand::Records, Strand::Retention];
            for strand in strands {
                while sweeper.round(strand, &sweeping).await < Duration::from_millis(500) {}
            }
            clock.advance(Duration::from_secs(1));
        }
        let (now, node) = (Moment { wall: clock.now(), steady: clock.now() }, sweeper.node.epoch());
        store.sweep_media(None, now.wall, now.wall, 10).await.unwrap();
        store.index_lists(now.wall, Duration::ZERO, 10).await.unwrap();
        store.unexpanded(node, None, 10).await.unwrap();
        store.take_over(node, now.steady).await.unwrap();
        store.renew(node, now.steady).await.unwrap();
        sweeper.rerouter.reroute_all("main".into()).await.unwrap();
        clock.advance(5 * DAY);
    }
    let ran = statements.lock().unwrap().clone();
    for table in [
        "messages",
        "delivery",
        "events",
        "segments",
        "list_entries",
        "broadcasts",
        "broadcast_progress",
        "quota",
        "idempotency",
        "screening_log",
        "media",
        "unmatched",
        "parked_keys",
    ] {
        let removes = format!("DELETE FROM {table} ");
        assert!(ran.iter().any(|sql| sql.starts_with(&removes)), "nothing was removed from {table}: {ran:#?}");
    }
    let scans =
        store::sqlite::plans::scans(&bench.place.path().join("store.db"), ran.iter().map(String::as_str)).unwrap();
    assert!(scans.is_empty(), "{}", scans.join("\n\n"));
}

impl Bench {
    /// Messages, broadcasts, receipts and records in every state that sweeping looks for.
    async fn make_one_of_everything(&self) {
        let store = &self.sweeper.store;
        self.admit_one_of_each(store).await;
        self.broadcast(store, true).await;
        self.broadcast(store, false).await;
        let keys = |keys: [&str; 2]| keys.map(str::to_owned).to_vec();
        let receipt = |id: [&str; 2]| Receipt {
            carrier: "main".into(),
            keys: keys(id),
            addresses: vec!["18005551234".to_owned()],
            fate: SegmentFate::Delivered,
            at: self.clock.now(),
            detail: "x".to_owned(),
            scope: ReceiptScope::Segment,
            raw: "x".to_owned().into(),
        };
        store.record_receipts(vec![receipt(["delivered", "other"]), receipt(["early", "another"])]).await.unwrap();
        let refused = |reason| Refused {
            carrier: "main".into(),
            at: self.clock.now(),
            reason,
            detail: "x".to_owned(),
            raw: "x".to_owned(),
        };
        store.record_refused(vec![refused(Reason::Unreadable), refused(Reason::Inbound)]).await.unwrap();
    }

    fn media(&self, of: MessageId) -> StoredMedia {
        let now = self.clock.now();
        StoredMedia {
            id: MediaId::new(now, &*self.entropy),
            kind: MediaType::Jpeg,
            digest: Digest::of(&of.to_bytes()),
            bytes: 1,
            stored_at: now,
        }
    }

    fn flagged(&self, message: &Message) -> ScreeningRecord {
        let now = self.clock.now();
        ScreeningRecord {
            id: ScreeningId::new(now, &*self.entropy),
            account: message.account,
            mode: message.mode,
            at: now,
            outcome: ScreeningOutcome::Flagged,
            certainty: ScreeningCertainty::Unsure,
            about: None,
            originator: message.originator,
            categories: Vec::new(),
            findings: "[]".to_owned(),
            body: "hello".into(),
            review: None,
        }
    }

    async fn admit_one_of_each(&self, store: &Arc<dyn Store>) {
        let now = self.clock.now();
        for (key, verdict) in [
            (Some("delivered"), Some(Verdict::Sent)),
            (Some("waits"), Some(Verdict::Sent)),
            (Some("held"), Some(Verdict::Hold)),
            (None, None),
        ] {
            let mut message = self.message();
            let media = self.media(message.id);
            (message.media, message.media_url) = (Some(media.id), Some("https://example.com/a.jpg".to_owned()));
            let claim = IdempotencyClaim {
                endpoint: Endpoint::Message,
                key: IdempotencyKey::parse(key.unwrap_or("under-way")).unwrap(),
                fingerprint: Fingerprint::of(&[Some("hello")]),
                not_before: now,
                begun: false,
                awaited: false,
            };
            let flagged = self.flagged(&message);
            let lease = Lease { token: self.sweeper.node.next_token(), until: now + Duration::from_secs(600) };
            let (id, recipient) = (message.id, message.recipient);
            let admission = testkit::admission(NODE, message);
            let payload = NewMessage { carrier: "main".into(), lease: Some(lease), ..admission.payload };
            let (idempotency, flagged, media) = (Some(claim), Some(flagged), Some(media));
            let admitting = Admission { payload, idempotency, flagged, media, ..admission };
            store.admit(admitting).await.unwrap();
            let attempt = Attempt {
                id,
                recipient,
                token: lease.token,
                carrier: "main".into(),
                lease_until: lease.until,
                detail: String::new(),
            };
            store.begin_attempts(vec![attempt], Moment { wall: now, steady: now }).await.unwrap();
            let Some(verdict) = verdict else { continue };
            let ack = |key: &str| SegmentAck { number: 1, carrier_id: None, key: Some(key.to_owned()) };
            let outcome = Outcome {
                id,
                recipient,
                token: lease.token,
                total: 1,
                attempt: 1,
                carrier: "main".into(),
                at: now,
                accepted: key.filter(|_| verdict == Verdict::Sent).map(ack).into_iter().collect(),
                verdict,
                detail: String::new(),
                receipt_by: Some(now + Duration::from_secs(30)),
            };
            store.record_outcomes(vec![outcome]).await.unwrap();
        }
        // One without a route, and one whose carrier nobody has.
        store.admit(testkit::admission(NODE, self.message())).await.unwrap();
        let admission = testkit::admission(NODE, self.message());
        let payload = NewMessage { carrier: "gone".into(), ..admission.payload };
        store.admit(Admission { payload, ..admission }).await.unwrap();
    }

    /// A broadcast to two, whose recipients have had their turn or not.
    async fn broadcast(&self, store: &Arc<dyn Store>, is_expanded: bool) {
        let (now, message) = (self.clock.now(), self.message());
        let broadcast = Broadcast {
            id: BroadcastId::new(now, &*self.entropy),
            account: message.account,
            mode: message.mode,
            kind: message.kind,
            originator: message.originator,
            body: Some("hello".into()),
            media_url: None,
            media: None,
            encoding: message.encoding,
            segments: 1,
            total: 2,
            blocked: 0,
            client_reference: None,
            created_at: now,
            expires_at: now + Duration::from_secs(60),
        };
        let id = broadcast.id;
        let node = self.sweeper.node.epoch();
        let recipients = [testkit::recipient(1), testkit::recipient(2)];
        let admitting = testkit::broadcast_admission(node, broadcast, recipients.into_iter().collect());
        store.admit_broadcast(admitting).await.unwrap();
        if is_expanded {
            let made = |index: u32| Expanded {
                message: Arc::new(Message { id: id.message(index), broadcast: Some(id), ..self.message() }),
                carrier: Assignment::NoRoute,
                lease: None,
            };
            let messages = vec![made(0), made(1)];
            let turn = Expansion { node, broadcast: id, from: 0, turns: 2, messages, due_at: now, at: now };
            assert!(store.expand(turn).await.unwrap());
        }
    }
}
