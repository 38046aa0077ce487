//! Decisions of the screen: recorded alone or with what they let pass, listed newest first, and forgotten.

use std::sync::Arc;

use model::event::EventKind;
use model::{
    AccountId, Mode, Screened, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, SeededEntropy,
    Timestamp,
};
use store::StoreError;
use store::contract::admission::{Admission, Admitted};
use store::contract::bounds::Bounds;
use store::contract::screening::ScreeningFilter;

use crate::support::{Backend, Desk, NOW, admission, after, number};

pub(crate) fn blocked(account: AccountId, at: Timestamp, seed: u64) -> ScreeningRecord {
    ScreeningRecord {
        id: ScreeningId::new(at, &SeededEntropy::new(seed)),
        account,
        mode: Mode::Live,
        at,
        outcome: ScreeningOutcome::Blocked,
        certainty: ScreeningCertainty::Sure,
        about: None,
        originator: number("+18005550000"),
        categories: vec!["phishing".to_owned(), "fraud".to_owned()],
        findings: "[{\"score\":0.9}]".to_owned(),
        body: Arc::from("click 'here' \u{1F4B8}"),
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
        let of = |mode| ScreeningFilter { account, mode: Some(mode), ..ScreeningFilter::default() };
        assert_eq!(desk.store.screening_log(of(Mode::Test), None, 9).await.unwrap(), std::slice::from_ref(&of_test));
        assert!(!desk.store.screening_log(of(Mode::Live), None, 9).await.unwrap().contains(&of_test));
    }
}

pub(crate) async fn decisions_are_listed_by_outcome_and_certainty(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    let (account, other) = (desk.account(), desk.account());
    let mut records = Vec::new();
    for (at, (outcome, certainty, mode)) in ScreeningOutcome::ALL
        .into_iter()
        .flat_map(|outcome| ScreeningCertainty::ALL.map(|certainty| (outcome, certainty)))
        .flat_map(|(outcome, certainty)| [Mode::Live, Mode::Test].map(|mode| (outcome, certainty, mode)))
        .enumerate()
    {
        for (of, secs) in [(account, 2 * at as u64), (other, 2 * at as u64 + 1)] {
            records.push(ScreeningRecord { outcome, certainty, mode, ..blocked(of, after(secs), secs) });
        }
    }
    for record in &records {
        desk.store.record_screening(record.clone()).await.unwrap();
    }
    desk.reopen(&fresh).await;
    let or_all = |choices: [Option<usize>; 2]| [None].into_iter().chain(choices);
    for account in [None, Some(account)] {
        for mode in [None, Some(Mode::Live), Some(Mode::Test)] {
            for (outcome, certainty) in
                or_all([Some(0), Some(1)]).flat_map(|outcome| or_all([Some(0), Some(1)]).map(move |at| (outcome, at)))
            {
                let outcome = outcome.map(|at| ScreeningOutcome::ALL[at]);
                let certainty = certainty.map(|at| ScreeningCertainty::ALL[at]);
                let filter = ScreeningFilter { account, mode, outcome, certainty };
                let wanted: Vec<_> = records
                    .iter()
                    .rev()
                    .filter(|record| {
                        account.is_none_or(|account| record.account == account)
                            && mode.is_none_or(|mode| record.mode == mode)
                            && outcome.is_none_or(|outcome| record.outcome == outcome)
                            && certainty.is_none_or(|certainty| record.certainty == certainty)
                    })
                    .cloned()
                    .collect();
                assert_eq!(desk.store.screening_log(filter, None, 99).await.unwrap(), wanted, "{filter:?}");
                let first = desk.store.screening_log(filter, None, 1).await.unwrap();
                assert_eq!(first, wanted[..1], "{filter:?}");
                let rest = desk.store.screening_log(filter, Some(first[0].id), 99).await.unwrap();
                assert_eq!(rest, wanted[1..], "{filter:?}");
            }
        }
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
    let of = |account| ScreeningFilter { account: Some(account), ..ScreeningFilter::default() };
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
    let kept = |mode| ScreeningFilter { account: Some(account), mode, ..ScreeningFilter::default() };
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
