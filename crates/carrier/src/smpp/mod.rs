//! A carrier reached over SMPP: several sessions that look like one.

mod addresses;
pub mod config;
pub(crate) mod delivered;
pub(crate) mod effect;
pub(crate) mod errors;
mod evidence;
mod flights;
mod inbound;
mod link;
mod link_state;
mod looks;
#[cfg(test)]
mod modelled;
mod parts;
mod receipts;
pub(crate) mod session;
pub(crate) mod shared;
pub(crate) mod submit;
mod sync;
mod traced;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::Entropy;
use runtime::{Runtime, Supervisor};
use tokio::sync::mpsc;
use wire::smpp::BindKind;

use crate::keys::ConfigError;
use crate::throttle::Bucket;
use crate::{Carrier, CarrierStatus, Event, Events, Insight, SessionStatus, Submission};
use config::{BindMode, SmppConfig};
use link::Link;
use link_state::LinkState;
use shared::Shared;
use submit::Outgoing;

/// A carrier reached over SMPP.
pub struct SmppCarrier {
    shared: Arc<Shared>,
    /// Every link's submissions, by its place. A receiver's channel stays open and unused.
    links: Vec<mpsc::UnboundedSender<Outgoing>>,
    pace: Mutex<Bucket>,
    runtime: Arc<dyn Runtime>,
}

impl SmppCarrier {
    /// Starts the links of a carrier.
    pub(crate) fn start(
        config: SmppConfig,
        events: Events,
        entropy: Arc<dyn Entropy>,
        supervisor: &Supervisor,
        insight: Arc<Insight>,
    ) -> Result<Self, ConfigError> {
        let runtime = supervisor.runtime();
        let password: Arc<str> = config.read_password()?.into();
        let config = Arc::new(config);
        let connector = Arc::new(config.connector()?);
        let kinds: &[BindKind] = match config.bind {
            BindMode::Trx => &[BindKind::Transceiver],
            BindMode::TxRx => &[BindKind::Transmitter, BindKind::Receiver],
        };
        let kinds: Vec<BindKind> = (0..config.sessions).flat_map(|_| kinds.iter().copied()).collect();
        let shared = Arc::new(Shared::new(Arc::clone(runtime), Arc::clone(&config), &kinds, events, insight));
        let for_links = Arc::clone(&shared);
        let link = move |index, kind, submissions| {
            let (shared, connector, entropy, password) =
                (Arc::clone(&for_links), Arc::clone(&connector), Arc::clone(&entropy), Arc::clone(&password));
            Link { shared, index, kind, connector, password, submissions, entropy }
        };
        let mut links = Vec::new();
        for (index, kind) in kinds.into_iter().enumerate() {
            let (sender, submissions) = mpsc::unbounded_channel();
            links.push(sender);
            supervisor.watch("link of an SMPP carrier", link(index, kind, submissions).run());
        }
        let pace = Mutex::new(Bucket::new(config.rate, runtime.instant()));
        Ok(Self { shared, links, pace, runtime: Arc::clone(runtime) })
    }

    fn sessions(&self) -> Vec<SessionStatus> {
        let now = self.runtime.instant();
        let links = self.shared.links.iter().zip(&self.shared.looks).enumerate();
        let session = |(index, (link, look)): (usize, (&LinkState, &looks::Look))| {
            let (state, since) = look.get();
            SessionStatus {
                number: index + 1,
                kind: look.kind(),
                state,
                state_for: now.saturating_duration_since(since),
                window_in_use: link.in_use(),
                window: if link.sends { link.window() } else { 0 },
            }
        };
        links.map(session).collect()
    }

    /// The places of the links that send.
    fn senders(&self) -> impl Iterator<Item = usize> {
        self.shared.links.iter().enumerate().filter(|(_, link)| link.sends).map(|(index, _)| index)
    }
}

/// A carrier that nobody can hand anything to drains by itself.
impl Drop for SmppCarrier {
    fn drop(&mut self) {
        self.shared.drain();
    }
}

#[async_trait]
impl Carrier for SmppCarrier {
    fn name(&self) -> &str {
        &self.shared.config.name
    }

