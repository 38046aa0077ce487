//! PDF (ISO 32000-1, section 7.5): the end says where the table of objects begins, so a file without its end is none.

use super::{CUT, Whole};

/// Readers look for the end in so many last bytes (ISO 32000-1, annex H, note 18).
const TAIL: usize = 1_024;

pub(super) fn check(bytes: &[u8]) -> Whole {
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    let end = rfind(tail, b"%%EOF").ok_or(CUT)?;
    let start = rfind(&tail[..end], b"startxref").ok_or("its end does not say where its objects are")?;
    let number = String::from_utf8_lossy(&tail[start + b"startxref".len()..end]);
    match number.trim().parse::<usize>() {
        Ok(offset) if offset < bytes.len() => Ok(()),
        Ok(_) => Err("its objects would begin after its end"),
        Err(_) => Err("its end does not say where its objects are"),
    }
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
