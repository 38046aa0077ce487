//! MPEG audio (ISO/IEC 11172-3, 13818-3): frames, one after the other, between tags that players put before and after
//! them.
//!
//! Nothing says where a stream ends, so one whose last frame is cut is a shorter one, unless its writer said how many
//! frames there are. Players look for the next frame where there is none, and so do we: frames count where another of
//! the same kind follows.

use super::input::Input;
use super::{CUT, Whole};

/// What tags that may follow the last frame begin with.
const TAGS_BEHIND: [&[u8]; 5] = [b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI"];

/// How far behind a tag the first frame may be.
const AFTER_TAG_MAX: usize = 65_536;

/// How many frames in a row are no accident.
const FRAMES_IN_A_ROW: usize = 3;

pub(super) fn check(bytes: &[u8]) -> Whole {
    let mut input = Input(bytes);
    let has_tag = skip_tags(&mut input)?;
    let at = start(input.0, if has_tag { AFTER_TAG_MAX } else { 0 }).ok_or(if has_tag && input.0.len() < 4 {
        CUT
    } else {
        "there is no sound in it"
    })?;
    input.take(at)?;
    let promised = Frame::read(input.0).and_then(|frame| frame.promised(input.0));
    let mut frames: u32 = 0;
    loop {
        while let Some(frame) = Frame::read(input.0) {
            if input.take(frame.length).is_err() {
                input.0 = &[];
                break;
            }
            frames += 1;
        }
        // What no frames follow is left to its readers, as behind the end of a picture.
        let is_tag = TAGS_BEHIND.iter().any(|tag| input.starts_with(tag));
        let Some(at) = start(input.0, input.0.len()).filter(|_| !is_tag) else { break };
        input.take(at)?;
    }
    if promised.is_some_and(|promised| frames < promised) { Err(CUT) } else { Ok(()) }
}

/// Whether a frame of MPEG audio follows the tags at the beginning. One that is not there any more is taken for one.
pub(in crate::media) fn is_audio_after_tag(bytes: &[u8]) -> bool {
    let mut input = Input(bytes);
    match skip_tags(&mut input) {
        Ok(_) => input.0.len() < 4 || Frame::read(input.0).is_some() || start(input.0, AFTER_TAG_MAX).is_some(),
        Err(_) => true,
    }
}

/// Whether frames begin behind zeros or a tag of APE, where nothing else says what this is.
pub(in crate::media) fn begins_later(bytes: &[u8]) -> bool {
    let mut input = Input(bytes);
    skip_tags(&mut input).is_ok() && input.0.len() < bytes.len() && row(input.0, 0) >= FRAMES_IN_A_ROW
}

/// Where frames begin, at most so far in: the first place from which some follow each other, or all that is there.
fn start(bytes: &[u8], reach: usize) -> Option<usize> {
    let is_start = |at: &usize| {
        let whole = row(bytes, *at);
        let end = bytes.get(*at..).and_then(Frame::read).map_or(0, |frame| at + frame.length);
        let rest = bytes.get(end..).unwrap_or_default();
        // One alone is enough where nothing but a tag, or a frame that is cut, follows it.
        whole >= FRAMES_IN_A_ROW || whole >= 1 && *at == 0 && is_end(rest) || whole == 2 && *at == 0
    };
    (0..=reach.min(bytes.len())).filter(|at| bytes.get(*at) == Some(&0xFF)).find(is_start)
}

/// Whether nothing follows that would have to be a frame.
fn is_end(rest: &[u8]) -> bool {
    rest.len() < 4
        || rest.iter().all(|byte| *byte == 0)
        || TAGS_BEHIND.iter().any(|tag| rest.starts_with(tag))
        || Frame::read(rest).is_some()
}

/// How many whole frames of one kind follow each other from here, as far as it matters.
fn row(bytes: &[u8], mut at: usize) -> usize {
    let mut kind = None;
    for count in 0..FRAMES_IN_A_ROW {
        let Some(frame) =
            bytes.get(at..).and_then(Frame::read).filter(|frame| kind.is_none_or(|kind| frame.kind == kind))
        else {
            return count;
        };
        if bytes.len() - at < frame.length {
            return count;
        }
        kind = Some(frame.kind);
        at += frame.length;
    }
    FRAMES_IN_A_ROW
}

/// Skips what may stand before the first frame: zeros, tags of ID3 version 2 (id3.org, section 3.1), whose length is
/// four times seven bits, and those of APE. Whether there was a tag.
fn skip_tags(input: &mut Input<'_>) -> Result<bool, &'static str> {
    let mut has_tag = false;
    loop {
        let zeros = input.0.iter().position(|byte| *byte != 0).unwrap_or(input.0.len());
        input.take(zeros)?;
        if input.starts_with(b"ID3") {
            let header = input.take(10)?;
            let length = header[6..].iter().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7F));
            let footer = if header[5] & 0x10 == 0 { 0 } else { 10 };
            input.take(length + footer)?;
        } else if input.starts_with(b"APETAGEX") {
            let header = input.take(32)?;
            let length = header[12..16].iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
            input.take(length)?;
        } else {
            return Ok(has_tag);
        }
        has_tag = true;
    }
}

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    /// Bytes, with the header.
    length: usize,
    /// Where a count of frames would stand in it: behind what describes the channels.
    side: usize,
    /// What all frames of a stream have in common: version, layer and samples a second.
    kind: (u8, u8, u8),
}

