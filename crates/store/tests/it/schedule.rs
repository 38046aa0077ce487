//! Messages that leave later: nothing touches them before their time, and any node launches them then, once.

use std::sync::Arc;
use std::time::Duration;

use model::event::EventKind;
use model::{
    Assignment, ErrorType, Message, MessageId, Moment, Screened, ScreeningId, ScreeningOutcome, ScreeningRecord,
    Status, Timestamp,
};
use store::Store;
use store::contract::admission::{Admission, Admitted};
use store::contract::dispatch::QueueDepth;
use store::contract::holds::Waiting;
use store::contract::messages::MessageFilter;
use store::contract::nodes::Epoch;
use store::contract::schedule::{Launch, LaunchDecision, Launched};
use store::contract::screening::ScreeningFilter;
use tokio::task::JoinSet;

use crate::erase::{erase, person};
use crate::screening::blocked;
use crate::support::{Backend, Desk, NODE, NORTH, RETRY_WITHIN, SOUTH, admission, after, ids, live};

/// When the messages of these tests leave.
const LEAVES: u64 = 3_600;

/// A message that is to leave so many seconds after [`NOW`].
fn scheduled(desk: &Desk, secs: u64) -> Message {
    let message = desk.message(desk.account());
    Message { send_at: Some(after(secs)), expires_at: after(secs) + Duration::from_secs(86_400), ..message }
}

/// The scheduled messages whose time has come.
async fn due(desk: &Desk, now: Timestamp) -> Vec<MessageId> {
    let due = desk.store.scheduled_until(now, None, 10).await.unwrap();
    due.iter().map(|due| due.id).collect()
}

/// Launches a message. Returns how many were launched.
async fn launch(desk: &Desk, id: MessageId, decision: LaunchDecision, now: Timestamp) -> usize {
    desk.store.launch(NODE, vec![Launch { id, decision, found: None }], Moment::of(now)).await.unwrap().len()
}

/// Launches a message in whose text the screen found something.
async fn launch_screened(desk: &Desk, found: ScreeningRecord, decision: LaunchDecision) -> Vec<Launched> {
    let Some(Screened::Message(id)) = found.about else { panic!("it is about a message") };
    let launch = Launch { id, decision, found: Some(found) };
    desk.store.launch(NODE, vec![launch], Moment::of(after(LEAVES))).await.unwrap()
}

/// What the screen finds in the text of a message at its time to leave.
fn found(message: &Message, seed: u64) -> ScreeningRecord {
    ScreeningRecord { about: Some(Screened::Message(message.id)), ..blocked(message.account, after(LEAVES), seed) }
}

/// The log of the screen.
async fn log(desk: &Desk) -> Vec<ScreeningRecord> {
    desk.store.screening_log(ScreeningFilter::default(), None, 10).await.unwrap()
}

fn queued(carrier: &str) -> LaunchDecision {
    LaunchDecision::Queue(Assignment::Carrier(carrier.into()))
}

pub(crate) async fn a_scheduled_message_waits_for_its_time_and_is_queued_then(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let message = scheduled(&desk, LEAVES);
    let id = desk.admit(message.clone()).await;
    let record = desk.store.message_of_any_account(id).await.unwrap().unwrap();
    assert_eq!((&*record.message, record.delivery.status), (&message, Status::Scheduled));
    desk.reopen(&fresh).await;
    desk.store.recover(NODE, after(LEAVES), RETRY_WITHIN).await.unwrap();
    // Neither a dispatcher nor the end of a validity finds it.
    assert_eq!(desk.lease(desk.token(), after(2 * LEAVES)).await, []);
    assert_eq!(desk.expire(Moment::of(after(10 * 86_400)), 10).await, []);
    assert!(desk.store.queue_depths().await.unwrap().is_empty());
    assert_eq!((due(&desk, after(LEAVES - 1)).await, due(&desk, after(LEAVES)).await), (vec![], vec![id]));
    let now = after(LEAVES + 1);
    assert_eq!(launch(&desk, id, queued(SOUTH), now).await, 1);
    let changes = desk.changed();
    assert_eq!(changes, [], "an acceptance is no news to those who follow statuses");
    let delivery = desk.delivery(id).await;
    assert_eq!((delivery.status, delivery.carrier.as_str(), delivery.queued_at), (Status::Queued, SOUTH, Some(now)));
    assert_eq!(desk.kinds(id).await, [EventKind::Accepted, EventKind::Queued]);
    assert_eq!(due(&desk, now).await, []);
    let depth = QueueDepth { carrier: SOUTH.into(), queued: 1, waits_since: Some(now) };
    assert_eq!(desk.store.queue_depths().await.unwrap(), [depth], "it has waited for its carrier since then");
    // It is due at once for its carrier, and not for the one that it was accepted for.
    assert_eq!(desk.lease(desk.token(), now).await, []);
    let request = crate::support::lease_request(desk.token(), now);
    let request = store::contract::dispatch::LeaseRequest { carrier: SOUTH.into(), ..request };
    let leased = desk.store.lease_due(request).await.unwrap();
    assert_eq!((ids(&leased), &*leased[0].message), (vec![id], &message));
}

