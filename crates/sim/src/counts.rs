//! What a run is counted by.

/// What happened in a run, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages in the store at the end.
    pub messages: u64,
    /// Submissions to carriers.
    pub submits: u64,
    /// Segments that a carrier has more than once.
    pub duplicates: u64,
    /// Unknown outcomes.
    pub unknown: u64,
    /// Ends of processes.
    pub kills: u64,
    /// Requests that endpoints received.
    pub events: u64,
}
