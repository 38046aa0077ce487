//! Erasure of a person: nothing of a number is left but counts, statuses and times, and nothing of anybody else is
//! touched.

use std::time::Duration;

use model::event::EventKind;
use model::media::{Digest, StoredMedia};
use model::message::{Direction, MessageType};
use model::number::{BlockKind, Number, NumberState};
use model::status::SegmentFate;
use model::variables::Values;
use model::{
    BroadcastStatus, Erasure, ErasureCounts, ErasureId, ErrorType, MediaId, MediaType, Message, MessageId, Moment,
    Msisdn, Screened, ScreeningOutcome, ScreeningRecord, SeededEntropy, Status,
};
use store::StoreError;
use store::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim};
use store::contract::dispatch::{Outcome, Retry, Verdict};
use store::contract::erase::NewErasure;
use store::contract::messages::MessageFilter;
use store::contract::receipts::{Receipt, ReceiptOutcome};
use store::contract::screening::ScreeningFilter;

use crate::broadcasts::{accepted, accepted_with_values, expand, next, value};
use crate::screening::blocked;
use crate::support::{
    Backend, Desk, LEASE_SECS, NORTH, NOW, acks, admission, after, claim, live, number, receipt, under,
};

/// The number that is erased.
pub(crate) fn person() -> Msisdn {
    number("+12025550143")
}

fn to_person(message: Message) -> Message {
    let status_callback = Some("https://a.example/status?name=Ann".into());
    Message { recipient: person(), body: Some("Your code is 9034".into()), status_callback, ..message }
}

fn erasure_id(seed: u64) -> ErasureId {
    ErasureId::new(NOW, &SeededEntropy::new(seed))
}

fn new_erasure(number: Msisdn, id: ErasureId) -> NewErasure {
    NewErasure {
        id,
        number,
        digest: [7; 32],
        operator: "admin token".to_owned(),
        reference: Some("request 12".to_owned()),
        at: NOW,
    }
}

pub(crate) async fn begun(desk: &Desk) -> ErasureId {
    desk.store.begin_erasure(new_erasure(person(), desk.erasure_id())).await.unwrap().id
}

/// Every message to the number or from it.
pub(crate) async fn messages_of(desk: &Desk, number: Msisdn) -> Vec<MessageId> {
    let (recipient, originator) = (Some(number), Some(number.into()));
    let filters = [
        MessageFilter { recipient, ..MessageFilter::default() },
        MessageFilter { originator, ..MessageFilter::default() },
    ];
    let mut found = Vec::new();
    for filter in filters {
        let page = desk.store.messages(None, filter, None, 1_000).await.unwrap();
        assert_eq!(page.next, None);
        found.extend(page.messages.iter().map(|record| record.message.id));
    }
    found
}

/// Erases the person as the platform does, where nothing is under way.
pub(crate) async fn erase(desk: &Desk) -> (Erasure, Vec<StoredMedia>) {
    let (store, id) = (&desk.store, begun(desk).await);
    let packed = store.packed_with(person(), None).await.unwrap();
    store.erase_packed(id, packed.chunks).await.unwrap();
    let erased = store.erase_messages(id, messages_of(desk, person()).await, after(5)).await.unwrap();
    assert_eq!(erased.under_way, []);
    while store.erase_inbound(id, after(5), 2).await.unwrap().more {}
    let receipts = store.receipts_of(person(), None).await.unwrap();
    store.erase_receipts(id, receipts.places, after(5)).await.unwrap();
    let audit = store.audit_of(person(), None).await.unwrap();
    store.erase_audit(id, audit.entries).await.unwrap();
    (store.end_erasure(id, after(6)).await.unwrap(), erased.media)
}

async fn is_blank(desk: &Desk, id: MessageId) {
    let record = desk.store.message_of_any_account(id).await.unwrap().unwrap();
    let message = &record.message;
    assert!(message.body.is_none() && message.media_url.is_none() && message.media.is_none(), "{message:?}");
    assert_eq!(message.status_callback, None);
    assert!(message.recipient.is_nobody() || message.originator.is_nobody());
    assert!(message.recipient != person() && message.originator != person().into());
    assert_eq!(record.delivery.erased_at, Some(after(5)));
    let events = desk.store.events(id).await.unwrap();
    assert_eq!(events.last().map(|event| event.kind), Some(EventKind::Erased));
}