pub(crate) async fn a_scheduled_message_that_may_not_leave_any_more_fails(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.admit(scheduled(&desk, LEAVES)).await;
    desk.changed();
    assert_eq!(launch(&desk, id, LaunchDecision::Refuse("no more"), after(LEAVES)).await, 1);
    let delivery = desk.delivery(id).await;
    assert_eq!((delivery.status, delivery.failed_at), (Status::Failed, Some(after(LEAVES))));
    assert_eq!((delivery.error_type, delivery.error_message.as_deref()), (None, Some("no more")));
    assert_eq!(desk.changed().len(), 1);
    assert_eq!(launch(&desk, id, queued(NORTH), after(LEAVES)).await, 0);
    assert_eq!((due(&desk, after(LEAVES)).await, desk.lease(desk.token(), after(LEAVES)).await), (vec![], vec![]));
}

pub(crate) async fn what_the_screen_finds_at_a_launch_is_recorded_with_it_once(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message = scheduled(&desk, LEAVES);
    let id = desk.admit(message.clone()).await;
    // Two nodes screen the text, each with a record of its own.
    let (first, second) = (found(&message, 1), found(&message, 2));
    let refused = LaunchDecision::Refuse("no more");
    let launched = launch_screened(&desk, first.clone(), refused.clone()).await;
    assert_eq!(launched, [Launched { id, has_recorded: true }]);
    assert_eq!(launch_screened(&desk, second, refused.clone()).await, []);
    assert_eq!(log(&desk).await, [first]);
    // The one that lost to a client records nothing either.
    let canceled = scheduled(&desk, LEAVES);
    desk.admit(canceled.clone()).await;
    desk.store.cancel_message(None, canceled.id, after(1)).await.unwrap().unwrap();
    assert_eq!(launch_screened(&desk, found(&canceled, 3), refused).await, []);
    assert_eq!(log(&desk).await.len(), 1);
}

pub(crate) async fn a_launch_records_only_what_the_acceptance_did_not(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let flagged =
        |message: &Message, seed| ScreeningRecord { outcome: ScreeningOutcome::Flagged, ..found(message, seed) };
    for (seed, categories, is_news) in [(1, ["phishing", "fraud"], false), (2, ["phishing", "alcohol"], true)] {
        let message = scheduled(&desk, LEAVES);
        let accepted = ScreeningRecord { id: ScreeningId::lowest_at(after(seed)), ..flagged(&message, seed) };
        let admission = Admission { flagged: Some(accepted), ..admission(message.clone()) };
        assert_eq!(desk.try_admit(admission).await, Admitted::New);
        let before = log(&desk).await.len();
        let now = ScreeningRecord { categories: categories.map(str::to_owned).to_vec(), ..flagged(&message, seed) };
        let launched = launch_screened(&desk, now, queued(NORTH)).await;
        assert_eq!(launched, [Launched { id: message.id, has_recorded: is_news }]);
        assert_eq!(log(&desk).await.len(), before + usize::from(is_news));
    }
}

pub(crate) async fn a_scheduled_message_can_be_taken_back(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.admit(scheduled(&desk, LEAVES)).await;
    let record = desk.store.cancel_message(None, id, after(1)).await.unwrap().unwrap();
    assert_eq!(record.delivery.status, Status::Canceled);
    assert_eq!(launch(&desk, id, queued(NORTH), after(LEAVES)).await, 0);
    assert_eq!((desk.status(id).await, due(&desk, after(LEAVES)).await), (Status::Canceled, vec![]));
    assert_eq!(desk.lease(desk.token(), after(LEAVES)).await, []);
}

