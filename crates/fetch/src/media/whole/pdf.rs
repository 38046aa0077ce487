//! PDF (ISO 32000-1, section 7.5): the end says where the table of objects begins, so a file without its end is none.
//!
//! Readers find the header within the first 1,024 octets and the end within the last 1,024 (annex H, notes 13 and 18),
//! whatever stands before and behind: marks of the octet order, line ends, the lines of a print job or of an HTTP
//! answer, padding.

use super::{CUT, Whole};

/// Readers look for the header in so many first octets, and for the end in so many last ones.
const REACH: usize = 1_024;

const HEADER: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";
const START: &[u8] = b"startxref";

/// Whether this is a PDF that something stands before. What could be a page, a picture or a script to other readers is
/// none.
pub(in crate::media) fn begins_later(bytes: &[u8]) -> bool {
    let Some(at) = find(&bytes[..bytes.len().min(REACH)], HEADER) else { return false };
    let before = &bytes[..at];
    let text = before.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(before);
    if text.trim_ascii_start().starts_with(b"<") || text.starts_with(b"#!") || has_tag(text) {
        return false;
    }
    // Where the header begins a line it is meant; elsewhere it may be quoted, and the whole file has to speak for it.
    text.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
        || text.ends_with(b"\n")
        || text.ends_with(b"\r")
        || check(bytes).is_ok()
}

pub(super) fn check(bytes: &[u8]) -> Whole {
    let padding = bytes.iter().rev().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count();
    let file = &bytes[..bytes.len() - padding];
    let from = file.len().saturating_sub(REACH);
    let tail = &file[from..];
    let (end, is_marked) = match rfind(tail, END) {
        Some(end) => (end, true),
        // Of the mark itself, which nothing follows, readers need nothing.
        None => (tail.len(), false),
    };
    let start = rfind(&tail[..end], START).ok_or(if is_marked {
        "its end does not have the position of its objects"
    } else {
        CUT
    })?;
    let number = &tail[start + START.len()..end];
    let number = if is_marked { number } else { before_mark(number, padding > 0).ok_or(CUT)? };
    match String::from_utf8_lossy(number).trim().parse::<usize>() {
        Ok(offset) if offset < bytes.len() => Ok(()),
        Ok(_) => Err("its objects would begin after its end"),
        Err(_) if is_marked => Err("its end does not have the position of its objects"),
        Err(_) => Err(CUT),
    }
}

/// The number before a mark that is cut, if the number itself is not: a line end follows it.
fn before_mark(tail: &[u8], has_padding: bool) -> Option<&[u8]> {
    let mark = tail.iter().rev().take_while(|byte| END.contains(byte)).count();
    let (number, mark) = tail.split_at(tail.len() - mark);
    let is_ended = number.last().is_some_and(u8::is_ascii_whitespace) || mark.is_empty() && has_padding;
    (END.starts_with(mark) && is_ended).then_some(number)
}

/// Whether there is something that browsers take for a tag, a comment or a declaration. The target of a link in a head
/// of HTTP is none, unless it could have an attribute with a value.
fn has_tag(text: &[u8]) -> bool {
    let begins =
        |pair: &[u8]| pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || matches!(pair[1], b'!' | b'?' | b'/'));
    let mut at = text.windows(2).enumerate().filter(|(_, pair)| begins(pair)).map(|(at, _)| at);
    at.any(|at| !(text.starts_with(b"HTTP/") && is_link(&text[at + 1..])))
}

fn is_link(text: &[u8]) -> bool {
    let target = text.split(|byte| *byte == b'>').next().unwrap_or_default();
    let is_url = target.starts_with(b"http://") || target.starts_with(b"https://");
    is_url
        && target.len() < text.len()
        && !target.iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'"' | b'\'' | b'<'))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
