//! The recipients of a broadcast, read one after the other: texts, or objects with a `to` and perhaps variables. None
//! is kept but as its digits and variables.

use std::fmt;

use pipeline::{BroadcastRequest, RecipientList, Variables};
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;
use wire::text::LooseText;

use super::text::plain;
use super::{Fields, Unknown, Wrong, object, terms, unknown, variables};

/// What a list that is none should have been.
const LIST: &str = "array of recipients";

/// What the time of a broadcast should have been.
const AT_ONCE: &str = "nothing: a broadcast leaves at once";

/// What a recipient that is none should have been.
const RECIPIENT: &str = "string, or object with `to`";

impl Fields for BroadcastRequest {
    fn text(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
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

    fn advice(name: &str) -> Option<&'static str> {
        unknown::advice_for_broadcast(name)
    }

    fn other(&mut self, name: &str, json: &str, unknown: &mut Unknown) -> Option<(&'static str, Option<Wrong>)> {
        if let Some(read) = terms::read(name, json, &mut self.reference, &mut self.validity) {
            return Some(read);
        }
        if name == terms::SEND_AT {
            // Ignored it would send at once what its client wants to send later.
            return Some((terms::SEND_AT, (json != "null").then_some((terms::SEND_AT.into(), AT_ONCE))));
        }
        if name != "recipients" {
            return None;
        }
        let wrong = match json.as_bytes().first() {
            Some(b'[') => {
                let mut list = List { recipients: RecipientList::default(), wrong: None, unknown };
                // The whole body is being read as JSON: nothing in it can fail to be JSON here.
                let read = serde_json::Deserializer::from_str(json).deserialize_seq(&mut list);
                let wrong = list.wrong.or(read.err().map(|_| ("recipients".into(), LIST)));
                self.recipients = Some(list.recipients);
                wrong
            }
            Some(b'n') => None,
            _ => Some(("recipients".into(), LIST)),
        };
        Some(("recipients", wrong))
    }
}

struct List<'a> {
    recipients: RecipientList,
    wrong: Option<Wrong>,
    unknown: &'a mut Unknown,
}

/// Where the fields of recipients stand, whichever recipients have them.
const OF_RECIPIENTS: &str = "recipients[].";

/// A recipient that is an object.
#[derive(Default)]
struct Recipient {
    to: Option<String>,
    variables: Variables,
}

impl Fields for Recipient {
    fn text(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        (name == "to").then_some(("to", &mut self.to))
    }

    fn other(&mut self, name: &str, json: &str, _: &mut Unknown) -> Option<(&'static str, Option<Wrong>)> {
        (name == variables::FIELD).then(|| (variables::FIELD, variables::read(json, &mut self.variables)))
    }
}

impl List<'_> {
    fn take(&mut self, json: &str) {
        let index = self.recipients.count();
        let wrong = match json.as_bytes() {
            // Most are texts without escapes, which need not be copied.
            [b'"', digits @ .., b'"'] if !digits.contains(&b'\\') => {
                self.recipients.push(&json[1..json.len() - 1]);
                return;
            }
            [b'"', ..] => {
                let mut to = None;
                let wrong =
                    plain(json, &mut to).err().map(|expected| (format!("recipients[{index}]").into(), expected));
                self.recipients.push(to.as_deref().unwrap_or_default());
                wrong
            }
            [b'{', ..] => {
                let mut recipient = Recipient::default();
                let (wrong, _) = object(json, &mut recipient, self.unknown, OF_RECIPIENTS);
                let Recipient { to, variables } = recipient;
                // Without a `to` it is a recipient whose number is none.
                self.recipients.push_with(to.as_deref().unwrap_or_default(), variables);
                wrong.map(|(field, expected)| (format!("recipients[{index}].{field}").into(), expected))
            }
            _ => {
                self.recipients.push("");
                Some((format!("recipients[{index}]").into(), RECIPIENT))
            }
        };
        self.wrong = self.wrong.take().or(wrong);
    }
}

impl<'de> Visitor<'de> for &mut List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(LIST)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(json) = list.next_element::<&RawValue>()? {
            self.take(json.get());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::error::{AdditionalInfo, ErrorCode};

    use super::super::of_broadcast;

    fn list(texts: &[&str]) -> pipeline::RecipientList {
        let mut list = pipeline::RecipientList::default();
        texts.iter().for_each(|text| list.push(text));
        list
    }

    #[test]
    fn recipients_are_texts_or_objects() {
        let body = concat!(
            r#"{"from":"+1","recipients":["+18005551001", {"to":"+18005551002","name":["x"]},"\u002b18005551003","#,
            r#"{},{"to":null}," ","\ud800",{"to":"\ud800"}],"x":[1]}"#,
        );
        let read = of_broadcast(body.as_bytes()).unwrap();
        assert_eq!(read.unknown.to_header().unwrap(), "recipients[].name, x");
        let request = read.fields;
        assert_eq!(
            request.recipients,
            Some(list(&["+18005551001", "+18005551002", "+18005551003", "", "", " ", "\\ud800", "\\ud800"]))
        );
        assert_eq!(request.from.as_deref(), Some("+1"));
        assert_eq!(of_broadcast(br#"{"recipients":null}"#).unwrap().fields.recipients, None);
        assert_eq!(of_broadcast(br#"{"recipients":[]}"#).unwrap().fields.recipients, Some(list(&[])));
    }

    #[test]
    fn a_recipient_of_the_wrong_type_is_named_by_its_place() {
        for (recipients, field, expected) in [
            (r#""+18005551001""#, "recipients", "array of recipients"),
            ("{}", "recipients", "array of recipients"),
            (r#"["+18005551001",5]"#, "recipients[1]", "string, or object with `to`"),
            ("[null]", "recipients[0]", "string, or object with `to`"),
            (r#"[["+18005551001"]]"#, "recipients[0]", "string, or object with `to`"),
            (r#"[{"to":5},7]"#, "recipients[0].to", "string"),
            (r#"[{"to":"+1","to":"+1"}]"#, "recipients[0].to", "no second value"),
        ] {
            let refusal = of_broadcast(format!(r#"{{"recipients":{recipients}}}"#).as_bytes()).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::MalformedRequest);
            assert_eq!(
                refusal.info,
                Some(AdditionalInfo::WrongType { field: field.into(), expected: expected.into() }),
                "{recipients}"
            );
        }
    }

    #[test]
    fn what_is_no_json_is_placed_in_the_whole_body() {
        for (body, line, column) in [
            ("{\"recipients\":[\"+1\",\n x]}", 2, 2),
            ("{\"recipients\":[\"+1\"", 1, 19),
            ("{\"recipients\":[]}]", 1, 18),
        ] {
            assert_eq!(
                of_broadcast(body.as_bytes()).unwrap_err().info,
                Some(AdditionalInfo::Place { line, column }),
                "{body}"
            );
        }
        assert!(of_broadcast(br#"{"recipients":[],"recipients":[]}"#).unwrap_err().info.is_some());
    }
}
