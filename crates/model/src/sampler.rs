//! Log lines that strangers can cause: so many a second are written, and the others are counted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A bound on the lines of one kind. Written lines say how many were left out before them, so that nothing goes
/// unmentioned.
///
/// One place in the code, one kind of line, one bound for each part of the process that has such lines. It takes no
/// lock.
#[derive(Debug)]
pub struct Sampler {
    lines_per_second: u32,
    began: OnceLock<Instant>,
    /// The second that is counted (upper half), and how many lines were asked for in it (lower half).
    window: AtomicU64,
    left_out: AtomicU64,
    left_out_ever: AtomicU64,
}

/// A line that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Lines of its kind that were left out since the last one, where there were any: a field of the line.
    pub left_out: Option<u64>,
}

impl Sampler {
    /// A bound of so many lines a second.
    pub const fn new(lines_per_second: u32) -> Self {
        Self {
            lines_per_second,
            began: OnceLock::new(),
            window: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            left_out_ever: AtomicU64::new(0),
        }
    }

    /// Asks for a line; `None` when it is to be left out.
    pub fn line(&self, now: Instant) -> Option<Line> {
        // Second 0 is the state before the first line.
        let second = 1 + now.saturating_duration_since(*self.began.get_or_init(|| now)).as_secs();
        let next = |window: u64| match window >> 32 == second {
            true => window.saturating_add(1),
            false => second << 32 | 1,
        };
        let before = self
            .window
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| Some(next(window)))
            .unwrap_or_default();
        if next(before) & u64::from(u32::MAX) > u64::from(self.lines_per_second) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            self.left_out_ever.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(Line { left_out: self.take_left_out() })
    }

    /// The number of lines that were left out since the last call, if any: for a report when it is quiet again.
    pub fn take_left_out(&self) -> Option<u64> {
        // Most of the time there are none, and a read disturbs nobody.
        if self.left_out.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(self.left_out.swap(0, Ordering::Relaxed)).filter(|count| *count > 0)
    }

    /// The number of lines that were left out since the process began, for a counter.
    pub fn left_out_ever(&self) -> u64 {
        self.left_out_ever.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_many_lines_a_second_are_written_and_the_others_are_counted() {
        let sampler = Sampler::new(3);
        let began = Instant::now();
        let written = |at_ms: u64, asked: u32| {
            (0..asked).filter_map(|_| sampler.line(began + Duration::from_millis(at_ms))).collect::<Vec<_>>()
        };
        assert_eq!(written(0, 2), [Line { left_out: None }; 2]);
        assert_eq!(written(999, 1_000), [Line { left_out: None }]);
        assert_eq!(written(1_000, 1), [Line { left_out: Some(999) }]);
        assert_eq!(written(1_500, 4).len(), 2);
        assert_eq!(sampler.take_left_out(), Some(2));
        assert_eq!((sampler.take_left_out(), sampler.left_out_ever()), (None, 1_001));
        assert_eq!(written(3_600_000, 5), [Line { left_out: None }; 3]);
    }

    #[test]
    fn the_bound_holds_however_many_threads_ask() {
        let sampler = Sampler::new(10);
        let now = Instant::now();
        let written = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..1_000).filter(|_| sampler.line(now).is_some()).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!((written, sampler.left_out_ever()), (10, 7_990));
    }

    #[test]
    fn a_bound_of_none_writes_none() {
        assert_eq!(Sampler::new(0).line(Instant::now()), None);
    }
}
