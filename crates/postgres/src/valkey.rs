//! Rate windows in Valkey, or in a Redis: a faster counter beside that of the database, for nodes that share both.
//!
//! A count is one script (`script`), which Valkey runs alone. What Valkey does not answer in time (`Patience`)
//! is counted in the database, and so is everything while the connection is given up (`link`).

mod link;
mod place;
mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::Timestamp;
use runtime::Runtime;

use self::link::Link;
use self::place::Place;
use ledger::StoreError;

/// How long Valkey is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a count may take. Whoever waits for it longer is counted in the database.
    pub deadline: Duration,
    /// How long Valkey is left alone after several failures in a row, and between two trials.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { deadline: Duration::from_millis(50), pause: Duration::from_secs(10) }
    }
}

/// A request that is to be counted, or a look at its window.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// What the window is called.
    pub(crate) name: String,
    /// How many requests may pass.
    pub(crate) limit: u32,
    /// The present moment; `None` for that of Valkey's clock.
    pub(crate) now: Option<Timestamp>,
    /// How many are known to have passed, if any, and until when that counts.
    pub(crate) known: Count,
    /// Whether a request is counted.
    pub(crate) is_take: bool,
}

/// How many requests have passed in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) used: u32,
    /// When the window ends; 0 where there is none.
    pub(crate) ends_at: Timestamp,
}

/// What Valkey answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Whether the request is counted.
    pub(crate) passed: bool,
    /// The window afterwards.
    pub(crate) count: Count,
}

/// A counter in Valkey, as long as that answers.
pub(crate) struct Valkey {
    link: Arc<Link>,
    runtime: Arc<dyn Runtime>,
    deadline: Duration,
    fallbacks: AtomicU64,
}

impl Valkey {
    /// Connects to the Valkey that `url` names. Where that cannot be reached, the connection is made later.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the URL is not understood.
    pub(crate) async fn open(url: &str, patience: Patience, runtime: Arc<dyn Runtime>) -> Result<Self, StoreError> {
        let link = Link::open(Place::parse(url)?, patience.pause, Arc::clone(&runtime)).await;
        Ok(Self { link, runtime, deadline: patience.deadline, fallbacks: AtomicU64::new(0) })
    }

    /// Counts, or looks; `None` where Valkey does not answer, so that the database has to.
    pub(crate) async fn count(&self, ask: &Ask) -> Option<Counted> {
        let counted = self.ask(ask).await;
        if counted.is_none() {
            self.fallbacks.fetch_add(1, Ordering::Relaxed);
        }
        counted
    }

    async fn ask(&self, ask: &Ask) -> Option<Counted> {
        let mut line = self.link.line()?;
        match self.runtime.timeout(self.deadline, script::run(&mut line.connection, ask)).await {
            Ok(Ok(counted)) => {
                self.link.answered(&line);
                Some(counted)
            }
            Ok(Err(error)) => {
                self.link.failed(&line, &error.to_string(), error.is_unrecoverable_error());
                None
            }
            Err(_) => {
                self.link.failed(&line, &format!("no answer within {} ms", self.deadline.as_millis()), false);
                None
            }
        }
    }

    /// How many counts and looks Valkey did not answer.
    pub(crate) fn fallbacks(&self) -> u64 {
        self.fallbacks.load(Ordering::Relaxed)
    }

    /// Whether Valkey is asked at present.
    pub(crate) fn is_up(&self) -> bool {
        self.link.line().is_some()
    }

    /// Asks Valkey no more.
    pub(crate) fn close(&self) {
        self.link.close();
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        self.close();
    }
}

/// Refuses a URL of a Valkey that is not understood.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator, without any part of a password.
pub fn understand(url: &str) -> Result<(), StoreError> {
    Place::parse(url).map(drop)
}

/// Counts something in the Valkey that `url` names, and says how it is reached.
///
/// # Errors
/// As [`understand`]; [`StoreError::Unavailable`] where it cannot be reached, or may not be written.
pub async fn check(url: &str, runtime: Arc<dyn Runtime>) -> Result<String, StoreError> {
    let place = Place::parse(url)?;
    place.connect(&runtime).await.map_err(|why| StoreError::Unavailable(format!("{place}: {why}")))?;
    Ok(format!("{place} counts"))
}
