//! The words that carriers write for states: those of the specification, their misspellings, and words of the vendors'
//! own.

use super::ReceiptState;
use super::ReceiptState::{
    Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Scheduled, Skipped, Undeliverable, Unknown,
};

/// Whole words, the specification's first (SMPP 3.4, appendix B).
const WORDS: &[(&str, ReceiptState)] = &[
    ("DELIVRD", Delivered),
    ("EXPIRED", Expired),
    ("DELETED", Deleted),
    ("UNDELIV", Undeliverable),
    ("ACCEPTD", Accepted),
    ("UNKNOWN", Unknown),
    ("REJECTD", Rejected),
    ("ENROUTE", Enroute),
    ("SCHEDLD", Scheduled),
    ("SKIPPED", Skipped),
    ("DELIVERED", Delivered),
    ("UNDELIVERABLE", Undeliverable),
    ("SCHEDULED", Scheduled),
    ("ACKED", Accepted),
    ("ACK", Accepted),
    ("DELIVER", Delivered),
    ("READ", Delivered),
    ("SEEN", Delivered),
    ("DISPLAYED", Delivered),
    ("OK", Delivered),
    ("BUFFRED", Enroute),
    ("SENT", Enroute),
];

/// Parts of words that mean something for the whole word, in the order in which they are looked for: what only puts an
/// end off, then failure, then what is under way, and success last, since `UNDELIVERED`, `DELIVERY FAILED` and
/// `DELIVERED TO SMSC` have it in them.
const PARTS: &[(&[&str], ReceiptState)] = &[
    (&["EXCEED", "EXHAUST", "NORETR"], Undeliverable),
    (
        &[
            "RETRY", "RETRIED", "TEMPO", "TEMPF", "TEMPE", "TEMPU", "SOFTF", "DEFER", "TRANSFER", "THROTTL", "NOTYET",
            "POSTPON", "YET",
        ],
        Enroute,
    ),
    (&["EXPIR", "TIMEDOUT", "TIMEOUT", "VALIDITY", "TOOOLD"], Expired),
    (&["DELET", "CANCEL", "REMOVED", "PURGED", "REPLACED"], Deleted),
    (
        &[
            "REJ",
            "REFUS",
            "BLOCK",
            "BARRED",
            "BANNED",
            "BLACKLIST",
            "DENIED",
            "SPAM",
            "FILTER",
            "PROHIB",
            "FORBID",
            "NOCREDIT",
            "INSUFFICIENT",
            "ALLOWED",
            "UNAUTH",
            "NOTAUTH",
            "NACK",
            "NOTACC",
            "OPTOUT",
            "OPTEDOUT",
            "UNSUBSCRIBED",
        ],
        Rejected,
    ),
    (&["SKIP"], Skipped),
    (
        &[
            "FAIL",
            "ERR",
            "UNDEL",
            "UNDLV",
            "NOTDEL",
            "NONDEL",
            "NODEL",
            "CANTDEL",
            "CANNOT",
            "UNABLE",
            "INVALID",
            "REACHABLE",
            "UNREACH",
            "ABSENT",
            "UNROUT",
            "NOROUTE",
            "ABORT",
            "BOUNCE",
            "DISCARD",
            "DROPPED",
            "LOST",
            "DEAD",
            "UNKNOWNSUB",
            "UNKSUB",
            "UNKNOWNNUM",
            "UNKNOWNDEST",
            "UNALLOC",
            "UNASSIGN",
            "NOTSENT",
            "UNSENT",
            "NOTFOUND",
            "NOTEXIST",
            "NOSUCH",
            "NOTSUPPORT",
            "UNSUPPORT",
            "NOTAVAIL",
            "UNAVAIL",
            "IMPOSSIBLE",
            "DISABLED",
            "SUSPEND",
            "INACTIVE",
            "DEACTIV",
            "FATAL",
            "PERMANENT",
            "NEVER",
            "UNDIL",
            "MISDEL",
            "NOTOK",
            "NOTPOSS",
            "NOTBE",
            "WONT",
            "DIDNT",
            "COULDNT",
            "WASNT",
            "ISNT",
            "HASNT",
        ],
        Undeliverable,
    ),
    (&["SCHED"], Scheduled),
    (
        &["TOSMSC", "TONETWORK", "TOCARRIER", "TOOPERATOR", "TOGATEWAY", "TOSMSCENTER", "ACCEP", "SUBMIT", "ACKNOW"],
        Accepted,
    ),
    (
        &[
            "ENROUT",
            "INROUTE",
            "BUFF",
            "PEND",
            "QUEUE",
            "WAIT",
            "PROGRESS",
            "PROCESS",
            "TRANSIT",
            "TRANSMI",
            "STORED",
            "FORWARD",
            "SENT",
            "SENDING",
            "DELIVERING",
            "INDELIV",
            "ONDELIV",
            "FORDELIV",
            "TOBE",
            "WILL",
            "SHALL",
            "BEING",
            "PARTIAL",
            "MAYBE",
            "PROBABL",
            "UNCONF",
            "UNVERIF",
            "ASSUM",
            "PRESUM",
            "EXPECT",
            "ESTIMAT",
        ],
        Enroute,
    ),
    (SUCCESS, Delivered),
];

