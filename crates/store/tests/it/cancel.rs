//! Messages that their clients take back: what waits never leaves, and what may have left stays as it is.

use std::sync::Arc;

use model::event::EventKind;
use model::{BroadcastStatus, ErrorType, Message, MessageId, Mode, Moment, Owner, Status};
use store::Store;
use store::contract::dispatch::{Lease, Outcome, Retry, Verdict};
use store::contract::messages::MessageFilter;
use tokio::task::JoinSet;

use crate::broadcasts::{accepted, expand};
use crate::support::{Backend, Desk, LEASE_SECS, NODE, NOW, acks, admission, after, live, retry, under};

/// Takes a message back at a second after [`NOW`]. Returns where it stands.
async fn cancel(desk: &Desk, id: MessageId, secs: u64) -> Status {
    let record = desk.store.cancel_message(None, id, after(secs)).await.unwrap().unwrap();
    assert_eq!(record.delivery, desk.delivery(id).await, "the answer is the message as it is now");
    record.delivery.status
}

pub(crate) async fn a_message_that_was_taken_back_is_never_attempted(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let token = desk.token();
    let lease = Some(Lease { token, until: after(LEASE_SECS) });
    let (held, waits) = (desk.message(account), desk.message(account));
    desk.try_admit(under(lease, admission(held.clone()))).await;
    desk.admit(waits.clone()).await;
    desk.changed();
    for id in [held.id, waits.id] {
        assert_eq!(cancel(&desk, id, 1).await, Status::Canceled);
        let delivery = desk.delivery(id).await;
        assert_eq!((delivery.failed_at, delivery.error_type, delivery.error_message), (Some(after(1)), None, None));
        assert_eq!(desk.kinds(id).await, [EventKind::Accepted, EventKind::Ended]);
    }
    let told: Vec<_> = desk.changed().into_iter().map(|change| (change.id, change.delivery.status)).collect();
    assert_eq!(told, [(held.id, Status::Canceled), (waits.id, Status::Canceled)]);
    desk.reopen(&fresh).await;
    assert_eq!(desk.begin(held.id, token, after(2)).await, None);
    assert_eq!(desk.lease(desk.token(), after(2 * LEASE_SECS)).await, []);
    assert!(desk.store.queue_depths().await.unwrap().is_empty());
}

pub(crate) async fn a_message_under_way_is_taken_back_once_its_attempt_has_ended(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let attempt = desk.attempted(desk.message(desk.account())).await;
    let before = desk.all_of(attempt.id).await;
    assert_eq!(cancel(&desk, attempt.id, 1).await, Status::Queued);
    // Also when the process that began it is gone.
    assert_eq!(desk.store.recover(NODE, after(1), crate::support::RETRY_WITHIN).await.unwrap(), 1);
    assert_eq!(cancel(&desk, attempt.id, 2).await, Status::Queued);
    assert_eq!(desk.all_of(attempt.id).await, before);
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(30))), ..attempt.clone() }).await;
    assert_eq!(cancel(&desk, attempt.id, 3).await, Status::Canceled);
    assert_eq!(desk.lease(desk.token(), after(60)).await, []);
}

pub(crate) async fn a_message_of_which_anything_may_have_left_is_not_taken_back(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let again = |change: fn(&mut Retry)| {
        let mut retry = retry(after(30));
        change(&mut retry);
        Verdict::Retry(retry)
    };
    let long = || Message { segments: 2, ..desk.message(account) };
    let failed = Verdict::Failed { error_type: ErrorType::CarrierRejected, message: "no".to_owned() };
    let part = again(|_| {});
    let elsewhere = again(|retry| retry.carrier = crate::support::SOUTH.into());
    for (message, accepted, verdict, stands) in [
        (long(), acks(["one"]).to_vec(), part, Status::Queued),
        (long(), acks(["two"]).to_vec(), elsewhere, Status::Queued),
        (desk.message(account), vec![], again(|retry| retry.outcome_unknown = true), Status::Queued),
        (desk.message(account), vec![], Verdict::Hold, Status::Queued),
        (desk.message(account), acks(["three"]).to_vec(), Verdict::Sent, Status::Sent),
        (desk.message(account), vec![], failed, Status::Failed),
        (desk.message(account), vec![], Verdict::Expired, Status::Undelivered),
    ] {
        let attempt = desk.attempted(message).await;
        desk.record(&Outcome { accepted, verdict, ..attempt.clone() }).await;
        let before = desk.all_of(attempt.id).await;
        assert_eq!(cancel(&desk, attempt.id, 1).await, stands);
        assert_eq!(desk.all_of(attempt.id).await, before);
        assert_eq!(desk.changed(), []);
    }
}

