//! A finding says where and why.

use crate::SCREEN;
use screening::{Category, Reason};

fn slice(text: &str, start: usize, end: usize) -> String {
    text.chars().skip(start - 1).take(end - start + 1).collect()
}

#[test]
fn spans_count_characters_from_one_and_include_both_ends() {
    let text = "\u{1f600} \u{e9}t\u{e9}: vodka 10 a bottle, order now";
    let verdict = SCREEN.screen(text);
    let finding = &verdict.findings[0];
    assert_eq!(finding.category, Category::Alcohol);
    let parts: Vec<String> = finding.spans.iter().map(|span| slice(text, span.start, span.end)).collect();
    assert!(parts.iter().any(|part| part.starts_with("vodka")), "{parts:?}");
}

#[test]
fn spans_of_a_disguised_word_cover_all_that_was_typed() {
    let text = "Get v\u{200b}o.d-k\u{200b}a today, half price, free delivery";
    let verdict = SCREEN.screen(text);
    let parts: Vec<String> = verdict.findings[0].spans.iter().map(|span| slice(text, span.start, span.end)).collect();
    assert!(parts.iter().any(|part| part.contains("v\u{200b}o.d-k\u{200b}a")), "{parts:?}");
}

#[test]
fn a_rule_is_named_when_a_rule_decided() {
    let verdict = SCREEN.screen("PayPal: your account is limited. Verify now at paypal-secure.top");
    let named = |reason: &Reason| matches!(reason, Reason::Rule { name, .. } if name.starts_with("phishing."));
    assert!(verdict.findings[0].reasons.iter().any(named), "{verdict:?}");
}

#[test]
fn every_finding_has_a_place_and_a_reason_and_the_strongest_comes_first() {
    for text in
        ["Free spins at our casino, deposit 10 get 50", "Glock for sale, 9mm ammo too", "Payday loan, bad credit ok"]
    {
        let verdict = SCREEN.screen(text);
        assert!(!verdict.findings.is_empty(), "{text}");
        assert!(verdict.findings.windows(2).all(|pair| pair[0].score >= pair[1].score));
        for finding in &verdict.findings {
            assert!(!finding.spans.is_empty() && !finding.reasons.is_empty(), "{text}");
            assert!((finding.score - verdict.score(finding.category)).abs() < f32::EPSILON);
        }
        assert_eq!(verdict.matches().len(), verdict.findings.iter().map(|finding| finding.spans.len()).sum::<usize>());
    }
}
