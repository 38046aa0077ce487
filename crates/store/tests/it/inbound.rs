//! Messages of handsets: what comes again is one message, and nobody sees what is not theirs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::message::MessageType;
use model::{
    InboundAddress, InboundBody, InboundEncoding, InboundMedia, InboundMessage, Keyword, KeywordKind, MediaId, Mode,
    Owner,
};
use store::StoreError;
use store::contract::changes::Resource;
use store::contract::inbound::{
    Arrival, Assembled, Consequence, Followed, InboundFilter, InboundOutcome, Interpreted, Interpreter, Opt,
};

use crate::office::{Counter, HANDSET, OTHER, OURS, Office, address, arrival, at, message, part, test_of, wide};
use crate::parts::heard_at_once;
use crate::support::{Backend, Desk, NODE, NOW, SOUTH, live};

const WAIT: Duration = Duration::from_secs(600);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// An interpreter that makes this of everything.
pub(crate) struct Fixed(pub(crate) InboundMessage);

impl Interpreter for Fixed {
    fn interpret(&self, _: &Assembled) -> Interpreted {
        Interpreted::Owned(Box::new(self.0.clone()), Consequence::default())
    }
}

pub(crate) fn file(number: u8) -> InboundMedia {
    let id = MediaId::from_bytes([number; 16]);
    InboundMedia { id, content_type: "image/heic".into(), bytes: 48_213, sha256: [number; 32] }
}

pub(crate) async fn a_message_of_a_handset_is_kept_as_it_was_interpreted(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    let office = Office::of(owner);
    let plain = InboundMessage {
        id: office.id(NOW),
        account: owner.account,
        mode: Mode::Live,
        kind: MessageType::Sms,
        from: address(HANDSET),
        to: address("72345"),
        additional_recipients: Arc::from([]),
        body: InboundBody::Text("stop".into()),
        encoding: InboundEncoding::Ucs2,
        segments: 3,
        missing_parts: Arc::from([]),
        keyword: Some(Keyword { kind: KeywordKind::Stop, word: "STOP".into() }),
        suspected_opt_out: true,
        media: Arc::from([]),
        carrier: SOUTH.into(),
        received_at: at(1),
        created_at: at(2),
        erased_at: None,
    };
    let mms = InboundMessage {
        id: office.id(NOW),
        kind: MessageType::Mms,
        from: address("ACME"),
        additional_recipients: Arc::from([address(OTHER), address("someone@example.com"), address("72346")]),
        body: InboundBody::Text("".into()),
        media: Arc::from([file(1), InboundMedia { content_type: "text/x vcard".into(), ..file(2) }]),
        keyword: None,
        ..plain.clone()
    };
    let data = InboundMessage {
        id: office.id(NOW),
        from: address("someone@example.com"),
        to: InboundAddress::Raw("".into()),
        body: InboundBody::Binary(Arc::from([0, 255, 10])),
        encoding: InboundEncoding::Binary,
        mode: Mode::Test,
        ..plain.clone()
    };
    for (number, wanted) in [plain, mms, data].into_iter().enumerate() {
        let arrival = arrival(&format!("text {number}"), at(1));
        let recorded = desk.store.record_inbound(NODE, vec![arrival], Arc::new(Fixed(wanted.clone()))).await.unwrap();
        let expected = InboundOutcome::Message(Arc::new(wanted.clone()), Followed::default());
        assert_eq!(recorded[0].outcome, expected);
        desk.reopen(&fresh).await;
        let (id, wanted) = (wanted.id, Some(Arc::new(wanted)));
        let owner = wanted.as_ref().unwrap().owner();
        assert_eq!(desk.store.inbound_message(owner, id).await.unwrap(), wanted);
        assert_eq!(desk.store.inbound_of_any_account(id).await.unwrap(), wanted);
        for stranger in
            [live(desk.account()), if owner.mode == Mode::Live { test_of(owner) } else { live(owner.account) }]
        {
            assert_eq!(desk.store.inbound_message(stranger, id).await.unwrap(), None);
        }
    }
    assert!(desk.store.has_object(file(1).id).await.unwrap() && !desk.store.has_object(file(3).id).await.unwrap());
}