pub(crate) async fn scheduled_messages_are_listed_and_come_the_longest_due_first(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let mut made = Vec::new();
    for (secs, at) in [(300, 1), (100, 2), (200, 3)] {
        let message = Message { send_at: Some(after(secs)), ..desk.message_at(account, after(at)) };
        made.push(desk.admit(message).await);
    }
    let other = desk.admit(desk.message_at(account, after(4))).await;
    let listed = async |status| {
        let filter = MessageFilter { status: Some(status), ..MessageFilter::default() };
        let page = desk.store.messages(Some(live(account)), filter, None, 10).await.unwrap();
        page.messages.iter().map(|record| record.message.id).collect::<Vec<_>>()
    };
    let wanted = vec![made[2], made[1], made[0]];
    assert_eq!((listed(Status::Scheduled).await, listed(Status::Queued).await), (wanted.clone(), vec![other]));
    desk.list_all(after(120)).await;
    assert_eq!((listed(Status::Scheduled).await, listed(Status::Queued).await), (wanted, vec![other]));
    assert_eq!(due(&desk, after(1_000)).await, [made[1], made[2], made[0]]);
    launch(&desk, made[1], queued(NORTH), after(1_000)).await;
    assert_eq!(listed(Status::Scheduled).await, [made[2], made[0]]);
    assert_eq!(listed(Status::Queued).await, [other, made[1]]);
}

