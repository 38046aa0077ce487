//! Comparing a template with a text.
//!
//! What is fixed is looked for part by part. For each part all places are known at which the parts so far may end, and
//! of these the nearest one that leaves room for a value is kept: a nearer end makes a shorter value with fewer
//! characters that a value must not have, so that no other end could do where the nearest does not. Each part costs
//! one pass over the text, whatever the text repeats.

use super::{Template, VALUE_CHARACTERS_MAX};
use crate::text::fold::{Folded, fold};
use crate::text::links;

/// A text as templates are compared with it.
pub(super) struct Plain {
    /// The folded text; each run of white space is one space.
    pub(super) text: String,
    /// For each octet of `text`: the index, from 0, of the original scalar value. One more says where the text ends.
    origin: Vec<usize>,
    /// Octets of `text`, in order, that are white space with a line break in it.
    breaks: Vec<usize>,
}

/// A text that may pass under a template.
pub(super) struct Candidate<'t> {
    text: &'t str,
    plain: Plain,
    pub(super) links: Vec<links::Found>,
}

impl<'t> Candidate<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let folded = fold(text);
        let mut plain = plain(&folded);
        for (at, ch) in text.chars().enumerate() {
            // These are folded to a space.
            if matches!(ch, '\u{85}' | '\u{2028}' | '\u{2029}') {
                plain.breaks.push(plain.origin.partition_point(|origin| *origin <= at).saturating_sub(1));
            }
        }
        plain.breaks.sort_unstable();
        let links = links::find(&folded);
        Self { text, plain: plain.trimmed(), links }
    }

    /// The original of a part of the text.
    fn original(&self, from: usize, to: usize) -> &'t str {
        let octet = |at: usize| self.text.char_indices().nth(at).map_or(self.text.len(), |(octet, _)| octet);
        &self.text[octet(self.plain.origin[from])..octet(self.plain.origin[to])]
    }
}

/// A folded text with each run of white space as one space.
pub(super) fn plain(folded: &Folded) -> Plain {
    let mut plain = Plain { text: String::with_capacity(folded.text.len()), origin: Vec::new(), breaks: Vec::new() };
    let mut is_space = false;
    for (octet, ch) in folded.text.char_indices() {
        let origin = folded.origin.get(octet).and_then(|at| usize::try_from(*at).ok()).unwrap_or_default();
        if ch.is_whitespace() {
            if !is_space {
                plain.text.push(' ');
                plain.origin.push(origin);
            }
            if matches!(ch, '\n'..='\r') {
                plain.breaks.push(plain.text.len() - 1);
            }
            is_space = true;
        } else {
            plain.text.push(ch);
            plain.origin.extend(std::iter::repeat_n(origin, ch.len_utf8()));
            is_space = false;
        }
    }
    plain.origin.push(usize::try_from(folded.length).unwrap_or(usize::MAX));
    plain
}

impl Plain {
    /// Without white space around.
    fn trimmed(mut self) -> Self {
        let lead = self.text.len() - self.text.trim_start().len();
        let kept = self.text.trim().len();
        self.text = self.text[lead..lead + kept].to_owned();
        self.origin = self.origin.get(lead..=lead + kept).map(<[usize]>::to_vec).unwrap_or_default();
        self.breaks = self.breaks.iter().filter_map(|at| at.checked_sub(lead)).filter(|at| *at < kept).collect();
        self
    }

    /// Whether a value may reach from one octet to another.
    fn may_be_value(&self, from: usize, to: usize, in_link: bool) -> bool {
        let first_break = self.breaks.partition_point(|at| *at < from);
        from < to
            && self.origin[to] - self.origin[from] <= VALUE_CHARACTERS_MAX
            && self.breaks.get(first_break).is_none_or(|at| *at >= to)
            && !(in_link && self.text[from..to].contains(' '))
    }
}

impl Template {
    /// The values of the placeholders as they were sent, where the whole text matches.
    pub(super) fn values<'t>(&self, candidate: &Candidate<'t>) -> Option<Vec<&'t str>> {
        let text = candidate.plain.text.as_str();
        let (first, last) = (self.fixed.first()?, self.fixed.last()?);
        if self.in_link.is_empty() {
            return (text == first).then(Vec::new);
        }
        if !text.starts_with(first.as_str()) || !text.ends_with(last.as_str()) {
            return None;
        }
        let mut places = self.places(&candidate.plain)?;
        // From the end of each fixed part back to the end of the one before it.
        let mut values = Vec::with_capacity(places.len());
        let mut end = text.len();
        while let Some(ends) = places.pop() {
            let value_to = end - self.fixed[places.len() + 1].len();
            let value_from = ends.iter().find(|reached| reached.end == end)?.before;
            let value = candidate.original(value_from, value_to);
            if text[value_from..value_to].trim().is_empty() {
                return None;
            }
            values.push(value);
            end = value_from;
        }
        values.reverse();
        Some(values)
    }

    /// For each fixed part behind a placeholder: the places at which it may end, in order.
    fn places(&self, plain: &Plain) -> Option<Vec<Vec<Reached>>> {
        let text = plain.text.as_str();
        let mut before: Vec<usize> = vec![self.fixed.first()?.len()];
        let mut places = Vec::with_capacity(self.in_link.len());
        for (part, in_link) in self.fixed[1..].iter().zip(&self.in_link) {
            let is_last = places.len() + 1 == self.in_link.len();
            let starts = if is_last { vec![text.len() - part.len()] } else { occurrences(text, part) };
            let (mut reached, mut nearest) = (Vec::new(), 0);
            for start in starts {
                step();
                // The value has at least one character.
                while before.get(nearest + 1).is_some_and(|end| *end < start) {
                    nearest += 1;
                    step();
                }
                let end = before[nearest];
                if plain.may_be_value(end, start, *in_link) {
                    reached.push(Reached { end: start + part.len(), before: end });
                }
            }
            if reached.is_empty() {
                return None;
            }
            before = reached.iter().map(|reached| reached.end).collect();
            places.push(reached);
        }
        Some(places)
    }
}

/// A place at which a fixed part may end.
struct Reached {
    /// The octet behind the part.
    end: usize,
    /// The octet behind the part before it.
    before: usize,
}

/// Where `part` begins in `text`, also where its places overlap (Knuth, Morris and Pratt).
fn occurrences(text: &str, part: &str) -> Vec<usize> {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut borders = vec![0; part.len()];
    let mut length = 0;
    for at in 1..part.len() {
        while length > 0 && part[at] != part[length] {
            length = borders[length - 1];
            step();
        }
        length += usize::from(part[at] == part[length]);
        borders[at] = length;
    }
    let mut found = Vec::new();
    length = 0;
    for (at, octet) in text.iter().enumerate() {
        step();
        while length > 0 && part.get(length) != Some(octet) {
            length = borders[length - 1];
            step();
        }
        length += usize::from(part.get(length) == Some(octet));
        if length == part.len() {
            found.push(at + 1 - length);
            length = borders[length - 1];
        }
    }
    found
}

/// Counts the work, for a test that it is linear.
fn step() {
    #[cfg(test)]
    super::tests::STEPS.with(|steps| steps.set(steps.get() + 1));
}
