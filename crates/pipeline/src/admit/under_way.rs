//! Requests with an idempotency key that are being admitted: fetching media takes a while, and the same request must not be made twice meanwhile.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use model::Owner;
use model::error::{ErrorCode, Refusal};
use model::idempotency::{Endpoint, IdempotencyKey};

type Name = (Owner, Endpoint, IdempotencyKey);

/// The keys of requests that are being admitted.
#[derive(Clone, Default)]
pub(crate) struct KeysUnderWay(Arc<Mutex<HashSet<Name>>>);

/// A key under way, until this is dropped.
pub(super) struct UnderWay {
    keys: KeysUnderWay,
    name: Name,
}

impl KeysUnderWay {
    /// Begins a request under this key, unless there is one already (33013).
    pub(super) fn begin(&self, owner: Owner, endpoint: Endpoint, key: &IdempotencyKey) -> Result<UnderWay, Refusal> {
        let name = (owner, endpoint, key.clone());
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            Ok(UnderWay { keys: self.clone(), name })
        } else {
            Err(ErrorCode::DuplicateIdempotencyKey.into())
        }
    }

    /// Refuses what has a key that is under way (33013).
    pub(super) fn check(&self, owner: Owner, endpoint: Endpoint, key: &IdempotencyKey) -> Result<(), Refusal> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.is_empty() && keys.contains(&(owner, endpoint, key.clone())) { Err(ErrorCode::DuplicateIdempotencyKey.into()) } else { Ok(()) }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AccountId, Mode};

    #[test]
    fn a_key_is_under_way_once_until_its_request_ends() {
        let (keys, owner) = (KeysUnderWay::default(), Owner { account: AccountId::from_bytes([1; 16]), mode: Mode::Live });
        let key = IdempotencyKey::parse("order-1").unwrap();
        let first = keys.begin(owner, Endpoint::Message, &key).ok();
        assert!(first.is_some() && keys.begin(owner, Endpoint::Message, &key).is_err());
        assert!(keys.check(owner, Endpoint::Message, &key).is_err() && keys.check(owner, Endpoint::Broadcast, &key).is_ok());
        assert!(keys.begin(owner, Endpoint::Broadcast, &key).is_ok(), "another endpoint");
        assert!(keys.begin(Owner { mode: Mode::Test, ..owner }, Endpoint::Message, &key).is_ok(), "the other mode");
        assert!(keys.begin(Owner { account: AccountId::from_bytes([2; 16]), ..owner }, Endpoint::Message, &key).is_ok(), "another account");
        drop(first);
        assert!(keys.check(owner, Endpoint::Message, &key).is_ok());
        assert!(keys.begin(owner, Endpoint::Message, &key).is_ok());
    }
}
