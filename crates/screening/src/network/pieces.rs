//! Word pieces: a text as numbers of a vocabulary, by the longest match, as BERT cuts it.
//!
//! A text is cut at white space. Every character that is neither a letter nor a digit is a word of its own. A word is
//! cut into the longest piece with which it begins, the longest piece that continues it, and so on; where no piece
//! fits, the whole word is unknown. Nothing is folded here, because the text is folded already.

use std::collections::HashMap;

use super::file::{CONTINUES, PIECE_MAX};
use crate::lexicon::parse::DataError;
use crate::text::Hash;
use crate::text::words::{Build, Filter};

/// A longer word, in characters, is unknown.
const WORD_MAX: usize = 100;
/// The number of the unknown word.
const UNKNOWN: u16 = 0;

/// A vocabulary of word pieces.
pub(crate) struct Pieces {
    filter: Filter,
    numbers: HashMap<u64, u16, Build>,
    /// The octets of the longest piece, without `##`.
    longest: usize,
}

/// A text in pieces.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The pieces, by number.
    pub(crate) numbers: Vec<u16>,
    /// For each piece: the octet of the text at which it begins.
    pub(crate) starts: Vec<usize>,
}

impl Cut {
    fn push(&mut self, number: u16, start: usize) {
        self.numbers.push(number);
        self.starts.push(start);
    }

    fn truncate(&mut self, length: usize) {
        self.numbers.truncate(length);
        self.starts.truncate(length);
    }
}

impl Pieces {
    /// A vocabulary in the order of the numbers, the unknown word first.
    pub(crate) fn new(names: &[&str]) -> Result<Self, DataError> {
        let mut filter = Filter::default();
        let mut numbers = HashMap::with_capacity_and_hasher(names.len(), Build::default());
        // The unknown word is not found by its name.
        for (number, name) in (0..=u16::MAX).zip(names).skip(1) {
            let hash = crate::text::hash(name.as_bytes());
            filter.add(hash);
            if numbers.insert(hash, number).is_some() {
                return Err(DataError::Network("a word piece stands twice"));
            }
        }
        let longest = names.iter().map(|name| name.strip_prefix(CONTINUES).unwrap_or(name).len()).max().unwrap_or(0);
        Ok(Self { filter, numbers, longest: longest.min(PIECE_MAX) })
    }

    /// `text` in pieces, at most `most` of them.
    pub(crate) fn cut(&self, text: &str, most: usize) -> Cut {
        let mut cut = Cut { numbers: Vec::with_capacity(text.len() / 3), starts: Vec::with_capacity(text.len() / 3) };
        let mut word = 0;
        for (at, ch) in text.char_indices() {
            if ch.is_alphanumeric() {
                continue;
            }
            self.word(text, word, at, &mut cut);
            word = at + ch.len_utf8();
            if !ch.is_whitespace() {
                self.word(text, at, word, &mut cut);
            }
            if cut.numbers.len() >= most {
                break;
            }
        }
        if cut.numbers.len() < most {
            self.word(text, word, text.len(), &mut cut);
        }
        cut.truncate(most);
        cut
    }

    /// Adds the pieces of the word `text[from..to]`.
    fn word(&self, text: &str, from: usize, to: usize, cut: &mut Cut) {
        if from >= to {
            return;
        }
        // No character has less than one octet.
        let is_long = to - from > WORD_MAX && text[from..to].chars().count() > WORD_MAX;
        let before = cut.numbers.len();
        let mut at = from;
        while at < to {
            match self.longest(&text[at..to], at > from).filter(|_| !is_long) {
                Some((number, octets)) => {
                    cut.push(number, at);
                    at += octets;
                }
                None => {
                    cut.truncate(before);
                    return cut.push(UNKNOWN, from);
                }
            }
        }
    }

    /// The longest piece with which `rest` begins, and its octets.
    fn longest(&self, rest: &str, continues: bool) -> Option<(u16, usize)> {
        let mut hash = Hash::default();
        if continues {
            CONTINUES.bytes().for_each(|octet| hash.push(octet));
        }
        let mut found = None;
        for (at, octet) in rest.bytes().take(self.longest).enumerate() {
            hash.push(octet);
            if rest.is_char_boundary(at + 1) {
                let hash = hash.finish();
                if self.filter.may_hold(hash) {
                    found = self.numbers.get(&hash).map(|number| (*number, at + 1)).or(found);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 14] = [
        "[UNK]",
        "free",
        "spin",
        "##s",
        "##ner",
        "spinner",
        "un",
        "##aff",
        "##able",
        "$",
        "5",
        "##0",
        "\u{e9}",
        "##\u{1f3b0}",
    ];

    fn cut(text: &str) -> Vec<&'static str> {
        let pieces = Pieces::new(&NAMES).unwrap();
        pieces.cut(text, usize::MAX).numbers.into_iter().map(|number| NAMES[usize::from(number)]).collect()
    }

    #[test]
    fn a_text_is_cut_into_the_longest_pieces() {
        let check = |text: &str, expected: &[&str]| assert_eq!(cut(text), expected, "{text:?}");
        check("", &[]);
        check(" \n\t ", &[]);
        check("free spins", &["free", "spin", "##s"]);
        check("spinners spinner", &["spinner", "##s", "spinner"]);
        check("unaffable", &["un", "##aff", "##able"]);
        check("freeable unspin", &["free", "##able", "[UNK]"]);
        check("$500", &["$", "5", "##0", "##0"]);
        check("free-spins!", &["free", "[UNK]", "spin", "##s", "[UNK]"]);
        check("\u{e9} \u{e9}s", &["\u{e9}", "\u{e9}", "##s"]);
        check("##s", &["[UNK]", "[UNK]", "[UNK]"]);
        check("[UNK]", &["[UNK]", "[UNK]", "[UNK]"]);
        check(&format!("5{}", "0".repeat(100)), &["[UNK]"]);
        assert_eq!(cut(&format!("5{}", "0".repeat(99))).len(), 100);
    }

    #[test]
    fn pieces_say_where_they_begin_and_are_not_more_than_asked_for() {
        let pieces = Pieces::new(&NAMES).unwrap();
        let cut = pieces.cut("free $50, xspins", usize::MAX);
        assert_eq!(cut.starts, [0, 5, 6, 7, 8, 10]);
        assert_eq!(pieces.cut("free $50, xspins", 4).starts, [0, 5, 6, 7]);
        assert_eq!(pieces.cut(&"unaffable".repeat(20), 4).numbers, [UNKNOWN]);
    }

    #[test]
    fn no_piece_stands_twice() {
        assert_eq!(Pieces::new(&["[UNK]", "a", "a"]).err(), Some(DataError::Network("a word piece stands twice")));
    }
}
