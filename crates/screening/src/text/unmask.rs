//! Taking disguises off: leet, letters apart, repeated letters, stars, punctuation inside a word.
//!
//! A spelling is only replaced when what stands behind it is a word of the vocabulary, so an order number or a name
//! stays what it is. Every step looks at a bounded number of neighbours, so the work is linear in the text.

use super::token::{Kind, Token};
use super::words::Words;
use super::{Hash, hash, token};
use std::borrow::Cow;

/// The longest word that is put together again from single letters.
const LONGEST: usize = 16;
/// The shortest word whose plural may be written with a `z`.
const PLURAL_MIN: usize = 3;
/// The most symbols of a token that are tried in more than one reading.
const AMBIGUOUS: u32 = 3;

/// A run of three letters, the least that is squeezed, repeats a letter twice.
const REPEATS: usize = 2;

/// Replaces disguised tokens by the words they hide; `vocabulary` knows the words.
pub(crate) fn unmask(tokens: &mut Vec<Token<'_>>, folded: &str, vocabulary: &Words) {
    for token in tokens.iter_mut() {
        if token.kind != Kind::Word || is_plain(&token.text) || vocabulary.contains(token.id) {
            continue;
        }
        if let Some(word) = reveal(&token.text, vocabulary) {
            set(token, word, true);
        }
    }
    split_at_symbols(tokens);
    join_apart(tokens, folded, vocabulary);
}

fn set(token: &mut Token<'_>, word: String, masked: bool) {
    token.id = hash(word.as_bytes());
    token.text = Cow::Owned(word);
    token.masked |= masked;
    token.kind = Kind::Word;
}

/// Whether a word of letters alone, without repeated ones, has nothing to take off. Nearly all have not.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    repeats(bytes) < REPEATS && !bytes.ends_with(b"z") && bytes.iter().all(u8::is_ascii_alphabetic)
}

/// How many letters are the same as the one before.
fn repeats(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// The word of the vocabulary behind one token, if there is one.
fn reveal(text: &str, vocabulary: &Words) -> Option<String> {
    if text.len() < 3 || text.len() > 2 * LONGEST || !text.is_ascii() {
        return None;
    }
    let bytes = text.as_bytes();
    let symbols = bytes.iter().filter(|byte| !byte.is_ascii_alphabetic()).count();
    let letters = bytes.len() - symbols;
    // `R5000` is an amount, not a word.
    let plain = if symbols > 0 && letters > 0 && symbols <= 2 * letters { unleet(bytes, vocabulary) } else { None };
    plain.or_else(|| squeeze(bytes, vocabulary)).or_else(|| plural(bytes, vocabulary))
}

fn unleet(bytes: &[u8], vocabulary: &Words) -> Option<String> {
    let ambiguous = bytes.iter().filter(|byte| readings(**byte).len() > 1).count();
    let variants = 1_u32 << (u32::try_from(ambiguous).unwrap_or(AMBIGUOUS).min(AMBIGUOUS));
    let mut word = [0; 2 * LONGEST];
    let word = word.get_mut(..bytes.len())?;
    for variant in 0..variants {
        let mut choice = variant;
        for (letter, &byte) in word.iter_mut().zip(bytes) {
            *letter = match readings(byte) {
                [] => byte,
                [one] => *one,
                [one, two, ..] => {
                    let first = choice & 1 == 0;
                    choice >>= 1;
                    if first { *one } else { *two }
                }
            };
        }
        if let Some(known) =
            known(word, vocabulary).or_else(|| squeeze(word, vocabulary)).or_else(|| plural(word, vocabulary))
        {
            return Some(known);
        }
    }
    star(bytes, vocabulary)
}

/// `gunz`: a plural that is written for its looks.
fn plural(word: &[u8], vocabulary: &Words) -> Option<String> {
    let stem =
        word.strip_suffix(b"z").filter(|stem| stem.len() >= PLURAL_MIN && stem.iter().all(u8::is_ascii_alphabetic))?;
    let stem = std::str::from_utf8(stem).ok()?;
    [format!("{stem}s"), stem.to_owned()].into_iter().find(|word| vocabulary.contains(hash(word.as_bytes())))
}

/// `word` when the vocabulary has it.
fn known(word: &[u8], vocabulary: &Words) -> Option<String> {
    if vocabulary.contains(hash(word)) { String::from_utf8(word.to_vec()).ok() } else { None }
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
    let stars: Vec<usize> = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'*' | b'#' | b'@' | b'$'))
        .map(|(at, _)| at)
        .collect();
    if stars.is_empty() || stars.len() > 2 || bytes.len() < 4 {
        return None;
    }
    let mut word = bytes.to_vec();
    for first in b"aeiouckgs" {
        word[stars[0]] = *first;
        let Some(&at) = stars.get(1) else {
            if vocabulary.contains(hash(&word)) {
                return String::from_utf8(word).ok();
            }
            continue;
        };
        for second in b"aeiouckgs" {
            word[at] = *second;
            if vocabulary.contains(hash(&word)) {
                return String::from_utf8(word).ok();
            }
        }
    }
    None
}

/// `weeeed` and `freeee`: runs of three or more letters become two, then one; a word of doubled letters becomes single.
fn squeeze(bytes: &[u8], vocabulary: &Words) -> Option<String> {
    if repeats(bytes) < REPEATS {
        return None;
    }
    let mut longest = 0;
    let mut doubles = 0;
    for run in bytes.chunk_by(|left, right| left == right) {
        longest = longest.max(run.len());
        doubles += usize::from(run.len() >= 2);
    }
    if longest < 3 && doubles < 3 {
        return None;
    }
    [2, 1].into_iter().find_map(|keep| {
        let word: Vec<u8> =
            bytes.chunk_by(|left, right| left == right).flat_map(|run| &run[..run.len().min(keep)]).copied().collect();
        known(&word, vocabulary)
    })
}

