//! MPEG-1 and MPEG-2 video: program streams (ISO/IEC 11172-1, 13818-1 section 2.5), packet by packet, or the bare video
//! (11172-2, 13818-2).
//!
//! A program stream says nowhere where it ends: one whose last packet is cut is a shorter one. Zeros may stand before
//! either, and anything behind.

use super::input::Input;
use super::{CUT, Whole};

const PICTURE: u8 = 0x00;
const SEQUENCE_HEADER: u8 = 0xB3;
const EXTENSION: u8 = 0xB5;
const SEQUENCE_END: u8 = 0xB7;
/// The last of the start codes of video (11172-2, section 2.4.2.2).
const SEQUENCE_GROUP: u8 = 0xB8;
const PROGRAM_END: u8 = 0xB9;
const PACK: u8 = 0xBA;
const VIDEO: std::ops::RangeInclusive<u8> = 0xE0..=0xEF;

/// Whether this is one that zeros stand before.
pub(in crate::media) fn begins_later(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0) && matches!(without_zeros(bytes), [0, 0, 1, PACK | SEQUENCE_HEADER, ..])
}

pub(super) fn check(bytes: &[u8]) -> Whole {
    let bytes = without_zeros(bytes);
    match bytes.get(3) {
        Some(&PACK) => program(Input(bytes)),
        Some(&SEQUENCE_HEADER) => video(bytes),
        _ => Err("it begins as no MPEG video does"),
    }
}

/// From the two zeros that belong to the first start code.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    &bytes[zeros.saturating_sub(2)..]
}

/// Packs and packets, each of which says how long it is.
fn program(mut input: Input<'_>) -> Whole {
    let mut has_video = false;
    loop {
        match packet(&mut input) {
            Ok(Some(is_video)) => has_video |= is_video,
            Ok(None) => return if has_video { Ok(()) } else { Err("there is no video in it") },
            // What is cut, or is no packet, comes after what can be shown.
            Err(_) if has_video => return Ok(()),
            Err(what) => return Err(what),
        }
    }
}

/// The next pack or packet, and whether there is video in it; `None` at the end.
fn packet(input: &mut Input<'_>) -> Result<Option<bool>, &'static str> {
    let Some(code) = start_code(input)? else { return Ok(None) };
    match code {
        PACK => pack_header(input).map(|()| Some(false)),
        PROGRAM_END => Ok(None),
        0xBB..=0xFF => {
            let length = input.u16()?;
            input.take(length.into())?;
            Ok(Some(VIDEO.contains(&code)))
        }
        _ => Err("there is something between its packets"),
    }
}

/// The next start code; `None` at the end. Zeros may stand before one.
fn start_code(input: &mut Input<'_>) -> Result<Option<u8>, &'static str> {
    let Some(zeros) = input.0.iter().position(|byte| *byte != 0) else { return Ok(None) };
    let prefix = input.take(zeros + 1)?;
    if zeros < 2 || prefix[zeros] != 1 {
        return Err("there is something between its packets");
    }
    input.u8().map(Some)
}

/// `0010` begins the header of MPEG-1, `01` that of MPEG-2, which may be stuffed.
fn pack_header(input: &mut Input<'_>) -> Whole {
    match input.u8()? >> 4 {
        0b0010 => drop(input.take(7)?),
        0b0100..=0b0111 => {
            let rest = input.take(9)?;
            input.take(usize::from(rest[8] & 0x07))?;
        }
        _ => return Err("a pack has no header"),
    }
    Ok(())
}

/// Video alone, which says nowhere how long it is: it is whole if its end code is there, or the last row of its last
/// picture.
fn video(bytes: &[u8]) -> Whole {
    let mut header = Input(bytes);
    header.take(4)?;
    let (size, rates) = (header.take(3)?, header.u8()?);
    let width = u16::from(size[0]) << 4 | u16::from(size[1] >> 4);
    let height = u16::from(size[1] & 0x0F) << 8 | u16::from(size[2]);
    // Eight rates of pictures and at most fourteen shapes of them are known (11172-2, section 2.4.3.2).
    if width == 0 || height == 0 || !(1..=8).contains(&(rates & 0x0F)) || matches!(rates >> 4, 0 | 15) {
        return Err("its header is none");
    }
    let codes = || bytes.windows(4).filter(|window| window.starts_with(&[0, 0, 1])).map(|window| window[3]);
    if !codes().any(|code| code == PICTURE) {
        return Err("there is no picture in it");
    }
    // A slice is numbered by its row of sixteen lines; in MPEG-2 a picture may be one of two fields.
    let rows = height.div_ceil(16);
    let least = if codes().any(|code| code == EXTENSION) { rows.div_ceil(2) } else { rows };
    // What no video has stands behind its end.
    match codes().rfind(|code| *code <= SEQUENCE_GROUP) {
        Some(SEQUENCE_END) => Ok(()),
        Some(slice @ 0x01..=0xAF) if u16::from(slice) >= least => Ok(()),
        _ => Err(CUT),
    }
}
