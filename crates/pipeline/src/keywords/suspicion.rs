//! Texts that ask for an end in other words than a keyword: a keyword among pleasantries, and the ways in which people
//! say it. A guess: it marks a text for a person to judge, unless an account decides otherwise.

use super::fold::unaccented;

/// What people put around a keyword out of politeness or anger.
const PLEASANTRIES: &[&str] = &[
    "please",
    "pls",
    "plz",
    "plse",
    "kindly",
    "thanks",
    "thank",
    "thx",
    "tks",
    "ty",
    "tysm",
    "cheers",
    "you",
    "u",
    "sorry",
    "sir",
    "madam",
    "maam",
    "ma'am",
    "hi",
    "hello",
    "hey",
    "dear",
    "ok",
    "okay",
    "now",
    "immediately",
    "already",
    "asap",
    "just",
    "i",
    "said",
    "omg",
    "ffs",
    "regards",
    "gracias",
    "por",
    "favor",
    "porfavor",
    "merci",
    "svp",
    "stp",
    "bonjour",
    "hola",
];

/// Whole texts, pleasantries aside, that ask for an end.
const WHOLE: &[&[&str]] = &[
    &["stop", "it"],
    &["stop", "this"],
    &["stop", "that"],
    &["stop", "these"],
    &["stop", "me"],
    &["no", "more"],
    &["no", "mas"],
    &["ya", "no"],
    &["basta"],
    &["arretez"],
    &["unsub"],
    &["remove"],
    &["not", "interested", "stop"],
];

/// Words about which a text that asks for an end speaks.
const MESSAGES: &[&str] = &[
    "texts",
    "text",
    "messages",
    "message",
    "msgs",
    "msg",
    "sms",
    "txts",
    "spam",
    "alerts",
    "notifications",
    "list",
    "lists",
    "database",
    "mensajes",
    "subscription",
    "marketing",
    "ads",
    "crap",
    "stuff",
];

/// Words between a verb and what it is about.
const BETWEEN: &[&str] = &[
    "me",
    "us",
    "my",
    "these",
    "this",
    "the",
    "your",
    "all",
    "any",
    "more",
    "such",
    "from",
    "off",
    "of",
    "to",
    "phone",
    "number",
    "mailing",
    "contact",
    "text",
    "sms",
    "message",
    "messaging",
    "marketing",
    "calling",
    "receive",
    "get",
    "getting",
    "sending",
    "receiving",
    "mas",
    "recibir",
    "mandarme",
    "enviarme",
    "mandando",
    "enviando",
    "vos",
];

/// How each begins, and what has to follow: nothing more, or a word about messages.
const BEGINNINGS: &[(&[&str], Needs)] = &[
    (&["stop", "texting"], Needs::Me),
    (&["stop", "txting"], Needs::Me),
    (&["stop", "messaging"], Needs::Me),
    (&["stop", "contacting"], Needs::Me),
    (&["stop", "spamming"], Needs::Me),
    (&["stop", "bothering"], Needs::Me),
    (&["stop", "harassing"], Needs::Me),
    (&["stop", "calling"], Needs::Me),
    (&["stop", "sending"], Needs::Me),
    (&["stop", "getting"], Needs::Messages),
    (&["stop", "receiving"], Needs::Messages),
    (&["stop"], Needs::Messages),
    (&["cancel"], Needs::Messages),
    (&["end"], Needs::Messages),
    (&["quit", "texting"], Needs::Me),
    (&["quit", "sending"], Needs::Me),
    (&["quit", "messaging"], Needs::Me),
    (&["remove", "me"], Needs::Me),
    (&["remove", "my", "number"], Needs::Me),
    (&["remove", "this", "number"], Needs::Me),
    (&["delete", "me"], Needs::Me),
    (&["delete", "my", "number"], Needs::Me),
    (&["delete", "this", "number"], Needs::Me),
    (&["take", "me", "off"], Needs::Messages),
    (&["take", "my", "number", "off"], Needs::Me),
    (&["unsubscribe"], Needs::Me),
    (&["unsubscribe"], Needs::Messages),
    (&["opt", "out"], Needs::Me),
    (&["opt", "me", "out"], Needs::Me),
    (&["opting", "out"], Needs::Me),
    (&["no", "more"], Needs::Messages),
    (&["leave", "me", "alone"], Needs::Nothing),
    (&["lose", "my", "number"], Needs::Nothing),
    (&["don't", "text"], Needs::Person),
    (&["dont", "text"], Needs::Person),
    (&["not", "text"], Needs::Person),
    (&["don't", "message"], Needs::Person),
    (&["dont", "message"], Needs::Person),
    (&["not", "message"], Needs::Person),
    (&["don't", "contact"], Needs::Person),
    (&["dont", "contact"], Needs::Person),
    (&["not", "contact"], Needs::Person),
    (&["don't", "want"], Needs::Messages),
    (&["dont", "want"], Needs::Messages),
    (&["no", "longer", "want"], Needs::Messages),
    (&["no", "longer", "wish"], Needs::Messages),
    (&["no", "quiero"], Needs::Messages),
    (&["no", "mas"], Needs::Messages),
    (&["no", "me", "escriban"], Needs::Nothing),
    (&["no", "me", "manden"], Needs::Messages),
    (&["dejen", "de"], Needs::Messages),
    (&["arretez", "de"], Needs::Nothing),
    (&["plus", "de"], Needs::Messages),
];

