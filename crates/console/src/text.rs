//! Texts of the admin API's answers: as they are, or how long they are where they are masked.

pub(crate) use look::{marked, segmented, short, text};
use maud::{Markup, html};
use serde_json::Value;

/// A field of an answer that holds a text: itself, or how long it is where it is masked. `None` where there is none.
pub(crate) fn of(value: &Value) -> Option<Markup> {
    match value {
        Value::String(shown) => Some(text(shown)),
        Value::Object(masked) if masked.contains_key("masked") => Some(html! {
            span.masked { "Masked"
                @if let Some(length) = masked.get("length").and_then(Value::as_u64) { ", " (length) " characters" }
            }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_masked_text_shows_its_length_alone() {
        let shown = of(&json!({ "masked": true, "length": 12 })).unwrap().into_string();
        assert_eq!(shown, "<span class=\"masked\">Masked, 12 characters</span>");
        assert!(of(&Value::Null).is_none());
    }
}
