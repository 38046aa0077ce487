//! The end of what is kept: what goes, in which order, and what stays.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::account::Account;
use model::media::{Digest, StoredMedia};
use model::message::MessageType;
use model::status::SegmentFate::Delivered;
use model::{
    AccountId, Assignment, InboundBody, MediaId, MediaType, Message, MessageId, Moment, SeededEntropy, Status,
    TextRetention, Timestamp,
};
use store::contract::admission::{Admission, Admitted};
use store::contract::broadcasts::{BroadcastFilter, Expanded, Expansion};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::inbound::Arrival;
use store::contract::messages::MessageFilter;
use store::contract::receipts::ReceiptOutcome;
use store::contract::retention::{Removed, Walk};
use store::contract::schedule::{Launch, LaunchDecision};
use store::contract::tenants::AccountChange;

use crate::broadcasts::{admission as broadcast_admission, broadcast};
use crate::office::{Counter, Office, arrival, message, test_of};
use crate::support::{Backend, Desk, NODE, NORTH, NOW, WAIT_SECS, acks, admission, after, claim, live, receipt, under};
use crate::tenants::account;

/// Later than every message here was accepted.
const LATER: u64 = 1_000_000;

/// Walks to the end; how many things were removed.
pub(crate) async fn walk(desk: &Desk, walk: Walk, before: Timestamp) -> u64 {
    let mut removed = 0;
    for _ in 0..1_000 {
        let step = desk.store.remove_old(walk, before, 100).await.unwrap();
        removed += step.removed;
        if step.is_end {
            return removed;
        }
    }
    panic!("a walk has an end")
}

async fn text(desk: &Desk, id: MessageId) -> Option<String> {
    let record = desk.store.message_of_any_account(id).await.unwrap().unwrap();
    record.message.body.as_deref().map(str::to_owned)
}

/// Has a message end that was accepted at this second.
async fn delivered(desk: &Desk, account: AccountId, secs: u64, key: &str) -> MessageId {
    let id = desk.sent(desk.message_at(account, after(secs)), [key]).await;
    assert!(matches!(desk.hear(receipt([key], Delivered)).await, ReceiptOutcome::Matched { .. }));
    id
}

/// An account that keeps its texts by this rule.
async fn account_with(desk: &Desk, rule: Option<TextRetention>) -> AccountId {
    let account = Account { retention: rule, ..account(desk.account()) };
    desk.store.create_account(account.clone()).await.unwrap();
    account.id
}

pub(crate) async fn old_texts_go_and_nothing_else_does(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = desk.account();
    let (old, young) = (delivered(&desk, owner, 0, "a").await, delivered(&desk, owner, 100, "b").await);
    let before = desk.all_of(old).await;
    assert_eq!(walk(&desk, Walk::Texts(None), after(100)).await, 1);
    assert_eq!((text(&desk, old).await, text(&desk, young).await.as_deref()), (None, Some("hello")));
    assert_eq!(desk.all_of(old).await, before);
    assert_eq!(desk.count(owner).await, 2);
    assert_eq!(walk(&desk, Walk::Texts(None), after(100)).await, 0, "it goes once");
    assert_eq!(walk(&desk, Walk::Texts(None), after(101)).await, 1, "the walk goes on when more is old");
}

