//! Folding: one spelling for every way to write a letter, with the way back to the original.
//!
//! In comes the message; out goes the same text in lower case with accents, compatibility forms, homoglyphs and
//! invisible characters resolved, and for every octet of it the Unicode scalar value of the message that it came from.

use decancer::Translation;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// A folded message.
pub(crate) struct Folded {
    /// The folded text.
    pub(crate) text: String,
    /// For each octet of `text`: the index, from 0, of the original scalar value.
    pub(crate) origin: Vec<u32>,
    /// For each octet of `text`: how it was written.
    pub(crate) marks: Vec<u8>,
    /// How many scalar values the original has.
    pub(crate) length: u32,
}

/// The original was a capital letter.
pub(crate) const CAPITAL: u8 = 1;
/// The original was a look-alike from another script or a styled form.
pub(crate) const LOOKALIKE: u8 = 2;
/// Invisible characters stood before this one.
pub(crate) const HIDDEN_BEFORE: u8 = 4;
/// The original was a Latin letter with an accent, or a compatibility form: ordinary in words, another name in a host.
pub(crate) const ACCENTED: u8 = 8;

/// Folds `original`.
pub(crate) fn fold(original: &str) -> Folded {
    let mut folded = Folded::with_capacity(original.len());
    let mut hidden = 0;
    let mut rest = original;
    while let Some(ch) = rest.chars().next() {
        if ch.is_ascii() {
            // Most of most messages is ASCII, and is folded as a whole.
            let plain = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
            folded.push_ascii(&rest[..plain], hidden);
            hidden = 0;
            rest = &rest[plain..];
            continue;
        }
        let at = folded.length;
        folded.length += 1;
        if is_invisible(ch) {
            hidden = HIDDEN_BEFORE;
        } else {
            folded.push_wide(ch, at, hidden);
            hidden = 0;
        }
        rest = &rest[ch.len_utf8()..];
    }
    folded
}

impl Folded {
    fn with_capacity(octets: usize) -> Self {
        Self {
            text: String::with_capacity(octets),
            origin: Vec::with_capacity(octets),
            marks: Vec::with_capacity(octets),
            length: 0,
        }
    }

    fn push_ascii(&mut self, run: &str, hidden: u8) {
        let start = self.text.len();
        self.text.push_str(run);
        self.text[start..].make_ascii_lowercase();
        self.origin.extend((self.length..).take(run.len()));
        self.length = self.length.saturating_add(u32::try_from(run.len()).unwrap_or(u32::MAX));
        self.marks.extend(run.bytes().map(|byte| if byte.is_ascii_uppercase() { CAPITAL } else { 0 }));
        self.marks[start] |= hidden;
    }

    fn push(&mut self, ch: char, at: u32, marks: u8) {
        self.text.push(ch);
        for _ in 0..ch.len_utf8() {
            self.origin.push(at);
            self.marks.push(marks);
        }
    }

    fn push_wide(&mut self, ch: char, at: u32, marks: u8) {
        let Some((text, of)) = NEAR.get(ch) else { return self.fold_wide(ch, at, marks) };
        self.text.push_str(text);
        self.origin.extend(text.bytes().map(|_| at));
        self.marks.extend(of.iter().map(|mark| mark | marks));
    }

    fn fold_wide(&mut self, ch: char, at: u32, marks: u8) {
        if let Some(plain) = punctuation(ch) {
            return self.push(plain, at, marks);
        }
        if is_symbol(ch) {
            return self.push(ch, at, marks);
        }
        let capital = if ch.is_uppercase() { CAPITAL } else { 0 };
        // An accented Latin letter is an ordinary spelling; whatever else becomes ASCII was chosen for its looks.
        let mut parts = std::iter::once(ch).nfkd().filter(|part| !is_combining(*part));
        let Some(first) = parts.next() else { return };
        if first.is_ascii() {
            let styled = if is_latin_with_accent(ch) { ACCENTED } else { LOOKALIKE };
            self.push(first.to_ascii_lowercase(), at, marks | capital | styled);
            for part in parts {
                self.push(part.to_ascii_lowercase(), at, marks | styled);
            }
            return;
        }
        match decancer::cure_char!(first) {
            Translation::Character(cured) if !first.is_alphabetic() || cured.is_ascii_alphanumeric() => {
                let styled = if cured.is_ascii() { LOOKALIKE } else { 0 };
                self.push(cured.to_ascii_lowercase(), at, marks | capital | styled);
            }
            Translation::String(cured) if cured.is_ascii() => {
                for part in cured.chars() {
                    self.push(part.to_ascii_lowercase(), at, marks | capital | LOOKALIKE);
                }
            }
            Translation::None if !first.is_alphanumeric() => {}
            _ => first.to_lowercase().for_each(|lower| self.push(lower, at, marks)),
        }
    }
}

