//! Operators of the platform, the one-time links with which they sign in, and their sessions.
//!
//! The store keeps only digests of the tokens of links and sessions: they do not let a reader of the store sign in.

use async_trait::async_trait;
use model::key::SecretDigest;
use model::{Operator, OperatorName, PasswordHash, Role, Session, Timestamp};

use super::StoreError;

/// Changes of an operator. `None` changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorChange {
    /// The rights of the operator.
    pub role: Option<Role>,
    /// The hash of the password; `Some(None)` removes the password.
    pub password: Option<Option<PasswordHash>>,
    /// Whether the operator may not sign in.
    pub disabled: Option<bool>,
}

/// The proof that an operator may begin a session. The transaction that begins the session checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A one-time link, by the digest of its token. The session uses it up.
    Link(SecretDigest),
    /// A password that matched this hash, which must still be the operator's.
    Password(OperatorName, PasswordHash),
}

/// Operators.
#[async_trait]
pub trait Operators: Send + Sync {
    /// Adds an operator. [`StoreError::AlreadyExists`] for a known name.
    async fn create_operator(&self, operator: Operator) -> Result<(), StoreError>;

    /// One operator; `None` for an unknown one.
    async fn operator(&self, name: &OperatorName) -> Result<Option<Operator>, StoreError>;

    /// Operators in the order of their names, beginning after `after`: at most `limit`.
    async fn operators(&self, after: Option<OperatorName>, limit: usize) -> Result<Vec<Operator>, StoreError>;

    /// Changes an operator and returns its new state. Ends all its sessions and links in the same transaction, unless
    /// nothing changes. [`StoreError::NotFound`] for an unknown operator.
    async fn change_operator(
        &self,
        name: &OperatorName,
        change: OperatorChange,
        now: Timestamp,
    ) -> Result<Operator, StoreError>;

    /// Adds a link of an operator that can be used once, before `expires_at`. [`StoreError::NotFound`] for an unknown
    /// or disabled operator.
    async fn create_link(
        &self,
        digest: SecretDigest,
        name: &OperatorName,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Begins a session under the digest of its token and returns its operator. Returns `None` and begins nothing if
    /// the proof fails: the link is unknown, used or expired, the password has changed, or the operator is disabled. If
    /// one link is used several times at once, only one session begins.
    async fn begin_session(
        &self,
        proof: Proof,
        digest: SecretDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError>;

    /// A session with its operator; `None` for an unknown one and for one that is over at `now`
    /// ([`Session::is_over`]).
    async fn session(&self, digest: SecretDigest, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Notes the use of a session. An unknown session stays unknown, and a later note stays.
    async fn see_session(&self, digest: SecretDigest, now: Timestamp) -> Result<(), StoreError>;

    /// Ends a session. Returns its operator; `None` for an unknown session.
    async fn end_session(&self, digest: SecretDigest) -> Result<Option<OperatorName>, StoreError>;

    /// Removes links and sessions that are over at `now`: at most `limit` of each. Returns the larger of the two
    /// numbers.
    async fn forget_sign_ins(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError>;
}
