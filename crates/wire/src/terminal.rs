//! Text for terminals: foreign characters that would control the terminal are shown as escapes.
//!
//! Ids, names and texts of clients and carriers may hold any character. Written to a terminal as they are, control
//! functions (ECMA-48, C0 and C1) move the cursor or change colours, a line break forges a line, and bidirectional
//! controls (Unicode Standard Annex #9) make a line read as another one.

use std::borrow::Cow;
use std::fmt::Write;

/// One line of text, with every character that controls a terminal as a JSON escape such as `\u001b`, so that JSON
/// stays the JSON that it was.
///
/// ```
/// assert_eq!(wire::terminal::escape("id \u{1b}[2J\n"), r"id \u001b[2J\n");
/// ```
pub fn escape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(controls) else { return Cow::Borrowed(text) };
    let (plain, rest) = text.split_at(first);
    let mut escaped = String::with_capacity(text.len() + 16);
    escaped.push_str(plain);
    for character in rest.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // All of them are in the basic multilingual plane, so four digits do. Writing to a string does not fail.
            character if controls(character) => drop(write!(escaped, "\\u{:04x}", u32::from(character))),
            character => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// Several lines, each as [`escape`] shows it.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|character| character != '\n' && controls(character)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(escape).collect::<Vec<_>>().join("\n"))
}

/// Whether a terminal does something else with a character than to show it in its place.
const fn controls(character: char) -> bool {
    matches!(character,
        '\0'..='\x1F' | '\x7F'..='\u{9F}'
        // Line and paragraph separators.
        | '\u{2028}' | '\u{2029}'
        // Bidirectional marks, embeddings, overrides and isolates.
        | '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_controls_a_terminal_is_shown_as_an_escape() {
        for (text, shown) in [
            ("plain +18005550199", "plain +18005550199"),
            ("\x1b[31mred\x1b[0m", r"\u001b[31mred\u001b[0m"),
            ("\u{9b}2J", r"\u009b2J"),
            ("bell\x07 del\x7f", r"bell\u0007 del\u007f"),
            ("one\ntwo\r\tthree", r"one\ntwo\r\tthree"),
            ("\u{202e}desrever\u{2066}", r"\u202edesrever\u2066"),
            ("\u{2028}line", r"\u2028line"),
            ("日本語 👩‍🚀 é", "日本語 👩‍🚀 é"),
        ] {
            assert_eq!(escape(text), shown);
        }
    }

    #[test]
    fn lines_of_our_own_stay_lines() {
        assert_eq!(escape_lines("a\nb\x1b\n"), "a\nb\\u001b\n");
        assert!(matches!(escape_lines("a\nb\n"), Cow::Borrowed(_)));
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn nothing_that_controls_a_terminal_is_left(text: String) {
            prop_assert!(!escape(&text).contains(controls));
            prop_assert!(!escape_lines(&text).contains(|character| character != '\n' && controls(character)));
        }

        #[test]
        fn json_means_the_same_when_it_is_escaped(text: String) {
            // What JSON lets stand in a string as it is: no C0, no quotes, no backslashes.
            let text: String =
                text.chars().filter(|character| *character >= ' ' && !"\"\\".contains(*character)).collect();
            let escaped = escape(&text).into_owned();
            let back: String = unescaped(&escaped);
            prop_assert_eq!(back, text);
        }
    }

    /// Reads `\uXXXX`.
    fn unescaped(text: &str) -> String {
        let mut parts = text.split("\\u");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |mut read, part| {
            let code = u32::from_str_radix(&part[..4], 16).unwrap();
            read.push(char::from_u32(code).unwrap());
            read + &part[4..]
        })
    }
}
