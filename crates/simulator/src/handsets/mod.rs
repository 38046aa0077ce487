//! Handsets: what the people see whom messages are for.
//!
//! A handset appears when it is first texted. It shows messages as a telephone does, segments put together, and it is
//! on, off, full, slow or rejecting. Everything is in memory, and bounded: 200 handsets, 200 messages of each, 64 MB.
//! What is left out is counted.
//!
//! Reading order: [`Number`], [`Switch`] (what a handset does with messages), `bubble` (a message on its screen),
//! `gathering` (segments put together), `seen` (what went over the wire), `book` (all handsets), then [`Handsets`].
//! `view` shows them as JSON, and `screen` is for pages.

mod arrival;
mod book;
mod bubble;
mod gathering;
mod latest;
mod number;
mod screen;
mod seen;
mod switch;
mod view;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runtime::Runtime;
use tokio::sync::broadcast;
use wire::smpp::{Sm, Tlvs};

use arrival::fitting;
use book::Book;
pub use bubble::Picture;
pub(crate) use bubble::{Answer, Bubble, Content, Direction, Fate, Segment, Sent, Standing, Tick};
use gathering::Piece;
pub(crate) use latest::Wanted;
pub use number::Number;
pub(crate) use screen::{Excerpt, Screen, Thumbnail};
use seen::Trace;
pub(crate) use seen::{By, Shown, ShownContent, What};
pub use switch::Switch;
pub(crate) use switch::{Failure, Met};
pub(crate) use view::Progress;

/// Changes that a slow listener may be behind before it misses some.
const CHANGES_MAX: usize = 256;

/// Longer than this nothing waits for a handset.
const VALIDITY_MAX: Duration = Duration::from_secs(365 * 86_400);

/// Segments that wait for one handset.
const WAITING_MAX: usize = 500;

/// Something about a handset is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Counts changes.
    pub(crate) number_of_change: u64,
    /// Whose handset.
    pub(crate) handset: Number,
    /// Which message; `None` where the handset itself was switched.
    pub(crate) message: Option<u64>,
}

/// Where a segment of a message is: for what is said about it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) handset: Number,
    pub(crate) message: u64,
    /// From 0.
    pub(crate) segment: usize,
}

/// So many segments wait for a handset that no more are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// A multimedia message for a handset.
pub(crate) struct Multimedia {
    pub(crate) from: String,
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) wants_report: bool,
}

/// A message that a handset sends.
pub(crate) struct Written {
    pub(crate) to: String,
    pub(crate) text: String,
    pub(crate) pictures: Vec<Picture>,
    /// How an SMS is coded; `None` for an MMS.
    pub(crate) data_coding: Option<u8>,
    /// What is sent, in PDUs or mails.
    pub(crate) parts: usize,
}

/// All handsets of a simulated network.
pub struct Handsets {
    runtime: Arc<dyn Runtime>,
    book: Mutex<Book>,
    changes: broadcast::Sender<Change>,
    count: AtomicU64,
}

