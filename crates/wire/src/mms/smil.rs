//! Which parts a presentation shows, and in which order.
//!
//! Presentations of handsets are often no sound XML, so nothing is asked of them but tags: the `src` of each, in the
//! order of the text, is a part that is shown.

/// So many references are read; the rest of a longer presentation is left out.
const REFERENCES_MAX: usize = 256;

/// What the tags of a presentation refer to, in their order: each a `Content-ID` without `cid:` and angle brackets, or
/// a `Content-Location`.
pub(super) fn references(presentation: &str) -> Vec<String> {
    let mut references = Vec::new();
    let mut rest = presentation;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(behind) = after.strip_prefix("!--") {
            rest = behind.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let (tag, next) = split_tag(after);
        rest = next;
        if let Some(source) = attribute(tag, "src").filter(|_| references.len() < REFERENCES_MAX) {
            references.push(bare(&source));
        }
    }
    references
}

/// A tag up to the `>` that ends it, which is none in quotes, and what follows.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (character, quote) {
            ('"' | '\'', None) => quote = Some(character),
            (other, Some(open)) if other == open => quote = None,
            ('>', None) => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    // A quote without its end: the tag ends with the first `>` all the same.
    text.split_once('>').unwrap_or((text, ""))
}

/// The value of an attribute, its quotes and its commonest references of characters taken away.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once('=')?;
        let key = before.trim_end().rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).next()?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, next) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after.trim_end_matches('/'), "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
        }
        rest = next;
    }
}

/// A reference without what stands around an id.
fn bare(source: &str) -> String {
    let source = source.trim();
    let id = source.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")).map_or(source, |_| &source[4..]);
    id.trim_start_matches('<').trim_end_matches('>').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_found_in_whatever_handsets_write() {
        for (presentation, expected) in [
            ("<smil><body><par><text src=\"cid:a\"/><img src='b.jpg'/></par></body></smil>", &["a", "b.jpg"][..]),
            ("<IMG SRC = \"cid:<a>\" region=\"x\"><text region='y' src=b.txt></text>", &["a", "b.txt"]),
            ("<img alt=\"a > b\" src=\"cid:c\"/>", &["c"]),
            ("<img alt=\"src=no\" src=\"a&amp;b\"/>", &["a&b"]),
            ("<!-- <img src=\"no\"/> --><audio src=\"CID:&lt;yes&gt;\"/>", &["yes"]),
            ("<par dur=\"5000ms\"><ref src=\"x\" alt=broken\"/></par><img src=\"y\"", &["x"]),
            ("no tags at all, 1 < 2", &[]),
            ("", &[]),
        ] {
            assert_eq!(references(presentation), expected, "{presentation}");
        }
        assert_eq!(references(&"<img src=\"a\"/>".repeat(1_000)).len(), REFERENCES_MAX);
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_text_has_references_or_none(text in "([<>\"'=/ ]|src|img|cid:|!--|-->|\\PC){0,60}") {
            references(&text);
        }
    }
}
