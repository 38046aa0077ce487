//! What HTTP carries: an envelope alone, or an envelope and its content side by side (3GPP TS 23.140, 8.7.8; SOAP
//! messages with attachments).

use bytes::Bytes;

use super::mime::{Entity, bare_id, to_base64};
use super::{Malformed, Message, Operation};
use crate::mms::{Part, SMIL};

/// The media type of an envelope (SOAP 1.1, section 6).
const ENVELOPE_TYPE: &str = "text/xml; charset=utf-8";

/// The `Content-ID` of the envelope's part.
const ENVELOPE_ID: &str = "envelope";

/// The body of an HTTP request or answer, and its `Content-Type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// For the header field.
    pub content_type: String,
    /// What follows the header.
    pub body: Vec<u8>,
}

/// Puts a message and its content into a body; without content, the envelope is all there is.
pub fn write(message: &Message, parts: &[Part]) -> Post {
    let envelope = super::write(message);
    if parts.is_empty() {
        return Post { content_type: ENVELOPE_TYPE.to_owned(), body: envelope.into_bytes() };
    }
    let written: Vec<Vec<u8>> = parts.iter().map(written).collect();
    let (content_type, content) = content(parts, &written);
    let boundary = boundary("envelope", std::iter::once(envelope.as_bytes()).chain(written.iter().map(Vec::as_slice)));
    let mut body = Vec::with_capacity(envelope.len() + content.len() + 1_024);
    let id = content_id(message).unwrap_or("content");
    push(
        &mut body,
        &format!("--{boundary}\r\nContent-Type: {ENVELOPE_TYPE}\r\nContent-ID: <{ENVELOPE_ID}>\r\n\r\n{envelope}"),
    );
    push(
        &mut body,
        &format!("\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-ID: <{}>\r\n\r\n", in_header(id)),
    );
    body.extend_from_slice(&content);
    push(&mut body, &format!("\r\n--{boundary}--\r\n"));
    let content_type =
        format!("multipart/related; type=\"text/xml\"; start=\"<{ENVELOPE_ID}>\"; boundary=\"{boundary}\"");
    Post { content_type, body }
}

/// The message of a body, and its content.
///
/// # Errors
/// [`Malformed`]; [`Malformed::Blank`] where there is no body.
pub fn read(content_type: Option<&str>, body: &[u8]) -> Result<(Message, Vec<Part>), Malformed> {
    if body.trim_ascii().is_empty() {
        return Err(Malformed::Blank);
    }
    let whole = Entity::of_http(content_type, body);
    // Whatever its type says, what begins with a boundary is a multipart, and what begins with an element is an
    // envelope.
    let parts = if body.trim_ascii_start().starts_with(b"<") { Vec::new() } else { whole.parts() };
    if parts.is_empty() {
        return if whole.is_multipart() && !looks_like_xml(body) {
            Err(Malformed::NoEnvelope)
        } else {
            Ok((super::read(body)?, Vec::new()))
        };
    }
    let root = root(&whole, &parts).ok_or(Malformed::NoEnvelope)?;
    let message = super::read(&parts[root].decoded())?;
    let named = content_id(&message).and_then(|id| named(&parts, root, id));
    // Ids that do not fit are common, and so are parts beside the one that is named: all but the envelope is content,
    // the named part first.
    let others = (0..parts.len()).filter(|index| *index != root && Some(*index) != named);
    let content =
        named.into_iter().chain(others).flat_map(|index| parts[index].leaves()).map(|leaf| part(&leaf)).collect();
    Ok((message, content))
}

/// The part that is the envelope: the one that the type names, or else the first that is XML, as it should be the first
/// of all.
fn root(whole: &Entity<'_>, parts: &[Entity<'_>]) -> Option<usize> {
    let start = whole.parameter("start");
    let is_xml = |part: &Entity<'_>| !part.is_multipart() && looks_like_xml(&part.decoded());
    let named =
        start.and_then(|start| parts.iter().position(|part| !part.id().is_empty() && part.id() == bare_id(&start)));
    named.filter(|index| is_xml(&parts[*index])).or_else(|| parts.iter().position(is_xml))
}

