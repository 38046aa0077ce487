//! A carrier's own form of receipts, as a regular expression.

use std::fmt;
use std::str::FromStr;

use regex_lite::{Captures, Regex};
use serde::Deserialize;
use wire::receipt::ReceiptText;

/// A regular expression with the groups `id` and `stat`, and `err` if there is one. Compiled once; a value that exists
/// has them.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ReceiptPattern(Regex);

/// The groups that every pattern must have.
const REQUIRED: [&str; 2] = ["id", "stat"];

/// The groups that a pattern may have.
const KNOWN: [&str; 3] = ["id", "stat", "err"];

impl ReceiptPattern {
    /// What a text of this form says; `None` for a text of another form.
    pub(crate) fn read(&self, text: &str) -> Option<ReceiptText> {
        let found = self.0.captures(text)?;
        let group = |name| value(&found, name);
        Some(ReceiptText { id: group("id"), stat: group("stat"), err: group("err"), ..ReceiptText::default() })
    }
}

fn value(found: &Captures<'_>, name: &str) -> Option<String> {
    found.name(name).map(|group| group.as_str().trim().to_owned()).filter(|text| !text.is_empty())
}

impl FromStr for ReceiptPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let regex = Regex::new(text).map_err(|error| format!("is no regular expression: {error}"))?;
        let names: Vec<&str> = regex.capture_names().flatten().collect();
        if let Some(missing) = REQUIRED.iter().find(|name| !names.contains(name)) {
            return Err(format!("has no group `{missing}`, which is written (?<{missing}>…)"));
        }
        if let Some(unknown) = names.iter().find(|name| !KNOWN.contains(name)) {
            return Err(format!("has a group `{unknown}`, and only `id`, `stat` and `err` mean anything"));
        }
        Ok(Self(regex))
    }
}

impl TryFrom<String> for ReceiptPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Debug for ReceiptPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl PartialEq for ReceiptPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_refused_in_one_sentence() {
        for (text, words) in [
            ("(?<id>x", "is no regular expression: found open group without closing"),
            ("(?<stat>x)", "has no group `id`"),
            ("(?<id>x)", "has no group `stat`"),
            ("(?<id>x)(?<stat>y)(?<error>z)", "has a group `error`"),
        ] {
            let told = text.parse::<ReceiptPattern>().unwrap_err();
            assert!(told.starts_with(words) && !told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn a_pattern_reads_its_groups_and_nothing_else() {
        let pattern: ReceiptPattern = r"(?i)^msg (?<id>\S+) -> (?<stat>\w+)(?: code (?<err>\d*))?".parse().unwrap();
        let read = |text| pattern.read(text).map(|found| (found.id, found.stat, found.err));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("MSG 7f -> DONE code 12"), Some((some("7f"), some("DONE"), some("12"))));
        assert_eq!(read("msg 7f -> done code "), Some((some("7f"), some("done"), None)));
        assert_eq!(read("id:7 stat:DELIVRD"), None);
    }
}
