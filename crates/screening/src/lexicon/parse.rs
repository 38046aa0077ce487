//! Reading the word lists.
//!
//! A list is lines of UTF-8. `[concept]` opens a concept; what follows, separated by commas or lines, are its phrases.
//! A phrase matches as it stands, and with a plural of its last word unless it begins with `=`. `<num>`, `<money>`,
//! `<pct>`, `<link>` and `<phone>` stand for any token of that kind, and `a|b` for either word. `#` at the start of a
//! line is a comment.

use super::{Lexicon, trie::LONGEST_PHRASE};
use crate::text::token::{self, Kind, kind_hash};
use crate::text::{fold, hash};

/// Why data of the screen cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// Not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    /// A line that does not follow the format.
    #[error("{file}, line {line}: {problem}")]
    Line {
        /// Which of the data.
        file: &'static str,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// More concepts than a set holds.
    #[error("there may be at most {0} concepts")]
    TooManyConcepts(usize),
    /// The weights are not of this format or version.
    #[error("the weights cannot be read: {0}")]
    Weights(&'static str),
    /// The network is not of this format or version.
    #[error("the network cannot be read: {0}")]
    Network(&'static str),
}

/// Adds the phrases of `text` to `lexicon`.
pub(crate) fn lexicon(file: &'static str, text: &str, lexicon: &mut Lexicon) -> Result<(), DataError> {
    let mut concept = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            concept = Some(lexicon.declare(name.trim())?);
            continue;
        }
        let Some(concept) = concept else {
            return Err(DataError::Line {
                file,
                line: number,
                problem: "a phrase before the first [concept]".to_owned(),
            });
        };
        for phrase in line.split(',').map(str::trim).filter(|phrase| !phrase.is_empty()) {
            add(phrase, concept, lexicon).map_err(|problem| DataError::Line { file, line: number, problem })?;
        }
    }
    Ok(())
}

/// Adds one phrase in all its forms.
pub(crate) fn add(phrase: &str, concept: u16, lexicon: &mut Lexicon) -> Result<(), String> {
    let (exact, phrase) = phrase.strip_prefix('=').map_or((false, phrase), |rest| (true, rest));
    for variant in variants(phrase) {
        let words = words(&variant);
        if words.is_empty() || words.len() > LONGEST_PHRASE {
            return Err(format!("`{variant}` has {} words; 1 to {LONGEST_PHRASE} are possible", words.len()));
        }
        insert(&words, concept, lexicon);
        let Some(last) =
            words.last().filter(|last| !exact && last.len() > 2 && last.bytes().all(|byte| byte.is_ascii_lowercase()))
        else {
            continue;
        };
        if let Some(plural) = plural(last) {
            let mut plurals = words.clone();
            if let Some(word) = plurals.last_mut() {
                *word = plural;
            }
            insert(&plurals, concept, lexicon);
        }
    }
    Ok(())
}

fn insert(words: &[String], concept: u16, lexicon: &mut Lexicon) {
    let hashes: Vec<u64> = words.iter().map(|word| key(word)).collect();
    lexicon.add(concept, &hashes);
    for word in words.iter().filter(|word| !word.starts_with('<')) {
        lexicon.vocabulary.insert(hash(word.as_bytes()));
    }
    // `pre rolls` is also written `prerolls`.
    if let [first, second] = words {
        let plain = |word: &String| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if plain(first) && plain(second) && first.len() + second.len() >= 7 {
            let whole = hash(format!("{first}{second}").as_bytes());
            lexicon.add(concept, &[whole]);
            lexicon.vocabulary.insert(whole);
        }
    }
}

fn key(word: &str) -> u64 {
    match word {
        "<num>" => kind_hash(Kind::Number),
        "<money>" => kind_hash(Kind::Money),
        "<pct>" => kind_hash(Kind::Percent),
        "<link>" => kind_hash(Kind::Link),
        "<phone>" => kind_hash(Kind::Phone),
        word => hash(word.as_bytes()),
    }
}

/// The phrases behind one with alternatives.
fn variants(phrase: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for word in phrase.split_whitespace() {
        all = all.iter().flat_map(|start| word.split('|').map(move |choice| format!("{start} {choice}"))).collect();
    }
    all
}

/// A phrase in the tokens that a message is cut into.
fn words(phrase: &str) -> Vec<String> {
    let mut all = Vec::new();
    for word in phrase.split_whitespace() {
        if word.starts_with('<') {
            all.push(word.to_owned());
        } else {
            all.extend(token::split(&fold::fold(word)).0.into_iter().map(|token| token.text.into_owned()));
        }
    }
    all
}

fn plural(word: &str) -> Option<String> {
    if word.ends_with('s') && !word.ends_with("ss") {
        return None;
    }
    let sibilant = word.ends_with("ss") || word.ends_with('x') || word.ends_with("ch") || word.ends_with("sh");
    Some(match word.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        Some(stem) => format!("{stem}ies"),
        None if sibilant => format!("{word}es"),
        None => format!("{word}s"),
    })
}
