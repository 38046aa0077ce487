//! In which language a message is written, so far as it matters: English, another language, or too little to say.
//!
//! The network was trained on English and measured on English, so it has no say on another language. Letters of other
//! scripts are counted in the message as it was sent; where most letters are Latin, the commonest words of each
//! language are (`data/languages.txt`).

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::text::hash;
use crate::text::token::{Kind, Token};
use crate::text::words::Build;

/// The language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Another one, by its name, or that of its script where several languages share it.
    Other(&'static str),
    /// Too short, or of no language that is known. It is screened as English.
    Unclear,
}

impl Language {
    /// Whether the message is in a language on which the network has no say.
    #[must_use]
    pub const fn is_foreign(self) -> bool {
        matches!(self, Self::Other(_))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::English => "English",
            Self::Other(name) => name,
            Self::Unclear => "unclear",
        })
    }
}

/// The fewest different common words that make a language.
const LEAST: usize = 2;
/// In a message of more words than this, one more is needed, unless it has no common word of English.
const SHORT: usize = 8;
/// One word in so many must be a common one of the language.
const DENSE: usize = 5;

/// The language of `original`, whose tokens are `tokens`.
pub(crate) fn of(original: &str, tokens: &[Token<'_>]) -> Language {
    if let Some(script) = script(original) {
        return Language::Other(script);
    }
    let mut counts = vec![Count::default(); WORDS.names.len()];
    let mut words = 0;
    for token in tokens.iter().filter(|token| token.kind == Kind::Word) {
        words += 1;
        let languages = WORDS.languages.get(&token.id).copied().unwrap_or(0);
        for language in crate::lexicon::bits(languages) {
            counts[language].add(token.id);
        }
    }
    let Some((english, others)) = counts.split_first() else { return Language::Unclear };
    // Of languages that are level the first one is named.
    let best = others.iter().zip(&WORDS.names[1..]).rev().max_by_key(|(count, _)| count.all);
    let least = LEAST + usize::from(words > SHORT && english.all > 0);
    match best {
        Some((other, name))
            if other.all > english.all
                && other.different >= LEAST
                && other.all >= least
                && other.all * DENSE >= words =>
        {
            Language::Other(name)
        }
        _ if english.all > 0 => Language::English,
        _ => Language::Unclear,
    }
}

/// How many common words of a language there are, and how many different ones.
#[derive(Clone, Default)]
struct Count {
    all: usize,
    different: usize,
    /// Those that were counted as different; the first few are enough.
    seen: [u64; LEAST],
}

impl Count {
    fn add(&mut self, word: u64) {
        self.all += 1;
        if self.different < LEAST && !self.seen[..self.different].contains(&word) {
            self.seen[self.different] = word;
            self.different += 1;
        }
    }
}

/// The commonest words of languages.
struct Words {
    names: Vec<&'static str>,
    /// For each word: the languages that have it, a bit for each.
    languages: HashMap<u64, u64, Build>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("../data/languages.txt")));

impl Words {
    fn parse(text: &'static str) -> Self {
        let mut words = Self { names: Vec::new(), languages: HashMap::default() };
        let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
        for (name, list) in lines {
            if words.names.last() != Some(&name) {
                words.names.push(name);
            }
            let bit = 1 << (words.names.len() - 1).min(63);
            for word in list.split_whitespace().filter(|word| word.len() > 1) {
                let languages = words.languages.entry(hash(word.as_bytes())).or_default();
                // A word of English, which comes first, is no sign of another language.
                if *languages & 1 == 0 {
                    *languages |= bit;
                }
            }
        }
        words
    }
}

/// The script in which most letters are written, if that is not Latin.
///
/// A word with a Latin letter is Latin, and a word of nothing but look-alikes of Latin letters says nothing: both are
/// how words are disguised.
fn script(original: &str) -> Option<&'static str> {
    if original.is_ascii() {
        return None;
    }
    let mut latin = 0;
    let mut others: Vec<(&'static str, usize)> = Vec::new();
    for word in original.split(|ch: char| !ch.is_alphabetic()).filter(|word| !word.is_empty()) {
        let letters = word.chars().count();
        if word.chars().any(|ch| script_of(ch).is_none()) {
            latin += letters;
        } else if let Some(name) = word.chars().find(|ch| !looks_latin(*ch)).and_then(script_of) {
            match others.iter_mut().find(|(other, _)| *other == name) {
                Some((_, count)) => *count += letters,
                None => others.push((name, letters)),
            }
        }
    }
    let all: usize = others.iter().map(|(_, count)| count).sum();
    others.iter().max_by_key(|(_, count)| *count).map(|(name, _)| *name).filter(|_| all > latin)
}

/// The script or the language of a letter that is not Latin; styled letters count as Latin.
const fn script_of(ch: char) -> Option<&'static str> {
    Some(match ch {
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => "Greek",
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}' => {
            "Cyrillic script"
        }
        '\u{531}'..='\u{58f}' => "Armenian",
        '\u{590}'..='\u{5ff}' | '\u{fb1d}'..='\u{fb4f}' => "Hebrew",
        '\u{600}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => {
            "Arabic script"
        }
        '\u{900}'..='\u{97f}' => "Devanagari script",
        '\u{980}'..='\u{9ff}' => "Bengali script",
        '\u{a00}'..='\u{dff}' => "a script of India or Sri Lanka",
        '\u{e00}'..='\u{e7f}' => "Thai",
        '\u{e80}'..='\u{eff}' => "Lao",
        '\u{f00}'..='\u{fff}' => "Tibetan",
        '\u{1000}'..='\u{109f}' => "Burmese script",
        '\u{10a0}'..='\u{10ff}' => "Georgian",
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => "Korean",
        '\u{1200}'..='\u{137f}' => "Ethiopic script",
        '\u{1780}'..='\u{17ff}' => "Khmer",
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' => "Japanese",
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
            "Chinese characters"
        }
        _ => return None,
    })
}

/// Letters of Greek and Cyrillic that look like Latin ones.
const fn looks_latin(ch: char) -> bool {
    matches!(
        ch,
        // А В Е К М Н О Р С Т У Х І Ј Ѕ, small and capital, and ԁ һ ԛ ԝ.
        '\u{410}' | '\u{412}' | '\u{415}' | '\u{41a}' | '\u{41c}' | '\u{41d}' | '\u{41e}' | '\u{420}'..='\u{423}'
        | '\u{425}' | '\u{430}' | '\u{432}' | '\u{435}' | '\u{43a}' | '\u{43c}' | '\u{43d}' | '\u{43e}'
        | '\u{440}'..='\u{443}' | '\u{445}' | '\u{405}'
        | '\u{406}' | '\u{408}' | '\u{455}' | '\u{456}' | '\u{458}' | '\u{4bb}' | '\u{501}'
        | '\u{51b}' | '\u{51d}'
        // Α Β Ε Ζ Η Ι Κ Μ Ν Ο Ρ Τ Υ Χ and α ι κ ν ο ρ τ υ χ.
        | '\u{391}' | '\u{392}' | '\u{395}'..='\u{397}' | '\u{399}' | '\u{39a}' | '\u{39c}' | '\u{39d}' | '\u{39f}'
        | '\u{3a1}' | '\u{3a4}' | '\u{3a5}' | '\u{3a7}' | '\u{3b1}' | '\u{3b9}' | '\u{3ba}' | '\u{3bd}' | '\u{3bf}'
        | '\u{3c1}' | '\u{3c4}' | '\u{3c5}' | '\u{3c7}'
    )
}
