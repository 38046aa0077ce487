//! The first events of a message's life. That of its acceptance is told from the message itself, which never changes: a
//! row of its own would say the same again for every message.

use model::event::{Event, EventKind};
use model::{Message, MessageId, Mode, ScreeningRecord, Timestamp};

use crate::life::NewEvent;

/// What the event of its acceptance says of a message.
pub(crate) struct Accepted<'m> {
    pub(crate) at: Timestamp,
    pub(crate) encoding: &'m str,
    pub(crate) segments: u16,
    pub(crate) mode: Mode,
    pub(crate) is_mms: bool,
    pub(crate) has_media: bool,
}

impl Accepted<'_> {
    /// The event. It tells nothing of the text.
    pub(crate) fn event(&self) -> Event {
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
pub(crate) fn flagged(message: &Message, found: &ScreeningRecord) -> NewEvent {
    NewEvent::plain(message.id, message.created_at, EventKind::Flagged, found.categories.join(", "))
}

/// The event that a message is a copy of an earlier one.
pub(crate) fn copied(message: &Message, original: MessageId) -> NewEvent {
    NewEvent::plain(message.id, message.created_at, EventKind::Again, format!("a copy of {original}"))
}
