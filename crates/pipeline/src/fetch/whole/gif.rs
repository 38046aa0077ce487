//! GIF (the specification of version 89a): the screen, then blocks to the trailer.

use super::Whole;
use super::input::Input;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;

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
        match input.u8()? {
            EXTENSION => {
                // What kind of extension it is.
                input.u8()?;
                skip_blocks(&mut input)?;
            }
            IMAGE => {
                // Its place and its size.
                input.take(8)?;
                let flags = input.u8()?;
                skip_colours(&mut input, flags)?;
                // How the codes of its pixels begin.
                input.u8()?;
                skip_blocks(&mut input)?;
                pictures += 1;
            }
            TRAILER if pictures > 0 => return Ok(()),
            TRAILER => return Err("there is no picture in it"),
            _ => return Err("there is a block that GIF does not know"),
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

/// Skips blocks that each begin with their length, and the empty one that ends them.
fn skip_blocks(input: &mut Input<'_>) -> Whole {
    loop {
        match input.u8()? {
            0 => return Ok(()),
            length => drop(input.take(length.into())?),
        }
    }
}
