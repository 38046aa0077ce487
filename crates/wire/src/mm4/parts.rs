//! Reading the body of a mail into the parts of a multimedia message, whatever MIME it is wrapped in.
//!
//! The division into parts is made here and not by the library that reads the fields: a boundary counts at the
//! beginning of a line and in full (RFC 2046, 5.1.1), not wherever its characters occur, and every octet of a part is
//! kept as it was sent.

use bytes::Bytes;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

use super::Mm4Error;
use super::fields::{self, CONTENT_ID, CONTENT_LOCATION, CONTENT_TRANSFER_ENCODING, Fields};
use crate::mms::{Part, SMIL};

/// The most parts of a message.
pub const PARTS_MAX: usize = 64;
/// How deep multiparts may be nested: MMSCs wrap the related parts in a mixed one at most.
const DEPTH_MAX: usize = 4;

/// The parts of a body whose head has these fields, the presentation first. None of an empty body.
pub(super) fn read(fields: &Fields, body: &[u8]) -> Result<Vec<Part>, Mm4Error> {
    let mut parts = Vec::new();
    collect(fields, body, DEPTH_MAX, &mut parts)?;
    if let [only] = &parts[..]
        && only.bytes.is_empty()
    {
        parts.clear();
    }
    Ok(parts)
}

/// Adds the parts of a body.
fn collect(fields: &Fields, body: &[u8], depth: usize, parts: &mut Vec<Part>) -> Result<(), Mm4Error> {
    let boundary = fields
        .content_type()
        .filter(|(_, read)| read.ctype().eq_ignore_ascii_case("multipart"))
        .map(|(_, read)| read.attribute("boundary"));
    let Some(boundary) = boundary else {
        return leaf(fields, body, parts);
    };
    let boundary =
        boundary.filter(|boundary| !boundary.is_empty()).ok_or(Mm4Error::Body("a multipart names no boundary"))?;
    if depth == 0 {
        return Err(Mm4Error::Body("multiparts are nested too deep"));
    }
    let first = parts.len();
    for section in sections(body, boundary.as_bytes())? {
        let (head, body) = fields::split(section);
        collect(&Fields::read(head)?, body, depth - 1, parts)?;
    }
    let start = fields.content_type().and_then(|(_, read)| read.attribute("start")).map(fields::bare_id);
    put_root_first(parts.get_mut(first..).unwrap_or_default(), start);
    Ok(())
}

/// Adds one part.
fn leaf(fields: &Fields, body: &[u8], parts: &mut Vec<Part>) -> Result<(), Mm4Error> {
    if parts.len() == PARTS_MAX {
        return Err(Mm4Error::TooMany("parts"));
    }
    let encoding = fields.text(CONTENT_TRANSFER_ENCODING).unwrap_or("7bit").to_ascii_lowercase();
    let bytes = match encoding.as_str() {
        "7bit" | "8bit" | "binary" => Bytes::copy_from_slice(body),
        "base64" => base64_decode(body).ok_or(Mm4Error::Body("invalid base64"))?.into(),
        "quoted-printable" => quoted_printable_decode(body).ok_or(Mm4Error::Body("invalid quoted-printable"))?.into(),
        _ => return Err(Mm4Error::Body("a part has an unknown encoding")),
    };
    let (content_type, name) =
        fields.content_type().map_or(("text/plain", None), |(written, read)| (written, read.attribute("name")));
    let id = fields.text(CONTENT_ID).map(fields::bare_id).filter(|id| !id.is_empty());
    parts.push(Part {
        content_type: content_type.to_owned(),
        id: id.map_or_else(|| format!("part{}", parts.len() + 1), str::to_owned),
        location: fields.text(CONTENT_LOCATION).or(name).unwrap_or_default().to_owned(),
        bytes,
    });
    Ok(())
}

/// The sections between the delimiters of a multipart body.
fn sections<'a>(body: &'a [u8], boundary: &[u8]) -> Result<Vec<&'a [u8]>, Mm4Error> {
    let mut sections = Vec::new();
    let (mut at, mut open) = (0, None);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let start = at;
        at += line.len();
        let Some(is_last) = delimiter(line, boundary) else {
            continue;
        };
        if let Some(open) = open {
            sections.push(without_line_end(body.get(open..start).unwrap_or_default()));
        }
        if is_last {
            return Ok(sections);
        }
        if sections.len() == PARTS_MAX {
            return Err(Mm4Error::TooMany("parts"));
        }
        open = Some(at);
    }
    Err(Mm4Error::Body("a multipart has no end"))
}

/// Whether a line is a delimiter, and the last one. Blanks may follow it.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?.trim_ascii_end();
    match rest {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// The line's end before a delimiter belongs to the delimiter.
fn without_line_end(section: &[u8]) -> &[u8] {
    let section = section.strip_suffix(b"\n").unwrap_or(section);
    section.strip_suffix(b"\r").unwrap_or(section)
}

/// Moves the root to the front: the part that `start` names, else the presentation. The others keep their order.
fn put_root_first(parts: &mut [Part], start: Option<&str>) {
    let named = start.and_then(|start| parts.iter().position(|part| part.id == start));
    let is_presentation =
        |part: &Part| part.content_type.get(..SMIL.len()).is_some_and(|head| head.eq_ignore_ascii_case(SMIL));
    if let Some(root) = named.or_else(|| parts.iter().position(is_presentation)) {
        parts.get_mut(..=root).unwrap_or_default().rotate_right(1);
    }
}
