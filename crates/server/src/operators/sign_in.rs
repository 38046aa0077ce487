//! Signing operators in and out: by a one-time link, by a password, by a trusted proxy.

use std::net::IpAddr;
use std::sync::Arc;

use model::error::ErrorCode;
use model::operator::LINK_VALID;
use model::{
    ActorKind, AuditActor, AuditEntry, AuditId, AuditOutcome, Entropy, Operator, OperatorName, Role, SignInToken, Via,
};
use runtime::Runtime;
use store::contract::operators::Proof;
use store::{Store, StoreError};

use super::Operators;
use super::failures::{Failure, Failures};
use super::passwords::{Cost, NotHashed, Passwords};

/// Operators cannot be looked up at the moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no room for a hash.
    #[error(transparent)]
    Hash(#[from] NotHashed),
    /// The store cannot count attempts, and without a count nobody may guess.
    #[error("attempts to sign in cannot be counted: {0}")]
    Uncounted(String),
}

/// A session that has begun.
#[derive(Debug)]
pub struct SignedIn {
    /// The secret of the session, for its cookie.
    pub token: SignInToken,
    /// The owner.
    pub operator: Operator,
}

/// What an attempt to sign in with a password comes to.
#[derive(Debug)]
pub enum Attempt {
    /// A session has begun.
    In(SignedIn),
    /// The name or the password is wrong.
    Wrong,
    /// The address has had its attempts: the next one is heard after so many seconds.
    Later(u64),
}

/// Signs operators in and out. Every sign-in and sign-out is in the audit log.
pub struct SignIns {
    operators: Arc<Operators>,
    passwords: Arc<Passwords>,
    failures: Failures,
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    runtime: Arc<dyn Runtime>,
}

impl SignIns {
    pub(crate) fn new(
        operators: Arc<Operators>,
        failures: Failures,
        store: Arc<dyn Store>,
        entropy: Arc<dyn Entropy>,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        let passwords = Passwords::new(Cost::RECOMMENDED, Arc::clone(&entropy), Arc::clone(&runtime));
        Self { operators, passwords: Arc::new(passwords), failures, store, entropy, runtime }
    }

    pub(crate) const fn passwords(&self) -> &Arc<Passwords> {
        &self.passwords
    }