pub(crate) async fn what_has_not_ended_keeps_its_text_until_it_ends(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let owner = desk.account();
    let waiting = desk.sent(desk.message(owner), ["a"]).await;
    let under_way = desk.attempted(desk.message(owner)).await;
    let later = desk.attempted(desk.message(owner)).await;
    let scheduled = desk.admit(Message { send_at: Some(after(LATER)), ..desk.message(owner) }).await;
    assert_eq!(walk(&desk, Walk::Texts(None), after(LATER)).await, 0);
    assert_eq!(walk(&desk, Walk::Messages, after(LATER)).await, 0);
    for id in [waiting, under_way.id, later.id, scheduled] {
        assert!(text(&desk, id).await.is_some());
    }
    desk.record(&Outcome { receipt_by: None, ..under_way.clone() }).await;
    assert_eq!(text(&desk, under_way.id).await, None, "it waits for no receipt");
    desk.store.cancel_message(None, scheduled, after(LATER)).await.unwrap().unwrap();
    assert!(text(&desk, scheduled).await.is_some(), "its age is counted from its time to leave");
    desk.list_all(after(WAIT_SECS)).await;
    desk.store.end_waits(after(WAIT_SECS), 10).await.unwrap();
    assert_eq!((desk.status(waiting).await, text(&desk, waiting).await), (Status::Sent, None));
    // One more ends, so that the walk leaves a mark, and what was passed is known to the next process.
    delivered(&desk, owner, 1, "b").await;
    assert_eq!(walk(&desk, Walk::Texts(None), after(LATER)).await, 0, "it went with its end");
    let third = desk.sent(desk.message_at(owner, after(2)), ["c"]).await;
    assert!(text(&desk, third).await.is_some());
    desk.reopen(&fresh).await;
    desk.store.recover(NODE, NOW, Duration::ZERO).await.unwrap();
    assert_eq!(walk(&desk, Walk::Texts(None), after(LATER)).await, 0);
    desk.hear(receipt(["c"], Delivered)).await;
    assert_eq!((desk.status(third).await, text(&desk, third).await), (Status::Delivered, None));
}

/// A message that was accepted with the test and was to leave at this second, launched then and delivered.
async fn left_later(desk: &Desk, account: AccountId, secs: u64, key: &str) -> MessageId {
    let (send_at, expires_at) = (Some(after(secs)), after(secs + 60));
    let id = desk.admit(Message { send_at, expires_at, ..desk.message(account) }).await;
    let (decision, now) = (LaunchDecision::Queue(Assignment::Carrier(NORTH.into())), Moment::of(after(secs)));
    let launched = desk.store.launch(NODE, vec![Launch { id, decision, found: None }], now).await.unwrap();
    assert_eq!(launched.len(), 1);
    let token = desk.token();
    assert_eq!(crate::support::ids(&desk.lease(token, after(secs)).await), [id]);
    let attempt = desk.begin(id, token, after(secs)).await.unwrap();
    let outcome = Outcome {
        id,
        recipient: desk.store.message_of_any_account(id).await.unwrap().unwrap().message.recipient,
        token,
        total: 1,
        attempt,
        carrier: NORTH.into(),
        at: after(secs),
        accepted: acks([key]),
        verdict: Verdict::Sent,
        detail: String::new(),
        receipt_by: None,
    };
    desk.record(&outcome).await;
    assert_eq!(desk.status(id).await, Status::Sent);
    id
}

pub(crate) async fn the_age_of_what_leaves_later_is_counted_from_its_time_to_leave(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (owner, soon, late) = (desk.account(), 1_000, LATER);
    let at_once = delivered(&desk, owner, 0, "a").await;
    let canceled = desk.admit(Message { send_at: Some(after(late)), ..desk.message(owner) }).await;
    let waiting = desk.admit(Message { send_at: Some(after(soon)), ..desk.message(owner) }).await;
    // The walk through texts has passed all of them before they end.
    assert_eq!(walk(&desk, Walk::Texts(None), after(soon)).await, 1);
    let early = left_later(&desk, owner, soon - 1, "b").await;
    let last = left_later(&desk, owner, late, "c").await;
    desk.store.cancel_message(None, canceled, after(2)).await.unwrap().unwrap();
    desk.reopen(&fresh).await;
    for id in [early, last, canceled, waiting] {
        assert!(text(&desk, id).await.is_some(), "{id}");
    }
    for scope in [None, Some(owner)] {
        assert_eq!(walk(&desk, Walk::Texts(scope), after(late)).await, 0);
    }
    assert_eq!(walk(&desk, Walk::ScheduledTexts(None), after(soon)).await, 1);
    assert_eq!((text(&desk, early).await, text(&desk, last).await.is_some()), (None, true));
    assert_eq!(walk(&desk, Walk::Messages, after(soon)).await, 2, "the one that left at once, and the early one");
    for (id, is_there) in [(at_once, false), (early, false), (last, true), (canceled, true), (waiting, true)] {
        assert_eq!(desk.store.message_of_any_account(id).await.unwrap().is_some(), is_there, "{id}");
    }
    // A walk that met one that had not ended finds it again.
    let before = after(late + 1);
    assert_eq!(walk(&desk, Walk::ScheduledTexts(Some(desk.account())), before).await, 0);
    assert_eq!(walk(&desk, Walk::ScheduledTexts(Some(owner)), before).await, 2);
    desk.store.cancel_message(None, waiting, after(late)).await.unwrap().unwrap();
    assert_eq!(walk(&desk, Walk::ScheduledTexts(None), before).await, 1);
    assert_eq!(walk(&desk, Walk::Messages, before).await, 3);
}

