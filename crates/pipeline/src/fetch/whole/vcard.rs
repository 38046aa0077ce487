//! Visiting cards (RFC 6350, RFC 2426, vCard 2.1): lines of text from the beginning of a card to its end, of one card or several.

use super::{CUT, Whole};

/// Some writers mark UTF-8 so.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

const BEGIN: &str = "BEGIN:VCARD";
const END: &str = "END:VCARD";

/// Whether this begins as a card does. The words may be in any case (RFC 6350, section 3.3).
pub(in super::super) fn begins(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start();
    text.get(..BEGIN.len()).is_some_and(|start| start.eq_ignore_ascii_case(BEGIN.as_bytes()))
}

pub(super) fn check(bytes: &[u8]) -> Whole {
    let text = std::str::from_utf8(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)).map_err(|_| "it is not UTF-8")?;
    if text.contains('\0') {
        return Err("it is not text");
    }
    // A card may hold another one, as AGENT of vCard 2.1 does.
    let (mut depth, mut has_version) = (0_usize, false);
    for line in text.split(['\r', '\n']).map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.eq_ignore_ascii_case(BEGIN) {
            depth += 1;
        } else if depth == 0 {
            return Err("there is something outside of its cards");
        } else if line.eq_ignore_ascii_case(END) {
            depth -= 1;
        }
        has_version |= line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("VERSION:"));
    }
    match (depth, has_version) {
        (0, true) => Ok(()),
        (0, false) => Err("it has no version"),
        _ => Err(CUT),
    }
}