/// Parts of words that mean success.
const SUCCESS: &[&str] = &[
    "DELIVRD",
    "DELIVERD",
    "DELIVERED",
    "DELIVRED",
    "DELVRD",
    "DELVERD",
    "DELVERED",
    "DLVRD",
    "DLIVRD",
    "DILIVERED",
    "DILIVRD",
    "SUCC",
    "COMPLETED",
];

/// Words that deny what follows them, alone or as the beginning of a word.
const NEGATIONS: &[&str] = &["NOT", "NO", "NON", "UN", "N", "IN", "MIS", "DIS", "WONT", "CANT", "NEVER"];

/// Words that deny a failure: without a failure, the rest of the text counts, and alone they mean success.
const NO_FAILURE: &[&str] =
    &["NOERRORS", "NOERROR", "NOERR", "WITHOUTERRORS", "WITHOUTERROR", "NOFAILURE", "NOPROBLEM"];

/// Failures that a text denies, which leaves open what became of the message.
const DENIED: &[&str] =
    &["NOTREJ", "NOTFAIL", "NOTEXPIR", "NOTBLOCK", "NOTDELET", "NOTCANCEL", "NOTUNDEL", "NOTBARRED"];

/// The fewest letters of a word that was cut short.
const LETTERS_MIN: usize = 3;

/// Where a message arrives: delivered to one of these, it is delivered.
const HANDSETS: &[&str] = &[
    "HANDSET",
    "TERMINAL",
    "PHONE",
    "MOBILE",
    "DEVICE",
    "SUBSCRIBER",
    "SUB",
    "RECIPIENT",
    "USER",
    "ENDUSER",
    "DESTINATION",
    "CUSTOMER",
    "MS",
    "ME",
    "UE",
    "SME",
    "SIM",
    "NUMBER",
    "MSISDN",
    "INBOX",
    "CLIENT",
];

/// Where a message is still on its way, or the beginnings of these words.
const STATIONS: &[&str] = &[
    "SMSC",
    "SMS",
    "MMSC",
    "MSC",
    "SMC",
    "VLR",
    "HLR",
    "SGSN",
    "NETWORK",
    "CARRIER",
    "OPERATOR",
    "GATEWAY",
    "GW",
    "CENTER",
    "CENTRE",
    "PROVIDER",
    "AGGREGATOR",
    "SERVER",
    "PEER",
    "PARTNER",
    "VENDOR",
    "SUPPLIER",
    "HUB",
    "SWITCH",
    "NODE",
    "PLATFORM",
    "SYSTEM",
    "UPSTREAM",
    "ROUTE",
    "HOP",
    "QUEUE",
    "SS7",
    "SMPP",
    "ESME",
];

/// Words that say nothing about the state beside one that does.
const FILLERS: &[&str] = &["BY", "TO", "THE", "ON", "AT", "END", "SMS", "MESSAGE", "MSG"];

/// The state that a word, or several, name. A text that cannot be decided, or that contradicts itself, is never
/// delivered.
pub(super) fn state_of(stat: &str) -> ReceiptState {
    // Nearly every state is a word of the specification.
    if let Some((_, state)) = WORDS.iter().find(|(whole, _)| whole.eq_ignore_ascii_case(stat)) {
        return *state;
    }
    let stat = stat.replace(['\'', '\u{2019}'], "").to_ascii_uppercase();
    let words: Vec<&str> = stat.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let fused = words.concat();
    let known = |words: &[&str]| {
        let fused = words.concat();
        whole(&fused).or_else(|| number(&fused)).or_else(|| by_rule(words, &fused))
    };
    match known(&words) {
        Some(state) if state.is_final() && contradicts(&words, state) => Unknown,
        Some(Delivered) if is_at_station(&words) => Accepted,
        Some(state) => state,
        // What stands beside a word that is known may be a number, or may say who has read it.
        None if words.len() > 1 => {
            let essence = essence(&words);
            known(&essence).or_else(|| cut_short(&essence.concat())).unwrap_or(Unknown)
        }
        None => cut_short(&fused).unwrap_or(Unknown),
    }
}

/// The words without numbers, fillers, and the words for handsets.
fn essence<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    words
        .iter()
        .copied()
        .filter(|word| !is_number(word) && !FILLERS.contains(word) && !HANDSETS.contains(word))
        .collect()
}

