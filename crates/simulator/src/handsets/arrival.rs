//! Segments that arrive: each begins a message on the screen of its handset, or belongs to one that is there.

use model::Timestamp;
use wire::smpp::Sm;

use super::book::Phone;
use super::bubble::{Bubble, Content, Direction, Fate, Segment};
use super::gathering::{Fit, Gathering, Piece, class, encoding, said};
use super::number::Number;
use super::seen::{By, Trace, What};

/// The message of a handset that a segment belongs to, if it is there.
pub(crate) fn fitting(phone: &Phone, piece: &Piece) -> Option<u64> {
    piece.key.as_ref()?;
    let fits = |bubble: &&Bubble| bubble.gathering.as_ref().is_some_and(|gathering| gathering.fit(piece) != Fit::None);
    phone.bubbles.iter().rev().find(fits).map(|bubble| bubble.id)
}

impl Bubble {
    /// A message of which this is the first segment that came.
    pub(crate) fn of_piece(id: u64, sm: &Sm, piece: Piece, arrived: Segment, at: Timestamp, seen: What) -> Self {
        let total = piece.key.as_ref().map_or(1, |key| usize::from(key.total));
        let mut segments = vec![Segment::new(Fate::Missing); total];
        if let Some(segment) = segments.get_mut(usize::from(piece.number) - 1) {
            *segment = arrived;
        }
        let (text, is_data) = said(std::slice::from_ref(&piece.data));
        let (encoding, class) = (encoding(piece.data_coding), class(piece.data_coding));
        let mut trace = Trace::default();
        trace.push(at, By::Platform, seen);
        Self {
            id,
            direction: Direction::Outbound,
            peer: sender(sm),
            content: Content::Sms { encoding, class, is_data },
            text,
            at,
            segments,
            gathering: piece.key.map(|key| Gathering::new(key, piece.number, piece.data)),
            trace,
        }
    }

    /// Adds a segment that fits.
    pub(crate) fn gather(&mut self, piece: Piece, arrived: Segment, at: Timestamp, seen: What) {
        self.trace.push(at, By::Platform, seen);
        let Some(gathering) = &mut self.gathering else { return };
        if gathering.fit(&piece) == Fit::Missing
            && let Some(segment) = self.segments.get_mut(usize::from(piece.number) - 1)
        {
            *segment = arrived;
        }
        gathering.add(piece);
        let (text, data) = gathering.text();
        self.text = text;
        if let Content::Sms { is_data, .. } = &mut self.content {
            *is_data = data;
        }
        if gathering.is_complete() {
            self.gathering = None;
        }
    }
}

/// The sender as a handset shows it.
fn sender(sm: &Sm) -> String {
    use wire::smpp::constants::ton;
    match Number::of(&sm.source) {
        Some(number) if sm.source.ton == ton::INTERNATIONAL => format!("+{}", number.digits()),
        Some(number) => number.digits().to_owned(),
        None => sm.source.text(),
    }
}
