//! Which event is sent next.

use model::Timestamp;
use model::webhook::Ordering;
use store::contract::webhooks::{DeliveryState, EventHead};

use super::exceptions::Exception;
use super::{EXCEPTIONS_MAX, Lane, Sending, Source};

/// The most deliveries that are not recorded yet. With so many nothing more is sent.
const UNRECORDED_MAX: usize = 2_000;

impl Lane {
    /// The event that is sent next, if one may be sent now.
    pub(crate) fn send(&mut self, now: Timestamp) -> Option<Sending> {
        if !self.active || self.unrecorded.len() >= UNRECORDED_MAX {
            return None;
        }
        let limit = match self.ordering {
            Ordering::Strict => 1,
            Ordering::Message | Ordering::None => self.health.in_flight_max(now).min(self.per_endpoint),
        };
        if self.in_flight.len() >= limit || now < self.health.ready_at() {
            return None;
        }
        let sending = if self.health.failing().is_some() {
            let (head, tries, source) = self.oldest()?;
            Sending { head, tries, source, probe: true }
        } else {
            self.again(now, limit).or_else(|| self.first_time(now))?
        };
        self.leave(&sending);
        self.in_flight.insert(sending.head.seq, sending);
        self.busy.insert(sending.head.resource);
        Some(sending)
    }

    /// The oldest event that the endpoint does not have.
    pub(super) fn oldest(&self) -> Option<(EventHead, u32, Source)> {
        if self.more_pending.is_some() && self.exceptions.is_empty() {
            return None;
        }
        let exception = self.exceptions.first().map(|e| (e.head, e.tries, Source::Exceptions));
        let tail = self.tail.heads.front().map(|head| (*head, 0, Source::Tail));
        let replay = self.replay.as_ref().and_then(|(_, reading)| reading.heads.front());
        let replay = replay.map(|head| (*head, 0, Source::Replay));
        [exception, tail, replay].into_iter().flatten().min_by_key(|(head, ..)| head.seq)
    }

    /// An exception that is due. They have no more than half of the requests, so that events which were never tried are
    /// not starved.
    fn again(&self, now: Timestamp, limit: usize) -> Option<Sending> {
        let again = self.in_flight.values().filter(|sending| sending.source == Source::Exceptions).count();
        if again >= limit.div_ceil(2) {
            return None;
        }
        let found = self.exceptions.due(now).find(|exception| self.may_go(exception))?;
        Some(Sending { head: found.head, tries: found.tries, source: Source::Exceptions, probe: false })
    }

    /// Whether nothing that must come before an exception is open.
    fn may_go(&self, exception: &Exception) -> bool {
        let head = &exception.head;
        match self.ordering {
            Ordering::None => true,
            Ordering::Strict => self.exceptions.first().is_some_and(|first| first.head.seq == head.seq),
            Ordering::Message => {
                !self.busy.contains(&head.resource) && self.exceptions.first_of(&head.resource) == Some(head.seq)
            }
        }
    }

    /// An event that was never tried: from the tail, or from a replay where the tail has none. Those whose resource has
    /// an exception become exceptions too, which wait for it.
    fn first_time(&mut self, now: Timestamp) -> Option<Sending> {
        if self.more_pending.is_some() {
            return None;
        }
        for source in [Source::Tail, Source::Replay] {
            loop {
                let strict_waits = self.ordering == Ordering::Strict && !self.exceptions.is_empty();
                if strict_waits || self.exceptions.len() >= EXCEPTIONS_MAX {
                    return None;
                }
                let (busy, ordering) = (&self.busy, self.ordering);
                let is_free = |head: &&EventHead| ordering != Ordering::Message || !busy.contains(&head.resource);
                let heads = match source {
                    Source::Tail => &self.tail.heads,
                    Source::Replay | Source::Exceptions => match &self.replay {
                        Some((_, reading)) => &reading.heads,
                        None => break,
                    },
                };
                // Those of a busy resource wait; others overtake them.
                let Some(head) = heads.iter().find(is_free).copied() else { break };
                let sending = Sending { head, tries: 0, source, probe: false };
                if self.in_flight.contains_key(&head.seq) {
                    // It is under way anyway, and is closed when that has ended.
                    self.leave(&sending);
                    continue;
                }
                if self.exceptions.contains(head.seq) {
                    self.leave(&sending);
                    self.close(head.seq);
                    continue;
                }
                if self.ordering == Ordering::Message && self.exceptions.first_of(&head.resource).is_some() {
                    self.leave(&sending);
                    self.close(head.seq);
                    self.note(&sending, DeliveryState::Pending, 0, Some(now), None, None);
                    self.exceptions.insert(Exception { head, tries: 0, due: now });
                    continue;
                }
                return Some(sending);
            }
        }
        None
    }

    /// Takes an event from where it was read.
    fn leave(&mut self, sending: &Sending) {
        let seq = sending.head.seq;
        match sending.source {
            Source::Exceptions => self.exceptions.remove(seq),
            Source::Tail => self.tail.heads.retain(|head| head.seq != seq),
            Source::Replay => {
                if let Some((_, reading)) = &mut self.replay {
                    reading.heads.retain(|head| head.seq != seq);
                }
            }
        }
    }

    /// Notes that no position need wait for an event any more.
    pub(super) fn close(&mut self, seq: u64) {
        self.tail.open.remove(&seq);
        if let Some((_, reading)) = &mut self.replay {
            reading.open.remove(&seq);
        }
        self.is_dirty = true;
    }
}
