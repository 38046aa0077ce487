//! MP4 (ISO/IEC 14496-12): boxes that fill the file, among them the one that describes the tracks and one that holds their data.

use super::Whole;
use super::input::Input;

pub(super) fn check(bytes: &[u8]) -> Whole {
    let (mut has_tracks, mut has_data) = (false, false);
    let mut input = Input(bytes);
    while let Some((kind, body)) = next(&mut input)? {
        match kind {
            b"moov" => has_tracks |= contains(body, b"trak")?,
            b"mdat" => has_data |= !body.0.is_empty(),
            _ => {}
        }
    }
    match (has_tracks, has_data) {
        (true, true) => Ok(()),
        (false, _) => Err("it describes no track"),
        (_, false) => Err("its tracks have no data"),
    }
}

/// Whether one of the boxes in a box is of this type. All of them are walked.
fn contains(mut input: Input<'_>, wanted: &[u8; 4]) -> Result<bool, &'static str> {
    let mut found = false;
    while let Some((kind, _)) = next(&mut input)? {
        found |= kind == wanted;
    }
    Ok(found)
}

/// The type and the body of the next box; `None` at the end. Some writers leave a few zeros there.
fn next<'a>(input: &mut Input<'a>) -> Result<Option<(&'a [u8], Input<'a>)>, &'static str> {
    if input.0.len() < 8 && input.0.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let (length, kind) = (input.u32()?, input.take(4)?);
    let body = match length {
        // To the end of the file.
        0 => std::mem::take(&mut input.0),
        1 => {
            let length = input.u64()?.checked_sub(16).ok_or("a box has no length")?;
            input.take(usize::try_from(length).map_err(|_| super::CUT)?)?
        }
        length => input.take(length.checked_sub(8).ok_or("a box has no length")? as usize)?,
    };
    Ok(Some((kind, Input(body))))
}
