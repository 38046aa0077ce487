//! Reading messages: an account sees its own, all of them, once, newest first; the operator sees everybody's.

use std::time::Duration;

use model::event::EventKind;
use model::idempotency::IdempotencyKey;
use model::message::Direction;
use model::status::SegmentFate;
use model::{AccountId, BroadcastId, ErrorType, Message, MessageId, Mode, Owner, SeededEntropy, Status};
use store::contract::admission::{Admission, Admitted};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::messages::{MessageFilter, Page, Reference};
use store::{Messages, Store};

use crate::support::{Backend, Desk, NODE, NORTH, NOW, acks, admission, after, claim, live, number, receipt, retry};

async fn page(
    store: &dyn Store,
    account: Option<AccountId>,
    filter: &MessageFilter,
    after: Option<MessageId>,
    limit: usize,
) -> Page {
    Messages::messages(store, account.map(live), filter.clone(), after, limit).await.unwrap()
}

fn ids(page: &Page) -> Vec<MessageId> {
    page.messages.iter().map(|record| record.message.id).collect()
}

/// Walks a list to its end and returns what it showed.
async fn walk(store: &dyn Store, account: Option<AccountId>, filter: &MessageFilter, limit: usize) -> Vec<MessageId> {
    let (mut seen, mut next) = (Vec::new(), None);
    loop {
        let shown = page(store, account, filter, next, limit).await;
        assert!(shown.messages.len() <= limit, "{} of {limit}", shown.messages.len());
        seen.extend(ids(&shown));
        next = shown.next;
        if next.is_none() {
            return seen;
        }
    }
}

fn newest_first(mut ids: Vec<MessageId>) -> Vec<MessageId> {
    ids.sort_unstable();
    ids.reverse();
    ids
}

pub(crate) async fn another_accounts_message_is_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (mine, theirs) = (desk.account(), desk.account());
    let message = desk.message(mine);
    let (id, unknown) = (desk.admit(message.clone()).await, desk.message(mine).id);
    assert_eq!(*desk.store.message(live(mine), id).await.unwrap().unwrap().message, message);
    assert_eq!(desk.store.message(live(theirs), id).await.unwrap(), None);
    assert_eq!(desk.store.message(live(mine), unknown).await.unwrap(), None);
    assert_eq!(desk.count(theirs).await, 0);
    assert_eq!(*desk.store.message_of_any_account(id).await.unwrap().unwrap().message, message);
    assert_eq!(desk.store.message_of_any_account(unknown).await.unwrap(), None);
}

pub(crate) async fn pages_show_everything_once_newest_first(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let accounts = [desk.account(), desk.account(), desk.account()];
    let mut all = Vec::new();
    for account in accounts {
        all.push(desk.admit_many(account, 13).await);
    }
    // Several at the same millisecond, of the account in the middle.
    for _ in 0..5 {
        all[1].push(desk.admit(desk.message(accounts[1])).await);
    }
    let everything = MessageFilter::default();
    for limit in [1, 2, 5, 13, 18, 44, 45, 100] {
        for (account, theirs) in accounts.iter().zip(&all) {
            assert_eq!(
                walk(&*desk.store, Some(*account), &everything, limit).await,
                newest_first(theirs.clone()),
                "{limit} to a page"
            );
        }
        assert_eq!(
            walk(&*desk.store, None, &everything, limit).await,
            newest_first(all.concat()),
            "{limit} to a page, for the operator"
        );
    }
}

pub(crate) async fn the_last_page_is_known_to_be_the_last(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    desk.admit_many(account, 4).await;
    let everything = MessageFilter::default();
    let first = page(&*desk.store, Some(account), &everything, None, 2).await;
    let second = page(&*desk.store, Some(account), &everything, first.next, 2).await;
    assert_eq!((first.messages.len(), second.messages.len(), second.next), (2, 2, None));
}

pub(crate) async fn what_arrives_between_two_pages_moves_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let before = newest_first(desk.admit_many(account, 6).await);
    let everything = MessageFilter::default();
    let first = page(&*desk.store, Some(account), &everything, None, 3).await;
    for secs in 1..4 {
        desk.admit(desk.message_at(account, after(secs))).await;
    }
    let second = page(&*desk.store, Some(account), &everything, first.next, 3).await;
    assert_eq!([ids(&first), ids(&second)].concat(), before);
}

pub(crate) async fn a_page_of_nothing_shows_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    desk.admit_many(account, 2).await;
    let none = page(&*desk.store, Some(account), &MessageFilter::default(), None, 0).await;
    assert_eq!(none.messages, []);
}