/// What has to follow a beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing.
    Nothing,
    /// The end of the text or the sender of it.
    Me,
    /// The sender of the text, named.
    Person,
    /// A word about messages, after no others than [`BETWEEN`].
    Messages,
}

/// Words before it after which it asks for no end: denials, questions about the past, and what others do.
const DENIALS: &[&str] = &[
    "don't", "dont", "not", "never", "won't", "wont", "can't", "cant", "cannot", "didn't", "didnt", "did", "couldn't",
    "i'll", "we'll", "he", "she", "they", "if", "when", "never", "hate", "without", "wouldn't", "why",
];

/// How many words before it are looked at.
const DENIED_WITHIN: usize = 4;

/// The longest text that is looked at, in words.
const WORDS_MAX: usize = 200;

/// Whether a folded text asks for an end. `is_stop` says which folded texts are keywords.
pub(super) fn asks_for_an_end(folded: &str, is_stop: impl Fn(&str) -> bool) -> bool {
    let plain = unaccented(folded);
    let is_of_word = |character: char| character.is_alphanumeric() || character == '\'';
    let words: Vec<&str> = plain
        .split(|character| !is_of_word(character))
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .collect();
    is_keyword_with_pleasantries(&words, is_stop) || (0..words.len()).any(|at| says_so_at(&words, at))
}

fn is_keyword_with_pleasantries(words: &[&str], is_stop: impl Fn(&str) -> bool) -> bool {
    let mut rest: Vec<&str> = words.iter().copied().filter(|word| !PLEASANTRIES.contains(word)).collect();
    // `Stop stop stop` is as clear.
    rest.dedup();
    WHOLE.contains(&&*rest) || is_stop(&rest.join(" ")) || is_stop(&rest.join("-"))
}

fn says_so_at(words: &[&str], at: usize) -> bool {
    BEGINNINGS.iter().any(|(beginning, needs)| {
        let Some(rest) = words[at..].strip_prefix(*beginning) else { return false };
        // One that begins with a denial means what it says.
        let is_denied = needs.can_be_denied(beginning) && is_denied(&words[..at], beginning);
        !is_denied && needs.are_met(rest)
    })
}

fn is_denied(before: &[&str], beginning: &[&str]) -> bool {
    let near = &before[before.len().saturating_sub(DENIED_WITHIN)..];
    let is_their_own = || matches!(beginning.first(), Some(&("stop" | "quit" | "end" | "cancel")));
    near.iter().any(|word| DENIALS.contains(word)) || (matches!(near.last(), Some(&("i" | "we"))) && is_their_own())
}

impl Needs {
    fn can_be_denied(self, beginning: &[&str]) -> bool {
        self != Self::Person && !matches!(beginning.first(), Some(&("no" | "don't" | "dont")))
    }

    fn are_met(self, rest: &[&str]) -> bool {
        let is_polite = |word: &&&str| PLEASANTRIES.contains(*word);
        let ends = rest.iter().all(|word| PLEASANTRIES.contains(word));
        match self {
            Self::Nothing => true,
            Self::Person => matches!(rest.first(), Some(&("me" | "us" | "this" | "my"))),
            Self::Me => {
                let after = rest.iter().skip_while(is_polite).copied().collect::<Vec<_>>();
                ends || matches!(after.first(), Some(&("me" | "us" | "this" | "my" | "these")))
                    && leads_nowhere_else(&after)
                    || Self::Messages.are_met(rest)
            }
            Self::Messages => {
                let about = rest.iter().position(|word| !BETWEEN.contains(word) && !PLEASANTRIES.contains(word));
                let upto = about.unwrap_or(rest.len());
                about.is_some_and(|at| MESSAGES.contains(&rest[at]))
                    || (upto > 0 && MESSAGES.contains(&rest[upto - 1]) && upto == rest.len())
            }
        }
    }
}

/// Whether nothing follows that makes it about something else: `remove me from the 5pm booking`.
fn leads_nowhere_else(after: &[&str]) -> bool {
    let from = after.iter().position(|word| matches!(*word, "from" | "off" | "of"));
    from.is_none_or(|at| Needs::Messages.are_met(&after[at..]))
}
