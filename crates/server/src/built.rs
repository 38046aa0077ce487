//! The build of the program.

/// The version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit from which it was built, shortened; empty if unknown.
pub const COMMIT: &str = env!("SMSFACTORY_BUILT_FROM");

/// The version with the commit, as `--version` prints it.
pub const VERSION_LINE: &str = env!("SMSFACTORY_VERSION_LINE");
