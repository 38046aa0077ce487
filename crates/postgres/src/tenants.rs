//! The hosts that may send.
//!
//! What a change rests on is locked until its commit: the row that it changes, and the account that it names. Rows of
//! accounts are locked so that others may still name them. Of those who make the same name at once, the key lets one
//! succeed; the others wait for its commit and are told that the name is taken.

mod read;
mod templates;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use model::account::Account;
use model::key::{ApiKey, KeyId, SecretDigest};
use model::number::{Block, BlockKind, Number};
use model::{AccountId, Originator, ScreeningTemplate, TemplateId, Timestamp};

use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, follow};
use ledger::StoreError;
use ledger::contract::changes::Resource;
use ledger::contract::tenants::{AccountChange, Approved, KeywordsOf, NumberChange, TenantData, Tenants};
use ledger::tenancy;

#[async_trait]
impl Tenants for Postgres {
    async fn tenants(&self) -> Result<TenantData, StoreError> {
        self.core.read((), |unit, ()| Box::pin(read::everything(unit))).await
    }

    async fn create_account(&self, account: Account) -> Result<(), StoreError> {
        self.core.write(account, |unit, account| Box::pin(create_account(unit, account))).await
    }

    async fn change_account(
        &self,
        id: AccountId,
        change: AccountChange,
        now: Timestamp,
    ) -> Result<Account, StoreError> {
        self.core
            .write((id, change, now), |unit, (id, change, now)| Box::pin(change_account(unit, *id, *change, *now)))
            .await
    }

    async fn set_screening(&self, id: AccountId, policy: Arc<str>, now: Timestamp) -> Result<Account, StoreError> {
        self.core
            .write((id, policy, now), |unit, (id, policy, now)| Box::pin(set_screening(unit, *id, policy, *now)))
            .await
    }

    async fn approve_template(&self, template: ScreeningTemplate) -> Result<Approved, StoreError> {
        self.core.write(template, |unit, template| Box::pin(approve_template(unit, template))).await
    }

    async fn remove_template(&self, account: AccountId, id: TemplateId, now: Timestamp) -> Result<(), StoreError> {
        self.core
            .write((account, id, now), |unit, (account, id, now)| Box::pin(remove_template(unit, *account, *id, *now)))
            .await
    }

    async fn set_keywords(&self, of: KeywordsOf, settings: Arc<str>, now: Timestamp) -> Result<(), StoreError> {
        self.core
            .write((of, settings, now), |unit, (of, settings, now)| Box::pin(set_keywords(unit, *of, settings, *now)))
            .await
    }

    async fn create_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.core.write(key, |unit, key| Box::pin(create_key(unit, key))).await
    }

    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<ApiKey, StoreError> {
        let input = (id.clone(), now);
        let (key, is_news) = self.core.write(input, |unit, (id, now)| Box::pin(revoke_key(unit, id, *now))).await?;
        if !is_news {
            // Another node has revoked it, and this one may not have heard of that. It must refuse the key before the
            // caller gets its answer.
            follow::catch_up(&self.core).await?;
        }
        Ok(key)
    }

    async fn note_key_uses(&self, uses: BTreeMap<KeyId, Timestamp>) -> Result<(), StoreError> {
        self.core
            .write(uses, |unit, uses| Box::pin(async move { write::note_key_uses(unit, uses).await.map(drop) }))
            .await
    }

    async fn key_uses(&self, account: AccountId) -> Result<BTreeMap<KeyId, Timestamp>, StoreError> {
        self.core.read(account, |unit, account| Box::pin(read::key_uses(unit, *account))).await
    }

    async fn create_number(&self, number: Number) -> Result<(), StoreError> {
        self.core.write(number, |unit, number| Box::pin(create_number(unit, number))).await
    }

    async fn change_number(
        &self,
        number: Originator,
        change: NumberChange,
        now: Timestamp,
    ) -> Result<Number, StoreError> {
        self.core
            .write((number, change, now), |unit, (number, change, now)| {
                Box::pin(change_number(unit, *number, *change, *now))
            })
            .await
    }

    async fn put_block(&self, block: Block) -> Result<(), StoreError> {
        self.core.write(block, |unit, block| Box::pin(put_block(unit, block))).await
    }

    async fn delete_block(
        &self,
        number: Originator,
        kind: BlockKind,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.core
            .write((number, kind, account, now), |unit, (number, kind, account, now)| {
                Box::pin(delete_block(unit, *number, *kind, *account, *now))
            })
            .await
    }
}

async fn create_account(unit: &mut Unit, account: &Account) -> Result<(), Fault> {
    let made = write::insert_account(unit, account).await?;
    let resource = Resource::Account(account.clone());
    note(unit, made, account.created_at, resource).ok_or(Fault::Told(StoreError::AlreadyExists))
}

async fn change_account(
    unit: &mut Unit,
    id: AccountId,
    change: AccountChange,
    now: Timestamp,
) -> Result<Account, Fault> {
    let account = read::lock_account(unit, id).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    let account = tenancy::changed_account(account, change);
    let changed = write::update_account(unit, &account).await?;
    note(unit, changed, now, Resource::Account(account.clone()));
    Ok(account)
}

