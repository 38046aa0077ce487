//! How texts are compared with keywords: what differs in form, case, white space or punctuation around it is the same.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text as it is compared: NFKC, in lower case, dashes and apostrophes of one kind each, inner white space as one
/// blank, without white space, punctuation and quotes around it.
pub(super) fn folded(text: &str) -> String {
    // Lower case may have to be composed again, as `İ` does.
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().filter_map(unified).collect();
    let folded = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    folded.trim_matches(is_around_words).to_owned()
}

/// A folded text without accents, for comparisons that are less strict.
pub(super) fn unaccented(folded: &str) -> String {
    folded.nfd().filter(|character| !is_combining_mark(*character)).collect()
}

/// One character in place of those that people take for the same; `None` for one that cannot be seen.
const fn unified(character: char) -> Option<char> {
    match character {
        // Zero-width characters, marks of direction, the soft hyphen, the byte order mark and variation selectors.
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' => None,
        '\u{2066}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\0' => None,
        // Hyphens, dashes and the minus sign.
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        // Apostrophes and what phones write instead.
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' | '`' | '\u{2B9}' | '\u{2BC}' => Some('\''),
        other => Some(other),
    }
}

/// Whether a character around a text does not count: white space, punctuation, quotes.
fn is_around_words(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || character.is_ascii_punctuation()
        // A spacing accent is a blank and a combining one in NFKC.
        || is_combining_mark(character)
        || matches!(character,
            '¡' | '§' | '«' | '¶' | '·' | '»' | '¿'
            // General punctuation.
            | '\u{2016}'..='\u{2027}' | '\u{2030}'..='\u{205E}'
            // CJK and Arabic punctuation.
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}'
            | '\u{60C}' | '\u{61B}' | '\u{61F}' | '\u{6D4}')
}
