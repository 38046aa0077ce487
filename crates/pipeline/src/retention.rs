//! The rules of retention. They may change while the pipeline runs; each step that removes old data reads them.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use model::{TextRetention, Timestamp};

/// How long things are kept, counted from the acceptance of their message. `None` keeps them for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Texts, the URLs of media, and the media themselves.
    pub texts: Option<Duration>,
    /// Messages with their events, and broadcasts. Longer than an idempotency key is remembered.
    pub messages: Option<Duration>,
    /// The keys under which receipts find their message, and unmatched input of carriers.
    pub receipt_keys: Option<Duration>,
}

/// The rule that decides about the age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// That of texts.
    Texts,
    /// That of an account for its texts.
    OfAccount(TextRetention),
    /// The same for texts of handsets.
    InboundOfAccount(TextRetention),
    /// That of messages and broadcasts.
    Messages,
    /// That of receipts.
    ReceiptKeys,
}

impl Retention {
    /// What was accepted before this moment is old at `now`. `None` where nothing is, or where another rule removes it
    /// earlier.
    pub(crate) fn old_before(&self, rule: Rule, now: Timestamp) -> Option<Timestamp> {
        const DAY: Duration = Duration::from_secs(86_400);
        let kept = match rule {
            Rule::Texts => self.texts,
            Rule::OfAccount(TextRetention::Discard) => Some(Duration::ZERO),
            // What a handset sent is there for a day, so that the account gets it.
            Rule::InboundOfAccount(TextRetention::Discard) => Some(DAY),
            Rule::OfAccount(TextRetention::Days(days)) | Rule::InboundOfAccount(TextRetention::Days(days)) => {
                Some(DAY * u32::from(days.get())).filter(|kept| self.texts.is_none_or(|texts| *kept < texts))
            }
            Rule::Messages => self.messages,
            // A key without its message serves nothing.
            Rule::ReceiptKeys => [self.receipt_keys, self.messages].into_iter().flatten().min(),
        };
        kept.map(|kept| now - kept)
    }
}

/// The rules that hold now.
#[derive(Debug, Default)]
pub(crate) struct RulesInForce(RwLock<Retention>);

impl RulesInForce {
    pub(crate) fn new(rules: Retention) -> Self {
        Self(RwLock::new(rules))
    }

    pub(crate) fn get(&self) -> Retention {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, rules: Retention) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_773_585_000_000);

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 86_400)
    }

    #[test]
    fn the_shorter_rule_removes_something_and_none_keeps_it_for_ever() {
        let rules = Retention { texts: Some(days(30)), messages: Some(days(90)), receipt_keys: Some(days(14)) };
        let of_account = |count| Rule::OfAccount(TextRetention::of_days(count).unwrap());
        let discard = Rule::OfAccount(TextRetention::Discard);
        for (rules, rule, kept) in [
            (rules, Rule::Texts, Some(days(30))),
            (rules, of_account(7), Some(days(7))),
            (rules, of_account(30), None),
            (rules, of_account(31), None),
            (Retention { texts: None, ..rules }, of_account(31), Some(days(31))),
            (Retention { texts: None, ..rules }, Rule::Texts, None),
            (rules, discard, Some(Duration::ZERO)),
            (rules, Rule::InboundOfAccount(TextRetention::Discard), Some(days(1))),
            (rules, Rule::InboundOfAccount(TextRetention::of_days(7).unwrap()), Some(days(7))),
            (rules, Rule::Messages, Some(days(90))),
            (rules, Rule::ReceiptKeys, Some(days(14))),
            (Retention { messages: Some(days(9)), ..rules }, Rule::ReceiptKeys, Some(days(9))),
            (Retention { receipt_keys: None, ..rules }, Rule::ReceiptKeys, Some(days(90))),
            (Retention::default(), Rule::ReceiptKeys, None),
            (Retention::default(), Rule::Messages, None),
        ] {
            assert_eq!(rules.old_before(rule, NOW), kept.map(|kept| NOW - kept), "{rules:?} {rule:?}");
        }
    }
}