pub(crate) async fn a_page_of_due_messages_begins_after_the_one_before(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let mut made = Vec::new();
    for secs in [100, 100, 100, 200, 200] {
        let message = scheduled(&desk, secs);
        made.push((after(secs), desk.admit(message.clone()).await, message));
    }
    made.sort_by_key(|(send_at, id, _)| (*send_at, *id));
    let (mut place, mut seen) = (None, Vec::new());
    loop {
        let page = desk.store.scheduled_until(after(200), place, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        place = Some((last.send_at, last.id));
        seen.extend(page.into_iter().map(|due| (due.send_at, due.id, Arc::unwrap_or_clone(due.message.unwrap()))));
    }
    assert_eq!(seen, made);
}

pub(crate) async fn scheduled_messages_of_a_restored_store_end_where_they_may_have_left(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (mut due, later) = (Vec::new(), desk.admit(scheduled(&desk, 2 * LEAVES)).await);
    for _ in 0..3 {
        due.push(desk.admit(scheduled(&desk, LEAVES)).await);
    }
    let at_once = desk.admit(desk.message(desk.account())).await;
    let wanted = Waiting { queued: 1, scheduled: 4, ..Waiting::default() };
    assert_eq!(desk.store.waiting_in_all(after(LEAVES - 1)).await, Ok(wanted));
    let wanted = Waiting { scheduled: 1, overdue: 3, ..wanted };
    assert_eq!(desk.store.waiting_in_all(after(LEAVES)).await, Ok(wanted));
    let node = desk.store.join("desk".to_owned(), "1".to_owned(), Moment::of(after(LEAVES))).await.unwrap();
    desk.store.recover(node, after(LEAVES), RETRY_WITHIN).await.unwrap();
    let mut ended = Vec::new();
    while ended.last() != Some(&0) {
        ended.push(desk.store.end_queued(node, Moment::of(after(LEAVES)), 2).await.unwrap());
    }
    assert_eq!(ended, [2, 2, 0]);
    for id in due.into_iter().chain([at_once]) {
        let delivery = desk.delivery(id).await;
        assert_eq!((delivery.status, delivery.error_type), (Status::Undelivered, Some(ErrorType::Unknown)));
    }
    assert_eq!(desk.status(later).await, Status::Scheduled, "its time is still to come");
    assert_eq!(desk.store.waiting_in_all(after(LEAVES)).await, Ok(Waiting { scheduled: 1, ..Waiting::default() }));
}

pub(crate) async fn a_scheduled_message_of_an_erased_person_never_leaves(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.admit(Message { recipient: person(), ..scheduled(&desk, LEAVES) }).await;
    let erasable = desk.store.erasable(person(), vec![id]).await.unwrap();
    assert_eq!((erasable.messages, erasable.canceled), (1, 1));
    let (erasure, _) = erase(&desk).await;
    assert_eq!((erasure.counts.messages, erasure.counts.canceled), (1, 1));
    let record = desk.store.message_of_any_account(id).await.unwrap().unwrap();
    assert_eq!((record.delivery.status, &record.message.body), (Status::Failed, &None));
    assert_eq!(launch(&desk, id, queued(NORTH), after(LEAVES)).await, 0);
    assert_eq!(due(&desk, after(LEAVES)).await, []);
}

pub(crate) async fn a_queue_is_as_old_as_the_longest_wait_in_it(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let since = async || {
        let depths = desk.store.queue_depths().await.unwrap();
        depths.iter().map(|depth| (depth.queued, depth.waits_since)).collect::<Vec<_>>()
    };
    let first = desk.admit(scheduled(&desk, LEAVES)).await;
    let second = desk.admit(scheduled(&desk, LEAVES + 10)).await;
    launch(&desk, second, queued(NORTH), after(LEAVES + 10)).await;
    assert_eq!(since().await, [(1, Some(after(LEAVES + 10)))]);
    // It was accepted later than both, and waits longer.
    desk.admit(desk.message_at(account, after(LEAVES + 5))).await;
    assert_eq!(since().await, [(2, Some(after(LEAVES + 5)))]);
    launch(&desk, first, queued(NORTH), after(LEAVES)).await;
    assert_eq!(since().await, [(3, Some(after(LEAVES)))]);
    desk.store.cancel_message(None, first, after(LEAVES + 20)).await.unwrap().unwrap();
    assert_eq!(since().await, [(2, Some(after(LEAVES + 5)))]);
}

pub(crate) async fn an_erasure_removes_what_the_screen_found_at_a_launch(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message = Message { recipient: person(), ..scheduled(&desk, LEAVES) };
    let id = desk.admit(message.clone()).await;
    launch_screened(&desk, found(&message, 1), LaunchDecision::Refuse("no more")).await;
    assert_eq!(desk.store.erasable(person(), vec![id]).await.unwrap().screenings, 1);
    let (erasure, _) = erase(&desk).await;
    assert_eq!((erasure.counts.screenings, log(&desk).await), (1, vec![]));
}

/// Two messages that are scheduled for the same time.
pub(crate) async fn two_scheduled(desk: &Desk) -> [MessageId; 2] {
    [desk.admit(scheduled(desk, LEAVES)).await, desk.admit(scheduled(desk, LEAVES)).await]
}

/// Of these due messages the first one cannot be read.
pub(crate) async fn one_cannot_be_read(desk: &Desk, broken: MessageId, other: MessageId) {
    let due = desk.store.scheduled_until(after(LEAVES), None, 10).await.unwrap();
    let mut seen: Vec<_> = due.iter().map(|due| (due.id, due.send_at, due.message.is_some())).collect();
    seen.sort_by_key(|(_, _, is_read)| *is_read);
    assert_eq!(seen, [(broken, after(LEAVES), false), (other, after(LEAVES), true)]);
}

/// Has two nodes launch the same messages at once.
pub(crate) async fn race(desk: &Desk, nodes: &[(Arc<dyn Store>, Epoch)]) {
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(desk.admit(scheduled(desk, LEAVES)).await);
    }
    let mut tasks = JoinSet::new();
    for (store, node) in nodes.iter().cloned() {
        let launches: Vec<_> = all.iter().map(|id| Launch { id: *id, decision: queued(NORTH), found: None }).collect();
        tasks.spawn(async move { store.launch(node, launches, Moment::of(after(LEAVES))).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.iter().map(Vec::len).sum::<usize>(), 20, "each is launched once");
    for id in &all {
        assert_eq!(desk.kinds(*id).await, [EventKind::Accepted, EventKind::Queued]);
    }
    let mut leased = ids(&desk.lease(desk.token(), after(LEAVES)).await);
    leased.sort_unstable();
    all.sort_unstable();
    assert_eq!(leased, all);
}

pub(crate) async fn a_scheduled_message_is_launched_once(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let node = (Arc::clone(&desk.store), NODE);
    race(&desk, &[node.clone(), node]).await;
}
