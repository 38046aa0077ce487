//! Messages of handsets: parts become wholes, what comes again is one message, and nobody sees what is not theirs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::message::MessageType;
use model::{
    InboundAddress, InboundBody, InboundEncoding, InboundMedia, InboundMessage, Keyword, KeywordKind, MediaId, Mode,
    Owner,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::StoreError;
use store::contract::changes::Resource;
use store::contract::inbound::{
    Arrival, Assembled, Consequence, Followed, InboundFilter, InboundOutcome, Interpreted, Interpreter,
    LATE_PARTS_WITHIN, Opt, PartName, PartsStep, ReferenceForm,
};

use crate::office::{Counter, HANDSET, OTHER, OURS, Office, address, arrival, at, message, part, test_of, wide};
use crate::support::{Backend, Desk, NOW, SOUTH, live};

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
        let recorded = desk.store.record_inbound(vec![arrival], Arc::new(Fixed(wanted.clone()))).await.unwrap();
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

pub(crate) async fn parts_in_any_order_become_one_message(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let office = Office::of(live(desk.account()));
    for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
        let counter = Counter::with(desk, Office::of(office.owner));
        let text = |number| format!("{order:?}{number};");
        for (place, number) in order.into_iter().enumerate() {
            let outcome = counter.hear(part(number, 3, &text(number), at(place as u64))).await.outcome;
            if place < 2 {
                assert_eq!(outcome, InboundOutcome::Part);
                assert_eq!(counter.desk.store.count_waiting_parts().await.unwrap(), place as u64 + 1);
                continue;
            }
            let (message, _) = message(outcome);
            assert_eq!(message.body.text(), Some(&*[1, 2, 3].map(text).concat()));
            assert_eq!((message.received_at, message.is_partial()), (at(0), false));
        }
        assert_eq!(counter.desk.store.count_waiting_parts().await.unwrap(), 0);
        desk = counter.desk;
        // They are on disk, for whichever node gets the next one.
        desk.reopen(&fresh).await;
    }
}

pub(crate) async fn parts_that_differ_in_anything_are_of_other_messages(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let first = part(1, 2, "one", NOW);
    assert_eq!(counter.hear(first.clone()).await.outcome, InboundOutcome::Part);
    let name = first.part.clone().unwrap();
    let second = |name: PartName| Arrival { part: Some(PartName { number: 2, ..name }), ..part(2, 2, "two", NOW) };
    let others = [
        Arrival { from: address(OTHER), ..second(name.clone()) },
        Arrival { to: address("+18005559877"), ..second(name.clone()) },
        Arrival { carrier: SOUTH.into(), ..second(name.clone()) },
        second(PartName { form: ReferenceForm::Header16, ..name.clone() }),
        second(PartName { form: ReferenceForm::Parameters, ..name.clone() }),
        second(PartName { reference: 6, ..name.clone() }),
        second(PartName { total: 3, ..name.clone() }),
        second(PartName { other_elements: Arc::from([0x24, 1, 1]), ..name.clone() }),
    ];
    for other in others {
        assert_eq!(counter.hear(other.clone()).await.outcome, InboundOutcome::Part, "{other:?}");
    }
    assert_eq!(message(counter.hear(second(name)).await.outcome).0.body.text(), Some("onetwo"));
}

pub(crate) async fn a_part_that_comes_again_is_passed_over(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    for (arrival, outcome) in [
        (part(1, 2, "one", at(0)), InboundOutcome::Part),
        (part(1, 2, "one", at(1)), InboundOutcome::Repeated),
        (part(1, 2, "one", at(599)), InboundOutcome::Repeated),
    ] {
        assert_eq!(counter.answer(arrival).await, outcome);
    }
    message(counter.answer(part(2, 2, "two", at(600))).await);
    // Of a message that is whole they are known for ten minutes more, however its parts were answered.
    for number in [1, 2] {
        let again = part(number, 2, if number == 1 { "one" } else { "two" }, at(1_200));
        assert_eq!(counter.answer(again).await, InboundOutcome::Repeated);
    }
    assert_eq!(counter.texts().await, ["onetwo"]);
    assert_eq!(counter.answer(part(1, 2, "one", at(1_801))).await, InboundOutcome::Part, "a reference comes again");
}

