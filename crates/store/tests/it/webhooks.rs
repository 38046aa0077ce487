//! Webhooks: the log of events has what was committed and nothing else, each endpoint keeps its place, and nothing of a
//! person or of what is old is left.

use std::time::Duration;

use model::status::SegmentFate;
use model::webhook::{DisabledReason, EventType, Format, Ordering, Subscription, Webhook};
use model::{AccountId, Message, MessageId, Mode, Owner, Status, Timestamp, WebhookId};
use store::StoreError;
use store::contract::webhooks::{
    DeliveryAttempt, DeliveryRecord, DeliveryState, EventContent, EventHead, EventsAfter, Failing, Progress,
    ReplayBegun, ReplayOf, SealedSecret, WebhookChange,
};

use crate::erase::{erase, person};
use crate::support::{Backend, Desk, NOW, after, live, receipt};

const ALL: usize = 1_000;

fn webhook(owner: Owner, number: u8, patterns: &[&str]) -> Webhook {
    Webhook {
        id: WebhookId::from_bytes([number; 16]),
        owner,
        url: "https://a.example".into(),
        events: Subscription::parse(patterns.iter().copied()).unwrap(),
        description: None,
        active: true,
        ordering: Ordering::Message,
        broadcast_messages: false,
        format: Format::default(),
        created_at: NOW,
        disabled: None,
    }
}

pub(crate) async fn create(desk: &Desk, owner: Owner, number: u8, patterns: &[&str]) -> WebhookId {
    let new = webhook(owner, number, patterns);
    assert!(desk.store.create_webhook(new.clone(), SealedSecret(vec![number])).await.unwrap());
    new.id
}

async fn heads(desk: &Desk, id: WebhookId) -> Vec<EventHead> {
    desk.store.event_heads(id, 0, None, ALL).await.unwrap().heads
}

async fn kinds(desk: &Desk, id: WebhookId) -> Vec<EventType> {
    heads(desk, id).await.iter().map(|head| head.kind).collect()
}

/// A message that is sent and delivered.
async fn delivered(desk: &Desk, message: Message, key: &str) -> MessageId {
    let id = desk.sent(message, [key]).await;
    desk.hear(receipt([key], SegmentFate::Delivered)).await;
    id
}

