//! What several tests of messages of handsets use.

use wire::inbound::{Coding, UserData};

/// A short text.
pub(super) fn plain(text: &str) -> UserData {
    UserData::new(Coding::Gsm7, text.bytes().collect())
}
