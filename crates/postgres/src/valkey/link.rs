//! The connection, and when it is given up.
//!
//! It is given up when it breaks, and when nothing was answered several times in a row. Then a task makes a new one;
//! no request waits for that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use runtime::{Runtime, Task, Work};
use tokio::sync::Notify;

use super::place::Place;

/// After how many failures in a row the connection is given up.
const FAILURES: u32 = 3;

/// A connection that is kept up.
pub(super) struct Link {
    place: Place,
    /// How long Valkey is left alone when the connection was given up, and between two trials.
    pause: Duration,
    runtime: Arc<dyn Runtime>,
    state: Mutex<State>,
    given_up: Notify,
    task: Mutex<Option<Task>>,
}

struct State {
    up: Option<Line>,
    failures: u32,
    /// When the next connection is to be made, while there is none.
    next_at: Instant,
    lines: u64,
}

/// A connection.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    number: u64,
    made_at: Instant,
}

impl Link {
    pub(super) fn open(place: Place, pause: Duration, runtime: Arc<dyn Runtime>) -> Work<Arc<Self>> {
        Box::pin(Self::opened(place, pause, runtime))
    }

    async fn opened(place: Place, pause: Duration, runtime: Arc<dyn Runtime>) -> Arc<Self> {
        let state = Mutex::new(State { up: None, failures: 0, next_at: runtime.instant(), lines: 0 });
        let link = Arc::new(Self { place, pause, runtime, state, given_up: Notify::new(), task: Mutex::default() });
        if let Err(why) = link.connect().await {
            tracing::warn!("{}: {why}. Rate windows are counted in PostgreSQL until it answers.", link.place);
        }
        let kept = Arc::clone(&link);
        let task = link.runtime.spawn("valkey", Box::pin(async move { kept.keep().await }));
        *link.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        link
    }

    /// The connection, where there is one.
    pub(super) fn line(&self) -> Option<Line> {
        self.state().up.clone()
    }

    /// Notes that a count was answered.
    pub(super) fn answered(&self, line: &Line) {
        let mut state = self.state();
        if state.is_up(line) {
            state.failures = 0;
        }
    }

    /// Notes that a count was not answered, and whether the connection `is_broken`.
    pub(super) fn failed(&self, line: &Line, why: &str, is_broken: bool) {
        let mut state = self.state();
        if !state.is_up(line) {
            return;
        }
        state.failures += 1;
        if !is_broken && state.failures < FAILURES {
            return;
        }
        // A connection that breaks may be renewed at once, but not again and again.
        let now = self.runtime.instant();
        let lasted = now.duration_since(line.made_at) >= self.pause;
        state.next_at = if is_broken && lasted { now } else { now + self.pause };
        state.up = None;
        drop(state);
        tracing::warn!("{}: {why}. Rate windows are counted in PostgreSQL until it answers again.", self.place);
        self.given_up.notify_one();
    }

    /// Gives the connection up for good.
    pub(super) fn close(&self) {
        self.state().up = None;
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }

    /// Makes a new connection whenever there is none.
    async fn keep(&self) {
        loop {
            let next_at = {
                let state = self.state();
                state.up.is_none().then_some(state.next_at)
            };
            match next_at {
                None => self.given_up.notified().await,
                Some(at) => {
                    self.runtime.sleep_until(at).await;
                    if self.connect().await.is_ok() {
                        tracing::info!("{} answers: rate windows are counted there again.", self.place);
                    }
                }
            }
        }
    }

    async fn connect(&self) -> Result<(), String> {
        let connected = self.place.connect(&self.runtime).await;
        let now = self.runtime.instant();
        let mut state = self.state();
        state.next_at = now + self.pause;
        state.lines += 1;
        state.up = Some(Line { connection: connected?, number: state.lines, made_at: now });
        state.failures = 0;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_up(&self, line: &Line) -> bool {
        self.up.as_ref().is_some_and(|up| up.number == line.number)
    }
}