pub(crate) async fn the_receipt_keys_of_what_left_later_stay_as_long_as_those_of_others(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    left_later(&desk, desk.account(), LATER, "a").await;
    assert_eq!(walk(&desk, Walk::ReceiptKeys, after(LATER)).await, 0);
    assert_eq!(walk(&desk, Walk::ReceiptKeys, after(LATER + 1)).await, 1);
}

pub(crate) async fn a_walk_goes_on_after_a_restart_and_knows_what_it_has_passed(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let owner = desk.account();
    let left = desk.sent(desk.message(owner), ["left"]).await;
    for n in 0..5 {
        delivered(&desk, owner, n + 1, &format!("k{n}")).await;
    }
    let step = desk.store.remove_old(Walk::Texts(None), after(LATER), 3).await.unwrap();
    assert!(step.removed > 0 && !step.is_end, "{step:?}");
    desk.reopen(&fresh).await;
    // The wait ends before the next step.
    desk.list_all(after(WAIT_SECS)).await;
    desk.store.end_waits(after(WAIT_SECS), 10).await.unwrap();
    assert_eq!(text(&desk, left).await, None, "the mark on disk says that the walk has passed it");
    assert_eq!(step.removed + walk(&desk, Walk::Texts(None), after(LATER)).await, 5);
}

pub(crate) async fn texts_of_an_account_that_discards_them_go_with_the_end(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let owner = account_with(&desk, None).await;
    let earlier = delivered(&desk, owner, 0, "a").await;
    let discard = AccountChange { retention: Some(Some(TextRetention::Discard)), ..AccountChange::default() };
    desk.store.change_account(owner, discard, NOW).await.unwrap();
    assert_eq!(desk.store.text_rules().await.unwrap(), [(owner, TextRetention::Discard)]);
    let id = desk.sent(desk.message(owner), ["b"]).await;
    assert!(text(&desk, id).await.is_some(), "it waits for its receipt");
    desk.hear(receipt(["b"], Delivered)).await;
    assert_eq!(text(&desk, id).await, None);
    desk.reopen(&fresh).await;
    let refused = Verdict::Failed { error_type: model::ErrorType::NoRoute, message: String::new() };
    let third = Outcome { verdict: refused, ..desk.attempted(desk.message(owner)).await };
    desk.record(&third).await;
    assert_eq!(text(&desk, third.id).await, None, "the rule outlives the process");
    // What ended before the rule goes with a walk.
    assert!(text(&desk, earlier).await.is_some());
    assert_eq!(walk(&desk, Walk::Texts(Some(owner)), after(LATER)).await, 1);
    let default = AccountChange { retention: Some(None), ..AccountChange::default() };
    desk.store.change_account(owner, default, NOW).await.unwrap();
    assert_eq!(desk.store.text_rules().await.unwrap(), []);
    let kept = delivered(&desk, owner, LATER, "c").await;
    assert!(text(&desk, kept).await.is_some());
}

pub(crate) async fn a_walk_through_one_account_leaves_the_others(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (one, other) = (account_with(&desk, TextRetention::of_days(1)).await, account_with(&desk, None).await);
    let (of_one, of_other) = (delivered(&desk, one, 0, "a").await, delivered(&desk, other, 0, "b").await);
    assert_eq!(walk(&desk, Walk::Texts(Some(one)), after(LATER)).await, 1);
    assert_eq!((text(&desk, of_one).await, text(&desk, of_other).await.is_some()), (None, true));
}