/// A message to the person that was flagged, sent under a key and delivered.
async fn delivered(desk: &Desk, key: &str) -> MessageId {
    let message = to_person(desk.message(desk.account()));
    let (id, token) = (message.id, desk.token());
    let flagged = ScreeningRecord {
        // Its text is screened before the message has its id.
        id: model::ScreeningId::lowest_at(NOW),
        outcome: ScreeningOutcome::Flagged,
        about: Some(Screened::Message(id)),
        body: "Your code is 9034".into(),
        ..blocked(message.account, NOW, 3)
    };
    let recipient = message.recipient;
    let lease = Some(store::contract::dispatch::Lease { token, until: after(LEASE_SECS) });
    let admission = Admission {
        flagged: Some(flagged),
        idempotency: Some(claim(key, "one", NOW)),
        ..under(lease, admission(message))
    };
    assert_eq!(desk.try_admit(admission).await, Admitted::New);
    let attempt = desk.begin(id, token, NOW).await.unwrap();
    let outcome = Outcome {
        id,
        recipient,
        token,
        total: 1,
        attempt,
        carrier: NORTH.into(),
        at: NOW,
        accepted: acks([key]),
        verdict: Verdict::Sent,
        detail: "carrier id x for 12025550143".to_owned(),
        receipt_by: None,
    };
    desk.record(&outcome).await;
    assert_eq!(desk.hear(receipt([key], SegmentFate::Delivered)).await, ReceiptOutcome::Matched { key: 0 });
    id
}

pub(crate) async fn everything_of_a_message_is_blank_but_what_became_of_it(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    for indexed in [false, true] {
        let key = format!("key-{indexed}");
        let id = delivered(&desk, &key).await;
        let other = desk.sent(desk.message(desk.account()), [&format!("other-{indexed}")]).await;
        if indexed {
            while desk.store.index_lists(after(60), Duration::from_secs(1), 100).await.unwrap().filed > 0 {}
        }
        let (before, others) = (desk.delivery(id).await, desk.all_of(other).await);
        let account = desk.store.message_of_any_account(id).await.unwrap().unwrap().message.account;
        let expected = desk.store.erasable(person(), vec![id, other]).await.unwrap();
        let (erasure, _) = erase(&desk).await;
        // All but the acceptance, of which there is no row.
        let counts =
            ErasureCounts { messages: 1, texts: 1, events: 4, screenings: 1, requests: 1, ..ErasureCounts::default() };
        assert_eq!((erasure.counts, expected), (counts, counts));
        desk.reopen(&fresh).await;
        is_blank(&desk, id).await;
        let now = desk.delivery(id).await;
        assert_eq!(model::Delivery { erased_at: None, ..now }, before, "its status and its times stay");
        assert_eq!(desk.all_of(other).await, others, "nothing else is touched");
        let details: Vec<_> = desk.store.events(id).await.unwrap().into_iter().skip(1).map(|one| one.detail).collect();
        assert_eq!(details, [""; 5]);
        assert_eq!(messages_of(&desk, person()).await, []);
        assert!(messages_of(&desk, Msisdn::nobody()).await.contains(&id));
        assert_eq!(desk.store.screening_log(ScreeningFilter::default(), None, 9).await.unwrap(), []);
        // A repeat of the request makes no second message.
        let repeated = desk.store.replay(live(account), &claim(&key, "one", NOW)).await.unwrap();
        assert_eq!(repeated, Some(Earlier::KeyTaken));
        let (again, _) = erase(&desk).await;
        let nothing = (ErasureCounts::default(), Some(after(6)));
        assert_eq!((again.counts, again.ended_at), nothing, "a second time changes nothing");
    }
}

pub(crate) async fn what_the_person_sent_is_erased_as_well(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message =
        Message { originator: person().into(), direction: Direction::Inbound, ..desk.message(desk.account()) };
    let (id, recipient) = (message.id, message.recipient);
    desk.sent(message, ["k"]).await;
    erase(&desk).await;
    is_blank(&desk, id).await;
    let kept = desk.store.message_of_any_account(id).await.unwrap().unwrap().message;
    assert_eq!(kept.recipient, recipient, "the tenant's number is no person's");
}

pub(crate) async fn a_queued_message_is_canceled_with_an_event_and_never_attempted(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.admit(to_person(desk.message(desk.account()))).await;
    let token = desk.token();
    assert_eq!(desk.lease(token, NOW).await.len(), 1);
    let (erasure, _) = erase(&desk).await;
    assert_eq!((erasure.counts.messages, erasure.counts.canceled), (1, 1));
    is_blank(&desk, id).await;
    let delivery = desk.delivery(id).await;
    assert_eq!((delivery.status, delivery.error_type), (Status::Failed, None));
    assert!(delivery.error_message.unwrap().contains("erased"));
    assert_eq!(desk.kinds(id).await, [EventKind::Accepted, EventKind::Ended, EventKind::Erased]);
    assert_eq!(desk.begin(id, token, after(6)).await, None, "nothing leaves after the answer");
    assert_eq!(desk.lease(desk.token(), after(600)).await.len(), 0);
}

