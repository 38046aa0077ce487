//! Erasure of what a person sent from a handset: nothing is left but opt-outs, which protect the person.

use std::sync::Arc;

use model::{ErasureCounts, InboundBody, InboundMessage, MessageId, Msisdn};
use store::StoreError;
use store::contract::inbound::{Arrival, InboundFilter};
use store::contract::optouts::OptOutFilter;

use crate::erase::{begun, erase, person};
use crate::office::{Counter, HANDSET, OTHER, OURS, Office, address, arrival, message, part, wide};
use crate::support::{Backend, Desk, NODE, NORTH, NOW, after};

/// What the person sends to an account, in a group and in parts, and to a number of no account.
async fn sent_by_the_person(counter: &Counter) -> (MessageId, MessageId) {
    let files: Arc<[_]> = Arc::from([crate::inbound::file(1), crate::inbound::file(2)]);
    let (mms, _) = message(counter.answer(Arrival { media: files, ..arrival("my secret", NOW) }).await);
    let shared = Arc::from([crate::inbound::file(2)]);
    let other = Arrival { from: address(OTHER), media: shared, ..arrival("their secret", NOW) };
    let (other, _) = message(counter.answer(other).await);
    for text in ["STOP", "START", "STOP"] {
        counter.answer(arrival(text, NOW)).await;
    }
    counter.answer(part(1, 2, "half a secret", NOW)).await;
    counter.office.is_routed.store(false, std::sync::atomic::Ordering::Relaxed);
    counter.answer(arrival("to nobody", NOW)).await;
    counter.office.is_routed.store(true, std::sync::atomic::Ordering::Relaxed);
    (mms.id, other.id)
}

pub(crate) async fn what_the_persons_handset_sent_is_blank(fresh: impl Backend) {
    let mut counter = Counter::at(Desk::open(&fresh).await);
    let (mms, other) = sent_by_the_person(&counter).await;
    let store = &counter.desk.store;
    let others = store.inbound_of_any_account(other).await.unwrap();
    let expected = ErasureCounts { messages: 5, texts: 5, media: 1, ..ErasureCounts::default() };
    assert_eq!(store.erasable_inbound(person()).await.unwrap(), expected);
    let id = begun(&counter.desk).await;
    let mut objects = Vec::new();
    loop {
        let erased = store.erase_inbound(id, after(5), 2).await.unwrap();
        objects.extend(erased.objects);
        if !erased.more {
            break;
        }
    }
    assert_eq!(objects, [crate::inbound::file(1).name()], "another message has the other one");
    let erasure = store.end_erasure(id, after(6)).await.unwrap();
    assert_eq!(erasure.counts, expected);
    assert_eq!(store.erase_inbound(id, after(7), 2).await, Err(StoreError::NotFound));
    let mut desk = counter.desk;
    desk.reopen(&fresh).await;
    counter = Counter::with(desk, Office::of(counter.owner));
    let store = &counter.desk.store;
    let blank = store.inbound_message(counter.owner, mms).await.unwrap().unwrap();
    assert_eq!((&blank.body, &*blank.media, blank.erased_at), (&InboundBody::Gone, &[][..], Some(after(5))));
    assert_eq!((blank.from.known(), &blank.to), (Some(Msisdn::nobody().into()), &address(OURS)));
    let filter = InboundFilter { from: Some(address(HANDSET)), ..InboundFilter::default() };
    for owner in [Some(counter.owner), None] {
        assert_eq!(store.inbound_messages(owner, filter.clone(), None, 9).await.unwrap().messages, []);
    }
    let unrouted = store.unrouted(None, 9).await.unwrap().messages.remove(0).message;
    assert_eq!((&unrouted.body, unrouted.from.known()), (&InboundBody::Gone, Some(Msisdn::nobody().into())));
    assert_eq!(store.inbound_of_any_account(other).await.unwrap(), others, "nothing else is touched");
    assert_eq!(store.count_waiting_parts().await.unwrap(), 0);
    assert_eq!(store.erasable_inbound(person()).await.unwrap(), ErasureCounts::default());
}

pub(crate) async fn opt_outs_of_an_erased_person_stay_in_force_without_their_reasons(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    sent_by_the_person(&counter).await;
    let store = &counter.desk.store;
    let from = model::Originator::parse("72345").unwrap();
    let narrow = model::OptOut {
        name: model::OptOutName { from: Some(from), ..wide(counter.owner) },
        source: model::OptOutSource::Api,
        keyword: None,
        message: None,
        reason: Some("she asked for it".into()),
        created_at: NOW,
    };
    store.opt_out(vec![narrow.clone()]).await.unwrap();
    let before = store.opt_outs(counter.owner, OptOutFilter::default(), None, 9).await.unwrap().opt_outs;
    assert_eq!(before.len(), 2);
    erase(&counter.desk).await;
    let kept = store.opt_outs(counter.owner, OptOutFilter::default(), None, 9).await.unwrap().opt_outs;
    assert_eq!(kept, [model::OptOut { reason: None, ..narrow }, before[1].clone()]);
    let history = store.opt_out_history(counter.owner, person(), None, 9).await.unwrap().changes;
    assert_eq!(
        history.iter().map(|line| (line.is_out, line.opt_out.clone())).collect::<Vec<_>>(),
        [(true, kept[1].clone()), (true, kept[0].clone())]
    );
    assert_eq!(store.opt_out(vec![kept[1].clone()]).await.unwrap(), [false]);
}

pub(crate) async fn the_person_is_nobody_among_the_recipients_of_a_group(fresh: impl Backend) {
    let counter = Counter::at(Desk::open(&fresh).await);
    let group = Arrival { from: address(OTHER), ..arrival("to all of you", NOW) };
    let assembled = store::contract::inbound::Assembled {
        carrier: NORTH.into(),
        from: group.from.clone(),
        to: group.to.clone(),
        received_at: NOW,
        total: 1,
        parts: vec![(1, Arc::clone(&group.content))],
        media: Arc::from([]),
        earlier: None,
    };
    let others = Arc::from([address(HANDSET), address("72346")]);
    let wanted = InboundMessage { additional_recipients: others, ..counter.office.message(&assembled) };
    let fixed = Arc::new(crate::inbound::Fixed(wanted.clone()));
    counter.desk.store.record_inbound(NODE, vec![group], fixed).await.unwrap();
    erase(&counter.desk).await;
    let kept = counter.desk.store.inbound_message(counter.owner, wanted.id).await.unwrap().unwrap();
    let others = Arc::from([model::Originator::from(Msisdn::nobody()).into(), address("72346")]);
    assert_eq!(*kept, InboundMessage { additional_recipients: others, ..wanted });
}
