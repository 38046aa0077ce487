//! Texts of handsets, and the keyword in each of them.

use super::*;
use model::KeywordKind;
use proptest::prelude::*;

fn settings(json: &str) -> KeywordSettings {
    serde_json::from_str(json).unwrap()
}

/// What a text is: `stop STOP`, `suspected` or nothing.
fn meaning(text: &str, account: &KeywordSettings, number: &KeywordSettings) -> String {
    match Keywords::new(account, number).meaning(text) {
        Meaning::Keyword(Keyword { kind, word }) => format!("{} {word}", kind.as_str()),
        Meaning::Suspected(_) => "suspected".to_owned(),
        Meaning::Other => String::new(),
    }
}

fn check(cases: &[(&str, &[&str])], account: &str) {
    let account = settings(account);
    for (wanted, texts) in cases {
        for text in *texts {
            assert_eq!(meaning(text, &account, &KeywordSettings::default()), *wanted, "{text:?}");
        }
    }
}

#[test]
fn a_whole_text_is_a_keyword_whatever_its_case_and_what_stands_around_it() {
    check(
        &[
            (
                "stop STOP",
                &[
                    "STOP",
                    "stop",
                    "Stop",
                    " stop ",
                    "Stop.",
                    "STOP!!!",
                    "'STOP'",
                    "\"Stop\"",
                    "“stop”",
                    "‘stop’",
                    "«stop»",
                    "(stop)",
                    "*STOP*",
                    "stop\r\n",
                    "\tstop",
                    "stop…",
                    "ＳＴＯＰ",
                    "ｓｔｏｐ．",
                    "stop\u{a0}",
                    "\u{feff}stop",
                    "st\u{200b}op",
                    "stop\u{fe0f}",
                    "¡stop!",
                    "- stop",
                    "> STOP",
                    "stop\u{b4}",
                    "STOP\0",
                    "ſtop",
                ],
            ),
            ("stop STOPALL", &["StopAll", "STOPALL."]),
            ("stop STOP ALL", &["stop all", "STOP   ALL", "Stop\nall", "stop\u{3000}all"]),
            ("stop UNSUBSCRIBE", &["unsubscribe", "Unsubscribe!"]),
            ("stop CANCEL", &["cancel"]),
            ("stop END", &["End", "END."]),
            ("stop QUIT", &["quit"]),
            ("stop REVOKE", &["revoke"]),
            ("stop OPTOUT", &["OptOut"]),
            ("stop OPT OUT", &["opt out", "opt  out", "Opt\tOut"]),
            ("stop OPT-OUT", &["opt-out", "opt‑out", "OPT–OUT"]),
            ("start START", &["start", "START."]),
            ("start UNSTOP", &["unstop", "'unstop'"]),
            ("help HELP", &["help", "HELP?", "help!"]),
            ("help INFO", &["info", "Info."]),
        ],
        "{}",
    );
}

/// Texts that have a word of the lists, or look as if they had, and ask for nothing.
const NO_KEYWORDS: &[&str] = &[
    "",
    " ",
    "...",
    "STOP 12345",
    "stop 2",
    "st op",
    "s.t.o.p",
    "stopp",
    "stops",
    "stopped",
    "nonstop",
    "can't stop",
    "Can't stop, won't stop",
    "stop by at 5",
    "I will stop by at 5",
    "bus stop",
    "next stop: Main St",
    "don't stop",
    "don't stop!",
    "stop and smell the roses",
    "full stop",
    "end of the day",
    "by the end of the day",
    "the end",
    "The End.",
    "weekend",
    "end call",
    "cancel my 3pm appointment",
    "cancel the appointment please",
    "can you cancel my order",
    "quit smoking",
    "I quit my job",
    "quit it or else",
    "help me with my order",
    "helpful",
    "info please about the sale",
    "start at 5",
    "let's start",
    "restart",
    "yes",
    "Yes!",
    "YES",
    "y",
    "no",
    "ok",
    "arret",
    "ALTO",
    "baja",
    "opt in",
    "opt",
    "out",
    "optimal",
    "revoked",
    "all",
    "стоп",
    "停",
    "unsubscribed",
    "did you stop texting me?",
    "why did you stop texting me",
    "please don't stop texting me",
    "never stop sending me these texts",
    "I'll stop texting you",
    "I stop texting at night",
    "don't unsubscribe me",
    "I didn't unsubscribe",
    "remove me from the 5pm booking",
    "remove the dishes",
    "no more milk, please buy some",
    "no more than 5",
    "more",
    "mas",
    "what text do I use?",
    "thank you",
    "thanks",
    "please",
    "Stop me if you've heard this one",
    "stop at the store and buy stuff for dinner",
    "message me later",
    "text me",
    "not now",
    "they stop sending buses at 9",
    "we stop sending at midnight",
];