pub(crate) async fn a_message_that_was_not_answered_in_time_is_one_message(fresh: impl Backend) {
    let mut counter = Counter::at(Desk::open(&fresh).await);
    let first = counter.hear(arrival("Yes", at(0))).await;
    message(first.outcome.clone());
    let again = counter.hear(arrival("Yes", at(500))).await;
    assert_eq!((again.arrival, again.outcome), (first.arrival, InboundOutcome::Repeated));
    // The carrier may be late again; ten minutes count from the last time.
    let mut desk = counter.desk;
    desk.reopen(&fresh).await;
    counter = Counter::with(desk, Office::of(counter.owner));
    assert_eq!(counter.hear(arrival("Yes", at(1_000))).await.outcome, InboundOutcome::Repeated);
    for other in [
        Arrival { from: address(OTHER), ..arrival("Yes", at(1_000)) },
        Arrival { to: address("72345"), ..arrival("Yes", at(1_000)) },
        Arrival { carrier: SOUTH.into(), ..arrival("Yes", at(1_000)) },
        Arrival { media: Arc::from([file(1)]), ..arrival("Yes", at(1_000)) },
        arrival("yes", at(1_000)),
    ] {
        message(counter.hear(other).await.outcome);
    }
    let same = InboundMedia { id: MediaId::from_bytes([9; 16]), ..file(1) };
    let copy = Arrival { media: Arc::from([same]), ..arrival("Yes", at(1_001)) };
    assert_eq!(counter.hear(copy).await.outcome, InboundOutcome::Repeated, "its objects have other names");
    message(counter.hear(arrival("Yes", at(1_601))).await.outcome);
}

pub(crate) async fn a_message_that_comes_many_times_at_once_is_one_message(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    for text in ["a", "b", "c", "d"] {
        let outcomes = heard_at_once(&counter, vec![arrival(text, NOW); 8]).await;
        let repeats = outcomes.iter().filter(|outcome| **outcome == InboundOutcome::Repeated);
        assert_eq!(repeats.count(), 7, "{outcomes:?}");
    }
    assert_eq!(counter.texts().await, ["a", "b", "c", "d"]);
}

pub(crate) async fn texts_that_were_answered_in_time_are_as_many_messages(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    for _ in 0..3 {
        message(counter.answer(arrival("Yes", NOW)).await);
    }
    assert_eq!(counter.texts().await, ["Yes"; 3]);
    // The answer to the repeat counts for both.
    let late = counter.hear(arrival("No", NOW)).await;
    assert_eq!(counter.answer(arrival("No", NOW)).await, InboundOutcome::Repeated);
    message(counter.answer(arrival("No", NOW)).await);
    counter.desk.store.answered(vec![late.arrival]).await.unwrap();
    assert_eq!(counter.texts().await.len(), 5);
}

pub(crate) async fn arrivals_are_recorded_in_their_order(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let arrivals = vec![part(2, 2, "two", NOW), arrival("a", NOW), arrival("a", NOW), part(1, 2, "one", NOW)];
    let outcomes: Vec<InboundOutcome> =
        counter.hear_all(arrivals).await.into_iter().map(|recorded| recorded.outcome).collect();
    assert!(
        matches!(
            &outcomes[..],
            [InboundOutcome::Part, InboundOutcome::Message(..), InboundOutcome::Repeated, InboundOutcome::Message(..)]
        ),
        "{outcomes:?}"
    );
    assert_eq!(counter.texts().await, ["a", "onetwo"]);
    assert_eq!(counter.hear_all(Vec::new()).await, []);
}

pub(crate) async fn a_message_to_no_account_is_kept_for_the_operator(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    counter.office.is_routed.store(false, Ordering::Relaxed);
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        let outcome = counter.answer(Arrival { at: at(number as u64), ..arrival(text, NOW) }).await;
        assert_eq!(outcome, InboundOutcome::Unrouted(Followed::default()));
    }
    assert_eq!((counter.texts().await, counter.noted()), (Vec::<String>::new(), Vec::new()));
    let store = &counter.desk.store;
    let page = store.unrouted(None, 2).await.unwrap();
    let text = |at: usize| page.messages[at].message.body.text().unwrap().to_owned();
    assert_eq!((text(0), text(1), page.next), ("three".into(), "two".into(), Some(page.messages[1].message.id)));
    let rest = store.unrouted(page.next, 2).await.unwrap();
    assert_eq!((rest.messages.len(), rest.next), (1, None));
    for owner in [Some(counter.owner), None] {
        let listed = store.inbound_messages(owner, InboundFilter::default(), None, 10).await.unwrap();
        assert_eq!(listed.messages, []);
    }
    let id = page.messages[0].message.id;
    assert_eq!(store.inbound_message(counter.owner, id).await.unwrap(), None);
    assert_eq!(store.inbound_of_any_account(id).await.unwrap(), None);
    // It goes after a week.
    assert_eq!(store.forget_inbound(at(1) + WEEK, WEEK, 10).await.unwrap(), 1);
    assert_eq!(store.unrouted(None, 10).await.unwrap().messages.len(), 2);
}

