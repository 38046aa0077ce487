//! Submissions under way: segments that wait for the window, and the outcomes of the others.
//!
//! In come segments and their outcomes one by one; out goes one outcome for the whole submission, once every segment
//! has its own.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use wire::smpp::CommandStatus;

use super::effect::Effect;
use super::submit::{Outgoing, SubmitSm};
use crate::{SegmentOutcome, Submission};

/// A segment: its submission's flight, and its place in it.
pub(crate) type SegmentRef = (u64, usize);

/// The submissions of one session that have not ended.
#[derive(Default)]
pub(crate) struct Flights {
    flights: HashMap<u64, Flight>,
    next: u64,
    /// Segments that wait for the window, in order.
    queue: BTreeSet<SegmentRef>,
}

/// A submission and what became of its segments so far.
struct Flight {
    submission: Submission,
    total: u16,
    segments: Vec<(SubmitSm, Option<SegmentOutcome>)>,
    open: usize,
    /// Until when its segments may leave.
    leave_by: Instant,
    /// With what status the SMSC asked for a rest, if it did.
    throttled: Option<CommandStatus>,
}

impl Flights {
    /// Takes a submission. It ends at once when there are no segments.
    pub(crate) fn begin(
        &mut self,
        Outgoing { submission, total, segments }: Outgoing,
        leave_by: Instant,
    ) -> Option<Effect> {
        let flight = self.next;
        self.next += 1;
        self.queue.extend((0..segments.len()).map(|index| (flight, index)));
        let open = segments.len();
        let segments = segments.into_iter().map(|segment| (segment, None)).collect();
        self.flights.insert(flight, Flight { submission, total, segments, open, leave_by, throttled: None });
        if open == 0 { self.end(flight) } else { None }
    }

    /// Whether segments wait for the window.
    pub(crate) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The next segment to send, no longer queued.
    pub(crate) fn pop(&mut self) -> Option<(SegmentRef, &SubmitSm)> {
        let segment = self.queue.pop_first()?;
        Some((segment, &self.flights.get(&segment.0)?.segments[segment.1].0))
    }

    /// Queues a segment again in its place, before what came later, because the SMSC asked for a rest.
    pub(crate) fn push_back(&mut self, segment: SegmentRef, status: CommandStatus) {
        if let Some(flight) = self.flights.get_mut(&segment.0) {
            flight.throttled = Some(status);
            self.queue.insert(segment);
        }
    }

    /// When the first of what is queued may leave no more.
    pub(crate) fn leave_by(&self) -> Option<Instant> {
        self.queue.first().and_then(|segment| self.flights.get(&segment.0)).map(|flight| flight.leave_by)
    }

    /// Gives up what may leave no more: to be tried later where the SMSC asked for a rest, and otherwise as not sent.
    pub(crate) fn give_up(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.leave_by().is_some_and(|leave_by| now >= leave_by)
            && let Some(segment) = self.queue.pop_first()
        {
            let throttled = self.flights.get(&segment.0).and_then(|flight| flight.throttled);
            let outcome = throttled
                .map_or(SegmentOutcome::NotSent, |status| SegmentOutcome::TryLater { status: status.to_string() });
            effects.extend(self.settle(segment, outcome));
        }
        effects
    }

    /// The submission of a segment, of how many it is, and its number.
    pub(crate) fn find(&self, segment: SegmentRef) -> Option<(&Submission, u16, u16)> {
        self.flights
            .get(&segment.0)
            .map(|flight| (&flight.submission, flight.total, flight.segments[segment.1].0.number))
    }

    /// Gives a segment its outcome. After a failure the segments behind it are not sent: half a message helps nobody.
    pub(crate) fn settle(&mut self, (flight_id, index): SegmentRef, outcome: SegmentOutcome) -> Option<Effect> {
        let flight = self.flights.get_mut(&flight_id)?;
        if flight.segments[index].1.is_none() {
            let failed = !matches!(outcome, SegmentOutcome::Accepted { .. });
            flight.segments[index].1 = Some(outcome);
            flight.open -= 1;
            if failed {
                for (later, (_, outcome)) in flight.segments.iter_mut().enumerate() {
                    if self.queue.remove(&(flight_id, later)) {
                        *outcome = Some(SegmentOutcome::NotSent);
                        flight.open -= 1;
                    }
                }
            }
        }
        if flight.open == 0 { self.end(flight_id) } else { None }
    }

    /// Gives up everything that is queued, as not sent.
    pub(crate) fn clear_queue(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.queue)
            .into_iter()
            .filter_map(|segment| self.settle(segment, SegmentOutcome::NotSent))
            .collect()
    }

    fn end(&mut self, flight: u64) -> Option<Effect> {
        let flight = self.flights.remove(&flight)?;
        let count = flight.segments.len();
        let segments =
            flight.segments.into_iter().filter_map(|(segment, outcome)| Some((segment.number, outcome?))).collect();
        Some(Effect::Outcome(flight.submission.ended(flight.total, segments), count))
    }
}
