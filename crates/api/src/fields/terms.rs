//! The fields beside their texts that requests for messages and for broadcasts have: the client's name for what is
//! sent, how long it is worth sending, and when a message leaves.

use model::{ClientReference, Timestamp, Validity};

use super::Wrong;
use super::text::plain;

/// When a message is to leave.
pub(super) const SEND_AT: &str = "sendAt";

const REFERENCE: &str = "reference";
const VALIDITY: &str = "validitySeconds";

/// What a validity that is none should have been.
const SECONDS: &str = "integer from 1 to 2592000";

/// Reads one of these fields, from the JSON of its value; `None` for any other name.
pub(super) fn read(
    name: &str,
    json: &str,
    reference: &mut Option<ClientReference>,
    validity: &mut Option<Validity>,
) -> Option<(&'static str, Option<Wrong>)> {
    Some(match name {
        REFERENCE => (REFERENCE, read_reference(json, reference)),
        VALIDITY => (VALIDITY, read_validity(json, validity)),
        _ => return None,
    })
}

/// An empty reference is as good as none.
fn read_reference(json: &str, place: &mut Option<ClientReference>) -> Option<Wrong> {
    let mut text = None;
    if let Err(expected) = plain(json, &mut text) {
        return Some((REFERENCE.into(), expected));
    }
    let text = text.filter(|text| !text.is_empty())?;
    *place = ClientReference::parse(&text);
    place.is_none().then(|| (REFERENCE.into(), "string of at most 200 characters"))
}

fn read_validity(json: &str, place: &mut Option<Validity>) -> Option<Wrong> {
    let wrong = || Some((VALIDITY.into(), SECONDS));
    let Ok(given) = serde_json::from_str::<Option<u32>>(json) else { return wrong() };
    *place = given.and_then(Validity::from_secs);
    if given.is_some() && place.is_none() { wrong() } else { None }
}

/// Reads a time. How far it may lie ahead is judged later, since a repeat of a request comes later.
pub(super) fn read_time(json: &str, place: &mut Option<Timestamp>) -> Option<Wrong> {
    let mut text = None;
    let read = plain(json, &mut text);
    *place = text.as_deref().and_then(Timestamp::parse);
    (read.is_err() || text.is_some() && place.is_none()).then(|| (SEND_AT.into(), "a time as in RFC 3339"))
}

#[cfg(test)]
mod tests {
    use model::error::AdditionalInfo;

    use super::super::{of_broadcast, of_message};
    use super::*;

    #[test]
    fn a_time_to_leave_is_read_or_refused_by_its_name() {
        let read = |json: &str| format!("{{\"sendAt\":{json}}}").into_bytes();
        for (json, millis) in [
            (r#""2026-03-15T15:30:00+01:00""#, Some(1_773_585_000_000)),
            (r#""2026-03-15T14:30:00.000Z""#, Some(1_773_585_000_000)),
            ("null", None),
        ] {
            assert_eq!(of_message(&read(json)).unwrap().fields.send_at.map(Timestamp::as_millis), millis, "{json}");
        }
        let wrong = Some(AdditionalInfo::WrongType { field: SEND_AT.into(), expected: "a time as in RFC 3339".into() });
        for json in ["1773585000", r#""tomorrow""#, r#""""#, r#""2026-03-15""#, r#""2026-03-15T14:30:00""#, "[]"] {
            assert_eq!(of_message(&read(json)).unwrap_err().info, wrong, "{json}");
        }
        assert!(of_broadcast(&read("null")).is_ok());
        let info = of_broadcast(&read(r#""2026-03-15T14:30:00.000Z""#)).unwrap_err().info;
        assert!(matches!(info, Some(AdditionalInfo::WrongType { field, .. }) if field == SEND_AT));
    }

    #[test]
    fn a_validity_is_read_or_refused_by_its_name() {
        let read = |json: &str| format!("{{\"validitySeconds\":{json}}}").into_bytes();
        for (json, secs) in [("1", Some(1)), ("2592000", Some(2_592_000)), ("null", None)] {
            assert_eq!(of_message(&read(json)).unwrap().fields.validity.map(Validity::as_secs), secs, "{json}");
            assert_eq!(of_broadcast(&read(json)).unwrap().fields.validity.map(Validity::as_secs), secs, "{json}");
        }
        let wrong = Some(AdditionalInfo::WrongType { field: VALIDITY.into(), expected: SECONDS.into() });
        for json in ["0", "-1", "2592001", "4294967297", "1.5", "60.0", "\"60\"", "true", "[60]", "{}"] {
            assert_eq!(of_message(&read(json)).unwrap_err().info, wrong, "{json}");
            assert_eq!(of_broadcast(&read(json)).unwrap_err().info, wrong, "{json}");
        }
        assert_eq!(SECONDS, format!("integer from {} to {}", Validity::MIN_SECS, Validity::MAX_SECS));
    }
}
