//! JPEG (ITU-T T.81, annex B): segments, a frame, scans, and the end of the image. A thumbnail lies within a segment,
//! so its end is not taken for the picture's.
//!
//! Viewers need no end of the image where they have every block of it, and an end that was put behind a cut picture
//! brings no block back. Whether every block is there is walked in sequential pictures (`scan`). A progressive one
//! without its end may lack the scans that make it sharp.

use super::input::Input;
use super::scan::{Blocks, Sequential};
use super::{CUT, Whole};

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const HUFFMAN_TABLES: u8 = 0xC4;
const RESTART_INTERVAL: u8 = 0xDD;

pub(super) fn check(bytes: &[u8]) -> Whole {
    let mut input = Input(bytes);
    if input.take(2)? != [0xFF, START_OF_IMAGE] {
        return Err("it has no beginning");
    }
    let (mut frames, mut scans) = (0, 0);
    let mut blocks = Sequential::default();
    loop {
        match marker(&mut input)? {
            END_OF_IMAGE if scans > 0 => return if blocks.lacks_any() { Err(CUT) } else { Ok(()) },
            END_OF_IMAGE => return Err("there is no picture in it"),
            START_OF_SCAN if frames > 0 => {
                let header = segment(&mut input)?;
                match skip_scan(&mut input) {
                    Some(data) => drop(blocks.take_scan(header, data)),
                    None if blocks.take_scan(header, input.0) == Blocks::All && blocks.has_every_scan() => {
                        return Ok(());
                    }
                    None => return Err(CUT),
                }
                scans += 1;
            }
            START_OF_SCAN => return Err("its scan has no frame"),
            code if is_frame(code) => {
                let header = segment(&mut input)?;
                frame(Input(header))?;
                blocks.note_frame(code, header);
                frames += 1;
            }
            HUFFMAN_TABLES => blocks.note_tables(segment(&mut input)?),
            RESTART_INTERVAL => blocks.note_restarts(segment(&mut input)?),
            code if stands_alone(code) => {}
            _ => drop(segment(&mut input)?),
        }
    }
}

/// The next marker. Decoders skip what stands before one, and so do we.
fn marker(input: &mut Input<'_>) -> Result<u8, &'static str> {
    loop {
        while input.u8()? != 0xFF {}
        let mut code = input.u8()?;
        while code == 0xFF {
            code = input.u8()?;
        }
        if code != 0 {
            return Ok(code);
        }
    }
}

/// What a segment holds. Its length counts itself.
fn segment<'a>(input: &mut Input<'a>) -> Result<&'a [u8], &'static str> {
    let length = usize::from(input.u16()?).checked_sub(2).ok_or("a segment has no length")?;
    input.take(length)
}

/// `SOF0` to `SOF15`, among which `DHT`, `JPG` and `DAC` stand.
const fn is_frame(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC)
}

/// `TEM`, `RST0` to `RST7`, and a second `SOI`.
const fn stands_alone(code: u8) -> bool {
    matches!(code, 0x01 | 0xD0..=0xD8)
}

/// Precision, lines (0 where a later marker tells them), samples in a line, components.
fn frame(mut input: Input<'_>) -> Whole {
    let (_precision, _lines, width, components) = (input.u8()?, input.u16()?, input.u16()?, input.u8()?);
    if width == 0 || components == 0 { Err("its frame is empty") } else { Ok(()) }
}

/// Entropy-coded data, to the marker behind them. `FF 00` is data, and restart markers belong to it. `None` where there
/// is no marker any more.
fn skip_scan<'a>(input: &mut Input<'a>) -> Option<&'a [u8]> {
    let is_end = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7);
    let length = input.0.windows(2).position(is_end)?;
    input.take(length).ok()
}
