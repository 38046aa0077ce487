//! The tenants in memory: accounts, keys and senders, in their present state. Requests are checked against it without
//! the store. Changes go to the store first, and arrive here from its change feed before the operator gets the answer,
//! so they take effect at once.

mod blocks;
mod keywords;
mod optouts;
mod order;
mod templates;
mod uses;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

pub(crate) use keywords::Owned;
use keywords::Settings;
use model::account::{Account, AccountState, Limits, TextRetention};
use model::error::ErrorCode;
use model::key::{ApiKey, KeyId, KeySecret, Mode, Peppers, SecretDigest};
use model::number::{Block, BlockKind, Number, NumberState, may_send};
use model::{AccountId, Clock, Entropy, Mint, Msisdn, Originator, Owner, Timestamp};
pub(crate) use optouts::Barred;
pub use optouts::NewOptOut;
use optouts::OptOutTable;
use order::Order;
pub use order::{BlockName, KeyPlace, Listed};
use runtime::Runtime;
use screening::Policy;
use store::contract::changes::{Change, Kinds, Resource, Tail, Tailed};
use store::contract::tenants::{AccountChange, NumberChange, TenantData};
use store::{Store, StoreError};
pub use templates::ApproveError;
use templates::Templates;
use tokio::sync::Notify;
use uses::Uses;

/// The caller: the result of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The key that it used.
    pub key: KeyId,
    /// The mode of that key.
    pub mode: Mode,
    /// The limits of the account.
    pub limits: Limits,
    /// The screening policy for its texts.
    pub screening: Arc<Policy>,
}

impl Caller {
    /// The owner of the caller's messages.
    pub const fn owner(&self) -> Owner {
        Owner { account: self.account, mode: self.mode }
    }
}

/// The tenants, and the only way to change them.
pub struct TenantBook {
    store: Arc<dyn Store>,
    peppers: Peppers,
    /// Keys that were used and whose digest is of the previous pepper, with the digest of the current one.
    outdated: Mutex<BTreeMap<KeyId, (SecretDigest, SecretDigest)>>,
    /// Rung when there is one.
    grown: Notify,
    uses: Uses,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    // Of ids of accounts and templates, by which these are listed.
    mint: Mint,
    // A lock rather than a snapshot to swap: one opt-out must not copy a million of them. Held for a look-up, never
    // across an await.
    tables: RwLock<Tables>,
    tail: Tail,
    // Held while changes are taken from the tail and applied, so that they stand here in the order of their commits.
    following: tokio::sync::Mutex<Following>,
}

/// The digests of a client's secret, under the current pepper and the previous one.
struct Offered {
    current: SecretDigest,
    before: Option<SecretDigest>,
}

/// How a secret fits a key.
#[derive(Clone, Copy)]
enum Fit {
    Current,
    /// The key's digest is of the previous pepper: that digest, and the one of the current pepper.
    Outdated {
        known: SecretDigest,
        current: SecretDigest,
    },
}

impl Offered {
    fn of(peppers: &Peppers, secret: &str) -> Self {
        let before = peppers.previous.as_ref().map(|pepper| pepper.digest(secret));
        Self { current: peppers.current.digest(secret), before }
    }

    fn fit(&self, known: SecretDigest) -> Option<Fit> {
        let (is_current, is_outdated) = (known == self.current, self.before.is_some_and(|before| known == before));
        match (is_current, is_outdated) {
            (_, true) => Some(Fit::Outdated { known, current: self.current }),
            (true, false) => Some(Fit::Current),
            (false, false) => None,
        }
    }
}

/// The wait before tenants are read again after a failure.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Following {
    /// Changes were missed, and everything is to be read again.
    is_behind: bool,
    /// The store is closed.
    is_over: bool,
}

#[derive(Default)]
struct Tables {
    accounts: HashMap<AccountId, Account>,
    /// Of accounts that have one of their own.
    policies: HashMap<AccountId, Arc<Policy>>,
    templates: Templates,
    keys: HashMap<KeyId, ApiKey>,
    numbers: HashMap<Originator, Number>,
    blocks: HashMap<BlockName, Block>,
    opt_outs: OptOutTable,
    keywords: Settings,
    /// Numbers that belong to no account any more, and the account that had them last.
    former_owners: HashMap<Originator, AccountId>,
    /// The order in which they are listed.
    order: Order,
}

