//! Opt-outs: the list, its history, and the ways in which it changes beside inbound messages.

use std::sync::{Arc, Mutex};

use model::event::EventKind;
use model::message::Message;
use model::{
    AccountId, BroadcastCounts, KeywordKind, MessageId, Moment, Msisdn, OptOut, OptOutName, OptOutSource, Originator,
    Owner, Status,
};
use store::contract::admission::Admitted;
use store::contract::changes::Resource;
use store::contract::dispatch::{Lease, Outcome, Verdict};
use store::contract::optouts::{OptIn, OptOutFilter, OptedIn};

use crate::broadcasts::{accepted, expand};
use crate::office::{Counter, OTHER, OURS, Office, arrival, at, handset, message, test_of, wide};
use crate::support::{Backend, Desk, LEASE_SECS, NOW, StatusChange, admission, after, ids, live, retry, under};

fn opt_out(name: OptOutName, secs: u64) -> OptOut {
    OptOut {
        name,
        source: OptOutSource::Api,
        keyword: None,
        message: None,
        reason: Some("asked by mail".into()),
        created_at: at(secs),
    }
}

fn opt_in(name: OptOutName, reason: Option<&str>) -> OptIn {
    OptIn { name, source: OptOutSource::Operator, reason: reason.map(Arc::from), at: at(60) }
}

fn of(owner: Owner, number: u32) -> OptOutName {
    OptOutName { owner, number: testkit::recipient(number), from: None }
}

async fn all(desk: &Desk) -> Vec<OptOut> {
    let found: Arc<Mutex<Vec<OptOut>>> = Arc::default();
    let into = Arc::clone(&found);
    desk.store.all_opt_outs(Box::new(move |batch| into.lock().unwrap().extend(batch))).await.unwrap();
    Arc::try_unwrap(found).unwrap().into_inner().unwrap()
}

async fn listed(desk: &Desk, owner: Owner, filter: OptOutFilter, limit: usize) -> Vec<OptOut> {
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = desk.store.opt_outs(owner, filter.clone(), after, limit).await.unwrap();
        assert!(page.opt_outs.len() <= limit);
        listed.extend(page.opt_outs);
        after = page.next;
        if after.is_none() {
            return listed;
        }
    }
}

pub(crate) async fn an_opt_out_is_made_once_and_a_repeat_changes_nothing(fresh: impl Backend) {
    let mut counter = Counter::at(Desk::open(&fresh).await);
    let from = Originator::parse(OURS).unwrap();
    let (first, narrow) = (opt_out(wide(counter.owner), 0), opt_out(wide(counter.owner), 0));
    let narrow = OptOut { name: OptOutName { from: Some(from), ..narrow.name }, reason: None, ..narrow };
    let both = vec![first.clone(), narrow.clone(), first.clone()];
    assert_eq!(counter.desk.store.opt_out(both).await.unwrap(), [true, true, false]);
    let again = OptOut { created_at: at(9), reason: None, source: OptOutSource::Import, ..first.clone() };
    assert_eq!(counter.desk.store.opt_out(vec![again]).await.unwrap(), [false]);
    let noted: Vec<_> = counter.noted().into_iter().map(|change| (change.owner, change.resource)).collect();
    let owner = Some(counter.owner);
    let expected = [(owner, Resource::OptedOut(first.clone())), (owner, Resource::OptedOut(narrow.clone()))];
    assert_eq!(noted, expected);
    let mut desk = counter.desk;
    desk.reopen(&fresh).await;
    counter = Counter::with(desk, Office::of(counter.owner));
    assert_eq!(all(&counter.desk).await, [first.clone(), narrow.clone()]);
    assert_eq!(listed(&counter.desk, counter.owner, OptOutFilter::default(), 10).await, [narrow, first]);
    let history = counter.desk.store.opt_out_history(counter.owner, handset(), None, 10).await.unwrap();
    assert_eq!(history.changes.len(), 2);
}

pub(crate) async fn opt_outs_belong_to_one_account_and_one_mode(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let owners = [owner, test_of(owner), live(desk.account())];
    for owner in owners {
        assert_eq!(desk.store.opt_out(vec![opt_out(wide(owner), 0)]).await.unwrap(), [true]);
    }
    assert_eq!(desk.store.opt_in(opt_in(wide(owners[1]), None)).await.unwrap(), OptedIn::Changed);
    for (owner, count) in owners.into_iter().zip([1, 0, 1]) {
        assert_eq!(listed(&desk, owner, OptOutFilter::default(), 10).await.len(), count);
    }
}

