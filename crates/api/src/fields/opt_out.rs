//! The body of a call about an opt-out: from which sender, and why.

use model::error::Refusal;

use super::{Fields, Read, of};

/// The fields of such a body, as they stand.
#[derive(Default)]
pub(crate) struct OptOutFields {
    pub(crate) from: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Fields for OptOutFields {
    fn text(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
            "from" => ("from", &mut self.from),
            "reason" => ("reason", &mut self.reason),
            _ => return None,
        })
    }
}

/// Reads a body. An empty one has no field.
///
/// # Errors
/// As [`of_message`](super::of_message).
pub(crate) fn of_opt_out(body: &[u8]) -> Result<Read<OptOutFields>, Refusal> {
    if body.is_empty() { Ok(Read::default()) } else { of(body) }
}