/// A token with symbols that hides nothing is several words: `team!win`.
fn split_at_symbols(tokens: &mut Vec<Token<'_>>) {
    if !tokens.iter().any(|token| token.kind == Kind::Word && token.text.bytes().any(token::is_leet_symbol)) {
        return;
    }
    let whole = std::mem::take(tokens);
    for token in whole {
        if token.kind != Kind::Word
            || !token.text.bytes().any(token::is_leet_symbol)
            || token.text.len() != token.to - token.from
        {
            tokens.push(token);
            continue;
        }
        let mut from = 0;
        for part in token.text.split(|ch: char| u8::try_from(ch).is_ok_and(token::is_leet_symbol)) {
            if !part.is_empty() {
                let kind = if part.bytes().all(|byte| byte.is_ascii_digit()) { Kind::Number } else { Kind::Word };
                let at = token.from + from;
                tokens.push(Token {
                    kind,
                    text: Cow::Owned(part.to_owned()),
                    id: hash(part.as_bytes()),
                    from: at,
                    to: at + part.len(),
                    opens: token.opens && from == 0,
                    ..token.clone()
                });
            }
            from += part.len() + 1;
        }
    }
}

/// Puts words together that were spaced or punctuated apart.
fn join_apart(tokens: &mut Vec<Token<'_>>, folded: &str, vocabulary: &Words) {
    // `reach` is the last token that hangs together with all from `at` on, as far as that matters.
    let (mut kept, mut at, mut reach) = (0, 0, 0);
    while at < tokens.len() {
        reach = reach.max(at);
        while reach - at < LONGEST && tokens.get(reach + 1).is_some_and(|next| joins(&tokens[reach], next, folded)) {
            reach += 1;
        }
        match joined(&tokens[at..=reach], folded, vocabulary) {
            Some((count, token)) => {
                tokens[kept] = token;
                at += count;
            }
            None => {
                tokens.swap(kept, at);
                at += 1;
            }
        }
        kept += 1;
    }
    tokens.truncate(kept);
}

/// Whether two neighbours may be pieces of one word: single letters with little between them, or pieces with one symbol
/// between.
fn joins(left: &Token<'_>, right: &Token<'_>, folded: &str) -> bool {
    if !matches!(left.kind, Kind::Word | Kind::Number) || !matches!(right.kind, Kind::Word | Kind::Number) {
        return false;
    }
    let between = &folded[left.to..right.from.max(left.to)];
    let tight =
        matches!(between, "." | "-" | "_" | "*" | "'" | "/" | "|" | "~" | "\u{b7}" | "," | "`" | "^" | "+" | "\"");
    tight
        || (left.text.len() == 1
            && right.text.len() == 1
            && between.len() <= 4
            && !between.contains(|ch: char| ch == '\n' || ch.is_alphanumeric()))
}

/// The longest word that the first of `pieces` make together, and how many they are.
fn joined<'a>(pieces: &[Token<'a>], folded: &str, vocabulary: &Words) -> Option<(usize, Token<'a>)> {
    if pieces.len() < 2 {
        return None;
    }
    let mut text = [0; LONGEST];
    let mut length = 0;
    let mut hash = Hash::default();
    // For each number of pieces: how long they are together, their hash, and how many of them are single characters.
    let mut beginnings = [(0, 0, 0); LONGEST + 1];
    let mut count = 0;
    let mut singles = 0;
    for piece in pieces {
        let bytes = piece.text.as_bytes();
        if !bytes.is_ascii() || length + bytes.len() > LONGEST {
            break;
        }
        text[length..length + bytes.len()].copy_from_slice(bytes);
        length += bytes.len();
        bytes.iter().for_each(|byte| hash.push(*byte));
        singles += usize::from(bytes.len() == 1);
        beginnings[count] = (length, hash.finish(), singles);
        count += 1;
    }
    (2..=count).rev().find_map(|count| {
        let (length, id, singles) = beginnings[count - 1];
        let word = hidden(&text[..length], id, singles, &pieces[..count], vocabulary)?;
        let (first, last) = (pieces.first()?, pieces.get(count - 1)?);
        // Whole words with a hyphen between them are whole words.
        let hyphenated = singles == 0
            && folded[first.from..last.to]
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'\'' | b'/'));
        if !hyphenated && singles == 0 && pieces[..count].iter().all(|piece| vocabulary.contains(piece.id)) {
            return None;
        }
        let mut token = first.clone();
        token.to = last.to;
        token.shouted = pieces[..count].iter().any(|piece| piece.shouted);
        set(&mut token, word, !hyphenated || pieces[..count].iter().any(|piece| piece.masked));
        Some((count, token))
    })
}

/// The word of the vocabulary that `text`, of `pieces` together, is or hides.
fn hidden(text: &[u8], id: u64, singles: usize, pieces: &[Token<'_>], vocabulary: &Words) -> Option<String> {
    // Two letters are initials.
    if text.len() < 3
        || (pieces.len() == 2 && text.len() < 4)
        || singles < pieces.len() && !text.iter().any(u8::is_ascii_alphabetic)
    {
        return None;
    }
    if vocabulary.contains(id) {
        return String::from_utf8(text.to_vec()).ok();
    }
    if text.iter().all(u8::is_ascii_alphabetic) { None } else { unleet(text, vocabulary) }
}
