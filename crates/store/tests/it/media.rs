//! Which media are kept, and until when.

use model::media::{Digest, StoredMedia};
use model::message::MessageType;
use model::quota::UtcDay;
use model::{Broadcast, MediaId, MediaType, Message, SeededEntropy, Timestamp};
use store::contract::admission::{Admission, Admitted, NewBroadcast, NewMessage, Quota};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::media::SweptMedia;

use crate::support::{Backend, Desk, NORTH, NOW, admission, after, live};

fn picture(seed: u64) -> StoredMedia {
    let id = MediaId::new(NOW, &SeededEntropy::new(seed));
    StoredMedia { id, kind: MediaType::Jpeg, digest: Digest::of(&seed.to_be_bytes()), bytes: 8, stored_at: NOW }
}

fn with(message: Message, media: &StoredMedia) -> Message {
    Message { kind: MessageType::Mms, media: Some(media.id), ..message }
}

fn bringing(message: Message, media: &StoredMedia) -> Admission<NewMessage> {
    Admission { media: Some(media.clone()), ..admission(with(message, media)) }
}

async fn sweep(desk: &Desk, now: Timestamp, unneeded_since: Timestamp) -> Vec<StoredMedia> {
    desk.store.sweep_media(None, now, unneeded_since, 100).await.unwrap().removed
}

/// A carrier takes a message that is queued.
async fn send(desk: &Desk, message: Message) {
    let token = desk.token();
    let others =
        desk.lease(token, NOW).await.into_iter().map(|leased| leased.message.id).filter(|id| *id != message.id);
    desk.store.release(others.map(|id| (id, token)).collect(), NOW).await.unwrap();
    let attempt = desk.begin(message.id, token, NOW).await.unwrap();
    let (carrier, detail) = (NORTH.into(), String::new());
    let verdict = Verdict::Sent;
    let outcome = Outcome {
        id: message.id,
        recipient: message.recipient,
        token,
        total: 1,
        attempt,
        carrier,
        at: NOW,
        accepted: Vec::new(),
        verdict,
        detail,
        receipt_by: None,
    };
    assert_eq!(desk.record(&outcome).await.len(), 1);
}

pub(crate) async fn media_are_kept_with_the_message_that_brings_them(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (account, media) = (desk.account(), picture(1));
    assert_eq!(desk.store.find_media(media.digest, media.kind).await.unwrap(), None);
    let message = desk.message(account);
    assert_eq!(desk.try_admit(bringing(message.clone(), &media)).await, Admitted::New);
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.media(media.id).await.unwrap(), Some(media.clone()));
    assert_eq!(desk.store.find_media(media.digest, media.kind).await.unwrap(), Some(media.id));
    assert_eq!(desk.store.find_media(media.digest, MediaType::Png).await.unwrap(), None);
    let kept = desk.store.message(live(account), message.id).await.unwrap().unwrap();
    assert_eq!(kept.message.media, Some(media.id));
    assert_eq!(desk.lease(desk.token(), NOW).await[0].message.media, Some(media.id));
}

pub(crate) async fn a_message_that_is_refused_brings_no_media(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let media = picture(1);
    let quota = Quota { day: UtcDay::of(NOW), limit: 0 };
    let over = Admission { quota, ..bringing(desk.message(desk.account()), &media) };
    assert_eq!(desk.try_admit(over).await, Admitted::QuotaReached);
    assert_eq!(desk.store.media(media.id).await.unwrap(), None);
}

pub(crate) async fn media_that_are_gone_are_to_be_brought_again(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, media) = (desk.account(), picture(1));
    let quota = Quota { day: UtcDay::of(NOW), limit: 1 };
    let naming = Admission { quota, ..admission(with(desk.message(account), &media)) };
    assert_eq!(desk.try_admit(naming.clone()).await, Admitted::MediaGone);
    // Nothing was used: not even the quota.
    assert_eq!(desk.try_admit(Admission { media: Some(media), ..naming }).await, Admitted::New);
}

