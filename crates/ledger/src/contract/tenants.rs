//! Tenants: accounts, keys, numbers and blocks.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use model::account::{Account, AccountState, LimitsChange, TextRetention};
use model::key::{ApiKey, KeyId};
use model::number::{Block, BlockKind, Number, NumberState};
use model::{AccountId, Originator, ScreeningTemplate, TemplateId, Timestamp};

use super::StoreError;

/// Everything about tenants, for the snapshot that checks requests.
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
    /// The keyword settings of accounts and numbers, as JSON.
    pub keywords: Vec<(KeywordsOf, Arc<str>)>,
    /// Numbers that no longer belong to an account, and their last account.
    pub former_owners: Vec<(Originator, AccountId)>,
    /// All templates that operators approved.
    pub templates: Vec<ScreeningTemplate>,
}

/// The outcome of an approval of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// The template is approved.
    New,
    /// The account already had this text; nothing was changed.
    Known(ScreeningTemplate),
    /// The account has the maximum number of templates ([`ScreeningTemplate::PER_ACCOUNT_MAX`]).
    Full,
}

/// The owner of keyword settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeywordsOf {
    /// An account's, for all its numbers.
    Account(AccountId),
    /// A number's, which take precedence over those of its account.
    Number(Originator),
}

/// Changes of an account. `None` changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// Its state.
    pub state: Option<AccountState>,
    /// Its limits, each separately: concurrent changes of different limits are all kept.
    pub limits: LimitsChange,
    /// The retention of its texts; `Some(None)` removes its rule.
    pub retention: Option<Option<TextRetention>>,
}

/// Changes of a number. `None` changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberChange {
    /// Its account; `Some(None)` takes it away from its account.
    pub account: Option<Option<AccountId>>,
    /// Its state.
    pub state: Option<NumberState>,
    /// Its pace in segments a second; `Some(None)` removes the pace.
    pub segments_per_second: Option<Option<NonZeroU32>>,
}

/// Tenants. Reads use [`Tenants::tenants`] and the snapshot made of it.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Everything.
    async fn tenants(&self) -> Result<TenantData, StoreError>;

    /// Adds an account. [`StoreError::AlreadyExists`] for a known id.
    async fn create_account(&self, account: Account) -> Result<(), StoreError>;

    /// Changes an account and returns its new state. [`StoreError::NotFound`] for an unknown account.
    async fn change_account(&self, id: AccountId, change: AccountChange, now: Timestamp)
    -> Result<Account, StoreError>;

    /// Sets an account's screening policy, as JSON, and returns the new state of the account. [`StoreError::NotFound`]
    /// for an unknown account.
    async fn set_screening(&self, id: AccountId, policy: Arc<str>, now: Timestamp) -> Result<Account, StoreError>;

    /// Adds a template, unless its account already has the same text. [`StoreError::NotFound`] for an unknown account.
    async fn approve_template(&self, template: ScreeningTemplate) -> Result<Approved, StoreError>;

    /// Removes a template. [`StoreError::NotFound`] if the account has no template with this id.
    async fn remove_template(&self, account: AccountId, id: TemplateId, now: Timestamp) -> Result<(), StoreError>;

    /// Sets the keyword settings of an account or a number, as JSON. [`StoreError::NotFound`] for an unknown one.
    async fn set_keywords(&self, of: KeywordsOf, settings: Arc<str>, now: Timestamp) -> Result<(), StoreError>;

    /// Adds a key. [`StoreError::NotFound`] for an unknown account, [`StoreError::AlreadyExists`] for a known key id.
    async fn create_key(&self, key: ApiKey) -> Result<(), StoreError>;

    /// Revokes a key and returns it. A second call changes nothing. [`StoreError::NotFound`] for an unknown key.
    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<ApiKey, StoreError>;

    /// Records the last uses of keys. A time before the recorded one changes nothing; unknown keys are ignored. The
    /// change feed does not report it.
    async fn note_key_uses(&self, uses: BTreeMap<KeyId, Timestamp>) -> Result<(), StoreError>;

    /// The last uses of the keys of an account, without keys that were never used.
    async fn key_uses(&self, account: AccountId) -> Result<BTreeMap<KeyId, Timestamp>, StoreError>;

    /// Adds a number, a short code or a name. [`StoreError::AlreadyExists`] for a known one, and for a name that
    /// differs from a known one only in case; [`StoreError::NotFound`] for an unknown account.
    async fn create_number(&self, number: Number) -> Result<(), StoreError>;

    /// Changes a number and returns its new state. [`StoreError::NotFound`] for an unknown number or account.
    async fn change_number(
        &self,
        number: Originator,
        change: NumberChange,
        now: Timestamp,
    ) -> Result<Number, StoreError>;

    /// Sets a block; replaces one with the same number, kind and account. [`StoreError::NotFound`] for an unknown
    /// account.
    async fn put_block(&self, block: Block) -> Result<(), StoreError>;

    /// Removes a block. [`StoreError::NotFound`] if there is none.
    async fn delete_block(
        &self,
        number: Originator,
        kind: BlockKind,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
