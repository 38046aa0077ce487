//! Accounts, keys, numbers and blocks: what is made is found again, and what cannot be is refused by name.

use std::sync::Arc;

use model::account::{Account, AccountState, Limits, LimitsChange, TextRetention};
use model::key::{ApiKey, KeyId, SecretDigest};
use model::number::{Block, BlockKind, Number, NumberState};
use model::{AccountId, Mode, Originator, Timestamp};
use store::contract::changes::Kinds;
use store::contract::tenants::{AccountChange, KeywordsOf, NumberChange, TenantData};
use store::{Store, StoreError};

use crate::support::{Backend, Desk, NOW, after, number};

const LIMITS: Limits =
    Limits { message_per_minute: 10, broadcast_per_minute: 5, read_per_minute: 60, daily_quota: 100_000 };

pub(crate) fn account(id: AccountId) -> Account {
    Account {
        id,
        name: "Acme 'n' Söhne".to_owned(),
        state: AccountState::Active,
        limits: LIMITS,
        retention: None,
        screening: None,
        created_at: NOW,
    }
}

fn key(id: &str, account: AccountId) -> ApiKey {
    let digest = SecretDigest::from_bytes(std::array::from_fn(|n| n as u8 * 8));
    ApiKey {
        id: KeyId::from_text(id),
        account,
        mode: Mode::Live,
        name: None,
        digest,
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
    }
}

fn sender(text: &str, account: Option<AccountId>) -> Number {
    Number { number: number(text), account, state: NumberState::Active, segments_per_second: None, created_at: NOW }
}

fn block(text: &str, kind: BlockKind, account: Option<AccountId>) -> Block {
    Block { number: number(text), kind, account, reason: None, created_at: NOW }
}

/// Everything, in an order of its own: the contract names none.
async fn everything(store: &dyn Store) -> TenantData {
    let mut data = store.tenants().await.unwrap();
    data.accounts.sort_by_key(|account| account.id);
    data.keys.sort_by(|a, b| a.id.cmp(&b.id));
    data.numbers.sort_by_key(|number| number.number);
    data.blocks.sort_by_key(|block| (block.number, block.kind.as_str(), block.account));
    data
}

/// A desk with one account.
async fn desk_with_account(fresh: &impl Backend) -> (Desk, AccountId) {
    let desk = Desk::open(fresh).await;
    let id = desk.account();
    desk.store.create_account(account(id)).await.unwrap();
    (desk, id)
}

pub(crate) async fn a_new_store_has_no_tenants(fresh: impl Backend) {
    assert_eq!(fresh.open().await.tenants().await.unwrap(), TenantData::default());
}

pub(crate) async fn what_was_made_is_found_again(fresh: impl Backend) {
    let (mut desk, id) = desk_with_account(&fresh).await;
    let second = Account { name: String::new(), state: AccountState::Disabled, ..account(desk.account()) };
    let keys = vec![
        key("uk_1", id),
        ApiKey { mode: Mode::Test, name: Some("Söhne\0".to_owned()), expires_at: Some(after(9)), ..key("uk_2", id) },
        ApiKey { revoked_at: Some(after(1)), ..key("uk_3", second.id) },
    ];
    let numbers: Vec<Number> = NumberState::ALL
        .iter()
        .enumerate()
        .map(|(n, state)| Number { state: *state, ..sender(&format!("+1800555987{n}"), (n % 2 == 0).then_some(id)) })
        .collect();
    let blocks = vec![
        block("+447700900123", BlockKind::Recipient, None),
        Block { reason: Some("STOP".to_owned()), ..block("+447700900123", BlockKind::Recipient, Some(id)) },
        block("+447700900123", BlockKind::Sender, None),
    ];
    desk.store.create_account(second.clone()).await.unwrap();
    for key in &keys {
        desk.store.create_key(key.clone()).await.unwrap();
    }
    for number in &numbers {
        desk.store.create_number(number.clone()).await.unwrap();
    }
    for block in &blocks {
        desk.store.put_block(block.clone()).await.unwrap();
    }
    let mut accounts = vec![account(id), second];
    accounts.sort_by_key(|account| account.id);
    let made = TenantData { accounts, keys, numbers, blocks, ..TenantData::default() };
    assert_eq!(everything(&*desk.store).await, made);
    desk.reopen(&fresh).await;
    assert_eq!(everything(&*desk.store).await, made);
}

