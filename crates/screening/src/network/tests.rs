use super::*;
use crate::training::network::{Network as Plain, Row, Shape};
use proptest::prelude::*;

const WORDS: [&str; 12] = ["[UNK]", "free", "spin", "##s", "vodka", "a", "##b", ".", "|", "link", ":", "the"];

fn plain(seed: u64) -> Plain {
    let shapes = [
        Shape { width: 7, convolutions: vec![(3, 19), (1, 5)], hidden: 33 },
        Shape { width: 96, convolutions: vec![(1, 96), (3, 192)], hidden: 160 },
        Shape { width: 4, convolutions: vec![(5, 16), (1, 1), (3, 40)], hidden: 1 },
    ];
    let shape = &shapes[usize::try_from(seed % 3).unwrap()];
    Plain::random(WORDS.map(str::to_owned).to_vec(), shape, seed + 1)
}

/// The network as its documentation says it, without anything that makes it fast.
fn slowly(plain: &Plain, pieces: &[u16]) -> [f64; COUNT] {
    let row = |row: &Row| row.octets.iter().map(|octet| f64::from(*octet) * f64::from(row.scale)).collect::<Vec<_>>();
    let mut inputs: Vec<f64> = Vec::new();
    for convolution in &plain.convolutions {
        let channels = convolution.bias.len();
        let mut felt = vec![vec![0.0; channels]; pieces.len()];
        for (at, felt) in felt.iter_mut().enumerate() {
            for (channel, felt) in felt.iter_mut().enumerate() {
                let mut sum = f64::from(convolution.bias[channel]);
                for tap in 0..usize::from(convolution.taps) {
                    let Some(near) = (at + tap).checked_sub(usize::from(convolution.taps) / 2) else { continue };
                    let Some(piece) = pieces.get(near) else { continue };
                    let weights = row(&convolution.rows[tap * channels + channel]);
                    let values = row(&plain.table[usize::from(*piece)]);
                    sum += weights.iter().zip(values).map(|(weight, value)| weight * value).sum::<f64>();
                }
                *felt = sum.max(0.0);
            }
        }
        let of = |channel: usize| felt.iter().map(move |felt| felt[channel]);
        inputs.extend((0..channels).map(|channel| of(channel).fold(0.0, f64::max)));
        inputs.extend((0..channels).map(|channel| of(channel).sum::<f64>() / pieces.len() as f64));
    }
    let mut hidden: Vec<f64> = plain.first_bias.iter().map(|bias| f64::from(*bias)).collect();
    for (input, weights) in inputs.iter().zip(&plain.first) {
        hidden.iter_mut().zip(row(weights)).for_each(|(sum, weight)| *sum += input * weight);
    }
    let mut outputs = plain.second_bias.map(f64::from);
    for (unit, weights) in hidden.iter().zip(&plain.second) {
        outputs.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += unit.max(0.0) * f64::from(*weight));
    }
    std::array::from_fn(|at| outputs[at + 1] - outputs[0])
}

#[test]
fn a_network_says_what_its_plain_parts_say() {
    for seed in 0..12 {
        let plain = plain(seed);
        let network = Network::from_bytes(&plain.to_bytes()).unwrap();
        for pieces in [&[1_u16][..], &[0, 0], &[4, 1, 2], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 3, 3, 3]] {
            let (fast, slow) = (network.log_odds(pieces), slowly(&plain, pieces));
            for (fast, slow) in fast.iter().zip(slow) {
                assert!((f64::from(*fast) - slow).abs() < 0.01 + slow.abs() * 0.001, "{seed}: {fast} for {slow}");
            }
        }
    }
}

#[test]
fn a_text_without_pieces_is_nothing() {
    let network = Network::from_bytes(&plain(0).to_bytes()).unwrap();
    assert_eq!(network.log_odds(&network.cut(" \n ").numbers), [NOTHING; COUNT]);
}

