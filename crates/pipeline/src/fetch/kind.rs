//! What media are, by their bytes.
//!
//! The `file-format` library knows the signatures; `whole` knows whether a file of a type is all there. What a server claims is not believed, with one exception that changes
//! nothing about the bytes: a visiting card has two names, and keeps the one under which it is served.

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
    let kind = detect(bytes)?;
    whole::check(kind, bytes).map_err(|what| NotMedia::Broken(kind, what))?;
    Ok(if kind == MediaType::Vcard { name_of_card(claimed) } else { kind })
}

fn detect(bytes: &[u8]) -> Result<MediaType, NotMedia> {
    if whole::vcard::begins(bytes) {
        return Ok(MediaType::Vcard);
    }
    let format = FileFormat::from_bytes(bytes);
    match format {
        FileFormat::JointPhotographicExpertsGroup => Ok(MediaType::Jpeg),
        // An animated one is a PNG picture to who does not know better.
        FileFormat::PortableNetworkGraphics | FileFormat::AnimatedPortableNetworkGraphics => Ok(MediaType::Png),
        FileFormat::GraphicsInterchangeFormat => Ok(MediaType::Gif),
        // Apple's brand `M4V ` is MPEG-4 part 14 as well.
        FileFormat::Mpeg4Part14 | FileFormat::AppleItunesVideo => Ok(MediaType::Mp4),
        FileFormat::Mpeg12Video => Ok(MediaType::Mpeg),
        FileFormat::Mpeg12AudioLayer2 | FileFormat::Mpeg12AudioLayer3 => Ok(MediaType::Mp3),
        // The tag stands before other things than MPEG audio, too.
        FileFormat::Id3v2 if whole::mp3::is_audio_after_tag(bytes) => Ok(MediaType::Mp3),
        FileFormat::PortableDocumentFormat => Ok(MediaType::Pdf),
        other => Err(NotMedia::Unsupported(other.media_type().to_owned())),
    }
}

/// RFC 6350 made `text/vcard` of what had been `text/x-vcard`; handsets and servers of both ages live.
fn name_of_card(claimed: Option<&str>) -> MediaType {
    let name = claimed.and_then(|claimed| claimed.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    if MediaType::parse(&name) == Some(MediaType::XVcard) { MediaType::XVcard } else { MediaType::Vcard }
}
