//! Taking disguises off: leet, letters apart, repeated letters, stars, punctuation inside a word.
//!
//! A spelling is only replaced when what stands behind it is a word of the vocabulary, so an order number or a name stays
//! what it is. Every step looks at a bounded number of neighbours, so the work is linear in the text.

use super::token::{Kind, Token};
use super::{hash, token};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Sets and maps of values that are hashes already.
#[derive(Default, Clone, Copy)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Makes hashers for such sets.
pub(crate) type Build = BuildHasherDefault<Identity>;
/// The words that a disguise may hide, by hash.
pub(crate) type Words = HashSet<u64, Build>;

/// The longest word that is put together again from single letters.
const LONGEST: usize = 16;
/// The most symbols of a token that are tried in more than one reading.
const AMBIGUOUS: u32 = 3;

/// Replaces disguised tokens by the words they hide; `vocabulary` knows the words.
pub(crate) fn unmask(tokens: &mut Vec<Token>, folded: &str, vocabulary: &Words) {
    for token in tokens.iter_mut() {
        if token.kind != Kind::Word || vocabulary.contains(&token.id) {
            continue;
        }
        if let Some(word) = reveal(&token.text, vocabulary) {
            set(token, word, true);
        }
    }
    split_at_symbols(tokens);
    join_apart(tokens, folded, vocabulary);
}

fn set(token: &mut Token, word: String, masked: bool) {
    token.id = hash(word.as_bytes());
    token.text = word;
    token.masked |= masked;
    token.kind = Kind::Word;
}

/// The word of the vocabulary behind one token, if there is one.
fn reveal(text: &str, vocabulary: &Words) -> Option<String> {
    if text.len() < 3 || text.len() > 2 * LONGEST || !text.is_ascii() {
        return None;
    }
    let bytes = text.as_bytes();
    let symbols = bytes.iter().filter(|byte| !byte.is_ascii_alphabetic()).count();
    let letters = bytes.len() - symbols;
    let plain = if symbols > 0 && letters > 0 { unleet(bytes, vocabulary) } else { None };
    plain.or_else(|| squeeze(bytes, vocabulary))
}

fn unleet(bytes: &[u8], vocabulary: &Words) -> Option<String> {
    let ambiguous = bytes.iter().filter(|byte| readings(**byte).len() > 1).count();
    let variants = 1_u32 << (u32::try_from(ambiguous).unwrap_or(AMBIGUOUS).min(AMBIGUOUS));
    for variant in 0..variants {
        let mut choice = variant;
        let mut word = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            let options = readings(byte);
            match options {
                [] => word.push(byte),
                [one] => word.push(*one),
                [one, two, ..] => {
                    word.push(if choice & 1 == 0 { *one } else { *two });
                    choice >>= 1;
                }
            }
        }
        // A plural or a stray symbol at the end is not part of the disguise.
        if vocabulary.contains(&hash(&word)) {
            return String::from_utf8(word).ok();
        }
        if let Some(squeezed) = squeeze(&word, vocabulary) {
            return Some(squeezed);
        }
    }
    star(bytes, vocabulary)
}

/// What a digit or symbol may stand for.
const fn readings(byte: u8) -> &'static [u8] {
    match byte {
        b'0' => b"o",
        b'1' | b'!' | b'|' => b"il",
        b'2' => b"z",
        b'3' => b"e",
        b'4' | b'@' => b"a",
        b'5' | b'$' => b"s",
        b'6' => b"gb",
        b'7' | b'+' => b"t",
        b'8' => b"b",
        b'9' => b"g",
        _ => b"",
    }
}

/// A single star for a vowel or another letter that decency left out.
fn star(bytes: &[u8], vocabulary: &Words) -> Option<String> {
    let stars: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'*' | b'#' | b'@' | b'$')).map(|(at, _)| at).collect();
    if stars.is_empty() || stars.len() > 2 || bytes.len() < 4 {
        return None;
    }
    for first in b"aeiouckgs" {
        for second in b"aeiouckgs" {
            let mut word = bytes.to_vec();
            word[stars[0]] = *first;
            if let Some(&at) = stars.get(1) {
                word[at] = *second;
            }
            if vocabulary.contains(&hash(&word)) {
                return String::from_utf8(word).ok();
            }
            if stars.len() == 1 {
                break;
            }
        }
    }
    None
}

