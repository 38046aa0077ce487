//! What follows from a message: opt-outs, the end of what waits, and automatic messages within their bounds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::event::EventKind;
use model::message::Message;
use model::{KeywordKind, Moment, OptOutScope, Originator, Status};
use store::contract::admission::Admitted;
use store::contract::changes::Resource;
use store::contract::dispatch::{Lease, Outcome, Verdict};
use store::contract::inbound::{Arrival, Followed, InboundOutcome, ReplyBound, Suppressed};
use store::contract::optouts::OptOutFilter;

use crate::broadcasts::{accepted, expand};
use crate::office::{Counter, OTHER, OURS, Office, REPLY, address, arrival, at, handset, message, test_of, wide};
use crate::parts::heard_at_once;
use crate::support::{Backend, Desk, LEASE_SECS, NORTH, NOW, admission, after, ids, live, retry, under};

/// A message of the counter's account to [`HANDSET`].
fn to_handset(counter: &Counter) -> Message {
    Message { recipient: handset(), ..counter.desk.message(counter.owner.account) }
}

/// What followed from a whole message that was answered in time.
async fn followed(counter: &Counter, arrival: Arrival) -> Followed {
    message(counter.answer(arrival).await).1
}

const WRITTEN: Followed = Followed { opt_changed: false, canceled: 0, replied: None, suppressed: None };

fn written() -> Followed {
    Followed { replied: Some(NORTH.into()), ..WRITTEN }
}

fn suppressed(why: Suppressed) -> Followed {
    Followed { suppressed: Some(why), ..WRITTEN }
}

pub(crate) async fn a_stop_is_one_change_with_all_that_follows_from_it(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let waiting = counter.desk.admit(to_handset(&counter)).await;
    counter.noted();
    let (stop, followed) = message(counter.answer(arrival("STOP", after(5))).await);
    assert_eq!(followed, Followed { opt_changed: true, canceled: 1, replied: Some(NORTH.into()), suppressed: None });
    let noted: Vec<_> = counter.noted().into_iter().map(|change| change.resource).collect();
    assert_eq!(noted[0], Resource::Inbound { id: stop.id, is_partial: false });
    let Resource::OptedOut(opt_out) = &noted[1] else { panic!("{noted:?}") };
    assert_eq!((opt_out.name, opt_out.message), (wide(counter.owner), Some(stop.id)));
    let told = |at: usize| match &noted[at] {
        Resource::Message { id, delivery, .. } => (*id, delivery.status),
        other => panic!("{other:?}"),
    };
    assert_eq!((told(2), noted.len()), ((waiting, Status::Failed), 4));
    let (reply, status) = told(3);
    let record = counter.desk.store.message(counter.owner, reply).await.unwrap().unwrap();
    assert_eq!((status, record.message.automatic), (Status::Queued, Some(KeywordKind::Stop)));
    // It fails as the message of a blocked recipient does, and nobody's lease brings it back.
    let delivery = counter.desk.delivery(waiting).await;
    assert_eq!((delivery.error_type, delivery.error_message.as_deref()), (None, Some("The recipient has opted out")));
    assert_eq!(counter.desk.kinds(waiting).await, [EventKind::Accepted, EventKind::Ended]);
    // The reply is due now, and nobody's.
    let leased = counter.desk.lease(counter.desk.token(), after(5)).await;
    assert_eq!((ids(&leased), leased[0].message.body.as_deref()), (vec![reply], Some(REPLY)));
}

pub(crate) async fn a_stop_ends_what_waits_for_its_handset_and_nothing_else(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    for listed in [false, true] {
        let counter = Counter::at(desk);
        ends_what_waits(&counter, listed).await;
        desk = counter.desk;
    }
}

