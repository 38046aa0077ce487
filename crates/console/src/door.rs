//! The operator who has signed in: the interface behind which operators, their passwords and their sessions are kept.

use std::net::IpAddr;

use async_trait::async_trait;

/// What an operator may do. A later role may do all that an earlier one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads, with numbers and texts masked.
    Viewer,
    /// Does the work of a day.
    Operator,
    /// Does everything.
    Admin,
}

impl Role {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// The operator for whom a call is made. The console puts it into the extensions of every request to the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The operator's name.
    pub name: String,
    /// The rights of the operator.
    pub role: Role,
    /// Where the operator's browser is.
    pub address: IpAddr,
}

/// Where a request to the console comes from. The listener puts it into the extensions of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address of the browser.
    pub address: IpAddr,
    /// The operator whom a trusted proxy names.
    pub proxied: Option<String>,
}

/// A session that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The value of the session's cookie: a secret of letters and digits.
    pub cookie: String,
    /// Whose session it is.
    pub actor: Actor,
}

/// What an attempt to sign in comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// A session has begun.
    In(SignedIn),
    /// The name or the password is wrong. It does not say which.
    Wrong,
    /// Too many attempts: the next one is heard after so many seconds.
    Later(u64),
}

/// Operators cannot be looked up at the moment. The cause is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("operators cannot be looked up: {0}")]
pub struct Unavailable(pub String);

/// Signs operators in and out, and tells who a request is from.
#[async_trait]
pub trait Door: Send + Sync {
    /// Begins a session for the holder of a one-time link, and uses the link up. `None` for a link that is unknown,
    /// used or expired.
    ///
    /// # Errors
    /// [`Unavailable`], and the link can be tried again.
    async fn redeem(&self, link: &str, address: IpAddr) -> Result<Option<SignedIn>, Unavailable>;

    /// Begins a session for an operator with a password.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn sign_in(&self, name: &str, password: &str, address: IpAddr) -> Result<SignIn, Unavailable>;

    /// Whose session a cookie is. `None` for one that is unknown or over.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn actor(&self, cookie: &str, address: IpAddr) -> Result<Option<Actor>, Unavailable>;

    /// The operator whom a trusted proxy names. `None` for an unknown or disabled one.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn by_proxy(&self, name: &str, address: IpAddr) -> Result<Option<Actor>, Unavailable>;

    /// Ends a session. An unknown one is left unknown.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn sign_out(&self, cookie: &str) -> Result<(), Unavailable>;
}