/// Whether something begins as an envelope does, in any coding.
fn looks_like_xml(octets: &[u8]) -> bool {
    let is_mark = |octet: &u8| matches!(octet, 0 | 0xFE | 0xFF | 0xEF | 0xBB | 0xBF) || octet.is_ascii_whitespace();
    octets.iter().find(|octet| !is_mark(octet)) == Some(&b'<')
}

/// The part of this id, or of this name.
fn named(parts: &[Entity<'_>], root: usize, id: &str) -> Option<usize> {
    let fits = |part: &Entity<'_>| !id.is_empty() && (part.id() == id || part.location() == id);
    parts.iter().enumerate().position(|(index, part)| index != root && fits(part))
}

fn part(entity: &Entity<'_>) -> Part {
    let (content_type, id) = (entity.content_type().to_owned(), entity.id().to_owned());
    Part { content_type, id, location: entity.location(), bytes: Bytes::from(entity.decoded()) }
}

/// The id that an operation refers to its content by.
fn content_id(message: &Message) -> Option<&str> {
    match &message.operation {
        Operation::SubmitReq(request) => request.content.as_ref(),
        Operation::DeliverReq(request) => request.content.as_ref(),
        _ => None,
    }
    .map(|content| content.id.as_str())
}

/// The content as a multipart of its own, with its type: related to its presentation where it has one.
fn content(parts: &[Part], written: &[Vec<u8>]) -> (String, Vec<u8>) {
    let boundary = boundary("content", written.iter().map(Vec::as_slice));
    let mut body = Vec::with_capacity(written.iter().map(|part| part.len() + boundary.len() + 8).sum());
    for part in written {
        push(&mut body, &format!("--{boundary}\r\n"));
        body.extend_from_slice(part);
        push(&mut body, "\r\n");
    }
    push(&mut body, &format!("--{boundary}--\r\n"));
    let presentation = parts.iter().find(|part| part.content_type.starts_with(SMIL));
    let content_type = match presentation {
        Some(smil) => {
            format!("multipart/related; type=\"{SMIL}\"; start=\"<{}>\"; boundary=\"{boundary}\"", in_header(&smil.id))
        }
        None => format!("multipart/mixed; boundary=\"{boundary}\""),
    };
    (content_type, body)
}

/// A part with its header. Texts go as they are; other content as base64, which no peer is too old for.
fn written(part: &Part) -> Vec<u8> {
    let is_text = part.content_type.starts_with("text/") || part.content_type.starts_with(SMIL);
    let encoding = if is_text { "8bit" } else { "base64" };
    let mut out = Vec::with_capacity(part.bytes.len() * 4 / 3 + part.bytes.len() / 50 + 256);
    push(
        &mut out,
        &format!("Content-Type: {}\r\nContent-ID: <{}>\r\n", in_header(&part.content_type), in_header(&part.id)),
    );
    push(
        &mut out,
        &format!("Content-Location: {}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n", in_header(&part.location)),
    );
    if is_text {
        out.extend_from_slice(&part.bytes);
    } else {
        to_base64(&part.bytes, &mut out);
    }
    out
}

/// A text that stays on its line.
fn in_header(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// A boundary of this name that is nowhere in what it separates. Neither of the two begins as the other does.
fn boundary<'a>(name: &str, texts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut boundary = format!("=_mm7.{name}");
    // Base64 has no underscore, and so most of what is sent needs no closer look.
    let suspects: Vec<&[u8]> = texts.filter(|text| text.contains(&b'_')).collect();
    let occurs = |boundary: &str| {
        suspects.iter().any(|text| text.windows(boundary.len()).any(|window| window == boundary.as_bytes()))
    };
    while occurs(&boundary) {
        boundary.push('+');
    }
    boundary
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}
