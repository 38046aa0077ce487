//! Measures speed on one core: typical messages, messages of 640 characters, and hostile ones.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time and for tasks")]
#![allow(clippy::print_stdout, reason = "a command for the terminal")]

use screening::Screen;
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
    let loading = Instant::now();
    let screen = Screen::builtin();
    println!("loaded in {:?}", loading.elapsed());

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

    let long: String = TYPICAL.iter().cycle().flat_map(|text| text.chars().chain(" ".chars())).take(640).collect();
    percentiles("640 characters", &screen, &long);
    for (name, text) in hostile() {
        percentiles(&format!("hostile, {name}, {} characters", text.chars().count()), &screen, &text);
    }
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
