//! In which of its releases' dialects a peer speaks MM7.

/// What the namespaces of all releases begin with; `REL-5-MM7-1-0` or another release's name follows (3GPP TS 23.140,
/// annex L).
pub const NAMESPACE_ROOT: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/";

/// The version that is said where nobody configures another. The schema of 5.5.0 and later has errors that some peers
/// stumble over.
pub const DEFAULT_VERSION: &str = "5.3.0";

/// How an envelope is written. What is read says how its peer writes, so that an answer is in the peer's own dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The namespace of the operation's elements.
    pub namespace: String,
    /// What `MM7Version` says.
    pub version: String,
    /// Whether elements have the prefix `mm7:`, which some peers need and others do not understand.
    pub prefixed: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            namespace: format!("{NAMESPACE_ROOT}REL-5-MM7-1-0"),
            version: DEFAULT_VERSION.to_owned(),
            prefixed: false,
        }
    }
}
