//! Messages in other languages.

use crate::SCREEN;
use screening::{Category, Language};

/// The language that the screen sees in a text.
fn language(text: &str) -> Language {
    SCREEN.screen(text).language
}

#[test]
fn the_language_of_a_message_is_recognised() {
    let check = |text: &str, expected: &'static str| assert_eq!(language(text), Language::Other(expected), "{text}");
    check("Su cita es el martes a las 10:30. Responda C para confirmar", "Spanish");
    check("LIDL: Tu pedido 3321 sale hoy. Sigue en lidl.es", "Spanish");
    check("Votre colis est arriv\u{e9}", "French");
    check("Bonjour, votre rendez-vous est confirm\u{e9} pour demain \u{e0} 9h", "French");
    check("O seu pedido saiu para entrega. Obrigado por comprar com a gente", "Portuguese");
    check("Ihr Paket wird heute zwischen 10 und 12 Uhr zugestellt", "German");
    check("Gentile cliente, il suo ordine \u{e8} in consegna oggi", "Italian");
    check("Uw pakket wordt vandaag bezorgd. Volg het via de app", "Dutch");
    check("Ang iyong code ay 482910. Huwag itong ibahagi sa iba", "Tagalog");
    check("Kode OTP anda adalah 482910. Jangan berikan kode ini kepada siapa pun", "Indonesian or Malay");
    check("Ndugu mteja, umepokea 500 kwa namba yako. Asante", "Swahili");
    check("Aapka code 482910 hai. Kisi ke saath share na karen", "Hindi in Latin letters");
    check(
        "De\u{11f}erli m\u{fc}\u{15f}terimiz, kargonuz bug\u{fc}n teslim edilecek. L\u{fc}tfen evde olun ve \
         kodunuz ile al\u{131}n",
        "Turkish",
    );
    check("Twoja paczka czeka w punkcie. Kod odbioru 482910, prosimy nie podawa\u{107} go dla innych", "Polish");
    check(
        "M\u{e3} OTP c\u{1ee7}a qu\u{fd} kh\u{e1}ch l\u{e0} 482910. Vui l\u{f2}ng kh\u{f4}ng chia s\u{1ebb}",
        "Vietnamese",
    );
    check("\u{412}\u{430}\u{448} \u{43a}\u{43e}\u{434} 482910", "Cyrillic script");
    check("\u{60a8}\u{7684}\u{9a8c}\u{8bc1}\u{7801}\u{662f}482910", "Chinese characters");
    check("\u{0627}\u{0644}\u{0631}\u{0645}\u{0632} 482910", "Arabic script");
    check("\u{3042}\u{306a}\u{305f}\u{306e}\u{30b3}\u{30fc}\u{30c9}", "Japanese");
}

#[test]
fn english_is_english_whatever_it_is_mixed_and_disguised_with() {
    for text in [
        "Your code is 482910. Never share it with anyone",
        "Celebrate Cinco de Mayo with la familia at El Toro, you get 2 for 1 on all tacos",
        "Dr. de la Cruz: your appointment is Tuesday 3pm, reply C to confirm",
        "die Hard is on at nine, want to come? bring the kids",
        "Zo\u{eb} & Jos\u{e9}: the school closes at noon on Friday",
        "Y\u{43e}ur \u{440}\u{430}\u{443}pal \u{430}cc\u{43e}unt is l\u{43e}cked, verify n\u{43e}w",
        "Your \u{441}\u{430}\u{455}\u{456}\u{43d}\u{43e} bonus is here",
        "\u{1d418}\u{1d428}\u{1d42e}\u{1d42b} \u{1d41c}\u{1d428}\u{1d41d}\u{1d41e} is ready for you",
    ] {
        assert_eq!(language(text), Language::English, "{text}");
    }
}

#[test]
fn a_word_or_two_are_of_no_language() {
    for text in ["", "482910", "vodka", "El Paso", "cita", "la la la la", "\u{441}\u{43e}\u{441}\u{43e}"] {
        assert_eq!(language(text), Language::Unclear, "{text}");
    }
}

#[test]
fn a_row_of_signs_refuses_no_message() {
    let messages = [
        "\u{436}",
        "\u{43f}\u{43e}\u{43a}\u{430} ",
        "x",
        "ok ",
        "Feliz cumplea\u{f1}os mi amor, te quiero mucho ",
        "Bis morgen, ich freue mich auf euch alle ",
        "Happy birthday mate see you tomorrow evening at the pub ",
    ];
    for text in messages {
        for sign in ["\u{1f44b}", "\u{1f602}", "\u{20ac}", "\u{2764}", "\u{1f64f}\u{1f3fd}"] {
            let text = format!("{text}{}", sign.repeat(80));
            assert!(!SCREEN.screen(&text).is_violation(), "{text}: {:?}", SCREEN.screen(&text).findings);
        }
    }
}

/// Spanish and French words of the regulated trades, and everyday messages that share their words.
#[test]
fn trades_in_spanish_and_french_are_found_and_everyday_messages_pass() {
    let (mut violating, mut innocent, mut wrong) = (0, 0, Vec::new());
    for line in include_str!("../data/foreign.jsonl").lines().filter(|line| !line.is_empty()) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let (text, category) = (value["text"].as_str().unwrap(), value["category"].as_str());
        let verdict = SCREEN.screen(text);
        *(if category.is_some() { &mut violating } else { &mut innocent }) += 1;
        let named = verdict.categories().next().map(Category::name);
        if !verdict.language.is_foreign() || named != category {
            let top = Category::ALL.map(|category| verdict.score(category)).into_iter().fold(0.0, f32::max);
            wrong.push(format!("{}, {named:?} for {category:?} ({top:.2}): {text}", verdict.language));
        }
    }
    assert!(violating >= 20 && innocent >= 20);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
