//! What an MMS is made of, whatever carries it: parts, and the SMIL that says how a handset shows them.
//!
//! In come the text and the media of a message; out come the parts of a multipart body, the presentation first. SMIL is
//! of the profile that every handset knows (OMA MMS Conformance Document 1.3, section 8): one slide, one region for the
//! media and one for the text. The other way round, [`received`] sorts the parts of a message that a handset sent.

mod received;
mod smil;

use bytes::Bytes;

pub use received::{File, Received, received};

/// One part of a multimedia message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its media type with parameters, as `text/plain; charset=utf-8`.
    pub content_type: String,
    /// Its `Content-ID`, without angle brackets. Unique within the message.
    pub id: String,
    /// Its `Content-Location`: a file name.
    pub location: String,
    /// What it holds.
    pub bytes: Bytes,
}

/// Media to be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// Its media type, as `image/jpeg`.
    pub content_type: &'a str,
    /// What the name of its file ends in, without the dot.
    pub extension: &'a str,
    /// What it holds.
    pub bytes: &'a Bytes,
}

/// The media type of a SMIL presentation (RFC 4536).
pub const SMIL: &str = "application/smil";

/// The parts of a message: its presentation, its text if it has one, its media if it has some.
pub fn parts(text: Option<&str>, media: Option<Attachment<'_>>) -> Vec<Part> {
    let text = text.map(|text| Part {
        content_type: "text/plain; charset=utf-8".to_owned(),
        id: "text".to_owned(),
        location: "text.txt".to_owned(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    });
    let media = media.map(|media| Part {
        content_type: media.content_type.to_owned(),
        id: "media".to_owned(),
        location: format!("media.{}", media.extension),
        bytes: media.bytes.clone(),
    });
    let shown: Vec<Part> = text.into_iter().chain(media).collect();
    let smil = Part {
        content_type: format!("{SMIL}; charset=utf-8"),
        id: "smil".to_owned(),
        location: "presentation.smil".to_owned(),
        bytes: presentation(&shown).into(),
    };
    std::iter::once(smil).chain(shown).collect()
}

/// How long a slide is shown that nobody turns, in seconds: most handsets' own default.
const SLIDE_SECS: u32 = 5;

/// One slide that shows all of `parts`, each by its `Content-ID`.
fn presentation(parts: &[Part]) -> String {
    let mut smil = String::from("<smil><head><layout><root-layout width=\"100%\" height=\"100%\"/>");
    let (media, text): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| element(&part.content_type) != "text");
    let media_height = if text.is_empty() { 100 } else { 70 };
    if !media.is_empty() {
        smil.push_str(&format!(
            "<region id=\"Image\" top=\"0%\" left=\"0%\" width=\"100%\" height=\"{media_height}%\" fit=\"meet\"/>"
        ));
    }
    if !text.is_empty() {
        let top = if media.is_empty() { 0 } else { media_height };
        smil.push_str(&format!(
            "<region id=\"Text\" top=\"{top}%\" left=\"0%\" width=\"100%\" height=\"{}%\" fit=\"scroll\"/>",
            100 - top
        ));
    }
    smil.push_str(&format!("</layout></head><body><par dur=\"{SLIDE_SECS}s\">"));
    for part in parts {
        let element = element(&part.content_type);
        let region = match element {
            "text" => " region=\"Text\"",
            "audio" => "",
            _ => " region=\"Image\"",
        };
        smil.push_str(&format!("<{element} src=\"cid:{}\"{region}/>", part.id));
    }
    smil.push_str("</par></body></smil>");
    smil
}

/// The element of SMIL that shows such a part. Documents and cards have none of their own: a handset offers them as
/// attachments.
fn element(content_type: &str) -> &'static str {
    match content_type.split(['/', ';']).next() {
        Some("image") => "img",
        Some("video") => "video",
        Some("audio") => "audio",
        Some("text") if content_type.starts_with("text/plain") => "text",
        _ => "ref",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(content_type: &'static str) -> (Vec<Part>, String) {
        let bytes = Bytes::from_static(b"x");
        let parts = parts(Some("hi"), Some(Attachment { content_type, extension: "bin", bytes: &bytes }));
        let smil = String::from_utf8(parts[0].bytes.to_vec()).unwrap();
        (parts, smil)
    }

    #[test]
    fn the_presentation_names_every_part_by_its_id() {
        for (content_type, element) in [
            ("image/png", "img"),
            ("video/mp4", "video"),
            ("audio/mpeg", "audio"),
            ("application/pdf", "ref"),
            ("text/vcard", "ref"),
        ] {
            let (parts, smil) = media(content_type);
            assert_eq!(parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["smil", "text", "media"]);
            assert!(
                smil.contains(&format!("<{element} src=\"cid:media\"")) && smil.contains("<text src=\"cid:text\""),
                "{smil}"
            );
        }
    }

    #[test]
    fn a_message_of_text_alone_is_one_slide_of_text() {
        let parts = parts(Some("hi"), None);
        let smil = String::from_utf8(parts[0].bytes.to_vec()).unwrap();
        assert_eq!(parts.len(), 2);
        assert!(
            !smil.contains("Image")
                && smil.contains("<region id=\"Text\" top=\"0%\" left=\"0%\" width=\"100%\" height=\"100%\""),
            "{smil}"
        );
    }
}