pub(crate) async fn a_name_is_given_once(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    desk.store.create_key(key("uk_1", id)).await.unwrap();
    desk.store.create_number(sender("+18005559876", Some(id))).await.unwrap();
    let before = everything(&*desk.store).await;
    let renamed = Account { name: "Other".to_owned(), ..account(id) };
    assert_eq!(desk.store.create_account(renamed).await, Err(StoreError::AlreadyExists));
    let other_mode = ApiKey { mode: Mode::Test, ..key("uk_1", id) };
    assert_eq!(desk.store.create_key(other_mode).await, Err(StoreError::AlreadyExists));
    assert_eq!(desk.store.create_number(sender("+18005559876", None)).await, Err(StoreError::AlreadyExists));
    assert_eq!(everything(&*desk.store).await, before);
}

/// A sender of this text, of whatever kind.
fn sender_of(text: &str, account: Option<AccountId>) -> Number {
    Number { number: Originator::parse(text).unwrap(), ..sender("+18005559876", account) }
}

pub(crate) async fn senders_of_every_kind_are_kept_and_changed(fresh: impl Backend) {
    let (mut desk, id) = desk_with_account(&fresh).await;
    let mut senders: Vec<Number> =
        ["+18005559876", "72345", "00123", "ACME", "3M", "Åse & Co."].map(|text| sender_of(text, None)).into();
    let mut blocks: Vec<Block> = Vec::new();
    for sender in &senders {
        desk.store.create_number(sender.clone()).await.unwrap();
        blocks.push(Block { number: sender.number, ..block("+18005559876", BlockKind::Sender, Some(id)) });
        desk.store.put_block(blocks[blocks.len() - 1].clone()).await.unwrap();
    }
    for sender in &mut senders {
        (sender.account, sender.state) = (Some(id), NumberState::Suspended);
        let change = NumberChange { account: Some(Some(id)), state: Some(sender.state), ..NumberChange::default() };
        assert_eq!(desk.store.change_number(sender.number, change, NOW).await.as_ref(), Ok(&*sender));
    }
    desk.reopen(&fresh).await;
    senders.sort_by_key(|sender| sender.number);
    blocks.sort_by_key(|block| block.number);
    let kept = everything(&*desk.store).await;
    assert_eq!((kept.numbers, kept.blocks), (senders, blocks));
    for block in &kept_blocks(&desk).await {
        desk.store.delete_block(block.number, block.kind, block.account, NOW).await.unwrap();
    }
    assert_eq!(kept_blocks(&desk).await, []);
}

async fn kept_blocks(desk: &Desk) -> Vec<Block> {
    everything(&*desk.store).await.blocks
}

pub(crate) async fn of_names_that_differ_in_case_alone_there_is_one(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    for text in ["ACME", "ÄRZTE", "123", "00123"] {
        desk.store.create_number(sender_of(text, None)).await.unwrap();
    }
    let before = everything(&*desk.store).await;
    for text in ["ACME", "Acme", "acme", "Ärzte", "ärzte", "123"] {
        let created = desk.store.create_number(sender_of(text, Some(id))).await;
        assert_eq!(created, Err(StoreError::AlreadyExists), "{text}");
    }
    let other = Originator::parse("Acme").unwrap();
    assert_eq!(desk.store.change_number(other, NumberChange::default(), NOW).await, Err(StoreError::NotFound));
    assert_eq!(everything(&*desk.store).await, before);
    desk.store.create_number(sender_of("ACME 2", Some(id))).await.unwrap();
}

