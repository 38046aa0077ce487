//! Whether a file is all there: a walk over its structure from the first byte to its end, type by type.
//!
//! No picture is decoded. What ends before its own structure does was cut on its way; what follows after the end is left to whoever reads the file, as cameras and taggers
//! put things there. None of this panics on any bytes, or takes more than a few steps for each.

mod gif;
mod input;
mod jpeg;
pub(super) mod mp3;
mod mp4;
mod mpeg;
mod pdf;
mod png;
pub(super) mod vcard;

use model::MediaType;

/// Nothing, or what is missing.
type Whole = Result<(), &'static str>;

/// What is said of a file that was cut.
const CUT: &str = "it ends too soon";

/// Checks that `bytes`, which begin as a file of this type does, are a whole one.
pub(super) fn check(kind: MediaType, bytes: &[u8]) -> Whole {
    match kind {
        MediaType::Jpeg => jpeg::check(bytes),
        MediaType::Png => png::check(bytes),
        MediaType::Gif => gif::check(bytes),
        MediaType::Mp4 => mp4::check(bytes),
        MediaType::Mpeg => mpeg::check(bytes),
        MediaType::Mp3 => mp3::check(bytes),
        MediaType::Pdf => pdf::check(bytes),
        MediaType::Vcard | MediaType::XVcard => vcard::check(bytes),
    }
}
