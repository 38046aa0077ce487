//! Metamorphic: innocuous edits do not raise a verdict.

use crate::SCREEN;

const INNOCENT: [&str; 8] = [
    "Your code is 482910. Never share it with anyone",
    "Bright Smile Dental: your appointment is Tuesday at 10:30. Reply C to confirm",
    "DHL: your parcel arrives today between 2pm and 4pm",
    "HSBC: you spent 35.20 at Tesco on card ending 4471",
    "Parents: school closes at noon on Friday",
    "running late, order me a coffee? x",
    "Lotus Yoga: 20% off all passes this weekend. Reply STOP to opt out",
    "Flight 1129 to Denver now departs 6pm from gate B24",
];

fn unchanged(edit: impl Fn(&str) -> String) {
    for text in INNOCENT {
        let edited = edit(text);
        let verdict = SCREEN.screen(&edited);
        assert!(!verdict.is_violation(), "{edited}: {:?}", verdict.findings);
    }
}

#[test]
fn greetings_and_thanks_raise_nothing() {
    unchanged(|text| format!("Hello Maria, {text}"));
    unchanged(|text| format!("{text}. Thank you!"));
}

#[test]
fn white_space_and_case_raise_nothing() {
    unchanged(|text| text.replace(' ', "  "));
    unchanged(|text| format!("\n{}\n", text.replace(", ", ",\n")));
    unchanged(str::to_uppercase);
    unchanged(str::to_lowercase);
}

#[test]
fn punctuation_and_pictures_raise_nothing() {
    unchanged(|text| format!("{text}!!!"));
    unchanged(|text| format!("{text} \u{1f600}"));
    unchanged(|text| text.replace('\'', "\u{2019}").replace('-', "\u{2013}"));
}

#[test]
fn accents_in_names_raise_nothing() {
    unchanged(|text| format!("Zo\u{eb} & Jos\u{e9}: {text}"));
}

#[test]
fn a_message_in_another_language_raises_nothing() {
    for text in [
        "Ihr Termin ist am Dienstag um 10 Uhr",
        "Su cita es el martes a las 10:30. Responda C para confirmar",
        "\u{412}\u{430}\u{448} \u{43a}\u{43e}\u{434} 482910. \u{41d}\u{438}\u{43a}\u{43e}\u{43c}\u{443} \
         \u{435}\u{433}\u{43e} \u{43d}\u{435} \u{441}\u{43e}\u{43e}\u{431}\u{449}\u{430}\u{439}\u{442}\u{435}",
        "\u{60a8}\u{7684}\u{9a8c}\u{8bc1}\u{7801}\u{662f}482910",
        "\u{0627}\u{0644}\u{0631}\u{0645}\u{0632} 482910",
    ] {
        assert!(!SCREEN.screen(text).is_violation(), "{text}: {:?}", SCREEN.screen(text).findings);
    }
}
