//! The files of a message as their column has them: a line for each, with its id, digest, size and type.

use std::fmt::Write as _;
use std::sync::Arc;

use model::media::Digest;
use model::{InboundMedia, MediaId};

/// Files as they are written.
pub fn to_column(media: &[InboundMedia]) -> String {
    let mut text = String::new();
    for InboundMedia { id, content_type, bytes, sha256 } in media {
        // Writing to a string does not fail. A type has no line breaks.
        let _ = writeln!(text, "{id} {} {bytes} {}", Digest(*sha256), content_type.replace('\n', " "));
    }
    text
}

/// The files that are written so; nothing for a text that cannot be read.
pub fn of_column(text: &str) -> Option<Arc<[InboundMedia]>> {
    text.lines().map(line).collect()
}

fn line(line: &str) -> Option<InboundMedia> {
    let mut fields = line.splitn(4, ' ');
    let (id, digest, bytes) = (fields.next()?, fields.next()?, fields.next()?);
    Some(InboundMedia {
        id: id.parse::<MediaId>().ok()?,
        content_type: fields.next()?.into(),
        bytes: bytes.parse().ok()?,
        sha256: digest_of(digest)?,
    })
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(octets)
}
