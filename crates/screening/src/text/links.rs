//! Finding links, also those that a sender broke or dressed up: `hxxp`, `[.]`, no scheme at all.

use super::fold::{ACCENTED, CAPITAL, Folded, HIDDEN_BEFORE, LOOKALIKE};

/// One link of a message.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Octets of the folded text.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The host as written, folded, without user info and port.
    pub(crate) host: String,
    /// Path, query and fragment, folded.
    pub(crate) path: String,
    /// `user@` stood before the host.
    pub(crate) user_info: bool,
    /// What stood before that `@`, folded: a reader takes it for the host.
    pub(crate) user: String,
    /// The scheme or the dots were disguised, or the host has look-alike letters.
    pub(crate) disguised: bool,
    /// The host as typed is another name than the folded one: it has letters that are no ASCII.
    pub(crate) accented: bool,
}

impl Found {
    /// Whether the host is exactly the one that was typed: nothing about it is dressed up.
    pub(crate) fn is_plain(&self) -> bool {
        !self.user_info && !self.disguised && !self.accented && self.host.is_ascii()
    }
}

/// What a link begins with, however it was broken.
const STARTS: [&str; 5] = ["http", "hxxp", "hxtp", "h**p", "www."];

/// All links of a message, in order.
pub(crate) fn find(folded: &Folded) -> Vec<Found> {
    let text = folded.text.as_str();
    let bytes = text.as_bytes();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'>' | b'`' | b';');
    let mut links = Vec::new();
    let mut from = 0;
    // No host is without a dot, written out or not.
    while let Some(dot) =
        bytes.get(from..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'.' | b'[' | b'(')))
    {
        let dot = from + dot;
        from += bytes[from..dot].iter().rposition(ends).map_or(0, |before| before + 1);
        let to = bytes[dot..].iter().position(ends).map_or(bytes.len(), |behind| dot + behind);
        if to - from > 3 && may_hold_host(&bytes[from..to]) {
            find_in_chunk(folded, from, &text[from..to], &mut links);
        }
        from = to + 1;
    }
    links
}

/// Whether there is a dot with two characters behind it, as in every host; most dots end a sentence.
fn may_hold_host(chunk: &[u8]) -> bool {
    chunk.iter().position(|byte| *byte == b'.').is_some_and(|at| at + 2 < chunk.len())
        || chunk.contains(&b'[')
        || chunk.contains(&b'(')
}

/// Where the first of `STARTS` begins.
fn start_of_scheme(chunk: &str) -> Option<usize> {
    let starts = |(at, byte): &(usize, u8)| {
        matches!(byte, b'h' | b'w') && STARTS.iter().any(|start| chunk[*at..].starts_with(start))
    };
    chunk.bytes().enumerate().find(starts).map(|(at, _)| at)
}

fn find_in_chunk(folded: &Folded, from: usize, chunk: &str, links: &mut Vec<Found>) {
    // A link may stand right behind a comma, a colon or a bracket: each piece is tried, and the first that is one takes
    // the rest.
    if let Some(link) = start_of_scheme(chunk).and_then(|at| read(folded, from + at, &chunk[at..])) {
        links.push(link);
        return;
    }
    let mut at = 0;
    for piece in chunk.split_inclusive([',', '(', ')', '=', '!', '\u{b7}', '|', '*']) {
        let piece_trimmed = piece.trim_end_matches([',', '(', ')', '=', '!', '\u{b7}', '|', '*']);
        let (skip, candidate) = match piece_trimmed.split_once(':') {
            // `Track:dhl.com` but not `dhl.com:8080`.
            Some((before, after)) if !before.contains('.') && after.contains('.') => (before.len() + 1, after),
            _ => (0, piece_trimmed),
        };
        let whole =
            if piece.len() == piece_trimmed.len() || candidate.contains('/') { &chunk[at + skip..] } else { candidate };
        if let Some(link) = read(folded, from + at + skip, whole) {
            let end = link.to;
            links.push(link);
            if end >= from + at + piece.len() {
                return;
            }
        }
        at += piece.len();
    }
}