pub(crate) async fn an_attempt_under_way_is_awaited_and_not_repeated(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let outcome = desk.attempted(to_person(desk.message(desk.account()))).await;
    let id = begun(&desk).await;
    for _ in 0..2 {
        let erased = desk.store.erase_messages(id, vec![outcome.id], after(5)).await.unwrap();
        assert_eq!(erased.under_way, [outcome.id]);
    }
    assert_eq!(desk.status(outcome.id).await, Status::Queued);
    let retry = Retry { outcome_unknown: true, ..Retry::at_once(NORTH.into(), Moment::of(NOW)) };
    desk.record(&Outcome { verdict: Verdict::Retry(retry), ..outcome.clone() }).await;
    let delivery = desk.delivery(outcome.id).await;
    let expected = (Status::Failed, Some(ErrorType::Unknown), 1);
    assert_eq!((delivery.status, delivery.error_type, delivery.unknown_outcomes), expected, "it may have left");
    let erased = desk.store.erase_messages(id, vec![outcome.id], after(5)).await.unwrap();
    assert_eq!(erased.under_way, []);
    is_blank(&desk, outcome.id).await;
}

pub(crate) async fn a_held_message_is_ended_and_found_under_no_digits(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let outcome = Outcome {
        verdict: Verdict::Hold,
        receipt_by: None,
        ..desk.attempted(to_person(desk.message(desk.account()))).await
    };
    desk.record(&outcome).await;
    assert!(desk.delivery(outcome.id).await.held);
    erase(&desk).await;
    is_blank(&desk, outcome.id).await;
    let delivery = desk.delivery(outcome.id).await;
    assert_eq!((delivery.status, delivery.held), (Status::Failed, false));
}

pub(crate) async fn what_comes_late_for_an_erased_message_counts_and_tells_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let sent = desk.sent(to_person(desk.message(desk.account())), ["17"]).await;
    let held = Outcome { verdict: Verdict::Hold, ..desk.attempted(to_person(desk.message(desk.account()))).await };
    desk.record(&held).await;
    erase(&desk).await;
    // The receipt names the person; its id alone finds the message now.
    let named = Receipt {
        addresses: vec!["12025550143".to_owned()],
        detail: "text:Your code is 9034".to_owned(),
        ..receipt(["17"], SegmentFate::Delivered)
    };
    assert_eq!(desk.hear(named).await, ReceiptOutcome::Matched { key: 0 });
    assert_eq!(desk.status(sent).await, Status::Delivered);
    // And so does an answer that the carrier gave too late, which the status machine does not believe any more.
    let late = Outcome {
        verdict: Verdict::Sent,
        accepted: acks(["18"]),
        detail: "carrier id 18 for 12025550143".to_owned(),
        ..held
    };
    desk.store.record_outcomes(vec![late.clone()]).await.unwrap();
    for id in [sent, late.id] {
        let events = desk.store.events(id).await.unwrap();
        assert!(events.iter().all(|event| !event.detail.contains("2025550143") && !event.detail.contains("9034")));
    }
    let receipt = Receipt { addresses: vec!["12025550143".to_owned()], ..receipt(["18"], SegmentFate::Delivered) };
    assert_ne!(desk.hear(receipt).await, ReceiptOutcome::Parked, "its segment is filed without the recipient");
}

pub(crate) async fn a_recipient_that_waits_for_a_turn_gives_way_to_nobody(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let broadcast = accepted(&desk, desk.account(), 1_500).await;
    let person = desk.store.upcoming(broadcast.id, 1_000).await.unwrap().unwrap().recipients[700];
    let packed = desk.store.packed_with(person, None).await.unwrap();
    assert_eq!((packed.chunks.clone(), packed.recipients), (vec![(broadcast.id, 0)], 1));
    let id = desk.store.begin_erasure(new_erasure(person, erasure_id(1))).await.unwrap().id;
    for _ in 0..2 {
        desk.store.erase_packed(id, packed.chunks.clone()).await.unwrap();
    }
    assert_eq!(desk.store.packed_with(person, None).await.unwrap().chunks, []);
    let upcoming = desk.store.upcoming(broadcast.id, 1_000).await.unwrap().unwrap().recipients;
    assert!(upcoming[700].is_nobody() && upcoming.iter().filter(|number| number.is_nobody()).count() == 1);
    // A turn that was prepared before may hold the number; it is made again once the broadcast has its owner again.
    let prepared = next(&desk, &broadcast, 10, |_| false).await.unwrap();
    assert!(!desk.store.expand(prepared).await.unwrap());
    let owned = desk.store.unexpanded(crate::support::NODE, None, 10).await.unwrap();
    assert_eq!(owned.iter().map(|one| one.id).collect::<Vec<_>>(), [broadcast.id]);
    assert_eq!(expand(&desk, &broadcast, 10).await.len(), 10);
    let record = desk.store.broadcast(None, broadcast.id).await.unwrap().unwrap();
    assert_eq!((record.status, record.counts.total), (BroadcastStatus::Sending, 1_500));
    assert_eq!(record.broadcast.body, broadcast.body, "the text of many is nobody's alone");
    let ended = desk.store.end_erasure(id, after(1)).await.unwrap();
    assert_eq!(ended.counts, ErasureCounts { recipients: 1, ..ErasureCounts::default() });
}

