//! Sign-ins that failed, counted by the reason.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Why an operator was not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name or the password is wrong.
    Password,
    /// The one-time link is unknown, used or too old.
    Link,
    /// The address has had its attempts.
    TooMany,
}

impl Failure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::TooMany => "too_many",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    reason: &'static str,
}

/// How many sign-ins failed. Clones count together.
#[derive(Clone, Default)]
pub struct Failures(Family<Labels, Counter>);

impl Failures {
    /// Puts them where they are read.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("sign_ins_failed", "Sign-ins of operators that failed", self.0.clone());
    }

    pub(super) fn note(&self, failure: Failure) {
        self.0.get_or_create(&Labels { reason: failure.as_str() }).inc();
    }
}