proptest! {
    #![proptest_config(trials::config(100))]

    #[test]
    fn any_text_has_finite_log_odds_that_are_the_same_again(text in any::<String>(), seed in 0_u64..3) {
        let network = Network::from_bytes(&plain(seed).to_bytes()).unwrap();
        let odds = network.log_odds(&network.cut(&text).numbers);
        prop_assert!(odds.iter().all(|odds| odds.is_finite()));
        prop_assert_eq!(odds, network.log_odds(&network.cut(&text).numbers));
    }

    #[test]
    fn numbers_at_their_bounds_stay_finite(scale in prop_oneof![Just(1_000.0_f32), Just(-1_000.0)], seed in 0_u64..9) {
        let mut plain = plain(seed);
        plain.table.iter_mut().chain(&mut plain.first).for_each(|row| row.scale = scale);
        plain.convolutions.iter_mut().flat_map(|convolution| &mut convolution.rows).for_each(|row| row.scale = scale);
        plain.second.iter_mut().flatten().for_each(|weight| *weight = scale);
        let network = Network::from_bytes(&plain.to_bytes()).unwrap();
        prop_assert!(network.log_odds(&[1, 2, 3, 4]).iter().all(|odds| odds.is_finite()));
    }

    #[test]
    fn a_part_that_is_taken_out_is_as_if_it_had_not_been_there(
        words in proptest::collection::vec(0_u16..12, 0..40), tags in proptest::collection::vec(0_u16..12, 0..5),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
        seed in 0_u64..3, before in 0_usize..4, link in any::<prop::sample::Index>(),
    ) {
        let network = Network::from_bytes(&plain(seed).to_bytes()).unwrap();
        // One octet for each piece, one piece for each token, and some before the first token.
        let count = words.len().saturating_sub(before);
        let first = words.len() - count;
        let prepared = Prepared { text: String::new(), tokens: (first..words.len()).collect(), tags: words.len() };
        let numbers = [words.clone(), tags.clone()].concat();
        let cut = Cut { starts: (0..numbers.len()).collect(), numbers: numbers.clone() };
        let links = (count > 0).then(|| link.index(count)).map(|at| at..at + 1);
        let mut probe = Probe::new(&network, &prepared, &cut, links.clone());
        for (one, other) in cuts {
            let window = probe.window();
            if window.is_empty() {
                break;
            }
            let (one, other) = (window.start + one.index(window.len()), window.start + other.index(window.len()) + 1);
            let part = one.min(other)..one.max(other);
            let mut rest = words[..first + part.start].to_vec();
            rest.extend(&words[first + part.end..]);
            if links.as_ref().is_none_or(|links| !part.contains(&links.start)) {
                rest.extend(&tags);
            }
            for category in [0, 9] {
                prop_assert_eq!(probe.without(&part, category), network.log_odds(&rest)[category]);
            }
            probe.narrow(part);
        }
    }

    #[test]
    fn any_octets_are_a_network_or_not(octets in proptest::collection::vec(any::<u8>(), 0..300), keep in 0_usize..300) {
        let whole = plain(0).to_bytes();
        let mut damaged = whole[..keep.min(whole.len() - 8)].to_vec();
        damaged.extend(octets);
        let hash = digest(&damaged);
        damaged.extend(hash.to_le_bytes());
        if let Ok(network) = Network::from_bytes(&damaged) {
            prop_assert!(network.log_odds(&[0, 0]).iter().all(|odds| odds.is_finite()));
        }
    }
}

#[test]
fn a_network_that_is_cut_short_or_changed_is_refused() {
    let whole = plain(0).to_bytes();
    assert!(Network::from_bytes(&whole).is_ok());
    for length in (0..whole.len()).step_by(7) {
        let short = &whole[..length];
        assert!(matches!(Network::from_bytes(short).err(), Some(DataError::Network(_))), "{length}");
        let signed = [short, &digest(short).to_le_bytes()].concat();
        assert!(matches!(Network::from_bytes(&signed).err(), Some(DataError::Network(_))), "{length}, signed");
        let mut changed = whole.clone();
        changed[length] ^= 4;
        assert!(matches!(Network::from_bytes(&changed).err(), Some(DataError::Network(_))), "{length}, changed");
    }
}

#[test]
fn what_is_wrong_with_a_network_is_named() {
    let check = |part: &str, change: &dyn Fn(&mut Plain)| {
        let mut plain = plain(0);
        change(&mut plain);
        let error = Network::from_bytes(&plain.to_bytes()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("the network cannot be read: ") && error.contains(part), "{part}: {error}");
    };
    check("[UNK]", &|plain| plain.pieces[0] = "the".to_owned());
    check("[UNK]", &|plain| plain.pieces[3] = "[UNK]".to_owned());
    check("stands twice", &|plain| plain.pieces[3] = "free".to_owned());
    check("empty or too long", &|plain| plain.pieces[3] = String::new());
    check("empty or too long", &|plain| plain.pieces[3] = "x".repeat(25));
    check("too large or none", &|plain| plain.table[2].scale = f32::NAN);
    check("too large or none", &|plain| plain.second[0][3] = f32::INFINITY);
    check("too large or none", &|plain| plain.first_bias[0] = 1_001.0);
    check("convolution", &|plain| plain.convolutions[0].taps = 2);
    check("convolution", &|plain| plain.convolutions[0].bias.clear());
    check("number of convolutions", &|plain| plain.convolutions.clear());
    check("number of convolutions", &|plain| plain.table[0].octets.clear());
    check("head", &|plain| plain.first_bias.clear());
    check("behind the last layer", &|plain| plain.second.push([0.0; COUNT + 1]));
    let other = |at: usize, octet: u8| {
        let mut octets = plain(0).to_bytes();
        octets[at] = octet;
        let end = octets.len() - 8;
        let hash = digest(&octets[..end]).to_le_bytes();
        octets[end..].copy_from_slice(&hash);
        Network::from_bytes(&octets).err()
    };
    assert_eq!(other(0, b'X'), Some(DataError::Network("not a file of a network")));
    assert_eq!(other(4, 2), Some(DataError::Network("of another version")));
    // More than 65,000 pieces in a small file.
    assert!(matches!(other(6, 0xff), Some(DataError::Network(_))));
}

#[test]
fn a_network_that_would_fill_the_memory_is_refused() {
    let mut octets = b"SMSN\x01".to_vec();
    octets.extend([0xff, 0xff, 1, 0, 4]);
    (0..4).for_each(|_| octets.extend([5, 0, 2]));
    octets.extend([1, 0, 11]);
    octets.extend(digest(&octets).to_le_bytes());
    assert_eq!(Network::from_bytes(&octets).err(), Some(DataError::Network("too large")));
}
