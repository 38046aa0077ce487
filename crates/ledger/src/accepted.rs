//! The first events of a message's life. That of its acceptance is told from the message itself, which never changes: a
//! row of its own would say the same again for every message.

use model::event::{Event, EventKind};
use model::{Message, MessageId, Mode, ScreeningRecord, Timestamp};

use crate::life::NewEvent;

/// What the event of its acceptance says of a message.
pub struct Accepted<'m> {
    /// The time of acceptance.
    pub at: Timestamp,
    /// The encoding, as events name it.
    pub encoding: &'m str,
    /// The number of segments.
    pub segments: u16,
    /// The world of the message.
    pub mode: Mode,
    /// Whether it is an MMS.
    pub is_mms: bool,
    /// Whether it has media.
    pub has_media: bool,
}

impl Accepted<'_> {
    /// The event. It tells nothing of the text.
    pub fn event(&self) -> Event {
        let Self { at, encoding, segments, mode, .. } = *self;
        let form = match (self.is_mms, self.has_media) {
            (true, true) => "MMS with media".to_owned(),
            (true, false) => "MMS".to_owned(),
            (false, _) => format!("{encoding}, {segments} segment{}", if segments == 1 { "" } else { "s" }),
        };
        let detail = format!("{form}, {} key", mode.as_str());
        Event { at, kind: EventKind::Accepted, carrier: None, attempt: None, detail }
    }
}

/// The event that the screen found something in a message's text and let it pass.
pub fn flagged(message: &Message, found: &ScreeningRecord) -> NewEvent {
    NewEvent::plain(message.id, message.created_at, EventKind::Flagged, found.categories.join(", "))
}

/// The event that a message is a copy of an earlier one.
pub fn copied(message: &Message, original: MessageId) -> NewEvent {
    NewEvent::plain(message.id, message.created_at, EventKind::Again, format!("a copy of {original}"))
}
