//! The text of a message as it was sent: where it splits into segments, and which characters decided its encoding.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::{count, word};
use crate::text;

/// The text, with its segments apart and with marks on the characters that need UCS-2.
pub(in crate::pages) fn bubble(message: &Value) -> Markup {
    html! {
        div.bubble {
            @match (message["body"].as_str(), text::of(&message["body"])) {
                (Some(body), _) => { (text::segmented(body, &lengths(message), &ucs2(message, body))) }
                (None, Some(masked)) => { (masked) }
                (None, None) if !message["bodyBase64"].is_null() => { (data(&message["bodyBase64"])) }
                (None, None) => { p.none { "No text, or the text was removed because it is old." } }
            }
        }
    }
}

/// Data in the place of a text, as Base64.
fn data(octets: &Value) -> Markup {
    html! { p.none { "No text: data, in Base64." } @if let Some(octets) = text::of(octets) { (octets) } }
}

/// How the text is encoded, into how many segments, and because of which characters.
pub(in crate::pages) fn encoding(message: &Value) -> Markup {
    let (lengths, foreign) = (lengths(message), foreign(message));
    html! {
        p.hint {
            (word(message, "messageType")) " in " (word(message, "encoding")) ", "
            (count(&message["segments"])) @if message["segments"] == 1 { " segment" } @else { " segments" }
            @if lengths.len() > 1 { " of " (listed(&lengths)) " characters" } "."
            @if let Some(parts) = parts(message) { " " (parts) }
        }
        @if !foreign.is_empty() {
            p.hint { "Because of these characters the text is in UCS-2; they are marked:"
                @for (index, each) in foreign.iter().enumerate() {
                    @if index > 0 { "," } " " (text::short(word(each, "character"))) " at " (each["position"])
                }
            }
        } @else if is_ucs2_without_need(message) {
            p.hint { "GSM-7 has every character of this text: the handset chose UCS-2." }
        }
    }
}

/// Which parts of a message of a handset came and which did not. `None` where all of them came.
pub(in crate::pages) fn parts(message: &Value) -> Option<String> {
    let missing: Vec<usize> = whole_numbers(&message["missingParts"]).collect();
    if missing.is_empty() {
        return None;
    }
    let total = message["segments"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or_default();
    let came: Vec<usize> = (1..=total).filter(|number| !missing.contains(number)).collect();
    let named =
        |numbers: &[usize]| format!("{} {}", if numbers.len() == 1 { "part" } else { "parts" }, listed(numbers));
    Some(format!("Came: {} of {total}. Missing: {}.", named(&came), named(&missing)))
}

fn whole_numbers(list: &Value) -> impl Iterator<Item = usize> {
    list.as_array().into_iter().flatten().filter_map(|number| usize::try_from(number.as_u64()?).ok())
}

/// The number of characters of each segment; of a text in one segment, all of them.
fn lengths(message: &Value) -> Vec<usize> {
    let lengths: Vec<usize> = whole_numbers(&message["segmentCharacters"]).collect();
    if lengths.is_empty() { vec![usize::MAX] } else { lengths }
}

fn foreign(message: &Value) -> &[Value] {
    message["ucs2Characters"].as_array().map_or(&[], Vec::as_slice)
}

/// Whether a handset sent as UCS-2 a text that GSM-7 has. Of a masked text nothing is said.
fn is_ucs2_without_need(message: &Value) -> bool {
    let has_text = message["body"].as_str().is_some_and(|body| !body.is_empty());
    message["direction"] == "inbound" && message["encoding"] == "UCS-2" && has_text
}

/// Every place at which a text has a character that needs UCS-2.
fn ucs2(message: &Value, body: &str) -> Vec<(usize, usize)> {
    let needs = |letter: char| foreign(message).iter().any(|each| word(each, "character").starts_with(letter));
    body.chars().zip(1..).filter(|(letter, _)| needs(*letter)).map(|(_, place)| (place, place)).collect()
}

/// Numbers as a sentence has them.
fn listed(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_shows_its_segments_and_the_characters_that_made_them_short() {
        let message = json!({
            "body": "ab’c’", "messageType": "SMS", "encoding": "UCS-2", "segments": 2, "segmentCharacters": [3, 2],
            "ucs2Characters": [{ "character": "’", "position": 3 }],
        });
        let shown = bubble(&message).into_string();
        let first = r#"<span class="segment" data-segment="1">ab<mark>’</mark></span>"#;
        let second = r#"<span class="segment" data-segment="2">c<mark>’</mark></span>"#;
        assert!(shown.contains(&format!("{first}{second}")), "{shown}");
        let said = encoding(&message).into_string();
        assert!(said.contains("SMS in UCS-2, 2 segments of 3 and 2 characters."), "{said}");
    }

    #[test]
    fn a_text_without_segments_is_shown_whole_and_a_masked_one_is_not() {
        let whole = bubble(&json!({ "body": "ab" })).into_string();
        assert!(whole.contains(r#"data-segment="1">ab<"#) && !whole.contains(r#"data-segment="2""#), "{whole}");
        let masked = json!({
            "body": { "masked": true, "length": 3 }, "ucs2Characters": { "masked": true, "length": 1 }, "segments": 1,
        });
        assert!(bubble(&masked).into_string().contains("Masked, 3 characters"));
        let data = bubble(&json!({ "bodyBase64": "AP8=" })).into_string();
        assert!(data.contains("No text: data") && data.contains("AP8=") && !data.contains("removed"), "{data}");
        assert!(bubble(&json!({})).into_string().contains("No text, or the text was removed"));
    }

    #[test]
    fn a_message_of_a_handset_says_which_parts_came() {
        let message = |more: Value| {
            let mut message = json!({
                "direction": "inbound", "messageType": "SMS", "encoding": "UCS-2", "segments": 3, "body": "a[…]c",
            });
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            encoding(&message).into_string()
        };
        let partial = message(json!({ "missingParts": [2] }));
        assert!(partial.contains("3 segments. Came: parts 1 and 3 of 3. Missing: part 2."), "{partial}");
        assert!(partial.contains("the handset chose UCS-2"), "{partial}");
        let whole = message(json!({ "ucs2Characters": [{ "character": "’", "position": 1 }] }));
        assert!(whole.contains("the text is in UCS-2; they are marked") && !whole.contains("chose"), "{whole}");
        assert!(!whole.contains("Missing"), "{whole}");
        let masked = message(json!({ "body": { "masked": true, "length": 5 } }));
        assert!(!masked.contains("chose"), "{masked}");
    }

    #[test]
    fn numbers_stand_in_a_sentence() {
        for (numbers, words) in [(&[][..], ""), (&[7], "7"), (&[7, 8], "7 and 8"), (&[7, 8, 9], "7, 8 and 9")] {
            assert_eq!(listed(numbers), words);
        }
    }
}