pub(crate) async fn a_message_is_taken_back_once_and_by_its_owner(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = desk.admit(desk.message(account)).await;
    let test = Owner { account, mode: Mode::Test };
    for owner in [live(desk.account()), test] {
        assert_eq!(desk.store.cancel_message(Some(owner), id, NOW).await.unwrap(), None);
    }
    let unknown = desk.message(account).id;
    assert_eq!(desk.store.cancel_message(None, unknown, NOW).await.unwrap(), None);
    assert_eq!(desk.status(id).await, Status::Queued);
    let first = desk.store.cancel_message(Some(live(account)), id, after(1)).await.unwrap().unwrap();
    let (before, _) = (desk.all_of(id).await, desk.changed());
    let second = desk.store.cancel_message(Some(live(account)), id, after(2)).await.unwrap().unwrap();
    assert_eq!(second, first);
    assert_eq!((desk.all_of(id).await, desk.changed()), (before, vec![]));
}

pub(crate) async fn messages_that_were_taken_back_are_listed_by_that(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let ids = desk.admit_many(account, 6).await;
    let listed = async |status| {
        let filter = MessageFilter { status: Some(status), ..MessageFilter::default() };
        let page = desk.store.messages(Some(live(account)), filter, None, 10).await.unwrap();
        page.messages.iter().map(|record| record.message.id).collect::<Vec<_>>()
    };
    cancel(&desk, ids[1], 1).await;
    desk.list_all(after(120)).await;
    cancel(&desk, ids[4], 2).await;
    assert_eq!(listed(Status::Canceled).await, [ids[4], ids[1]]);
    assert_eq!(listed(Status::Queued).await, [ids[5], ids[3], ids[2], ids[0]]);
    assert_eq!(listed(Status::Failed).await, []);
}

pub(crate) async fn a_recipient_whose_message_is_taken_back_is_skipped(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let broadcast = accepted(&desk, desk.account(), 2).await;
    let made = expand(&desk, &broadcast, 2).await;
    let counts = async || desk.store.broadcast(None, broadcast.id).await.unwrap().unwrap();
    assert_eq!(cancel(&desk, made[0], 1).await, Status::Canceled);
    let record = counts().await;
    assert_eq!((record.status, record.counts.skipped, record.counts.queued), (BroadcastStatus::Sending, 1, 1));
    assert_eq!(cancel(&desk, made[1], 2).await, Status::Canceled);
    let record = counts().await;
    assert_eq!((record.status, record.counts.skipped, record.counts.queued), (BroadcastStatus::Failed, 2, 0));
    assert_eq!(record.counts.failed, 0, "nobody took them, and nobody refused them");
}

pub(crate) async fn of_a_cancellation_and_an_attempt_one_happens(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    race(&desk, &desk.store).await;
}

/// Has messages attempted at the desk and taken back at another node, or the same one, at the same time.
pub(crate) async fn race(desk: &Desk, elsewhere: &Arc<dyn Store>) {
    let account = desk.account();
    let (mut attempts, mut tasks) = (Vec::new(), JoinSet::new());
    for _ in 0..60 {
        let (message, token) = (desk.message(account), desk.token());
        let lease = Some(Lease { token, until: after(LEASE_SECS) });
        desk.try_admit(under(lease, admission(message.clone()))).await;
        attempts.push(desk.attempt(message.id, token).await);
    }
    for attempt in attempts.clone() {
        let (here, there) = (Arc::clone(&desk.store), Arc::clone(elsewhere));
        tasks.spawn(async move {
            let id = attempt.id;
            let begin = async { here.begin_attempts(vec![attempt], Moment::of(after(1))).await.unwrap()[0] };
            let cancel = async { there.cancel_message(None, id, after(1)).await.unwrap().unwrap().delivery.status };
            let (begun, status) = tokio::join!(begin, cancel);
            assert_eq!(begun.is_none(), status == Status::Canceled, "{begun:?} and {status:?}");
        });
    }
    tasks.join_all().await;
    for attempt in attempts {
        let has_begun = desk.kinds(attempt.id).await.contains(&EventKind::Attempt);
        assert_eq!(has_begun, desk.status(attempt.id).await == Status::Queued);
    }
}
