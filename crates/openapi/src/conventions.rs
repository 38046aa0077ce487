//! What the operations of an API have in common.

use model::error::ErrorCode;
use serde_json::{Map, Value};

use super::headers;

/// What the operations of an API have in common.
pub struct Conventions {
    /// Headers that every answer has.
    pub headers: &'static [&'static str],
    /// Headers that answers to requests with a body may have.
    pub of_bodies: &'static [&'static str],
    /// What a client may prefer that sends a body; `None` where the API has no preferences.
    pub preference: Option<&'static str>,
    /// What a client can do about an error, where it is something else than the error pages say.
    pub remedies: &'static [(ErrorCode, &'static str)],
}

impl Conventions {
    /// What a client can do about an error.
    pub(crate) fn remedy(&self, code: ErrorCode) -> &'static str {
        let own = self.remedies.iter().find(|(known, _)| *known == code);
        own.map_or_else(|| code.remedy(), |(_, remedy)| remedy)
    }

    /// The headers of an answer: these, and those that every answer has.
    pub(crate) fn headers_of(&self, names: &[&str]) -> Value {
        let all = self.headers.iter().chain(names);
        all.map(|name| ((*name).to_owned(), headers::reference(name))).collect::<Map<_, _>>().into()
    }
}
