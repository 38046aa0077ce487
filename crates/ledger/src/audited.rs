//! The audit log: the rules that every backend shares.

use std::borrow::Cow;

use model::{AuditEntry, AuditId, AuditOutcome, AuditRecord, Msisdn, Timestamp};

use crate::contract::audit::{AuditFilter, AuditPage};
use crate::contract::erase::AuditOf;

/// How many entries a page looks at.
pub const LOOKED_AT: usize = 5_000;

/// How many entries one look of an erasure reads.
pub const ENTRIES: usize = 200;

/// The ids between which a page lies: from the first one up to, and without, the second.
pub fn bounds(filter: &AuditFilter, after: Option<AuditId>) -> (AuditId, AuditId) {
    let low = filter.since.map_or(AuditId::from_bytes([0; 16]), AuditId::lowest_at);
    let last = AuditId::from_bytes([0xFF; 16]);
    let before = filter.before.map_or(last, AuditId::lowest_at);
    (low, before.min(after.unwrap_or(last)))
}

/// What stands between the digits of a number that a person typed.
const SEPARATORS: &[u8] = b" -.()/";

/// How many separators stand between two digits at most.
const SEPARATORS_MAX: usize = 3;

/// A text without a number: a zero stands in its place, with and without what people write between digits. JSON stays
/// JSON, whether the number is in a string or is one. `None` where the text does not have the number.
fn without_number<'t>(text: &'t str, digits: &str) -> Option<Cow<'t, str>> {
    let (octets, mut at) = (text.as_bytes(), 0);
    let (mut kept, mut from) = (String::new(), 0);
    while at < octets.len() {
        match length_of_number(&octets[at..], digits.as_bytes()) {
            Some(length) => {
                kept.push_str(&text[from..at]);
                kept.push('0');
                at += length;
                from = at;
            }
            None => at += 1,
        }
    }
    (from > 0).then(|| Cow::Owned(kept + &text[from..]))
}

/// How many octets the number takes with which these begin, if they do.
fn length_of_number(octets: &[u8], digits: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (place, digit) in digits.iter().enumerate() {
        let mut separators = 0;
        while place > 0 && separators < SEPARATORS_MAX && octets.get(at).is_some_and(|o| SEPARATORS.contains(o)) {
            (at, separators) = (at + 1, separators + 1);
        }
        if octets.get(at) != Some(digit) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

/// The texts of an entry that may have a number: path, request, what was before, and what was after.
pub struct Texts {
    /// The path of the request.
    pub path: String,
    /// The body of the request.
    pub request: Option<String>,
    /// The resource before the change.
    pub before: Option<String>,
    /// The resource after the change.
    pub after: Option<String>,
}

impl Texts {
    /// Takes a number out of them. Says whether one of them had it.
    pub fn forget(&mut self, number: Msisdn) -> bool {
        let number = number.to_string();
        let digits = number.trim_start_matches('+');
        let mut has_changed = false;
        let texts = [Some(&mut self.path), self.request.as_mut(), self.before.as_mut(), self.after.as_mut()];
        for text in texts.into_iter().flatten() {
            if let Some(kept) = without_number(text, digits).map(Cow::into_owned) {
                *text = kept;
                has_changed = true;
            }
        }
        has_changed
    }
}

/// A page of the records that were found, one more than it shows at most; `last` is the last entry that it looked at,
/// if there may be others behind that.
pub fn page(mut records: Vec<AuditRecord>, limit: usize, last: Option<AuditId>) -> AuditPage {
    let is_more = records.len() > limit;
    records.truncate(limit);
    let next = if is_more { records.last().map(|record| record.entry.id) } else { last };
    AuditPage { records, next }
}

/// Which of the entries that a look has read have a number.
pub fn mentions(looked: Vec<(AuditId, Texts)>, number: Msisdn) -> AuditOf {
    let next = looked.last().filter(|_| looked.len() == ENTRIES).map(|(id, _)| *id);
    let mentioned = looked.into_iter().filter_map(|(id, mut texts)| texts.forget(number).then_some(id));
    AuditOf { entries: mentioned.collect(), next }
}

/// An entry as its columns have it.
pub fn entry_words(entry: &AuditEntry) -> (&'static str, Option<String>, &'static str) {
    (entry.actor.kind.as_str(), entry.address.map(|address| address.to_string()), entry.via.as_str())
}

/// An outcome from its columns; `None` where there is none.
pub fn outcome(at: Option<Timestamp>, status: Option<u16>, after: Option<String>) -> Option<AuditOutcome> {
    Some(AuditOutcome { at: at?, status: status?, after: after.map(Into::into) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_out_in_every_form_in_which_people_write_it() {
        for (text, kept) in [
            ("/blocks/+18005551234?kind=recipient", Some("/blocks/+0?kind=recipient")),
            ("/optouts/%2B18005551234", Some("/optouts/%2B0")),
            (r#"{"to":"+1 (800) 555-1234","n":18005551234}"#, Some(r#"{"to":"+0","n":0}"#)),
            (r#"{"a":"18005551234 18005551234"}"#, Some(r#"{"a":"0 0"}"#)),
            (r#"{"a":"+18005551235"}"#, None),
            (r#"{"a":1800555,"b":1234}"#, None),
            ("", None),
        ] {
            assert_eq!(without_number(text, "18005551234").as_deref(), kept, "{text}");
        }
    }

    #[test]
    fn a_page_lies_between_the_times_of_its_filter() {
        let at = Timestamp::from_millis;
        let filter = AuditFilter { since: Some(at(5)), before: Some(at(9)), ..AuditFilter::default() };
        assert_eq!(bounds(&filter, None), (AuditId::lowest_at(at(5)), AuditId::lowest_at(at(9))));
        let after = AuditId::lowest_at(at(7));
        assert_eq!(bounds(&filter, Some(after)).1, after);
    }
}