pub(crate) async fn one_of_many_who_make_the_same_name_succeeds(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let id = desk.account();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = Arc::clone(&desk.store);
        tasks.spawn(async move { store.create_account(account(id)).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(StoreError::AlreadyExists)).count(), 49);
}

pub(crate) async fn nothing_is_made_for_an_unknown_account(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    desk.store.create_number(sender("+18005559876", Some(id))).await.unwrap();
    let before = everything(&*desk.store).await;
    let nobody = desk.account();
    let to_nobody =
        NumberChange { account: Some(Some(nobody)), state: Some(NumberState::Suspended), ..Default::default() };
    assert_eq!(desk.store.change_account(nobody, AccountChange::default(), NOW).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.create_key(key("uk_1", nobody)).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.create_number(sender("+18005559877", Some(nobody))).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.change_number(number("+18005559876"), to_nobody, NOW).await, Err(StoreError::NotFound));
    let for_nobody = block("+447700900123", BlockKind::Recipient, Some(nobody));
    assert_eq!(desk.store.put_block(for_nobody).await, Err(StoreError::NotFound));
    assert_eq!(everything(&*desk.store).await, before);
}

pub(crate) async fn what_is_unknown_cannot_be_changed(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    let some_number: Originator = number("+18005559876");
    desk.store.put_block(block("+18005559876", BlockKind::Sender, Some(id))).await.unwrap();
    let before = everything(&*desk.store).await;
    assert_eq!(desk.store.revoke_key(&KeyId::from_text("uk_1"), NOW).await, Err(StoreError::NotFound));
    assert_eq!(desk.store.change_number(some_number, NumberChange::default(), NOW).await, Err(StoreError::NotFound));
    for (kind, account) in
        [(BlockKind::Recipient, Some(id)), (BlockKind::Sender, None), (BlockKind::Sender, Some(desk.account()))]
    {
        assert_eq!(
            desk.store.delete_block(some_number, kind, account, NOW).await,
            Err(StoreError::NotFound),
            "{kind:?} {account:?}"
        );
    }
    assert_eq!(everything(&*desk.store).await, before);
}

pub(crate) async fn a_change_to_an_account_leaves_the_rest(fresh: impl Backend) {
    let (mut desk, id) = desk_with_account(&fresh).await;
    let limits = Limits {
        message_per_minute: 0,
        broadcast_per_minute: u32::MAX,
        read_per_minute: 1,
        daily_quota: i64::MAX.unsigned_abs(),
    };
    let all = |limits: Limits| LimitsChange {
        message_per_minute: Some(limits.message_per_minute),
        broadcast_per_minute: Some(limits.broadcast_per_minute),
        read_per_minute: Some(limits.read_per_minute),
        daily_quota: Some(limits.daily_quota),
    };
    let none = LimitsChange::default();
    let mut now = account(id);
    for change in [
        AccountChange::default(),
        AccountChange { state: Some(AccountState::Suspended), ..AccountChange::default() },
        AccountChange { limits: all(limits), ..AccountChange::default() },
        AccountChange { limits: LimitsChange { message_per_minute: Some(7), ..none }, ..AccountChange::default() },
        AccountChange { limits: LimitsChange { broadcast_per_minute: Some(8), ..none }, ..AccountChange::default() },
        AccountChange { limits: LimitsChange { read_per_minute: Some(9), ..none }, ..AccountChange::default() },
        AccountChange { limits: LimitsChange { daily_quota: Some(10), ..none }, ..AccountChange::default() },
        AccountChange { retention: Some(Some(TextRetention::Discard)), ..AccountChange::default() },
        AccountChange { retention: Some(TextRetention::of_days(7)), ..AccountChange::default() },
        AccountChange { state: Some(AccountState::Active), limits: all(LIMITS), retention: Some(None) },
    ] {
        now.state = change.state.unwrap_or(now.state);
        now.retention = change.retention.unwrap_or(now.retention);
        now.limits.message_per_minute = change.limits.message_per_minute.unwrap_or(now.limits.message_per_minute);
        now.limits.broadcast_per_minute = change.limits.broadcast_per_minute.unwrap_or(now.limits.broadcast_per_minute);
        now.limits.read_per_minute = change.limits.read_per_minute.unwrap_or(now.limits.read_per_minute);
        now.limits.daily_quota = change.limits.daily_quota.unwrap_or(now.limits.daily_quota);
        assert_eq!(desk.store.change_account(id, change, NOW).await.as_ref(), Ok(&now));
        desk.reopen(&fresh).await;
        assert_eq!(everything(&*desk.store).await.accounts, [now.clone()]);
    }
}

