//! What a look at a store finds out that decides whether and how a server may start with it.

use model::key::SecretDigest;

use crate::contract::holds::Hold;
use crate::contract::peppers::Adopted;
use crate::{StoreError, peppers};

/// Whether a store is held, and with which pepper it was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it was restored and not released yet.
    pub hold: Option<Hold>,
    /// The verifier of the current pepper; none before the first start.
    pub pepper: Option<SecretDigest>,
    /// Whether there are keys.
    pub has_keys: bool,
    /// The number of usable keys with a digest of another pepper.
    pub keys_of_other_peppers: u64,
}

impl Standing {
    /// What the pepper of a program is to this store.
    ///
    /// # Errors
    /// As [`crate::PepperRecords::adopt_pepper`].
    pub fn judge(&self, verifier: SecretDigest, previous: Option<SecretDigest>) -> Result<Adopted, StoreError> {
        peppers::judge(self.pepper, self.has_keys, verifier, previous)
    }
}