pub(crate) async fn a_filter_shows_what_it_asks_for_and_nothing_else(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = BroadcastId::new(after(4), &SeededEntropy::new(9));
    let of_broadcast = Some(id);
    let plain = |secs| desk.message_at(account, after(secs));
    let to_other = desk.admit(Message { recipient: number("+447700900123"), ..plain(1) }).await;
    let from_other = desk.admit(Message { originator: number("+447700900456"), ..plain(2) }).await;
    let inbound = desk.admit(Message { direction: Direction::Inbound, ..plain(3) }).await;
    let broadcast = desk.admit(Message { id: id.message(0), broadcast: of_broadcast, ..plain(4) }).await;
    let sent = desk.sent(plain(5), ["a"]).await;
    let everything = [sent, broadcast, inbound, from_other, to_other];

    let any = MessageFilter::default;
    for (filter, shown) in [
        (any(), &everything[..]),
        (MessageFilter { status: Some(Status::Sent), ..any() }, &[sent]),
        (MessageFilter { status: Some(Status::Queued), ..any() }, &[broadcast, inbound, from_other, to_other]),
        (MessageFilter { status: Some(Status::Failed), ..any() }, &[]),
        (MessageFilter { direction: Some(Direction::Inbound), ..any() }, &[inbound]),
        (MessageFilter { recipient: Some(number("+447700900123")), ..any() }, &[to_other]),
        (MessageFilter { originator: Some(number("+447700900456")), ..any() }, &[from_other]),
        (MessageFilter { broadcast: of_broadcast, ..any() }, &[broadcast]),
        (MessageFilter { from: Some(after(3)), ..any() }, &[sent, broadcast, inbound]),
        (MessageFilter { before: Some(after(3)), ..any() }, &[from_other, to_other]),
        (MessageFilter { from: Some(after(2)), before: Some(after(4)), ..any() }, &[inbound, from_other]),
        (MessageFilter { from: Some(after(4)), before: Some(after(2)), ..any() }, &[]),
        (MessageFilter { from: Some(after(6)), ..any() }, &[]),
        (MessageFilter { status: Some(Status::Queued), direction: Some(Direction::Inbound), ..any() }, &[inbound]),
        (MessageFilter { status: Some(Status::Sent), direction: Some(Direction::Inbound), ..any() }, &[]),
    ] {
        for limit in [1, 2, 10] {
            for whose in [Some(account), None] {
                assert_eq!(walk(&*desk.store, whose, &filter, limit).await, shown, "{filter:?}, {limit} to a page");
            }
        }
    }
    assert_eq!(walk(&*desk.store, Some(desk.account()), &any(), 10).await, [], "a filter widens nothing");
}

pub(crate) async fn the_times_of_a_filter_count_to_the_millisecond(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = desk.admit(desk.message(account)).await;
    let (earlier, later) = (NOW - Duration::from_millis(1), NOW + Duration::from_millis(1));
    for (from, before, shown) in [
        (Some(earlier), None, true),
        (Some(NOW), None, true),
        (Some(later), None, false),
        (None, Some(earlier), false),
        (None, Some(NOW), false),
        (None, Some(later), true),
        (Some(NOW), Some(later), true),
    ] {
        let filter = MessageFilter { from, before, ..MessageFilter::default() };
        let wanted: &[MessageId] = if shown { &[id] } else { &[] };
        assert_eq!(walk(&*desk.store, Some(account), &filter, 10).await, wanted, "{filter:?}");
    }
}

pub(crate) async fn a_message_has_its_whole_life_on_record(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message = Message { segments: 2, ..desk.message(desk.account()) };
    let first = desk.attempted(message).await;
    desk.record(&Outcome {
        verdict: Verdict::Retry(retry(after(30))),
        detail: "ESME_RTHROTTLED".to_owned(),
        ..first.clone()
    })
    .await;
    let second = desk.attempted_again(&first, after(30)).await;
    desk.record(&Outcome { accepted: acks(["a", "b"]), at: after(31), ..second }).await;
    for (key, fate) in [
        ("a", SegmentFate::Pending),
        ("a", SegmentFate::Delivered),
        ("b", SegmentFate::Undelivered(ErrorType::Unreachable)),
    ] {
        desk.hear(store::contract::receipts::Receipt { at: after(40), ..receipt([key], fate) }).await;
    }
    let told: Vec<_> = desk.store.events(first.id).await.unwrap();
    let told: Vec<_> =
        told.iter().map(|event| (event.at, event.kind, event.carrier.as_deref(), event.attempt)).collect();
    let north = Some(NORTH);
    assert_eq!(
        told,
        [
            (NOW, EventKind::Accepted, None, None),
            (NOW, EventKind::Attempt, north, Some(1)),
            (NOW, EventKind::Retry, north, Some(1)),
            (after(30), EventKind::Attempt, north, Some(2)),
            (after(31), EventKind::Acknowledged, north, Some(2)),
            (after(40), EventKind::Receipt, north, None),
            (after(40), EventKind::Receipt, north, None),
            (after(40), EventKind::Receipt, north, None),
        ]
    );
    let details: Vec<_> = desk.store.events(first.id).await.unwrap().into_iter().map(|event| event.detail).collect();
    assert!(
        details[2] == "ESME_RTHROTTLED" && details[6].contains("segment 1") && details[7].contains("stat:X err:000"),
        "{details:?}"
    );
}

