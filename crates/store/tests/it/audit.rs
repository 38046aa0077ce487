//! The audit log.

use std::sync::Arc;

use model::{ActorKind, AuditActor, AuditEntry, AuditId, AuditOutcome, AuditRecord, SeededEntropy, Timestamp, Via};
use store::StoreError;
use store::contract::audit::{AuditFilter, AuditPage};

use crate::erase::{erase, person};
use crate::support::{Backend, Desk, NOW, after};

pub(crate) fn entry(seed: u64, at: Timestamp, actor: &str, path: &str) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(at, &SeededEntropy::new(seed)),
        at,
        actor: AuditActor { kind: ActorKind::Operator, name: actor.into() },
        address: Some("192.0.2.7".parse().unwrap()),
        via: Via::Console,
        method: "PUT".into(),
        route: "/blocks/{number}".into(),
        path: path.into(),
        request: Some("{\"reason\":\"\0\"}".into()),
        before: None,
    }
}

pub(crate) fn outcome(at: Timestamp) -> AuditOutcome {
    AuditOutcome { at, status: 200, after: Some("{\"kind\":\"recipient\"}".into()) }
}

fn ids(page: &AuditPage) -> Vec<AuditId> {
    page.records.iter().map(|record| record.entry.id).collect()
}

pub(crate) async fn an_entry_is_there_before_its_outcome_and_joined_with_it(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let one = entry(1, NOW, "ada", "/blocks/a");
    desk.store.begin_audit(one.clone()).await.unwrap();
    assert_eq!(desk.store.begin_audit(one.clone()).await, Err(StoreError::AlreadyExists));
    let open = AuditRecord { entry: one.clone(), outcome: None };
    assert_eq!(desk.store.audit_record(one.id).await, Ok(Some(open)));
    desk.store.end_audit(one.id, outcome(after(1))).await.unwrap();
    desk.store.end_audit(one.id, AuditOutcome { status: 500, ..outcome(after(2)) }).await.unwrap();
    desk.reopen(&fresh).await;
    let ended = AuditRecord { entry: one.clone(), outcome: Some(outcome(after(1))) };
    assert_eq!(desk.store.audit_record(one.id).await, Ok(Some(ended.clone())), "a second outcome changes nothing");
    let page = desk.store.audit(AuditFilter::default(), None, 9).await.unwrap();
    assert_eq!(page, AuditPage { records: vec![ended], next: None });
    let unknown = entry(9, after(9), "ada", "/");
    assert_eq!(desk.store.end_audit(unknown.id, outcome(NOW)).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.audit_record(unknown.id).await, Ok(None));
}

pub(crate) async fn the_audit_log_shows_what_a_filter_asks_for_newest_first(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let store = &desk.store;
    let entries = [
        entry(1, after(1), "ada", "/blocks/a"),
        entry(2, after(2), "bob", "/numbers/b"),
        entry(3, after(3), "ada", "/numbers/_"),
        entry(4, after(4), "ada", "/Blocks"),
    ];
    for one in &entries {
        store.begin_audit(one.clone()).await.unwrap();
    }
    let [one, two, three, four] = entries.map(|entry| entry.id);
    let text = |text: &str| Some(Arc::from(text));
    let all = AuditFilter::default();
    for (filter, expected) in [
        (all.clone(), vec![four, three, two, one]),
        (AuditFilter { actor: text("ada"), ..all.clone() }, vec![four, three, one]),
        (AuditFilter { actor: text("Ada"), ..all.clone() }, vec![]),
        (AuditFilter { path: text("/numbers/"), ..all.clone() }, vec![three, two]),
        (AuditFilter { path: text("/number_"), ..all.clone() }, vec![]),
        (AuditFilter { actor: text("ada"), path: text("/numbers/"), ..all.clone() }, vec![three]),
        (AuditFilter { since: Some(after(2)), before: Some(after(4)), ..all.clone() }, vec![three, two]),
    ] {
        let page = store.audit(filter.clone(), None, 9).await.unwrap();
        assert_eq!((ids(&page), page.next), (expected.clone(), None), "{filter:?}");
        let (mut seen, mut place) = (Vec::new(), None);
        loop {
            let page = store.audit(filter.clone(), place, 1).await.unwrap();
            seen.extend(ids(&page));
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "a page at a time: {filter:?}");
    }
}

pub(crate) async fn old_entries_go_with_their_outcomes_a_few_at_a_time(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let store = &desk.store;
    for seed in 0..4 {
        let one = entry(seed, after(seed), "ada", "/x");
        store.begin_audit(one.clone()).await.unwrap();
        store.end_audit(one.id, outcome(after(seed))).await.unwrap();
    }
    assert_eq!(store.forget_audit(after(3), 2).await, Ok(2));
    assert_eq!(store.forget_audit(after(3), 2).await, Ok(1));
    assert_eq!(store.forget_audit(after(3), 2).await, Ok(0));
    let page = store.audit(AuditFilter::default(), None, 9).await.unwrap();
    assert_eq!(page.records.iter().map(|record| record.entry.at).collect::<Vec<_>>(), [after(3)]);
}

pub(crate) async fn an_erasure_takes_the_number_out_of_the_audit_log(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let store = &desk.store;
    let digits = person().to_string();
    let theirs = AuditEntry {
        request: Some(format!("{{\"to\":\"{digits}\",\"note\":\"x\"}}").into()),
        before: Some(format!("[{}]", &digits[1..]).into()),
        ..entry(1, NOW, "ada", &format!("/blocks/{digits}?kind=recipient"))
    };
    let other = entry(2, after(1), "ada", "/blocks/+18005551299");
    for one in [&theirs, &other] {
        store.begin_audit(one.clone()).await.unwrap();
        store.end_audit(one.id, AuditOutcome { after: one.before.clone(), ..outcome(after(2)) }).await.unwrap();
    }
    let found = store.audit_of(person(), None).await.unwrap();
    assert_eq!((found.entries, found.next), (vec![theirs.id], None));
    let untouched = store.audit_record(other.id).await.unwrap();
    erase(&desk).await;
    assert_eq!(store.audit_of(person(), None).await.unwrap().entries, []);
    let kept = store.audit_record(theirs.id).await.unwrap().unwrap();
    assert_eq!(&*kept.entry.path, "/blocks/+0?kind=recipient");
    assert_eq!(kept.entry.request.as_deref(), Some("{\"to\":\"+0\",\"note\":\"x\"}"));
    assert_eq!((kept.entry.before.as_deref(), kept.outcome.unwrap().after.as_deref()), (Some("[0]"), Some("[0]")));
    assert_eq!(kept.entry.actor, theirs.actor, "who did it stays");
    assert_eq!(store.audit_record(other.id).await.unwrap(), untouched);
    let unknown = desk.erasure_id();
    assert_eq!(store.erase_audit(unknown, vec![theirs.id]).await, Err(StoreError::NotFound));
}
