//! The query of a URL.

use std::collections::BTreeMap;

/// Parameters by name; the last one if a name occurs twice. An empty parameter counts as absent.
///
/// A plus sign stays a plus sign, as in a URL's path: numbers begin with one, and many clients do not escape it.
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query.
    pub fn parse(query: Option<&str>) -> Self {
        let escaped = query.unwrap_or_default().replace('+', "%2B");
        let pairs = form_urlencoded::parse(escaped.as_bytes()).filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The names of all parameters that are not empty.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// One parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
