//! What would help: a sentence for each finding, made from what held in the message. It has no word of the message.
//!
//! [`sentences::RULES`] has a sentence for each rule, by the beginning of its name. A rule on links says which link
//! stands next to what ([`LINKS`], [`BESIDE`]). Where no rule holds, the message as a whole decided ([`reads_as`]).

mod sentences;

use crate::category::Category;
use crate::reading::{Means, Reading};
use sentences::RULES;

/// What a rule has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Say {
    /// The link and what it stands next to; the sentence where there is no link.
    Link(&'static str),
    /// Always the same.
    Text(&'static str),
}

use Say::{Link, Text};

/// The sentence for a finding on `category`, for which the rules `held` hold, the strongest first.
pub(crate) fn sentence(means: Means<'_>, reading: &Reading<'_>, category: Category, held: &[usize]) -> String {
    let all: Vec<&str> = reading.hits.iter().map(|hit| means.lexicon.name(hit.concept)).collect();
    // A disguise comes off first, whatever weighs more.
    let mut rules = held.iter().map(|index| means.rules.get(*index));
    let disguise = rules.clone().find(|rule| rule.name.ends_with(".disguised"));
    let Some(rule) = disguise.or_else(|| rules.next()) else { return whole(category, &all) };
    match of_rule(&rule.name) {
        Some(Text(text)) => text.to_owned(),
        Some(Link(text)) => link(&all).unwrap_or_else(|| text.to_owned()),
        // A rule of an operator's own.
        None => category.remedy().to_owned(),
    }
}

fn of_rule(name: &str) -> Option<Say> {
    RULES.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, say)| *say)
}

/// `A link to a shortener stands next to a request to sign in: …`.
fn link(all: &[&str]) -> Option<String> {
    let (_, link, remedy) = link_of(all)?;
    let next = BESIDE.iter().find(|(concept, ..)| all.iter().any(|name| name.starts_with(concept)));
    Some(match next {
        Some((_, next, own)) => format!("A {link} stands next to {next}: {}.", own.unwrap_or(remedy)),
        None => format!("The message has a {link}: {remedy}."),
    })
}

fn link_of(all: &[&str]) -> Option<&'static (&'static str, &'static str, &'static str)> {
    LINKS.iter().find(|(concept, ..)| all.contains(concept))
}

/// No rule holds: the words together decided.
fn whole(category: Category, all: &[&str]) -> String {
    let reads_as = reads_as(category);
    let link = link_of(all).filter(|_| matches!(category, Category::Phishing | Category::Fraud));
    match link {
        Some((_, link, remedy)) => format!(
            "No single word decides: the message as a whole reads as {reads_as}, with a {link}; rephrase it, \
             {remedy}, or have the operator approve the text as a template."
        ),
        None => format!(
            "No single word decides: the message as a whole reads as {reads_as}; rephrase it, or have the operator \
             approve the text as a template."
        ),
    }
}

const fn reads_as(category: Category) -> &'static str {
    match category {
        Category::Sex => "an offer of sex or adult content",
        Category::Hate => "an attack on people for who they are",
        Category::Alcohol => "an offer of alcohol",
        Category::Firearms => "an offer of firearms, ammunition or accessories",
        Category::Tobacco => "an offer of tobacco or nicotine",
        Category::Phishing => "phishing",
        Category::Fraud => "a scam",
        Category::Cannabis => "an offer of cannabis",
        Category::Gambling => "an invitation to gamble",
        Category::Lending => "an offer of credit",
    }
}

const OWN: &str = "link to a domain of your own, and have the operator add it to your account's domains";

/// Links by their concept, the most telling first: what it is, and what would help.
const LINKS: &[(&str, &str, &str)] = &[
    ("link.ip", "link to an IP address", OWN),
    ("link.user", "link with a user name before its host", OWN),
    (
        "link.disguised",
        "link with a disguised host",
        "write the host in plain letters, and link to a domain of your own",
    ),
    (
        "link.foreign",
        "link to a host that looks like a brand's and is not",
        "link to the brand's own domain, or to one of yours that does not have the brand's name",
    ),
    ("link.short", "link to a shortener", OWN),
    ("link.odd", "link to a host with a cheap ending like .top or .xyz", OWN),
    ("link.parcelbait", "link to a host with words of a delivery", OWN),
    ("link.tollbait", "link to a host with words of a toll or a fine", OWN),
    ("link.govbait", "link to a host with words of an authority", OWN),
    ("link.prize", "link to a host with words of a prize", OWN),
    ("link.crypto", "link to a host with words of cryptocurrency", OWN),
    ("link.job", "link to a host with words of a job", OWN),
    ("link.bait", "link to a host with words such as login, verify or account", OWN),
    ("link.chat", "link to a private chat", "name your business, and link to a domain of your own"),
    ("link.app", "link to a form or a file of a third party", OWN),
    ("link.hyphens", "link to a host of many parts", OWN),
    ("link.plain", "link to a host that is not known as yours", OWN),
];

