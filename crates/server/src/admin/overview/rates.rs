//! How many messages a second: steps of the last hour and of the last day, in memory, of this node since its start.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{CarrierName, Timestamp};
use pipeline::{Pipeline, SANDBOX};
use runtime::Runtime;
use serde_json::{Value, json as object};

/// Counts of messages since the start, or within a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flow {
    accepted: u64,
    sent: u64,
    delivered: u64,
    failed: u64,
}

/// Steps of one length, the oldest first.
#[derive(Debug)]
struct Ring {
    step: Duration,
    kept: usize,
    steps: VecDeque<Flow>,
    /// When the last of them ended.
    ends_at: Timestamp,
}

/// A step of the last hour. The present rate is that of the last one.
const STEP: Duration = Duration::from_secs(5);

/// How many of them a step of the last day has.
const STEPS_OF_MINUTE: u32 = 12;

/// How many minutes the unmatched receipts of carriers are compared over.
pub(super) const MINUTES_COMPARED: usize = 10;

/// How many messages a second were accepted, sent, delivered and failed at this node.
#[derive(Debug, Default)]
pub struct Rates(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    hour: Ring,
    day: Ring,
    /// The steps of the minute that is not over.
    minute: Flow,
    steps_of_minute: u32,
    /// How many receipts matched nothing, minute by minute, of each carrier.
    unmatched: BTreeMap<CarrierName, VecDeque<u64>>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            hour: Ring::new(STEP, 720),
            day: Ring::new(STEP * STEPS_OF_MINUTE, 1_440),
            minute: Flow::default(),
            steps_of_minute: 0,
            unmatched: BTreeMap::new(),
        }
    }
}

impl Flow {
    fn of(pipeline: &Pipeline) -> Self {
        let counters = pipeline.counters();
        let mut flow = Self { accepted: counters.admitted.get() + counters.expanded.get(), ..Self::default() };
        for fates in counters.all_fates() {
            flow.sent += fates.sent.get();
            flow.delivered += fates.delivered.get();
            flow.failed += fates.failed.get() + fates.undelivered.get();
        }
        flow
    }

    const fn since(self, before: Self) -> Self {
        Self {
            accepted: self.accepted.saturating_sub(before.accepted),
            sent: self.sent.saturating_sub(before.sent),
            delivered: self.delivered.saturating_sub(before.delivered),
            failed: self.failed.saturating_sub(before.failed),
        }
    }

    const fn and(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            sent: self.sent + other.sent,
            delivered: self.delivered + other.delivered,
            failed: self.failed + other.failed,
        }
    }
}

impl Ring {
    fn new(step: Duration, kept: usize) -> Self {
        Self { step, kept, steps: VecDeque::with_capacity(kept), ends_at: Timestamp::from_millis(0) }
    }

    fn push(&mut self, flow: Flow, now: Timestamp) {
        if self.steps.len() == self.kept {
            self.steps.pop_front();
        }
        self.steps.push_back(flow);
        self.ends_at = now;
    }

    /// A series of each count, in messages a second, the oldest step first.
    fn view(&self) -> Value {
        let series = |count: fn(&Flow) -> u64| -> Vec<f64> {
            self.steps.iter().map(|flow| self.per_second(count(flow))).collect()
        };
        let length = self.step * u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        object!({
            "stepSecs": self.step.as_secs(),
            "beginsAt": (!self.steps.is_empty()).then(|| (self.ends_at - length).to_string()),
            "accepted": series(|flow| flow.accepted),
            "sent": series(|flow| flow.sent),
            "delivered": series(|flow| flow.delivered),
            "failed": series(|flow| flow.failed),
        })
    }

    fn last(&self) -> Value {
        let Flow { accepted, sent, delivered, failed } = self.steps.back().copied().unwrap_or_default();
        object!({
            "accepted": self.per_second(accepted),
            "sent": self.per_second(sent),
            "delivered": self.per_second(delivered),
            "failed": self.per_second(failed),
        })
    }

