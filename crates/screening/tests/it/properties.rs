//! Arbitrary input.

use crate::SCREEN;
use proptest::prelude::*;
use screening::training::network::Network;
use screening::{Category, Data, Language, Screen};

fn sound(text: &str) {
    let verdict = SCREEN.screen(text);
    let length = text.chars().count();
    for category in Category::ALL {
        assert!((0.0..=1.0).contains(&verdict.score(category)), "{text:?}");
    }
    let point = match verdict.language {
        Language::English | Language::Unclear => screening::points::REVIEW,
        Language::Other(_) => screening::points::RULES_ALONE,
    };
    for finding in &verdict.findings {
        assert!(finding.score >= point);
        let mut behind = 0;
        for span in &finding.spans {
            assert!(behind < span.start && span.start <= span.end && span.end <= length, "{text:?}: {span:?}");
            behind = span.end;
        }
    }
    assert_eq!(verdict, SCREEN.screen(text), "the same text, the same verdict");
}

proptest! {
    #![proptest_config(trials::config(400))]

    #[test]
    fn any_text_has_a_sound_verdict(text in any::<String>()) {
        sound(&text);
    }

    #[test]
    fn texts_made_of_telling_pieces_have_sound_verdicts(pieces in proptest::collection::vec(prop_oneof![
        Just("vodka"), Just("v\u{200b}o\u{200b}d\u{200b}k\u{200b}a"), Just("c a s i n o"), Just("fr33 sp1ns"),
        Just("payp\u{430}l"), Just("http://"), Just("bit.ly/x"), Just("[.]"), Just("$"), Just("50"), Just("f**k"),
        Just("xn--80ak6aa92e.com"), Just("\u{1f37a}"), Just("e\u{301}"), Just("."), Just(" "), Just("@"),
        Just("\u{ff56}\u{ff41}\u{ff50}\u{ff45}"), Just("\u{1d42f}"), Just("..."), Just("a.b"),
    ], 0..60)) {
        sound(&pieces.concat());
        sound(&pieces.join(" "));
    }

    #[test]
    fn any_rules_load_or_are_refused(rules in "[a-z|&!(),. 0-9*#$=-]{0,80}") {
        let _ = Screen::load(&Data {
            lexicon: &[b"[a]\nx\n[b.c]\ny"],
            brands: b"",
            domains: b"",
            rules: rules.as_bytes(),
            weights: None,
            network: &Network::of_words(&[]).to_bytes(),
        });
    }

    #[test]
    fn any_weights_load_or_are_refused(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut weights = b"SCRN\x01\x04\x0a\0".to_vec();
        weights.extend(tail);
        let network = Network::of_words(&[]).to_bytes();
        let weights = Some(weights.as_slice());
        let _ = Screen::load(&Data { lexicon: &[], brands: b"", domains: b"", rules: b"", weights, network: &network });
    }
}
