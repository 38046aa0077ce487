//! Opt-outs, as an account or an operator changes them, and messages of handsets that an operator assigns.

use std::sync::Arc;

use model::error::{ErrorCode, Refusal};
use model::{
    InboundMessage, Keyword, KeywordKind, MessageId, OptOut, OptOutName, OptOutScope, OptOutSource, Originator, Owner,
    Timestamp,
};
use store::StoreError;
use store::contract::inbound::Opt;
use store::contract::optouts::{OptIn, OptedIn};

use super::Pipeline;
use crate::refusal::refused_by_store;

impl Pipeline {
    /// Opts handsets out: one result each, in order, `true` where it was not opted out before. From its return on,
    /// nothing is admitted for them.
    ///
    /// # Errors
    /// Where the store could not take it.
    pub async fn opt_out(self: &Arc<Self>, opt_outs: Vec<OptOut>) -> Result<Vec<bool>, Refusal> {
        let pipeline = Arc::clone(self);
        self.to_the_end(Box::pin(async move {
            let changed = pipeline.store.opt_out(opt_outs).await.map_err(refused_by_store)?;
            pipeline.tenants().follow().await.map_err(refused_by_store)?;
            Ok(changed)
        }))
        .await
    }

    /// Opts a handset in again. From its return on, messages are admitted for it.
    ///
    /// # Errors
    /// Where the store could not take it.
    pub async fn opt_in(self: &Arc<Self>, opt_in: OptIn) -> Result<OptedIn, Refusal> {
        let pipeline = Arc::clone(self);
        self.to_the_end(Box::pin(async move {
            let opted_in = pipeline.store.opt_in(opt_in).await.map_err(refused_by_store)?;
            pipeline.tenants().follow().await.map_err(refused_by_store)?;
            Ok(opted_in)
        }))
        .await
    }

    /// Gives a message that belongs to no account to this owner; what its keyword asks for counts for the owner, without
    /// an automatic message.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown message; and where the store could not take it.
    pub async fn assign_unrouted(
        self: &Arc<Self>,
        id: MessageId,
        owner: Owner,
    ) -> Result<Arc<InboundMessage>, Refusal> {
        let pipeline = Arc::clone(self);
        self.to_the_end(Box::pin(async move {
            let now = pipeline.runtime.now();
            let known = pipeline.store.inbound_of_any_account(id).await.map_err(refused_by_store)?;
            let opt = known.and_then(|message| opt(&message, owner, now));
            let assigned = pipeline.store.assign_unrouted(id, owner, opt, now).await;
            let assigned = assigned.map_err(|error| match error {
                StoreError::NotFound => ErrorCode::NotFound.into(),
                other => refused_by_store(other),
            })?;
            pipeline.tenants().follow().await.map_err(refused_by_store)?;
            Ok(assigned)
        }))
        .await
    }
}

/// What the keyword of a message asks for.
fn opt(message: &InboundMessage, owner: Owner, now: Timestamp) -> Option<Opt> {
    let Keyword { kind, word } = message.keyword.as_ref()?;
    let Some(Originator::Number(number)) = message.from.known() else { return None };
    let opt_out = OptOut {
        name: OptOutName { owner, number, from: None },
        source: OptOutSource::Keyword,
        keyword: Some(Arc::clone(word)),
        message: Some(message.id),
        reason: None,
        created_at: now,
    };
    match kind {
        KeywordKind::Stop => Some(Opt::Out(opt_out)),
        KeywordKind::Start => Some(Opt::In(opt_out, OptOutScope::Account)),
        KeywordKind::Help => None,
    }
}
