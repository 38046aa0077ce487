//! Metamorphic: what senders do to hide does not lower a verdict.

use crate::SCREEN;

const PLAIN: [(&str, &str); 8] = [
    ("Cheap vodka delivered to your door, order now", "vodka"),
    ("Online casino: 50 free spins when you deposit today", "casino"),
    ("Payday loans, bad credit ok, apply now", "loans"),
    ("Best cannabis in town, 20% off all edibles", "cannabis"),
    ("Glock pistol for sale, 450 cash, no questions", "pistol"),
    ("Marlboro cigarettes by the carton, no tax", "cigarettes"),
    ("Nude escorts in your area, text for rates", "escorts"),
    ("All immigrants are vermin, deport them, faggots too", "faggots"),
];

fn replaced(change: impl Fn(&str) -> String) {
    for (text, word) in PLAIN {
        let hidden = text.replace(word, &change(word));
        assert_ne!(text, hidden);
        let (plain, verdict) = (SCREEN.screen(text), SCREEN.screen(&hidden));
        assert!(plain.is_violation(), "{text}");
        assert!(verdict.is_violation(), "{hidden}: {verdict:?}");
        assert_eq!(plain.categories().next(), verdict.categories().next(), "{hidden}");
    }
}

fn each(word: &str, change: impl Fn(usize, char) -> String) -> String {
    word.chars().enumerate().map(|(at, ch)| change(at, ch)).collect()
}

#[test]
fn zero_width_characters_hide_nothing() {
    for hidden in ['\u{200b}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{00ad}', '\u{180e}'] {
        replaced(|word| each(word, |_, ch| format!("{ch}{hidden}")));
    }
}

#[test]
fn letters_of_other_scripts_hide_nothing() {
    replaced(|word| {
        each(word, |_, ch| {
            match ch {
                'a' => '\u{430}',
                'c' => '\u{441}',
                'e' => '\u{435}',
                'o' => '\u{43e}',
                'i' => '\u{456}',
                's' => '\u{455}',
                other => other,
            }
            .to_string()
        })
    });
}

#[test]
fn wide_and_mathematical_letters_hide_nothing() {
    replaced(|word| each(word, |_, ch| char::from_u32(u32::from(ch) - u32::from('a') + 0xff41).unwrap().to_string()));
    replaced(|word| each(word, |_, ch| char::from_u32(u32::from(ch) - u32::from('a') + 0x1d41a).unwrap().to_string()));
}

#[test]
fn accents_hide_nothing() {
    replaced(|word| each(word, |_, ch| format!("{ch}\u{301}")));
}

#[test]
fn leet_hides_nothing() {
    replaced(|word| {
        each(word, |_, ch| {
            match ch {
                'a' => "4",
                'e' => "3",
                'i' => "1",
                'o' => "0",
                other => return other.to_string(),
            }
            .to_owned()
        })
    });
    replaced(|word| {
        each(word, |_, ch| {
            match ch {
                'a' => "@",
                's' => "$",
                'o' => "0",
                other => return other.to_string(),
            }
            .to_owned()
        })
    });
}

#[test]
fn letters_apart_hide_nothing() {
    for between in [" ", ".", "-", "_", "*", "\u{b7}", " . ", "  "] {
        replaced(|word| each(word, |at, ch| if at == 0 { ch.to_string() } else { format!("{between}{ch}") }));
    }
}

#[test]
fn repeated_letters_hide_nothing() {
    replaced(|word| each(word, |at, ch| if at == 1 { ch.to_string().repeat(5) } else { ch.to_string() }));
}

#[test]
fn case_hides_nothing() {
    replaced(str::to_uppercase);
    replaced(|word| {
        each(word, |at, ch| if at % 2 == 0 { ch.to_ascii_uppercase().to_string() } else { ch.to_string() })
    });
}

#[test]
fn a_disguise_of_a_whole_phishing_message_hides_nothing() {
    for text in [
        "Chase: your account is locked, verify now at secure-chase.top",
        "Chаsе: yоur аccоunt is lосkеd, vеrify now аt secure-chase.top",
        "C h a s e: your account is l0cked, ver1fy now at hxxp://secure-chase[.]top",
        "CHASE: YOUR ACCOUNT IS LOCKED, VERIFY NOW AT SECURE-CHASE.TOP",
    ] {
        assert!(SCREEN.screen(text).is_violation(), "{text}");
    }
}

#[test]
fn a_plural_with_a_z_hides_nothing() {
    for text in
        ["sh0tgunz, r1flez & bullets on sale, come by before Sunday", "Disposable vapez, all flavours, 3 for 20"]
    {
        assert!(SCREEN.screen(text).is_violation(), "{text}");
    }
}
