//! The recipients of a broadcast, taken one by one while its body is read: those that are numbers, eight bytes each,
//! with their variables where they have any, and the first of those that are none. Nothing else grows with what a
//! client sends.

use model::error::InvalidRecipient;
use model::{BroadcastId, Msisdn, Recipients};

/// How many that are no numbers are told.
const INVALID_MAX: usize = 100;

/// How much of each is told, in characters.
const VALUE_CHARACTERS_MAX: usize = 64;

/// Recipients as a client sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecipientList {
    pub(super) numbers: Recipients,
    pub(super) invalid: Vec<InvalidRecipient>,
    pub(super) count: usize,
    /// The variables of recipients who have some, each with the place of the recipient, in order.
    pub(super) variables: Vec<(usize, Variables)>,
}

/// Names and values of the variables of one recipient.
pub type Variables = Vec<(Box<str>, Box<str>)>;

impl RecipientList {
    /// Takes the next one as it stands.
    pub fn push(&mut self, text: &str) {
        match Msisdn::parse(text) {
            // More than can be numbered are only counted: they are refused anyway.
            Ok(number) if self.count < BroadcastId::RECIPIENTS_MAX as usize => self.numbers.push(number),
            Ok(_) => {}
            Err(_) if self.invalid.len() < INVALID_MAX => {
                self.invalid.push(InvalidRecipient {
                    index: self.count,
                    value: text.chars().take(VALUE_CHARACTERS_MAX).collect(),
                });
            }
            Err(_) => {}
        }
        self.count += 1;
    }

    /// Takes the next one as it stands, with its variables.
    pub fn push_with(&mut self, text: &str, variables: Variables) {
        if !variables.is_empty() && self.count < BroadcastId::RECIPIENTS_MAX as usize {
            self.variables.push((self.count, variables));
        }
        self.push(text);
    }

    /// How many there were.
    pub const fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_told_by_its_place_and_cut() {
        let mut list = RecipientList::default();
        list.push("+18005551001");
        list.push(&"5".repeat(1_000_000));
        (0..200).for_each(|_| list.push(""));
        assert_eq!((list.count(), list.numbers.len(), list.invalid.len()), (202, 1, 100));
        assert_eq!(list.invalid[0], InvalidRecipient { index: 1, value: "5".repeat(64) });
        assert_eq!(list.invalid[1], InvalidRecipient { index: 2, value: String::new() });
    }
}
