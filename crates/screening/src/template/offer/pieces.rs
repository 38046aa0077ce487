//! A text in pieces: what a template may keep or let vary.

use crate::text::fold::fold;
use crate::text::{hash, join, links};

/// A piece of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'t> {
    /// As it was typed.
    pub(super) text: &'t str,
    /// White space stands before it.
    pub(super) space: bool,
    pub(super) kind: Kind<'t>,
    /// The same for pieces that a template compares as equal.
    pub(super) key: u64,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// A word, a telephone number or a sign.
    Word,
    /// What usually varies: whatever else has a digit.
    Varying,
    /// A link up to its host, and the sign behind it.
    Host(&'t str),
    /// What follows in the link.
    Path,
    /// A line break.
    Line,
}

impl<'t> Piece<'t> {
    fn new(text: &'t str, space: bool, kind: Kind<'t>) -> Self {
        let folded = hash(fold(text).text.as_bytes());
        Self { text, space, kind, key: join(folded, u64::from(space) << 1 | u64::from(kind == Kind::Path)) }
    }

    /// Braces are no part of the fixed text of a template.
    pub(super) fn is_brace(&self) -> bool {
        self.text.contains(['{', '}'])
    }
}

/// The host that a piece of its kind names.
pub(super) fn host_of(text: &str) -> String {
    links::find(&fold(text)).first().map(|link| link.host.clone()).unwrap_or_default()
}

/// Cuts a text at white space, signs around words, and behind the hosts of links.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for line in text.trim().split(['\n', '\r']) {
        if line.trim().is_empty() {
            continue;
        }
        if !pieces.is_empty() {
            pieces.push(Piece::new("\n", false, Kind::Line));
        }
        let chunks: Vec<&str> = line.split_whitespace().collect();
        for (at, chunk) in chunks.iter().enumerate() {
            let is_first = at == 0;
            let is_phone = is_phone(&chunks, at);
            add(chunk, !is_first, is_phone, &mut pieces);
        }
    }
    pieces
}

/// Adds the pieces of what stands between white space.
fn add<'t>(chunk: &'t str, space: bool, is_phone: bool, pieces: &mut Vec<Piece<'t>>) {
    let Some((from, path, to)) = link_in(chunk) else { return add_word(chunk, space, is_phone, pieces) };
    if from > 0 {
        add_word(&chunk[..from], space, false, pieces);
    }
    pieces.push(Piece::new(&chunk[from..path], space && from == 0, Kind::Host(&chunk[from..path])));
    if path < to {
        pieces.push(Piece::new(&chunk[path..to], false, Kind::Path));
    }
    if to < chunk.len() {
        add_word(&chunk[to..], false, false, pieces);
    }
}

/// Adds a word, and the signs around it one by one.
fn add_word<'t>(chunk: &'t str, space: bool, is_phone: bool, pieces: &mut Vec<Piece<'t>>) {
    let core = chunk.trim_matches(|ch: char| !ch.is_alphanumeric());
    // An empty core is found at the end, behind all signs.
    let from = if core.is_empty() { chunk.len() } else { chunk.len() - chunk.trim_start_matches(is_sign).len() };
    let signs = |part: &'t str, offset: usize| {
        part.char_indices().map(move |(at, ch)| (offset + at, &part[at..at + ch.len_utf8()]))
    };
    let mut push = |at: usize, text: &'t str, kind: Kind<'t>| pieces.push(Piece::new(text, space && at == 0, kind));
    let sign_kind = |sign: &str| if sign == "{" || sign == "}" { Kind::Varying } else { Kind::Word };
    signs(&chunk[..from], 0).for_each(|(at, sign)| push(at, sign, sign_kind(sign)));
    if core.is_empty() {
        return;
    }
    let varies = !is_phone && core.chars().any(|ch| ch.is_ascii_digit()) || core.contains(['{', '}']);
    push(from, core, if varies { Kind::Varying } else { Kind::Word });
    signs(&chunk[from + core.len()..], from + core.len()).for_each(|(at, sign)| push(at, sign, sign_kind(sign)));
}

fn is_sign(ch: char) -> bool {
    !ch.is_alphanumeric()
}

/// Where the first link of a chunk begins, where its path does, and where it ends.
fn link_in(chunk: &str) -> Option<(usize, usize, usize)> {
    let folded = fold(chunk);
    let link = links::find(&folded).into_iter().next()?;
    // From octets of the folded text to those of the original.
    let octet = |at: usize| {
        let place = folded.origin.get(at).copied().unwrap_or(folded.length);
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        chunk.char_indices().nth(place).map_or(chunk.len(), |(octet, _)| octet)
    };
    let path = link.to - link.path.len() + usize::from(!link.path.is_empty());
    Some((octet(link.from), octet(path), octet(link.to)))
}

/// Whether a chunk is a telephone number or a part of one. It says who sends, as a host does.
fn is_phone(chunks: &[&str], at: usize) -> bool {
    let chunk = chunks[at].trim_matches(|ch| matches!(ch, '.' | ',' | ';' | ':' | '!' | '?'));
    let is_part = |ch: char| ch.is_ascii_digit() || matches!(ch, '+' | '-' | '.' | '(' | ')' | '/');
    if !chunk.chars().all(is_part) {
        return false;
    }
    let groups = |text: &str| -> Vec<usize> {
        text.split(|ch: char| !ch.is_ascii_digit()).filter(|group| !group.is_empty()).map(str::len).collect()
    };
    let own = groups(chunk);
    let digits: usize = own.iter().sum();
    let is_area = chunk.starts_with('(') && chunk.ends_with(')');
    // `888 555 0134`, one chunk each.
    let around: Vec<usize> = (at.saturating_sub(2)..(at + 3).min(chunks.len()))
        .map(|place| {
            let chunk = chunks[place].trim_matches(|ch: char| !ch.is_ascii_digit());
            if chunk.bytes().all(|byte| byte.is_ascii_digit()) { chunk.len() } else { 0 }
        })
        .collect();
    let is_apart = matches!(own[..], [3 | 4]) && around.windows(3).any(|three| three == [3, 3, 4]);
    chunk.starts_with('+') && digits >= 7
        || is_area && digits == 3
        || own.ends_with(&[3, 4])
        || matches!(own[..], [10 | 11])
        || is_apart
}