async fn ends_what_waits(counter: &Counter, listed: bool) {
    let desk = &counter.desk;
    let admit = |message: Message| desk.admit(message);
    let token = desk.token();
    let lease = Some(Lease { token, until: after(LEASE_SECS) });
    let due = admit(to_handset(counter)).await;
    let leased = to_handset(counter);
    assert_eq!(desk.try_admit(under(lease, admission(leased.clone()))).await, Admitted::New);
    let of_others = [
        admit(Message { recipient: testkit::number(OTHER), ..to_handset(counter) }).await,
        admit(Message { account: desk.account(), ..to_handset(counter) }).await,
        admit(Message { mode: test_of(counter.owner).mode, ..to_handset(counter) }).await,
    ];
    let under_way = desk.attempted(to_handset(counter)).await;
    let held = Outcome { verdict: Verdict::Hold, ..desk.attempted(to_handset(counter)).await };
    desk.record(&held).await;
    let sent = desk.sent(to_handset(counter), [&format!("key-{listed}")]).await;
    let help = message(counter.answer(arrival("HELP", NOW)).await).1;
    assert_eq!(help, written());
    if listed {
        desk.list_all(after(60)).await;
    }
    let stopped = followed(counter, arrival("STOP", after(1))).await;
    assert_eq!((stopped.opt_changed, stopped.canceled), (true, 2));
    for id in [due, leased.id] {
        assert_eq!(desk.status(id).await, Status::Failed);
    }
    assert_eq!(desk.begin(leased.id, token, after(1)).await, None, "its lease is over");
    for id in of_others.into_iter().chain([under_way.id, held.id]) {
        assert_eq!(desk.status(id).await, Status::Queued);
    }
    assert_eq!(desk.status(sent).await, Status::Sent);
    assert_eq!(counter.replies().await, [KeywordKind::Help, KeywordKind::Stop], "and no automatic message");
    // The attempt under way is not repeated.
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(2))), ..under_way.clone() }).await;
    let delivery = desk.delivery(under_way.id).await;
    assert_eq!(
        (delivery.status, delivery.error_message.as_deref()),
        (Status::Failed, Some("The recipient has opted out"))
    );
}

pub(crate) async fn a_stop_of_a_number_ends_what_waits_from_that_number(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let counter = Counter::with(desk, Office { scope: OptOutScope::Number, ..Office::of(owner) });
    let ours = counter.desk.admit(to_handset(&counter)).await;
    let other: Originator = Originator::parse("72345").unwrap();
    let others = counter.desk.admit(Message { originator: other, ..to_handset(&counter) }).await;
    assert_eq!(followed(&counter, arrival("STOP", NOW)).await.canceled, 1);
    assert_eq!((counter.desk.status(ours).await, counter.desk.status(others).await), (Status::Failed, Status::Queued));
    let retried = Outcome {
        verdict: Verdict::Retry(retry(after(2))),
        ..counter.desk.attempted(Message { originator: other, ..to_handset(&counter) }).await
    };
    counter.desk.record(&retried).await;
    assert_eq!(counter.desk.status(retried.id).await, Status::Queued);
}

pub(crate) async fn a_broadcast_counts_who_opted_out_as_skipped(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let broadcast = accepted(&desk, owner.account, 3).await;
    let made = expand(&desk, &broadcast, 3).await;
    let counter = Counter::with(desk, Office::of(owner));
    let from = address(&testkit::recipient(1).to_string());
    assert_eq!(followed(&counter, Arrival { from, ..arrival("STOP", NOW) }).await.canceled, 1);
    assert_eq!(counter.desk.status(made[1]).await, Status::Failed);
    let record = counter.desk.store.broadcast(Some(owner), broadcast.id).await.unwrap().unwrap();
    assert_eq!((record.counts.queued, record.counts.skipped, record.counts.failed), (2, 1, 0));
}

pub(crate) async fn however_many_wait_for_a_handset_all_of_them_end(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let mut waiting = Vec::new();
    for number in 0..250 {
        waiting.push(counter.desk.admit(to_handset(&counter)).await);
        if number == 120 {
            counter.desk.list_all(after(60)).await;
        }
    }
    assert_eq!(followed(&counter, arrival("STOP", NOW)).await.canceled, 250);
    for id in waiting {
        assert_eq!(counter.desk.status(id).await, Status::Failed);
    }
}

pub(crate) async fn a_thousand_stops_get_one_answer(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let first = followed(&counter, arrival("STOP", NOW)).await;
    assert_eq!(first, Followed { opt_changed: true, ..written() });
    for secs in 1..1_000 {
        assert_eq!(followed(&counter, arrival("STOP", at(secs * 30))).await, suppressed(Suppressed::NoChange));
    }
    assert_eq!(counter.replies().await, [KeywordKind::Stop]);
    let history = counter.desk.store.opt_out_history(counter.owner, handset(), None, 10).await.unwrap();
    assert_eq!(history.changes.len(), 1);
}

