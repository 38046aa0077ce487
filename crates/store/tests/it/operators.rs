//! Operators, their links and their sessions.

use std::time::Duration;

use model::key::SecretDigest;
use model::operator::{LINK_VALID, SESSION_IDLE, SESSION_LONGEST};
use model::{Operator, OperatorName, PasswordHash, Role};
use store::StoreError;
use store::contract::operators::{OperatorChange, Proof};

use crate::support::{Backend, Desk, NOW, after};

pub(crate) fn name(text: &str) -> OperatorName {
    text.parse().unwrap()
}

pub(crate) fn operator(text: &str) -> Operator {
    let password = Some(PasswordHash::from_text("hash of one"));
    Operator { name: name(text), role: Role::Operator, password, created_at: NOW, disabled_at: None }
}

pub(crate) const fn digest(octet: u8) -> SecretDigest {
    SecretDigest::from_bytes([octet; 32])
}

fn password(of: &str, hash: &str) -> Proof {
    Proof::Password(name(of), PasswordHash::from_text(hash))
}

pub(crate) async fn an_operator_is_kept_as_it_was_created(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (ada, bob) = (operator("ada"), Operator { role: Role::Viewer, password: None, ..operator("bob@example.com") });
    desk.store.create_operator(bob.clone()).await.unwrap();
    desk.store.create_operator(ada.clone()).await.unwrap();
    assert_eq!(desk.store.create_operator(ada.clone()).await, Err(StoreError::AlreadyExists));
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.operator(&ada.name).await, Ok(Some(ada.clone())));
    assert_eq!(desk.store.operator(&name("eve")).await, Ok(None));
    assert_eq!(desk.store.operators(None, 1).await, Ok(vec![ada.clone()]));
    assert_eq!(desk.store.operators(Some(ada.name), 9).await, Ok(vec![bob]));
}

pub(crate) async fn a_link_begins_one_session_and_only_in_time(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (store, ada) = (&desk.store, operator("ada"));
    store.create_operator(ada.clone()).await.unwrap();
    let until = NOW + LINK_VALID;
    store.create_link(digest(1), &ada.name, until).await.unwrap();
    store.create_link(digest(2), &ada.name, until).await.unwrap();
    assert_eq!(store.create_link(digest(3), &name("eve"), until).await, Err(StoreError::NotFound));
    let uses = (10..20).map(|octet| store.begin_session(Proof::Link(digest(1)), digest(octet), after(1)));
    let mut began = 0;
    for used in join_all(uses.collect()).await {
        began += usize::from(used.unwrap().is_some());
    }
    assert_eq!(began, 1, "of many at once");
    assert_eq!(store.begin_session(Proof::Link(digest(2)), digest(30), until).await, Ok(None), "too old");
    assert_eq!(store.begin_session(Proof::Link(digest(9)), digest(31), NOW).await, Ok(None), "unknown");
}

type Doing<'d, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'd>>;

