//! Parts of messages: in any order, more than once, and late.

use std::sync::Arc;
use std::time::Duration;

use model::{InboundBody, InboundMessage};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::contract::changes::Resource;
use store::contract::inbound::{
    Arrival, Followed, InboundFilter, InboundOutcome, LATE_PARTS_WITHIN, PartName, PartsStep, ReferenceForm,
};

use crate::office::{Counter, HANDSET, OTHER, Office, address, at, message, part};
use crate::support::{Backend, Desk, NODE, NOW, SOUTH, live};

/// How long parts are waited for.
const WAIT: Duration = Duration::from_secs(600);

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

/// Records arrivals at once, each on its own. Returns what became of them.
pub(crate) async fn heard_at_once(counter: &Counter, arrivals: Vec<Arrival>) -> Vec<InboundOutcome> {
    let mut tasks = tokio::task::JoinSet::new();
    for arrival in arrivals {
        let (store, office) = (Arc::clone(&counter.desk.store), Arc::clone(&counter.office));
        tasks.spawn(
            async move { store.record_inbound(NODE, vec![arrival], office as _).await.unwrap().remove(0).outcome },
        );
    }
    tasks.join_all().await
}

pub(crate) async fn parts_that_come_at_once_and_twice_become_one_message(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    for round in 0..10 {
        let mut arrivals: Vec<Arrival> = (1..=3).map(|number| part(number, 3, &format!("{number};"), NOW)).collect();
        arrivals.extend(arrivals.clone());
        arrivals.iter_mut().for_each(|arrival| arrival.part.as_mut().unwrap().reference = round);
        let outcomes = heard_at_once(&counter, arrivals).await;
        let count = |is: fn(&InboundOutcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
        let counts = (
            count(|outcome| matches!(outcome, InboundOutcome::Message(..))),
            count(|outcome| *outcome == InboundOutcome::Part),
            count(|outcome| *outcome == InboundOutcome::Repeated),
        );
        assert_eq!(counts, (1, 2, 3), "{outcomes:?}");
    }
    assert_eq!(counter.texts().await, ["1;2;3;"; 10]);
    assert_eq!(counter.desk.store.count_waiting_parts().await.unwrap(), 0);
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