pub(crate) async fn an_unknown_message_has_no_life(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    assert_eq!(desk.store.events(desk.message(desk.account()).id).await.unwrap(), []);
}

pub(crate) async fn nothing_of_one_mode_is_shown_to_the_other(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let with_live = desk.admit(desk.message(account)).await;
    let with_test = desk.admit(Message { mode: Mode::Test, ..desk.message(account) }).await;
    let owners = [(Mode::Live, with_live, with_test), (Mode::Test, with_test, with_live)]
        .map(|(mode, own, other)| (Owner { account, mode }, own, other));
    for indexed in [false, true] {
        for (owner, own, other) in owners {
            assert_eq!(desk.store.message(owner, own).await.unwrap().unwrap().message.mode, owner.mode);
            assert_eq!(desk.store.message(owner, other).await.unwrap(), None);
            let list = async |whose, filter| ids(&desk.store.messages(whose, filter, None, 10).await.unwrap());
            assert_eq!(list(Some(owner), MessageFilter::default()).await, [own], "indexed: {indexed}");
            assert_eq!(
                list(None, MessageFilter { mode: Some(owner.mode), ..Default::default() }).await,
                [own],
                "indexed: {indexed}"
            );
            let others = if owner.mode == Mode::Live { Mode::Test } else { Mode::Live };
            assert_eq!(
                list(Some(owner), MessageFilter { mode: Some(others), ..Default::default() }).await,
                [],
                "a filter widens nothing"
            );
        }
        assert_eq!(
            ids(&desk.store.messages(None, MessageFilter::default(), None, 10).await.unwrap()),
            newest_first(vec![with_live, with_test])
        );
        while desk.store.index_lists(after(1), Duration::ZERO, 10).await.unwrap().oldest_missing.is_some() {}
    }
}

pub(crate) async fn nothing_of_the_text_is_told_in_events(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.sent(desk.message(desk.account()), ["a"]).await;
    let told = format!("{:?}", desk.store.events(id).await.unwrap());
    assert!(!told.contains("4711") && !told.contains("18005551234"), "{told}");
}

pub(crate) async fn a_message_is_found_by_the_names_that_others_have_for_it(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    let first = desk.sent(desk.message_at(account, after(1)), ["a1", "a2"]).await;
    let second = desk.sent(desk.message_at(other, after(2)), ["a1"]).await;
    let keyed = desk.message_at(account, after(3));
    let claimed = Admission { idempotency: Some(claim("order-7", "x", NOW)), ..admission(keyed.clone()) };
    assert_eq!(desk.try_admit(claimed).await, Admitted::New);
    let named = async |key: &str, idempotency: Option<AccountId>, limit| {
        let idempotency = idempotency.map(|account| (account, IdempotencyKey::parse("order-7").unwrap()));
        let reference = Reference { carriers: vec!["gone".into(), NORTH.into()], keys: vec![key.into()], idempotency };
        let found = desk.store.messages_named(reference, limit).await.unwrap();
        found.into_iter().map(|record| record.message.id).collect::<Vec<_>>()
    };
    assert_eq!(named("a1", None, 9).await, [second, first]);
    assert_eq!(named("a1", None, 1).await, [second]);
    assert_eq!(named("a2", None, 9).await, [first]);
    assert_eq!(named("a3", None, 9).await, []);
    assert_eq!(named("a2", Some(account), 9).await, [keyed.id, first]);
    assert_eq!(named("a3", Some(other), 9).await, [], "a key belongs to its account");
}

pub(crate) async fn a_queued_message_says_how_it_waits(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let [first, second, third] = desk.minted(account, [1, 2, 3]);
    for message in [&first, &second, &third] {
        desk.admit(message.clone()).await;
    }
    let waiting = async |id| desk.store.waiting(id).await.unwrap();
    let before = waiting(third.id).await.unwrap();
    assert_eq!((before.owner, before.in_flight, before.ahead), (None, false, 2));
    let token = desk.token();
    desk.lease(token, after(4)).await;
    let leased = waiting(first.id).await.unwrap();
    assert_eq!((leased.owner, leased.in_flight, leased.ahead), (Some(NODE), false, 0));
    assert!(leased.due_at > after(4), "its lease ends then");
    assert_eq!(desk.begin(first.id, token, after(5)).await, Some(1));
    assert!(waiting(first.id).await.unwrap().in_flight);
    assert_eq!(desk.store.count_held(9).await, Ok(0));
    let sent = desk.sent(desk.message_at(account, after(9)), ["z"]).await;
    assert_eq!((waiting(sent).await, waiting(MessageId::from_bytes([9; 16])).await), (None, None));
    let unknown = desk.attempted(desk.message_at(account, after(10))).await;
    desk.record(&Outcome { verdict: Verdict::Hold, ..unknown }).await;
    assert_eq!((desk.store.count_held(9).await, desk.store.count_held(0).await), (Ok(1), Ok(0)));
}