/// Runs all at once, on one task.
async fn join_all<T>(mut doing: Vec<Doing<'_, T>>) -> Vec<T> {
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        doing.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if doing.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

pub(crate) async fn a_session_lasts_while_it_is_used_and_no_longer_than_a_week(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let ada = operator("ada");
    desk.store.create_operator(ada.clone()).await.unwrap();
    let began = desk.store.begin_session(password("ada", "hash of one"), digest(1), NOW).await;
    assert_eq!(began, Ok(Some(ada.clone())));
    assert_eq!(desk.store.begin_session(password("ada", "hash of two"), digest(2), NOW).await, Ok(None));
    desk.reopen(&fresh).await;
    let store = &desk.store;
    let session = store.session(digest(1), after(60)).await.unwrap().unwrap();
    assert_eq!((session.operator, session.began_at, session.seen_at), (ada, NOW, NOW));
    let step = Duration::from_secs(11 * 3_600);
    let mut now = NOW;
    while now + step < NOW + SESSION_LONGEST {
        now = now + step;
        assert!(store.session(digest(1), now).await.unwrap().is_some());
        store.see_session(digest(1), now).await.unwrap();
        store.see_session(digest(1), NOW).await.unwrap();
        assert_eq!(store.session(digest(1), now).await.unwrap().unwrap().seen_at, now, "a later note stays");
    }
    assert_eq!(store.session(digest(1), NOW + SESSION_LONGEST).await, Ok(None));
    assert_eq!(store.session(digest(1), now + SESSION_IDLE).await, Ok(None));
    store.see_session(digest(7), NOW).await.unwrap();
    assert_eq!(store.session(digest(7), NOW).await, Ok(None), "an unknown one stays unknown");
    assert_eq!(store.end_session(digest(1)).await, Ok(Some(name("ada"))));
    assert_eq!(store.end_session(digest(1)).await, Ok(None));
}

pub(crate) async fn a_change_of_an_operator_ends_what_it_is_signed_in_with(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let store = &desk.store;
    for one in ["ada", "bob"] {
        store.create_operator(operator(one)).await.unwrap();
    }
    store.begin_session(password("bob", "hash of one"), digest(99), NOW).await.unwrap().unwrap();
    let new = Some(Some(PasswordHash::from_text("hash of one")));
    let changes = [
        (OperatorChange { role: Some(Role::Admin), ..OperatorChange::default() }, true),
        (OperatorChange { role: Some(Role::Admin), ..OperatorChange::default() }, false),
        (OperatorChange { password: Some(None), ..OperatorChange::default() }, true),
        (OperatorChange { password: new, ..OperatorChange::default() }, true),
        (OperatorChange { disabled: Some(true), ..OperatorChange::default() }, true),
    ];
    for (place, (change, ends)) in (1..).zip(changes) {
        let (link, session) = (digest(place), digest(place + 20));
        store.create_link(link, &name("ada"), after(600)).await.unwrap();
        store.create_link(digest(place + 40), &name("ada"), after(600)).await.unwrap();
        store.begin_session(Proof::Link(digest(place + 40)), session, NOW).await.unwrap().unwrap();
        store.change_operator(&name("ada"), change, after(1)).await.unwrap();
        assert_eq!(store.session(session, after(2)).await.unwrap().is_none(), ends, "session {place}");
        let used = store.begin_session(Proof::Link(link), digest(place + 60), after(2)).await.unwrap();
        assert_eq!(used.is_none(), ends, "link {place}");
    }
    let ada = store.operator(&name("ada")).await.unwrap().unwrap();
    assert_eq!((ada.role, ada.disabled_at), (Role::Admin, Some(after(1))));
    assert_eq!(store.create_link(digest(80), &name("ada"), after(600)).await, Err(StoreError::NotFound));
    assert_eq!(store.begin_session(password("ada", "hash of one"), digest(81), after(3)).await, Ok(None), "disabled");
    let enabled = OperatorChange { disabled: Some(false), ..OperatorChange::default() };
    store.change_operator(&name("ada"), enabled.clone(), after(4)).await.unwrap();
    assert!(store.begin_session(password("ada", "hash of one"), digest(82), after(5)).await.unwrap().is_some());
    assert!(store.session(digest(99), after(5)).await.unwrap().is_some(), "another operator's session goes on");
    assert_eq!(store.change_operator(&name("eve"), enabled, NOW).await, Err(StoreError::NotFound));
}

pub(crate) async fn old_links_and_sessions_are_forgotten_a_few_at_a_time(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let store = &desk.store;
    store.create_operator(operator("ada")).await.unwrap();
    for octet in 0..5 {
        store.create_link(digest(octet), &name("ada"), after(600)).await.unwrap();
    }
    for octet in 10..13 {
        store.begin_session(password("ada", "hash of one"), digest(octet), NOW).await.unwrap().unwrap();
    }
    store.see_session(digest(10), after(1)).await.unwrap();
    assert_eq!(store.forget_sign_ins(after(599), 2).await, Ok(0));
    assert_eq!(store.forget_sign_ins(NOW + SESSION_IDLE, 2).await, Ok(2));
    assert_eq!(store.forget_sign_ins(NOW + SESSION_IDLE, 2).await, Ok(2));
    assert_eq!(store.forget_sign_ins(NOW + SESSION_IDLE, 2).await, Ok(1));
    assert_eq!(store.forget_sign_ins(NOW + SESSION_IDLE, 2).await, Ok(0));
    assert!(store.session(digest(10), NOW + SESSION_IDLE).await.unwrap().is_some());
    assert_eq!(store.end_session(digest(11)).await, Ok(None));
}
