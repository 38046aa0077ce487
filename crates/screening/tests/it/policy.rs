//! Policies of accounts.

use crate::SCREEN;
use screening::{Action, Category, Policy};

const BEER: &str = "Craft beer 20% off this weekend, order at hopyard.example.com";
const LOGIN: &str = "Chase: your account is locked, verify at chase-partner-login.net";

#[test]
fn without_a_policy_a_finding_blocks() {
    let decision = SCREEN.decide(BEER, &Policy::default());
    assert_eq!(decision.action, Action::Block);
    assert_eq!(decision.verdict.categories().next(), Some(Category::Alcohol));
    assert_eq!(SCREEN.decide("See you at 6", &Policy::default()).action, Action::Off);
}

#[test]
fn an_exempt_category_passes_and_others_do_not() {
    let policy = Policy { exempt: [Category::Alcohol].into(), ..Policy::default() };
    assert_eq!(SCREEN.decide(BEER, &policy).action, Action::Off);
    assert_eq!(SCREEN.decide(LOGIN, &policy).action, Action::Block);
}

#[test]
fn flag_accepts_and_keeps_the_findings_and_off_does_not_look() {
    let flag = SCREEN.decide(BEER, &Policy { sure: Action::Flag, ..Policy::default() });
    assert_eq!(flag.action, Action::Flag);
    assert!(flag.verdict.is_violation());
    let off = SCREEN.decide(BEER, &Policy { sure: Action::Off, unsure: Action::Off, ..Policy::default() });
    assert_eq!(off.action, Action::Off);
    assert!(!off.verdict.is_violation());
}

#[test]
fn an_allowed_domain_covers_its_subdomains_and_nothing_that_looks_like_it() {
    let policy = Policy { allowed_domains: ["chase-partner-login.net".to_owned()].into(), ..Policy::default() };
    assert_eq!(SCREEN.decide(LOGIN, &Policy::default()).action, Action::Block);
    assert_eq!(SCREEN.decide(LOGIN, &policy).action, Action::Off);
    assert!(policy.allows_domain("id.Chase-Partner-Login.net"));
    assert!(!policy.allows_domain("evil-chase-partner-login.net"));
    assert!(!policy.allows_domain("chase-partner-login.net.evil.org"));
}

#[test]
fn an_allowed_phrase_is_not_looked_at_in_any_case() {
    let policy = Policy { allowed_phrases: ["Free Spins Laundry".to_owned()].into(), ..Policy::default() };
    let text = "FREE SPINS LAUNDRY: your wash is done";
    assert_eq!(SCREEN.decide(text, &policy).action, Action::Off);
    let still = SCREEN.decide("Free spins laundry casino: 50 free spins on slots, deposit now", &policy);
    assert_eq!(still.action, Action::Block);
}

#[test]
fn a_policy_is_written_and_read_as_json() {
    let text = concat!(
        r#"{"sure":"flag","unsure":"off","exempt":["shaft.alcohol","regulated.lending"],"#,
        r#""allowedDomains":["example.com"],"allowedPhrases":["happy hour"]}"#,
    );
    let policy: Policy = serde_json::from_str(text).unwrap();
    assert_eq!((policy.sure, policy.unsure), (Action::Flag, Action::Off));
    assert!(policy.exempt.contains(&Category::Lending));
    assert_eq!(serde_json::to_string(&policy).unwrap(), text);
    assert_eq!(serde_json::from_str::<Policy>("{}").unwrap(), Policy::default());
    assert!(serde_json::from_str::<Policy>(r#"{"exmpt":[]}"#).is_err());
}

#[test]
fn categories_have_the_names_of_the_contract_and_explain_themselves() {
    for category in Category::ALL {
        assert_eq!(category.name().parse::<Category>().unwrap(), category);
        assert_eq!(serde_json::to_string(&category).unwrap(), format!("\"{category}\""));
        assert!(category.meaning().ends_with('.') && category.remedy().ends_with('.'));
    }
    assert!("shaft.cheese".parse::<Category>().is_err());
}
