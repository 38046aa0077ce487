//! Who may send: accounts, keys, numbers and blocks.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use model::account::{Account, AccountState, LimitsChange, TextRetention};
use model::key::{ApiKey, KeyId};
use model::number::{Block, BlockKind, Number, NumberState};
use model::{AccountId, Originator, ScreeningTemplate, TemplateId, Timestamp};

use super::StoreError;

/// Everything about tenants, for the snapshot that requests are checked against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantData {
    /// All accounts.
    pub accounts: Vec<Account>,
    /// All keys, revoked ones too.
    pub keys: Vec<ApiKey>,
    /// All numbers.
    pub numbers: Vec<Number>,
    /// All blocks.
    pub blocks: Vec<Block>,
    /// What accounts and numbers set about keywords, as JSON.
    pub keywords: Vec<(KeywordsOf, Arc<str>)>,
    /// Numbers that belong to no account any more, and the account that had them last.
    pub former_owners: Vec<(Originator, AccountId)>,
    /// All templates that operators approved.
    pub templates: Vec<ScreeningTemplate>,
}

/// What became of a template that was to be approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// It is there now.
    New,
    /// The account had this text already; nothing was changed.
    Known(ScreeningTemplate),
    /// The account has as many as it may have ([`ScreeningTemplate::PER_ACCOUNT_MAX`]).
    Full,
}

/// Whose settings of keywords something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeywordsOf {
    /// An account's, for all its numbers.
    Account(AccountId),
    /// A number's, which go before those of its account.
    Number(Originator),
}

/// What may change about an account. `None` leaves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// Its state.
    pub state: Option<AccountState>,
    /// Its limits, each by itself: changes of different ones at the same time are all kept.
    pub limits: LimitsChange,
    /// How long its texts are kept; `Some(None)` takes its rule away.
    pub retention: Option<Option<TextRetention>>,
}

/// What may change about a number. `None` leaves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberChange {
    /// Whose it is; `Some(None)` takes it away from everybody.
    pub account: Option<Option<AccountId>>,
    /// What may be done with it.
    pub state: Option<NumberState>,
    /// How many segments a second leave from it; `Some(None)` takes the pace away.
    pub segments_per_second: Option<Option<NonZeroU32>>,
}

/// Who may send. Reading goes through [`Tenants::tenants`] and the snapshot made of it.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Everything.
    async fn tenants(&self) -> Result<TenantData, StoreError>;

    /// Adds an account. [`StoreError::AlreadyExists`] for a known id.
    async fn create_account(&self, account: Account) -> Result<(), StoreError>;

    /// Changes an account and returns it as it is now. [`StoreError::NotFound`] for an unknown one.
    async fn change_account(&self, id: AccountId, change: AccountChange, now: Timestamp)
    -> Result<Account, StoreError>;

    /// Sets an account's screening policy, as JSON, and returns the account as it is now. [`StoreError::NotFound`] for
    /// an unknown one.
    async fn set_screening(&self, id: AccountId, policy: Arc<str>, now: Timestamp) -> Result<Account, StoreError>;

    /// Adds a template, unless its account has the same text already. [`StoreError::NotFound`] for an unknown account.
    async fn approve_template(&self, template: ScreeningTemplate) -> Result<Approved, StoreError>;

    /// Removes a template. [`StoreError::NotFound`] when the account has none of this id.
    async fn remove_template(&self, account: AccountId, id: TemplateId, now: Timestamp) -> Result<(), StoreError>;

    /// Sets what an account or a number sets about keywords, as JSON. [`StoreError::NotFound`] for an unknown one.
    async fn set_keywords(&self, of: KeywordsOf, settings: Arc<str>, now: Timestamp) -> Result<(), StoreError>;

    /// Adds a key. [`StoreError::NotFound`] for an unknown account, [`StoreError::AlreadyExists`] for a known key id.
    async fn create_key(&self, key: ApiKey) -> Result<(), StoreError>;

    /// Revokes a key and returns it. A second time changes nothing. [`StoreError::NotFound`] for an unknown one.
    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<ApiKey, StoreError>;

    /// Notes when keys were used last. An earlier moment than the one on record changes nothing; unknown keys are
    /// passed over. It is no change that others hear of.
    async fn note_key_uses(&self, uses: BTreeMap<KeyId, Timestamp>) -> Result<(), StoreError>;

    /// When the keys of an account were used last. Keys that never were are left out.
    async fn key_uses(&self, account: AccountId) -> Result<BTreeMap<KeyId, Timestamp>, StoreError>;

    /// Adds a number, a short code or a name. [`StoreError::AlreadyExists`] for a known one, and for a name that
    /// differs from a known one in case alone; [`StoreError::NotFound`] for an unknown account.
    async fn create_number(&self, number: Number) -> Result<(), StoreError>;

    /// Changes a number and returns it as it is now. [`StoreError::NotFound`] for an unknown number or account.
    async fn change_number(
        &self,
        number: Originator,
        change: NumberChange,
        now: Timestamp,
    ) -> Result<Number, StoreError>;

    /// Sets a block, in place of the one of the same number, kind and account. [`StoreError::NotFound`] for an unknown
    /// account.
    async fn put_block(&self, block: Block) -> Result<(), StoreError>;

    /// Lifts a block. [`StoreError::NotFound`] when there is none.
    async fn delete_block(
        &self,
        number: Originator,
        kind: BlockKind,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