    async fn ready(&self) -> usize {
        loop {
            let change = self.shared.change();
            let room: usize = self.senders().map(|index| self.shared.links[index].room()).sum();
            if room == 0 {
                change.await;
                continue;
            }
            let now = self.runtime.instant();
            let (tokens, free_at) = {
                let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
                (pace.available(now), pace.free_at(now))
            };
            match free_at {
                None if tokens > 0 => return room.min(tokens),
                free_at => self.runtime.sleep_until(free_at.unwrap_or(now + Duration::from_millis(1))).await,
            }
        }
    }

    fn window(&self) -> usize {
        self.senders().map(|index| self.shared.links[index].window()).sum()
    }

    fn answers_within(&self) -> Duration {
        self.shared.config.answers_within()
    }

    fn submit(&self, submission: Submission) {
        let links = &self.shared.links;
        let outgoing = match submit::build(&self.shared.config, submission) {
            Ok(outgoing) => outgoing,
            Err(refused) => {
                self.shared.count_outcome(&refused);
                return self.shared.tell(Event::Outcome(refused));
            }
        };
        let Some(index) =
            self.senders().filter(|index| links[*index].can_send()).max_by_key(|index| links[*index].room())
        else {
            return self.shared.tell(Event::Outcome(outgoing.not_sent()));
        };
        let segments = outgoing.segments.len();
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).spend(segments);
        links[index].reserve(segments);
        if let Err(mpsc::error::SendError(outgoing)) = self.links[index].send(outgoing) {
            links[index].release(segments);
            self.shared.tell(Event::Outcome(outgoing.not_sent()));
        }
    }

    fn down_for(&self) -> Option<Duration> {
        let now = self.runtime.instant();
        self.shared.down_since().map(|since| now.saturating_duration_since(since))
    }

    fn status(&self) -> CarrierStatus {
        let shared = &*self.shared;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let can_send = self.senders().any(|index| shared.links[index].is_bound());
        let state = match () {
            () if shared.links.iter().all(LinkState::is_closed) => "closed",
            () if shared.is_draining() => "draining",
            () if can_send && self.senders().all(|index| shared.links[index].is_resting()) => "throttled",
            () if can_send => "bound",
            () if shared.was_refused() => "refused",
            () if shared.last_error().is_none() => "binding",
            () => "down",
        };
        CarrierStatus {
            state,
            sessions_bound: shared.links.iter().filter(|link| link.is_bound()).count(),
            sessions_configured: shared.links.len(),
            sessions: self.sessions(),
            rate: shared.config.rate,
            window_in_use: self.senders().map(|index| shared.links[index].in_use()).sum(),
            window: self.window(),
            submitted: count(&shared.counts.submitted),
            accepted: count(&shared.counts.accepted),
            refused: count(&shared.counts.refused),
            throttled: count(&shared.counts.throttled),
            unknown: count(&shared.counts.unknown),
            receipts: count(&shared.counts.receipts),
            inbound: count(&shared.counts.inbound),
            silent: count(&shared.counts.silent),
            put_off: count(&shared.counts.put_off),
            binds: count(&shared.counts.binds),
            malformed_pdus: count(&shared.counts.malformed),
            unusable: shared.counts.unusable.counts(),
            refused_connections: Default::default(),
            last_error: shared.last_error(),
            listens_at: None,
        }
    }

    fn insight(&self) -> Option<Arc<Insight>> {
        Some(Arc::clone(&self.shared.insight))
    }

    fn receipt_wait(&self) -> Option<Duration> {
        crate::receipt_wait(self.shared.config.receipt_wait_hours)
    }

    async fn drain(&self, limit: Duration) {
        self.shared.drain();
        let closed = async {
            loop {
                let change = self.shared.change();
                if self.shared.links.iter().all(LinkState::is_closed) {
                    return;
                }
                change.await;
            }
        };
        // Past the limit the process ends, and with it the sessions; what is unanswered is of unknown outcome in the
        // store already.
        let _ = self.runtime.timeout(limit, closed).await;
    }
}
