//! GIF (the specification of version 89a): the screen, then blocks to the trailer.
//!
//! What stands where a block should begin ends the file once there is a picture, as it does for browsers: the trailer,
//! an extension that is cut, other octets, or nothing. The last picture may lack the empty block behind its data if
//! these have every pixel.

use super::deflate::LowFirst;
use super::input::Input;
use super::{CUT, Whole};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;

pub(super) fn check(bytes: &[u8]) -> Whole {
    let mut input = Input(bytes);
    // The signature, and the screen's width and height.
    input.take(6 + 4)?;
    let flags = input.u8()?;
    // The background and the aspect ratio.
    input.take(2)?;
    skip_colours(&mut input, flags)?;
    let mut pictures = 0;
    loop {
        match input.u8() {
            Ok(EXTENSION) => {
                // What kind of extension it is, and its blocks. No pixel is in it.
                let whole = input.u8().and_then(|_| blocks(&mut input).0);
                if whole.is_err() {
                    return if pictures > 0 { Ok(()) } else { whole };
                }
            }
            Ok(IMAGE) => {
                picture(&mut input)?;
                pictures += 1;
            }
            _ if pictures > 0 => return Ok(()),
            Ok(_) => return Err("there is no picture in it"),
            Err(cut) => return Err(cut),
        }
    }
}

fn picture(input: &mut Input<'_>) -> Whole {
    // Its place.
    input.take(4)?;
    let (width, height, flags) = (input.take(2)?, input.take(2)?, input.u8()?);
    skip_colours(input, flags)?;
    // How many bits the codes of its pixels begin with.
    let bits = input.u8()?;
    match blocks(input) {
        (Ok(()), _) => Ok(()),
        (Err(_), data) => {
            let side = |side: &[u8]| u64::from(side[0]) | u64::from(side[1]) << 8;
            let octets = data.into_iter().flatten().copied();
            if has_pixels(LowFirst::new(octets), bits.into(), side(width) * side(height)) { Ok(()) } else { Err(CUT) }
        }
    }
}

/// Skips a table of colours, if the flags say that there is one.
fn skip_colours(input: &mut Input<'_>, flags: u8) -> Whole {
    if flags & 0x80 != 0 {
        input.take(3 << ((flags & 0x07) + 1))?;
    }
    Ok(())
}

/// Reads blocks that each begin with their length, to the empty one that ends them. Where they are cut, what there is
/// of them.
fn blocks<'a>(input: &mut Input<'a>) -> (Whole, Vec<&'a [u8]>) {
    let mut read = Vec::new();
    loop {
        match input.u8() {
            Ok(0) => return (Ok(()), read),
            Ok(length) => {
                let rest = input.0;
                match input.take(length.into()) {
                    Ok(block) => read.push(block),
                    Err(cut) => {
                        read.push(rest);
                        return (Err(cut), read);
                    }
                }
            }
            Err(cut) => return (Err(cut), read),
        }
    }
}

/// Whether data have so many pixels: codes of variable length (appendix F), of which only the lengths of what they mean
/// are kept.
fn has_pixels(mut codes: LowFirst<impl Iterator<Item = u8>>, bits: u32, wanted: u64) -> bool {
    const CODES_MAX: usize = 1 << 12;
    if !(1..=11).contains(&bits) {
        return false;
    }
    let (clear, end) = (1 << bits, (1 << bits) + 1);
    let mut lengths: Vec<u64> = vec![1; end + 1];
    let (mut width, mut before, mut found) = (bits + 1, None, 0);
    while found < wanted {
        let Some(code) = codes.take(width).map(|code| code as usize) else { return false };
        if code == clear {
            lengths.truncate(end + 1);
            (width, before) = (bits + 1, None);
            continue;
        }
        if code == end {
            return false;
        }
        if let Some(before) = before
            && lengths.len() < CODES_MAX
        {
            lengths.push(before + 1);
            if lengths.len() == 1 << width && width < 12 {
                width += 1;
            }
        }
        let Some(length) = lengths.get(code) else { return false };
        found += *length;
        before = Some(*length);
    }
    true
}
