//! Typographic characters as the plain ones that they stand for: one curly quote turns a segment of 160 characters into
//! one of 70.

use std::borrow::Cow;

/// `text` with quotes, dashes, blanks and dots that word processors put in replaced by those of the GSM alphabet.
/// Everything else, letters above all, stays as it is.
pub fn transliterate(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|character| plain(character).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match plain(character) {
            Some(replacement) => out.push_str(replacement),
            None => out.push(character),
        }
    }
    Cow::Owned(out)
}

fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        '‘' | '’' | '‚' | '‛' | '′' | '´' | '`' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        '…' => "...",
        '•' | '·' => "*",
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => " ",
        '\u{200B}' | '\u{2060}' | '\u{FEFF}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typography_becomes_plain_and_letters_stay() {
        for (from, to) in [
            ("plain", "plain"),
            ("“It’s” – here…", "\"It's\" - here..."),
            ("a\u{A0}b\u{200B}c", "a bc"),
            ("żółw ’", "żółw '"),
        ] {
            assert_eq!(transliterate(from), to);
        }
    }
}
