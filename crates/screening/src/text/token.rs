//! Splitting folded text into tokens: words, numbers, amounts, links, pictures.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::fold::{CAPITAL, Folded, HIDDEN_BEFORE, LOOKALIKE, is_symbol};
use super::hash;
use super::links::{self, Found};

/// What a token is, for rules and features that do not care which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters, perhaps with digits or leet symbols inside.
    Word,
    /// Digits, perhaps with separators inside.
    Number,
    /// Four to eight digits on their own: a code, a short number.
    Code,
    /// Nine or more digits: a telephone number.
    Phone,
    /// An amount of money.
    Money,
    /// A percentage.
    Percent,
    /// A link, with its index in the list of links.
    Link,
    /// A picture.
    Emoji,
}

/// One token.
#[derive(Clone, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// What is read: the folded text without apostrophes, or the word that was hidden.
    pub(crate) text: Cow<'a, str>,
    /// The hash of `text`.
    pub(crate) id: u64,
    /// Octets of the folded text.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Written to deceive a filter: look-alikes, hidden characters, leet, letters apart.
    pub(crate) masked: bool,
    /// Every letter was a capital, and there are at least two.
    pub(crate) shouted: bool,
    /// A sentence ended before it: no phrase goes across (`Your tyres are in! Call us`).
    pub(crate) opens: bool,
}

/// The hashes that stand for a kind of token in terms and features.
pub(crate) fn kind_hash(kind: Kind) -> u64 {
    static HASHES: LazyLock<[u64; 8]> = LazyLock::new(|| {
        ["<word>", "<num>", "<code>", "<phone>", "<money>", "<pct>", "<link>", "<emoji>"]
            .map(|name| hash(name.as_bytes()))
    });
    HASHES[kind as usize]
}

/// Cuts a folded message into tokens and links.
pub(crate) fn split(folded: &Folded) -> (Vec<Token<'_>>, Vec<Found>) {
    let text = folded.text.as_str();
    let links = links::find(folded);
    let mut tokens = Vec::with_capacity(text.len() / 5 + 4);
    let mut at = 0;
    for link in &links {
        split_plain(folded, at, link.from, &mut tokens);
        tokens.push(Token {
            kind: Kind::Link,
            text: Cow::Owned(link.host.clone()),
            id: kind_hash(Kind::Link),
            from: link.from,
            to: link.to,
            masked: false,
            shouted: false,
            opens: false,
        });
        at = link.to;
    }
    split_plain(folded, at, text.len(), &mut tokens);
    (tokens, links)
}

fn split_plain<'a>(folded: &'a Folded, from: usize, to: usize, tokens: &mut Vec<Token<'a>>) {
    let bytes = folded.text.as_bytes();
    let mut at = from;
    while at < to {
        let byte = bytes[at];
        let (end, kind) = if byte.is_ascii_digit()
            || (byte == b'$' || byte >= 0x80) && currency_len(&folded.text[at..to]) > 0
        {
            number(&folded.text, at, to)
        } else if byte.is_ascii_alphabetic()
            || (is_leet_symbol(byte)
                && at + 1 < to
                && bytes[at + 1].is_ascii_alphanumeric()
                && starts_word(bytes, at, from))
        {
            (word_end(bytes, at, to), Kind::Word)
        } else if byte == b'.' && at + 1 < to && bytes[at + 1].is_ascii_digit() && (at == from || bytes[at - 1] == b' ')
        {
            let (end, _) = number(&folded.text, at + 1, to);
            (end, Kind::Number)
        } else if byte >= 0x80 {
            wide_end(&folded.text, at, to)
        } else {
            at += 1;
            continue;
        };
        if end > at {
            push(folded, at, end, kind, tokens);
        }
        at = end.max(at + 1);
        while !folded.text.is_char_boundary(at) {
            at += 1;
        }
    }
}

fn push<'a>(folded: &'a Folded, from: usize, to: usize, kind: Kind, tokens: &mut Vec<Token<'a>>) {
    let raw = &folded.text[from..to];
    let text = if raw.contains('\'') { Cow::Owned(raw.replace('\'', "")) } else { Cow::Borrowed(raw) };
    let (mut letters, mut capitals, mut marked) = (0, 0, 0);
    for (at, (byte, mark)) in raw.bytes().zip(&folded.marks[from..to]).enumerate() {
        letters += usize::from(byte.is_ascii_alphabetic());
        capitals += usize::from(mark & CAPITAL);
        // What is hidden before a word is not inside it.
        marked |= if at == 0 { mark & LOOKALIKE } else { mark & (LOOKALIKE | HIDDEN_BEFORE) };
    }
    let masked = kind == Kind::Word && letters > 0 && marked != 0;
    let id = hash(text.as_bytes());
    let opens = tokens.last().is_some_and(|before| ends_sentence(&folded.text.as_bytes()[before.to..from]));
    tokens.push(Token { kind, text, id, from, to, masked, shouted: letters >= 2 && capitals >= letters, opens });
}

