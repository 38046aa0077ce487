//! Which message meets with what.

use std::str::FromStr;

use crate::distribution::Named;
use crate::random::{Random, probability};

/// When a rule applies.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// By chance: `0.01`.
    Chance(f64),
    /// When the recipient's number ends so: `to:99`.
    RecipientEnds(String),
    /// When it is the message of this number, counted from 1 over one protocol: `nr:1`.
    Number(u64),
}

/// What happens, and when. Written as `to:99=451`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule<T> {
    /// When.
    pub when: When,
    /// What.
    pub then: T,
}

/// What rules look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The message's number.
    pub(crate) number: u64,
    /// Its recipient's digits; empty while they are not known.
    pub(crate) recipient: &'a str,
}

/// What the first rule says that applies. The dice are thrown for every rule, so that a seed tells the whole story.
pub(crate) fn first<T: Clone>(rules: &[Rule<T>], subject: Subject<'_>, random: &mut Random) -> Option<T> {
    let mut found = None;
    for rule in rules {
        let applies = match &rule.when {
            When::Chance(probability) => random.happens(*probability),
            When::RecipientEnds(digits) => subject.recipient.ends_with(digits),
            When::Number(number) => subject.number == *number,
        };
        if applies && found.is_none() {
            found = Some(rule.then.clone());
        }
    }
    found
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(digits) = text.strip_prefix("to:") {
            return if is_digits(digits) {
                Ok(Self::RecipientEnds(digits.to_owned()))
            } else {
                Err(format!("`{digits}` is no end of a number"))
            };
        }
        match text.strip_prefix("nr:") {
            Some(number) => {
                number.parse().map(Self::Number).map_err(|_| format!("`{number}` is no number of a message"))
            }
            None => probability(text).map(Self::Chance),
        }
    }
}

impl<T: Named> FromStr for Rule<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (when, then) = text.split_once('=').ok_or("write WHEN=WHAT, and WHEN as 0.01, to:99 or nr:1")?;
        let then = T::named(then).ok_or_else(|| format!("`{then}` is nothing such as {}", T::EXAMPLE))?;
        Ok(Self { when: when.parse()?, then })
    }
}

/// Nothing at all, or something.
impl<T: Named> Named for Option<T> {
    const EXAMPLE: &'static str = T::EXAMPLE;

    fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("none") { Some(None) } else { T::named(name).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use wire::mm7::MmStatus;

    use super::*;

    fn rules(texts: &[&str]) -> Vec<Rule<Option<MmStatus>>> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_first_rule_that_applies_says_what_happens() {
        let rules = rules(&["nr:2=expired", "to:99=rejected", "to:9=none", "0=forwarded", "1=deferred"]);
        for (number, recipient, then) in [
            (1, "12025550199", Some(MmStatus::Rejected)),
            (2, "12025550199", Some(MmStatus::Expired)),
            (1, "12025550109", None),
            (1, "12025550100", Some(MmStatus::Deferred)),
            (1, "", Some(MmStatus::Deferred)),
        ] {
            assert_eq!(
                first(&rules, Subject { number, recipient }, &mut Random::new(1)),
                Some(then),
                "{number} {recipient}"
            );
        }
        assert_eq!(first::<MmStatus>(&[], Subject { number: 1, recipient: "1" }, &mut Random::new(1)), None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            "rejected",
            "to:=rejected",
            "to:x=rejected",
            "nr:=rejected",
            "nr:x=rejected",
            "2=rejected",
            "-1=rejected",
            "to:1=nonsense",
            "to:1=",
        ] {
            assert!(text.parse::<Rule<MmStatus>>().is_err(), "{text}");
        }
    }
}