pub(crate) async fn an_opt_out_by_keyword_ends_with_a_reason_or_a_keyword(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let (store, name) = (&counter.desk.store, wide(counter.owner));
    assert_eq!(store.opt_in(opt_in(name, Some("why"))).await.unwrap(), OptedIn::Unchanged);
    message(counter.answer(arrival("STOP", NOW)).await);
    for reason in [None, Some(""), Some(" \t")] {
        assert_eq!(store.opt_in(opt_in(name, reason)).await.unwrap(), OptedIn::ReasonRequired);
    }
    assert_eq!(all(&counter.desk).await.len(), 1);
    counter.noted();
    assert_eq!(store.opt_in(opt_in(name, Some("called us"))).await.unwrap(), OptedIn::Changed);
    let ended = counter.noted().remove(0).resource;
    let wanted = OptOut {
        name,
        source: OptOutSource::Operator,
        keyword: None,
        message: None,
        reason: Some("called us".into()),
        created_at: at(60),
    };
    assert_eq!(ended, Resource::OptedIn(wanted));
    assert_eq!(all(&counter.desk).await, []);
    message(counter.answer(arrival("STOP", at(70))).await);
    message(counter.answer(arrival("START", at(80))).await);
    assert_eq!(all(&counter.desk).await, []);
}

pub(crate) async fn a_handset_that_says_stop_makes_an_opt_out_its_own(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let (store, name) = (&counter.desk.store, wide(counter.owner));
    store.opt_out(vec![opt_out(name, 0)]).await.unwrap();
    counter.noted();
    let (stop, followed) = message(counter.answer(arrival("STOP", at(9))).await);
    assert!(!followed.opt_changed);
    let theirs = all(&counter.desk).await.remove(0);
    assert_eq!((theirs.source, theirs.message), (OptOutSource::Keyword, Some(stop.id)));
    assert!(counter.noted().iter().any(|change| change.resource == Resource::OptedOut(theirs.clone())));
    assert_eq!(store.opt_in(opt_in(name, None)).await.unwrap(), OptedIn::ReasonRequired);
    assert_eq!(store.opt_out(vec![opt_out(name, 10)]).await.unwrap(), [false], "and it stays its own");
    assert_eq!(all(&counter.desk).await, [theirs]);
}

pub(crate) async fn the_history_has_every_change_oldest_first(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let (store, name) = (&counter.desk.store, wide(counter.owner));
    message(counter.answer(arrival("STOP", at(0))).await);
    message(counter.answer(arrival("START", at(10))).await);
    store.opt_out(vec![opt_out(name, 20)]).await.unwrap();
    store.opt_in(opt_in(name, None)).await.unwrap();
    store.opt_out(vec![opt_out(of(counter.owner, 1), 20)]).await.unwrap();
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let page = store.opt_out_history(counter.owner, handset(), after, 3).await.unwrap();
        lines.extend(page.changes);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let line = |line: &model::OptOutChange| (line.is_out, line.opt_out.source, line.opt_out.created_at);
    use OptOutSource::{Api, Keyword, Operator};
    let wanted = [(true, Keyword, at(0)), (false, Keyword, at(10)), (true, Api, at(20)), (false, Operator, at(60))];
    assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), wanted);
    assert_eq!(lines[1].opt_out.keyword.as_deref(), Some("START"));
    assert!(lines.iter().all(|line| line.opt_out.name == name));
    let stranger = live(counter.desk.account());
    assert_eq!(store.opt_out_history(stranger, handset(), None, 9).await.unwrap().changes, []);
}

pub(crate) async fn lists_of_opt_outs_show_what_is_asked_for(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let names: Vec<OptOutName> = (0..10).map(|number| of(owner, number)).collect();
    for (secs, name) in names.iter().enumerate() {
        desk.store.opt_out(vec![opt_out(*name, secs as u64)]).await.unwrap();
    }
    desk.store.opt_in(opt_in(names[4], None)).await.unwrap();
    let shown = |filter, limit| {
        let desk = &desk;
        async move {
            let listed = listed(desk, owner, filter, limit).await;
            listed.into_iter().map(|one| one.created_at.as_millis() as u64 / 1_000 % 100).collect::<Vec<_>>()
        }
    };
    let base = NOW.as_millis() as u64 / 1_000 % 100;
    let secs = |wanted: &[u64]| wanted.iter().map(|secs| (base + secs) % 100).collect::<Vec<_>>();
    for limit in [1, 3, 9, 10] {
        assert_eq!(shown(OptOutFilter::default(), limit).await, secs(&[9, 8, 7, 6, 5, 3, 2, 1, 0]), "{limit}");
    }
    let filter = OptOutFilter { since: Some(at(2)), before: Some(at(7)), ..OptOutFilter::default() };
    assert_eq!(shown(filter, 2).await, secs(&[6, 5, 3, 2]));
    let filter = |number| OptOutFilter { number: Some(testkit::recipient(number)), ..OptOutFilter::default() };
    assert_eq!((shown(filter(3), 5).await, shown(filter(4), 5).await), (secs(&[3]), vec![]));
    let page = desk.store.opt_outs(owner, OptOutFilter::default(), None, 0).await.unwrap();
    assert_eq!((page.opt_outs, page.next), (vec![], None));
}

