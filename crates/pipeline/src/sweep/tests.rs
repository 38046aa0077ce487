//! The sweeper on a real store, beside media that do not answer.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use model::message::{Direction, Encoding, Message, MessageType};
use model::quota::UtcDay;
use model::{AccountId, MessageId, Mode, Msisdn, SeededEntropy, SimClock, Status, Timestamp};
use store::contract::messages::{Admission, Quota};
use store::objects::Objects;
use tokio::sync::Notify;

use super::*;
use crate::fetch::resolve::SystemResolver;
use crate::fetch::{FetchSettings, Fetcher};

/// A file system that hangs, and says when it was asked.
#[derive(Default)]
struct Hanging(Notify);

impl Hanging {
    async fn hang<T>(&self) -> T {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Objects for Hanging {
    async fn put(&self, _: &str, _: Bytes) -> io::Result<()> {
        self.hang().await
    }

    async fn get(&self, _: &str) -> io::Result<Bytes> {
        self.hang().await
    }

    async fn remove(&self, _: &str) -> io::Result<()> {
        self.hang().await
    }

    async fn names(&self) -> io::Result<Vec<String>> {
        self.hang().await
    }
}

#[tokio::test]
async fn messages_are_swept_while_their_media_hang() {
    let place = tempfile::TempDir::new().unwrap();
    let store = store::open(&format!("sqlite:{}", place.path().join("store.db").display())).await.unwrap();
    let clock = Arc::new(SimClock::at(Timestamp::from_millis(1_773_585_000_000)));
    let (entropy, counters) = (Arc::new(SeededEntropy::new(7)), Arc::new(Counters::default()));
    let (waiters, hanging) = (Arc::new(MessageWaiters::default()), Arc::new(Hanging::default()));
    let fetcher = Fetcher::new(FetchSettings::default(), Arc::new(SystemResolver)).unwrap();
    let shelf = Shelf::new(fetcher, hanging.clone(), store.clone(), counters.clone(), clock.clone(), entropy.clone());
    let sweeper = Sweeper {
        screening_log: Duration::ZERO,
        shelf: Arc::new(shelf),
        media_kept: Duration::ZERO,
        parked_kept: Duration::ZERO,
        store: store.clone(),
        routes: Arc::default(),
        dispatchers: Dispatchers::default(),
        waiters: waiters.clone(),
        counters,
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let sweeping = tokio::spawn(sweeper.run());
    hanging.0.notified().await;
    let now = clock.now();
    let message = Message {
        id: MessageId::new(now, &*entropy),
        account: AccountId::from_bytes([2; 16]),
        broadcast: None,
        direction: Direction::Outbound,
        mode: Mode::Live,
        kind: MessageType::Sms,
        originator: Msisdn::parse("+18005559876").unwrap(),
        recipient: Msisdn::parse("+18005551234").unwrap(),
        body: Some("hello".into()),
        media_url: None,
        media: None,
        encoding: Encoding::Gsm7,
        segments: 1,
        reference: 0,
        created_at: now,
        expires_at: now + Duration::from_secs(60),
    };
    let mut ended = waiters.expect(message.id);
    let quota = Quota { day: UtcDay::of(now), limit: 10 };
    let message = Arc::new(message);
    let admission = Admission { message, carrier: String::new(), lease: None, due_at: now, quota, idempotency: None, flagged: None, media: None };
    store.admit(admission).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), ended.next()).await.expect("it is swept").unwrap();
    assert_eq!((told.status, told.error_type), (Status::Failed, Some(ErrorType::NoRoute)));
    sweeping.abort();
}
