//! Media on a disk that does not answer for some of them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use model::message::MessageType;
use model::{Media, MediaType, Message, MessageId, Status};
use store::contract::admission::{Admission, Admitted, NewMessage};
use store::objects::Objects;

use super::world::{MAIN, Tenant, World};

/// Bytes in memory, some of which hang when they are read.
#[derive(Default)]
pub(super) struct Memory {
    bytes: Mutex<HashMap<String, Bytes>>,
    hanging: Mutex<HashSet<String>>,
    reads: AtomicUsize,
}

#[async_trait]
impl Objects for Memory {
    async fn put(&self, name: &str, bytes: Bytes) -> io::Result<()> {
        self.bytes.lock().unwrap().insert(name.to_owned(), bytes);
        Ok(())
    }

    async fn get(&self, name: &str) -> io::Result<Bytes> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let hangs = self.hanging.lock().unwrap().contains(name);
        if hangs {
            std::future::pending::<()>().await;
        }
        self.bytes.lock().unwrap().get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        self.bytes.lock().unwrap().remove(name);
        Ok(())
    }

    async fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.bytes.lock().unwrap().keys().cloned().collect())
    }
}

/// Admits a message with media of its own, which the program does not have in memory any more.
async fn admit(world: &World, tenant: &Tenant, content: u8, hangs: bool) -> MessageId {
    let media = Media { kind: MediaType::Jpeg, bytes: Bytes::from(vec![content; 64]) };
    let placed = world.shelf.place(Some(&media)).await.unwrap();
    let stored = placed.brought.clone().unwrap();
    if hangs {
        world.objects.hanging.lock().unwrap().insert(stored.name());
    }
    let message = Message { kind: MessageType::Mms, media: placed.id, ..world.message(tenant, 1, "+12025550143") };
    let id = message.id;
    let admission = testkit::admission(world.node.epoch(), message);
    let payload = NewMessage { carrier: MAIN.into(), ..admission.payload };
    let admission = Admission { payload, media: placed.brought, ..admission };
    assert_eq!(world.store.admit(admission).await.unwrap(), Admitted::New);
    id
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_for_some_media_delays_no_other_message() {
    let mut world = World::new().await;
    let tenant = world.tenant("+18005550001", None).await;
    let mut hanging = Vec::new();
    for content in 0..10 {
        hanging.push(admit(&world, &tenant, content, true).await);
    }
    let sound = admit(&world, &tenant, 200, false).await;
    let (hung, bytes) = (
        std::mem::take(&mut *world.objects.hanging.lock().unwrap()),
        std::mem::take(&mut *world.objects.bytes.lock().unwrap()),
    );
    // A new process has read none of them.
    world.restart(0).await;
    *world.objects.hanging.lock().unwrap() = hung;
    *world.objects.bytes.lock().unwrap() = bytes;
    let plain = world.admit_as(world.message(&tenant, 1, "+12025550143"), false).await;
    world.run().await;
    let sent: Vec<_> = world.sent(MAIN).iter().map(|submission| submission.message.id).collect();
    assert!(sent.contains(&sound) && sent.contains(&plain) && sent.len() == 2, "{sent:?}");
    assert_eq!(world.status(hanging[0]).await, Status::Queued, "it is tried again later");
    for _ in 0..5 {
        world.clock.advance(world.settings.retry.floor);
        world.run().await;
    }
    assert_eq!(
        (world.sent(MAIN).len(), world.objects.reads.load(Ordering::SeqCst)),
        (2, 17),
        "ten, the sound one, and six again: reads that hang are bounded"
    );
}
