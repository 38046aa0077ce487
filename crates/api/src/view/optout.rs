//! Opt-outs as a client sees them.

use model::{OptOut, OptOutChange, Timestamp};
use serde::Serialize;

use super::text;

/// The JSON of an opt-out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OptOutView<'a> {
    number: String,
    from: Option<String>,
    source: &'static str,
    keyword: Option<&'a str>,
    message_id: Option<String>,
    #[serde(serialize_with = "text")]
    created_at: Timestamp,
}

impl<'a> OptOutView<'a> {
    /// The opt-out, in force.
    pub fn of(opt_out: &'a OptOut) -> Self {
        Self {
            number: opt_out.name.number.to_string(),
            from: opt_out.name.from.map(|from| from.to_string()),
            source: opt_out.source.as_str(),
            keyword: opt_out.keyword.as_deref(),
            message_id: opt_out.message.map(|id| id.to_string()),
            created_at: opt_out.created_at,
        }
    }
}

/// The JSON of a line of an opt-out's history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OptOutChangeView<'a> {
    #[serde(serialize_with = "text")]
    at: Timestamp,
    change: &'static str,
    from: Option<String>,
    source: &'static str,
    keyword: Option<&'a str>,
    reason: Option<&'a str>,
    message_id: Option<String>,
}

impl<'a> OptOutChangeView<'a> {
    /// A beginning or an end of an opt-out.
    pub fn of(change: &'a OptOutChange) -> Self {
        let opt_out = &change.opt_out;
        Self {
            at: opt_out.created_at,
            change: if change.is_out { "opted_out" } else { "opted_in" },
            from: opt_out.name.from.map(|from| from.to_string()),
            source: opt_out.source.as_str(),
            keyword: opt_out.keyword.as_deref(),
            reason: opt_out.reason.as_deref(),
            message_id: opt_out.message.map(|id| id.to_string()),
        }
    }
}