pub(crate) async fn all_opt_outs_come_in_batches(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let made: Vec<OptOut> = (0..4_500).map(|number| opt_out(of(owner, number), 0)).collect();
    for some in made.chunks(1_500) {
        assert!(desk.store.opt_out(some.to_vec()).await.unwrap().into_iter().all(|is_new| is_new));
    }
    let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
    let into = Arc::clone(&sizes);
    desk.store.all_opt_outs(Box::new(move |batch| into.lock().unwrap().push(batch.len()))).await.unwrap();
    assert_eq!(*sizes.lock().unwrap(), [2_000, 2_000, 500]);
    assert_eq!(all(&desk).await, made);
}

pub(crate) async fn what_waits_for_handsets_that_are_opted_out_ends(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    // A few are looked for one by one, many together.
    for (first, count) in [(0, 3), (100, 40)] {
        let mut waiting = Vec::new();
        for number in first..first + count {
            let message = |recipient: Msisdn| Message { recipient, ..desk.message(owner.account) };
            waiting.push(desk.admit(message(testkit::recipient(number))).await);
            if number == first + 1 {
                desk.list_all(at(60)).await;
            }
        }
        let other = desk.admit(Message { recipient: testkit::number(OTHER), ..desk.message(owner.account) }).await;
        let opt_outs = (first..first + count).map(|number| opt_out(of(owner, number), 0)).collect();
        assert!(desk.store.opt_out(opt_outs).await.unwrap().into_iter().all(|is_new| is_new));
        for id in waiting {
            assert_eq!(desk.status(id).await, Status::Failed);
        }
        assert_eq!(desk.status(other).await, Status::Queued);
    }
}

/// Admits a message to the handset under a lease, as by a request that looked at opt-outs earlier. Returns its id and
/// the lease's token.
async fn admitted(desk: &Desk, account: AccountId, automatic: Option<KeywordKind>) -> (MessageId, u64) {
    let message = Message { recipient: handset(), automatic, ..desk.message(account) };
    let (id, token) = (message.id, desk.token());
    let lease = Some(Lease { token, until: after(LEASE_SECS) });
    assert_eq!(desk.try_admit(under(lease, admission(message))).await, Admitted::New);
    (id, token)
}

const REASON: Option<&str> = Some("The recipient has opted out");

/// Makes the name of an opt-out of the owner of a message.
type Named = fn(Owner) -> OptOutName;

/// Names of opt-outs, and whether they cover the message.
const NAMES: [(&str, Named, bool); 6] = [
    ("everything", wide, true),
    ("its sender", |owner| OptOutName { from: Some(testkit::originator()), ..wide(owner) }, true),
    ("another sender", |owner| OptOutName { from: Some(testkit::number("+18005550002").into()), ..wide(owner) }, false),
    ("another handset", |owner| OptOutName { number: testkit::number(OTHER), ..wide(owner) }, false),
    ("another account", |_| wide(live(testkit::account(9))), false),
    ("the other mode", |owner| wide(test_of(owner)), false),
];

pub(crate) async fn no_attempt_begins_against_an_opt_out_that_covers_its_message(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let kinds = [None, Some(KeywordKind::Start), Some(KeywordKind::Stop), Some(KeywordKind::Help)];
    for (case, name, covers) in NAMES {
        let owner = live(desk.account());
        assert_eq!(desk.store.opt_out(vec![opt_out(name(owner), 0)]).await.unwrap(), [true]);
        for kind in kinds {
            let is_stopped = covers && matches!(kind, None | Some(KeywordKind::Start));
            let (id, token) = admitted(&desk, owner.account, kind).await;
            desk.changed();
            let begun = desk.begin(id, token, after(1)).await;
            let (changed, delivery, events) = (desk.changed(), desk.delivery(id).await, desk.kinds(id).await);
            let (number, status, last) = if is_stopped {
                (None, Status::Failed, EventKind::Ended)
            } else {
                (Some(1), Status::Queued, EventKind::Attempt)
            };
            assert_eq!((begun, delivery.status), (number, status), "{case}, {kind:?}");
            assert_eq!((delivery.attempts, events), (number.unwrap_or(0), vec![EventKind::Accepted, last]));
            if is_stopped {
                assert_eq!((delivery.error_type, delivery.error_message.as_deref()), (None, REASON));
                assert_eq!(changed, [StatusChange { id, delivery }]);
                assert_eq!(desk.begin(id, token, after(1)).await, None, "it is not queued any more");
            } else {
                assert_eq!(changed, [], "{case}, {kind:?}");
            }
        }
        assert_eq!(desk.store.opt_in(opt_in(name(owner), Some("why"))).await.unwrap(), OptedIn::Changed);
        let (id, token) = admitted(&desk, owner.account, None).await;
        assert_eq!(desk.begin(id, token, after(1)).await, Some(1), "it is opted in again: {case}");
    }
}

