//! Who runs the platform: operators, the one-time links with which they sign in, and their sessions.
//!
//! Links and sessions are kept by the digests of their tokens: who reads the store can sign in as nobody.

use async_trait::async_trait;
use model::key::SecretDigest;
use model::{Operator, OperatorName, PasswordHash, Role, Session, Timestamp};

use super::StoreError;

/// What may change about an operator. `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorChange {
    /// The rights of the operator.
    pub role: Option<Role>,
    /// What the password is compared with; `Some(None)` takes the password away.
    pub password: Option<Option<PasswordHash>>,
    /// Whether the operator may not sign in.
    pub disabled: Option<bool>,
}

/// What proves that an operator may begin a session. It is looked at in the transaction that begins the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A one-time link, by the digest of its token. It is used up.
    Link(SecretDigest),
    /// A password was compared with this hash, which must still be the operator's.
    Password(OperatorName, PasswordHash),
}

/// Operators.
#[async_trait]
pub trait Operators: Send + Sync {
    /// Adds an operator. [`StoreError::AlreadyExists`] for a known name.
    async fn create_operator(&self, operator: Operator) -> Result<(), StoreError>;

    /// One operator; `None` for an unknown one.
    async fn operator(&self, name: &OperatorName) -> Result<Option<Operator>, StoreError>;

    /// Operators in the order of their names, behind `after`: at most `limit`.
    async fn operators(&self, after: Option<OperatorName>, limit: usize) -> Result<Vec<Operator>, StoreError>;

    /// Changes an operator and returns it as it is now. Ends all its sessions and links in the same transaction, unless
    /// nothing is changed. [`StoreError::NotFound`] for an unknown one.
    async fn change_operator(
        &self,
        name: &OperatorName,
        change: OperatorChange,
        now: Timestamp,
    ) -> Result<Operator, StoreError>;

    /// Adds a link of an operator that can be used once, before `expires_at`. [`StoreError::NotFound`] for an unknown
    /// operator and for one who is disabled.
    async fn create_link(
        &self,
        digest: SecretDigest,
        name: &OperatorName,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Begins a session under the digest of its token and returns its operator. `None`, and nothing begins, where the
    /// proof is none: the link is unknown, used or too old, the password has changed, the operator is disabled. Of many
    /// who use one link at once, one begins a session.
    async fn begin_session(
        &self,
        proof: Proof,
        digest: SecretDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError>;

    /// A session with its operator; `None` for an unknown one and for one that is over at `now`
    /// ([`Session::is_over`]).
    async fn session(&self, digest: SecretDigest, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Notes that a session was seen. An unknown one is left unknown, and a later note stays.
    async fn see_session(&self, digest: SecretDigest, now: Timestamp) -> Result<(), StoreError>;

    /// Ends a session. Returns whose it was; `None` for an unknown one.
    async fn end_session(&self, digest: SecretDigest) -> Result<Option<OperatorName>, StoreError>;

    /// Forgets links and sessions that are over at `now`, at most `limit` of each. Returns how many of those of which
    /// there were more.
    async fn forget_sign_ins(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError>;
}
