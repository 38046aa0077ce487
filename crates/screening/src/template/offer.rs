//! The template that fits texts of one shape, for an operator to approve.
//!
//! What differs between the texts becomes a placeholder; of a single text, what usually varies does: numbers, amounts,
//! codes, dates and the paths of links. Telephone numbers and hosts stay: they say who sends. What is offered can be
//! approved as it stands, and the text that it was made for passes under it.

mod pieces;

use std::collections::HashSet;
use std::fmt::Write as _;

use super::{Template, TemplateError};
use crate::policy::Policy;
use crate::screen::Screen;
use pieces::{Kind, Piece, pieces};

/// Comparisons of pieces that one offer may cost.
const COMPARISONS_MAX: usize = 4_000_000;

/// A template for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its text, with placeholders `{1}`, `{2}` and so on.
    pub text: String,
    /// For each text: whether it passes under the template. The first always does.
    pub fits: Vec<bool>,
}

/// A part of the template that is being made.
#[derive(Clone, Copy)]
enum Slot<'t> {
    Fixed(Piece<'t>),
    Varies { space: bool, is_path: bool },
}

/// The template that the first of `texts` and as many others as possible pass under.
///
/// # Errors
/// Where not even the first text can be a template by itself, [`TemplateError`] says why.
pub fn offer<'t>(texts: &[&'t str], policy: &Policy, screen: &Screen) -> Result<Offer, TemplateError> {
    let Some(first) = texts.first() else { return Err(TemplateError::TooLittle) };
    let mut seen = HashSet::new();
    let distinct: Vec<&'t str> = texts.iter().copied().filter(|text| seen.insert(*text)).collect();
    let base = pieces(first);
    let common = || if distinct.len() > 1 { align(&base, &distinct[1..]) } else { masked(&base, screen) };
    let literally = || base.iter().copied().map(Slot::Fixed).collect();
    let alone = || masked(&base, screen);
    let attempts: [&dyn Fn() -> Vec<Slot<'t>>; 3] = [&common, &alone, &literally];
    let mut failed = TemplateError::Unfit;
    for attempt in attempts {
        let text = render(&attempt());
        let template = Template::parse(&text).and_then(|template| template.check(screen).map(|()| template));
        match template {
            Ok(template) if template.passes(first, policy, screen) => {
                let passing: HashSet<&str> =
                    distinct.iter().copied().filter(|text| template.passes(text, policy, screen)).collect();
                return Ok(Offer { text, fits: texts.iter().map(|text| passing.contains(text)).collect() });
            }
            Ok(_) => failed = TemplateError::Unfit,
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// One text alone: what usually varies.
fn masked<'t>(base: &[Piece<'t>], screen: &Screen) -> Vec<Slot<'t>> {
    let mut host_is_shared = false;
    let slot = |piece: &Piece<'t>| {
        if let Kind::Host(host) = piece.kind {
            host_is_shared = screen.domains().is_shared(&pieces::host_of(host));
        }
        let varies = match piece.kind {
            Kind::Path => !host_is_shared,
            Kind::Varying => true,
            Kind::Word | Kind::Host(_) | Kind::Line => false,
        };
        if varies { varying(piece) } else { Slot::Fixed(*piece) }
    };
    base.iter().map(slot).collect()
}

fn varying<'t>(piece: &Piece<'t>) -> Slot<'t> {
    Slot::Varies { space: piece.space, is_path: piece.kind == Kind::Path }
}