/// Reads a link that begins at `from`, where `text` begins.
fn read(folded: &Folded, from: usize, text: &str) -> Option<Found> {
    let lead = text.len() - text.trim_start_matches(['(', '[', '{', '\'', '-', '@', '.']).len();
    let (from, text) = (from + lead, &text[lead..]);
    let scheme = scheme_len(text);
    let rest = &text[scheme..];
    let authority_len = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let authority = &rest[..authority_len];
    let user = authority.rfind('@').map_or(0, |at| at + 1);
    if scheme == 0 && user > 0 {
        return None; // An address of e-mail.
    }
    let mut host: String = authority[user..].to_owned();
    let dressed = host.contains(['[', '(', '{']);
    if dressed {
        for (broken, dot) in [("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), ("(dot)", ".")] {
            host = host.replace(broken, dot);
        }
    }
    if let Some((name, port)) = host.split_once(':') {
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        host = name.to_owned();
    }
    let plain_len = host.trim_end_matches(['.', ',', '!', ':', ')', ']', '\'', '-']).len();
    let trimmed = host.len() - plain_len;
    host.truncate(plain_len);
    let has_path = authority_len < rest.len() && trimmed == 0;
    let is_capital = |mark: &u8| mark & CAPITAL != 0;
    let host_marks = folded.marks.get(from + scheme + user..).unwrap_or_default();
    let tail = host.rfind('.')? + 1;
    // Where everything is in capitals, one of them begins nothing.
    let shouted =
        host_marks.iter().zip(host.bytes()).all(|(mark, octet)| !octet.is_ascii_alphabetic() || is_capital(mark));
    let capital_tail = !shouted && host_marks.get(tail).is_some_and(is_capital);
    if !is_host(&host, scheme > 0, has_path, capital_tail && !dressed) {
        return None;
    }
    let path =
        if has_path { rest[authority_len..].trim_end_matches(['.', ',', '!', '?', ')', ']', ':', '\'']) } else { "" };
    let to =
        if has_path { from + scheme + authority_len + path.len() } else { from + scheme + authority_len - trimmed };
    // What is hidden before a link is not inside it.
    let lookalike = folded.marks[from..to]
        .iter()
        .enumerate()
        .any(|(at, mark)| mark & if at == 0 { LOOKALIKE } else { LOOKALIKE | HIDDEN_BEFORE } != 0);
    let accented = host_marks.iter().take(authority_len - user).any(|mark| mark & ACCENTED != 0);
    let odd_scheme = scheme > 0 && !text.starts_with("http") && !text.starts_with("www.");
    Some(Found {
        from,
        to,
        host,
        path: path.to_owned(),
        user_info: user > 0,
        user: authority[..user.saturating_sub(1)].to_owned(),
        disguised: dressed || lookalike || odd_scheme,
        accented,
    })
}

/// Octets of `http://`, `hxxps://` and what senders make of them.
fn scheme_len(text: &str) -> usize {
    let Some(colon) = text.get(..8).map_or_else(|| text.find(':'), |head| head.find(':')) else { return 0 };
    if !matches!(&text[..colon], "http" | "https" | "hxxp" | "hxxps" | "hxtp" | "h**p" | "htp" | "ttp") {
        return 0;
    }
    let slashes = text[colon + 1..].bytes().take(3).take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    colon + 1 + slashes
}

/// Top-level domains that are words too, or stand where a space was forgotten.
const WORDS: &[&str] = &[
    "in", "it", "is", "so", "to", "my", "me", "at", "be", "no", "am", "do", "us", "as", "by", "pm", "now", "how",
    "for", "and", "bz", "la", "ma", "pa", "one", "you", "here", "please", "like", "see", "call", "fun", "win", "red",
    "new", "day", "today", "love", "tel", "re", "lol", "sc", "hm", "mm", "mu", "ps", "mr", "st", "ve", "dad", "buy",
    "open", "safe", "best", "next", "men", "work",
];

/// Whether this is a host that a handset would make a link of.
fn is_host(host: &str, scheme: bool, path: bool, capital_tail: bool) -> bool {
    if host.len() < 4 || host.len() > 253 || host.starts_with('.') || host.contains("..") {
        return false;
    }
    if is_ip(host) {
        return scheme || path;
    }
    let valid = host.chars().all(|ch| ch.is_alphanumeric() || matches!(ch, '.' | '-' | '_'));
    let Some((rest, last)) = host.rsplit_once('.') else { return false };
    if !valid || last.len() < 2 || last.bytes().any(|byte| byte.is_ascii_digit()) && !last.starts_with("xn--") {
        return false;
    }
    let listed = suffix::is_listed(host);
    if scheme {
        return true;
    }
    // `Tuesday.It` and `back.in` are sentences without a space; a link with such an ending shows itself in another way.
    let wordlike = WORDS.contains(&last);
    let first = rest.rsplit('.').next().unwrap_or(rest);
    listed
        && !capital_tail
        && first.bytes().any(|byte| byte.is_ascii_alphabetic())
        && (!wordlike
            || path
            || first.len() >= 8
            || host.contains('-')
            || host.bytes().any(|byte| byte.is_ascii_digit())
            || host.starts_with("www.")
            || matches!(host, "wa.me" | "t.me" | "line.me"))
        || path && listed
        || host.starts_with("www.") && rest.len() > 4
}

/// Four decimal octets.
pub(crate) fn is_ip(host: &str) -> bool {
    let mut parts = 0;
    host.split('.').all(|part| {
        parts += 1;
        part.parse::<u8>().is_ok()
    }) && parts == 4
}
