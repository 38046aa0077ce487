//! Lines of CSV files.

/// The line, from 1, on which a record of `file` begins: its position is before the empty lines that are skipped.
pub fn line_of(file: &[u8], position: Option<&csv::Position>) -> u64 {
    let (line, at) = position.map_or((1, 0), |position| (position.line(), position.byte()));
    let rest = usize::try_from(at).ok().and_then(|at| file.get(at..)).unwrap_or_default();
    line + rest.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).filter(|octet| **octet == b'\n').count()
        as u64
}
