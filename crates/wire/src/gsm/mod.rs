//! Text as handsets carry it: the GSM 7 bit default alphabet (3GPP TS 23.038), UCS-2, and their segments (3GPP TS
//! 23.040).

pub mod alphabet;
pub mod encoding;
pub mod measure;
pub mod national;
pub mod packed;
pub mod segment;
pub mod transliterate;

pub use encoding::Encoding;
pub use measure::{Measure, Ucs2Character, measure, ucs2_characters};
pub use segment::{Cut, Segment, SplitError, cut};
pub use transliterate::transliterate;
