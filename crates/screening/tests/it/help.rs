//! What would help: from what was found, and without a word of the message.

use crate::SCREEN;
use screening::{Category, Policy};
use std::collections::HashSet;

/// A message, its category, and parts of the sentence.
const CASES: &[(&str, Category, &[&str])] = &[
    (
        "Your account is locked. Sign in and verify now: https://bit.ly/3xYz9",
        Category::Phishing,
        &["A link to a shortener stands next to a request to sign in", "have the operator add it to your account's"],
    ),
    (
        "PayPal: your account is limited. Verify now at paypal-secure.top",
        Category::Phishing,
        &["looks like a brand's", "link to the brand's own domain"],
    ),
    (
        "Wells Fargo: unusual sign-in. Confirm your identity at http://bit.ly/2Zk1 or your card is blocked",
        Category::Phishing,
        &["shortener stands next to the name of a bank", "name the bank in full, and link to its own domain"],
    ),
    (
        "USPS: your parcel is on hold. Pay the $1.99 redelivery fee at http://track-redeliver.xyz/pay",
        Category::Phishing,
        &["stands next to the name of a parcel carrier", "the carrier's own domain"],
    ),
    (
        "Reply with the 6-digit code that we just sent you, it is needed to stop the payment",
        Category::Phishing,
        &["asks for a code", "your own app or website"],
    ),
    (
        "CONGRATULATIONS! You won a $1000 gift card. Claim your prize now, call 09061701461",
        Category::Fraud,
        &["prize to claim"],
    ),
    ("Hi mum, I dropped my phone, this is my new number. Can you send me money?", Category::Fraud, &["a relative"]),
    (
        "Cheap vodka delivered to your door tonight, order now",
        Category::Alcohol,
        &["offers alcohol", "the operator can exempt an account whose age gate it has checked"],
    ),
    ("Get v.o.d.k.a today, half price, free delivery", Category::Alcohol, &["disguised", "as it is spelled"]),
    ("Glock 19 for sale, 9mm ammo too, call me", Category::Firearms, &["firearms", "the operator can exempt"]),
    ("Free spins at our casino, deposit 10 get 50", Category::Gambling, &["bonuses, odds", "licence"]),
    ("Payday loan, bad credit ok, apply now", Category::Lending, &["recipient's own loan", "its own domain"]),
];

/// Messages of several categories: two of the cases behind each other.
fn of_several() -> Vec<String> {
    let pairs = CASES.iter().flat_map(|(first, ..)| CASES.iter().map(move |(second, ..)| format!("{first}. {second}")));
    let all: Vec<String> = pairs.filter(|text| SCREEN.screen(text).findings.len() > 1).collect();
    assert!(!all.is_empty());
    all
}

#[test]
fn help_says_what_was_found_and_what_to_change() {
    for (text, category, parts) in CASES {
        let verdict = SCREEN.screen(text);
        let finding = verdict.findings.iter().find(|finding| finding.category == *category);
        let help = finding.map_or("nothing was found", |finding| finding.help.as_str());
        for part in *parts {
            assert!(help.contains(part), "{text}\n{help}\n{:?}", finding.map(|finding| &finding.reasons));
        }
    }
}

#[test]
fn help_has_a_sentence_for_each_category_and_none_twice() {
    for text in of_several() {
        let verdict = SCREEN.screen(&text);
        let help = verdict.help();
        let apart: HashSet<&str> = help.iter().copied().collect();
        let of_findings: HashSet<&str> = verdict.findings.iter().map(|finding| finding.help.as_str()).collect();
        assert_eq!((apart.len(), apart), (help.len(), of_findings), "{text}");
    }
    assert!(SCREEN.screen("See you at six").help().is_empty());
}

#[test]
fn help_leaves_out_what_the_account_may_send() {
    for text in of_several() {
        let exempt = SCREEN.screen(&text).findings.remove(0);
        let policy = Policy { exempt: [exempt.category].into(), ..Policy::default() };
        let decision = SCREEN.decide(&text, &policy);
        let help = decision.verdict.help();
        assert!((1..=decision.verdict.findings.len()).contains(&help.len()), "{text}: {help:?}");
        assert!(decision.verdict.findings.iter().all(|finding| finding.category != exempt.category));
    }
}

#[test]
fn help_has_no_word_of_the_message() {
    for (text, ..) in CASES {
        for place in ["zqxw-login.top", "Zqxwold", "73519", "zqxw"] {
            let verdict = SCREEN.screen(&format!("{place} {text} {place}"));
            for sentence in verdict.help() {
                assert!(!sentence.to_lowercase().contains(&place.to_lowercase()), "{sentence}");
            }
        }
    }
}
