use std::cell::Cell;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static SCREEN: LazyLock<Screen> = LazyLock::new(Screen::builtin);

thread_local! {
    /// What comparing cost this thread.
    pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn passes(template: &Template, text: &str) -> bool {
    template.passes(text, &Policy::default(), &SCREEN)
}

#[test]
fn what_cannot_be_approved_is_refused_with_its_reason() {
    let long = "a long word ".repeat(140);
    let many = "and {x} ".repeat(21);
    for (text, expected) in [
        ("{x}", TemplateError::TooLittle),
        ("Hi {name}, {text}", TemplateError::TooLittle),
        ("a b c d e f g h i j k l {x}", TemplateError::NoWord),
        ("123456789012 {x} 99", TemplateError::NoWord),
        ("", TemplateError::TooLittle),
        (long.as_str(), TemplateError::TooLong),
        (many.as_str(), TemplateError::TooMany),
        ("Your code {code is ready now", TemplateError::Brace),
        ("Your code code} is ready now", TemplateError::Brace),
        ("Your code {co{de}} is ready now", TemplateError::Brace),
        ("Your code {} is ready now", TemplateError::Name(String::new())),
        ("Your code {a.b} is ready now", TemplateError::Name("a.b".to_owned())),
        ("Your codes {a}{b} are ready now", TemplateError::Adjacent),
        ("Your codes {a}\u{200b}{b} are ready now", TemplateError::Adjacent),
        ("Sign in at https://{x}.com and change it", TemplateError::Host),
        ("Sign in at https://{x} and change it", TemplateError::Host),
        ("Sign in at https://{x}/login and change it", TemplateError::Host),
        ("Sign in at https://acme.com{x} and change it", TemplateError::Host),
        ("Sign in at {x}acme.com and change it", TemplateError::Host),
        ("Sign in at {x}.acme.com and change it", TemplateError::Host),
        ("Sign in at www.{x} and change it now", TemplateError::Host),
        ("Sign in at https://acme.com@{x} and change it", TemplateError::Host),
        ("Sign in at https://acme.com.{x}/a and change it", TemplateError::Host),
        ("Sign in at https://acme{x}.com/a and change it", TemplateError::Host),
        ("Sign in at {x}.com/a and change it now", TemplateError::Host),
        ("Sign in at https://\u{430}cme.com/a and change it", TemplateError::Disguised),
        ("Sign in at https://\u{e1}cme.com/a and change it", TemplateError::Disguised),
        ("Sign in at hxxps://acme[.]com/a and change it", TemplateError::Disguised),
        ("Sign in at https://me@acme.com/a and change it", TemplateError::Disguised),
    ] {
        assert_eq!(Template::parse(text), Err(expected), "{text}");
    }
    let error = Template::parse("{x}").unwrap_err().to_string();
    assert!(error.contains("12 characters"), "{error}");
    // Nobody owns the pages behind a shortener.
    let short = template("Your parcel waits at bit.ly/{code} for you");
    assert_eq!(short.check(&SCREEN), Err(TemplateError::Shared("bit.ly".to_owned())));
    assert!(!passes(&short, "Your parcel waits at bit.ly/abc for you"));
    assert_eq!(template("Your parcel waits at bit.ly/abc, {name}").check(&SCREEN), Ok(()));
}

#[test]
fn a_template_passes_what_it_says_and_nothing_else() {
    let password = "Your temporary password is {code}. Log in at https://portal.acme.com and change it now.";
    let parcel = "Hi {name}, your parcel {no} arrives {day}. Track it: https://acme.com/t/{code}";
    let lines = "Dear {name},\nyour bill of {amount} is due on {day}.\nThank you!";
    for (text, sent, expected) in [
        (password, "Your temporary password is 8Hx2. Log in at https://portal.acme.com and change it now.", true),
        // As the screen folds: case, white space, invisible characters, accents.
        (
            password,
            "  YOUR temporary\u{200b} password is  8Hx2. Log in at\nHTTPS://portal.acme.com and change it now. ",
            true,
        ),
        (password, "Your temporary password is 8Hx2. Log in at https://portal.acme.com and change it.", false),
        (password, "Your temporary password is . Log in at https://portal.acme.com and change it now.", false),
        (
            password,
            "Your temporary password is 8Hx2. Log in at https://portal.acme.com.evil.com and change it now.",
            false,
        ),
        (
            password,
            "Your temporary password is 8Hx2. Log in at https://port\u{430}l.acme.com and change it now.",
            false,
        ),
        (password, "Your temporary password is 8Hx2. Log in at https://p\u{f3}rtal.acme.com and change it now.", false),
        (password, "Your temporary password is 8\nHx2. Log in at https://portal.acme.com and change it now.", false),
        (
            password,
            "Your temporary password is 8\u{2028}Hx2. Log in at https://portal.acme.com and change it now.",
            false,
        ),
        // A value leads nowhere else, however it is written.
        (password, "Your temporary password is evil.com. Log in at https://portal.acme.com and change it now.", false),
        (
            password,
            "Your temporary password is evil[.]com/x. Log in at https://portal.acme.com and change it now.",
            false,
        ),
        (
            password,
            "Your temporary password is at portal.acme.com/x. Log in at https://portal.acme.com and change it now.",
            true,
        ),
        (
            password,
            "Your temporary password is xportal.acme.com/x. Log in at https://portal.acme.com and change it now.",
            false,
        ),
        (parcel, "Hi Bob, your parcel 17 arrives on Monday. Track it: https://acme.com/t/AB-12/x?y=z", true),
        (parcel, "Hi Bob, your parcel 17 arrives on Monday. Track it: https://acme.com/t/AB 12", false),
        (parcel, "Hi Bob, your parcel 17 arrives on Monday. Track it: https://acme.com/t/?u=https://evil.com", false),
        (parcel, "Hi Bob, your parcel 17 arrives on Monday. Track it: https://acme.com/t/ ", false),
        (parcel, "Hi Bob, your parcel 17 arrives on Monday. Track it: https://evil.com/t/AB", false),
        (parcel, "Hi Bob, your parcel 17 arrives on Monday at dhl-fee.top. Track it: https://acme.com/t/AB", false),
        (lines, "Dear Bob, your bill of $5.20 is due on 5 May. Thank you!", true),
        (lines, "Dear Bob,\r\n\r\nyour bill of $5.20 is due on 5 May.\nThank you!", true),
        (lines, "Dear Bob,\nyour bill of $5.20\nis due on 5 May.\nThank you!", true),
        (lines, "Dear Bob\nby, your bill of $5.20 is due on 5 May. Thank you!", false),
        ("Your shop opens at nine tomorrow", "your shop opens at nine tomorrow", true),
        ("Your shop opens at nine tomorrow", "your shop opens at nine tomorrow, see you", false),
        // The nearest place is not the right one for every part, and each is tried.
        ("Code {a} and {b} and that is all", "Code x and y and z and that is all", true),
        ("{a} is your new code, {b}", "this is your new code is your new code, Bob", true),
    ] {
        assert_eq!(passes(&template(text), sent), expected, "{text}\n{sent}");
    }
}

#[test]
fn a_value_has_one_to_a_hundred_characters() {
    let template = template("Hello there {name}, your order is ready");
    for (length, expected) in [(0, false), (1, true), (100, true), (101, false)] {
        let text = format!("Hello there {}, your order is ready", "\u{e9}".repeat(length));
        assert_eq!(passes(&template, &text), expected, "{length}");
    }
    assert!(!passes(&template, &format!("Hello there a{}b, your order is ready", " ".repeat(100))));
    assert!(!passes(&template, "Hello there  , your order is ready"));
    assert!(!passes(&template, "Hello there \u{200b}, your order is ready"));
}

#[test]
fn an_offence_in_a_value_does_not_pass_even_cut_in_two() {
    let template = template("Hi {name}, {text}. This is your shop, {end}");
    assert!(passes(&template, "Hi Bob, your order is ready. This is your shop, bye"));
    for text in [
        "Hi Bob, cheap vodka delivered to your door tonight, order now. This is your shop, bye",
        "Hi Bob, cheap vodka delivered to your door tonight. This is your shop, order now",
        "Hi Bob, cheap v0dka delivered to your d\u{43e}or tonight, order now. This is your shop, bye",
    ] {
        assert!(!passes(&template, text), "{text}");
        // What the account may send, a value may say.
        let exempt = Policy { exempt: [crate::Category::Alcohol].into(), ..Policy::default() };
        assert!(template.passes(text, &exempt, &SCREEN), "{text}");
    }
}

#[test]
fn a_value_may_link_to_a_domain_that_the_account_vouches_for() {
    let template = template("Hi {name}, the details are at {link} as always");
    let policy = Policy { allowed_domains: ["acme.com".to_owned()].into(), ..Policy::default() };
    let home = "Hi Bob, the details are at https://my.acme.com/a as always";
    assert!(template.passes(home, &policy, &SCREEN) && !passes(&template, home));
    for text in [
        "Hi Bob, the details are at https://acme.com.evil.org/a as always",
        "Hi Bob, the details are at https://acme.com@evil.org/a as always",
        "Hi Bob, the details are at https://\u{430}cme.com/a as always",
        "Hi Bob, the details are at \u{430}cme.com as always",
        "Hi Bob, the details are at https://xn--cme-7cd.com/a as always",
    ] {
        assert!(!template.passes(text, &policy, &SCREEN), "{text}");
    }
}

#[test]
fn comparing_is_linear_however_the_text_repeats() {
    let parts: Vec<String> = (0..20).map(|number| format!("{{p{number}}}aaaaaaaaab")).collect();
    let template = template(&format!("hello again {}", parts.concat()));
    let work = |length: usize| {
        let text = format!("hello again {}aaaaaaaaab", "a".repeat(length));
        STEPS.with(|steps| steps.set(0));
        assert!(!passes(&template, &text));
        let near = format!("hello again {}x", "aaaaaaaaaab".repeat(length / 11));
        assert!(!passes(&template, &near));
        let hit = format!("hello again {}", "aaaaaaaaaab".repeat(length / 11));
        assert_eq!(passes(&template, &hit), (20..=200).contains(&(length / 11)));
        STEPS.with(Cell::get)
    };
    let (short, long) = (work(400), work(1_600));
    assert!(long <= 5 * short && long < 400_000, "{short} {long}");
}

/// The same by trying everything.
fn slowly(fixed: &[String], text: &str, is_first: bool) -> bool {
    let Some((part, rest)) = fixed.split_first() else { return text.is_empty() };
    let starts = if is_first { 0..=0 } else { 1..=text.len().min(VALUE_CHARACTERS_MAX) };
    starts
        .filter(|start| !text[..*start].contains('\n') && (is_first || !text[..*start].trim().is_empty()))
        .any(|start| text[start..].starts_with(part.as_str()) && slowly(rest, &text[start + part.len()..], false))
}

proptest! {
    #![proptest_config(trials::config(400))]

    #[test]
    fn any_text_is_a_template_or_is_refused(
        text in "[a-c {}.:/@\u{e9}\u{430}\u{2026}-]{0,60}|\\PC{0,40}",
        sent in "\\PC{0,60}",
    ) {
        if let Ok(template) = Template::parse(&text) {
            let _ = passes(&template, &sent);
        }
    }

    #[test]
    fn a_template_passes_what_it_is_filled_with(
        parts in proptest::collection::vec("[a-d]{1,4}( [a-d]{1,3})?", 1..5),
        values in proptest::collection::vec("[a-e\u{e9}]{1,6}( [e-h]{1,6})?", 4..=4),
    ) {
        let text = format!("your notice {}", parts.join("{x}"));
        let filled = parts.iter().zip(&values).map(|(part, value)| format!("{part}{value}")).collect::<String>();
        let sent = format!("your notice {}", filled.strip_suffix(values[parts.len() - 1].as_str()).unwrap());
        prop_assume!(Template::parse(&text).is_ok());
        // Whether the screen finds something in such words is not the question.
        prop_assert!(template(&text).values(&Candidate::of(&sent)).is_some(), "{}\n{}", text, sent);
    }

    #[test]
    fn values_are_found_exactly_where_trying_everything_finds_some(
        parts in proptest::collection::vec("[ab]{1,2}", 2..5),
        sent in "[ab]{0,24}",
    ) {
        let template = Template {
            in_link: vec![false; parts.len() - 1],
            fixed: parts,
            hosts: BTreeSet::new(),
            varying: BTreeSet::new(),
        };
        prop_assert_eq!(template.values(&Candidate::of(&sent)).is_some(), slowly(&template.fixed, &sent, true));
    }

    #[test]
    fn what_is_offered_can_be_approved_and_passes_its_text(
        words in proptest::collection::vec(prop_oneof![
            Just("your"), Just("order"), Just("17"), Just("$5.20"), Just("https://acme.com/t/a1"), Just("acme.com"),
            Just("\n"), Just("{x}"), Just("(888)"), Just("555-0134"), Just("it's"), Just("ready!"), Just("bit.ly/x1"),
            Just("\u{e9}t\u{e9}"), Just("8Hx2."), Just("12/05"), Just("a.b"), Just("--"), Just("M\u{fc}ller,"),
        ], 4..20),
        other in proptest::collection::vec(prop_oneof![
            Just("your"), Just("order"), Just("18"), Just("$7"), Just("https://acme.com/t/b2"), Just("\n"), Just("now"),
        ], 0..12),
    ) {
        let (first, second) = (words.join(" "), [words[..words.len() / 2].join(" "), other.join(" ")].join(" "));
        for texts in [vec![first.as_str()], vec![first.as_str(), second.as_str(), first.as_str()]] {
            if let Ok(offer) = offer(&texts, &Policy::default(), &SCREEN) {
                let template = template(&offer.text);
                prop_assert!(offer.fits[0] && template.check(&SCREEN).is_ok());
                for (text, fits) in texts.iter().zip(&offer.fits) {
                    prop_assert_eq!(passes(&template, text), *fits, "{}\n{}", offer.text, text);
                }
            }
        }
    }
}

#[test]
fn an_offer_keeps_what_is_common_and_lets_the_rest_vary() {
    for (texts, expected) in [
        // A single text: numbers, amounts, codes, dates and paths; no hosts and no telephone numbers.
        (
            vec!["Your temporary password is 8Hx2. Log in at https://portal.acme.com and change it now."],
            "Your temporary password is {1}. Log in at https://portal.acme.com and change it now.",
        ),
        (
            vec!["Hi Bob, pay $25.00 by 03/05 at acme.com/pay/17 (ref AB-99) or call 888-555-0134."],
            "Hi Bob, pay ${1} by {2} at acme.com/{3} (ref {4}) or call 888-555-0134.",
        ),
        (
            vec!["Call (888) 555-0134 or +18885550134 or 888 555 0134 today!"],
            "Call (888) 555-0134 or +18885550134 or 888 555 0134 today!",
        ),
        (vec!["Your parcel 17 waits\r\n\r\nat bit.ly/x7 for you"], "Your parcel {1} waits\nat bit.ly/x7 for you"),
        (vec!["Your {first} order is ready 2 go"], "Your {1}first{2} order is ready {3} go"),
        // The same text twice is one.
        (vec!["Your shop opens at 9 tomorrow"; 2], "Your shop opens at {1} tomorrow"),
        (
            vec![
                "Hi Bob, your order 17 is ready. Pay $25.00 at https://acme.com/p/a1",
                "Hi Maria Lopez, your order 17 is ready. Pay $7.50 at https://acme.com/p/b2",
                "hi Anna, your order 17 is ready.  Pay $7.50 at https://acme.com/p/b2",
            ],
            "Hi {1}, your order 17 is ready. Pay ${2} at https://acme.com/{3}",
        ),
        // No value is empty: where one text has nothing, its neighbour varies as well.
        (
            vec!["Hello, your order is ready for you", "Hello Bob, your order is ready for you"],
            "Hello{1} your order is ready for you",
        ),
        (
            vec!["Your order is ready for you now", "Your order is ready for you now please"],
            "Your order is ready for you {1}",
        ),
    ] {
        let offer = offer(&texts, &Policy::default(), &SCREEN).unwrap();
        assert_eq!((offer.text.as_str(), offer.fits), (expected, vec![true; texts.len()]));
    }
}

#[test]
fn what_cannot_be_a_template_is_not_offered() {
    for (texts, expected) in [
        (vec!["Hi"], TemplateError::TooLittle),
        (vec!["Chase: verify at hxxps://chase-partner[.]net now"], TemplateError::Disguised),
        (vec![], TemplateError::TooLittle),
    ] {
        assert_eq!(offer(&texts, &Policy::default(), &SCREEN), Err(expected), "{texts:?}");
    }
    // Of texts with little in common, the first alone makes the template.
    let texts = ["Your order 17 is ready for you", "See you at nine in the park"];
    let offer = offer(&texts, &Policy::default(), &SCREEN).unwrap();
    assert_eq!((offer.text.as_str(), offer.fits), ("Your order {1} is ready for you", vec![true, false]));
}