pub(crate) async fn an_old_message_goes_whole_and_its_replay_with_it(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = desk.account();
    let claimed = claim("key-1", "hello", NOW);
    let message = desk.message(owner);
    let id = message.id;
    let token = desk.token();
    let lease = Some(store::contract::dispatch::Lease { token, until: after(60) });
    let admitting = Admission { idempotency: Some(claimed.clone()), ..under(lease, admission(message.clone())) };
    assert_eq!(desk.try_admit(admitting).await, Admitted::New);
    let queued = desk.admit(desk.message(owner)).await;
    assert_eq!(walk(&desk, Walk::Messages, after(LATER)).await, 0, "neither has ended");
    let attempt = desk.begin(id, token, NOW).await.unwrap();
    let outcome = Outcome {
        id,
        recipient: message.recipient,
        token,
        total: 1,
        attempt,
        carrier: NORTH.into(),
        at: NOW,
        accepted: acks(["a"]),
        verdict: Verdict::Sent,
        detail: String::new(),
        receipt_by: None,
    };
    desk.record(&outcome).await;
    desk.store.index_lists(after(LATER), Duration::ZERO, 100).await.unwrap();
    let young = delivered(&desk, owner, LATER + 1, "b").await;
    assert_eq!(walk(&desk, Walk::Messages, after(LATER)).await, 1);
    assert_eq!(desk.store.message_of_any_account(id).await.unwrap(), None);
    assert_eq!(desk.store.events(id).await.unwrap(), []);
    for filter in [
        MessageFilter { recipient: Some(crate::support::number("+18005551234")), ..MessageFilter::default() },
        MessageFilter::default(),
    ] {
        let page = desk.store.messages(Some(live(owner)), filter, None, 10).await.unwrap();
        assert_eq!(page.messages.iter().map(|record| record.message.id).collect::<Vec<_>>(), [young, queued]);
    }
    assert_eq!(desk.store.replay(live(owner), &claimed).await.unwrap(), None, "nothing is left to replay");
    assert!(matches!(desk.hear(receipt(["a"], Delivered)).await, ReceiptOutcome::Repeated));
    assert_eq!(walk(&desk, Walk::Messages, after(LATER)).await, 0);
}

pub(crate) async fn an_old_broadcast_goes_after_its_last_message_and_counts_until_then(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = desk.account();
    let made = broadcast(&desk, owner, 2, 0);
    let id = made.id;
    assert_eq!(desk.store.admit_broadcast(broadcast_admission(made)).await.unwrap(), Admitted::New);
    let expanded = |index: u32| Expanded {
        message: std::sync::Arc::new(Message { id: id.message(index), broadcast: Some(id), ..desk.message(owner) }),
        carrier: NORTH.into(),
        lease: None,
    };
    let turn = Expansion {
        node: NODE,
        broadcast: id,
        from: 0,
        turns: 2,
        messages: vec![expanded(0), expanded(1)],
        due_at: NOW,
        at: NOW,
    };
    assert!(desk.store.expand(turn).await.unwrap());
    let text = async || desk.store.broadcast(None, id).await.unwrap().unwrap().broadcast.body.clone();
    assert_eq!(walk(&desk, Walk::BroadcastTexts(None), after(LATER)).await, 0, "it is open");
    assert_eq!(walk(&desk, Walk::Broadcasts, after(LATER)).await, 0);
    let end = async |index: u32, receipt_by| {
        let token = desk.token();
        desk.lease(token, after(100 * (u64::from(index) + 1))).await;
        let attempt = desk.begin(id.message(index), token, after(100 * (u64::from(index) + 1))).await.unwrap();
        let outcome = Outcome {
            id: id.message(index),
            recipient: crate::support::number("+18005551234"),
            token,
            total: 1,
            attempt,
            carrier: NORTH.into(),
            at: NOW,
            accepted: acks(["a"]),
            verdict: Verdict::Sent,
            detail: String::new(),
            receipt_by,
        };
        desk.record(&outcome).await;
    };
    end(0, None).await;
    assert!(text().await.is_some());
    end(1, Some(after(LATER))).await;
    assert_eq!(text().await, None, "the text of an old broadcast goes with its end");
    assert_eq!(walk(&desk, Walk::Messages, after(LATER)).await, 1, "the other message waits for its receipt");
    assert_eq!(walk(&desk, Walk::Broadcasts, after(LATER)).await, 0);
    let counts = desk.store.broadcast(None, id).await.unwrap().unwrap().counts;
    assert_eq!((counts.total, counts.sent), (2, 2), "what a broadcast has counted stays");
    desk.list_all(after(LATER)).await;
    desk.store.end_waits(after(LATER), 10).await.unwrap();
    assert_eq!(walk(&desk, Walk::Messages, after(LATER)).await, 1);
    assert_eq!(walk(&desk, Walk::Broadcasts, after(LATER)).await, 1);
    assert_eq!(desk.store.broadcast(None, id).await.unwrap(), None);
    let page = desk.store.broadcasts(None, BroadcastFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.broadcasts, []);
}

