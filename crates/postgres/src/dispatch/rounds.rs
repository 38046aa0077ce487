//! Lists in which a message may be named several times, one time after the other.

use std::collections::BTreeMap;

use model::MessageId;

/// The items of a list in rounds, each in the order of the list, so that a message has one item in each: its first one
/// in the first round. Nearly every list is one round.
pub(super) fn rounds<T>(items: impl IntoIterator<Item = T>, id: impl Fn(&T) -> MessageId) -> Vec<Vec<T>> {
    let mut rounds: Vec<Vec<T>> = Vec::new();
    let mut times: BTreeMap<MessageId, usize> = BTreeMap::new();
    for item in items {
        let time = times.entry(id(&item)).or_default();
        match rounds.get_mut(*time) {
            Some(round) => round.push(item),
            None => rounds.push(vec![item]),
        }
        *time += 1;
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_item_in_each_round() {
        let id = |number: u8| MessageId::from_bytes([number; 16]);
        let items = [(1, 'a'), (2, 'b'), (1, 'c'), (3, 'd'), (1, 'e'), (3, 'f')];
        let letters: Vec<String> = rounds(items, |(number, _)| id(*number))
            .into_iter()
            .map(|round| round.into_iter().map(|(_, letter)| letter).collect())
            .collect();
        assert_eq!(letters, ["abd", "cf", "e"]);
        assert!(rounds([], |()| id(1)).is_empty());
    }
}
