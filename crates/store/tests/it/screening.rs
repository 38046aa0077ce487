//! Decisions of the screen: recorded alone or with what they let pass, listed newest first, and forgotten.

use std::sync::Arc;

use model::event::EventKind;
use model::{
    AccountId, Mode, Screened, ScreeningId, ScreeningOutcome, ScreeningRecord, ScreeningReview, ScreeningTemplate,
    SeededEntropy, TemplateId, Timestamp,
};
use store::StoreError;
use store::contract::admission::{Admission, Admitted};
use store::contract::bounds::Bounds;
use store::contract::screening::ScreeningFilter;
use store::contract::tenants::Approved;

use crate::support::{Backend, Desk, NOW, admission, after, number};

pub(crate) fn blocked(account: AccountId, at: Timestamp, seed: u64) -> ScreeningRecord {
    ScreeningRecord {
        id: ScreeningId::new(at, &SeededEntropy::new(seed)),
        account,
        mode: Mode::Live,
        at,
        outcome: ScreeningOutcome::Blocked,
        about: None,
        originator: number("+18005550000"),
        categories: vec!["phishing".to_owned(), "fraud".to_owned()],
        findings: "[{\"score\":0.9}]".to_owned(),
        body: Arc::from("click 'here' \u{1F4B8}"),
        review: None,
    }
}

pub(crate) async fn decisions_are_kept_once_and_listed_newest_first(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    let records = [blocked(account, NOW, 1), blocked(other, after(1), 2), blocked(account, after(2), 3)];
    for record in records.iter().chain(&records) {
        desk.store.record_screening(record.clone()).await.unwrap();
    }
    desk.reopen(&fresh).await;
    let of = |account| ScreeningFilter { account, ..ScreeningFilter::default() };
    let all = desk.store.screening_log(of(None), None, 9).await.unwrap();
    assert_eq!(all, [records[2].clone(), records[1].clone(), records[0].clone()]);
    assert_eq!(desk.store.screening_log(of(Some(account)), None, 1).await.unwrap(), [records[2].clone()]);
    assert_eq!(
        desk.store.screening_log(of(Some(account)), Some(records[2].id), 9).await.unwrap(),
        [records[0].clone()]
    );
    let flagged = ScreeningFilter { outcome: Some(ScreeningOutcome::Flagged), ..ScreeningFilter::default() };
    assert_eq!(desk.store.screening_log(flagged, None, 9).await.unwrap(), []);
    let of_test = ScreeningRecord { mode: Mode::Test, ..blocked(account, after(3), 4) };
    desk.store.record_screening(of_test.clone()).await.unwrap();
    for account in [None, Some(account)] {
        let of = |mode| ScreeningFilter { account, mode: Some(mode), outcome: None, reviewed: None };
        assert_eq!(desk.store.screening_log(of(Mode::Test), None, 9).await.unwrap(), std::slice::from_ref(&of_test));
        assert!(!desk.store.screening_log(of(Mode::Live), None, 9).await.unwrap().contains(&of_test));
    }
}

pub(crate) async fn what_is_flagged_is_recorded_with_its_message_or_not_at_all(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    let with_flag = |message: model::Message| {
        let about = Some(Screened::Message(message.id));
        let flagged = ScreeningRecord { outcome: ScreeningOutcome::Flagged, about, ..blocked(account, NOW, 4) };
        Admission { flagged: Some(flagged), ..admission(message) }
    };
    let refused = with_flag(desk.message(account));
    let refused = Admission { quota: store::contract::admission::Quota { limit: 0, ..refused.quota }, ..refused };
    assert_eq!(desk.try_admit(refused).await, Admitted::QuotaReached);
    assert_eq!(desk.store.screening_log(ScreeningFilter::default(), None, 9).await.unwrap(), []);
    let message = desk.message(account);
    let id = message.id;
    assert_eq!(desk.try_admit(with_flag(message)).await, Admitted::New);
    let found = desk.store.screening_log(ScreeningFilter::default(), None, 9).await.unwrap();
    assert_eq!(found.iter().map(|record| record.about).collect::<Vec<_>>(), [Some(Screened::Message(id))]);
    let events = desk.store.events(id).await.unwrap();
    assert_eq!(
        events.iter().map(|event| (event.kind, event.detail.as_str())).next_back(),
        Some((EventKind::Flagged, "phishing, fraud"))
    );
}