pub(crate) async fn old_keys_of_receipts_go_but_those_of_messages_that_wait(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = desk.account();
    delivered(&desk, owner, 0, "old").await;
    delivered(&desk, owner, 100, "young").await;
    let waiting = desk.sent(desk.message(owner), ["waits"]).await;
    assert_eq!(walk(&desk, Walk::ReceiptKeys, after(100)).await, 1);
    assert_eq!(desk.hear(receipt(["old"], Delivered)).await, ReceiptOutcome::Parked);
    assert_eq!(desk.hear(receipt(["young"], Delivered)).await, ReceiptOutcome::Repeated);
    desk.hear(receipt(["waits"], Delivered)).await;
    assert_eq!(desk.status(waiting).await, Status::Delivered);
    // The walk begins again, and finds it now.
    assert_eq!(walk(&desk, Walk::ReceiptKeys, after(100)).await, 1);
    // Keys of messages that are gone serve nothing.
    assert_eq!(walk(&desk, Walk::Messages, after(LATER)).await, 3);
    assert_eq!(walk(&desk, Walk::ReceiptKeys, after(LATER)).await, 1);
}

pub(crate) async fn what_nothing_could_use_goes_when_it_is_old_and_waits_no_more(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    desk.hear(receipt(["waits"], Delivered)).await;
    let refused = |secs| store::contract::receipts::Refused {
        carrier: NORTH.into(),
        reason: model::unmatched::Reason::Unreadable,
        at: after(secs),
        detail: "x".to_owned(),
        raw: "x".to_owned(),
    };
    desk.store.record_refused(vec![refused(0), refused(100)]).await.unwrap();
    assert_eq!(walk(&desk, Walk::Unmatched, after(50)).await, 1);
    assert_eq!(desk.store.unmatched(NORTH, 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_step_removes_no_more_than_asked_and_the_next_one_goes_on(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = desk.account();
    for n in 0..5 {
        delivered(&desk, owner, n, &format!("k{n}")).await;
    }
    assert_eq!(
        desk.store.remove_old(Walk::Messages, after(LATER), 0).await.unwrap(),
        Removed { is_end: true, ..Removed::default() }
    );
    for name in [Walk::Texts(None), Walk::ReceiptKeys, Walk::Messages] {
        let (mut removed, mut steps) = (0, 0);
        loop {
            let step = desk.store.remove_old(name, after(LATER), 2).await.unwrap();
            assert!(step.removed <= 2 && steps < 50, "{step:?}");
            (removed, steps) = (removed + step.removed, steps + 1);
            if step.is_end {
                break;
            }
        }
        assert!(removed == 5 && steps >= 3, "{name:?}: {removed} in {steps}");
    }
}

pub(crate) async fn media_go_with_the_texts_of_their_messages(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let media = StoredMedia {
        id: MediaId::new(NOW, &SeededEntropy::new(7)),
        kind: MediaType::Jpeg,
        digest: Digest::of(b"picture"),
        bytes: 7,
        stored_at: NOW,
    };
    let message = Message {
        kind: MessageType::Mms,
        body: None,
        media_url: Some("https://example.com/a.jpg".to_owned()),
        media: Some(media.id),
        ..desk.message(desk.account())
    };
    let id = message.id;
    assert_eq!(desk.try_admit(Admission { media: Some(media.clone()), ..admission(message) }).await, Admitted::New);
    let sweep = async |secs| desk.store.sweep_media(None, after(secs), NOW, 100).await.unwrap().removed;
    assert_eq!(walk(&desk, Walk::Texts(None), after(LATER)).await, 0);
    let token = desk.token();
    desk.lease(token, NOW).await;
    let attempt = desk.begin(id, token, NOW).await.unwrap();
    assert_eq!(sweep(1).await, [], "it is needed");
    let outcome = Outcome {
        id,
        recipient: crate::support::number("+18005551234"),
        token,
        total: 1,
        attempt,
        carrier: NORTH.into(),
        at: NOW,
        accepted: Vec::new(),
        verdict: Verdict::Sent,
        detail: String::new(),
        receipt_by: None,
    };
    desk.record(&outcome).await;
    let kept = desk.store.message_of_any_account(id).await.unwrap().unwrap().message;
    assert_eq!((&kept.media_url, kept.media), (&None, None));
    assert_eq!(sweep(2).await, [media], "however short a time they have not been needed");
}

pub(crate) async fn old_texts_of_handsets_go_with_their_files_and_then_the_messages(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let rule = TextRetention::of_days(7);
    let (owner, other) = (account_with(&desk, rule).await, account_with(&desk, None).await);
    let mut counter = Counter::with(desk, Office::of(live(owner)));
    counter.office.is_routed.store(false, Ordering::Relaxed);
    counter.answer(arrival("to nobody", NOW)).await;
    counter.office.is_routed.store(true, Ordering::Relaxed);
    let mut heard = Vec::new();
    for (secs, owner) in [(0, live(owner)), (1, test_of(live(owner))), (2, live(other)), (100, live(owner))] {
        *counter.office.now_of.lock().unwrap() = Some(owner);
        let media = Arc::from([crate::inbound::file(secs as u8), crate::inbound::file(200)]);
        let arrival = Arrival { media, ..arrival(&secs.to_string(), after(secs)) };
        heard.push(message(counter.answer(arrival).await).0.id);
    }
    let has_text = |counter: &Counter| {
        let (store, heard) = (Arc::clone(&counter.desk.store), heard.clone());
        async move {
            let mut has = Vec::new();
            for id in heard {
                let message = store.inbound_of_any_account(id).await.unwrap();
                has.push(message.map(|message| message.body != InboundBody::Gone && message.media.len() == 2));
            }
            has
        }
    };
    assert_eq!(walk(&counter.desk, Walk::InboundTexts(Some(owner)), after(100)).await, 2);
    assert_eq!(has_text(&counter).await, [Some(false), Some(false), Some(true), Some(true)]);
    assert_eq!(walk(&counter.desk, Walk::InboundTexts(None), after(100)).await, 2, "one belongs to no account");
    let gone = [0, 1, 2].map(|number| crate::inbound::file(number).name());
    let mut swept = counter.desk.store.sweep_inbound_media(2).await.unwrap();
    swept.extend(counter.desk.store.sweep_inbound_media(2).await.unwrap());
    assert_eq!(
        swept.iter().collect::<std::collections::BTreeSet<_>>(),
        gone.iter().collect(),
        "one message has the last"
    );
    assert_eq!(counter.desk.store.sweep_inbound_media(2).await.unwrap(), [] as [String; 0]);
    let mut desk = counter.desk;
    desk.reopen(&fresh).await;
    counter = Counter::with(desk, Office::of(live(owner)));
    assert_eq!(walk(&counter.desk, Walk::InboundTexts(None), after(101)).await, 1, "it goes on when more is old");
    assert_eq!(walk(&counter.desk, Walk::InboundMessages, after(100)).await, 4);
    assert_eq!(has_text(&counter).await, [None, None, None, Some(false)]);
    assert_eq!(counter.desk.store.sweep_inbound_media(9).await.unwrap().len(), 2);
    assert!(!counter.desk.store.has_object(crate::inbound::file(200).id).await.unwrap());
}

pub(crate) async fn a_message_of_a_handset_takes_its_files_with_it(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let media = Arc::from([crate::inbound::file(1)]);
    counter.answer(Arrival { media, ..arrival("one", NOW) }).await;
    assert_eq!(walk(&counter.desk, Walk::InboundMessages, after(1)).await, 1);
    assert_eq!(counter.desk.store.sweep_inbound_media(9).await.unwrap(), [crate::inbound::file(1).name()]);
    assert_eq!(counter.texts().await, [] as [String; 0]);
}