#[test]
fn what_only_looks_like_a_keyword_is_none() {
    check(&[("", NO_KEYWORDS)], "{}");
}

/// Texts that ask for an end in other words.
const SUSPECTED: &[&str] = &[
    "Stop. Thank you",
    "stop please",
    "Please stop",
    "PLEASE STOP!!",
    "stop, thanks",
    "Stop now",
    "ok stop",
    "stop stop stop",
    "STOP STOP",
    "I said stop",
    "hello, please stop. thank you",
    "unsubscribe please",
    "cancel, thanks",
    "please end",
    "stop it",
    "Stop this!",
    "Please stop texting me",
    "stop texting me",
    "stop texting",
    "STOP TEXTING THIS NUMBER",
    "stop messaging me please",
    "can you stop sending me these messages",
    "could you please stop texting me",
    "Hi, this is the wrong number, please stop texting me.",
    "I told you to stop texting me",
    "I want you to stop contacting me",
    "stop sending texts",
    "stop sending me this crap",
    "stop the messages",
    "stop all texts",
    "stop spamming me",
    "stop spamming",
    "quit texting me",
    "remove me",
    "Remove me please",
    "remove me from your list",
    "please remove me from this mailing list",
    "remove my number",
    "take me off your list",
    "take me off this text list",
    "delete my number",
    "please unsubscribe me",
    "unsubscribe me from these texts",
    "how do I unsubscribe?",
    "I want to unsubscribe",
    "opt me out",
    "I want to opt out",
    "I'd like to opt out of these messages",
    "no more",
    "no more texts",
    "No more messages please",
    "leave me alone",
    "lose my number",
    "don't text me",
    "Do not text me again",
    "do not contact me",
    "don't message me anymore",
    "I don't want these texts",
    "I no longer want your messages",
    "no mas",
    "No más",
    "no mas, gracias",
    "no mas mensajes",
    "no quiero mas mensajes",
    "ya no, por favor",
    "arrêtez",
    "arretez svp",
    "arrêtez de m'écrire",
    "cancel my subscription",
    "end these texts",
    "not interested, stop",
    "unsub",
];

#[test]
fn other_words_that_ask_for_an_end_are_suspected() {
    check(&[("suspected", SUSPECTED)], "{}");
}