/// Whether the first word says that the message arrived, and others that it did not, or that this is not known.
fn contradicts(words: &[&str], state: ReceiptState) -> bool {
    let is_delivered = |word: &str| (whole(word) == Some(Delivered) || is_success(word)) && denial(&[word]).is_none();
    let [first, others @ ..] = words else { return false };
    !others.is_empty()
        && is_delivered(first)
        && (state != Delivered || others.iter().any(|word| word.starts_with("UNK")))
}

/// Whether a message was delivered to a place that is not the handset: `DELIVERED TO SMSC`.
fn is_at_station(words: &[&str]) -> bool {
    let Some(at) = words.iter().position(|word| matches!(*word, "TO" | "AT" | "IN" | "INTO")) else { return false };
    let places = &words[at + 1..];
    let is_station = |place: &&str| STATIONS.iter().any(|station| place.starts_with(station));
    let is_handset = |place: &&str| HANDSETS.contains(place) || place.bytes().all(|byte| byte.is_ascii_digit());
    at > 0 && (places.iter().any(is_station) || words[at] == "TO" && !places.iter().any(is_handset))
}

fn is_success(word: &str) -> bool {
    SUCCESS.iter().any(|part| word.contains(part))
}

/// The state by parts of the words, with regard to what denies or qualifies them.
fn by_rule(words: &[&str], fused: &str) -> Option<ReceiptState> {
    if let Some(denied) = NO_FAILURE.iter().find(|denied| fused.contains(**denied)) {
        let rest = fused.replacen(denied, "", 1);
        return if rest.is_empty() { Some(Delivered) } else { whole(&rest).or_else(|| by_rule(&[&rest], &rest)) };
    }
    if DENIED.iter().any(|denied| fused.contains(denied)) {
        return Some(Unknown);
    }
    // How it ended after attempts stands before them, or behind them.
    let ended = fused
        .find("AFTER")
        .map(|at| fused.split_at(at))
        .filter(|(head, tail)| !head.is_empty() && is_of_attempts(tail));
    if let Some((head, _)) = ended {
        return whole(head).or_else(|| by_rule(&[head], head));
    }
    if ["RETRYFAIL", "RETRIESFAIL", "RETRYUNSUCC", "RETRIESUNSUCC"].iter().any(|end| fused.contains(end)) {
        return Some(Undeliverable);
    }
    match by_part(fused)? {
        // What puts an end off counts before a negation: `NOT SENT YET`. So does a failure of a more exact kind.
        state @ (Delivered | Enroute | Accepted | Scheduled) if !fused.contains("YET") => {
            Some(denial(words).unwrap_or(state))
        }
        state => Some(state),
    }
}

fn is_of_attempts(tail: &str) -> bool {
    let what = tail.trim_start_matches("AFTER").trim_start_matches(|c: char| c.is_ascii_digit());
    what.starts_with("RETR") || what.starts_with("ATTEMPT")
}

/// What becomes of a success that the words deny; `None` where they deny none.
fn denial(words: &[&str]) -> Option<ReceiptState> {
    let mut is_denied = false;
    for word in words {
        if let Some(at) = SUCCESS.iter().filter_map(|part| word.find(part)).min() {
            let before = &word[..at];
            if is_denied || NEGATIONS.contains(&before) || ["NOT", "NON", "UN"].iter().any(|end| before.ends_with(end))
            {
                return Some(Undeliverable);
            }
            if before.ends_with('N') {
                return Some(Unknown);
            }
        }
        // `IN`, as a word, denies nothing.
        is_denied |= *word != "IN" && NEGATIONS.contains(word);
    }
    is_denied.then_some(Unknown)
}

fn whole(word: &str) -> Option<ReceiptState> {
    WORDS.iter().find(|(whole, _)| *whole == word).map(|(_, state)| *state)
}

/// The number of the `message_state` parameter in the place of the word.
fn number(word: &str) -> Option<ReceiptState> {
    let is_number = !word.is_empty() && word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse::<u8>().ok().filter(|_| is_number)? {
        0 => Some(Delivered),
        number => Some(ReceiptState::from_message_state(number)),
    }
}

fn by_part(word: &str) -> Option<ReceiptState> {
    PARTS.iter().find(|(parts, _)| parts.iter().any(|part| word.contains(part))).map(|(_, state)| *state)
}

/// The state of every word that begins so, where they agree: a text may end in the middle of one.
fn cut_short(word: &str) -> Option<ReceiptState> {
    let mut states =
        WORDS.iter().filter(|(whole, _)| word.len() >= LETTERS_MIN && whole.starts_with(word)).map(|(_, state)| *state);
    let first = states.next()?;
    states.all(|state| state == first).then_some(first)
}