/// What all texts have in common.
fn align<'t>(base: &[Piece<'t>], others: &[&'t str]) -> Vec<Slot<'t>> {
    // No brace can be fixed.
    let fixed = |piece: &Piece<'t>| if piece.is_brace() { varying(piece) } else { Slot::Fixed(*piece) };
    let mut slots: Vec<Slot<'t>> = base.iter().map(fixed).collect();
    let mut budget = COMPARISONS_MAX;
    for other in others {
        let other = pieces(other);
        let Some(left) = budget.checked_sub((slots.len() + 1) * (other.len() + 1)) else { break };
        budget = left;
        slots = with_gaps(&slots, &other);
    }
    slots
}

/// `slots` with a placeholder wherever `other` differs.
fn with_gaps<'t>(slots: &[Slot<'t>], other: &[Piece<'t>]) -> Vec<Slot<'t>> {
    let mut out: Vec<Slot<'t>> = Vec::with_capacity(slots.len());
    // Where each common piece stands that is still kept: in `out`, in `slots`, in `other`.
    let mut kept: Vec<(usize, usize, usize)> = Vec::new();
    let (mut at, mut at_other) = (0, 0);
    for (place, place_other) in longest_common(slots, other) {
        if let Some(gap) = gap(&slots[at..place], &other[at_other..place_other]) {
            kept.push((out.len(), at, at_other));
            out.extend(gap);
            out.push(slots[place]);
            (at, at_other) = (place + 1, place_other + 1);
        }
    }
    loop {
        if let Some(gap) = gap(&slots[at..], &other[at_other..]) {
            out.extend(gap);
            return out;
        }
        // One of the two has nothing behind the last common piece: that piece varies, too.
        let Some((length, before, before_other)) = kept.pop() else { return out };
        out.truncate(length);
        (at, at_other) = (before, before_other);
    }
}

/// The placeholders for what stands between two common pieces; `None` where only one of the two texts has something
/// there, since no value is empty.
fn gap<'t>(slots: &[Slot<'t>], other: &[Piece<'t>]) -> Option<Vec<Slot<'t>>> {
    let (Some(first), Some(first_other)) = (slots.first(), other.first()) else {
        return (slots.is_empty() && other.is_empty()).then(Vec::new);
    };
    let (space, is_path) = match first {
        Slot::Fixed(piece) => (piece.space, piece.kind == Kind::Path),
        Slot::Varies { space, is_path } => (*space, *is_path),
    };
    if is_path && first_other.kind == Kind::Path {
        let mut found = vec![Slot::Varies { space: false, is_path }];
        found.extend(gap(&slots[1..], &other[1..])?);
        return Some(found);
    }
    Some(vec![Slot::Varies { space: space && first_other.space, is_path: false }])
}

/// The longest sequence of pieces that both have, as places in `slots` and in `other`.
fn longest_common(slots: &[Slot<'_>], other: &[Piece<'_>]) -> Vec<(usize, usize)> {
    let is_same = |slot: &Slot<'_>, piece: &Piece<'_>| match slot {
        Slot::Fixed(fixed) => fixed.key == piece.key && !piece.is_brace(),
        Slot::Varies { .. } => false,
    };
    let width = other.len() + 1;
    // How long it is from each pair of places on.
    let mut lengths = vec![0_u16; (slots.len() + 1) * width];
    for at in (0..slots.len()).rev() {
        for at_other in (0..other.len()).rev() {
            lengths[at * width + at_other] = if is_same(&slots[at], &other[at_other]) {
                lengths[(at + 1) * width + at_other + 1].saturating_add(1)
            } else {
                lengths[(at + 1) * width + at_other].max(lengths[at * width + at_other + 1])
            };
        }
    }
    let (mut at, mut at_other, mut found) = (0, 0, Vec::new());
    while at < slots.len() && at_other < other.len() {
        if is_same(&slots[at], &other[at_other]) {
            found.push((at, at_other));
            (at, at_other) = (at + 1, at_other + 1);
        } else if lengths[(at + 1) * width + at_other] >= lengths[at * width + at_other + 1] {
            at += 1;
        } else {
            at_other += 1;
        }
    }
    found
}

fn render(slots: &[Slot<'_>]) -> String {
    let (mut text, mut number, mut was_varying) = (String::new(), 0, false);
    for slot in slots {
        let (space, is_varying) = match slot {
            Slot::Fixed(piece) => (piece.space, false),
            Slot::Varies { space, .. } => (*space, true),
        };
        if space && !text.is_empty() {
            text.push(' ');
        }
        match slot {
            Slot::Fixed(piece) => text.push_str(piece.text),
            // Values with nothing between them are one.
            Slot::Varies { .. } if was_varying && !space => {}
            Slot::Varies { .. } => {
                number += 1;
                let _ = write!(text, "{{{number}}}");
            }
        }
        was_varying = is_varying;
    }
    text
}