pub(crate) async fn a_key_is_revoked_once(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    desk.store.create_key(key("uk_1", id)).await.unwrap();
    desk.store.create_key(key("uk_2", id)).await.unwrap();
    let revoked = ApiKey { revoked_at: Some(after(5)), ..key("uk_1", id) };
    for now in [after(5), after(9), NOW] {
        assert_eq!(desk.store.revoke_key(&revoked.id, now).await.as_ref(), Ok(&revoked), "{now}");
    }
    assert_eq!(everything(&*desk.store).await.keys, [revoked, key("uk_2", id)]);
}

pub(crate) async fn the_last_use_of_a_key_is_the_latest_that_was_noted(fresh: impl Backend) {
    let (mut desk, id) = desk_with_account(&fresh).await;
    let other = desk.account();
    desk.store.create_account(account(other)).await.unwrap();
    for (name, account) in [("uk_1", id), ("uk_2", id), ("uk_3", id), ("uk_4", other)] {
        desk.store.create_key(key(name, account)).await.unwrap();
    }
    let [first, second, others, unknown] = ["uk_1", "uk_2", "uk_4", "uk_9"].map(KeyId::from_text);
    let before = everything(&*desk.store).await;
    let tail = desk.store.subscribe(Kinds::TENANTS);
    let noted = [(first.clone(), after(5)), (others.clone(), after(7)), (unknown, after(8))];
    desk.store.note_key_uses(noted.into()).await.unwrap();
    desk.store.note_key_uses([(first.clone(), after(3)), (second.clone(), NOW)].into()).await.unwrap();
    assert!(tail.try_next().is_none(), "a use is no change");
    assert_eq!(everything(&*desk.store).await, before);
    desk.store.revoke_key(&second, after(9)).await.unwrap();
    desk.reopen(&fresh).await;
    let uses = [(first, after(5)), (second, NOW)].into();
    assert_eq!(desk.store.key_uses(id).await, Ok(uses));
    assert_eq!(desk.store.key_uses(other).await, Ok([(others, after(7))].into()));
    assert_eq!(desk.store.key_uses(desk.account()).await, Ok([].into()));
}

pub(crate) async fn a_change_to_a_number_leaves_the_rest(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    let mut now = sender("+18005559876", None);
    desk.store.create_number(now.clone()).await.unwrap();
    desk.store.create_number(sender("+18005559877", Some(id))).await.unwrap();
    let change = |account, state| NumberChange { account, state, ..Default::default() };
    for change in [
        change(None, None),
        change(Some(Some(id)), None),
        change(None, Some(NumberState::Suspended)),
        change(Some(None), Some(NumberState::Released)),
    ] {
        now.account = change.account.unwrap_or(now.account);
        now.state = change.state.unwrap_or(now.state);
        assert_eq!(desk.store.change_number(now.number, change, NOW).await.as_ref(), Ok(&now));
        assert_eq!(everything(&*desk.store).await.numbers, [now.clone(), sender("+18005559877", Some(id))]);
    }
}

