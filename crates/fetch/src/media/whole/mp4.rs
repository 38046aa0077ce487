//! MP4 (ISO/IEC 14496-12): boxes that fill the file, among them the one that describes the tracks and one that holds
//! their data.
//!
//! `ftyp` says which brands a file keeps to. It need not be the first box, and its major brand need not be one of MP4
//! if a compatible brand is. What follows the boxes that a film is made of may be cut, or be no box at all.

use super::Whole;
use super::input::Input;

/// Brands of MP4 (14496-12 annex E, 14496-14, and the register of brands at mp4ra.org, which has `piff`, `cmf2`, `av01`
/// and `dby1`): what a player of `video/mp4` plays. `isml` and `hev1` are not in the register; files that have them as
/// major brand name `piff` or `iso2` beside it.
const BRANDS: [&[u8; 4]; 30] = [
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"isoa", b"isob", b"isoc",
    b"mp41", b"mp42", b"mp71", b"avc1", b"hvc1", b"mp4v", b"M4V ", b"M4VH", b"M4VP", b"f4v ", b"dash", b"cmfc",
    b"cmf2", b"av01", b"dby1", b"piff", b"MSNV", b"XAVC",
];

/// Families with a type of their own, by how their major brand begins, that name compatible brands of MP4 all the same:
/// sound, pictures, raw photographs.
const OTHERS: [&[u8]; 23] = [
    b"M4A", b"M4B", b"M4P", b"F4A", b"F4B", b"f4a", b"f4b", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx",
    b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"avif", b"avis", b"crx", b"jp", b"mj",
];

/// Families that are MP4 to phones and players where they name a compatible brand of it, unless they are served under
/// their own name.
const RELATIVES: [(&[u8], &str); 4] =
    [(b"3gp", "video/3gpp"), (b"3ge", "video/3gpp"), (b"3g2", "video/3gpp2"), (b"qt", "video/quicktime")];

/// Boxes that may stand before `ftyp`, and mean nothing.
const FILLERS: [&[u8; 4]; 4] = [b"free", b"skip", b"wide", b"uuid"];

/// How many of them at most.
const FILLERS_MAX: usize = 16;

/// Boxes that a film is made of: where one of these is cut, so is the film.
const SUBSTANCE: [&[u8; 4]; 4] = [b"moov", b"mdat", b"moof", b"ftyp"];

/// Whether this is MP4 by its brands. `claimed` is the type under which it was served, in small letters and without
/// parameters.
pub(in crate::media) fn begins(bytes: &[u8], claimed: &str) -> bool {
    let mut input = Input(bytes);
    for _ in 0..FILLERS_MAX {
        match next(&mut input) {
            Ok(Some((b"ftyp", brands))) => return is_mp4(brands.0, claimed),
            Ok(Some((kind, _))) if FILLERS.iter().any(|filler| *filler == kind) => {}
            // One that is cut has its brands at its beginning as well.
            Err(_) if bytes.get(4..8) == Some(b"ftyp") => return is_mp4(&bytes[8..], claimed),
            _ => return false,
        }
    }
    false
}

fn is_mp4(brands: &[u8], claimed: &str) -> bool {
    let is_ours = |brand: &[u8]| BRANDS.iter().any(|ours| *ours == brand);
    let Some(major) = brands.get(..4) else { return false };
    if is_ours(major) {
        return true;
    }
    let is_other = OTHERS.iter().any(|family| major.starts_with(family));
    let is_itself = RELATIVES.iter().any(|(family, name)| major.starts_with(family) && claimed == *name);
    // The major brand, its version, and those that it is compatible with.
    !is_other && !is_itself && brands.get(8..).unwrap_or_default().chunks_exact(4).any(is_ours)
}

pub(super) fn check(bytes: &[u8]) -> Whole {
    let (mut has_tracks, mut has_data) = (false, false);
    let mut input = Input(bytes);
    loop {
        let rest = input.0;
        match next(&mut input) {
            Ok(None) => break,
            Ok(Some((b"moov", body))) => has_tracks |= contains(body, b"trak")?,
            Ok(Some((b"mdat", body))) => has_data |= !body.0.is_empty(),
            Ok(Some(_)) => {}
            Err(what) => {
                let is_substance =
                    rest.get(4..8).is_some_and(|kind| SUBSTANCE.iter().any(|substance| *substance == kind));
                if is_substance || !has_tracks || !has_data {
                    return Err(what);
                }
                break;
            }
        }
    }
    match (has_tracks, has_data) {
        (true, true) => Ok(()),
        (false, _) => Err("it describes no track"),
        (_, false) => Err("its tracks have no data"),
    }
}

/// Whether one of the boxes in a box is of this type.
fn contains(mut input: Input<'_>, wanted: &[u8; 4]) -> Result<bool, &'static str> {
    while let Some((kind, _)) = next(&mut input)? {
        if kind == wanted {
            return Ok(true);
        }
    }
    Ok(false)
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
