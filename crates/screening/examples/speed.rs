//! Measures speed on one core: loading, typical messages, messages of 640 and of 1,600 characters, and hostile ones.
//!
//! Where the crate has no network of the size that a real one has, one is made of random numbers: it costs the same.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time and for tasks")]
#![allow(clippy::print_stdout, reason = "a command for the terminal")]

use screening::training::network::{Network, Row, Shape};
use screening::{BUILTIN, Data, Screen};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

const TYPICAL: [&str; 12] = [
    "482910 is your verification code. Don't share it with anyone",
    "Bright Smile Dental: your appointment is Tuesday at 10:30. Reply C to confirm",
    "Your parcel will be delivered today between 2pm and 4pm. Track at dhl.com/track",
    "Rent is due on the 1st. Pay in the resident portal",
    "HSBC: you spent 35.20 at Tesco on card ending 4471",
    "running 10 min late, order me a coffee? x",
    "Lotus Yoga: 20% off all passes this weekend, book at lotusyoga.in. Reply STOP to opt out",
    "Flight 1129 to Denver now departs 6pm from gate B24",
    "Green Valley School: early dismissal Friday at 1pm due to weather",
    "Team: training Thursday 7pm at Riverside, bring boots",
    "Your order #55235 has shipped. Delivery expected Friday",
    "Chase: your account is locked, verify now at secure-chase.top",
];

fn main() {
    let random = made(false);
    let network = if BUILTIN.network.len() < 100_000 { random.as_slice() } else { BUILTIN.network };
    let load = |network: &[u8]| Screen::load(&Data { network, ..BUILTIN }).unwrap_or_else(|error| panic!("{error}"));
    let loading = Instant::now();
    let screen = load(network);
    println!(
        "loaded in {:?}; a network of {} octets, whose table takes {:.1} MB",
        loading.elapsed(),
        network.len(),
        f64::from(u32::try_from(screen.network_octets()).unwrap_or(u32::MAX)) / 1e6
    );

    let characters: usize = TYPICAL.iter().map(|text| text.chars().count()).sum();
    let rounds = 40_000;
    let start = Instant::now();
    for round in 0..rounds {
        black_box(screen.screen(black_box(TYPICAL[round % TYPICAL.len()])));
    }
    let spent = start.elapsed();
    let per_second = f64::from(u32::try_from(rounds).unwrap_or(0)) / spent.as_secs_f64();
    println!(
        "typical ({} characters on average): {per_second:.0} messages/s, {:?} each",
        characters / TYPICAL.len(),
        spent / u32::try_from(rounds).unwrap_or(1)
    );

    for length in [640, 1_600] {
        percentiles(&format!("{length} characters"), &screen, &long(length));
    }
    for (name, text) in hostile() {
        percentiles(&format!("hostile, {name}, {} characters", text.chars().count()), &screen, &text);
    }
    // A message that only the network finds, so that the part of it is looked for that led to the finding.
    let screen = load(&made(true));
    for length in [60, 640, 1_600] {
        let mut text = long(length - 7);
        text.insert_str(0, "quokka ");
        percentiles(&format!("found by the network alone, {length} characters"), &screen, &text);
    }
}

fn long(length: usize) -> String {
    TYPICAL[..11].iter().cycle().flat_map(|text| text.chars().chain(" ".chars())).take(length).collect()
}

/// A network of the real size, which finds nothing, or only messages with the word `quokka`.
fn made(finds: bool) -> Vec<u8> {
    let words = [include_str!("../data/corpus.txt"), include_str!("../data/fresh.txt")];
    let words: BTreeSet<String> = words
        .iter()
        .flat_map(|text| text.split(|ch: char| !ch.is_ascii_alphanumeric()))
        .filter(|word| (2..=20).contains(&word.len()))
        .map(str::to_ascii_lowercase)
        .collect();
    let letters = (33..127_u8).filter(|byte| !byte.is_ascii_uppercase()).map(char::from);
    let mut pieces: Vec<String> = vec!["[UNK]".to_owned(), "quokka".to_owned()];
    pieces.extend(letters.flat_map(|letter| [letter.to_string(), format!("##{letter}")]));
    pieces.extend(words.into_iter().filter(|word| word != "quokka"));
    pieces.extend((0..).map(|number| format!("##{number:04}")).take(12_000_usize.saturating_sub(pieces.len())));
    pieces.truncate(12_000);
    let shape = Shape { width: 96, convolutions: vec![(1, 96), (3, 192)], hidden: 160 };
    let mut network = Network::random(pieces, &shape, 1);
    network.second_bias[0] = 40.0;
    if finds {
        // One column of the table, one channel and one unit for the word.
        network.table.iter_mut().for_each(|row| row.octets[0] = 0);
        network.table[1].octets[0] = 127;
        let only = |width: usize| Row { scale: 1.0, octets: (0..width).map(|at| i8::from(at == 0)).collect() };
        network.convolutions[0].rows[0] = only(96);
        network.first[0] = only(160);
        network.second[0] = std::array::from_fn(|output| if output == 1 { 200.0 } else { 0.0 });
    }
    network.to_bytes()
}

fn percentiles(name: &str, screen: &Screen, text: &str) {
    let mut times: Vec<Duration> = (0..5_000)
        .map(|_| {
            let start = Instant::now();
            black_box(screen.screen(black_box(text)));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{name}: p50 {:?}, p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
}

/// Texts that a careless pattern would choke on.
fn hostile() -> Vec<(&'static str, String)> {
    let of = |unit: &str| unit.chars().cycle().take(640).collect::<String>();
    vec![
        ("one letter", of("a")),
        ("letters apart", of("w e e d v o d k a ")),
        ("dots", of("a.b-c_d.")),
        ("leet", of("1!|0@$ 4!1 ")),
        ("links", of("paypa1-secure.top ")),
        ("one long host", of("paypal-secure-login.")),
        ("phrases that begin alike", of("free free bet bet spins no deposit ")),
        ("hidden characters", of("v\u{200b}o\u{200d}d\u{2060}k\u{feff}a ")),
        ("look-alikes", of("\u{0441}\u{0430}\u{0455}\u{0456}\u{043d}\u{043e} ")),
        ("marks", of("a\u{0301}\u{0302}\u{0303}")),
    ]
}