/// The alphabets that are written most and abused most, folded beforehand: Latin, Greek and Cyrillic.
static NEAR: LazyLock<Near> = LazyLock::new(Near::new);

struct Near {
    folded: Folded,
    /// For each character of the alphabets: where it ends in `folded`.
    ends: Vec<usize>,
}

impl Near {
    const FIRST: u32 = 0x80;
    const LAST: u32 = 0x52f;

    fn new() -> Self {
        let mut near = Self { folded: Folded::with_capacity(0), ends: Vec::new() };
        for ch in (Self::FIRST..=Self::LAST).filter_map(char::from_u32) {
            near.folded.fold_wide(ch, 0, 0);
            near.ends.push(near.folded.text.len());
        }
        near
    }

    /// What `ch` is folded to, and how that is marked.
    fn get(&self, ch: char) -> Option<(&str, &[u8])> {
        let at = usize::try_from(u32::from(ch).checked_sub(Self::FIRST)?).ok()?;
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some((&self.folded.text[start..end], &self.folded.marks[start..end]))
    }
}

/// Characters that a reader does not see.
fn is_invisible(ch: char) -> bool {
    matches!(ch, '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_combining(ch: char) -> bool {
    unicode_normalization::char::is_combining_mark(ch)
}

fn is_latin_with_accent(ch: char) -> bool {
    matches!(ch, '\u{00c0}'..='\u{024f}' | '\u{1e00}'..='\u{1eff}' | '\u{00aa}' | '\u{00ba}' | '\u{00b2}' | '\u{00b3}'
        | '\u{00b9}' | '\u{00bc}'..='\u{00be}' | '\u{2122}' | '\u{fb00}'..='\u{fb06}')
}

/// Typographic punctuation and spaces, as ASCII.
fn punctuation(ch: char) -> Option<char> {
    Some(match ch {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{02bc}' | '\u{00b4}' | '\u{2032}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{00ab}' | '\u{00bb}' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{2022}' | '\u{00b7}' | '\u{2027}' | '\u{30fb}' | '\u{2219}' | '\u{22c5}' => '\u{00b7}',
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}' => '.',
        '\u{2026}' => ';',
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' => '/',
        '\u{ff1a}' => ':',
        '\u{00a0}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{3000}'
        | '\u{0085}'
        | '\u{2028}'
        | '\u{2029}' => ' ',
        _ => return None,
    })
}

/// Currency signs and pictures stay as they are: they mean something themselves.
pub(crate) fn is_symbol(ch: char) -> bool {
    matches!(ch, '\u{00a2}'..='\u{00a5}' | '\u{20a0}'..='\u{20cf}' | '\u{2190}'..='\u{23ff}' | '\u{2500}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1f0ff}' | '\u{1f1e6}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character after the other, without anything known beforehand.
    fn slowly(original: &str) -> Folded {
        let mut folded = Folded::with_capacity(0);
        let mut hidden = 0;
        for ch in original.chars() {
            let at = folded.length;
            folded.length += 1;
            if is_invisible(ch) {
                hidden = HIDDEN_BEFORE;
                continue;
            }
            match ch.is_ascii() {
                true => {
                    folded.push(
                        ch.to_ascii_lowercase(),
                        at,
                        hidden | if ch.is_ascii_uppercase() { CAPITAL } else { 0 },
                    );
                }
                false => folded.fold_wide(ch, at, hidden),
            }
            hidden = 0;
        }
        folded
    }

    proptest::proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn runs_and_alphabets_are_folded_as_their_characters_are(
            text in "([ -~]{0,9}|[\\u{80}-\\u{52f}\\u{200b}]{0,3}|\\PC){0,12}",
        ) {
            let (fast, slow) = (fold(&text), slowly(&text));
            proptest::prop_assert_eq!(
                (fast.text, fast.origin, fast.marks, fast.length),
                (slow.text, slow.origin, slow.marks, slow.length)
            );
        }
    }
}