async fn set_screening(unit: &mut Unit, id: AccountId, policy: &Arc<str>, now: Timestamp) -> Result<Account, Fault> {
    let mut account = read::lock_account(unit, id).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    account.screening = Some(Arc::clone(policy));
    let changed = write::update_account(unit, &account).await?;
    note(unit, changed, now, Resource::Policy { account: id, policy: Arc::clone(policy) });
    Ok(account)
}

/// The account stays locked, so that its templates are counted and added to by one transaction at a time.
async fn approve_template(unit: &mut Unit, template: &ScreeningTemplate) -> Result<Approved, Fault> {
    read::lock_account(unit, template.account).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    if let Some(known) = templates::with_text(unit, template.account, &template.text).await? {
        return Ok(Approved::Known(known));
    }
    if templates::count(unit, template.account).await? >= ScreeningTemplate::PER_ACCOUNT_MAX {
        return Ok(Approved::Full);
    }
    let added = templates::insert(unit, template).await?;
    note(unit, added, template.created_at, Resource::TemplateApproved(template.clone()));
    Ok(Approved::New)
}

async fn remove_template(unit: &mut Unit, account: AccountId, id: TemplateId, now: Timestamp) -> Result<(), Fault> {
    let removed = templates::delete(unit, account, id).await?;
    note(unit, removed, now, Resource::TemplateRemoved { account, id }).ok_or(Fault::Told(StoreError::NotFound))
}

async fn set_keywords(unit: &mut Unit, of: KeywordsOf, settings: &Arc<str>, now: Timestamp) -> Result<(), Fault> {
    let changed = write::set_keywords(unit, of, settings).await?;
    let resource = Resource::Keywords { of, settings: Arc::clone(settings) };
    note(unit, changed, now, resource).ok_or(Fault::Told(StoreError::NotFound))
}

async fn create_key(unit: &mut Unit, key: &ApiKey) -> Result<(), Fault> {
    require_account(unit, Some(key.account)).await?;
    let made = write::insert_key(unit, key).await?;
    note(unit, made, key.created_at, Resource::Key(key.clone())).ok_or(Fault::Told(StoreError::AlreadyExists))
}

/// Revokes a key. Returns it, and whether it was not revoked before.
async fn revoke_key(unit: &mut Unit, id: &KeyId, now: Timestamp) -> Result<(ApiKey, bool), Fault> {
    let mut key = read::lock_key(unit, id).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    let is_news = key.revoked_at.is_none();
    if is_news {
        key.revoked_at = Some(now);
        let changed = write::revoke_key(unit, id, now).await?;
        note(unit, changed, now, Resource::Key(key.clone()));
    }
    Ok((key, is_news))
}

/// As [`ledger::contract::peppers::PepperRecords::rehash_key`].
pub(super) async fn rehash_key(
    unit: &mut Unit,
    id: &KeyId,
    from: SecretDigest,
    to: SecretDigest,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Some(key) = read::lock_key(unit, id).await?.filter(|key| key.digest == from) else { return Ok(false) };
    let changed = write::update_digest(unit, id, to).await?;
    Ok(note(unit, changed, now, Resource::Key(ApiKey { digest: to, ..key })).is_some())
}

async fn create_number(unit: &mut Unit, number: &Number) -> Result<(), Fault> {
    require_account(unit, number.account).await?;
    let made = write::insert_number(unit, number).await?;
    let resource = Resource::Number(number.clone());
    note(unit, made, number.created_at, resource).ok_or(Fault::Told(StoreError::AlreadyExists))
}

async fn change_number(
    unit: &mut Unit,
    name: Originator,
    change: NumberChange,
    now: Timestamp,
) -> Result<Number, Fault> {
    let number = read::lock_number(unit, name).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    require_account(unit, change.account.flatten()).await?;
    let number = tenancy::changed_number(number, change);
    let changed = write::update_number(unit, &number).await?;
    note(unit, changed, now, Resource::Number(number.clone()));
    Ok(number)
}

async fn put_block(unit: &mut Unit, block: &Block) -> Result<(), Fault> {
    require_account(unit, block.account).await?;
    let set = write::put_block(unit, block).await?;
    note(unit, set, block.created_at, Resource::Blocked(block.clone()));
    Ok(())
}

async fn delete_block(
    unit: &mut Unit,
    number: Originator,
    kind: BlockKind,
    account: Option<AccountId>,
    now: Timestamp,
) -> Result<(), Fault> {
    let removed = write::delete_block(unit, number, kind, account).await?;
    note(unit, removed, now, Resource::Unblocked { number, kind, account }).ok_or(Fault::Told(StoreError::NotFound))
}

/// Notes a change that was made to so many rows. Nothing, where there was none to change.
fn note(unit: &mut Unit, rows: u64, at: Timestamp, resource: Resource) -> Option<()> {
    (rows > 0).then(|| unit.note(at, tenancy::owner(&resource), resource))
}

/// Refuses an account that is not known.
async fn require_account(unit: &Unit, id: Option<AccountId>) -> Result<(), Fault> {
    match id {
        Some(id) if !read::has_account(unit, id).await? => Err(Fault::Told(StoreError::NotFound)),
        _ => Ok(()),
    }
}