pub(crate) async fn old_decisions_are_forgotten_a_few_at_a_time(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    for secs in 0..5 {
        desk.store.record_screening(blocked(account, after(secs), secs)).await.unwrap();
    }
    assert_eq!(desk.store.forget_screening(after(3), 2).await.unwrap(), 2);
    assert_eq!(desk.store.forget_screening(after(3), 2).await.unwrap(), 1);
    assert_eq!(desk.store.screening_log(ScreeningFilter::default(), None, 9).await.unwrap().len(), 2);
}

pub(crate) async fn a_policy_is_kept_and_an_unknown_account_has_none(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    desk.store.create_account(crate::tenants::account(account)).await.unwrap();
    assert_eq!(desk.store.set_screening(account, Arc::from("{}"), NOW).await.unwrap().screening.as_deref(), Some("{}"));
    desk.reopen(&fresh).await;
    assert_eq!(desk.store.tenants().await.unwrap().accounts[0].screening.as_deref(), Some("{}"));
    assert_eq!(desk.store.set_screening(desk.account(), Arc::from("{}"), NOW).await, Err(StoreError::NotFound));
}

pub(crate) async fn the_last_decisions_of_an_account_are_kept(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    let bounds = Bounds { screened_max: 5, ..Bounds::default() };
    desk.store.keep_within(bounds);
    desk.store.record_screening(blocked(other, NOW, 99)).await.unwrap();
    let of = |account| ScreeningFilter { account: Some(account), outcome: None, mode: None, reviewed: None };
    for n in 0..20 {
        desk.store.record_screening(blocked(account, after(n), n)).await.unwrap();
        if n == 10 {
            desk.reopen(&fresh).await;
            desk.store.keep_within(bounds);
        }
        let kept = desk.store.screening_log(of(account), None, 100).await.unwrap();
        assert!(kept.len() <= 5 && kept[0].at == after(n), "{} after {n}", kept.len());
    }
    assert!(desk.store.screening_log(of(account), None, 100).await.unwrap().len() >= 4);
    assert_eq!(desk.store.screening_log(of(other), None, 100).await.unwrap().len(), 1, "another account's stay");
}

pub(crate) async fn decisions_on_texts_of_test_keys_push_out_no_live_ones(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let account = desk.account();
    desk.store.keep_within(Bounds { screened_max: 5, ..Bounds::default() });
    let kept = |mode| ScreeningFilter { account: Some(account), outcome: None, mode, reviewed: None };
    desk.store.record_screening(blocked(account, NOW, 99)).await.unwrap();
    for n in 1..20 {
        desk.store
            .record_screening(ScreeningRecord { mode: Mode::Test, ..blocked(account, after(n), n) })
            .await
            .unwrap();
    }
    assert_eq!(desk.store.screening_log(kept(Some(Mode::Live)), None, 100).await.unwrap(), [blocked(account, NOW, 99)]);
    assert!((4..=5).contains(&desk.store.screening_log(kept(Some(Mode::Test)), None, 100).await.unwrap().len()));
    assert_eq!(
        desk.store.screening_log(kept(None), None, 1).await.unwrap()[0].at,
        after(19),
        "both modes, newest first"
    );
}

fn template(account: AccountId, text: &str, seed: u64) -> ScreeningTemplate {
    ScreeningTemplate {
        id: TemplateId::new(after(seed), &SeededEntropy::new(seed)),
        account,
        text: Arc::from(text),
        note: seed.is_multiple_of(2).then(|| "a \u{1F4B8} note".to_owned()),
        created_at: after(seed),
    }
}

pub(crate) async fn a_template_is_kept_once_for_each_text_of_an_account(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    for id in [account, other] {
        desk.store.create_account(crate::tenants::account(id)).await.unwrap();
    }
    let templates =
        [template(account, "Hi {name}", 1), template(other, "Hi {name}", 2), template(account, "hi {name}", 3)];
    for template in &templates {
        assert_eq!(desk.store.approve_template(template.clone()).await, Ok(Approved::New));
    }
    let again = ScreeningTemplate { note: Some("other".to_owned()), ..template(account, "Hi {name}", 4) };
    assert_eq!(desk.store.approve_template(again).await, Ok(Approved::Known(templates[0].clone())));
    let unknown = template(desk.account(), "Hi {name}", 5);
    assert_eq!(desk.store.approve_template(unknown).await, Err(StoreError::NotFound));
    desk.reopen(&fresh).await;
    let mut kept = desk.store.tenants().await.unwrap().templates;
    kept.sort_by_key(|template| template.id);
    assert_eq!(kept, templates);
    // Another account's id names nothing.
    assert_eq!(desk.store.remove_template(other, templates[0].id, NOW).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.remove_template(account, templates[0].id, NOW).await, Ok(()));
    assert_eq!(desk.store.remove_template(account, templates[0].id, NOW).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.tenants().await.unwrap().templates.len(), 2);
    assert_eq!(desk.store.approve_template(templates[0].clone()).await, Ok(Approved::New));
}