pub(crate) async fn events_are_logged_for_owners_with_an_endpoint_alone(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    delivered(&desk, desk.message(account), "before").await;
    let id = create(&desk, live(account), 1, &["*"]).await;
    delivered(&desk, desk.message(other), "of another").await;
    let message = delivered(&desk, desk.message(account), "mine").await;
    assert_eq!(kinds(&desk, id).await, [EventType::MessageSent, EventType::MessageDelivered]);
    let page = desk.store.webhook_events(live(account), None, None, ALL).await.unwrap();
    let seen: Vec<_> = page.events.iter().map(|event| (event.sequence, event.is_final)).collect();
    assert_eq!((seen, page.next), (vec![(2, false), (3, true)], None));
    let statuses: Vec<Status> = page
        .events
        .iter()
        .map(|event| match &event.content {
            EventContent::Message(record) => {
                assert_eq!(record.message.id, message);
                record.delivery.status
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(statuses, [Status::Sent, Status::Delivered], "each as it was then");
    for owner in [live(other), Owner { account, mode: Mode::Test }] {
        assert_eq!(desk.store.webhook_events(owner, None, None, ALL).await.unwrap().events, []);
    }
    // Without the endpoint nothing more is logged.
    desk.store.remove_webhook(live(account), id).await.unwrap();
    delivered(&desk, desk.message(account), "after").await;
    assert_eq!(desk.store.webhook_events(live(account), None, None, ALL).await.unwrap().events.len(), 2);
    desk.store.follow_events_until(live(account), after(600)).await.unwrap();
    delivered(&desk, desk.message(account), "followed").await;
    assert_eq!(desk.store.webhook_events(live(account), None, None, ALL).await.unwrap().events.len(), 4);
}

pub(crate) async fn an_acceptance_is_an_event_where_it_is_named_exactly(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let all = create(&desk, live(account), 1, &["*"]).await;
    desk.admit(desk.message(account)).await;
    assert_eq!(kinds(&desk, all).await, []);
    let queued = create(&desk, live(account), 2, &["messaging.outgoing.message.queued"]).await;
    desk.admit(desk.message(account)).await;
    assert_eq!((kinds(&desk, queued).await, kinds(&desk, all).await), (vec![EventType::MessageQueued], vec![]));
}

pub(crate) async fn numbers_of_events_go_on_after_a_restart_and_after_old_ones_are_gone(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = create(&desk, live(account), 1, &["*"]).await;
    delivered(&desk, desk.message(account), "one").await;
    let first = heads(&desk, id).await;
    while desk.store.forget_events(after(86_400), ALL).await.unwrap() >= ALL {}
    assert_eq!(heads(&desk, id).await, []);
    desk.reopen(&fresh).await;
    delivered(&desk, desk.message(account), "two").await;
    let second = heads(&desk, id).await;
    assert_eq!((first[1].seq + 1, second.len()), (second[0].seq, 2));
    let page = desk.store.webhook_events(live(account), None, Some(EventsAfter::Time(after(1_000_000))), ALL).await;
    assert_eq!(page.unwrap().events, []);
}

fn record(head: EventHead, state: DeliveryState, body: Option<&str>) -> DeliveryRecord {
    let attempt =
        DeliveryAttempt { at: NOW, status: Some(500), cause: Some("why".into()), took_ms: 7, response: "start".into() };
    let due_at = (state == DeliveryState::Pending).then(|| after(5));
    DeliveryRecord { head, state, tries: 1, due_at, attempt: Some(attempt), body: body.map(Into::into) }
}

fn progress(webhook: WebhookId, position: u64, deliveries: Vec<DeliveryRecord>) -> Progress {
    Progress { webhook, position, failing: None, replay: None, deliveries }
}

pub(crate) async fn a_position_never_goes_back_and_what_was_sent_is_kept_until_the_end(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = create(&desk, live(account), 1, &["*"]).await;
    delivered(&desk, desk.message(account), "one").await;
    let head = heads(&desk, id).await[0];
    let failing = Failing { since: after(3), probes: 2 };
    let pending = record(head, DeliveryState::Pending, Some("body"));
    let all = Progress { failing: Some(Some(failing)), ..progress(id, 2, vec![pending]) };
    desk.store.record_progress(vec![all, progress(id, 1, Vec::new())]).await.unwrap();
    desk.reopen(&fresh).await;
    let endpoint = &desk.store.webhooks(None).await.unwrap()[0];
    assert_eq!((endpoint.position, endpoint.last, endpoint.failing), (2, 2, Some(failing)));
    let waiting = desk.store.pending_deliveries(id, 0, ALL).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].head, waiting[0].due_at), (1, head, after(5)));
    let sending = desk.store.event_to_send(id, head.seq).await.unwrap().unwrap();
    assert_eq!(sending.body.as_deref(), Some("body"));
    let done = record(head, DeliveryState::Succeeded, None);
    desk.store.record_progress(vec![progress(id, 2, vec![done])]).await.unwrap();
    let sending = desk.store.event_to_send(id, head.seq).await.unwrap().unwrap();
    assert_eq!((sending.body, desk.store.pending_deliveries(id, 0, ALL).await.unwrap()), (None, vec![]));
    let page = desk.store.deliveries(live(account), id, None, None, None, ALL).await.unwrap();
    let delivery = &page.deliveries[0];
    assert_eq!(
        (delivery.state, delivery.attempts.len(), delivery.event.seq()),
        (DeliveryState::Succeeded, 2, head.seq)
    );
    assert_eq!((&*delivery.attempts[1].response, delivery.attempts[1].cause.as_deref()), ("start", Some("why")));
    let failed = desk.store.deliveries(live(account), id, Some(DeliveryState::Failed), None, None, ALL).await.unwrap();
    assert_eq!(failed.deliveries, []);
}