impl TenantBook {
    /// Reads everything from the store.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn load(
        store: Arc<dyn Store>,
        peppers: impl Into<Peppers>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        // What changes from here on is in the tail, whether it is read now as well or not.
        let tail = store.subscribe(Kinds::TENANTS);
        let data = store.tenants().await?;
        let opt_outs = OptOutTable::load(&*store).await?;
        let mint = Mint::default();
        data.accounts.iter().for_each(|account| account.id.seen_by(&mint));
        data.templates.iter().for_each(|template| template.id.seen_by(&mint));
        Ok(Self {
            store,
            peppers: peppers.into(),
            outdated: Mutex::default(),
            grown: Notify::new(),
            uses: Uses::default(),
            clock,
            entropy,
            mint,
            tables: RwLock::new(Tables::of(data, opt_outs)),
            tail,
            following: Default::default(),
        })
    }

    /// Applies every change that was committed before this call. Each method that changes something calls it before it
    /// returns; a task calls it for changes whose caller has gone away.
    ///
    /// # Errors
    /// The errors of the store, if changes were missed and everything has to be read again. The next call tries again.
    pub(crate) async fn follow(&self) -> Result<(), StoreError> {
        let mut following = self.following.lock().await;
        loop {
            while !following.is_over
                && let Some(next) = self.tail.try_next()
            {
                match next {
                    Tailed::Changes(changes) => {
                        let mut tables = self.write();
                        changes.iter().for_each(|change| tables.apply(change));
                    }
                    Tailed::Missed(_) => following.is_behind = true,
                    Tailed::Closed => following.is_over = true,
                }
            }
            if !following.is_behind || following.is_over {
                return Ok(());
            }
            let tables = Tables::of(self.store.tenants().await?, OptOutTable::load(&*self.store).await?);
            *self.write() = tables;
            following.is_behind = false;
        }
    }

    /// Applies committed changes until the store is closed, also those whose caller has gone away.
    pub(crate) async fn keep_up(&self, runtime: &Arc<dyn Runtime>) {
        loop {
            self.tail.ready().await;
            while let Err(error) = self.follow().await {
                tracing::warn!(%error, "Changes of accounts were missed, and the accounts could not be read again \
                    from the store: {error}");
                runtime.sleep(AGAIN).await;
            }
            if self.following.lock().await.is_over {
                return;
            }
        }
    }

    /// The caller with this key at `now`. `None` for an unknown, revoked or expired key, a wrong secret, or an account
    /// that may not send; neither the result nor the time taken reveals which.
    pub fn authenticate(&self, key_id: &str, secret: &str, now: Timestamp) -> Option<Caller> {
        let offered = Offered::of(&self.peppers, secret);
        let tables = self.read();
        let key = tables.keys.get(key_id);
        // An unknown key is compared as well, with a digest that no secret has.
        let fit = offered.fit(key.map_or(SecretDigest::from_bytes([0; 32]), |key| key.digest));
        self.caller(&tables, key?, fit?, now)
    }

    /// The caller with the key of this account that has this secret, in the same way.
    pub fn authenticate_account(&self, account: AccountId, secret: &str, now: Timestamp) -> Option<Caller> {
        let offered = Offered::of(&self.peppers, secret);
        let tables = self.read();
        let keys = tables.order.keys_after(account, None, usize::MAX);
        // Every key is compared, so that the time does not tell which one fits.
        let fit = |id: &KeyId| tables.keys.get(id).and_then(|key| Some((key, offered.fit(key.digest)?)));
        let fits: Vec<_> = keys.items.iter().filter_map(|place| fit(&place.id)).collect();
        let (key, fit) = fits.into_iter().next()?;
        self.caller(&tables, key, fit, now)
    }

    /// The caller with a key whose secret matches.
    fn caller(&self, tables: &Tables, key: &ApiKey, fit: Fit, now: Timestamp) -> Option<Caller> {
        if !key.is_valid_at(now) {
            return None;
        }
        let account = tables.accounts.get(&key.account).filter(|account| account.state == AccountState::Active)?;
        if let Fit::Outdated { known, current } = fit {
            self.outdated.lock().unwrap_or_else(PoisonError::into_inner).insert(key.id.clone(), (known, current));
            self.grown.notify_one();
        }
        self.uses.note(&key.id, now);
        let screening = tables.policies.get(&account.id).cloned().unwrap_or_default();
        Some(Caller { account: account.id, key: key.id.clone(), mode: key.mode, limits: account.limits, screening })
    }

    /// Whether secrets of an earlier pepper are accepted.
    pub(crate) const fn has_previous_pepper(&self) -> bool {
        self.peppers.previous.is_some()
    }

    /// Waits until keys were used whose digests are of the previous pepper, and takes them: each with the digest that
    /// it has, and with that of the current pepper.
    pub(crate) async fn outdated(&self) -> BTreeMap<KeyId, (SecretDigest, SecretDigest)> {
        loop {
            let outdated = std::mem::take(&mut *self.outdated.lock().unwrap_or_else(PoisonError::into_inner));
            if !outdated.is_empty() {
                return outdated;
            }
            self.grown.notified().await;
        }
    }

    /// The operator on behalf of an account, as if with a key of this mode. `None` for an unknown account, and for an
    /// account that may not send.
    pub fn on_behalf_of(&self, owner: Owner) -> Option<Caller> {
        let tables = self.read();
        let account = tables.accounts.get(&owner.account).filter(|account| account.state == AccountState::Active)?;
        let screening = tables.policies.get(&account.id).cloned().unwrap_or_default();
        let (limits, key) = (account.limits, KeyId::from_text("operator"));
        Some(Caller { account: account.id, key, mode: owner.mode, limits, screening })
    }

    /// Whether `account` may send from `originator`: it exists, belongs to the account, is active, and is not blocked.
    /// The first failed check is the error.
    pub fn check_sender(&self, account: AccountId, originator: Originator) -> Result<(), ErrorCode> {
        let tables = self.read();
        may_send(account, tables.numbers.get(&originator))?;
        if tables.is_blocked(originator, BlockKind::Sender, account) { Err(ErrorCode::SenderBlocked) } else { Ok(()) }
    }

    /// The keyed digest under which an erased number is remembered.
    pub(crate) fn digest_of_number(&self, number: Msisdn) -> [u8; 32] {
        self.peppers.current.digest_of_number(number)
    }

    /// That digest, and the one of the previous pepper.
    pub(crate) fn digests_of_number(&self, number: Msisdn) -> impl Iterator<Item = [u8; 32]> {
        self.peppers.each().map(move |pepper| pepper.digest_of_number(number))
    }

    /// The pace of a sender in segments a second; `None` if it has no pace of its own.
    pub fn pace_of(&self, originator: Originator) -> Option<NonZeroU32> {
        self.read().numbers.get(&originator)?.segments_per_second
    }

    /// The screening policy of an account.
    pub fn screening(&self, account: AccountId) -> Arc<Policy> {
        self.read().policies.get(&account).cloned().unwrap_or_default()
    }

    /// Changes the screening policy of an account.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn set_screening(&self, id: AccountId, policy: Policy) -> Result<(), StoreError> {
        let text = serde_json::to_string(&policy).map_err(|error| StoreError::Refused(error.to_string()))?;
        self.store.set_screening(id, text.into(), self.clock.now()).await?;
        self.follow().await
    }

    /// Accounts, oldest first, beginning after `after`: at most `limit`. With `name`, only those whose name contains
    /// it, in upper or lower case; that looks at every account until there are enough.
    pub fn accounts(&self, name: Option<&str>, after: Option<AccountId>, limit: usize) -> Listed<Account> {
        let tables = self.read();
        let (order, find) = (&tables.order.accounts, |id: &AccountId| tables.accounts.get(id));
        let ids = match name.map(str::to_lowercase) {
            None => order.after(after.as_ref(), limit),
            Some(part) => order.wanted_after(after.as_ref(), limit, |id| {
                find(id).is_some_and(|account| account.name.to_lowercase().contains(&part))
            }),
        };
        ids.look_up(find)
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Option<Account> {
        self.read().accounts.get(&id).cloned()
    }

    /// Creates an account without its own rule for texts.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn create_account(&self, name: String, limits: Limits) -> Result<Account, StoreError> {
        self.create_account_keeping(name, limits, None).await
    }

    /// Creates an account, perhaps with its own rule for texts.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn create_account_keeping(
        &self,
        name: String,
        limits: Limits,
        retention: Option<TextRetention>,
    ) -> Result<Account, StoreError> {
        let now = self.clock.now();
        let id = AccountId::minted(&self.mint, now, &*self.entropy);
        let account =
            Account { id, name, state: AccountState::Active, limits, screening: None, retention, created_at: now };
        self.store.create_account(account.clone()).await?;
        self.follow().await?;
        Ok(account)
    }

    /// Changes an account's state, limits or rule for texts.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown account.
    pub async fn change_account(&self, id: AccountId, change: AccountChange) -> Result<Account, StoreError> {
        let account = self.store.change_account(id, change, self.clock.now()).await?;
        self.follow().await?;
        Ok(account)
    }

    /// An account's keys, oldest first, beginning after `after`: at most `limit`.
    pub fn keys(&self, account: AccountId, after: Option<&KeyPlace>, limit: usize) -> Listed<ApiKey> {
        let tables = self.read();
        tables.order.keys_after(account, after, limit).look_up(|place| tables.keys.get(&place.id))
    }

    /// One key.
    pub fn key(&self, id: &str) -> Option<ApiKey> {
        self.read().keys.get(id).cloned()
    }

    /// Creates a key. The secret is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown account.
    pub async fn create_key(
        &self,
        account: AccountId,
        mode: Mode,
        name: Option<String>,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, KeySecret), StoreError> {
        let secret = KeySecret::new(mode, &*self.entropy);
        let key = ApiKey {
            id: KeyId::new(&*self.entropy),
            account,
            mode,
            name,
            digest: self.peppers.current.digest(secret.reveal()),
            created_at: self.clock.now(),
            expires_at,
            revoked_at: None,
        };
        self.store.create_key(key.clone()).await?;
        self.follow().await?;
        Ok((key, secret))
    }

    /// Revokes a key, for good. A second call changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown key.
    pub async fn revoke_key(&self, id: &KeyId) -> Result<(), StoreError> {
        self.store.revoke_key(id, self.clock.now()).await?;
        self.follow().await
    }

    /// Senders: numbers, then short codes, then names, in their order, beginning after `after`: at most `limit`.
    pub fn numbers(&self, after: Option<&Originator>, limit: usize) -> Listed<Number> {
        let tables = self.read();
        tables.order.numbers.after(after, limit).look_up(|number| tables.numbers.get(number))
    }

    /// The senders that belong to an account, in the same order.
    pub fn numbers_of(&self, account: AccountId, after: Option<&Originator>, limit: usize) -> Listed<Number> {
        let tables = self.read();
        tables.order.numbers_after(account, after, limit).look_up(|number| tables.numbers.get(number))
    }

    /// One sender.
    pub fn number(&self, number: Originator) -> Option<Number> {
        self.read().numbers.get(&number).cloned()
    }

    /// Adds a sender.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for a known sender, and for a name that differs from a known one only in case;
    /// [`StoreError::NotFound`] for an unknown account.
    pub async fn create_number(
        &self,
        number: Originator,
        account: Option<AccountId>,
        state: NumberState,
        segments_per_second: Option<NonZeroU32>,
    ) -> Result<Number, StoreError> {
        let number = Number { number, account, state, segments_per_second, created_at: self.clock.now() };
        self.store.create_number(number.clone()).await?;
        self.follow().await?;
        Ok(number)
    }

    /// Changes the account of a number, its state, or its pace.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown number or account.
    pub async fn change_number(&self, number: Originator, change: NumberChange) -> Result<Number, StoreError> {
        let number = self.store.change_number(number, change, self.clock.now()).await?;
        self.follow().await?;
        Ok(number)
    }

    // No step under the lock can leave the tables half changed, so a panic elsewhere does not spoil them.
    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn of(data: TenantData, opt_outs: OptOutTable) -> Self {
        let mut tables = Self { opt_outs, ..Self::default() };
        data.accounts.into_iter().for_each(|account| {
            tables.set_policy(account.id, account.screening.as_deref());
            tables.put_account(account);
        });
        data.keys.into_iter().for_each(|key| tables.put_key(key));
        data.numbers.into_iter().for_each(|number| tables.put_number(number));
        data.blocks.into_iter().for_each(|block| tables.put_block(block));
        data.keywords.iter().for_each(|(of, settings)| tables.keywords.set(*of, settings));
        data.templates.into_iter().for_each(|template| tables.templates.put(template));
        tables.former_owners.extend(data.former_owners);
        tables
    }

    /// Applies a change here. A second call changes nothing.
    fn apply(&mut self, change: &Change) {
        match &change.resource {
            Resource::Account(account) => self.put_account(account.clone()),
            Resource::Policy { account, policy } => {
                self.set_policy(*account, Some(policy));
                if let Some(account) = self.accounts.get_mut(account) {
                    account.screening = Some(Arc::clone(policy));
                }
            }
            Resource::TemplateApproved(template) => self.templates.put(template.clone()),
            Resource::TemplateRemoved { account, id } => self.templates.remove(*account, *id),
            Resource::Key(key) => self.put_key(key.clone()),
            Resource::Number(number) => self.put_number(number.clone()),
            Resource::Blocked(block) => self.put_block(block.clone()),
            Resource::Unblocked { number, kind, account } => {
                let name = (*number, *kind, *account);
                self.order.remove_block(&name);
                self.blocks.remove(&name);
            }
            Resource::OptedOut(opt_out) => self.opt_outs.put(&opt_out.name, opt_out.created_at),
            Resource::OptedIn(opt_out) => self.opt_outs.remove(&opt_out.name),
            Resource::Keywords { of, settings } => self.keywords.set(*of, settings),
            Resource::Message { .. } | Resource::Broadcast { .. } | Resource::Inbound { .. } => {}
        }
    }

    fn put_account(&mut self, account: Account) {
        self.order.accounts.put(account.id);
        self.accounts.insert(account.id, account);
    }

    /// One that cannot be read screens for everything.
    fn set_policy(&mut self, account: AccountId, policy: Option<&str>) {
        match policy.and_then(|text| policy_of(account, text)) {
            Some(policy) => self.policies.insert(account, Arc::new(policy)),
            None => self.policies.remove(&account),
        };
    }

    fn put_key(&mut self, key: ApiKey) {
        self.order.put_key(&key);
        self.keys.insert(key.id.clone(), key);
    }

    fn put_number(&mut self, number: Number) {
        let (name, account) = (number.number, number.account);
        let had = self.numbers.insert(name, number).map(|had| had.account);
        self.order.put_number(name, had.flatten(), account);
        if had.is_some_and(|had| had != account) {
            // They were words of the account before.
            self.keywords.forget_number(name);
        }
        match (had.flatten(), account) {
            (_, Some(_)) => drop(self.former_owners.remove(&name)),
            (Some(had), None) => drop(self.former_owners.insert(name, had)),
            (None, None) => {}
        }
    }

    fn put_block(&mut self, block: Block) {
        let name = name_of(&block);
        self.order.put_block(&name);
        self.blocks.insert(name, block);
    }

    fn is_blocked(&self, address: Originator, kind: BlockKind, account: AccountId) -> bool {
        if self.blocks.is_empty() {
            return false;
        }
        [None, Some(account)].into_iter().any(|whose| self.blocks.contains_key(&(address, kind, whose)))
    }
}

/// A policy as it is written; `None`, and a log line, for one that cannot be read.
fn policy_of(account: AccountId, text: &str) -> Option<Policy> {
    serde_json::from_str(text)
        .inspect_err(
            |error| tracing::error!(%account, %error, "The screening policy of {account} cannot be read: {error}"),
        )
        .ok()
}

fn name_of(block: &Block) -> BlockName {
    (block.number, block.kind, block.account)
}
