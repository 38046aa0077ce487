//! Loading an operator's data.

use screening::training::network::Network;
use screening::{BUILTIN, Category, Data, DataError, Screen};

#[test]
fn the_data_of_the_crate_loads() {
    assert!(Screen::load(&BUILTIN).is_ok());
}

#[test]
fn rules_alone_are_a_screen() {
    let screen = Screen::load(&Data { weights: None, network: &silent(), ..BUILTIN }).unwrap();
    assert!(screen.screen("Online casino: 50 free spins, deposit 10 now").score(Category::Gambling) > 0.8);
    assert!(screen.screen("See you at six").score(Category::Gambling) < 0.2);
}

/// A network whose log-odds are all 0.
fn silent() -> Vec<u8> {
    let mut network = Network::of_words(&[]);
    network.second_bias = Default::default();
    network.to_bytes()
}

#[test]
fn an_operator_may_bring_words_and_rules() {
    let lexicon: &[&[u8]] = &[b"[durian.strong]\ndurian, king of fruits"];
    let rules = b"durian.offered | fraud | 10 | durian.strong & is.money";
    let data = Data { lexicon, brands: b"", domains: b"", rules, weights: None, network: &silent() };
    let screen = Screen::load(&data).unwrap();
    assert!(screen.screen("Durians $5 each").score(Category::Fraud) > 0.9);
    assert!(screen.screen("d u r i a n $5").score(Category::Fraud) > 0.9);
    assert!(screen.screen("No durians on the train").score(Category::Fraud) < 0.2);
}

#[test]
fn mistakes_are_named_with_file_and_line() {
    let wrong = |rules: &'static [u8]| Screen::load(&Data { rules, ..BUILTIN }).err();
    assert!(matches!(wrong(b"# fine\nno bars here"), Some(DataError::Line { file: "rules", line: 2, .. })));
    assert!(matches!(wrong(b"a | fraud | 1 | no.such.concept"), Some(DataError::Line { line: 1, .. })));
    assert!(matches!(wrong(b"a | fraud | much | is.money"), Some(DataError::Line { line: 1, .. })));
    assert!(matches!(wrong(b"a | fraud | 1 | (is.money"), Some(DataError::Line { line: 1, .. })));
    assert_eq!(wrong(b"\xff"), Some(DataError::NotUtf8("rules")));
    let lexicon: &[&[u8]] = &[b"vodka before any concept"];
    assert!(matches!(Screen::load(&Data { lexicon, ..BUILTIN }).err(), Some(DataError::Line { line: 1, .. })));
}

#[test]
fn weights_that_are_cut_short_or_not_weights_are_refused() {
    let whole = BUILTIN.weights.unwrap();
    for cut in [0, 3, 7, 20, 60, whole.len() / 2, whole.len() - 1] {
        let result = Screen::load(&Data { weights: Some(&whole[..cut]), ..BUILTIN });
        assert!(matches!(result.err(), Some(DataError::Weights(_))), "{cut}");
    }
    assert!(Screen::load(&Data { weights: Some(b"GIF89a, not weights at all, really not"), ..BUILTIN }).is_err());
}
