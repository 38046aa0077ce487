//! The end of a transaction: what was noted is written, the transaction is committed, and those who follow are told.
//!
//! What is locked here is locked last, in the same order by every transaction.

use std::sync::Arc;

use super::fault::Fault;
use super::unit::Unit;
use super::{counts, event_logs, events, feed, listeners, usage};

/// Commits. A transaction that cannot be written is given up.
pub(super) async fn commit(mut unit: Unit) -> Result<(), Fault> {
    let told = match write_noted(&mut unit).await {
        Ok(told) => told,
        Err(fault) => {
            unit.roll_back().await;
            return Err(fault);
        }
    };
    let (core, ends) = (Arc::clone(&unit.core), std::mem::take(&mut unit.ends));
    if told.is_empty() {
        unit.end().await?;
    } else {
        let _publishing = core.publishing.lock().await;
        unit.end().await?;
        feed::publish(&core, told);
    }
    event_logs::publish(&core, ends);
    Ok(())
}

async fn write_noted(unit: &mut Unit) -> Result<feed::Told, Fault> {
    events::write(unit).await?;
    counts::write(unit).await?;
    usage::write(unit).await?;
    if unit.noted.is_empty() {
        return Ok(feed::Told::default());
    }
    let listeners = listeners::look(unit).await?;
    event_logs::write(unit, &listeners).await?;
    feed::write(unit, listeners.kinds).await
}