pub(crate) async fn other_octets_under_a_known_number_begin_another_message(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    assert_eq!(counter.answer(part(1, 2, "old", at(0))).await, InboundOutcome::Part);
    counter.noted();
    assert_eq!(counter.answer(part(1, 2, "new", at(9))).await, InboundOutcome::Part);
    let noted = counter.noted();
    assert!(matches!(noted[0].resource, Resource::Inbound { is_partial: true, .. }) && noted.len() == 1, "{noted:?}");
    let (whole, _) = message(counter.answer(part(2, 2, "er", at(10))).await);
    assert_eq!(whole.body.text(), Some("newer"));
    assert_eq!(counter.texts().await, ["old", "newer"]);
    // What is replaced takes no part any more: this one begins a third message.
    assert_eq!(counter.answer(part(2, 2, "est", at(11))).await, InboundOutcome::Part);
}

pub(crate) async fn what_has_come_is_shown_when_the_wait_is_over(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    counter.answer(part(3, 3, "c", at(0))).await;
    counter.answer(part(1, 3, "a", at(100))).await;
    counter.noted();
    let end = |secs| counter.desk.store.end_part_waits(at(secs), WAIT, 10, Arc::clone(&counter.office) as _);
    assert_eq!(end(699).await.unwrap(), PartsStep::default(), "a part renews the wait");
    let PartsStep { mut shown, more } = end(700).await.unwrap();
    let (partial, followed) = message(shown.pop().unwrap());
    assert_eq!((shown.len(), more, followed), (0, false, Followed::default()));
    assert_eq!((partial.body.text(), &*partial.missing_parts, partial.segments), (Some("ac"), &[2][..], 3));
    let owner = Some(counter.owner);
    assert_eq!(
        counter.noted().iter().map(|change| (change.owner, change.resource.clone())).collect::<Vec<_>>(),
        [(owner, Resource::Inbound { id: partial.id, is_partial: true })]
    );
    assert_eq!(counter.desk.store.inbound_message(counter.owner, partial.id).await.unwrap(), Some(partial));
    assert_eq!(end(10_000).await.unwrap(), PartsStep::default(), "once");
    assert_eq!(counter.desk.store.count_waiting_parts().await.unwrap(), 0);
}

pub(crate) async fn waits_end_a_few_at_a_time_and_also_after_the_clock_was_set_back(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    for reference in 0..5 {
        let mut arrival = part(1, 2, "one", at(reference));
        arrival.part.as_mut().unwrap().reference = reference as u16;
        counter.answer(arrival).await;
    }
    let mut ahead = part(1, 2, "one", at(86_400));
    ahead.part.as_mut().unwrap().reference = 9;
    counter.answer(ahead).await;
    let end = |limit| counter.desk.store.end_part_waits(at(700), WAIT, limit, Arc::clone(&counter.office) as _);
    let steps = [end(4).await.unwrap(), end(4).await.unwrap(), end(4).await.unwrap()];
    assert_eq!(steps.map(|step| (step.shown.len(), step.more)), [(4, true), (2, false), (0, false)]);
}

pub(crate) async fn a_late_part_completes_the_message_under_its_id(fresh: impl Backend) {
    let mut counter = Counter::at(Desk::open(&fresh).await);
    counter.answer(part(1, 3, "ST", at(0))).await;
    let mut shown =
        counter.desk.store.end_part_waits(at(700), WAIT, 10, Arc::clone(&counter.office) as _).await.unwrap().shown;
    let (partial, _) = message(shown.remove(0));
    let mut desk = counter.desk;
    desk.reopen(&fresh).await;
    counter = Counter::with(desk, Office::of(counter.owner));
    // One more is one less that is missing.
    let late = at(700) + LATE_PARTS_WITHIN - Duration::from_secs(800);
    let (better, _) = message(counter.answer(part(3, 3, "P", late)).await);
    assert_eq!((better.id, better.body.text(), &*better.missing_parts), (partial.id, Some("STP"), &[2][..]));
    assert_eq!(counter.answer(part(1, 3, "ST", late)).await, InboundOutcome::Repeated);
    counter.noted();
    let (whole, followed) = message(counter.answer(part(2, 3, "O", late)).await);
    let same =
        InboundMessage { body: InboundBody::Text("STOP".into()), missing_parts: Arc::from([]), ..(*whole).clone() };
    assert_eq!((whole.id, whole.created_at, &*whole), (partial.id, partial.created_at, &same));
    assert!(followed.opt_changed, "the whole is read, and not its parts");
    let noted = counter.noted();
    assert_eq!(noted[0].resource, Resource::Inbound { id: partial.id, is_partial: false });
    assert_eq!(counter.texts().await, ["STOP"]);
}

