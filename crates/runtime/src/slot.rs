//! Where work leaves its result.

use std::sync::{Arc, Mutex, PoisonError};

/// A place where work that runs elsewhere leaves its result for its caller, who may be gone.
///
/// The code that runs the work and waits for its end does not depend on the type of the result, so the compiler makes
/// it once, and not for each of some hundred results.
pub struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    /// The caller's side and the work's side of an empty place.
    pub fn pair() -> (Self, Self) {
        let place = Arc::new(Mutex::new(None));
        (Self(Arc::clone(&place)), Self(place))
    }

    /// Leaves the result.
    pub fn put(&self, result: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    /// The result, if the work has come to its end.
    pub fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