pub(crate) async fn an_erased_person_is_in_no_event_that_is_not_delivered(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = create(&desk, live(account), 1, &["*"]).await;
    let to_person = Message { recipient: person(), ..desk.message(account) };
    delivered(&desk, to_person, "one").await;
    let head = heads(&desk, id).await[0];
    let pending = || vec![progress(id, 2, vec![record(head, DeliveryState::Pending, Some("+12025550143"))])];
    desk.store.record_progress(pending()).await.unwrap();
    erase(&desk).await;
    let body = async || desk.store.event_to_send(id, head.seq).await.unwrap().unwrap().body;
    assert_eq!(body().await, None);
    // An attempt that was under way meanwhile brings it back no more.
    desk.store.record_progress(pending()).await.unwrap();
    assert_eq!(body().await, None);
    for event in desk.store.webhook_events(live(account), None, None, ALL).await.unwrap().events {
        let EventContent::Message(record) = event.content else { panic!("{:?}", event.content) };
        assert!(record.message.recipient.is_nobody() && record.message.body.is_none());
        assert!(record.delivery.erased_at.is_some());
    }
}

pub(crate) async fn an_erased_person_is_in_no_event_of_a_message_that_was_taken_back(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = create(&desk, live(account), 1, &["*"]).await;
    let message = desk.admit(Message { recipient: person(), ..desk.message(account) }).await;
    desk.store.cancel_message(None, message, after(1)).await.unwrap();
    let head = heads(&desk, id).await[0];
    assert_eq!(head.kind, EventType::MessageCanceled);
    erase(&desk).await;
    // An attempt that was under way meanwhile does not bring it back.
    let pending = progress(id, 1, vec![record(head, DeliveryState::Pending, Some("+12025550143"))]);
    desk.store.record_progress(vec![pending]).await.unwrap();
    assert_eq!(desk.store.event_to_send(id, head.seq).await.unwrap().unwrap().body, None);
}

pub(crate) async fn endpoints_and_secrets_are_bounded_and_their_owners(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    for number in 1..=10 {
        create(&desk, live(account), number, &["*"]).await;
    }
    let eleventh = webhook(live(account), 11, &["*"]);
    assert!(!desk.store.create_webhook(eleventh, SealedSecret(Vec::new())).await.unwrap());
    create(&desk, live(other), 12, &["*"]).await;
    let id = WebhookId::from_bytes([1; 16]);
    for owner in [live(other), Owner { account, mode: Mode::Test }] {
        let secret = SealedSecret(vec![9]);
        assert_eq!(desk.store.remove_webhook(owner, id).await, Err(StoreError::NotFound));
        assert_eq!(desk.store.rotate_webhook_secret(owner, id, secret, NOW).await, Err(StoreError::NotFound));
        assert!(desk.store.change_webhook(owner, id, WebhookChange::default()).await.is_err());
        assert!(desk.store.begin_replay(owner, id, ReplayOf::Events(Vec::new()), NOW).await.is_err());
    }
    for number in 20..30 {
        let secret = SealedSecret(vec![number]);
        desk.store.rotate_webhook_secret(live(account), id, secret, after(60 + u64::from(number))).await.unwrap();
    }
    let at = async |secs| desk.store.webhook_secrets(id, after(secs)).await.unwrap();
    assert_eq!(at(0).await.iter().map(|secret| secret.0[0]).collect::<Vec<_>>(), [29, 28, 27, 26, 25]);
    assert_eq!(at(87).await.len(), 3, "each signs until the end that it was given first");
    assert_eq!(at(1_000).await.len(), 1);
    desk.store.remove_webhook(live(account), id).await.unwrap();
    assert_eq!((at(0).await, desk.store.webhooks(Some(live(account))).await.unwrap().len()), (vec![], 9));
}

pub(crate) async fn an_endpoint_keeps_the_format_with_which_it_was_made(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    for (number, format) in [(1, Format::Json), (2, Format::Twilio)] {
        let new = Webhook { format, ..webhook(owner, number, &["*"]) };
        assert!(desk.store.create_webhook(new, SealedSecret(vec![number])).await.unwrap());
    }
    desk.reopen(&fresh).await;
    let inactive = WebhookChange { active: Some(false), ..WebhookChange::default() };
    let changed = desk.store.change_webhook(owner, WebhookId::from_bytes([2; 16]), inactive).await.unwrap();
    assert_eq!((changed.format, changed.active), (Format::Twilio, false));
    let formats: Vec<Format> =
        desk.store.webhooks(Some(owner)).await.unwrap().iter().map(|endpoint| endpoint.webhook.format).collect();
    assert_eq!(formats, [Format::Json, Format::Twilio]);
}

