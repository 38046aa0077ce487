//! What an account may send although the screen finds it, and what happens to the rest.

use crate::category::Category;
use crate::verdict::{Certainty, Finding, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The action on a message in which something was found. Later ones are stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Accept it as if nothing was found.
    Off,
    /// Accept it, mark it, count it.
    Flag,
    /// Refuse it (33019).
    Block,
}

/// The screening policy of an account: a plain value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// The action on a message whose finding is sure.
    pub sure: Action,
    /// The action on a message whose findings are all unsure.
    pub unsure: Action,
    /// Categories that this account may send.
    pub exempt: BTreeSet<Category>,
    /// Domains that this account vouches for, without scheme; each covers its subdomains.
    pub allowed_domains: BTreeSet<String>,
    /// Phrases that are not looked at, whatever their case.
    pub allowed_phrases: BTreeSet<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            sure: Action::Block,
            unsure: Action::Flag,
            exempt: BTreeSet::new(),
            allowed_domains: BTreeSet::new(),
            allowed_phrases: BTreeSet::new(),
        }
    }
}

impl Policy {
    /// The action on a finding of this certainty.
    #[must_use]
    pub const fn action(&self, certainty: Certainty) -> Action {
        match certainty {
            Certainty::Sure => self.sure,
            Certainty::Unsure => self.unsure,
        }
    }

    /// Whether no text of the account is screened.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.sure == Action::Off && self.unsure == Action::Off
    }

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

/// The decision on one message under one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The strongest action of all findings; `Off` when there is none.
    pub action: Action,
    /// What was found; categories that are exempt, and findings whose action is `Off`, are left out.
    pub verdict: Verdict,
}

/// Applies `policy` to a verdict that was reached under it.
pub(crate) fn decide(mut verdict: Verdict, policy: &Policy) -> Decision {
    let action = |finding: &Finding| policy.action(finding.certainty);
    verdict.findings.retain(|finding| !policy.exempt.contains(&finding.category) && action(finding) > Action::Off);
    let action = verdict.findings.iter().map(action).max().unwrap_or(Action::Off);
    Decision { action, verdict }
}