/// What a link stands next to, by the beginning of the concept, the most telling first; and what would help more than
/// the remedy of the link.
const BESIDE: &[(&str, &str, Option<&str>)] = &[
    ("brand.bank", "the name of a bank", Some("name the bank in full, and link to its own domain")),
    ("brand.carrier", "the name of a parcel carrier", Some("link to the carrier's own domain, or to your own shop")),
    ("brand.toll", "the name of a toll road", Some("link to the toll road's own domain")),
    ("brand.gov", "the name of an authority", Some("link to the authority's own domain")),
    (
        "brand.",
        "the name of a brand",
        Some(
            "link to the brand's own domain; where the brand is yours, have the operator add the domain to your \
             account's domains",
        ),
    ),
    ("phish.codeask", "a request for a code", None),
    ("fraud.prize", "a prize to claim", None),
    ("phish.parcel", "a notice of a parcel", None),
    ("phish.toll", "a toll or a fine to pay", None),
    ("phish.gov", "a refund or a benefit", None),
    ("phish.kyc", "a request for proof of identity", None),
    ("phish.fee", "a fee to pay", None),
    ("cred.secret", "a password, a code or a card number", None),
    ("act.verify", "a request to sign in or to confirm something", None),
    ("fraud.job", "an offer of work", None),
    ("fraud.crypto", "an offer of cryptocurrency", None),
    ("act.pay", "a request to pay", None),
    ("lure.reward", "a reward", None),
    ("lure.threat", "a threat", None),
    ("lure.event", "a report of an event that the recipient does not know", None),
    ("lure.urgent", "pressure of time", None),
    ("phish.notice", "a warning about an account", None),
    ("cred.account", "a notice about an account", None),
    ("charity.", "an appeal for donations", None),
    ("is.money", "an amount of money", None),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BUILTIN;
    use crate::screen::Screen;
    use std::collections::HashSet;

    /// Whether `text` is a plain sentence.
    fn is_sentence(text: &str) -> bool {
        text.is_ascii()
            && (20..=300).contains(&text.len())
            && text.starts_with(|ch: char| ch.is_ascii_uppercase())
            && text.ends_with('.')
            && !text.contains("  ")
            && !text[..text.len() - 1].contains(". ")
    }

    #[test]
    fn every_rule_that_finds_something_has_a_sentence_and_every_row_a_rule() {
        let screen = Screen::load(&BUILTIN).unwrap();
        let mut used = HashSet::new();
        for rule in screen.means().rules.all().filter(|rule| rule.weight > 0.0) {
            let row = RULES.iter().position(|(beginning, _)| rule.name.starts_with(beginning));
            used.insert(row.unwrap_or_else(|| panic!("{} has no sentence", rule.name)));
        }
        for (at, (beginning, say)) in RULES.iter().enumerate() {
            assert!(used.contains(&at), "no rule begins with {beginning}, or an earlier row takes them all");
            let (Text(text) | Link(text)) = *say;
            assert!(is_sentence(text), "{beginning}: {text}");
        }
    }

    #[test]
    fn every_category_has_sentences_for_what_no_rule_decides() {
        for category in Category::ALL {
            assert!(is_sentence(&whole(category, &[])), "{category}");
            assert!(is_sentence(&whole(category, &["link.any", "link.short"])), "{category}");
            assert!(!category.remedy().is_empty());
        }
        assert!(whole(Category::Phishing, &["link.short"]).contains("shortener"));
        assert!(!whole(Category::Alcohol, &["link.short"]).contains("shortener"));
    }

    #[test]
    fn every_pair_of_a_link_and_its_neighbour_is_a_sentence() {
        let screen = Screen::load(&BUILTIN).unwrap();
        let known: Vec<&str> = screen.means().lexicon.all_names().collect();
        for (concept, ..) in LINKS {
            assert!(known.contains(concept), "no concept {concept}");
            assert!(is_sentence(&link(&[*concept]).unwrap()), "{concept}");
            for (next, ..) in BESIDE {
                assert!(known.iter().any(|known| known.starts_with(next)), "no concept begins with {next}");
                let sentence = link(&[*concept, *next]).unwrap();
                assert!(is_sentence(&sentence), "{sentence}");
            }
        }
        assert_eq!(link(&["is.money", "act.verify"]), None);
        assert_eq!(
            link(&["act.verify", "link.any", "link.plain", "link.short"]).unwrap(),
            "A link to a shortener stands next to a request to sign in or to confirm something: link to a domain of \
             your own, and have the operator add it to your account's domains."
        );
    }
}
