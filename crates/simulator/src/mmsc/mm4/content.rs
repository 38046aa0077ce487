//! The content of a mail between DATA and the final dot (RFC 5321, 4.5.2).

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// Takes the dots away that were put before lines that begin with one, and finds the end. Only CR LF ends a line:
/// whoever takes a bare LF for an end may read another mail out of the middle of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unstuffer {
    LineStart,
    Text,
    Cr,
    Dot,
    DotCr,
}

impl Unstuffer {
    /// Takes an octet; says whether it was the last one.
    fn push(&mut self, octet: u8, out: &mut Vec<u8>) -> bool {
        match (*self, octet) {
            (Self::DotCr, b'\n') => return true,
            (Self::LineStart, b'.') => {
                *self = Self::Dot;
                return false;
            }
            (Self::Dot, b'\r') => {
                *self = Self::DotCr;
                return false;
            }
            (Self::DotCr, _) => out.push(b'\r'),
            _ => {}
        }
        out.push(octet);
        *self = match (*self, octet) {
            (Self::Cr, b'\n') => Self::LineStart,
            (_, b'\r') => Self::Cr,
            _ => Self::Text,
        };
        false
    }
}

/// Reads up to the final dot. `None` for a content of more than `bytes_max` octets, whose end was found too.
///
/// # Errors
/// Also when the connection ends before the content does.
pub(super) async fn read(reader: &mut (impl AsyncBufRead + Unpin), bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let (mut state, mut content, mut is_too_long) = (Unstuffer::LineStart, Vec::new(), false);
    loop {
        let octets = reader.fill_buf().await?;
        if octets.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = octets.iter().position(|octet| state.push(*octet, &mut content));
        let used = end.map_or(octets.len(), |end| end + 1);
        reader.consume(used);
        if content.len() > bytes_max {
            is_too_long = true;
            content.clear();
        }
        if end.is_some() {
            return Ok((!is_too_long).then_some(content));
        }
    }
}

/// A content as it travels, the final dot included.
pub(super) fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 64);
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_dot_alone_on_its_line_ends_a_content() {
        for (octets, content) in [
            ("\r\n.\r\n", Some("\r\n")),
            (".\r\n", Some("")),
            ("a\r\n.\r\nb", Some("a\r\n")),
            ("..a\r\n.b\r\n.\r\n", Some(".a\r\nb\r\n")),
            ("a\n.\nb\r\n.\r\n", Some("a\n.\nb\r\n")),
            ("a\n.\r\nb\r\n.\r\n", Some("a\n.\r\nb\r\n")),
            ("a\r.\r\nb\r\n.\r\n", Some("a\r.\r\nb\r\n")),
            ("\r\n.\rb\r\n.\r\n", Some("\r\n\rb\r\n")),
            ("a\r\r\n.\r\n", Some("a\r\r\n")),
            ("12345678901\r\n.\r\n", None),
        ] {
            let read = read(&mut octets.as_bytes(), 12).await.unwrap();
            assert_eq!(read.as_deref(), content.map(str::as_bytes), "{octets:?}");
        }
        for octets in ["", "a", "a\r\n.", "a\r\n.\r", "a\n.\n", "a\r\n.\n"] {
            assert!(read(&mut octets.as_bytes(), 12).await.is_err(), "{octets:?}");
        }
    }

    #[tokio::test]
    async fn what_is_stuffed_reads_back() {
        for content in ["", ".\r\n", "..\r\n.\r\na\r\n", "a\r\n.b\r\n\r\n"] {
            let read = read(&mut stuffed(content.as_bytes()).as_slice(), 100).await.unwrap();
            assert_eq!(read.as_deref(), Some(content.as_bytes()));
        }
    }
}
