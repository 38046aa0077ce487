//! Passwords of operators: hashed with Argon2id (RFC 9106), a few at a time, beside the tasks.

use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use model::{Entropy, PasswordHash};
use runtime::Runtime;
use tokio::sync::Semaphore;

/// Hashes at once. Each takes 19 MiB and a core for some ten milliseconds.
const HASHES_MAX: usize = 2;

/// The fewest characters of a password (NIST SP 800-63B, section 3.1.1.2, for one that stands alone).
pub const CHARACTERS_MIN: usize = 15;

/// The most bytes of a password.
pub const BYTES_MAX: usize = 256;

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// What is recommended where hashes are made beside other work (OWASP, Password Storage Cheat Sheet).
    pub const RECOMMENDED: Self = Self { memory_kib: 19_456, passes: 2 };
}

/// Hashing could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password cannot be hashed: {0}")]
pub struct NotHashed(String);

/// Hashes passwords and compares them with hashes.
pub struct Passwords {
    cost: Cost,
    room: Semaphore,
    entropy: Arc<dyn Entropy>,
    runtime: Arc<dyn Runtime>,
}

impl Passwords {
    /// Hashes at this cost.
    pub fn new(cost: Cost, entropy: Arc<dyn Entropy>, runtime: Arc<dyn Runtime>) -> Self {
        Self { cost, room: Semaphore::new(HASHES_MAX), entropy, runtime }
    }

    /// Whether a text can be a password.
    pub fn is_fit(password: &str) -> bool {
        password.chars().count() >= CHARACTERS_MIN && password.len() <= BYTES_MAX
    }

    /// The hash of a password, with a salt of its own.
    ///
    /// # Errors
    /// [`NotHashed`] when there is no memory for it or the process ends.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, NotHashed> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let argon = self.argon()?;
        let hashed = self.beside(move || argon.hash_password_with_salt(password.as_bytes(), &salt)).await?;
        hashed.map(|hash| PasswordHash::from_text(&hash.to_string())).map_err(|error| NotHashed(error.to_string()))
    }

    /// Whether a password is the one of this hash. Where there is no hash, because nobody has the name, the password is
    /// hashed all the same, so that nobody learns from the time which names there are.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub async fn verify(&self, hash: Option<&PasswordHash>, password: String) -> Result<bool, NotHashed> {
        let Some(hash) = hash else { return self.hash(password).await.map(|_| false) };
        let argon = self.argon()?;
        let hash = phc::PasswordHash::new(hash.as_str()).map_err(|error| NotHashed(error.to_string()))?;
        self.beside(move || argon.verify_password(password.as_bytes(), &hash).is_ok()).await
    }

    fn argon(&self) -> Result<Argon2<'static>, NotHashed> {
        let params = Params::new(self.cost.memory_kib, self.cost.passes, 1, None);
        let params = params.map_err(|error| NotHashed(error.to_string()))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotHashed> {
        let _place = self.room.acquire().await.map_err(|error| NotHashed(error.to_string()))?;
        self.runtime.run_blocking("password", work).await.map_err(|ended| NotHashed(format!("it {ended}")))
    }
}

#[cfg(test)]
mod tests {
    use model::SeededEntropy;
    use runtime::Machine;

    use super::*;

    fn passwords(seed: u64) -> Passwords {
        let cost = Cost { memory_kib: 8, passes: 1 };
        Passwords::new(cost, Arc::new(SeededEntropy::new(seed)), Arc::new(Machine::new()))
    }

    #[tokio::test]
    async fn a_password_is_told_from_others_by_its_hash() {
        let passwords = passwords(1);
        let hash = passwords.hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.as_str());
        assert_eq!(passwords.verify(Some(&hash), "correct horse battery".to_owned()).await, Ok(true));
        assert_eq!(passwords.verify(Some(&hash), "correct horse batter".to_owned()).await, Ok(false));
        assert_eq!(passwords.verify(None, "correct horse battery".to_owned()).await, Ok(false));
        let again = passwords.hash("correct horse battery".to_owned()).await.unwrap();
        assert_ne!(again, hash, "each has a salt of its own");
    }

    #[test]
    fn a_password_has_a_length() {
        assert!(!Passwords::is_fit("fourteen chars"));
        assert!(Passwords::is_fit("fifteen chars!!"));
        assert!(!Passwords::is_fit(&"x".repeat(257)));
    }
}