pub(crate) async fn a_message_that_the_operator_assigns_is_the_accounts(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    counter.office.is_routed.store(false, Ordering::Relaxed);
    counter.answer(Arrival { media: Arc::from([file(1)]), ..arrival("STOP", NOW) }).await;
    let store = &counter.desk.store;
    let unrouted = store.unrouted(None, 1).await.unwrap().messages.remove(0).message;
    let (id, next) = (unrouted.id, live(counter.desk.account()));
    counter.noted();
    let opt_out = model::OptOut {
        name: wide(next),
        source: model::OptOutSource::Keyword,
        keyword: Some("STOP".into()),
        message: Some(id),
        reason: None,
        created_at: NOW,
    };
    let assign = || store.assign_unrouted(id, next, Some(Opt::Out(opt_out.clone())), at(60));
    let assigned = assign().await.unwrap();
    let Owner { account, mode } = next;
    assert_eq!(*assigned, InboundMessage { account, mode, created_at: at(60), ..(*unrouted).clone() });
    assert_eq!(store.inbound_message(next, id).await.unwrap(), Some(assigned));
    let noted: Vec<_> = counter.noted().into_iter().map(|change| (change.owner, change.resource)).collect();
    let expected =
        [(Some(next), Resource::Inbound { id, is_partial: false }), (Some(next), Resource::OptedOut(opt_out.clone()))];
    assert_eq!(noted, expected);
    assert_eq!(store.unrouted(None, 10).await.unwrap().messages, []);
    assert_eq!(assign().await, Err(StoreError::NotFound), "once");
    assert_eq!(store.forget_inbound(at(86_400), Duration::from_secs(60), 10).await.unwrap(), 0);
    assert!(store.has_object(file(1).id).await.unwrap());
}

pub(crate) async fn lists_of_messages_of_handsets_show_what_is_asked_for(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let other_owner = live(counter.desk.account());
    for number in 0..12_u64 {
        let from = address(if number % 2 == 0 { HANDSET } else { OTHER });
        let to = address(if number % 3 == 0 { OURS } else { "72345" });
        *counter.office.now_of.lock().unwrap() = (number % 4 == 3).then_some(other_owner);
        counter.answer(Arrival { from, to, ..arrival(&number.to_string(), at(number)) }).await;
    }
    let texts = |owner, filter: InboundFilter| {
        let store = Arc::clone(&counter.desk.store);
        async move {
            let (mut texts, mut after) = (Vec::new(), None);
            loop {
                let page = store.inbound_messages(owner, filter.clone(), after, 2).await.unwrap();
                assert!(page.messages.len() <= 2);
                texts.extend(page.messages.iter().map(|one| one.body.text().unwrap().parse::<u64>().unwrap()));
                after = page.next;
                if after.is_none() {
                    return texts;
                }
            }
        }
    };
    let (from, to) = (Some(address(HANDSET)), address(OURS).known());
    let whole = InboundFilter::default();
    let mine = Some(counter.owner);
    for (owner, filter, wanted) in [
        (mine, whole.clone(), vec![10, 9, 8, 6, 5, 4, 2, 1, 0]),
        (Some(other_owner), whole.clone(), vec![11, 7, 3]),
        (None, whole.clone(), (0..12).rev().collect()),
        (Some(test_of(counter.owner)), whole.clone(), vec![]),
        (mine, InboundFilter { from: from.clone(), ..whole.clone() }, vec![10, 8, 6, 4, 2, 0]),
        (mine, InboundFilter { to, ..whole.clone() }, vec![9, 6, 0]),
        (mine, InboundFilter { from: from.clone(), to, ..whole.clone() }, vec![6, 0]),
        (None, InboundFilter { from, to, ..whole.clone() }, vec![6, 0]),
        (mine, InboundFilter { since: Some(at(4)), before: Some(at(8)), ..whole.clone() }, vec![6, 5, 4]),
    ] {
        assert_eq!(texts(owner, filter.clone()).await, wanted, "{filter:?}");
    }
    let nothing = counter.desk.store.inbound_messages(mine, whole, None, 0).await.unwrap();
    assert_eq!((nothing.messages, nothing.next), (Vec::new(), None));
}

pub(crate) async fn what_can_mean_nothing_any_more_is_forgotten(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let store = &counter.desk.store;
    let forget = |secs, limit| store.forget_inbound(at(secs), WEEK, limit);
    for text in ["a", "b", "c"] {
        counter.hear(arrival(text, at(0))).await;
    }
    assert_eq!(forget(600, 10).await.unwrap(), 0, "they may come again");
    assert_eq!(forget(601, 2).await.unwrap(), 2);
    assert_eq!(forget(601, 2).await.unwrap(), 1);
    counter.answer(part(1, 2, "one", at(1_000))).await;
    assert_eq!(forget(900_000, 10).await.unwrap(), 0, "what waits is shown first");
    store.end_part_waits(at(1_700), WAIT, 10, Arc::clone(&counter.office) as _).await.unwrap();
    assert_eq!(forget(1_700 + 86_400, 10).await.unwrap(), 0);
    assert_eq!(forget(1_700 + 86_401, 10).await.unwrap(), 1);
    assert_eq!(counter.answer(part(2, 2, "two", at(1_701))).await, InboundOutcome::Part, "nothing is known of it");
    assert_eq!(counter.texts().await, ["a", "b", "c", "one"]);
}