pub(crate) async fn of_keywords_that_come_at_once_one_is_answered(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let carriers = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for (text, kind, others) in
        [("STOP", KeywordKind::Stop, Suppressed::NoChange), ("HELP", KeywordKind::Help, Suppressed::TooSoon)]
    {
        let waiting = counter.desk.admit(to_handset(&counter)).await;
        let arrivals = carriers.map(|carrier| Arrival { carrier: carrier.into(), ..arrival(text, NOW) });
        let outcomes = heard_at_once(&counter, arrivals.to_vec()).await;
        let followed: Vec<Followed> = outcomes.into_iter().map(|outcome| message(outcome).1).collect();
        assert_eq!(followed.iter().filter(|one| one.replied.is_some()).count(), 1, "{followed:?}");
        assert_eq!(followed.iter().filter(|one| **one == suppressed(others)).count(), 7, "{followed:?}");
        let canceled: u64 = followed.iter().map(|one| one.canceled).sum();
        assert_eq!(canceled, u64::from(kind == KeywordKind::Stop));
        let ended = if kind == KeywordKind::Stop { Status::Failed } else { Status::Queued };
        assert_eq!(counter.desk.status(waiting).await, ended);
    }
    assert_eq!(counter.replies().await, [KeywordKind::Stop, KeywordKind::Help]);
}

pub(crate) async fn a_stop_that_changes_nothing_may_be_confirmed_once_in_a_while(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let day = Duration::from_secs(86_400);
    let counter = Counter::with(desk, Office { stop: ReplyBound::OnChangeOrAfter(day), ..Office::of(owner) });
    assert!(followed(&counter, arrival("STOP", at(0))).await.opt_changed);
    assert_eq!(followed(&counter, arrival("STOP", at(86_399))).await, suppressed(Suppressed::TooSoon));
    assert_eq!(followed(&counter, arrival("STOP", at(86_400))).await, written());
}

pub(crate) async fn help_is_answered_once_an_hour_for_each_handset_and_number(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    assert_eq!(followed(&counter, arrival("HELP", at(0))).await, written());
    assert_eq!(followed(&counter, arrival("HELP", at(3_599))).await, suppressed(Suppressed::TooSoon));
    let other = Arrival { from: address(OTHER), ..arrival("HELP", at(1)) };
    assert_eq!(followed(&counter, other).await, written());
    let other = Arrival { to: address("72345"), ..arrival("HELP", at(1)) };
    assert_eq!(followed(&counter, other).await, written());
    assert_eq!(followed(&counter, arrival("HELP", at(3_600))).await, written());
    // HELP is answered although the handset has opted out.
    followed(&counter, arrival("STOP", at(3_601))).await;
    assert_eq!(followed(&counter, arrival("HELP", at(7_200))).await, written());
}

pub(crate) async fn no_more_than_three_automatic_messages_are_written_in_an_hour(fresh: impl Backend) {
    let mut counter = Counter::at(Desk::open(&fresh).await);
    // The second STOP ends the confirmation of the START.
    for (secs, text, canceled) in [(0, "STOP", 0), (10, "START", 0), (20, "STOP", 1)] {
        let expected = Followed { opt_changed: true, canceled, ..written() };
        assert_eq!(followed(&counter, arrival(text, at(secs))).await, expected);
    }
    let mut desk = counter.desk;
    desk.reopen(&fresh).await;
    counter = Counter::with(desk, Office::of(counter.owner));
    let none = suppressed(Suppressed::TooMany);
    assert_eq!(followed(&counter, arrival("START", at(30))).await, Followed { opt_changed: true, ..none.clone() });
    assert_eq!(followed(&counter, arrival("HELP", at(3_599))).await, none);
    assert_eq!(followed(&counter, arrival("HELP", at(3_600))).await, written());
    assert_eq!(counter.replies().await.len(), 4);
}

pub(crate) async fn a_text_that_the_handset_sends_back_is_not_answered(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    for listed in [false, true] {
        let counter = Counter::at(desk);
        let sent = Message { body: Some("HELP".into()), ..to_handset(&counter) };
        counter.desk.sent(sent, [&format!("echo-{listed}")]).await;
        if listed {
            counter.desk.list_all(after(60)).await;
        }
        assert_eq!(followed(&counter, arrival("HELP", at(3_599))).await, suppressed(Suppressed::Echo));
        let other = Arrival { from: address(OTHER), ..arrival("HELP", at(3_599)) };
        assert_eq!(followed(&counter, other).await, written());
        assert_eq!(followed(&counter, arrival("HELP", at(3_601))).await, written());
        desk = counter.desk;
    }
}