impl Handsets {
    /// No handsets yet.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        let (changes, _) = broadcast::channel(CHANGES_MAX);
        Self { runtime, book: Mutex::default(), changes, count: AtomicU64::new(0) }
    }

    /// What changes from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// How many changes there have been.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Switches a handset, which appears if it is not there.
    pub fn switch(&self, handset: &Number, to: Switch) {
        self.lock().phone(handset).switch.send_replace(to);
        self.tell(handset, None);
    }

    /// Whether it takes messages at once.
    pub(crate) fn is_on(&self, handset: &Number) -> bool {
        self.lock().find(handset).is_none_or(|phone| *phone.switch.borrow() == Switch::On)
    }

    /// A segment has come for a handset: it waits for it. `None` where the recipient is no number.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub(crate) fn came(&self, sm: &Sm, tlvs: &Tlvs, octets: &[u8]) -> Result<Option<Place>, QueueFull> {
        let Some(handset) = Number::of(&sm.destination) else { return Ok(None) };
        let (now, piece) = (self.runtime.now(), Piece::of(sm, tlvs));
        let mut book = self.lock();
        let phone = book.phone(&handset);
        if phone.waiting >= WAITING_MAX {
            return Err(QueueFull);
        }
        phone.waiting += 1;
        let segment = usize::from(piece.number) - 1;
        let wants_receipt = sm.registered_delivery & wire::smpp::constants::registered_delivery::RECEIPT_MASK != 0;
        let arrived = Segment { wants_receipt, ..Segment::new(Fate::Waiting) };
        let seen = What::Pdu(octets.to_vec());
        let message = match fitting(phone, &piece) {
            Some(message) => {
                book.change(&handset, message, |bubble| bubble.gather(piece, arrived, now, seen));
                message
            }
            None => book.add(&handset, |id| Bubble::of_piece(id, sm, piece, arrived, now, seen)),
        };
        drop(book);
        self.tell(&handset, Some(message));
        Ok(Some(Place { handset, message, segment }))
    }

    /// A multimedia message has come for a handset: it waits for it.
    pub(crate) fn came_by_mail(&self, handset: Number, mms: Multimedia, seen: What) -> Place {
        let now = self.runtime.now();
        let mut book = self.lock();
        book.phone(&handset).waiting += 1;
        let message = book.add(&handset, |id| {
            let mut trace = Trace::default();
            trace.push(now, By::Platform, seen);
            Bubble {
                id,
                direction: Direction::Outbound,
                peer: mms.from,
                content: Content::Mms { subject: mms.subject, pictures: mms.pictures },
                text: mms.text,
                at: now,
                segments: vec![Segment { wants_receipt: mms.wants_report, ..Segment::new(Fate::Waiting) }],
                gathering: None,
                trace,
            }
        });
        drop(book);
        self.tell(&handset, Some(message));
        Place { handset, message, segment: 0 }
    }

    /// A handset writes a message, whose parts are still to be sent. Returns its id.
    pub(crate) fn wrote(&self, handset: &Number, written: Written) -> u64 {
        let now = self.runtime.now();
        let content = match written.data_coding {
            Some(coding) => {
                Content::Sms { encoding: gathering::encoding(coding), class: gathering::class(coding), is_data: false }
            }
            None => Content::Mms { subject: None, pictures: written.pictures },
        };
        let message = self.lock().add(handset, |id| Bubble {
            id,
            direction: Direction::Inbound,
            peer: written.to,
            content,
            text: written.text,
            at: now,
            segments: vec![Segment::new(Fate::Received(now)); written.parts],
            gathering: None,
            trace: Trace::default(),
        });
        self.tell(handset, Some(message));
        message
    }

    /// Resolves when the handset has met a message that waits for it, at the latest when its validity ends.
    pub(crate) async fn meet(&self, handset: &Number, validity: Duration) -> Met {
        let deadline = self.runtime.instant() + validity.min(VALIDITY_MAX);
        let mut switch = self.lock().phone(handset).switch.subscribe();
        loop {
            let set = *switch.borrow_and_update();
            let takes = match set {
                Switch::On => return Met::Received,
                Switch::Full => return Met::Failed(Failure::Full),
                Switch::Rejecting => return Met::Failed(Failure::Rejected),
                Switch::Slow(time) => Some(time),
                Switch::Off => None,
            };
            let takes_it = self.runtime.sleep(takes.unwrap_or_default());
            tokio::select! {
                biased;
                switched = switch.changed() => if switched.is_err() {
                    return Met::Failed(Failure::Expired);
                },
                () = takes_it, if takes.is_some() => return Met::Received,
                () = self.runtime.sleep_until(deadline) => return Met::Failed(Failure::Expired),
            }
        }
    }

    /// A segment is no more waiting.
    pub(crate) fn met(&self, place: &Place, met: Met) {
        let now = self.runtime.now();
        if let Some(phone) = self.lock().find_mut(&place.handset) {
            phone.waiting = phone.waiting.saturating_sub(1);
        }
        self.change(place, |segment| {
            segment.fate = match met {
                Met::Received => Fate::Received(now),
                Met::Failed(failure) => Fate::Failed(failure),
            };
        });
    }

    /// A receipt on a segment, or a segment of a message of the handset, was sent to the platform.
    pub(crate) fn sent(&self, place: &Place, says: &str, error: Option<u16>, seen: What) {
        let at = self.runtime.now();
        self.see(place, By::Simulator, seen);
        self.change(place, |segment| {
            let times = segment.sent.as_ref().map_or(0, |sent| sent.times) + 1;
            // One that was acknowledged stays so, however often it is repeated.
            let answer = segment.sent.take().and_then(|sent| sent.answer).filter(|answer| answer.is_ok);
            segment.sent = Some(Sent { says: says.to_owned(), error, at, times, answer });
        });
    }

    /// The platform answered what was sent to it.
    pub(crate) fn answered(&self, place: &Place, is_ok: bool, words: String, seen: Option<What>) {
        let at = self.runtime.now();
        if let Some(seen) = seen {
            self.see(place, By::Platform, seen);
        }
        self.change(place, |segment| {
            if let Some(sent) = &mut segment.sent {
                let is_ok = is_ok || sent.answer.as_ref().is_some_and(|answer| answer.is_ok);
                sent.answer = Some(Answer { at, is_ok, words });
            }
        });
    }

    /// Something else about a message went over the wire.
    pub(crate) fn see(&self, place: &Place, by: By, what: What) {
        let now = self.runtime.now();
        self.lock().change(&place.handset, place.message, |bubble| bubble.trace.push(now, by, what));
    }

    fn change(&self, place: &Place, change: impl FnOnce(&mut Segment)) {
        self.lock().change(&place.handset, place.message, |bubble| {
            if let Some(segment) = bubble.segments.get_mut(place.segment) {
                change(segment);
            }
        });
        self.tell(&place.handset, Some(place.message));
    }

    fn tell(&self, handset: &Number, message: Option<u64>) {
        let number_of_change = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        // Without a viewer there is nothing to tell.
        let _ = self.changes.send(Change { number_of_change, handset: handset.clone(), message });
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
