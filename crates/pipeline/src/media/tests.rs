//! A shelf on a real store and a real directory.

use std::collections::HashSet;

use bytes::Bytes;
use fetch::media::FetchSettings;
use fetch::resolve::SystemResolver;
use model::message::{Message, MessageType};
use model::{Clock, MediaType, MessageId, Moment, SeededEntropy, SimClock};
use runtime::Machine;
use store::contract::admission::{Admission, Admitted};
use store::contract::nodes::Epoch;
use store::objects::Directory;
use testkit::Place;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

struct Stage {
    shelf: Shelf,
    store: Arc<dyn Store>,
    clock: Arc<SimClock>,
    place: Place,
}

/// The first node of a new store.
const NODE: Epoch = Epoch::new(1).unwrap();

async fn stage() -> Stage {
    let place = Place::new();
    let (store, clock) = (place.open().await, testkit::clock());
    assert_eq!(store.join("test".to_owned(), "0".to_owned(), clock.look()).await.unwrap(), NODE);
    let shelf = shelf(&store, &clock, &place);
    Stage { shelf, store, clock, place }
}

fn shelf(store: &Arc<dyn Store>, clock: &Arc<SimClock>, place: &Place) -> Shelf {
    let runtime: Arc<dyn Runtime> = Arc::new(Machine::with_clock(clock.clone()));
    let fetcher = Fetcher::new(FetchSettings::default(), Arc::new(SystemResolver), runtime.clone()).unwrap();
    let objects = Arc::new(Directory::open(place.path().join("media"), runtime.clone()).unwrap());
    Shelf::new(
        fetcher,
        objects,
        Arc::clone(store),
        Arc::default(),
        runtime,
        Arc::new(SeededEntropy::new(clock.now().as_millis().unsigned_abs())),
    )
}

fn picture(octet: u8) -> Media {
    Media { kind: MediaType::Png, bytes: Bytes::from(vec![octet; 1_000]) }
}

impl Stage {
    /// Admits a message that names what was placed.
    async fn admit(&self, placed: &Placed) -> Admitted<Message> {
        let now = self.clock.now();
        let message = Message {
            kind: MessageType::Mms,
            media: placed.id,
            expires_at: now + Duration::from_secs(60),
            ..testkit::message_at(MessageId::new(now, &SeededEntropy::new(7)), now)
        };
        let admission = Admission { media: placed.brought.clone(), ..testkit::admission(NODE, message) };
        self.store.admit(admission).await.unwrap()
    }

    /// The names under which something is kept.
    async fn names(&self) -> Vec<String> {
        self.shelf.objects.names().await.unwrap()
    }

    /// The same shelf after a restart, with nothing in memory.
    fn restarted(&self) -> Shelf {
        shelf(&self.store, &self.clock, &self.place)
    }
}

#[tokio::test]
async fn what_is_placed_is_loaded_after_a_restart() {
    let stage = stage().await;
    let placed = stage.shelf.place(Some(&picture(1))).await.unwrap();
    assert_eq!(stage.admit(&placed).await, Admitted::New);
    assert_eq!(stage.restarted().load(placed.id.unwrap()).await.unwrap(), picture(1));
}

#[tokio::test]
async fn what_is_kept_is_not_brought_again() {
    let stage = stage().await;
    let first = stage.shelf.place(Some(&picture(1))).await.unwrap();
    stage.admit(&first).await;
    let second = stage.shelf.place(Some(&picture(1))).await.unwrap();
    assert_eq!((second.id, second.brought.is_none()), (first.id, true));
    assert_eq!(stage.names().await.len(), 1);
}

#[tokio::test]
async fn media_that_are_not_what_was_checked_are_not_carried() {
    let stage = stage().await;
    let placed = stage.shelf.place(Some(&picture(1))).await.unwrap();
    stage.admit(&placed).await;
    let name = placed.brought.unwrap().name();
    let file = stage.place.path().join("media").join(&name[..2]).join(&name);
    std::fs::write(&file, [2; 1_000]).unwrap();
    assert!(matches!(stage.restarted().load(placed.id.unwrap()).await, Err(MediaError::Lost(..))));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(stage.restarted().load(placed.id.unwrap()).await, Err(MediaError::Lost(..))));
}

