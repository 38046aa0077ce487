//! What the network adds, shown with small networks that know a few words.

use screening::training::network::Network;
use screening::{Action, BUILTIN, Category, Data, Language, Policy, Reason, Screen, Verdict};

/// A screen whose network knows these words and nothing else.
fn screen(words: &[(&str, Category)]) -> Screen {
    Screen::load(&Data { network: &Network::of_words(words).to_bytes(), ..BUILTIN })
        .unwrap_or_else(|error| panic!("{error}"))
}

fn marked(text: &str, verdict: &Verdict) -> String {
    let characters: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| characters[from - 1..to].iter().collect::<String>();
    verdict.matches().iter().map(|one| part(one.span.start, one.span.end)).collect::<Vec<_>>().join(" / ")
}

#[test]
fn where_only_the_network_speaks_the_span_is_what_it_cannot_do_without() {
    let screen = screen(&[("zorbing", Category::Gambling), ("quokka", Category::Hate)]);
    let check = |text: &str, category: Category, expected: &str| {
        let verdict = screen.screen(text);
        assert_eq!(verdict.categories().collect::<Vec<_>>(), [category], "{text}");
        assert_eq!(marked(text, &verdict), expected, "{text}");
        let reasons = &verdict.findings[0].reasons;
        let is_network = |reason: &Reason| matches!(reason, Reason::Network { weight } if *weight > 5.0);
        assert!(is_network(reasons.last().unwrap()), "{reasons:?}");
        assert!(!reasons.iter().any(|reason| matches!(reason, Reason::Rule { weight, .. } if *weight > 0.0)));
    };
    check("zorbing", Category::Gambling, "zorbing");
    check("We go zorbing on the lawn with the children", Category::Gambling, "zorbing");
    check("We met a quokka and another quokka there", Category::Hate, "quokka and another quokka");
    check("Z\u{f3}rbing with the children, if it is not too wet", Category::Gambling, "Z\u{f3}rbing");
    check("\u{1f600} the children met a Quokka \u{1f600}", Category::Hate, "Quokka");
    let far = format!("{}a quokka {}", "we walk to the lake and the park ".repeat(30), "with the children ".repeat(20));
    check(&far, Category::Hate, "quokka");
}

#[test]
fn what_is_said_of_the_links_goes_with_the_last_of_them() {
    let screen = screen(&[("plain", Category::Phishing)]);
    let text = "The minutes of the meeting are at notes.garden-club.org for all of you";
    assert!(screen.prepared(text).0.ends_with("| link: plain"), "{}", screen.prepared(text).0);
    assert_eq!(marked(text, &screen.screen(text)), "notes.garden-club.org");
}

#[test]
fn where_rules_speak_too_their_spans_stay_and_the_network_is_a_further_reason() {
    let screen = screen(&[("delivered", Category::Alcohol)]);
    let text = "Cheap vodka delivered to your door tonight, order now";
    let verdict = screen.screen(text);
    let finding = &verdict.findings[0];
    assert_eq!(finding.category, Category::Alcohol);
    assert!(matches!(finding.reasons.first(), Some(Reason::Rule { .. })));
    assert!(matches!(finding.reasons.last(), Some(Reason::Network { .. })));
    assert!(marked(text, &verdict).contains("vodka"), "{}", marked(text, &verdict));
    assert_eq!(finding.reasons.last().unwrap().to_string(), "network, by the wording +7.0");
}

#[test]
fn the_network_reads_what_was_meant_and_not_what_was_typed() {
    let screen = screen(&[("vodka", Category::Fraud)]);
    for text in ["v o d k a for all of us", "v\u{200b}odk\u{430} for all of us", "v0dka for all of us"] {
        assert!(screen.screen(text).categories().any(|category| category == Category::Fraud), "{text}");
    }
}

#[test]
fn the_network_has_no_say_on_another_language() {
    let screen = screen(&[("cita", Category::Fraud), ("\u{43a}\u{43e}\u{434}", Category::Fraud)]);
    for (text, language) in [
        ("Su cita es el martes a las 10:30. Responda C para confirmar", "Spanish"),
        (
            "\u{412}\u{430}\u{448} \u{43a}\u{43e}\u{434} 482910, \u{43d}\u{438}\u{43a}\u{43e}\u{43c}\u{443}",
            "Cyrillic script",
        ),
    ] {
        let verdict = screen.screen(text);
        assert_eq!(verdict.language, Language::Other(language), "{text}");
        assert!(verdict.findings.is_empty(), "{text}: {:?}", verdict.findings);
    }
    assert!(screen.screen("cita").is_violation(), "one word is of no language");
    let off = Policy { sure: Action::Off, unsure: Action::Off, ..Policy::default() };
    assert_eq!(screen.decide("cita", &off).verdict.language, Language::Unclear);
}

#[test]
fn rules_alone_decide_on_another_language_as_they_always_did() {
    let screen = screen(&[]);
    let verdict = screen.screen("Su cuenta de PayPal esta bloqueada por razones de seguridad: paypal-secure-login.top");
    assert_eq!(verdict.language, Language::Other("Spanish"));
    assert!(verdict.is_violation(), "{verdict:?}");
    assert!(!verdict.findings[0].reasons.iter().any(|reason| matches!(reason, Reason::Network { .. })));
}

/// Texts as the network reads them, and the log-odds of each category by the Python that trained it.
#[test]
fn the_network_says_what_it_said_when_it_was_trained() {
    let screen = Screen::builtin();
    let mut lines = 0;
    for line in include_str!("../data/network.jsonl").lines().filter(|line| !line.is_empty()) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = value["prepared"].as_str().unwrap();
        let expected: Vec<f64> = value["odds"].as_array().unwrap().iter().map(|odds| odds.as_f64().unwrap()).collect();
        let said = screen.network_says(text);
        assert_eq!(expected.len(), said.len());
        for (said, expected) in said.iter().zip(&expected) {
            assert!((f64::from(*said) - expected).abs() < 0.05, "{text}: {said} for {expected}");
        }
        lines += 1;
    }
    assert!(lines >= 3);
}
