//! Whether a file is all there: a walk over its structure from the first byte to its end, type by type.
//!
//! No picture is decoded. The line is drawn where viewers draw it: what they show without complaint is whole, though a
//! sum is wrong in a part that nobody shows, octets stand before, between or behind, or the trailer is missing. What is
//! cut in its substance, so that something would be missing of the picture, the film, the pages or the card, is not,
//! even where an end is put behind. Streams of sound and video have no end of their own, and are as long as what there
//! is of them. None of this panics on any bytes, or takes more than a few steps for each bit.
//! `docs/decisions/media-fetch.md` has the line type by type.

mod deflate;
mod gif;
mod huffman;
mod input;
mod jpeg;
pub(super) mod mp3;
pub(super) mod mp4;
pub(super) mod mpeg;
pub(super) mod pdf;
mod png;
mod scan;
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