    pub(crate) const fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    /// Begins a session for the holder of a one-time link, and uses the link up. `None` for a link that is unknown,
    /// used or expired.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn redeem(&self, link: &str, address: IpAddr) -> Result<Option<SignedIn>, Unavailable> {
        let begun = self.begin(Proof::Link(SignInToken::digest_of(link)), "/console/login", address).await?;
        if begun.is_none() {
            self.failures.note(Failure::Link);
            // Links are too long to be guessed: the count of the address bounds the lines in the log alone.
            if self.operators.limiter.take_failed_auth(address, self.runtime.now()).await.is_ok() {
                tracing::warn!(%address, "An operator could not sign in from {address}: the link is unknown, used or \
                    expired");
            }
        }
        Ok(begun)
    }

    /// Begins a session for an operator with a password. Each attempt is counted before the password is looked at, so
    /// that many at once are no way around the limit of the address. Wrong tokens at the admin API count with them.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn sign_in(&self, name: &str, password: &str, address: IpAddr) -> Result<Attempt, Unavailable> {
        if let Some(later) = self.count(address).await? {
            return Ok(later);
        }
        let name = name.parse::<OperatorName>().ok();
        let known = match &name {
            Some(name) => self.store.operator(name).await?,
            None => None,
        };
        let hash = known.as_ref().filter(|operator| operator.disabled_at.is_none());
        let hash = hash.and_then(|operator| operator.password.as_ref());
        let is_right = self.passwords.verify(hash, password.to_owned()).await?;
        if let (true, Some(operator), Some(hash)) = (is_right, &known, hash) {
            let proof = Proof::Password(operator.name.clone(), hash.clone());
            if let Some(signed_in) = self.begin(proof, "/console/sign-in", address).await? {
                return Ok(Attempt::In(signed_in));
            }
        }
        tracing::warn!(%address, "An operator could not sign in from {address}: the name or the password is wrong");
        self.failures.note(Failure::Password);
        Ok(Attempt::Wrong)
    }

    /// Counts an attempt of an address, and says when the next one is heard where this one is too many.
    async fn count(&self, address: IpAddr) -> Result<Option<Attempt>, Unavailable> {
        let now = self.runtime.now();
        let Err((standing, refusal)) = self.operators.limiter.take_failed_auth(address, now).await else {
            return Ok(None);
        };
        if refusal.code != ErrorCode::RateLimitExceeded {
            return Err(Unavailable::Uncounted(refusal.cause.unwrap_or_default()));
        }
        self.failures.note(Failure::TooMany);
        Ok(Some(Attempt::Later(standing.retry_after_secs(now))))
    }

    /// Whose session a cookie is, which is noted as seen. `None` for one that is unknown or over.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn operator_of(&self, cookie: &str) -> Result<Option<Operator>, Unavailable> {
        let (digest, now) = (SignInToken::digest_of(cookie), self.runtime.now());
        let Some(session) = self.store.session(digest, now).await? else { return Ok(None) };
        if session.is_to_be_noted(now) {
            self.store.see_session(digest, now).await?;
        }
        Ok(Some(session.operator))
    }

    /// The operator whom a trusted proxy names. `None` for an unknown or disabled one.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn by_proxy(&self, name: &str) -> Result<Option<Operator>, Unavailable> {
        let Ok(name) = name.parse::<OperatorName>() else { return Ok(None) };
        Ok(self.store.operator(&name).await?.filter(|operator| operator.disabled_at.is_none()))
    }

    /// Ends a session. An unknown one is left unknown.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn sign_out(&self, cookie: &str) -> Result<(), Unavailable> {
        if let Some(name) = self.store.end_session(SignInToken::digest_of(cookie)).await? {
            self.record(&name, "/console/sign-out", None).await?;
        }
        Ok(())
    }

    /// A one-time link for an operator, who is created with this role where there is none of that name, and enabled.
    /// For what runs on the machine itself.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn link_for(&self, name: &OperatorName, role: Role) -> Result<SignInToken, Unavailable> {
        let now = self.runtime.now();
        let operator = Operator { name: name.clone(), role, password: None, created_at: now, disabled_at: None };
        match self.store.create_operator(operator).await {
            Ok(()) | Err(StoreError::AlreadyExists) => {}
            Err(error) => return Err(error.into()),
        }
        let token = SignInToken::new(&*self.entropy);
        self.store.create_link(SignInToken::digest_of(token.reveal()), name, now + LINK_VALID).await?;
        Ok(token)
    }

    async fn begin(&self, proof: Proof, path: &'static str, address: IpAddr) -> Result<Option<SignedIn>, Unavailable> {
        let token = SignInToken::new(&*self.entropy);
        let digest = SignInToken::digest_of(token.reveal());
        let Some(operator) = self.store.begin_session(proof, digest, self.runtime.now()).await? else {
            return Ok(None);
        };
        // Only the transaction that uses a link up knows whose it was. A session that is not on record ends.
        if let Err(error) = self.record(&operator.name, path, Some(address)).await {
            self.store.end_session(digest).await?;
            return Err(error);
        }
        Ok(Some(SignedIn { token, operator }))
    }

    async fn record(
        &self,
        name: &OperatorName,
        path: &'static str,
        address: Option<IpAddr>,
    ) -> Result<(), Unavailable> {
        let at = self.runtime.now();
        let actor = AuditActor { kind: ActorKind::Operator, name: name.as_str().into() };
        let id = AuditId::new(at, &*self.entropy);
        let (method, route, path) = ("POST".into(), path.into(), path.into());
        let (via, request, before) = (Via::Console, None, None);
        self.store
            .begin_audit(AuditEntry { id, at, actor, address, via, method, route, path, request, before })
            .await?;
        Ok(self.store.end_audit(id, AuditOutcome { at, status: 204, after: None }).await?)
    }
}
