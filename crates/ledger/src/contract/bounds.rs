//! Limits for data that strangers and carriers can make the store keep.

/// Limits that an operator may set. They apply to the whole store, over all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Receipts of one carrier that wait for their acknowledgement.
    pub parked_max: u64,
    /// Bytes that they take together, keys included.
    pub parked_bytes_max: u64,
    /// Decisions of the screen on texts of one account, separately for its live keys and its test keys.
    pub screened_max: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { parked_max: 20_000, parked_bytes_max: 8 << 20, screened_max: 10_000 }
    }
}