pub(crate) async fn a_block_stands_in_place_of_the_one_of_its_name(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    let first = block("+447700900123", BlockKind::Recipient, Some(id));
    let again =
        Block { reason: Some("asked again".to_owned()), created_at: Timestamp::from_millis(7), ..first.clone() };
    let of_all = block("+447700900123", BlockKind::Recipient, None);
    for block in [&first, &of_all, &again] {
        desk.store.put_block(block.clone()).await.unwrap();
    }
    assert_eq!(everything(&*desk.store).await.blocks, [of_all.clone(), again]);
    desk.store.delete_block(first.number, first.kind, first.account, NOW).await.unwrap();
    assert_eq!(everything(&*desk.store).await.blocks, [of_all], "the block of all accounts is another one");
    assert_eq!(desk.store.delete_block(first.number, first.kind, first.account, NOW).await, Err(StoreError::NotFound));
}

pub(crate) async fn settings_of_keywords_end_with_the_account_of_their_number(fresh: impl Backend) {
    let (desk, id) = desk_with_account(&fresh).await;
    let other = desk.account();
    desk.store.create_account(account(other)).await.unwrap();
    let name = number("+18005550100");
    desk.store.create_number(sender("+18005550100", Some(id))).await.unwrap();
    let (of_account, of_number) = (KeywordsOf::Account(id), KeywordsOf::Number(name));
    let set = |of, text: &'static str| desk.store.set_keywords(of, Arc::from(text), NOW);
    set(of_account, "{}").await.unwrap();
    set(of_number, r#"{"yes":false}"#).await.unwrap();
    set(of_number, r#"{"yes":true}"#).await.unwrap();
    let kept = |data: TenantData| {
        let mut kept: Vec<_> = data.keywords.into_iter().map(|(of, text)| (of, text.to_string())).collect();
        kept.sort();
        (kept, data.former_owners)
    };
    let both = vec![(of_account, "{}".to_owned()), (of_number, r#"{"yes":true}"#.to_owned())];
    assert_eq!(kept(everything(&*desk.store).await), (both.clone(), vec![]));
    let paused = NumberChange { state: Some(NumberState::Suspended), ..NumberChange::default() };
    desk.store.change_number(name, paused, NOW).await.unwrap();
    assert_eq!(kept(everything(&*desk.store).await), (both, vec![]), "another state changes no settings");
    let taken = NumberChange { account: Some(None), ..NumberChange::default() };
    desk.store.change_number(name, taken, NOW).await.unwrap();
    let of_account_alone = vec![(of_account, "{}".to_owned())];
    assert_eq!(kept(everything(&*desk.store).await), (of_account_alone.clone(), vec![(name, id)]));
    desk.store.change_number(name, paused, NOW).await.unwrap();
    assert_eq!(kept(everything(&*desk.store).await).1, [(name, id)], "it is remembered");
    let given = NumberChange { account: Some(Some(other)), ..NumberChange::default() };
    desk.store.change_number(name, given, NOW).await.unwrap();
    assert_eq!(kept(everything(&*desk.store).await), (of_account_alone, vec![]));
    desk.store.change_number(name, taken, NOW).await.unwrap();
    assert_eq!(kept(everything(&*desk.store).await).1, [(name, other)], "the last one counts");
    for unknown in [KeywordsOf::Account(desk.account()), KeywordsOf::Number(number("+18005550199"))] {
        assert_eq!(set(unknown, "{}").await, Err(StoreError::NotFound));
    }
}

pub(crate) async fn tenants_are_read_as_of_one_moment(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let store = Arc::clone(&desk.store);
    let ids: Vec<AccountId> = (0..150).map(|_| desk.account()).collect();
    let making = tokio::spawn(async move {
        for (n, id) in ids.into_iter().enumerate() {
            store.create_account(account(id)).await.unwrap();
            store.create_key(key(&format!("uk_{n}"), id)).await.unwrap();
        }
    });
    while !making.is_finished() {
        let seen = desk.store.tenants().await.unwrap();
        for key in &seen.keys {
            assert!(
                seen.accounts.iter().any(|account| account.id == key.account),
                "{} was made after its account",
                key.id
            );
        }
    }
    making.await.unwrap();
}
