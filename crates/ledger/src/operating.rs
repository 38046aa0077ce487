//! Who runs the platform: the rules that every backend changes operators by, without the rows.

use model::{Operator, Timestamp};

use crate::contract::operators::OperatorChange;

/// An operator as a change leaves it. One who is disabled again stays disabled since the first time.
pub fn changed_operator(known: &Operator, change: OperatorChange, now: Timestamp) -> Operator {
    let disabled_at = match change.disabled {
        Some(true) => known.disabled_at.or(Some(now)),
        Some(false) => None,
        None => known.disabled_at,
    };
    Operator {
        name: known.name.clone(),
        role: change.role.unwrap_or(known.role),
        password: change.password.unwrap_or_else(|| known.password.clone()),
        created_at: known.created_at,
        disabled_at,
    }
}
