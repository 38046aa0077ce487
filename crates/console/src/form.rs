//! What a browser sends: the fields of a form and of a query.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::idempotency::Fingerprint;

/// The fields of a form or a query, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(Arc<Vec<(String, String)>>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(octets: &[u8]) -> Self {
        Self(Arc::new(form_urlencoded::parse(octets).into_owned().collect()))
    }

    /// The first value of a field, unless it is blank.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).find(|value| !value.trim().is_empty())
    }

    /// Every value of a field.
    pub(crate) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// An idempotency key that the same fields with the same values have, and no others.
    pub(crate) fn key(&self) -> String {
        let texts: Vec<Option<&str>> =
            self.0.iter().flat_map(|(name, value)| [Some(&**name), Some(&**value)]).collect();
        URL_SAFE_NO_PAD.encode(Fingerprint::of(&texts).0)
    }
}
