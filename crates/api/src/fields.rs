//! A JSON body as loose fields: the right types, each at most once, without other checks. The names of unknown fields
//! are returned, too.

pub(super) mod opt_out;
mod recipients;
mod terms;
pub mod text;
mod unknown;
mod variables;
pub mod webhook;

use std::borrow::Cow;
use std::fmt;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use pipeline::{BroadcastRequest, SendRequest};
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use wire::text::LooseText;

use text::{Name, loose, plain};
pub use unknown::Unknown;

/// Deeper bodies are refused.
const DEPTH_MAX: usize = 64;

/// The content of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read<F> {
    /// The fields that are known.
    pub fields: F,
    /// The names of the others.
    pub unknown: Unknown,
    /// Help about the first of those, in addition to the fact that there is no such field.
    pub advice: Option<&'static str>,
}

/// Reads the body of `POST /message`. `null` counts as absent.
///
/// # Errors
/// [`ErrorCode::MalformedRequest`] with the field, or with the line and column where the body stops being JSON.
pub fn of_message(body: &[u8]) -> Result<Read<SendRequest>, Refusal> {
    of(body)
}

/// Reads the bodies that name an opt-out, an endpoint, or the events to replay. Returns how many of the three `body`
/// is.
pub fn of_two_way(body: &[u8]) -> usize {
    let read = [opt_out::of_opt_out(body).is_ok(), webhook::of_webhook(body).is_ok(), webhook::of_replay(body).is_ok()];
    read.into_iter().filter(|read| *read).count()
}

/// Reads the body of `POST /broadcast` in the same way, recipient by recipient.
///
/// # Errors
/// As [`of_message`].
pub fn of_broadcast(body: &[u8]) -> Result<Read<BroadcastRequest>, Refusal> {
    of(body)
}

fn of<F: Fields>(body: &[u8]) -> Result<Read<F>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| not_json(body, error.valid_up_to()))?;
    if let Some(at) = too_deep(body) {
        return Err(not_json(body, at));
    }
    let (mut fields, mut unknown) = (F::default(), Unknown::default());
    match object(text, &mut fields, &mut unknown, "") {
        (Some((field, expected)), _) => Err(Refusal::new(ErrorCode::MalformedRequest)
            .with_info(AdditionalInfo::WrongType { field, expected: expected.into() })),
        (None, Ok(())) => {
            let advice = unknown.first().and_then(F::advice);
            Ok(Read { fields, unknown, advice })
        }
        (None, Err(error)) => Err(Refusal::new(ErrorCode::MalformedRequest)
            .with_info(AdditionalInfo::Place { line: error.line().max(1), column: error.column().max(1) })),
    }
}

/// A field that has the wrong type, or disagrees with another place that says the same.
pub(super) fn wrong_type(field: &'static str, expected: &'static str) -> Refusal {
    Refusal::new(ErrorCode::MalformedRequest)
        .with_info(AdditionalInfo::WrongType { field: field.into(), expected: expected.into() })
}

/// A wrong field, and the expected value.
type Wrong = (Cow<'static, str>, &'static str);

/// An object's fields, unchanged.
trait Fields: Default {
    /// Where the text of this name goes, and its name; `None` where no text has it.
    fn text(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)>;

    /// Where the text of the message goes, where there is one: the field `body`.
    fn body(&mut self) -> Option<&mut Option<LooseText>> {
        None
    }

    /// Reads a field that is no text, from the JSON of its value; `None` where there is none of this name. Fields
    /// within it that nobody knows are added to `unknown`.
    fn other(&mut self, _name: &str, _json: &str, _unknown: &mut Unknown) -> Option<(&'static str, Option<Wrong>)> {
        None
    }

    /// Help for a client that sends an unknown field of this name.
    fn advice(_name: &str) -> Option<&'static str> {
        None
    }
}

impl Fields for SendRequest {
    fn text(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
            "to" => ("to", &mut self.to),
            "from" => ("from", &mut self.from),
            "mediaUrl" => ("mediaUrl", &mut self.media_url),
            "messageType" => ("messageType", &mut self.message_type),
            "idempotencyKey" => ("idempotencyKey", &mut self.idempotency_key),
            _ => return None,
        })
    }

    fn body(&mut self) -> Option<&mut Option<LooseText>> {
        Some(&mut self.body)
    }

    fn other(&mut self, name: &str, json: &str, _: &mut Unknown) -> Option<(&'static str, Option<Wrong>)> {
        if name == terms::SEND_AT {
            return Some((terms::SEND_AT, terms::read_time(json, &mut self.send_at)));
        }
        terms::read(name, json, &mut self.reference, &mut self.validity)
    }

    fn advice(name: &str) -> Option<&'static str> {
        unknown::advice(name)
    }
}

/// Reads an object that stands at a place, as [`Unknown::note`] has it: what is wrong about a field that it knows, and
/// whether the text is JSON to its end.
fn object<F: Fields>(
    text: &str,
    fields: &mut F,
    unknown: &mut Unknown,
    place: &'static str,
) -> (Option<Wrong>, serde_json::Result<()>) {
    let mut found = Found { fields, seen: Vec::new(), wrong: None, unknown, place };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = reader.deserialize_map(&mut found).and_then(|()| reader.end());
    (found.wrong, read)
}

