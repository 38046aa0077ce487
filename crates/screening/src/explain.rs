//! Why a category was found: the rules and features that decided, and the places of the message.

use crate::category::Category;
use crate::help;
use crate::model::features::{Feature, Origin};
use crate::opinion::Opinion;
use crate::reading::{Means, Reading};
use crate::verdict::{Finding, Reason, Span};

/// The most rules and the most features that are named.
const REASONS: usize = 5;
/// The most spans of one finding.
const SPANS: usize = 16;

/// The finding on `category`.
pub(crate) fn finding(
    means: Means<'_>,
    reading: &Reading<'_>,
    features: &[Feature],
    category: Category,
    opinion: &Opinion<'_>,
) -> Finding {
    let Means { rules, weights, .. } = means;
    let mut held: Vec<usize> = reading
        .holding
        .iter()
        .copied()
        .filter(|index| rules.get(*index).category == Some(category) && rules.get(*index).weight > 0.0)
        .collect();
    held.sort_by(|left, right| rules.get(*right).weight.total_cmp(&rules.get(*left).weight));
    held.truncate(REASONS);
    let mut felt: Vec<(f32, &Feature)> = features
        .iter()
        .map(|feature| (weights.of(feature)[category.index()], feature))
        .filter(|(weight, _)| *weight > 0.05)
        .collect();
    felt.sort_by(|left, right| right.0.total_cmp(&left.0));
    felt.truncate(REASONS);

    // No rule speaks for it, and the classifier is not sure enough: the wording as a whole decided.
    let is_of_network = held.is_empty() && opinion.is_of_network(category);
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    if is_of_network {
        let part = opinion.part(category, reading);
        ranges.push((part.start, part.end));
    }
    for &index in held.iter().take(2) {
        let evidence = rules.get(index).evidence();
        ranges.extend(reading.hits.iter().filter(|hit| evidence.has(hit.concept)).map(|hit| (hit.from, hit.to)));
    }
    if ranges.is_empty() {
        for (_, feature) in &felt {
            match feature.origin {
                Origin::Tokens(from, to) => ranges.push((from, to)),
                Origin::Pair(first, second) => {
                    ranges.extend([first, second].map(|at| (reading.hits[at].from, reading.hits[at].to)));
                }
                Origin::Whole => {}
            }
        }
    }
    let mut reasons: Vec<Reason> = held
        .iter()
        .map(|&index| Reason::Rule { name: rules.get(index).name.clone(), weight: rules.get(index).weight })
        .collect();
    reasons.extend(
        felt.iter()
            .map(|(weight, feature)| Reason::Feature { name: describe(means, reading, feature), weight: *weight }),
    );
    reasons.extend(opinion.of_network(category).map(|weight| Reason::Network { weight }));
    let help = help::sentence(means, reading, category, &held);
    let (score, certainty) = (opinion.score(category), opinion.certainty(category));
    Finding { category, score, certainty, spans: spans(reading, ranges), reasons, help }
}

fn describe(means: Means<'_>, reading: &Reading<'_>, feature: &Feature) -> String {
    let lexicon = means.lexicon;
    match feature.origin {
        Origin::Tokens(from, to) => {
            reading.tokens[from..to].iter().map(|token| token.text.as_ref()).collect::<Vec<_>>().join(" ")
        }
        Origin::Pair(first, second) => {
            format!("{} + {}", lexicon.name(reading.hits[first].concept), lexicon.name(reading.hits[second].concept))
        }
        Origin::Whole => "the whole message".to_owned(),
    }
}

/// Ranges of tokens as spans of the original, in order, those that touch as one; the whole message when there are none.
fn spans(reading: &Reading<'_>, mut ranges: Vec<(usize, usize)>) -> Vec<Span> {
    ranges.sort_unstable();
    let mut spans: Vec<Span> = Vec::new();
    for (from, to) in ranges {
        let (Some(first), Some(last)) =
            (reading.tokens.get(from), to.checked_sub(1).and_then(|to| reading.tokens.get(to)))
        else {
            continue;
        };
        let Some(span) = original(reading, first.from, last.to) else { continue };
        match spans.last_mut() {
            Some(before) if span.start <= before.end + 1 => before.end = before.end.max(span.end),
            _ => spans.push(span),
        }
    }
    spans.truncate(SPANS);
    if spans.is_empty() {
        spans.push(Span { start: 1, end: usize::try_from(reading.folded.length).unwrap_or(1).max(1) });
    }
    spans
}

fn original(reading: &Reading<'_>, from: usize, to: usize) -> Option<Span> {
    let origin = &reading.folded.origin;
    let (start, end) = (origin.get(from)?, origin.get(to.checked_sub(1)?)?);
    Some(Span { start: usize::try_from(*start).ok()? + 1, end: usize::try_from(*end).ok()? + 1 })
}
