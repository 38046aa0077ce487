//! PNG (W3C PNG, third edition, section 5): chunks with sums, from `IHDR` to `IEND`.
//!
//! Sums are compared in the chunks that a picture is made of. In the others, and in `IEND`, viewers pass over a wrong
//! one (section 13.1), and so do we. The data must inflate to all rows of the picture. A file without `IEND` is whole
//! if they do and it is no animation.

use super::input::Input;
use super::{CUT, Whole, deflate};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1A\n";

pub(super) fn check(bytes: &[u8]) -> Whole {
    let mut input = Input(bytes);
    if input.take(SIGNATURE.len())? != SIGNATURE {
        return Err("it has no signature");
    }
    let Next::Chunk(b"IHDR", header) = next(&mut input)? else {
        return Err(if input.0.is_empty() { CUT } else { "its header is empty" });
    };
    let header = Header::read(Input(header))?;
    let mut data: Vec<&[u8]> = Vec::new();
    let mut is_animated = false;
    loop {
        match next(&mut input)? {
            Next::Chunk(b"IDAT", piece) => data.push(piece),
            Next::Chunk(b"acTL", _) => is_animated = true,
            Next::Chunk(..) => {}
            Next::End if data.is_empty() => return Err("there is no picture in it"),
            // Where nobody knows how long the rows are, the end suffices.
            Next::End => {
                return if header.octets().is_none_or(|octets| holds(&data, octets)) { Ok(()) } else { Err(CUT) };
            }
            // A later picture may be missing.
            Next::Cut(_) if is_animated => return Err(CUT),
            Next::Cut(piece) => {
                data.extend(piece);
                return if header.octets().is_some_and(|octets| holds(&data, octets)) { Ok(()) } else { Err(CUT) };
            }
        }
    }
}

/// Whether the data of a picture inflate to so many octets.
fn holds(data: &[&[u8]], octets: u64) -> bool {
    deflate::holds(data.iter().flat_map(|piece| piece.iter().copied()), octets)
}

/// What comes next.
enum Next<'a> {
    /// A chunk with its type and its data.
    Chunk(&'a [u8], &'a [u8]),
    /// `IEND`.
    End,
    /// The end of the file, and what is there of a chunk of picture data.
    Cut(Option<&'a [u8]>),
}

/// Reads the next chunk, whose sum is over type and data.
fn next<'a>(input: &mut Input<'a>) -> Result<Next<'a>, &'static str> {
    let Some((length, kind)) = input.u32().ok().zip(input.take(4).ok()) else {
        input.0 = &[];
        return Ok(Next::Cut(None));
    };
    if kind == b"IEND" {
        return Ok(Next::End);
    }
    if !kind.iter().all(u8::is_ascii_alphabetic) {
        return Err("there is something between its chunks");
    }
    let start = input.0;
    let Some((data, sum)) = input.take(length as usize).ok().zip(input.u32().ok()) else {
        input.0 = &[];
        let is_data = kind == b"IDAT";
        return Ok(Next::Cut(is_data.then(|| &start[..start.len().min(length as usize)])));
    };
    // A small first letter marks what a picture can be shown without (section 5.4).
    let is_needed = kind[0].is_ascii_uppercase();
    if is_needed && crc32(kind, data) != sum {
        return Err("a chunk is damaged");
    }
    Ok(Next::Chunk(kind, data))
}

/// What `IHDR` says (section 11.2.1).
struct Header {
    width: u32,
    height: u32,
    depth: u8,
    colour: u8,
    interlace: u8,
}

impl Header {
    fn read(mut input: Input<'_>) -> Result<Self, &'static str> {
        if input.0.len() != 13 {
            return Err("its header is empty");
        }
        let (width, height, depth, colour) = (input.u32()?, input.u32()?, input.u8()?, input.u8()?);
        // How it is packed and filtered, of which there is one way each.
        input.take(2)?;
        if width == 0 || height == 0 {
            Err("its header is empty")
        } else {
            Ok(Self { width, height, depth, colour, interlace: input.u8()? })
        }
    }

    /// How many octets the rows have together, each with the one that says how it is filtered; `None` where nobody
    /// knows.
    fn octets(&self) -> Option<u64> {
        let channels = match self.colour {
            0 | 3 => 1,
            2 => 3,
            4 => 2,
            6 => 4,
            _ => return None,
        };
        let pixel_bits = channels * u64::from(self.depth);
        let pass = |width: u64, height: u64| {
            if width == 0 { 0 } else { height.saturating_mul((width * pixel_bits).div_ceil(8) + 1) }
        };
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        match self.interlace {
            0 => Some(pass(width, height)),
            // The seven passes: where each begins, and its steps, across and down (section 8.2).
            1 => Some(
                [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
                    .iter()
                    .map(|(left, top, across, down): &(u64, u64, u64, u64)| {
                        pass(width.saturating_sub(*left).div_ceil(*across), height.saturating_sub(*top).div_ceil(*down))
                    })
                    .fold(0, u64::saturating_add),
            ),
            _ => None,
        }
    }
}

/// CRC-32 as in ISO/IEC 13239 and annex D of the PNG specification.
fn crc32(kind: &[u8], data: &[u8]) -> u32 {
    !kind.iter().chain(data).fold(!0, |crc, byte| TABLE[usize::from((crc as u8) ^ byte)] ^ (crc >> 8))
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_crc_catalogue() {
        assert_eq!(crc32(b"1234", b"56789"), 0xCBF4_3926);
    }

    #[test]
    fn a_picture_has_as_many_octets_as_its_rows() {
        let header = |width, height, depth, colour, interlace| Header { width, height, depth, colour, interlace };
        for (header, octets) in [
            (header(48, 32, 8, 2, 0), Some(32 * 145)),
            (header(9, 2, 1, 3, 0), Some(2 * 3)),
            (header(1, 1, 16, 6, 0), Some(9)),
            (header(1, 1, 8, 2, 1), Some(4)),
            (header(8, 8, 8, 0, 1), Some(2 + 2 + 3 + 2 * 3 + 2 * 5 + 4 * 5 + 4 * 9)),
            (header(u32::MAX, u32::MAX, 16, 6, 0), Some(u64::MAX)),
            (header(1, 1, 8, 7, 0), None),
        ] {
            assert_eq!(header.octets(), octets);
        }
    }
}