/// Kilobits a second (11172-3, section 2.4.2.3; 13818-3, section 2.4.2.3): layers I, II and III of MPEG-1, layer I of
/// MPEG-2, layers II and III of MPEG-2.
const RATES: [[usize; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Samples a second of MPEG-1. MPEG-2 halves them, MPEG-2.5 halves them again.
const SAMPLES: [usize; 3] = [44_100, 48_000, 32_000];

impl Frame {
    /// Reads a header. `None` where there is none, or one whose length nobody can tell.
    fn read(bytes: &[u8]) -> Option<Self> {
        let [0xFF, second, third, fourth] = *bytes.first_chunk()? else { return None };
        if second & 0xE0 != 0xE0 {
            return None;
        }
        let halvings = match second >> 3 & 0x03 {
            0 => 2,
            2 => 1,
            3 => 0,
            _ => return None,
        };
        let layer = match second >> 1 & 0x03 {
            1 => 3,
            2 => 2,
            3 => 1,
            _ => return None,
        };
        let table = match (halvings, layer) {
            (0, layer) => layer - 1,
            (_, 1) => 3,
            _ => 4,
        };
        let bits = RATES[table].get(usize::from(third >> 4)).filter(|rate| **rate > 0)? * 1_000;
        let samples = SAMPLES.get(usize::from(third >> 2 & 0x03))? >> halvings;
        let padding = usize::from(third >> 1 & 0x01);
        let length = match (layer, halvings) {
            (1, _) => (12 * bits / samples + padding) * 4,
            (3, 1 | 2) => 72 * bits / samples + padding,
            _ => 144 * bits / samples + padding,
        };
        let side = match (halvings == 0, fourth >> 6 == 0b11) {
            (true, false) => 32,
            (false, true) => 9,
            _ => 17,
        };
        Some(Self { length, side, kind: (second >> 3 & 0x03, second >> 1 & 0x03, third >> 2 & 0x03) })
    }

    /// How many frames its writer promised, where it did in the way of Xing and LAME.
    fn promised(self, bytes: &[u8]) -> Option<u32> {
        let mut input = Input(bytes.get(4 + self.side..self.length)?);
        let name = input.take(4).ok()?;
        let has_count = (name == b"Xing" || name == b"Info") && input.u32().ok()? & 1 == 1;
        if has_count { input.u32().ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_specification() {
        for (header, length) in [
            ([0xFF, 0xFB, 0x90, 0x00], Some(417)),
            ([0xFF, 0xFB, 0x92, 0x00], Some(418)),
            ([0xFF, 0xF3, 0x80, 0xC0], Some(208)),
            ([0xFF, 0xE3, 0x48, 0xC0], Some(288)),
            ([0xFF, 0xFD, 0x84, 0x00], Some(384)),
            // No such rate, free rate, no such layer (AAC), no such version, no such sampling.
            ([0xFF, 0xFB, 0xF0, 0x00], None),
            ([0xFF, 0xFB, 0x00, 0x00], None),
            ([0xFF, 0xF1, 0x50, 0x80], None),
            ([0xFF, 0xEB, 0x90, 0x00], None),
            ([0xFF, 0xFB, 0x9C, 0x00], None),
        ] {
            assert_eq!(Frame::read(&header).map(|frame| frame.length), length, "{header:02X?}");
        }
    }
}