/// `weeeed` and `freeee`: runs of three or more letters become two, then one; a word of doubled letters becomes single.
fn squeeze(bytes: &[u8], vocabulary: &Words) -> Option<String> {
    let mut longest = 0;
    let mut doubles = 0;
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| **byte == bytes[at]).count();
        longest = longest.max(run);
        doubles += usize::from(run >= 2);
        at += run;
    }
    if longest < 3 && doubles < 3 {
        return None;
    }
    for keep in [2, 1] {
        let mut word = Vec::with_capacity(bytes.len());
        let mut run = 0;
        for (index, &byte) in bytes.iter().enumerate() {
            run = if index > 0 && bytes[index - 1] == byte { run + 1 } else { 1 };
            if run <= keep {
                word.push(byte);
            }
        }
        if vocabulary.contains(&hash(&word)) {
            return String::from_utf8(word).ok();
        }
    }
    None
}

/// A token with symbols that hides nothing is several words: `team!win`.
fn split_at_symbols(tokens: &mut Vec<Token>) {
    if !tokens.iter().any(|token| token.kind == Kind::Word && token.text.bytes().any(token::is_leet_symbol)) {
        return;
    }
    let whole = std::mem::take(tokens);
    for token in whole {
        if token.kind != Kind::Word || !token.text.bytes().any(token::is_leet_symbol) || token.text.len() != token.to - token.from {
            tokens.push(token);
            continue;
        }
        let mut from = 0;
        for part in token.text.split(|ch: char| u8::try_from(ch).is_ok_and(token::is_leet_symbol)) {
            if !part.is_empty() {
                let kind = if part.bytes().all(|byte| byte.is_ascii_digit()) { Kind::Number } else { Kind::Word };
                let at = token.from + from;
                tokens.push(Token { kind, text: part.to_owned(), id: hash(part.as_bytes()), from: at, to: at + part.len(), ..token.clone() });
            }
            from += part.len() + 1;
        }
    }
}

/// Puts words together that were spaced or punctuated apart.
fn join_apart(tokens: &mut Vec<Token>, folded: &str, vocabulary: &Words) {
    if !tokens.windows(2).any(|pair| joins(&pair[0], &pair[1], folded)) {
        return;
    }
    let mut apart = std::mem::take(tokens);
    tokens.reserve(apart.len());
    let mut at = 0;
    while at < apart.len() {
        let run = 1 + apart[at..].windows(2).take(LONGEST).take_while(|pair| joins(&pair[0], &pair[1], folded)).count();
        match (2..=run).rev().find_map(|count| joined(&apart[at..at + count], folded, vocabulary)) {
            Some((count, token)) => {
                tokens.push(token);
                at += count;
            }
            None => {
                let text = std::mem::take(&mut apart[at].text);
                tokens.push(Token { text, ..apart[at].clone() });
                at += 1;
            }
        }
    }
}

/// Whether two neighbours may be pieces of one word: single letters with little between them, or pieces with one symbol between.
fn joins(left: &Token, right: &Token, folded: &str) -> bool {
    let between = &folded[left.to..right.from.max(left.to)];
    if !matches!(left.kind, Kind::Word | Kind::Number) || !matches!(right.kind, Kind::Word | Kind::Number) || between.len() > 4 {
        return false;
    }
    let tight = matches!(between, "." | "-" | "_" | "*" | "'" | "/" | "|" | "~" | "\u{b7}" | "," | "`" | "^" | "+" | "\"");
    tight || (left.text.len() == 1 && right.text.len() == 1 && !between.contains(|ch: char| ch == '\n' || ch.is_alphanumeric()))
}

fn joined(pieces: &[Token], folded: &str, vocabulary: &Words) -> Option<(usize, Token)> {
    let (first, last) = (pieces.first()?, pieces.last()?);
    let length: usize = pieces.iter().map(|piece| piece.text.len()).sum();
    let singles = pieces.iter().filter(|piece| piece.text.len() == 1).count();
    // Two letters are initials, and whole words with a hyphen between them are whole words.
    if !(3..=LONGEST).contains(&length) || (pieces.len() == 2 && length < 4) {
        return None;
    }
    let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    if !text.is_ascii() || !text.bytes().any(|byte| byte.is_ascii_alphabetic()) && singles < pieces.len() {
        return None;
    }
    let known = |word: &[u8]| vocabulary.contains(&hash(word));
    let word = match known(text.as_bytes()) {
        true => text,
        false if text.bytes().all(|byte| byte.is_ascii_alphabetic()) => return None,
        false => unleet(text.as_bytes(), vocabulary)?,
    };
    let hyphenated = singles == 0 && folded[first.from..last.to].bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'\'' | b'/'));
    if !hyphenated && singles == 0 && pieces.iter().all(|piece| vocabulary.contains(&piece.id)) {
        return None;
    }
    let mut token = first.clone();
    token.to = last.to;
    token.shouted = pieces.iter().any(|piece| piece.shouted);
    set(&mut token, word, !hyphenated || pieces.iter().any(|piece| piece.masked));
    Some((pieces.len(), token))
}
