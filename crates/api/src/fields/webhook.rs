//! The bodies of calls about webhooks.

use model::error::Refusal;

use super::{Fields, Read, Unknown, Wrong, of};

/// The body of `POST /webhook` and of `PATCH /webhook/{id}`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WebhookFields {
    pub(crate) url: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) ordering: Option<String>,
    pub(crate) events: Option<Vec<String>>,
    pub(crate) active: Option<bool>,
    pub(crate) broadcast_messages: Option<bool>,
    pub(crate) format: Option<String>,
}

/// The body of `POST /webhook/{id}/replay`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReplayFields {
    /// The time from which events are sent again.
    pub since: Option<String>,
    /// The time before which they are.
    pub until: Option<String>,
    /// The status of the deliveries that are sent again.
    pub status: Option<String>,
    /// The events that are sent again, in place of a time.
    pub event_ids: Option<Vec<String>>,
}

/// Reads the body of an endpoint. `null` is as good as absent.
pub(crate) fn of_webhook(body: &[u8]) -> Result<Read<WebhookFields>, Refusal> {
    of(body)
}

/// Reads the body of a replay in the same way.
pub(crate) fn of_replay(body: &[u8]) -> Result<Read<ReplayFields>, Refusal> {
    of(body)
}

impl Fields for WebhookFields {
    fn text(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
            "url" => ("url", &mut self.url),
            "description" => ("description", &mut self.description),
            "ordering" => ("ordering", &mut self.ordering),
            "format" => ("format", &mut self.format),
            _ => return None,
        })
    }

    fn other(&mut self, name: &str, json: &str, _: &mut Unknown) -> Option<(&'static str, Option<Wrong>)> {
        Some(match name {
            "events" => value("events", json, "an array of strings", &mut self.events),
            "active" => value("active", json, "boolean", &mut self.active),
            "broadcastMessages" => value("broadcastMessages", json, "boolean", &mut self.broadcast_messages),
            _ => return None,
        })
    }
}

impl Fields for ReplayFields {
    fn text(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
            "since" => ("since", &mut self.since),
            "until" => ("until", &mut self.until),
            "status" => ("status", &mut self.status),
            _ => return None,
        })
    }

    fn other(&mut self, name: &str, json: &str, _: &mut Unknown) -> Option<(&'static str, Option<Wrong>)> {
        (name == "eventIds").then(|| value("eventIds", json, "an array of strings", &mut self.event_ids))
    }
}

fn value<T: serde::de::DeserializeOwned>(
    field: &'static str,
    json: &str,
    expected: &'static str,
    place: &mut Option<T>,
) -> (&'static str, Option<Wrong>) {
    match serde_json::from_str::<Option<T>>(json) {
        Ok(value) => {
            *place = value;
            (field, None)
        }
        Err(_) => (field, Some((field.into(), expected))),
    }
}

#[cfg(test)]
mod tests {
    use model::error::AdditionalInfo;

    use super::*;

    #[test]
    fn fields_of_an_endpoint_are_read_and_wrong_ones_named() {
        let read = of_webhook(br#"{"url":"https://a.example","events":["*"],"active":false,"ordering":null,"x":1}"#);
        let expected = WebhookFields {
            url: Some("https://a.example".to_owned()),
            events: Some(vec!["*".to_owned()]),
            active: Some(false),
            ..WebhookFields::default()
        };
        let read = read.unwrap();
        assert_eq!((read.fields, read.unknown.to_header().unwrap()), (expected, "x".parse().unwrap()));
        for (body, name) in [
            (r#"{"events":"*"}"#, "events"),
            (r#"{"events":[1]}"#, "events"),
            (r#"{"active":"yes"}"#, "active"),
            (r#"{"broadcastMessages":1}"#, "broadcastMessages"),
            (r#"{"url":[]}"#, "url"),
            (r#"{"url":"a","url":"b"}"#, "url"),
        ] {
            let info = of_webhook(body.as_bytes()).unwrap_err().info;
            assert!(matches!(info, Some(AdditionalInfo::WrongType { field, .. }) if field == name), "{body}");
        }
    }
}
