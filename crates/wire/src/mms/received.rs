//! From the parts of a message that came to its text and its files.

use bytes::Bytes;
use mail_parser::decoders::charsets::map::charset_decoder;

use super::smil;
use super::{Part, SMIL};

/// What a message says: its text parts joined by line breaks, and the others, both in the order of its presentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The text; empty where there is none.
    pub text: String,
    /// The other parts.
    pub files: Vec<File>,
}

/// A part that is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// `type/subtype` in lower case, without parameters; `application/octet-stream` where the sender says none.
    pub content_type: String,
    /// What it holds.
    pub bytes: Bytes,
}

/// Sorts the parts of a message: those that the presentation shows come first, in its order, then the others as they
/// came. The presentation itself is left out. A text whose characters cannot be read is a file.
pub fn received(parts: &[Part]) -> Received {
    let (presentations, shown): (Vec<&Part>, Vec<&Part>) =
        parts.iter().partition(|part| media_type(&part.content_type) == SMIL);
    let mut left: Vec<Option<&Part>> = shown.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(left.len());
    for reference in presentations.iter().flat_map(|part| smil::references(&String::from_utf8_lossy(&part.bytes))) {
        ordered.extend(left.iter_mut().find_map(|part| part.take_if(|part| is_named(part, &reference))));
    }
    ordered.extend(left.into_iter().flatten());
    let mut received = Received::default();
    for part in ordered {
        match text(part) {
            Some(text) if text.is_empty() => {}
            Some(text) => {
                if !received.text.is_empty() {
                    received.text.push('\n');
                }
                received.text.push_str(&text);
            }
            None => {
                received.files.push(File { content_type: media_type(&part.content_type), bytes: part.bytes.clone() });
            }
        }
    }
    received
}

/// Whether a reference of the presentation means this part: by its id, or by its name with or without a directory.
fn is_named(part: &Part, reference: &str) -> bool {
    let file = |name: &str| name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let names = [part.id.trim_matches(['<', '>']), part.location.trim_matches(['<', '>'])];
    names.iter().any(|name| !name.is_empty() && (*name == reference || file(name) == file(reference)))
}

/// `type/subtype` in lower case; anything that is none is unknown.
fn media_type(content_type: &str) -> String {
    const UNKNOWN: &str = "application/octet-stream";
    const CHARS_MAX: usize = 127;
    let plain = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&octet))
    };
    let is_sound = plain.len() <= CHARS_MAX
        && plain.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    if is_sound { plain } else { UNKNOWN.to_owned() }
}

/// The text of a part of plain text. `None` for another part, and for octets that are no text in the character set that
/// the part names.
fn text(part: &Part) -> Option<String> {
    if media_type(&part.content_type) != "text/plain" {
        return None;
    }
    let latin1 = || part.bytes.iter().map(|octet| char::from(*octet)).collect();
    let octets = part.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&part.bytes);
    let charset = charset(&part.content_type);
    match charset.as_deref() {
        Some("utf-8" | "utf8") => String::from_utf8(octets.to_vec()).ok(),
        // Who names none, or ASCII, means UTF-8 or Latin-1 where octets are above ASCII.
        None | Some("us-ascii" | "ascii") => Some(String::from_utf8(octets.to_vec()).unwrap_or_else(|_| latin1())),
        Some(name) => charset_decoder(name.as_bytes()).map(|decode| decode(&part.bytes)),
    }
}

/// The character set that a media type names, in lower case.
fn charset(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1);
    let named = parameters.filter_map(|parameter| parameter.split_once('='));
    named
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches(['"', '\'']).to_ascii_lowercase())
        .find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mms::{self, Attachment};

    fn part(content_type: &str, id: &str, bytes: &[u8]) -> Part {
        Part {
            content_type: content_type.to_owned(),
            id: id.to_owned(),
            location: String::new(),
            bytes: Bytes::copy_from_slice(bytes),
        }
    }

    fn file(content_type: &str, bytes: &'static [u8]) -> File {
        File { content_type: content_type.to_owned(), bytes: Bytes::from_static(bytes) }
    }

    #[test]
    fn parts_come_in_the_order_of_the_presentation_and_the_others_behind_them() {
        let smil =
            b"<smil><body><par><img src=\"cid:two\"/><text src=\"b.txt\"/></par><par><text src=\"cid:a\"/></par>";
        let named = Part { location: "texts/B.TXT".to_owned(), ..part("text/plain", "b", b"first") };
        let received = received(&[
            part("Application/SMIL; charset=utf-8", "smil", smil),
            part("image/heic; name=one.heic", "one", b"1"),
            part("text/plain", "a", b"second"),
            named,
            part("IMAGE/JPEG", "two", b"2"),
            part("text/plain; charset=utf-8", "c", b""),
        ]);
        assert_eq!(received.text, "first\nsecond");
        assert_eq!(received.files, [file("image/jpeg", b"2"), file("image/heic", b"1")]);
    }

    #[test]
    fn what_is_sent_is_received() {
        let bytes = Bytes::from_static(b"\xFF\xD8");
        let sent =
            mms::parts(Some("Grüße"), Some(Attachment { content_type: "image/jpeg", extension: "jpg", bytes: &bytes }));
        let received = received(&sent);
        assert_eq!((received.text.as_str(), received.files), ("Grüße", vec![file("image/jpeg", b"\xFF\xD8")]));
    }

    #[test]
    fn texts_are_read_in_the_character_set_that_they_name() {
        for (content_type, bytes, expected) in [
            ("text/plain; charset=utf-8", "é".as_bytes(), Some("é")),
            ("text/plain;charset=\"UTF-8\"", b"\xEF\xBB\xBFx", Some("x")),
            ("text/plain; charset=utf-8", b"\xE9", None),
            ("text/plain", b"\xE9", Some("é")),
            ("text/plain; charset=us-ascii", "é".as_bytes(), Some("é")),
            ("text/plain; charset=iso-8859-1", b"\xE9", Some("é")),
            ("text/plain; charset=windows-1252", b"\x80", Some("€")),
            ("text/plain; charset=utf-16be", b"\x20\xAC", Some("€")),
            ("text/plain; charset=klingon", b"x", None),
            ("text/html", b"x", None),
            ("text/x-vcard", b"x", None),
        ] {
            let received = received(&[part(content_type, "a", bytes)]);
            assert_eq!(received.files.is_empty().then_some(received.text.as_str()), expected, "{content_type}");
        }
    }

    #[test]
    fn types_that_are_none_are_unknown() {
        for content_type in ["", "jpeg", "image/", "image/\u{7}", "a b/c", &format!("x/{}", "y".repeat(200))] {
            let received = received(&[part(content_type, "a", b"1")]);
            assert_eq!(received.files[0].content_type, "application/octet-stream", "{content_type}");
        }
    }
}
