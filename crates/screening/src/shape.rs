//! Which texts are of one shape: those of one campaign, which differ in names, codes and amounts.

use std::collections::HashMap;

use crate::text::fold::fold;
use crate::text::token::{self, Kind};
use crate::text::words::Build;
use crate::text::{hash, join};

/// Words that are compared as one piece.
const GRAM: usize = 3;

/// Words of a text that are looked at: all of a text of the longest length, unless its words have one letter.
const WORDS_MAX: usize = 400;

/// What is compared of a text.
struct Shape {
    /// The hosts of its links, which must be the same: a template names the hosts to which it leads.
    hosts: Vec<u64>,
    /// Each three neighbouring words, digits masked; of a shorter text all words together. Sorted, each once.
    grams: Vec<u64>,
}

impl Shape {
    fn of(text: &str) -> Self {
        let folded = fold(text);
        let (tokens, _) = token::split(&folded);
        let mut hosts: Vec<u64> =
            tokens.iter().filter(|token| token.kind == Kind::Link).map(|token| hash(token.text.as_bytes())).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let words: Vec<u64> = tokens.iter().take(WORDS_MAX).map(masked).collect();
        let gram = |words: &[u64]| words.iter().fold(0, |gram, word| join(gram, *word));
        let mut grams: Vec<u64> =
            if words.len() < GRAM { vec![gram(&words)] } else { words.windows(GRAM).map(gram).collect() };
        grams.sort_unstable();
        grams.dedup();
        Self { hosts, grams }
    }

    /// Whether at least half of all their pieces are in both (Jaccard), of which `common` are.
    fn is_like(&self, other: &Self, common: usize) -> bool {
        self.hosts == other.hosts && 3 * common >= self.grams.len() + other.grams.len()
    }
}

/// A word for comparison: whatever has a digit is alike.
fn masked(token: &token::Token<'_>) -> u64 {
    match token.kind {
        Kind::Link => hash(b"<link>"),
        Kind::Word | Kind::Emoji if !token.text.bytes().any(|byte| byte.is_ascii_digit()) => token.id,
        _ => hash(b"<digits>"),
    }
}

/// Puts texts of one shape together: each joins the first group whose first text it resembles, or begins one. Groups
/// are in the order of their first texts, and have the places of their texts in order.
///
/// Two texts resemble each other where they link to the same hosts and share at least half of their pieces of three
/// words; digits count as alike. The work is bounded by the product of the texts, the groups and the words of a text.
#[must_use]
pub fn groups<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Shape, Vec<usize>)> = Vec::new();
    // In which groups' first texts a piece is.
    let mut having: HashMap<u64, Vec<usize>, Build> = HashMap::default();
    let mut common: Vec<usize> = Vec::new();
    for (place, text) in texts.into_iter().enumerate() {
        let shape = Shape::of(text);
        common.clear();
        common.resize(groups.len(), 0);
        for group in shape.grams.iter().filter_map(|gram| having.get(gram)).flatten() {
            common[*group] += 1;
        }
        let alike = groups.iter().zip(&common).position(|((first, _), common)| shape.is_like(first, *common));
        if let Some(group) = alike {
            groups[group].1.push(place);
            continue;
        }
        shape.grams.iter().for_each(|gram| having.entry(*gram).or_default().push(groups.len()));
        groups.push((shape, vec![place]));
    }
    groups.into_iter().map(|(_, places)| places).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_campaign_are_one_group_and_others_are_not() {
        for (texts, expected) in [
            (
                vec![
                    "Hi Bob, your order 1234 is ready. Pay $25.00 at https://acme.com/p/a1",
                    "Craft beer 20% off this weekend, order now",
                    "Hi Maria, your order 99 is ready. Pay $7.50 at https://acme.com/p/b2",
                    "Craft beer 30% off this weekend, order now",
                ],
                vec![vec![0, 2], vec![1, 3]],
            ),
            // Another host is another shape, whatever the words.
            (
                vec!["Your parcel waits: pay 1.99 at acme.com/x", "Your parcel waits: pay 1.99 at evil.com/x"],
                vec![vec![0], vec![1]],
            ),
            // Short texts are alike where their words are.
            (vec!["Code 123", "code 999", "Codes 123", "Vodka"], vec![vec![0, 1], vec![2], vec![3]]),
            (vec!["", "", "!!"], vec![vec![0, 1, 2]]),
            (vec![], vec![]),
        ] {
            assert_eq!(groups(texts.iter().copied()), expected, "{texts:?}");
        }
    }

    #[test]
    fn half_of_the_pieces_make_texts_alike() {
        let first = "one two three four five six seven eight";
        // Six pieces each: four are common, of eight in all.
        let half = "one two three four five six nine ten";
        let less = "one two three four five nine ten eleven";
        assert_eq!(groups([first, half]), [vec![0, 1]]);
        assert_eq!(groups([first, less]), [vec![0], vec![1]]);
    }
}
