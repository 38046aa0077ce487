//! Media of an MMS: the nine types that may be sent, and the identity of stored files.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::id::MediaId;

/// The type of media, by their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// A photograph (JFIF, Exif).
    Jpeg,
    /// A PNG picture.
    Png,
    /// A GIF picture.
    Gif,
    /// An MPEG-4 video.
    Mp4,
    /// An MPEG-1 or MPEG-2 video.
    Mpeg,
    /// MPEG audio (MP3).
    Mp3,
    /// A PDF document.
    Pdf,
    /// A visiting card (RFC 6350).
    Vcard,
    /// A visiting card under the older name of its type, which some servers still use (vCard 2.1 and 3.0 before RFC
    /// 6350).
    XVcard,
}

impl MediaType {
    /// Every type, in the order of the public contract.
    pub const ALL: [Self; 9] =
        [Self::Jpeg, Self::Png, Self::Gif, Self::Mp4, Self::Mpeg, Self::Mp3, Self::Pdf, Self::Vcard, Self::XVcard];

    /// The type's name on the wire and in the store (RFC 6838).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Mp4 => "video/mp4",
            Self::Mpeg => "video/mpeg",
            Self::Mp3 => "audio/mpeg",
            Self::Pdf => "application/pdf",
            Self::Vcard => "text/vcard",
            Self::XVcard => "text/x-vcard",
        }
    }

    /// The type with exactly this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The file extension of this type, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Mp4 => "mp4",
            Self::Mpeg => "mpg",
            Self::Mp3 => "mp3",
            Self::Pdf => "pdf",
            Self::Vcard | Self::XVcard => "vcf",
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Media themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Their type.
    pub kind: MediaType,
    /// Their bytes: never more than [`MEDIA_BYTES_MAX`].
    pub bytes: Bytes,
}

impl Media {
    /// Their digest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// The SHA-256 of media (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Kept media: their properties, without their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMedia {
    /// Their id.
    pub id: MediaId,
    /// Their type.
    pub kind: MediaType,
    /// Their digest.
    pub digest: Digest,
    /// Their size in bytes.
    pub bytes: u64,
    /// The time at which they were stored.
    pub stored_at: Timestamp,
}

impl StoredMedia {
    /// The name under which their bytes are kept.
    pub fn name(&self) -> String {
        object_name(self.digest, self.id)
    }
}

/// The name of the object with the bytes of media. It begins with the digest; the id distinguishes a copy that is being
/// removed from a later one.
pub fn object_name(digest: Digest, id: MediaId) -> String {
    format!("{digest}-{id}")
}

/// The most bytes that media may have.
pub const MEDIA_BYTES_MAX: usize = 1_048_576;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_standard() {
        // FIPS 180-4, the example of NIST for the one-block message "abc".
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), wanted);
    }

    #[test]
    fn names_read_back() {
        assert!(MediaType::ALL.iter().all(|kind| MediaType::parse(kind.as_str()) == Some(*kind)));
        assert_eq!(MediaType::parse("image/jpg"), None);
    }
}
