//! A JSON body to loose fields: the right types, each at most once, nothing else judged. Fields that nobody knows are ignored.

use std::borrow::Cow;
use std::fmt;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use pipeline::SendRequest;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Deeper bodies are refused.
const DEPTH_MAX: usize = 64;

/// Reads the body of `POST /message`. `null` is as good as absent.
///
/// # Errors
/// [`ErrorCode::MalformedRequest`] with the field, or with the line and column where the body stops being JSON.
pub(super) fn of_message(body: &[u8]) -> Result<SendRequest, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| not_json(body, error.valid_up_to()))?;
    if let Some(at) = too_deep(body) {
        return Err(not_json(body, at));
    }
    let mut found = Found::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = reader.deserialize_map(&mut found).and_then(|()| reader.end());
    if let Some((field, expected)) = found.wrong {
        return Err(wrong_type(field, expected));
    }
    read.map_err(|error| {
        Refusal::new(ErrorCode::MalformedRequest).with_info(AdditionalInfo::Place { line: error.line().max(1), column: error.column().max(1) })
    })?;
    Ok(found.request)
}

/// A field that has the wrong type, or disagrees with another place that says the same.
pub(super) fn wrong_type(field: &'static str, expected: &'static str) -> Refusal {
    Refusal::new(ErrorCode::MalformedRequest).with_info(AdditionalInfo::WrongType { field: field.into(), expected: expected.into() })
}

#[derive(Default)]
struct Found {
    request: SendRequest,
    seen: Vec<&'static str>,
    wrong: Option<(&'static str, &'static str)>,
}

impl Found {
    fn place(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        let request = &mut self.request;
        Some(match name {
            "to" => ("to", &mut request.to),
            "from" => ("from", &mut request.from),
            "body" => ("body", &mut request.body),
            "mediaUrl" => ("mediaUrl", &mut request.media_url),
            "messageType" => ("messageType", &mut request.message_type),
            "idempotencyKey" => ("idempotencyKey", &mut request.idempotency_key),
            _ => return None,
        })
    }
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let Some((field, place)) = self.place(&name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw = map.next_value::<&RawValue>()?.get();
            match raw.as_bytes().first() {
                // What cannot be read although it begins as a text is a lone surrogate.
                Some(b'"') => match serde_json::from_str(raw) {
                    Ok(text) => *place = Some(text),
                    Err(_) => self.wrong = self.wrong.or(Some((field, "string of Unicode characters"))),
                },
                Some(b'n') => {}
                _ => self.wrong = self.wrong.or(Some((field, "string"))),
            }
            if self.seen.contains(&field) {
                self.wrong = self.wrong.or(Some((field, "no second value")));
            }
            self.seen.push(field);
        }
        Ok(())
    }
}

/// Where brackets nest deeper than allowed. Brackets inside texts do not count.
fn too_deep(body: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for (at, byte) in body.iter().enumerate() {
        match (in_text, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Some(at);
        }
    }
    None
}

fn not_json(body: &[u8], at: usize) -> Refusal {
    let before = &body[..at];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Refusal::new(ErrorCode::MalformedRequest).with_info(AdditionalInfo::Place { line, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(body: &[u8]) -> AdditionalInfo {
        let refusal = of_message(body).expect_err(&String::from_utf8_lossy(body));
        assert_eq!(refusal.code, ErrorCode::MalformedRequest);
        refusal.info.unwrap()
    }

    #[test]
    fn known_fields_are_read_and_others_ignored() {
        let request = of_message(br#"{"to":"+1","x":{"to":[1,2]},"body":"a\u00e9","mediaUrl":null}"#).unwrap();
        assert_eq!((request.to.as_deref(), request.body.as_deref(), request.media_url), (Some("+1"), Some("aé"), None));
        assert_eq!(of_message(b"{}").unwrap(), SendRequest::default());
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        for (body, field) in [
            (r#"{"to":1}"#, "to"),
            (r#"{"from":["+1"]}"#, "from"),
            (r#"{"body":true}"#, "body"),
            (r#"{"mediaUrl":{}}"#, "mediaUrl"),
            (r#"{"idempotencyKey":12}"#, "idempotencyKey"),
            (r#"{"messageType":false}"#, "messageType"),
        ] {
            assert_eq!(info(body.as_bytes()), AdditionalInfo::WrongType { field: field.into(), expected: "string".into() });
        }
    }

    #[test]
    fn a_field_that_stands_twice_is_named() {
        assert_eq!(info(br#"{"to":"+1","to":"+1"}"#), AdditionalInfo::WrongType { field: "to".into(), expected: "no second value".into() });
        assert!(matches!(info(br#"{"to":null,"to":"+1"}"#), AdditionalInfo::WrongType { field, .. } if field == "to"));
    }

    #[test]
    fn what_is_no_object_is_placed() {
        for (body, line, column) in
            [(&b""[..], 1, 1), (b"[]", 1, 1), (b"\"x\"", 1, 3), (b"{\"to\":", 1, 6), (b"{\n\"to\" 1}", 2, 6), (b"{} x", 1, 4), (b"{\"body\":\"\xff\"}", 1, 10)]
        {
            assert_eq!(info(body), AdditionalInfo::Place { line, column }, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn lone_surrogates_and_depths_are_refused() {
        assert!(matches!(info(br#"{"body":"\ud800"}"#), AdditionalInfo::WrongType { field, .. } if field == "body"));
        let deep = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        assert!(of_message(&deep(DEPTH_MAX - 1)).is_ok());
        assert!(matches!(info(&deep(DEPTH_MAX)), AdditionalInfo::Place { .. }));
        assert!(of_message(format!("{{\"body\":\"{}\"}}", "[".repeat(500)).as_bytes()).is_ok());
    }
}