#[test]
fn an_account_decides_what_happens_to_suspected_texts() {
    for (policy, wanted) in [
        (r#"{"suspected": "flag"}"#, Meaning::Suspected(Suspected::Flag)),
        (r#"{"suspected": "opt_out"}"#, Meaning::Suspected(Suspected::OptOut)),
        (r#"{"suspected": "ignore"}"#, Meaning::Other),
        ("{}", Meaning::Suspected(Suspected::Flag)),
    ] {
        let (account, number) = (settings(policy), KeywordSettings::default());
        assert_eq!(Keywords::new(&account, &number).meaning("stop texting me"), wanted, "{policy}");
        assert_eq!(meaning("stop", &account, &number), "stop STOP", "a keyword is one under every policy");
    }
}

#[test]
fn settings_add_words_and_take_none_away() {
    let account = settings(r#"{"stopWords": ["Adiós", "leave  list"], "languages": ["fr"], "yes": true}"#);
    let number = settings(r#"{"stopWords": ["halt"], "languages": ["es"]}"#);
    for (text, wanted) in [
        ("adiós", "stop ADIÓS"),
        ("ADIO\u{301}S!", "stop ADIÓS"),
        ("Leave list.", "stop LEAVE LIST"),
        ("halt", "stop HALT"),
        ("halt, please", "suspected"),
        ("arret", "stop ARRET"),
        ("Arrêt", "stop ARRET"),
        ("alto", "stop ALTO"),
        ("BAJA", "stop BAJA"),
        ("yes", "start YES"),
        ("stop", "stop STOP"),
        ("start", "start START"),
    ] {
        assert_eq!(meaning(text, &account, &number), wanted, "{text}");
    }
    let refuses_yes = settings(r#"{"yes": false}"#);
    assert_eq!(meaning("yes", &account, &refuses_yes), "", "the number's setting goes before its account's");
}

#[test]
fn replies_name_the_account_and_come_from_the_nearest_settings() {
    let nothing = KeywordSettings::default();
    let account = settings(r#"{"support": "help@example.com", "stopText": "{account} is silent. {support} {"}"#);
    let number = settings(r#"{"helpText": "Shop: {support}", "support": "+1 800 555 0199"}"#);
    let reply = |account, number, kind| Keywords::new(account, number).reply(kind, "ACME {support}");
    assert_eq!(
        reply(&nothing, &nothing, KeywordKind::Stop),
        "ACME {support}: You are unsubscribed and will receive no more messages. Reply START to subscribe again."
    );
    assert_eq!(
        reply(&nothing, &nothing, KeywordKind::Help),
        "ACME {support}: Reply STOP to unsubscribe. Msg&data rates may apply."
    );
    assert_eq!(
        reply(&account, &nothing, KeywordKind::Help),
        "ACME {support}: For help, contact help@example.com. Reply STOP to unsubscribe. Msg&data rates may apply."
    );
    assert_eq!(reply(&account, &nothing, KeywordKind::Stop), "ACME {support} is silent. help@example.com {");
    assert_eq!(reply(&account, &number, KeywordKind::Help), "Shop: +1 800 555 0199");
    let silent = settings(r#"{"replies": false}"#);
    assert!(
        !Keywords::new(&silent, &nothing).are_answered()
            && Keywords::new(&silent, &settings(r#"{"replies": true}"#)).are_answered()
    );
}

#[test]
fn every_mistake_is_named_by_its_field() {
    let long = "x".repeat(481);
    for (json, fields) in [
        ("{}".to_owned(), &[] as &[&str]),
        (r#"{"stopText": "{account} {support}", "support": "us"}"#.to_owned(), &[]),
        (r#"{"stopText": "{support}"}"#.to_owned(), &["stopText"]),
        (
            r#"{"stopText": "", "startText": "{name}", "helpText": "a } b"}"#.to_owned(),
            &["stopText", "startText", "helpText"],
        ),
        (format!(r#"{{"helpText": "{long}"}}"#), &["helpText"]),
        (r#"{"helpText": "a\u0007b"}"#.to_owned(), &["helpText"]),
        (r#"{"stopWords": ["help"]}"#.to_owned(), &["stopWords"]),
        (r#"{"stopWords": ["YES!"]}"#.to_owned(), &["stopWords"]),
        (r#"{"stopWords": [" "]}"#.to_owned(), &["stopWords"]),
        (r#"{"stopWords": ["..."]}"#.to_owned(), &["stopWords"]),
        (format!(r#"{{"stopWords": ["{long}"], "support": " "}}"#), &["stopWords", "support"]),
        (r#"{"optOutScope": "number"}"#.to_owned(), &[]),
    ] {
        let named: Vec<&str> = settings(&json).mistakes_of_account().iter().map(|mistake| mistake.field).collect();
        assert_eq!(named, fields, "{json}");
    }
    let number = settings(r#"{"optOutScope": "number", "helpText": "{support}"}"#);
    let named = |account: &str| {
        number.mistakes_of_number(&settings(account)).iter().map(|mistake| mistake.field).collect::<Vec<_>>()
    };
    assert_eq!(named("{}"), ["helpText", "optOutScope"]);
    assert_eq!(named(r#"{"support": "us"}"#), ["optOutScope"], "the support of its account counts");
    for unknown in [r#"{"stopWord": []}"#, r#"{"languages": ["de"]}"#, r#"{"suspected": "block"}"#] {
        assert!(serde_json::from_str::<KeywordSettings>(unknown).is_err(), "{unknown}");
    }
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn every_text_means_something_or_nothing(text in any::<String>()) {
        let (account, number) = (KeywordSettings::default(), KeywordSettings::default());
        let keywords = Keywords::new(&account, &number);
        let folded = fold::folded(&text);
        prop_assert_eq!(keywords.meaning(&text), keywords.meaning(&folded));
        prop_assert_eq!(fold::folded(&folded), folded, "folding twice is folding once");
    }

    #[test]
    fn what_stands_around_a_keyword_does_not_count(
        before in "[ \t.,!?'\"“”()*-]{0,6}",
        after in "[ \r\n.,!?'\"“”()*-]{0,6}",
    ) {
        let (account, number) = (KeywordSettings::default(), KeywordSettings::default());
        let text = format!("{before}sToP{after}");
        prop_assert_eq!(meaning(&text, &account, &number), "stop STOP");
    }
}