pub(crate) async fn the_values_of_a_recipient_who_is_erased_go_too(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let broadcast = accepted_with_values(&desk, desk.account(), 1_500).await;
    let person = testkit::recipient(1_200);
    let packed = desk.store.packed_with(person, None).await.unwrap();
    let id = desk.store.begin_erasure(new_erasure(person, erasure_id(1))).await.unwrap().id;
    desk.store.erase_packed(id, packed.chunks).await.unwrap();
    desk.store.unexpanded(crate::support::NODE, None, 10).await.unwrap();
    expand(&desk, &broadcast, 1_000).await;
    let upcoming = desk.store.upcoming(broadcast.id, 500).await.unwrap().unwrap();
    assert!(upcoming.recipients[200].is_nobody());
    for (index, values) in (1_000..).zip(upcoming.values) {
        assert_eq!(values, if index == 1_200 { Values::default() } else { value(index) }, "{index}");
    }
}

pub(crate) async fn a_broadcast_to_the_person_alone_loses_its_text(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let waiting = accepted(&desk, desk.account(), 1).await;
    let sent = accepted(&desk, desk.account(), 1).await;
    let made = expand(&desk, &sent, 1).await;
    let person = desk.store.message_of_any_account(made[0]).await.unwrap().unwrap().message.recipient;
    let id = desk.store.begin_erasure(new_erasure(person, erasure_id(1))).await.unwrap().id;
    let packed = desk.store.packed_with(person, None).await.unwrap();
    desk.store.erase_packed(id, packed.chunks).await.unwrap();
    desk.store.erase_messages(id, made, after(5)).await.unwrap();
    for broadcast in [waiting, sent] {
        let record = desk.store.broadcast(None, broadcast.id).await.unwrap().unwrap();
        assert_eq!((record.broadcast.body.clone(), record.counts.total), (None, 1));
    }
    let ended = desk.store.end_erasure(id, after(6)).await.unwrap();
    assert_eq!((ended.counts.messages, ended.counts.recipients, ended.counts.texts), (1, 1, 3));
}

pub(crate) async fn what_matched_nothing_and_names_the_number_is_removed(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let came = |key: &str, address: &str, raw: &str| Receipt {
        addresses: vec![address.to_owned()],
        raw: raw.to_owned().into(),
        ..receipt([key], SegmentFate::Delivered)
    };
    for receipt in [
        came("a", "12025550143", "id:a text:Your code"),
        came("b", "18005551234", "id:b"),
        came("c", "1202*******", "id:c from 2025550143"),
    ] {
        assert_eq!(desk.hear(receipt).await, ReceiptOutcome::Parked);
    }
    let refused = store::contract::receipts::Refused {
        carrier: NORTH.into(),
        at: NOW,
        reason: model::unmatched::Reason::Inbound,
        detail: "a message of a handset".to_owned(),
        raw: "\\x0012025550143\\x00STOP".to_owned(),
    };
    desk.store.record_refused(vec![refused]).await.unwrap();
    let (erasure, _) = erase(&desk).await;
    assert_eq!(erasure.counts, ErasureCounts { receipts: 3, ..ErasureCounts::default() });
    let left = desk.store.unmatched(NORTH, 100).await.unwrap();
    assert_eq!(left.iter().map(|one| one.keys.clone()).collect::<Vec<_>>(), [["b"]]);
    let late = desk.sent(desk.message(desk.account()), ["b"]).await;
    assert_eq!(desk.status(late).await, Status::Delivered, "another's receipt still finds its message");
}