pub(crate) async fn a_broadcast_counts_as_skipped_who_opted_out_before_an_attempt(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let broadcast = accepted(&desk, owner.account, 3).await;
    // The opt-out comes after the expansion looked at them, and before it writes their messages.
    desk.store.opt_out(vec![opt_out(of(owner, 1), 0)]).await.unwrap();
    let made = expand(&desk, &broadcast, 3).await;
    let token = desk.token();
    assert_eq!(desk.lease(token, NOW).await.len(), 3);
    let mut attempts = Vec::new();
    for id in &made {
        attempts.push(desk.attempt(*id, token).await);
    }
    assert_eq!(desk.store.begin_attempts(attempts, Moment::of(NOW)).await.unwrap(), [Some(1), None, Some(1)]);
    assert_eq!(desk.delivery(made[1]).await.error_message.as_deref(), REASON);
    let record = desk.store.broadcast(Some(owner), broadcast.id).await.unwrap().unwrap();
    assert_eq!(record.counts, BroadcastCounts { total: 3, queued: 2, skipped: 1, ..Default::default() });
}

pub(crate) async fn an_opt_out_ends_at_an_attempt_no_message_that_another_may_send(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let under_way = desk.attempted(Message { recipient: handset(), ..desk.message(owner.account) }).await;
    desk.store.opt_out(vec![opt_out(wide(owner), 0)]).await.unwrap();
    let (id, token) = admitted(&desk, owner.account, None).await;
    let before = [desk.all_of(id).await, desk.all_of(under_way.id).await];
    let unknown = desk.message(owner.account).id;
    for (id, token, now) in [
        (id, 0, after(1)),
        (id, desk.token(), after(1)),
        (id, token, after(LEASE_SECS)),
        (under_way.id, under_way.token, after(1)),
        (unknown, token, after(1)),
    ] {
        assert_eq!(desk.begin(id, token, now).await, None);
    }
    assert_eq!([desk.all_of(id).await, desk.all_of(under_way.id).await], before);
    // The next holder ends the one, and the outcome of its attempt ends the other.
    desk.record(&Outcome { verdict: Verdict::Retry(retry(after(2))), ..under_way.clone() }).await;
    let next = desk.token();
    assert_eq!(ids(&desk.lease(next, after(LEASE_SECS)).await), [id]);
    assert_eq!(desk.begin(id, next, after(LEASE_SECS)).await, None);
    for id in [id, under_way.id] {
        assert_eq!(desk.delivery(id).await.error_message.as_deref(), REASON);
    }
}

pub(crate) async fn of_many_who_make_the_same_opt_out_one_does(fresh: impl Backend) {
    let desk = Arc::new(Desk::open(&fresh).await);
    let owner = live(desk.account());
    let mut tasks = tokio::task::JoinSet::new();
    for secs in 0..20 {
        let store = Arc::clone(&desk.store);
        tasks.spawn(async move { store.opt_out(vec![opt_out(wide(owner), secs)]).await.unwrap()[0] });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|is_new| *is_new).count(), 1);
    assert_eq!(all(&desk).await.len(), 1);
}

pub(crate) async fn lists_of_opt_outs_that_are_made_at_once_are_made_once(fresh: impl Backend) {
    let desk = Arc::new(Desk::open(&fresh).await);
    let owner = live(desk.account());
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..12 {
        let store = Arc::clone(&desk.store);
        let mut opt_outs: Vec<OptOut> = (0..60).map(|number| opt_out(of(owner, number), 0)).collect();
        opt_outs.rotate_left(turn * 5);
        tasks.spawn(async move { store.opt_out(opt_outs).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().flatten().filter(|is_new| *is_new).count(), 60);
    assert_eq!(all(&desk).await.len(), 60);
}
