//! Texts that strangers wrote, shown so that they cannot pretend to be something else.
//!
//! A text is isolated in its direction, its invisible characters are shown as tokens, and nothing in it is a link. It
//! belongs into no URL and into no title.

use maud::{Markup, html};

/// A text on one or several lines.
pub fn text(text: &str) -> Markup {
    html! { bdi.text { (characters(text)) } }
}

/// A name or another short text within a line.
pub fn short(text: &str) -> Markup {
    html! { bdi.short { (characters(text)) } }
}

/// A text in which spans of characters are marked: from the first to the last, both counted from 1. What does not fit
/// the text is left out.
pub fn marked(whole: &str, spans: &[(usize, usize)]) -> Markup {
    html! { bdi.text { (with_marks(whole, spans)) } }
}

/// A text in its segments, with the number of each before it. `lengths` are their lengths in characters; the last one
/// has what is left. Spans are marked as [`marked`] does.
pub fn segmented(whole: &str, lengths: &[usize], spans: &[(usize, usize)]) -> Markup {
    let (mut segments, mut rest, mut before) = (Vec::new(), whole.chars(), 0);
    for (index, length) in lengths.iter().enumerate() {
        let is_last = index + 1 == lengths.len();
        let segment: String = rest.by_ref().take(if is_last { usize::MAX } else { *length }).collect();
        let end = before + segment.chars().count();
        let within = |(first, last): &(usize, usize)| {
            (*first <= end && *last > before).then(|| (first.saturating_sub(before).max(1), (*last).min(end) - before))
        };
        let spans: Vec<(usize, usize)> = spans.iter().filter_map(within).collect();
        segments.push(with_marks(&segment, &spans));
        before = end;
    }
    html! {
        bdi.text {
            @for (index, segment) in segments.iter().enumerate() {
                span.segment data-segment=(index + 1) { (segment) }
            }
        }
    }
}

fn with_marks(whole: &str, spans: &[(usize, usize)]) -> Markup {
    let (mut pieces, mut rest, mut at) = (Vec::new(), whole.chars(), 1);
    for (start, end) in spans.iter().copied() {
        if start < at || end < start {
            continue;
        }
        let before: String = rest.by_ref().take(start - at).collect();
        let inside: String = rest.by_ref().take(end + 1 - start).collect();
        pieces.push((before, inside));
        at = end + 1;
    }
    html! {
        @for (before, inside) in &pieces {
            (characters(before))
            @if !inside.is_empty() { mark { (characters(inside)) } }
        }
        (characters(rest.as_str()))
    }
}

/// The characters of a text, those without a shape of their own as tokens.
fn characters(text: &str) -> Markup {
    let mut plain = String::new();
    let mut parts = Vec::new();
    let mut previous = None;
    let mut following = text.chars().peekable();
    while let Some(character) = following.next() {
        if is_hidden(character) && !joins_pictures(previous, character, following.peek().copied()) {
            parts.push((std::mem::take(&mut plain), Some(character)));
        } else {
            plain.push(character);
        }
        previous = Some(character);
    }
    parts.push((plain, None));
    html! {
        @for (plain, token) in &parts {
            (plain)
            @if let Some(token) = token { span.token { "⟨" (name_of(*token)) "⟩" } }
        }
    }
}

fn name_of(character: char) -> String {
    match character {
        '\t' => "TAB".to_owned(),
        '\r' => "CR".to_owned(),
        _ => format!("U+{:04X}", u32::from(character)),
    }
}

/// Whether a character shows nothing, shows only room, or turns the direction of those around it. A line feed shows
/// itself as a new line.
fn is_hidden(character: char) -> bool {
    if character == '\n' {
        return false;
    }
    character.is_control()
        || matches!(character,
            '\u{A0}' | '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{1680}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{2000}'..='\u{200F}' | '\u{2028}'..='\u{202F}' | '\u{205F}'..='\u{206F}'
            | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a joiner or a selector makes one picture of those around it, as in a family or a red heart.
fn joins_pictures(previous: Option<char>, character: char, next: Option<char>) -> bool {
    let is_picture = |other: Option<char>| {
        other.is_some_and(|other| {
            matches!(other, '\u{203C}'..='\u{3299}' | '\u{1F000}'..='\u{1FAFF}') && !is_hidden(other)
        })
    };
    match character {
        '\u{FE0F}' => is_picture(previous) || previous.is_some_and(|other| "0123456789#*".contains(other)),
        '\u{200D}' => (is_picture(previous) || previous == Some('\u{FE0F}')) && is_picture(next),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(written: &str) -> String {
        text(written).into_string()
    }

    #[test]
    fn what_is_invisible_is_shown() {
        for (written, token) in [
            ("a\u{202E}b", "U+202E"),
            ("a\u{200B}b", "U+200B"),
            ("a\u{2066}b", "U+2066"),
            ("a\u{0}b", "U+0000"),
            ("a\u{1B}b", "U+001B"),
            ("a\u{E0041}b", "U+E0041"),
            ("a\u{AD}b", "U+00AD"),
            ("a\tb", "TAB"),
            ("a\u{200D}b", "U+200D"),
            ("a\u{FE0F}b", "U+FE0F"),
        ] {
            let expected = format!("<bdi class=\"text\">a<span class=\"token\">⟨{token}⟩</span>b</bdi>");
            assert_eq!(shown(written), expected);
        }
    }

    #[test]
    fn lines_and_pictures_stay_as_they_are() {
        for written in
            ["a\nb", "👨\u{200D}👩\u{200D}👧", "❤\u{FE0F}", "1\u{FE0F}\u{20E3}", "Żółć", "🏳\u{FE0F}\u{200D}🌈"]
        {
            assert_eq!(shown(written), format!("<bdi class=\"text\">{written}</bdi>"), "{written:?}");
        }
    }

    #[test]
    fn markup_and_addresses_are_nothing_but_text() {
        let written = "<script>alert(1)</script> https://example.com \"'&";
        let html = shown(written);
        assert!(!html.contains("<script") && !html.contains("<a "), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn spans_that_do_not_fit_mark_nothing() {
        assert_eq!(marked("käse", &[(2, 2)]).into_string(), "<bdi class=\"text\">k<mark>ä</mark>se</bdi>");
        assert_eq!(marked("käse", &[(2, 9)]).into_string(), "<bdi class=\"text\">k<mark>äse</mark></bdi>");
        for wrong in [(0, 3), (3, 1), (5, 99)] {
            assert_eq!(marked("käse", &[wrong]).into_string(), "<bdi class=\"text\">käse</bdi>", "{wrong:?}");
        }
    }

    #[test]
    fn a_text_is_shown_in_its_segments_with_the_marks_of_each() {
        let segment =
            |number: usize, inside: &str| format!("<span class=\"segment\" data-segment=\"{number}\">{inside}</span>");
        for (lengths, spans, segments) in [
            (&[3, 2][..], &[][..], vec![segment(1, "käs"), segment(2, "e&lt;b")]),
            (&[3, 2], &[(2, 4)], vec![segment(1, "k<mark>äs</mark>"), segment(2, "<mark>e</mark>&lt;b")]),
            (&[3, 3], &[(1, 1), (6, 6)], vec![segment(1, "<mark>k</mark>äs"), segment(2, "e&lt;<mark>b</mark>")]),
            (&[9], &[(4, 9)], vec![segment(1, "käs<mark>e&lt;b</mark>")]),
        ] {
            let expected = format!("<bdi class=\"text\">{}</bdi>", segments.concat());
            assert_eq!(segmented("käse<b", lengths, spans).into_string(), expected);
        }
    }
}
