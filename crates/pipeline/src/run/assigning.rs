//! Messages that belong to no account, which the operator gives to one.

use std::sync::Arc;

use model::{
    InboundMessage, KeywordKind, MessageId, OptOut, OptOutName, OptOutScope, OptOutSource, Originator, Owner, Timestamp,
};
use store::StoreError;
use store::contract::inbound::Opt;

use super::Pipeline;
use crate::tenants::TenantBook;

impl Pipeline {
    /// Gives a message that belongs to no account to this owner, as if it had come now. What its keyword asks for
    /// counts for the owner; nothing is answered.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a message that is not among those, others as the store.
    pub async fn assign_unrouted(&self, id: MessageId, owner: Owner) -> Result<Arc<InboundMessage>, StoreError> {
        let message = self.unrouted_message(id).await?.ok_or(StoreError::NotFound)?;
        let now = self.runtime.now();
        let opt = opt_of(self.tenants(), &message, owner, now);
        let assigned = self.store().assign_unrouted(id, owner, opt, now).await?;
        self.tenants().follow().await?;
        Ok(assigned)
    }

    /// A message that belongs to no account.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn unrouted_message(&self, id: MessageId) -> Result<Option<Arc<InboundMessage>>, StoreError> {
        let after = u128::from_be_bytes(id.to_bytes()).saturating_add(1);
        let page = self.store().unrouted(Some(MessageId::from_bytes(after.to_be_bytes())), 1).await?;
        Ok(page.messages.into_iter().map(|unrouted| unrouted.message).find(|message| message.id == id))
    }
}

/// How the opt-out list of an owner changes because of a message.
fn opt_of(tenants: &TenantBook, message: &InboundMessage, owner: Owner, now: Timestamp) -> Option<Opt> {
    let keyword = message.keyword.as_ref()?;
    let (Some(Originator::Number(number)), Some(to)) = (message.from.known(), message.to.known()) else { return None };
    let scope = tenants.with_keywords(Some(owner.account), Some(to), |keywords| keywords.opt_out_scope());
    let from = match scope {
        OptOutScope::Account => None,
        OptOutScope::Number => Some(to),
    };
    let change = OptOut {
        name: OptOutName { owner, number, from },
        source: OptOutSource::Keyword,
        keyword: Some(Arc::clone(&keyword.word)),
        message: Some(message.id),
        reason: None,
        created_at: now,
    };
    match keyword.kind {
        KeywordKind::Stop => Some(Opt::Out(change)),
        KeywordKind::Start => Some(Opt::In(change, scope)),
        KeywordKind::Help => None,
    }
}
