//! The files of an MMS.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::{count, word};
use crate::text;

/// The files of a message: the address that a client gave, which leads anywhere and is no link, or the files of a
/// handset, which the platform keeps. `None` where there are none.
pub(super) fn of(message: &Value) -> Option<Markup> {
    match (&message["mediaUrl"], &message["media"]) {
        (Value::Null, Value::Array(files)) if files.is_empty() => None,
        (Value::Null, Value::Array(files)) => Some(html! { @for file in files { p { (kept(file)) } } }),
        (Value::Null, Value::Object(masked)) => Some(html! {
            span.masked { "Masked, " (count(masked.get("length").unwrap_or(&Value::Null))) " files" }
        }),
        (Value::Null, _) => None,
        (address, _) => text::of(address),
    }
}

fn kept(file: &Value) -> Markup {
    html! {
        a href=(word(file, "url")) rel="noreferrer" { (text::short(word(file, "contentType"))) }
        " " span.hint { (count(&file["bytes"])) " octets" }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_files_of_a_handset_are_links_and_the_address_of_a_client_is_none() {
        let file = json!({ "url": "https://sms.example.com/media/x/0", "contentType": "image/jpeg", "bytes": 4096 });
        let shown = of(&json!({ "media": [file] })).unwrap().into_string();
        assert!(shown.contains(r#"<a href="https://sms.example.com/media/x/0""#), "{shown}");
        assert!(shown.contains("image/jpeg") && shown.contains("4\u{202F}096 octets"), "{shown}");
        let given = of(&json!({ "mediaUrl": "https://evil.example/a.jpg" })).unwrap().into_string();
        assert!(given.contains("https://evil.example/a.jpg") && !given.contains("<a "), "{given}");
        let masked = of(&json!({ "media": { "masked": true, "length": 2 } })).unwrap().into_string();
        assert!(masked.contains("Masked, 2 files") && !masked.contains("<a "), "{masked}");
        assert!(of(&json!({})).is_none() && of(&json!({ "media": [] })).is_none());
    }
}