pub(crate) async fn media_go_when_no_message_has_needed_them_for_long(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (media, first) = (picture(1), desk.message(desk.account()));
    let second = with(desk.message(first.account), &media);
    desk.try_admit(bringing(first.clone(), &media)).await;
    desk.admit(second.clone()).await;
    send(&desk, first).await;
    assert_eq!(sweep(&desk, after(10), after(10)).await, []);
    assert_eq!(sweep(&desk, after(20), after(20)).await, [], "the second message waits");
    send(&desk, second.clone()).await;
    assert_eq!(sweep(&desk, after(30), after(25)).await, [], "not needed from now on");
    assert_eq!(sweep(&desk, after(40), after(29)).await, [], "not for long enough");
    assert_eq!(sweep(&desk, after(41), after(30)).await, std::slice::from_ref(&media));
    assert_eq!(desk.store.media(media.id).await.unwrap(), None);
    let kept = desk.store.message(live(second.account), second.id).await.unwrap().unwrap();
    assert_eq!(kept.message.media, Some(media.id), "the message is what it was");
}

pub(crate) async fn media_of_a_scheduled_message_stay_until_it_has_left(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (media, message) = (picture(1), desk.message(desk.account()));
    let scheduled = Message { send_at: Some(after(3_600)), ..message };
    desk.try_admit(bringing(scheduled.clone(), &media)).await;
    assert_eq!(sweep(&desk, after(10), after(10)).await, []);
    assert_eq!(sweep(&desk, after(3_000), after(3_000)).await, [], "it needs them");
    desk.store.cancel_message(None, scheduled.id, after(3_001)).await.unwrap().unwrap();
    assert_eq!(sweep(&desk, after(3_010), after(3_000)).await, [], "not needed from now on");
    assert_eq!(sweep(&desk, after(3_020), after(3_010)).await, std::slice::from_ref(&media));
}

pub(crate) async fn media_that_are_needed_again_stay(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (media, first) = (picture(1), desk.message(desk.account()));
    desk.try_admit(bringing(first.clone(), &media)).await;
    send(&desk, first.clone()).await;
    sweep(&desk, after(10), NOW).await;
    let second = with(desk.message(first.account), &media);
    desk.admit(second.clone()).await;
    send(&desk, second).await;
    assert_eq!(sweep(&desk, after(20), after(15)).await, [], "what was noted before counts no more");
}

fn broadcast(desk: &Desk, media: &StoredMedia) -> Admission<NewBroadcast> {
    let broadcast = crate::broadcasts::broadcast(desk, desk.account(), 3, 0);
    let broadcast = Broadcast { kind: MessageType::Mms, media: Some(media.id), ..broadcast };
    Admission { media: Some(media.clone()), ..crate::broadcasts::admission(broadcast) }
}

pub(crate) async fn media_of_an_open_broadcast_stay(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let media = picture(1);
    let admission = broadcast(&desk, &media);
    assert_eq!(
        desk.store.admit_broadcast(Admission { media: None, ..admission.clone() }).await.unwrap(),
        Admitted::MediaGone
    );
    assert_eq!(desk.store.admit_broadcast(admission.clone()).await.unwrap(), Admitted::New);
    let record = desk.store.broadcast(None, admission.payload.broadcast.id).await.unwrap().unwrap();
    assert_eq!(record.broadcast, admission.payload.broadcast);
    assert_eq!(sweep(&desk, after(10), after(10)).await, []);
    assert_eq!(sweep(&desk, after(20), after(20)).await, [], "its recipients have not had their turn");
    desk.store.cancel_broadcast(None, admission.payload.broadcast.id, after(25)).await.unwrap();
    assert_eq!(sweep(&desk, after(30), after(25)).await, []);
    assert_eq!(sweep(&desk, after(40), after(30)).await, [media]);
}

pub(crate) async fn a_look_at_media_has_an_end(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let mut pictures: Vec<StoredMedia> = (1..=5).map(picture).collect();
    pictures.sort_by_key(|media| media.id);
    for media in &pictures {
        desk.try_admit(bringing(desk.message(desk.account()), media)).await;
    }
    let mut place = None;
    for end in [Some(1), Some(3), None] {
        let swept = desk.store.sweep_media(place, after(1), NOW, 2).await.unwrap();
        place = swept.next;
        assert_eq!(swept, SweptMedia { removed: Vec::new(), next: end.map(|end: usize| pictures[end].id) });
    }
}