struct Found<'a, F> {
    fields: &'a mut F,
    seen: Vec<&'static str>,
    wrong: Option<Wrong>,
    unknown: &'a mut Unknown,
    place: &'static str,
}

impl<F: Fields> Found<'_, F> {
    /// Takes the value of a field. Of unknown fields only the name is kept.
    fn take(&mut self, name: &str, json: &str) {
        let Some((field, wrong)) = self.read(name, json) else {
            self.unknown.note(self.place, name);
            return;
        };
        let again = self.seen.contains(&field).then_some((field.into(), "no second value"));
        self.wrong = self.wrong.take().or(wrong).or(again);
        self.seen.push(field);
    }

    /// Reads the value of a field: its name, and what is wrong about it. `None` for a field that nobody knows.
    fn read(&mut self, name: &str, json: &str) -> Option<(&'static str, Option<Wrong>)> {
        let read = |field: &'static str, read: Result<(), &'static str>| {
            (field, read.err().map(|expected| (field.into(), expected)))
        };
        if name == "body"
            && let Some(place) = self.fields.body()
        {
            return Some(read("body", loose(json, place)));
        }
        match self.fields.text(name) {
            Some((field, place)) => Some(read(field, plain(json, place))),
            None => self.fields.other(name, json, self.unknown),
        }
    }
}

impl<'de, F: Fields> Visitor<'de> for &mut Found<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            self.take(&name, map.next_value::<&RawValue>()?.get());
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
    fn known_fields_are_read_and_others_named() {
        let read = of_message(br#"{"to":"+1","x":{"to":[1,2]},"body":"a\u00e9","mediaUrl":null,"Body":1}"#).unwrap();
        assert_eq!((read.unknown.to_header().unwrap(), read.advice), ("x, Body".parse().unwrap(), None));
        let request = read.fields;
        assert_eq!((request.to.as_deref(), request.body, request.media_url), (Some("+1"), Some("aé".into()), None));
        assert_eq!(of_message(b"{}").unwrap(), Read::default());
        let advice = of_message(br#"{"statusCallback":"https://a.example"}"#).unwrap().advice;
        assert!(advice.unwrap().contains("POST /webhook"), "{advice:?}");
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
            (r#"{"reference":7}"#, "reference"),
        ] {
            assert_eq!(
                info(body.as_bytes()),
                AdditionalInfo::WrongType { field: field.into(), expected: "string".into() }
            );
        }
    }

    #[test]
    fn a_reference_is_read_whole_or_refused() {
        let read = |text: &str| of_message(format!("{{\"reference\":\"{text}\"}}").as_bytes()).map(|read| read.fields);
        for text in ["a", &"é".repeat(200), " order 7 "] {
            assert_eq!(read(text).unwrap().reference.as_deref(), Some(text));
        }
        assert_eq!(read("").unwrap().reference, None);
        let too_long = AdditionalInfo::WrongType {
            field: "reference".into(),
            expected: "string of at most 200 characters".into(),
        };
        assert_eq!(read(&"é".repeat(201)).unwrap_err().info, Some(too_long.clone()));
        let broadcast = of_broadcast(format!("{{\"reference\":\"{}\"}}", "x".repeat(201)).as_bytes());
        assert_eq!(broadcast.unwrap_err().info, Some(too_long));
    }

    #[test]
    fn a_field_that_stands_twice_is_named() {
        assert_eq!(
            info(br#"{"to":"+1","to":"+1"}"#),
            AdditionalInfo::WrongType { field: "to".into(), expected: "no second value".into() }
        );
        assert!(matches!(info(br#"{"to":null,"to":"+1"}"#), AdditionalInfo::WrongType { field, .. } if field == "to"));
    }

    #[test]
    fn what_is_no_object_is_placed() {
        for (body, line, column) in [
            (&b""[..], 1, 1),
            (b"[]", 1, 1),
            (b"\"x\"", 1, 3),
            (b"{\"to\":", 1, 6),
            (b"{\n\"to\" 1}", 2, 6),
            (b"{} x", 1, 4),
            (b"{\"body\":\"\xff\"}", 1, 10),
        ] {
            assert_eq!(info(body), AdditionalInfo::Place { line, column }, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_lone_surrogate_makes_no_body_unreadable() {
        let request = of_message(
            br#"{"body":"a\ud83d\u0007","to":"+1\ude00","\ud83d":1,"bo\udfffdy":2,"x":{"\ud83d":"\ud83d"}}"#,
        )
        .unwrap()
        .fields;
        assert_eq!(request.to.as_deref(), Some("+1\\ude00"));
        let places: Vec<_> = request.body.unwrap().invalid_characters().iter().map(|found| found.position).collect();
        assert_eq!(places, [2, 3]);
    }

    #[test]
    fn depths_are_bounded() {
        let deep = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        assert!(of_message(&deep(DEPTH_MAX - 1)).is_ok());
        assert!(matches!(info(&deep(DEPTH_MAX)), AdditionalInfo::Place { .. }));
        assert!(of_message(format!("{{\"body\":\"{}\"}}", "[".repeat(500)).as_bytes()).is_ok());
    }
}