pub(crate) async fn a_part_that_comes_too_late_is_of_another_message(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    counter.answer(part(1, 2, "one", at(0))).await;
    counter.desk.store.end_part_waits(at(700), WAIT, 10, Arc::clone(&counter.office) as _).await.unwrap();
    let late = part(2, 2, "two", at(1) + LATE_PARTS_WITHIN);
    assert_eq!(counter.answer(late).await, InboundOutcome::Part);
}

pub(crate) async fn what_a_number_brought_stays_with_its_owner_of_then(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    counter.answer(part(1, 2, "one", at(0))).await;
    counter.desk.store.end_part_waits(at(700), WAIT, 10, Arc::clone(&counter.office) as _).await.unwrap();
    let next = live(counter.desk.account());
    *counter.office.now_of.lock().unwrap() = Some(next);
    let (whole, _) = message(counter.answer(part(2, 2, "two", at(800))).await);
    assert_eq!((whole.owner(), counter.texts().await), (counter.owner, vec!["onetwo".to_owned()]));
    let theirs = counter.desk.store.inbound_messages(Some(next), InboundFilter::default(), None, 10).await.unwrap();
    assert_eq!(theirs.messages, []);
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

/// Parts of two messages: of which, and which one; some more than once.
fn deliveries() -> impl Strategy<Value = (u8, Vec<(usize, u8)>)> {
    (2..6_u8).prop_flat_map(|total| {
        let all: Vec<(usize, u8)> = (0..2).flat_map(|which| (1..=total).map(move |number| (which, number))).collect();
        let repeated = prop::collection::vec(prop::sample::select(all.clone()), 0..8);
        repeated
            .prop_map(move |more| [all.clone(), more].concat())
            .prop_shuffle()
            .prop_map(move |deliveries| (total, deliveries))
    })
}

/// What is delivered, in which forms, whether it is answered in time, and when the store is opened again.
type Case = ((u8, Vec<(usize, u8)>), usize, usize, bool, Vec<bool>);

/// Two messages of two handsets with the same reference, or of one handset in two forms.
pub(crate) fn any_interleaving_of_parts_gives_exactly_two_messages<B: Backend>(fresh: impl Fn() -> B) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let forms = [ReferenceForm::Header8, ReferenceForm::Header16, ReferenceForm::Parameters];
    let cases = (deliveries(), 0..3_usize, 0..3_usize, any::<bool>(), prop::collection::vec(any::<bool>(), 20));
    let check = |((total, deliveries), one, other, is_answered, restarts): Case| {
        runtime.block_on(async {
            let backend = fresh();
            let mut counter = Counter::at(Desk::open(&backend).await);
            let handsets = if one == other { [HANDSET, OTHER] } else { [HANDSET, HANDSET] };
            for (place, (which, number)) in deliveries.into_iter().enumerate() {
                let mut arrival = part(number, total, &format!("{which}.{number};"), at(place as u64));
                arrival.from = address(handsets[which]);
                arrival.part.as_mut().unwrap().form = forms[[one, other][which]];
                if is_answered {
                    counter.answer(arrival).await;
                } else {
                    counter.hear(arrival).await;
                }
                if place % 7 == 6 && restarts[place % restarts.len()] {
                    let mut desk = counter.desk;
                    desk.reopen(&backend).await;
                    counter = Counter::with(desk, Office::of(counter.owner));
                }
            }
            let whole = |which| (1..=total).map(|number| format!("{which}.{number};")).collect::<String>();
            let mut texts = counter.texts().await;
            texts.sort();
            assert_eq!(texts, [whole(0), whole(1)]);
            assert_eq!(counter.desk.store.count_waiting_parts().await.unwrap(), 0);
        });
        Ok(())
    };
    TestRunner::new(trials::config(48)).run(&cases, check).unwrap();
}