pub(crate) async fn an_account_has_a_bounded_number_of_templates(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    for id in [account, other] {
        desk.store.create_account(crate::tenants::account(id)).await.unwrap();
    }
    let most = ScreeningTemplate::PER_ACCOUNT_MAX as u64;
    for seed in 0..most {
        let template = template(account, &format!("text {seed}"), seed);
        assert_eq!(desk.store.approve_template(template).await, Ok(Approved::New));
    }
    let one_more = template(account, "one more", most);
    assert_eq!(desk.store.approve_template(one_more.clone()).await, Ok(Approved::Full));
    let known = template(account, "text 7", most);
    assert!(matches!(desk.store.approve_template(known).await, Ok(Approved::Known(_))));
    assert_eq!(desk.store.approve_template(template(other, "one more", most)).await, Ok(Approved::New));
    desk.store.remove_template(account, template(account, "", 7).id, NOW).await.unwrap();
    assert_eq!(desk.store.approve_template(one_more).await, Ok(Approved::New));
}

pub(crate) async fn a_review_is_kept_with_its_decision(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let account = desk.account();
    let records = [blocked(account, NOW, 1), blocked(account, after(1), 2), blocked(desk.account(), after(2), 3)];
    for record in &records {
        desk.store.record_screening(record.clone()).await.unwrap();
    }
    let unknown = blocked(account, after(9), 9).id;
    assert_eq!(desk.store.screening_record(unknown).await, Ok(None));
    let review = |at, is_correct| ScreeningReview { at, is_correct, note: (!is_correct).then(|| "why".to_owned()) };
    let ids = |places: &[usize]| places.iter().map(|place| records[*place].id).collect::<Vec<_>>();
    let first = [ids(&[0, 2]), vec![unknown]].concat();
    assert_eq!(desk.store.review_screening(first, review(after(5), true)).await, Ok(2));
    assert_eq!(desk.store.review_screening(ids(&[2]), review(after(6), false)).await, Ok(1));
    // What is recorded again stays reviewed.
    desk.store.record_screening(records[0].clone()).await.unwrap();
    desk.reopen(&fresh).await;
    let reviewed = [
        ScreeningRecord { review: Some(review(after(5), true)), ..records[0].clone() },
        records[1].clone(),
        ScreeningRecord { review: Some(review(after(6), false)), ..records[2].clone() },
    ];
    assert_eq!(desk.store.screening_record(records[2].id).await, Ok(Some(reviewed[2].clone())));
    let account = Some(account);
    for (filter, expected) in [
        (ScreeningFilter::default(), vec![2, 1, 0]),
        (ScreeningFilter { reviewed: Some(true), ..ScreeningFilter::default() }, vec![2, 0]),
        (ScreeningFilter { reviewed: Some(false), ..ScreeningFilter::default() }, vec![1]),
        (ScreeningFilter { reviewed: Some(true), account, ..ScreeningFilter::default() }, vec![0]),
        (ScreeningFilter { reviewed: Some(false), account, ..ScreeningFilter::default() }, vec![1]),
        (
            ScreeningFilter {
                reviewed: Some(true),
                outcome: Some(ScreeningOutcome::Flagged),
                ..ScreeningFilter::default()
            },
            vec![],
        ),
        (ScreeningFilter { reviewed: Some(true), mode: Some(Mode::Test), ..ScreeningFilter::default() }, vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|place: usize| reviewed[place].clone()).collect();
        assert_eq!(desk.store.screening_log(filter, None, 9).await.unwrap(), expected, "{filter:?}");
    }
    let after_first = ScreeningFilter { reviewed: Some(true), ..ScreeningFilter::default() };
    let page = desk.store.screening_log(after_first, Some(records[2].id), 1).await.unwrap();
    assert_eq!(page, [reviewed[0].clone()]);
}
