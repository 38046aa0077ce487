//! The operating system's randomness.

use model::Entropy;

/// The operating system's random numbers.
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Without random numbers there are no secrets and no ids: nothing can go on.
        getrandom::fill(bytes).expect("the operating system gives random numbers");
    }
}
