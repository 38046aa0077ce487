//! The regression files: violating texts, and innocent ones that share their words.

use crate::SCREEN;
use screening::training::corpus;
use screening::training::train::Example;

const PAIRS: &str = include_str!("../../data/pairs.txt");
const FRESH: &str = include_str!("../../data/fresh.txt");

#[test]
fn there_are_at_least_three_hundred_pairs_and_thirty_of_each_category() {
    let pairs = corpus::pairs(PAIRS).unwrap();
    assert!(pairs.len() >= 300);
    for category in screening::Category::ALL {
        assert!(pairs.iter().filter(|(of, _, _)| *of == category).count() >= 30, "{category}");
    }
}

#[test]
fn the_violating_text_of_every_pair_is_found_and_named() {
    let wrong: Vec<String> = corpus::pairs(PAIRS)
        .unwrap()
        .into_iter()
        .filter_map(|(category, violating, _)| {
            let named = SCREEN.screen(&violating).categories().next();
            let right = named.is_some_and(|named| named == category || corpus::akin(category).contains(&named));
            (!right).then(|| format!("{category}, named {named:?}: {violating}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} missed:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_innocent_text_of_every_pair_passes() {
    let wrong: Vec<String> = corpus::pairs(PAIRS)
        .unwrap()
        .into_iter()
        .filter_map(|(_, _, innocent)| {
            let verdict = SCREEN.screen(&innocent);
            verdict.is_violation().then(|| format!("{:?}: {innocent}", verdict.categories().collect::<Vec<_>>()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), wrong.join("\n"));
}

/// Of two points, the lower one finds what violates, and the upper one refuses nothing innocent.
#[test]
fn the_texts_that_were_measured_once_stay_as_they_are_judged() {
    let is_judged_well = |example: &Example| {
        let verdict = SCREEN.screen(&example.text);
        if example.label.is_some() { verdict.certainty().is_some() } else { !verdict.is_violation() }
    };
    let wrong: Vec<String> = corpus::expand(FRESH, 1)
        .unwrap()
        .into_iter()
        .filter(|example| !is_judged_well(example))
        .map(|example| format!("{:?}: {}", example.label, example.text))
        .collect();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a reader of the first reports named: ordinary texts that were refused.
#[test]
fn ordinary_messages_of_the_kinds_that_were_refused_pass() {
    let refused: Vec<&str> = include_str!("../data/ordinary.txt")
        .lines()
        .filter(|text| !text.is_empty() && SCREEN.screen(text).is_violation())
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