#[tokio::test]
async fn what_no_message_needs_goes_and_can_be_brought_again() {
    let stage = stage().await;
    let placed = stage.shelf.place(Some(&picture(1))).await.unwrap();
    stage.admit(&placed).await;
    stage.clock.advance(DAY);
    stage.store.expire(NODE, Moment::of(stage.clock.now()), HashSet::new(), 10).await.unwrap();
    let sweep = async |unneeded_since| assert_eq!(stage.shelf.sweep(None, unneeded_since, 10).await.unwrap(), None);
    sweep(stage.clock.now()).await;
    assert_eq!(stage.names().await.len(), 1, "it was needed until now");
    // Somebody looks, then it goes, and then they name it.
    let named = stage.shelf.place(Some(&picture(1))).await.unwrap();
    sweep(stage.clock.now()).await;
    assert!(stage.names().await.is_empty());
    stage.clock.advance(DAY);
    assert_eq!(stage.admit(&named).await, Admitted::MediaGone);
    let again = stage.shelf.place_again(Some(&picture(1))).await.unwrap();
    assert_ne!(again.id, named.id);
    assert_eq!(stage.admit(&again).await, Admitted::New);
    assert_eq!(stage.shelf.load(again.id.unwrap()).await.unwrap(), picture(1));
}

#[tokio::test]
async fn bytes_of_a_message_that_was_never_admitted_are_removed_in_time() {
    let stage = stage().await;
    let admitted = stage.shelf.place(Some(&picture(1))).await.unwrap();
    stage.admit(&admitted).await;
    stage.shelf.place(Some(&picture(2))).await.unwrap();
    std::fs::write(stage.place.path().join("media/tmp/notes-of-the-operator"), b"").unwrap();
    stage.shelf.remove_orphans().await.unwrap();
    assert_eq!(stage.names().await.len(), 3, "its message may be about to be admitted");
    stage.clock.advance(DAY);
    stage.shelf.remove_orphans().await.unwrap();
    let mut left = stage.names().await;
    left.sort();
    let mut wanted = [admitted.brought.unwrap().name(), "notes-of-the-operator".to_owned()];
    wanted.sort();
    assert_eq!(left, wanted);
}

#[tokio::test]
async fn memory_holds_the_latest_media_and_no_more_than_its_bound() {
    let stage = stage().await;
    let large = |octet| Media { kind: MediaType::Png, bytes: Bytes::from(vec![octet; 1_048_576]) };
    for octet in 0..20 {
        stage.shelf.remember(MediaId::from_bytes([octet; 16]), &large(octet));
    }
    let held: Vec<u8> = stage.shelf.recent().iter().map(|(id, _)| id.to_bytes()[0]).collect();
    assert_eq!(held, (4..20).collect::<Vec<u8>>());
}

#[tokio::test]
async fn few_media_are_remembered_however_small_they_are_and_each_once() {
    let stage = stage().await;
    let first = stage.shelf.place(Some(&picture(1))).await.unwrap();
    stage.admit(&first).await;
    let small: Vec<_> = (0..2 * RECENT_MAX).map(|_| MediaId::new(stage.clock.now(), &*stage.shelf.entropy)).collect();
    for id in small.iter().chain(&small) {
        stage.shelf.load(first.id.unwrap()).await.unwrap();
        stage.shelf.remember(*id, &picture(2));
    }
    let recent: Vec<_> = stage.shelf.recent().iter().map(|(id, _)| *id).collect();
    assert_eq!((recent.len(), recent.last()), (RECENT_MAX, small.last()));
    assert_eq!(recent.iter().filter(|id| Some(**id) == first.id).count(), 1, "what is used stays");
    stage.shelf.remember(recent[0], &picture(2));
    assert_eq!(stage.shelf.recent().len(), RECENT_MAX);
}
