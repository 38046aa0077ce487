//! The trace of a carrier: its PDUs, decoded, for as long as an operator asks for them.
//!
//! It is off unless it is asked for, and then costs one load of a flag for each PDU. What is traced lies in a ring in
//! memory and nowhere else. Texts and numbers are masked when a PDU is traced, unless the operator asked for them, and
//! passwords always.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{MessageId, Timestamp};
use runtime::Runtime;
use tokio::sync::Notify;
use wire::receipt::id;

/// PDUs that the ring holds.
pub const PDUS_MAX: usize = 2_000;

/// Octets that they may take, about.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest trace.
pub const TRACE_MAX: Duration = Duration::from_secs(3_600);

/// How long after its end a trace can be read.
pub const KEPT: Duration = Duration::from_secs(900);

/// Ids of the carrier's that are remembered, to find the message of a receipt.
const IDS_MAX: usize = 10_000;

/// Which way a PDU went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the carrier.
    Out,
    /// From it.
    In,
}

impl Direction {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

/// A field of a PDU, by the name that its specification has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its value, for a person: control characters are escaped.
    pub value: String,
}

impl Field {
    #[expect(clippy::needless_pass_by_value, reason = "callers give numbers and texts as they have them")]
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        Self { name: name.into(), value: value.to_string() }
    }
}

/// A PDU, or the equivalent of one, as it is traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Its operation, by name.
    pub(crate) operation: String,
    /// The number that ties an answer to its request.
    pub(crate) sequence: Option<u32>,
    /// How an answer says that its request was taken.
    pub(crate) status: Option<String>,
    /// Its fields in order.
    pub(crate) fields: Vec<Field>,
    /// Why it cannot be read, where it cannot: its octets are among the fields.
    pub(crate) unreadable: Option<String>,
}

/// A traced PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Its place among all that were traced since the start, from 1.
    pub number: u64,
    /// When it was read or written.
    pub at: Timestamp,
    /// The session, from 1; `None` where there are no sessions.
    pub session: Option<usize>,
    /// Which way it went.
    pub direction: Direction,
    /// Its operation, such as `submit_sm`.
    pub operation: String,
    /// Its sequence number.
    pub sequence: Option<u32>,
    /// The status of an answer, by name.
    pub status: Option<String>,
    /// Its fields and optional parameters, in order.
    pub fields: Vec<Field>,
    /// The message that it belongs to, where that is known.
    pub message: Option<MessageId>,
    /// Why it cannot be read, where it cannot.
    pub unreadable: Option<String>,
}

impl Traced {
    fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|field| field.name.len() + field.value.len() + 48).sum();
        size_of::<Self>() + self.operation.len() + fields
    }
}

/// Where a PDU was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) session: Option<usize>,
    pub(crate) direction: Direction,
    pub(crate) message: Option<MessageId>,
}

/// What a reader of a trace gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Until when the trace goes on; `None` where it is off.
    pub until: Option<Timestamp>,
    /// Whether texts and numbers are shown.
    pub texts: bool,
    /// The PDUs, the oldest first.
    pub pdus: Vec<Arc<Traced>>,
    /// What to ask for next.
    pub next: u64,
    /// How many between this page and what was asked for are gone from the ring.
    pub missed: u64,
}

/// The trace of one carrier.
#[derive(Debug, Default)]
pub struct Trace {
    is_on: AtomicBool,
    ring: Mutex<Ring>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Ring {
    /// Which trace it is: the end of an earlier one ends no later one.
    run: u64,
    until: Option<Timestamp>,
    texts: bool,
    pdus: VecDeque<Arc<Traced>>,
    bytes: usize,
    last: u64,
    /// The messages of segments that the carrier took meanwhile, by the canonical form of its ids.
    ids: BTreeMap<String, MessageId>,
}

impl Ring {
    fn empty(&mut self) {
        (self.pdus, self.bytes, self.ids) = (VecDeque::new(), 0, BTreeMap::new());
    }