/// Whether what stands between two tokens ends a sentence. A question does not: `bad credit? no problem` is one phrase.
fn ends_sentence(between: &[u8]) -> bool {
    between.contains(&b'\n') || between.windows(2).any(|pair| matches!(pair, b". " | b"! "))
}

/// Symbols that stand for a letter inside a word.
pub(crate) const fn is_leet_symbol(byte: u8) -> bool {
    matches!(byte, b'@' | b'$' | b'!' | b'|' | b'+' | b'*' | b'#')
}

fn starts_word(bytes: &[u8], at: usize, from: usize) -> bool {
    // `#` and `+` and `*` before a word are a tag, a sign or an emphasis, not a letter.
    matches!(bytes[at], b'@' | b'$' | b'!' | b'|')
        && (at == from || !bytes[at - 1].is_ascii_alphanumeric())
        && bytes[at + 1].is_ascii_alphabetic()
}

fn word_end(bytes: &[u8], from: usize, to: usize) -> usize {
    let mut end = from + 1;
    while end < to {
        let byte = bytes[end];
        let inner = byte == b'\'' || is_leet_symbol(byte);
        let next_is_word = end + 1 < to && bytes[end + 1].is_ascii_alphanumeric();
        let doubled_leet = is_leet_symbol(byte)
            && end + 2 < to
            && is_leet_symbol(bytes[end + 1])
            && bytes[end + 2].is_ascii_alphanumeric();
        if byte.is_ascii_alphanumeric()
            || (inner && (next_is_word || doubled_leet))
            || matches!(byte, b'@' | b'$') && !next_is_word && bytes[end - 1].is_ascii_alphanumeric()
        {
            end += 1;
        } else {
            break;
        }
    }
    end
}

fn wide_end(text: &str, from: usize, to: usize) -> (usize, Kind) {
    let mut end = from;
    let mut kind = Kind::Word;
    for (offset, ch) in text[from..to].char_indices() {
        if ch.is_alphanumeric() {
            end = from + offset + ch.len_utf8();
        } else {
            if offset == 0 && is_symbol(ch) {
                end = from + ch.len_utf8();
                kind = Kind::Emoji;
            }
            break;
        }
    }
    (end, kind)
}

fn currency_len(text: &str) -> usize {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return 0 };
    if !matches!(first, '$' | '\u{00a3}' | '\u{00a5}' | '\u{20a0}'..='\u{20cf}') {
        return 0;
    }
    let rest = chars.as_str().trim_start_matches(' ');
    if rest.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) && chars.as_str().len() - rest.len() <= 1 {
        text.len() - rest.len()
    } else {
        0
    }
}

/// A number with what belongs to it: signs of currency before, separators inside, a unit right behind.
fn number(text: &str, from: usize, to: usize) -> (usize, Kind) {
    let bytes = text.as_bytes();
    let sign = currency_len(&text[from..to]);
    let mut end = from + sign;
    let mut digits = 0;
    while end < to {
        let byte = bytes[end];
        if byte.is_ascii_digit() {
            digits += 1;
            end += 1;
        } else if matches!(byte, b'.' | b',' | b'/' | b':' | b'-') && end + 1 < to && bytes[end + 1].is_ascii_digit() {
            end += 1;
        } else {
            break;
        }
    }
    let letters = bytes[end..to]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || is_leet_symbol(**byte) && **byte != b'!')
        .count();
    if sign > 0 {
        let unit = if letters == 1 && matches!(bytes[end], b'k' | b'm' | b'b') { 1 } else { 0 };
        return (end + unit, Kind::Money);
    }
    if letters > 0 && bytes[end..end + letters].iter().any(u8::is_ascii_alphabetic) {
        return (word_end(bytes, end, to).max(end + letters), Kind::Word);
    }
    if end < to && bytes[end] == b'%' {
        return (end + 1, Kind::Percent);
    }
    if end < to && text[end..to].starts_with('\u{00a3}') || text[end..to].starts_with('\u{20ac}') {
        return (end + text[end..to].chars().next().map_or(0, char::len_utf8), Kind::Money);
    }
    if end < to && bytes[end] == b'+' {
        return (end + 1, Kind::Number);
    }
    let plain = end - from == digits;
    let cents = bytes[from..end].iter().rev().position(|byte| *byte == b'.') == Some(2) && end - from - 1 == digits;
    let kind = match digits {
        _ if cents => Kind::Money,
        9.. => Kind::Phone,
        4..=8 if plain => Kind::Code,
        _ => Kind::Number,
    };
    (end, kind)
}