pub(crate) async fn a_disabled_endpoint_is_an_event_for_the_others(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let (one, two) = (create(&desk, live(account), 1, &["*"]).await, create(&desk, live(account), 2, &["*"]).await);
    let disabled = desk.store.disable_webhook(one, DisabledReason::Gone, after(1)).await.unwrap().unwrap();
    assert_eq!((disabled.active, disabled.disabled), (false, Some((DisabledReason::Gone, after(1)))));
    assert_eq!(desk.store.disable_webhook(one, DisabledReason::Gone, after(2)).await.unwrap(), None);
    assert_eq!((kinds(&desk, one).await, kinds(&desk, two).await), (vec![], vec![EventType::WebhookDisabled]));
    let enable = WebhookChange { active: Some(true), ..WebhookChange::default() };
    let enabled = desk.store.change_webhook(live(account), one, enable).await.unwrap();
    assert_eq!((enabled.active, enabled.disabled), (true, None));
}

pub(crate) async fn a_replay_is_a_place_of_its_own_that_survives(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let id = create(&desk, live(account), 1, &["*"]).await;
    delivered(&desk, desk.message(account), "one").await;
    let all = heads(&desk, id).await;
    let done = vec![record(all[0], DeliveryState::Succeeded, None), record(all[1], DeliveryState::Failed, None)];
    desk.store.record_progress(vec![progress(id, 2, done)]).await.unwrap();
    let range = |state| ReplayOf::Range { since: Timestamp::default(), until: None, state };
    let begin = async |desk: &Desk, of| desk.store.begin_replay(live(account), id, of, NOW).await.unwrap();
    assert_eq!(begin(&desk, range(Some(DeliveryState::Failed))).await, ReplayBegun::Begun);
    desk.reopen(&fresh).await;
    let replay = desk.store.replay_under_way(id).await.unwrap().unwrap();
    let found = desk.store.event_heads(id, replay.position, Some(replay.number), ALL).await.unwrap();
    assert_eq!((found.heads, found.looked_to), (vec![all[1]], 2));
    let ended = Progress { replay: Some((replay.number, 2)), ..progress(id, 2, Vec::new()) };
    desk.store.record_progress(vec![ended]).await.unwrap();
    assert_eq!(desk.store.replay_under_way(id).await.unwrap(), None);
    let event = desk.store.event_to_send(id, 1).await.unwrap().unwrap().event.id;
    assert_eq!(begin(&desk, ReplayOf::Events(vec![event])).await, ReplayBegun::Begun);
    assert_eq!(desk.store.pending_deliveries(id, 0, ALL).await.unwrap()[0].head, all[0]);
    let other = model::EventId::new(after(9), event.log(), 1);
    assert_eq!(begin(&desk, ReplayOf::Events(vec![other])).await, ReplayBegun::UnknownEvent);
    for _ in 0..10 {
        assert_eq!(begin(&desk, range(None)).await, ReplayBegun::Begun);
    }
    assert_eq!(begin(&desk, range(None)).await, ReplayBegun::TooMany);
}

pub(crate) async fn what_is_old_goes_with_its_deliveries_and_removed_endpoints_go_whole(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account: AccountId = desk.account();
    let (id, gone) = (create(&desk, live(account), 1, &["*"]).await, create(&desk, live(account), 2, &["*"]).await);
    delivered(&desk, desk.message(account), "one").await;
    let all = heads(&desk, id).await;
    let succeeded = || all.iter().map(|head| record(*head, DeliveryState::Succeeded, None)).collect();
    desk.store.record_progress(vec![progress(id, 2, succeeded()), progress(gone, 2, succeeded())]).await.unwrap();
    assert_eq!(desk.store.forget_events(NOW, ALL).await.unwrap(), 0);
    desk.store.remove_webhook(live(account), gone).await.unwrap();
    assert_eq!(desk.store.forget_events(NOW, ALL).await.unwrap(), 2, "those of the removed endpoint");
    assert_eq!(desk.store.deliveries(live(account), id, None, None, None, ALL).await.unwrap().deliveries.len(), 2);
    let later = NOW + Duration::from_secs(86_400);
    assert_eq!(desk.store.forget_events(later, ALL).await.unwrap(), 4);
    assert_eq!(desk.store.deliveries(live(account), id, None, None, None, ALL).await.unwrap().deliveries, []);
    assert_eq!(heads(&desk, id).await, []);
}
