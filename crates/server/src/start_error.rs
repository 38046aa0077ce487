//! Why the program does not start.

/// Why a platform, or a carrier of it, does not start: sentences for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);