    fn push(&mut self, traced: Traced) {
        self.bytes += traced.bytes();
        self.pdus.push_back(Arc::new(traced));
        while self.pdus.len() > PDUS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.pdus.pop_front() else { return };
            self.bytes -= oldest.bytes();
        }
    }
}

impl Trace {
    /// Whether it is on. Whoever has a PDU asks this first, and looks at nothing else while it is off.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Begins a trace, and returns which it is.
    pub(crate) fn begin(&self, until: Timestamp, texts: bool) -> u64 {
        let mut ring = self.ring();
        ring.empty();
        ring.run += 1;
        (ring.until, ring.texts) = (Some(until), texts);
        let run = ring.run;
        self.is_on.store(true, Ordering::Relaxed);
        drop(ring);
        self.news.notify_waiters();
        run
    }

    /// Ends the trace that goes on, if one does. What was traced can still be read.
    pub fn stop(&self) {
        let run = self.ring().run;
        self.end(run);
    }

    /// Ends this trace, unless a later one goes on.
    pub(crate) fn end(&self, run: u64) {
        let mut ring = self.ring();
        if ring.run == run {
            ring.until = None;
            self.is_on.store(false, Ordering::Relaxed);
        }
        drop(ring);
        self.news.notify_waiters();
    }

    /// It must not be read any more.
    pub(crate) fn forget(&self, run: u64) {
        let mut ring = self.ring();
        if ring.run == run {
            ring.empty();
        }
    }

    /// Keeps a PDU, which `decode` writes: with texts and numbers where it is told so. For the time that the trace is
    /// on.
    pub(crate) fn note(&self, seen: Seen, decode: impl FnOnce(bool) -> Decoded) {
        let texts = self.ring().texts;
        let decoded = decode(texts);
        let mut ring = self.ring();
        if ring.until.is_none() {
            return;
        }
        ring.last += 1;
        let traced = Traced {
            number: ring.last,
            at: seen.at,
            session: seen.session,
            direction: seen.direction,
            operation: decoded.operation,
            sequence: decoded.sequence,
            status: decoded.status,
            fields: decoded.fields,
            message: seen.message,
            unreadable: decoded.unreadable,
        };
        ring.push(traced);
        drop(ring);
        self.news.notify_waiters();
    }

    /// The carrier took a message, or a segment of one, under this id.
    pub(crate) fn took(&self, carrier_id: &str, message: MessageId) {
        let key = id::canonical(carrier_id);
        let mut ring = self.ring();
        if !key.is_empty() && ring.ids.len() < IDS_MAX {
            ring.ids.insert(key, message);
        }
    }

    /// The message that one of these canonical ids means, where the carrier took it while the trace was on.
    pub(crate) fn message_of(&self, keys: &[String]) -> Option<MessageId> {
        let ring = self.ring();
        keys.iter().find_map(|key| ring.ids.get(key)).copied()
    }

    /// Up to `limit` PDUs after the one of this number; of one message, where one is named.
    pub fn after(&self, number: u64, message: Option<MessageId>, limit: usize) -> Page {
        let ring = self.ring();
        let first = ring.pdus.front().map_or(ring.last + 1, |traced| traced.number);
        let newer = ring.pdus.iter().filter(|traced| traced.number > number);
        let ours = newer.filter(|traced| message.is_none_or(|message| traced.message == Some(message)));
        let pdus: Vec<Arc<Traced>> = ours.take(limit).cloned().collect();
        let next = match pdus.last() {
            Some(last) if pdus.len() == limit => last.number,
            _ => ring.last.max(number.min(ring.last)),
        };
        let missed = first.saturating_sub(number.saturating_add(1));
        Page { until: ring.until, texts: ring.texts, pdus, next, missed: if number == 0 { 0 } else { missed } }
    }

    /// As [`Self::after`], and waits for a PDU where there is none: until the trace ends, and `wait` at most.
    pub async fn follow(
        &self,
        number: u64,
        message: Option<MessageId>,
        limit: usize,
        wait: Duration,
        runtime: &Arc<dyn Runtime>,
    ) -> Page {
        let deadline = runtime.instant() + wait;
        loop {
            let news = self.news.notified();
            let page = self.after(number, message, limit);
            if !page.pdus.is_empty() || page.until.is_none() || runtime.instant() >= deadline {
                return page;
            }
            // Either end is followed by another look.
            let _ = runtime.timeout_at(deadline, news).await;
        }
    }