    /// Rounded to hundredths.
    fn per_second(&self, count: u64) -> f64 {
        (count as f64 / self.step.as_secs_f64() * 100.0).round() / 100.0
    }
}

impl Kept {
    /// Takes a step, and says whether a minute is over.
    fn push(&mut self, flow: Flow, now: Timestamp) -> bool {
        self.hour.push(flow, now);
        self.minute = self.minute.and(flow);
        self.steps_of_minute += 1;
        let is_over = self.steps_of_minute == STEPS_OF_MINUTE;
        if is_over {
            let minute = std::mem::take(&mut self.minute);
            self.day.push(minute, now);
            self.steps_of_minute = 0;
        }
        is_over
    }
}

impl Rates {
    /// Counts again and again, until the task is dropped.
    pub async fn measure(&self, pipeline: &Pipeline, runtime: &Arc<dyn Runtime>) {
        let mut ticks = runtime.ticks(STEP);
        ticks.tick().await;
        let mut before = Flow::of(pipeline);
        loop {
            ticks.tick().await;
            let counted = Flow::of(pipeline);
            let is_minute_over = self.kept().push(counted.since(before), runtime.now());
            before = counted;
            if is_minute_over {
                self.count_unmatched(pipeline).await;
            }
        }
    }

    /// Notes how many receipts of each carrier match nothing. Where the store has no time, this minute is left out.
    async fn count_unmatched(&self, pipeline: &Pipeline) {
        for (carrier, _) in pipeline.carriers() {
            if carrier.name() == SANDBOX {
                continue;
            }
            let Ok(count) = pipeline.store().count_unmatched(carrier.name()).await else { continue };
            let mut kept = self.kept();
            let minutes = kept.unmatched.entry(carrier.name().into()).or_default();
            minutes.push_back(count);
            if minutes.len() > MINUTES_COMPARED {
                minutes.pop_front();
            }
        }
    }

    /// How many more receipts of each carrier match nothing than some minutes ago.
    pub(super) fn more_unmatched(&self) -> Vec<(CarrierName, u64)> {
        let kept = self.kept();
        let more = kept.unmatched.iter().map(|(name, minutes)| {
            let (first, last) = (minutes.front().copied().unwrap_or(0), minutes.back().copied().unwrap_or(0));
            (name.clone(), last.saturating_sub(first))
        });
        more.collect()
    }

    /// The rates of the last step.
    pub(super) fn now(&self) -> Value {
        self.kept().hour.last()
    }

    /// The steps of the last hour.
    pub(super) fn hour(&self) -> Value {
        self.kept().hour.view()
    }

    /// The steps of the last day.
    pub(super) fn day(&self) -> Value {
        self.kept().day.view()
    }

    // A step is taken whole.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(accepted: u64) -> Flow {
        Flow { accepted, ..Flow::default() }
    }

    #[test]
    fn a_series_is_as_long_as_its_time_and_no_longer() {
        let mut kept = Kept::default();
        let at = |step: u64| Timestamp::from_millis(0) + STEP * u32::try_from(step + 1).unwrap();
        for step in 0..800 {
            kept.push(flow(step), at(step));
        }
        let hour = kept.hour.view();
        let accepted = hour["accepted"].as_array().unwrap();
        assert_eq!((accepted.len(), &accepted[0], &accepted[719]), (720, &object!(16.0), &object!(159.8)));
        assert_eq!(hour["beginsAt"], (Timestamp::from_millis(0) + STEP * 80).to_string());
        assert_eq!(kept.hour.last()["accepted"], 159.8);
    }

    #[test]
    fn a_minute_is_the_sum_of_its_steps() {
        let mut kept = Kept::default();
        let over: Vec<bool> = (0..13).map(|_| kept.push(flow(10), Timestamp::from_millis(60_000))).collect();
        assert_eq!(over.iter().filter(|over| **over).count(), 1);
        assert!(over[11]);
        let day = kept.day.view();
        assert_eq!((&day["stepSecs"], &day["accepted"]), (&object!(60), &object!([2.0])));
        assert_eq!(Kept::default().day.view()["beginsAt"], Value::Null);
    }
}
