//! PNG (W3C PNG, third edition, section 5): chunks with sums, from `IHDR` to `IEND`.

use super::Whole;
use super::input::Input;

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1A\n";

pub(super) fn check(bytes: &[u8]) -> Whole {
    let mut input = Input(bytes);
    if input.take(SIGNATURE.len())? != SIGNATURE {
        return Err("it has no signature");
    }
    let (kind, mut header) = chunk(&mut input)?;
    if kind != b"IHDR" || header.0.len() != 13 || header.u32()? == 0 || header.u32()? == 0 {
        return Err("its header is empty");
    }
    let mut has_picture = false;
    loop {
        match chunk(&mut input)?.0 {
            b"IDAT" => has_picture = true,
            b"IEND" if has_picture => return Ok(()),
            b"IEND" => return Err("there is no picture in it"),
            _ => {}
        }
    }
}

/// The type and the data of the next chunk, whose sum is over both.
fn chunk<'a>(input: &mut Input<'a>) -> Result<(&'a [u8], Input<'a>), &'static str> {
    let length = input.u32()? as usize;
    let start = input.0;
    let (kind, data) = (input.take(4)?, input.take(length)?);
    if crc32(&start[..4 + length]) != input.u32()? {
        return Err("a chunk is damaged");
    }
    Ok((kind, Input(data)))
}

/// CRC-32 as in ISO/IEC 13239 and annex D of the PNG specification.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| TABLE[usize::from((crc as u8) ^ byte)] ^ (crc >> 8))
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
    #[test]
    fn the_check_value_of_the_crc_catalogue() {
        assert_eq!(super::crc32(b"123456789"), 0xCBF4_3926);
    }
}
