//! Templates that operators approved: texts that pass although the screen finds something in them.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use model::{AccountId, ScreeningTemplate, TemplateId};
use screening::{Policy, Screen, Template, TemplateError};
use store::StoreError;
use store::contract::tenants::Approved;

use super::TenantBook;
use super::order::Listed;

/// The templates of each account, oldest first.
#[derive(Default)]
pub(super) struct Templates(HashMap<AccountId, BTreeMap<TemplateId, Kept>>);

struct Kept {
    record: ScreeningTemplate,
    /// What texts are compared with; `None` for one that cannot be read.
    template: Option<Arc<Template>>,
}

impl Templates {
    /// One that cannot be read passes nothing.
    pub(super) fn put(&mut self, record: ScreeningTemplate) {
        let (account, id) = (record.account, record.id);
        let template = Template::parse(&record.text)
            .inspect_err(|error| {
                tracing::error!(%account, %id, %error, "The template {id} cannot be read and has no effect: {error}");
            })
            .ok()
            .map(Arc::new);
        self.0.entry(account).or_default().insert(id, Kept { record, template });
    }

    pub(super) fn remove(&mut self, account: AccountId, id: TemplateId) {
        if let Some(templates) = self.0.get_mut(&account) {
            templates.remove(&id);
            if templates.is_empty() {
                self.0.remove(&account);
            }
        }
    }
}

/// Why a template was not approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApproveError {
    /// The text is no template.
    Text(TemplateError),
    /// The account has as many as it may have.
    Full,
    /// The store did not take it; [`StoreError::NotFound`] for an unknown account.
    Store(StoreError),
}

impl TenantBook {
    /// Whether a text in which something was found passes under a template of its account.
    pub(crate) fn is_known(&self, account: AccountId, text: &str, policy: &Policy, screen: &Screen) -> bool {
        // Texts are not compared while others wait for the lock.
        let templates: Vec<Arc<Template>> = match self.read().templates.0.get(&account) {
            Some(templates) => templates.values().filter_map(|kept| kept.template.clone()).collect(),
            None => return false,
        };
        Template::first_of(templates.iter().map(|template| &**template), text, policy, screen).is_some()
    }

    /// Templates of an account, oldest first, beginning after `after`: at most `limit`.
    pub fn templates(&self, account: AccountId, after: Option<TemplateId>, limit: usize) -> Listed<ScreeningTemplate> {
        let tables = self.read();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let kept = tables.templates.0.get(&account).map(|templates| templates.range((from, Bound::Unbounded)));
        Listed::of(kept.into_iter().flatten().map(|(_, kept)| kept.record.clone()), limit)
    }

    /// One template of an account.
    pub fn template(&self, account: AccountId, id: TemplateId) -> Option<ScreeningTemplate> {
        self.read().templates.0.get(&account)?.get(&id).map(|kept| kept.record.clone())
    }

    /// Approves a template of an account. The same text again changes nothing. Returns the template, and whether it is
    /// new.
    ///
    /// # Errors
    /// [`ApproveError`].
    pub async fn approve_template(
        &self,
        account: AccountId,
        text: &str,
        note: Option<String>,
        screen: &Screen,
    ) -> Result<(ScreeningTemplate, bool), ApproveError> {
        let text = text.trim();
        let template = Template::parse(text).map_err(ApproveError::Text)?;
        template.check(screen).map_err(ApproveError::Text)?;
        let now = self.clock.now();
        let id = TemplateId::minted(&self.mint, now, &*self.entropy);
        let record = ScreeningTemplate { id, account, text: text.into(), note, created_at: now };
        let approved = self.store.approve_template(record.clone()).await.map_err(ApproveError::Store)?;
        self.follow().await.map_err(ApproveError::Store)?;
        match approved {
            Approved::New => Ok((record, true)),
            Approved::Known(known) => Ok((known, false)),
            Approved::Full => Err(ApproveError::Full),
        }
    }

    /// Removes a template. From the next request on it passes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account has none of this id.
    pub async fn remove_template(&self, account: AccountId, id: TemplateId) -> Result<(), StoreError> {
        self.store.remove_template(account, id, self.clock.now()).await?;
        self.follow().await
    }
}
