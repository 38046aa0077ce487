//! The files that `smsfactory dev` makes and that other commands read.

use std::path::{Path, PathBuf};

/// The directory of all files of `dev`, and the directory in which the admin commands look for the token.
pub(super) const DATA: &str = "./data";

/// The name of the file that holds the admin token.
pub(super) const TOKEN: &str = "admin.token";

/// The name of the file that holds the demo account's credentials.
pub(super) const DEMO: &str = "demo.json";

/// The file of the admin token.
pub(super) fn token_file() -> PathBuf {
    Path::new(DATA).join(TOKEN)
}

/// The file of the demo account's credentials.
pub(super) fn key_file() -> PathBuf {
    Path::new(DATA).join(DEMO)
}
