//! A carrier reached over MM4: messages go to the MMSC as mail, and its answers and reports come back as mail.
//!
//! A message counts as taken when the MMSC says so in a `MM4_forward.RES`. The answer to the mail alone says that it
//! was handed over; it is enough where no `MM4_forward.RES` comes in time, or none is waited for. One that comes later
//! and refuses becomes a receipt.
//!
//! Reading order: this file (what happens to a message), [`config`], `submit` (the mail), `outcome` (what follows from
//! which answer), `inbox` (what comes back), `pending` (who waits for it), `smtp` (how mail travels).

mod answerer;
pub mod config;
mod inbox;
mod outcome;
mod pending;
pub(crate) mod smtp;
mod submit;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runtime::{Runtime, Supervisor};
use tokio::sync::watch;

use crate::exchange::{Bounds, Exchange, ExchangeCarrier, Handed, Peer, Teller};
use crate::keys::{ConfigError, Mistake};
use crate::trace::Direction;
use crate::{Carrier, Events, Insight, SegmentOutcome, Submission, heads};
use config::Mm4Config;
use pending::Pending;
use smtp::{Failure, Listener, Pool, Rules};

/// Starts a carrier.
///
/// # Errors
/// [`ConfigError`] where a certificate cannot be used or the port cannot be had.
pub(crate) fn start(
    config: Mm4Config,
    events: Events,
    supervisor: &Supervisor,
    insight: Arc<Insight>,
) -> Result<Arc<dyn Carrier>, ConfigError> {
    config.validate()?;
    let config = Arc::new(config);
    let teller = Teller::new(&config.name, events, insight);
    let pool = Arc::new(Pool::new(Arc::clone(supervisor.runtime()), Arc::clone(&config))?);
    let pending = Arc::new(Pending::default());
    let listener = config.listen.map(|at| listen(at, &config, &teller, &pool, &pending, supervisor)).transpose()?;
    let bounds = Bounds {
        window: config.window,
        answers_within: config.answers_within(),
        rate: config.rate,
        receipt_wait: crate::receipt_wait(config.receipt_wait_hours),
        rest_floor: Duration::from_millis(config.reconnect_floor_ms),
        rest_ceiling: Duration::from_millis(config.reconnect_ceiling_ms),
    };
    let runtime = Arc::clone(supervisor.runtime());
    let mm4 = Mm4 {
        runtime: Arc::clone(&runtime),
        config,
        pool,
        pending,
        listener,
        teller: Arc::clone(&teller),
        draining: watch::Sender::new(false),
    };
    Ok(Arc::new(ExchangeCarrier::new(runtime, mm4, teller, bounds)))
}

/// Finds out whether the MMSC would talk to us, without handing it anything. What was found, in a sentence.
///
/// # Errors
/// Why it would not, in a sentence.
pub async fn probe(config: &Mm4Config, runtime: Arc<dyn Runtime>) -> Result<String, String> {
    let pool = Pool::new(runtime, Arc::new(config.clone())).map_err(|error| error.to_string())?;
    let place = format!("{}:{}", config.host, config.port);
    match pool.hello().await {
        Ok(()) => Ok(format!("{place} greets us")),
        Err(failure) => match outcome::of_failure(failure).peer {
            Peer::Fails(why) | Peer::RefusesUs(why) => Err(format!("{place}: {why}")),
            Peer::NotAsked | Peer::Busy | Peer::Answers => Err(format!("{place}: it asks us to come back later")),
        },
    }
}

