//! Multipart bodies as HTTP carries them (RFC 2046, 5.1; RFC 2387): octet for octet, and within bounds.
//!
//! A reader of mail would do more than is wanted: it turns texts into its own coding, and takes the boundary `a-b` for
//! an `a`. Peers nest the two.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Multiparts in multiparts are read so deep: the body, its content, and a part of that.
const DEPTH_MAX: usize = 4;

/// So many parts are read.
const PARTS_MAX: usize = 64;

/// Lines of base64 have so many characters (RFC 2045, 6.8).
const LINE_CHARS: usize = 76;

/// A part: its header fields and what follows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity<'a> {
    /// Names in lower case, values unfolded.
    headers: Vec<(String, String)>,
    /// As it travels.
    body: &'a [u8],
}

impl<'a> Entity<'a> {
    /// Whatever an HTTP message carries, under its `Content-Type`.
    pub(super) fn of_http(content_type: Option<&str>, body: &'a [u8]) -> Self {
        Self {
            headers: content_type.map(|value| ("content-type".to_owned(), value.to_owned())).into_iter().collect(),
            body,
        }
    }

    fn parse(octets: &'a [u8]) -> Self {
        let (mut headers, mut rest): (Vec<(String, String)>, _) = (Vec::new(), octets);
        loop {
            let (line, after) = split_line(rest);
            let is_header = line
                .iter()
                .position(|octet| *octet == b':')
                .filter(|colon| line[..*colon].iter().all(u8::is_ascii_graphic));
            rest = match (is_header, headers.last_mut()) {
                _ if line.is_empty() => return Self { headers, body: after },
                (_, Some((_, value))) if matches!(line[0], b' ' | b'\t') => {
                    value.push(' ');
                    value.push_str(String::from_utf8_lossy(line).trim());
                    after
                }
                (Some(colon), _) => {
                    headers.push((
                        String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase(),
                        String::from_utf8_lossy(&line[colon + 1..]).trim().to_owned(),
                    ));
                    after
                }
                // A body without the blank line before it.
                (None, _) => return Self { headers, body: rest },
            };
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Its media type with its parameters; empty where it has none.
    pub(super) fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    /// A parameter of its media type.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.content_type(), name)
    }

    /// Its `Content-ID` without angle brackets; empty where it has none.
    pub(super) fn id(&self) -> &str {
        bare_id(self.header("content-id").unwrap_or_default())
    }

    /// Its `Content-Location`, or the name that it would be saved under; empty where it has neither.
    pub(super) fn location(&self) -> String {
        let named = || {
            parameter(self.header("content-disposition").unwrap_or_default(), "filename")
                .or_else(|| self.parameter("name"))
        };
        self.header("content-location")
            .map(|value| value.trim_matches('"').to_owned())
            .or_else(named)
            .unwrap_or_default()
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.content_type().get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/"))
    }

    /// The parts of a multipart; a multipart that does not tell its boundary begins with it.
    pub(super) fn parts(&self) -> Vec<Self> {
        let told = self.parameter("boundary").filter(|boundary| !boundary.is_empty());
        let (first, _) = split_line(self.body.trim_ascii_start());
        let seen = first.strip_prefix(b"--").map(|boundary| boundary.trim_ascii_end().to_vec());
        let Some(boundary) = told.map(String::into_bytes).or(seen).filter(|boundary| !boundary.is_empty()) else {
            return Vec::new();
        };
        split(self.body, &boundary).into_iter().take(PARTS_MAX).map(Entity::parse).collect()
    }

    /// Its octets, out of what they were wrapped into for their travel. What is not base64 though it says so is left as
    /// it is.
    pub(super) fn decoded(&self) -> Vec<u8> {
        match self.header("content-transfer-encoding").map(|encoding| encoding.trim().to_ascii_lowercase()).as_deref() {
            Some("base64") => from_base64(self.body).unwrap_or_else(|| self.body.to_vec()),
            Some("quoted-printable") => from_quoted_printable(self.body),
            _ => self.body.to_vec(),
        }
    }

    /// Itself, or the parts in it that have none.
    pub(super) fn leaves(&self) -> Vec<Self> {
        let mut leaves = Vec::new();
        self.collect_leaves(DEPTH_MAX, &mut leaves);
        leaves
    }

    fn collect_leaves(&self, depth: usize, leaves: &mut Vec<Self>) {
        let parts = if depth > 0 && self.is_multipart() { self.parts() } else { Vec::new() };
        if parts.is_empty() && leaves.len() < PARTS_MAX {
            leaves.push(self.clone());
        }
        parts.iter().for_each(|part| part.collect_leaves(depth - 1, leaves));
    }
}

/// An id without the angle brackets and blanks that some write around it and some do not.
pub(super) fn bare_id(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>').trim()
}

/// The parameter of this name in the value of a header field (RFC 2045, 5.1).
pub(super) fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = &value[value.find(';')? + 1..];
    loop {
        let equals = rest.find('=')?;
        let key = rest[..equals].rsplit(';').next().unwrap_or_default().trim();
        let after = rest[equals + 1..].trim_start();
        let (text, end) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), end)
            }
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(text);
        }
        rest = &after[end..];
    }
}