    /// The traced PDUs of a message, the oldest first.
    pub fn of_message(&self, message: MessageId) -> Vec<Arc<Traced>> {
        self.after(0, Some(message), PDUS_MAX).pdus
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number as it is shown while texts are masked: its first three and its last two digits. A name stays as it is.
pub(crate) fn masked_number(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits < 6 || text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return text.to_owned();
    }
    let mut seen = 0;
    let mask = |character: char| {
        seen += usize::from(character.is_ascii_digit());
        let is_hidden = character.is_ascii_digit() && seen > 3 && seen + 2 <= digits;
        if is_hidden { '*' } else { character }
    };
    text.chars().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(value: &str) -> Decoded {
        Decoded {
            operation: "submit_sm".to_owned(),
            sequence: Some(1),
            status: None,
            fields: vec![Field::new("short_message", value)],
            unreadable: None,
        }
    }

    fn seen() -> Seen {
        Seen { at: Timestamp::from_millis(1_000), session: Some(1), direction: Direction::Out, message: None }
    }

    fn note(trace: &Trace, count: usize, value: &str) {
        (0..count).for_each(|_| trace.note(seen(), |_| decoded(value)));
    }

    #[test]
    fn the_ring_holds_the_newest_and_says_how_many_are_gone() {
        let trace = Trace::default();
        trace.begin(Timestamp::from_millis(60_000), false);
        note(&trace, PDUS_MAX + 10, "x");
        let page = trace.after(1, None, 5);
        assert_eq!(page.pdus.iter().map(|pdu| pdu.number).collect::<Vec<_>>(), [11, 12, 13, 14, 15]);
        assert_eq!((page.next, page.missed), (15, 9));
        let rest = trace.after(page.next, None, PDUS_MAX);
        assert_eq!((rest.pdus.len(), rest.next, rest.missed), (PDUS_MAX - 5, PDUS_MAX as u64 + 10, 0));
        note(&trace, 100, &"x".repeat(100_000));
        assert!(trace.after(0, None, PDUS_MAX).pdus.len() < 50, "octets are bounded, too");
    }

    #[test]
    fn what_comes_after_the_end_is_not_kept_and_the_end_of_an_earlier_trace_ends_no_later_one() {
        let trace = Trace::default();
        assert!(!trace.is_on());
        let first = trace.begin(Timestamp::from_millis(60_000), false);
        note(&trace, 1, "x");
        let second = trace.begin(Timestamp::from_millis(60_000), true);
        trace.end(first);
        assert!(trace.is_on() && trace.after(0, None, 9).pdus.is_empty());
        note(&trace, 2, "x");
        trace.end(second);
        note(&trace, 1, "x");
        assert!(!trace.is_on());
        assert_eq!(trace.after(0, None, 9).pdus.len(), 2, "what was traced can still be read");
        trace.forget(second);
        assert!(trace.after(0, None, 9).pdus.is_empty());
    }

    #[test]
    fn a_receipt_finds_the_message_whose_id_was_traced() {
        let trace = Trace::default();
        trace.begin(Timestamp::from_millis(60_000), false);
        let message = testkit::message(7).id;
        trace.took("00AB12", message);
        assert_eq!(trace.message_of(&["zz".to_owned(), id::canonical("00ab12")]), Some(message));
        assert_eq!(trace.message_of(&["zz".to_owned()]), None);
    }

    #[test]
    fn numbers_are_masked_and_names_are_not() {
        for (text, masked) in [
            ("+12025550123", "+120******23"),
            ("12025550123", "120******23"),
            ("12345", "12345"),
            ("ACME-Bank", "ACME-Bank"),
            ("", ""),
        ] {
            assert_eq!(masked_number(text), masked);
        }
    }
}
