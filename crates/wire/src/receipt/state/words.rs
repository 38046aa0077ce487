//! The words that carriers write for states: those of the specification, their misspellings, and words of the vendors' own.

use super::ReceiptState;
use super::ReceiptState::{Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Scheduled, Skipped, Undeliverable, Unknown};

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

/// Parts of words that mean something for the whole word, in the order in which they are looked for: what only puts an end off, then failure, then what is
/// under way, and success last, since `UNDELIVERED`, `DELIVERY FAILED` and `DELIVERED TO SMSC` have it in them.
const PARTS: &[(&[&str], ReceiptState)] = &[
    (&["EXCEED", "EXHAUST", "NORETR"], Undeliverable),
    (&["RETRY", "RETRIED", "TEMPO", "TEMPF", "TEMPE", "TEMPU", "SOFTF", "DEFER", "TRANSFER", "THROTTL", "NOTYET", "POSTPON"], Enroute),
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
            "NDELIV",
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
        ],
        Undeliverable,
    ),
    (&["SCHED"], Scheduled),
    (&["TOSMSC", "TONETWORK", "TOCARRIER", "TOOPERATOR", "TOGATEWAY", "TOSMSCENTER", "ACCEP", "SUBMIT", "ACKNOW"], Accepted),
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
        ],
        Enroute,
    ),
    (&["DELIVRD", "DELIVERD", "DELIVERED", "DELIVRED", "DELVRD", "DELVERD", "DELVERED", "DLVRD", "DLIVRD", "SUCC", "COMPLETED"], Delivered),
];

/// The fewest letters of a word that was cut short.
const LETTERS_MIN: usize = 3;

/// The state that a word names.
pub(super) fn state_of(stat: &str) -> ReceiptState {
    let word: String = stat.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    whole(&word).or_else(|| number(&word)).or_else(|| by_part(&word)).or_else(|| cut_short(&word)).unwrap_or(Unknown)
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
    let mut states = WORDS.iter().filter(|(whole, _)| word.len() >= LETTERS_MIN && whole.starts_with(word)).map(|(_, state)| *state);
    let first = states.next()?;
    states.all(|state| state == first).then_some(first)
}
