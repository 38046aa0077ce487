//! Which build of the program this is.

/// The version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, shortened; empty where the build did not know it.
pub const COMMIT: &str = env!("SMSFACTORY_BUILT_FROM");

/// The version with the commit, as `--version` prints it.
pub const VERSION_LINE: &str = env!("SMSFACTORY_VERSION_LINE");
