//! How long parts wait for others, and how long messages are kept that belong to no account. The rules may change while
//! the pipeline runs; a step that ends waits reads them.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// The operator's rules for messages of handsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundRules {
    /// How long a message whose parts have not all come waits for the next one.
    pub parts_wait: Duration,
    /// How long messages are kept for the operator that belong to no account.
    pub unrouted_kept: Duration,
}

impl Default for InboundRules {
    fn default() -> Self {
        Self { parts_wait: Duration::from_secs(600), unrouted_kept: Duration::from_secs(7 * 86_400) }
    }
}

/// The rules that hold now.
#[derive(Debug, Default)]
pub(crate) struct InboundRulesInForce(RwLock<InboundRules>);

impl InboundRulesInForce {
    pub(crate) fn new(rules: InboundRules) -> Self {
        Self(RwLock::new(rules))
    }

    pub(crate) fn get(&self) -> InboundRules {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, rules: InboundRules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}
