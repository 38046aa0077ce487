//! Visiting cards (RFC 6350, RFC 2426, vCard 2.1): lines of text from the beginning of a card to its end, of one card
//! or several.
//!
//! The text may be in any alphabet that has ASCII in it: `CHARSET` names it in vCard 2.1, or nobody does, and handsets
//! know what to do. Cards in UTF-16 they do not read.

use super::{CUT, Whole};

/// Some writers mark UTF-8 so.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

const BEGIN: &[u8] = b"BEGIN:VCARD";
const END: &[u8] = b"END:VCARD";

/// Whether this begins as a card does. The words may be in any case (RFC 6350, section 3.3).
pub(in crate::media) fn begins(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start();
    text.get(..BEGIN.len()).is_some_and(|start| start.eq_ignore_ascii_case(BEGIN))
}

/// Whether this is a card in UTF-16, in either order, with or without its mark.
pub(in crate::media) fn is_utf16(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xFE\xFF").or_else(|| bytes.strip_prefix(b"\xFF\xFE")).unwrap_or(bytes);
    let Some(start) = text.get(..2 * BEGIN.len()) else { return false };
    [0, 1].iter().any(|high| {
        let letters = start.iter().skip(1 - high).step_by(2);
        start.iter().skip(*high).step_by(2).all(|octet| *octet == 0)
            && letters.zip(BEGIN).all(|(found, wanted)| found.eq_ignore_ascii_case(wanted))
    })
}

pub(super) fn check(bytes: &[u8]) -> Whole {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // Blanks, and what systems of old mark the end of a text with.
    let padding = text.iter().rev().take_while(|byte| byte.is_ascii_whitespace() || matches!(**byte, 0 | 0x1A)).count();
    let text = &text[..text.len() - padding];
    if text.contains(&0) {
        return Err("it is not text");
    }
    // A card may hold another one, as AGENT of vCard 2.1 does.
    let (mut depth, mut has_version) = (0_usize, false);
    for line in
        text.split(|byte| matches!(byte, b'\r' | b'\n')).map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty())
    {
        // Within a card a blank continues the line before; outside of one there is none to continue.
        let line = if depth == 0 { line.trim_ascii_start() } else { line };
        if line.eq_ignore_ascii_case(BEGIN) {
            depth += 1;
        } else if depth == 0 {
            return Err("there is something outside of its cards");
        } else if line.eq_ignore_ascii_case(END) {
            depth -= 1;
        }
        has_version |= line
            .get(..8)
            .is_some_and(|start| start[..7].eq_ignore_ascii_case(b"VERSION") && matches!(start[7], b':' | b';'));
    }
    match (depth, has_version) {
        (0, true) => Ok(()),
        (0, false) => Err("it has no version"),
        _ => Err(CUT),
    }
}
