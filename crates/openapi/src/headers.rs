//! The headers that answers have.

use serde_json::{Map, Value, json};

/// A reference to a header.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// These headers with their meaning, as components of a document.
pub(super) fn components(names: &[&str]) -> Value {
    let named = HEADERS.iter().filter(|(name, ..)| names.contains(name));
    let component = |(name, required, kind, description): &(&str, bool, Kind, &str)| {
        let header = json!({ "description": description, "required": required, "schema": kind.schema() });
        ((*name).to_owned(), header)
    };
    named.map(component).collect::<Map<_, _>>().into()
}

/// The values that a header has.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    True,
    /// An integer from this one.
    From(u8),
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::True => json!({ "const": "true" }),
            Self::From(minimum) => json!({ "type": "integer", "minimum": minimum }),
        }
    }
}

/// Every header: its name, whether each answer that may have it has it, its values and its meaning.
const HEADERS: [(&str, bool, Kind, &str); 9] = [
    ("X-RateLimit-Limit", true, Kind::From(0), "The requests that a window of 60 seconds allows."),
    ("X-RateLimit-Remaining", true, Kind::From(0), "The requests left in the window."),
    ("X-RateLimit-Reset", true, Kind::From(0), "The end of the window, in Unix seconds."),
    ("Retry-After", true, Kind::From(1), "Seconds to wait before you send the request again."),
    ("WWW-Authenticate", true, Kind::Text, "The required kind of credentials: `Basic` or `Bearer`."),
    ("Location", true, Kind::Text, "The path of the new resource."),
    (
        "Idempotent-Replayed",
        false,
        Kind::True,
        "`true` if this answer repeats that of an earlier request with the same key. Nothing was sent again.",
    ),
    ("Preference-Applied", false, Kind::Text, "The preferences that were applied: `handling=strict`, `wait=N`."),
    (
        "X-Ignored-Fields",
        false,
        Kind::Text,
        "The names of ignored fields, separated by commas. Special characters are escaped as in a URL. If there are \
         many, only the first ones.",
    ),
];