pub(crate) async fn media_go_with_the_person_unless_another_message_waits_for_them(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for shared in [false, true] {
        let media = StoredMedia {
            id: MediaId::new(NOW, &SeededEntropy::new(4)),
            kind: MediaType::Jpeg,
            digest: Digest::of(b"x"),
            bytes: 8,
            stored_at: NOW,
        };
        let with = |message| Message { kind: MessageType::Mms, media: Some(media.id), ..message };
        let first = with(to_person(desk.message(desk.account())));
        let id = first.id;
        let brought = Admission { media: Some(media.clone()), ..admission(first) };
        assert_eq!(desk.try_admit(brought).await, Admitted::New);
        if shared {
            desk.admit(with(desk.message(desk.account()))).await;
        }
        let (erasure, gone) = erase(&desk).await;
        is_blank(&desk, id).await;
        assert_eq!((erasure.counts.media, gone.len()), (1, usize::from(!shared)));
        assert_eq!(desk.store.media(media.id).await.unwrap().is_some(), shared);
    }
}

pub(crate) async fn the_record_of_an_erasure_stays_without_the_number(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let first = desk.store.begin_erasure(new_erasure(person(), erasure_id(1))).await.unwrap();
    let again = desk.store.begin_erasure(new_erasure(person(), erasure_id(2))).await.unwrap();
    assert_eq!(again, first, "one at a time");
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.open_erasures(10).await.unwrap(), [(first.id, Some(person()))], "to be gone on with");
    desk.store.forget_number(first.id).await.unwrap();
    assert_eq!(desk.store.open_erasures(10).await.unwrap(), [(first.id, None)], "only the log is left");
    let ended = desk.store.end_erasure(first.id, after(9)).await.unwrap();
    assert_eq!(ended, Erasure { ended_at: Some(after(9)), ..first.clone() });
    assert_eq!(desk.store.end_erasure(first.id, after(10)).await.unwrap(), ended);
    assert_eq!(desk.store.open_erasures(10).await.unwrap(), []);
    let over = desk.store.erase_messages(first.id, Vec::new(), NOW).await;
    assert_eq!(over, Err(StoreError::NotFound));
    let second =
        desk.store.begin_erasure(NewErasure { digest: [8; 32], ..new_erasure(person(), erasure_id(3)) }).await.unwrap();
    let list = async |of, after| desk.store.erasures(of, after, 10).await.unwrap();
    let newest = first.id.max(second.id);
    assert_eq!(list(None, None).await.len(), 2);
    assert_eq!(list(None, Some(newest)).await.len(), 1);
    assert_eq!(list(Some([7; 32]), None).await, std::slice::from_ref(&ended));
    assert_eq!(list(Some([9; 32]), None).await, []);
    assert_eq!(desk.store.erasure(first.id).await.unwrap(), Some(ended));
}

pub(crate) async fn a_sender_number_is_no_person_and_blocks_stay(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let provisioned: Msisdn = number("+18005559876");
    let sender = Number {
        number: provisioned.into(),
        account: None,
        state: NumberState::Active,
        segments_per_second: None,
        created_at: NOW,
    };
    desk.store.create_number(sender).await.unwrap();
    let refused = desk.store.begin_erasure(new_erasure(provisioned, erasure_id(1))).await;
    assert_eq!(refused, Err(StoreError::AlreadyExists));
    let block = model::number::Block {
        number: person().into(),
        kind: BlockKind::Recipient,
        account: None,
        reason: Some("STOP".to_owned()),
        created_at: NOW,
    };
    desk.store.put_block(block.clone()).await.unwrap();
    erase(&desk).await;
    assert_eq!(desk.store.tenants().await.unwrap().blocks, [block]);
}

/// The answer to a request that waits for news comes after its person was erased: it is not put on record.
pub(crate) async fn an_answer_that_comes_late_is_not_recorded(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let message = to_person(desk.message(desk.account()));
    let (id, account, claim) = (message.id, message.account, claim("late-key", "one", NOW));
    let admission = Admission { idempotency: Some(claim.clone()), ..admission(message) };
    assert_eq!(desk.try_admit(admission).await, Admitted::New);
    erase(&desk).await;
    let key = claim.of(live(account));
    desk.store.record_answer(crate::support::NODE, &key, "to +12025550143".to_owned()).await.unwrap();
    let unknown = IdempotencyClaim { fingerprint: model::idempotency::Fingerprint([0; 32]), ..claim };
    let Some(Earlier::Replayed(replay)) = desk.store.replay(live(account), &unknown).await.unwrap() else {
        panic!("the record is that of an unknown request")
    };
    assert_eq!((replay.answer, replay.made.id), (None, id));
}