/// A quoted text up to its closing quote, and where that ends, counted from before the opening one.
fn unquote(quoted: &str) -> (String, usize) {
    let (mut text, mut escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            '"' if !escaped => return (text, at + 2),
            '\\' if !escaped => escaped = true,
            _ => {
                escaped = false;
                text.push(character);
            }
        }
    }
    (text, quoted.len() + 1)
}

/// The first line without its end, and what follows.
fn split_line(octets: &[u8]) -> (&[u8], &[u8]) {
    match octets.iter().position(|octet| *octet == b'\n') {
        Some(end) => (octets[..end].strip_suffix(b"\r").unwrap_or(&octets[..end]), &octets[end + 1..]),
        None => (octets, &[]),
    }
}

/// What lies between the lines that the boundary makes. The end of the line before each belongs to the boundary. A body
/// that breaks off ends its last part.
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let (mut parts, mut start, mut at) = (Vec::new(), None, 0);
    while at < body.len() {
        let (line, rest) = split_line(&body[at..]);
        if let Some(end) = delimiter(line, boundary) {
            parts.extend(start.map(|start| without_line_end(&body[start..at.max(start)])));
            start = Some(body.len() - rest.len());
            if end {
                return parts;
            }
        }
        at = body.len() - rest.len();
    }
    parts.extend(start.map(|start: usize| without_line_end(&body[start..])));
    parts
}

/// Whether a line is a delimiter, and if so, whether it is the last.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    match line.strip_prefix(b"--")?.strip_prefix(boundary)?.trim_ascii_end() {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

fn without_line_end(octets: &[u8]) -> &[u8] {
    let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
    octets.strip_suffix(b"\r").unwrap_or(octets)
}

/// Base64 as it is met: with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    BASE64.decode(text).ok()
}

/// Octets as lines of base64.
pub(super) fn to_base64(octets: &[u8], out: &mut Vec<u8>) {
    // So many octets make a whole line.
    for line in octets.chunks(LINE_CHARS / 4 * 3) {
        let start = out.len();
        out.resize(start + LINE_CHARS, 0);
        // A line always has room for its octets.
        let length = BASE64.encode_slice(line, &mut out[start..]).unwrap_or_default();
        out.truncate(start + length);
        out.extend_from_slice(b"\r\n");
    }
}

/// Quoted-printable (RFC 2045, 6.7); what is wrong in it is left as it is.
fn from_quoted_printable(text: &[u8]) -> Vec<u8> {
    let (mut octets, mut rest) = (Vec::with_capacity(text.len()), text);
    while let [first, after @ ..] = rest {
        let hex = |octet: &u8| char::from(*octet).to_digit(16);
        rest = match (first, after) {
            (b'=', [b'\r', b'\n', after @ ..] | [b'\n', after @ ..]) => after,
            (b'=', [high, low, after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                octets.push((hex(high).unwrap_or_default() * 16 + hex(low).unwrap_or_default()) as u8);
                after
            }
            _ => {
                octets.push(*first);
                after
            }
        };
    }
    octets
}

#[cfg(test)]
mod tests;