pub(crate) async fn a_start_ends_the_opt_outs_in_its_scope(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let mut counter = Counter::with(desk, Office { scope: OptOutScope::Number, ..Office::of(owner) });
    let to = |text, ours| Arrival { to: address(ours), ..arrival(text, NOW) };
    for ours in [OURS, "72345"] {
        followed(&counter, to("STOP", ours)).await;
    }
    assert!(followed(&counter, to("START", "72345")).await.opt_changed);
    let names = |counter: &Counter| {
        let (store, owner) = (Arc::clone(&counter.desk.store), counter.owner);
        async move {
            let page = store.opt_outs(owner, OptOutFilter::default(), None, 10).await.unwrap();
            page.opt_outs.into_iter().map(|opt_out| opt_out.name.from.map(|from| from.to_string())).collect::<Vec<_>>()
        }
    };
    assert_eq!(names(&counter).await, [Some(OURS.to_owned())]);
    assert_eq!(followed(&counter, to("START", "72345")).await, suppressed(Suppressed::NoChange));
    counter = Counter::with(counter.desk, Office::of(owner));
    followed(&counter, to("STOP", OURS)).await;
    assert_eq!(names(&counter).await.len(), 2);
    counter.noted();
    let (start, followed) = message(counter.answer(Arrival { at: at(9), ..to("START", "72345") }).await);
    assert!(followed.opt_changed);
    assert_eq!(names(&counter).await, [] as [Option<String>; 0]);
    let ended = counter.noted().into_iter().filter_map(|change| match change.resource {
        Resource::OptedIn(opt_out) => Some((opt_out.message, opt_out.created_at)),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), [(Some(start.id), at(9)); 2]);
}

pub(crate) async fn a_stop_that_seems_to_come_again_counts_once_the_handset_opted_in(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let hear = async |text: &'static str, secs| counter.hear(arrival(text, after(secs))).await.outcome;
    assert!(message(hear("STOP", 0).await).1.opt_changed);
    assert_eq!(hear("STOP", 1).await, InboundOutcome::Repeated);
    assert!(message(hear("START", 2).await).1.opt_changed);
    assert!(message(hear("STOP", 3).await).1.opt_changed);
    assert_eq!(hear("STOP", 4).await, InboundOutcome::Repeated);
    assert_eq!(hear("START", 5).await, InboundOutcome::Repeated, "one that comes again ends no opt-out");
}

pub(crate) async fn a_confirmation_of_a_start_does_not_follow_a_stop(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    followed(&counter, arrival("STOP", at(0))).await;
    followed(&counter, arrival("START", at(1))).await;
    assert_eq!(followed(&counter, arrival("STOP", at(2))).await.canceled, 1);
    let page = counter.desk.store.messages(Some(counter.owner), Default::default(), None, 10).await.unwrap();
    let statuses: Vec<_> = page.messages.iter().rev().map(|one| (one.message.automatic, one.delivery.status)).collect();
    let (stop, start) = (Some(KeywordKind::Stop), Some(KeywordKind::Start));
    assert_eq!(statuses, [(stop, Status::Queued), (start, Status::Failed), (stop, Status::Queued)]);
}

pub(crate) async fn a_stop_to_a_number_of_no_account_counts_for_its_former_owner(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let waiting = counter.desk.admit(to_handset(&counter)).await;
    counter.office.is_routed.store(false, Ordering::Relaxed);
    let InboundOutcome::Unrouted(followed) = counter.answer(arrival("STOP", NOW)).await else {
        panic!("it is unrouted")
    };
    assert_eq!((followed.opt_changed, followed.canceled), (true, 1));
    assert_eq!(counter.desk.status(waiting).await, Status::Failed);
    assert_eq!(counter.texts().await, [] as [String; 0], "the former owner does not see it");
    let opt_outs = counter.desk.store.opt_outs(counter.owner, OptOutFilter::default(), None, 9).await.unwrap().opt_outs;
    assert_eq!(opt_outs[0].name, wide(counter.owner));
}

pub(crate) async fn the_test_world_has_its_own_opt_outs_and_bounds(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let mut counter = Counter::with(desk, Office::of(test_of(owner)));
    let waiting = Message { account: owner.account, recipient: handset(), ..counter.desk.message(owner.account) };
    let waiting = counter.desk.admit(waiting).await;
    assert_eq!(followed(&counter, arrival("STOP", NOW)).await, Followed { opt_changed: true, ..written() });
    assert_eq!(counter.desk.status(waiting).await, Status::Queued);
    counter = Counter::with(counter.desk, Office::of(owner));
    assert_eq!(
        followed(&counter, arrival("STOP", at(1))).await,
        Followed { opt_changed: true, canceled: 1, ..written() }
    );
}

pub(crate) async fn validity_ends_an_automatic_message_as_any_other(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    followed(&counter, arrival("STOP", NOW)).await;
    let expired = counter.desk.expire(Moment::of(NOW + testkit::VALID), 10).await;
    assert_eq!(expired.into_iter().map(|one| one.delivery.status).collect::<Vec<_>>(), [Status::Undelivered]);
}
