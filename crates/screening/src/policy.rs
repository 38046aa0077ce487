//! What an account may send although the screen finds it, and what happens to the rest.

use crate::category::Category;
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What to do with a message in which something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Refuse it (33019).
    #[default]
    Block,
    /// Accept it, mark it, count it.
    Flag,
    /// Do not screen at all.
    Off,
}

/// The screening policy of an account: a plain value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// What happens to a message in which something was found.
    pub action: Action,
    /// Categories that this account may send.
    pub exempt: BTreeSet<Category>,
    /// Domains that this account vouches for, without scheme; each covers its subdomains.
    pub allowed_domains: BTreeSet<String>,
    /// Phrases that are not looked at, whatever their case.
    pub allowed_phrases: BTreeSet<String>,
}

impl Policy {
    /// Whether the account vouches for `host`.
    #[must_use]
    pub fn allows_domain(&self, host: &str) -> bool {
        self.allowed_domains.iter().any(|domain| {
            let domain = domain.trim_matches('.');
            let tail = host.len().checked_sub(domain.len()).and_then(|at| host.get(at..).map(|tail| (at, tail)));
            !domain.is_empty()
                && tail.is_some_and(|(at, tail)| {
                    tail.eq_ignore_ascii_case(domain) && (at == 0 || host.as_bytes()[at - 1] == b'.')
                })
        })
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was found, or the policy does not screen.
    Pass,
    /// Accept and mark.
    Flag,
    /// Refuse.
    Block,
}

/// The decision on one message under one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What becomes of the message.
    pub outcome: Outcome,
    /// What was found; exempt categories are left out of the findings.
    pub verdict: Verdict,
}

/// Applies `policy` to a verdict that was reached under it.
pub(crate) fn decide(mut verdict: Verdict, policy: &Policy) -> Decision {
    verdict.findings.retain(|finding| !policy.exempt.contains(&finding.category));
    let outcome = match policy.action {
        _ if verdict.findings.is_empty() => Outcome::Pass,
        Action::Block => Outcome::Block,
        Action::Flag => Outcome::Flag,
        Action::Off => Outcome::Pass,
    };
    Decision { outcome, verdict }
}