/// Opens the port for the MMSC.
fn listen(
    at: SocketAddr,
    config: &Arc<Mm4Config>,
    teller: &Arc<Teller>,
    pool: &Arc<Pool>,
    pending: &Arc<Pending>,
    supervisor: &Supervisor,
) -> Result<Listener, ConfigError> {
    let rules = Rules {
        domain: config.domain.clone(),
        bytes_max: config.listen_bytes_max,
        idle: Duration::from_secs(config.listen_timeout_secs),
        tls: config.listener_tls().map_err(|mistake| config.mistaken(vec![mistake]))?,
    };
    let answers = answerer::start(Arc::clone(config), Arc::clone(pool), supervisor);
    let inbox = inbox::Inbox::new(
        Arc::clone(supervisor.runtime()),
        Arc::clone(config),
        Arc::clone(teller),
        Arc::clone(pending),
        answers,
    );
    let listener = Listener::start(
        at,
        config.allow_peers.clone(),
        config.listen_connections_max,
        rules,
        Arc::new(inbox),
        Arc::clone(teller),
        supervisor,
    );
    listener
        .map_err(|error| config.mistaken(vec![Mistake::new("listen", format!("cannot be opened at {at}: {error}"))]))
}

/// What is done for each message.
struct Mm4 {
    runtime: Arc<dyn Runtime>,
    config: Arc<Mm4Config>,
    pool: Arc<Pool>,
    pending: Arc<Pending>,
    listener: Option<Listener>,
    teller: Arc<Teller>,
    draining: watch::Sender<bool>,
}

#[async_trait]
impl Exchange for Mm4 {
    async fn hand_over(&self, submission: &Submission) -> Handed {
        let deadline = self.runtime.instant() + self.config.answers_within();
        let prepared = match submit::prepare(&self.config, submission) {
            Ok(prepared) => prepared,
            Err(refused) => return Handed { outcome: refused, peer: Peer::NotAsked },
        };
        let waits = self.config.wait_for_response && self.listener.is_some();
        let waiting = waits.then(|| self.pending.expect(&self.runtime, &prepared.id));
        let (envelope, message) = (&prepared.envelope, Some(submission.message.id));
        self.teller.trace(&self.runtime, Direction::Out, message, |texts| {
            heads::of_mail(&envelope.from, [&*envelope.to], &envelope.mail, texts)
        });
        let sent = self.pool.send(envelope, deadline).await;
        self.teller.trace(&self.runtime, Direction::In, message, |_| heads::of_answer("SMTP", said(&sent)));
        // Where the connection broke after the mail, its answer may still tell.
        let may_be_there = matches!(sent, Ok(()) | Err(Failure::Unknown(_)));
        let answer = match waiting {
            Some(waiting) if may_be_there => waiting.until(deadline, self.drained()).await,
            _ => None,
        };
        match (answer, sent) {
            (Some(answer), _) => Handed { outcome: outcome::of_answer(&answer, prepared.id), peer: Peer::Answers },
            (None, Ok(())) => Handed {
                outcome: SegmentOutcome::Accepted { carrier_id: Some(prepared.id), remark: None },
                peer: Peer::Answers,
            },
            (None, Err(failure)) => outcome::of_failure(failure),
        }
    }

    fn listens_at(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(Listener::address)
    }

    fn begin_drain(&self) {
        self.draining.send_replace(true);
    }

    fn close(&self) {
        if let Some(listener) = &self.listener {
            listener.close();
        }
        self.pool.close();
    }
}

/// What SMTP said of a mail, in a few words.
fn said(sent: &Result<(), Failure>) -> String {
    match sent {
        Ok(()) => "the mail was taken".to_owned(),
        Err(Failure::Refused(step, reply)) => format!("{} after {step:?}", reply.codes()),
        Err(Failure::NotSent(why) | Failure::InPart(why)) => why.clone(),
        Err(Failure::TooLong) => "longer than the MMSC takes (SIZE)".to_owned(),
        Err(Failure::Unknown(why)) => (*why).to_owned(),
    }
}

impl Mm4 {
    /// Resolves when nothing more is handed over: what SMTP has taken then counts without its answer.
    async fn drained(&self) {
        // The sender lives as long as we do.
        let _ = self.draining.subscribe().wait_for(|draining| *draining).await;
    }
}
