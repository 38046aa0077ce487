//! The type of media, by their bytes.
//!
//! The `file-format` library knows the signatures; `whole` knows whether a file of a type is all there. What a server
//! claims is not believed, with two exceptions that change nothing about the bytes: a visiting card has two names, and
//! keeps the one under which it is served. A relative of MP4, such as 3GPP, that is served under its own name keeps
//! that as well, and is another type.

use file_format::FileFormat;
use model::MediaType;

use super::whole;

/// Why bytes are no media that may be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMedia {
    /// There are none.
    #[error("there are no bytes")]
    Empty,
    /// They are of another type.
    #[error("the bytes are {0}")]
    Unsupported(String),
    /// They are of this type, and not whole.
    #[error("the bytes are {0}, and not whole: {1}")]
    Broken(MediaType, &'static str),
}

/// What these bytes are. `claimed` is the `Content-Type` under which they were served.
///
/// # Errors
/// Why they may not be sent.
pub fn judge(bytes: &[u8], claimed: Option<&str>) -> Result<MediaType, NotMedia> {
    if bytes.is_empty() {
        return Err(NotMedia::Empty);
    }
    let claimed = claimed.and_then(|claimed| claimed.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    let kind = detect(bytes, &claimed)?;
    whole::check(kind, bytes).map_err(|what| NotMedia::Broken(kind, what))?;
    Ok(if kind == MediaType::Vcard { name_of_card(&claimed) } else { kind })
}

fn detect(bytes: &[u8], claimed: &str) -> Result<MediaType, NotMedia> {
    if whole::vcard::begins(bytes) {
        return Ok(MediaType::Vcard);
    }
    if whole::vcard::is_utf16(bytes) {
        return Err(NotMedia::Unsupported("text/vcard in UTF-16, which handsets do not read".to_owned()));
    }
    if whole::mp4::begins(bytes, claimed) {
        return Ok(MediaType::Mp4);
    }
    let format = FileFormat::from_bytes(bytes);
    match format {
        FileFormat::JointPhotographicExpertsGroup => Ok(MediaType::Jpeg),
        // An animated one is a PNG picture to who does not know better.
        FileFormat::PortableNetworkGraphics | FileFormat::AnimatedPortableNetworkGraphics => Ok(MediaType::Png),
        FileFormat::GraphicsInterchangeFormat => Ok(MediaType::Gif),
        // Brands of cameras and players that nobody else has.
        FileFormat::Mpeg4Part14 | FileFormat::AppleItunesVideo => Ok(MediaType::Mp4),
        FileFormat::Mpeg12Video => Ok(MediaType::Mpeg),
        FileFormat::Mpeg12AudioLayer2 | FileFormat::Mpeg12AudioLayer3 => Ok(MediaType::Mp3),
        // The tag stands before other things than MPEG audio, too.
        FileFormat::Id3v2 if whole::mp3::is_audio_after_tag(bytes) => Ok(MediaType::Mp3),
        FileFormat::PortableDocumentFormat => Ok(MediaType::Pdf),
        // Nothing is known by its first octets: something may stand before it.
        FileFormat::ArbitraryBinaryData | FileFormat::PlainText => behind_something(bytes),
        other => Err(NotMedia::Unsupported(other.media_type().to_owned())),
    }
}

/// The types that players and readers find behind other octets.
fn behind_something(bytes: &[u8]) -> Result<MediaType, NotMedia> {
    match () {
        () if whole::pdf::begins_later(bytes) => Ok(MediaType::Pdf),
        () if whole::mpeg::begins_later(bytes) => Ok(MediaType::Mpeg),
        () if whole::mp3::begins_later(bytes) => Ok(MediaType::Mp3),
        () => Err(NotMedia::Unsupported("of no type that is known".to_owned())),
    }
}

/// RFC 6350 made `text/vcard` of what had been `text/x-vcard`; handsets and servers of both ages live.
fn name_of_card(claimed: &str) -> MediaType {
    if MediaType::parse(claimed) == Some(MediaType::XVcard) { MediaType::XVcard } else { MediaType::Vcard }
}
