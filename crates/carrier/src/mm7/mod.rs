//! A carrier reached over MM7: an MMSC that takes messages and reports on them over HTTP (3GPP TS 23.140, 8.7).
//!
//! Reading order: [`config`] (every knob), `request` (what is said), `client` (how it gets there), `answer` (what follows from what comes back),
//! `listener` and `receive` (what the MMSC says unasked).

mod answer;
mod client;
pub mod config;
mod listener;
mod login;
mod receive;
mod request;
mod stream;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::config::Mistake;
use crate::exchange::{Bounds, Exchange, ExchangeCarrier, Handed, Peer, Teller};
use crate::{Carrier, ConfigError, Events, SegmentOutcome, Submission};
use answer::Judge;
use client::Client;
use config::Mm7Config;
use request::{Request, Writer};

/// Starts a carrier on the current runtime, and listens where its configuration says.
pub(crate) fn start(config: &Mm7Config, events: Events) -> Result<Arc<dyn Carrier>, ConfigError> {
    let listener = config.listen.map(TcpListener::bind).transpose();
    let listener = listener.map_err(|error| config.mistaken(vec![Mistake::new("listen", format!("cannot be listened on: {error}"))]))?;
    start_at(config, listener, events)
}

/// Starts a carrier on the current runtime that listens at a socket which is open already.
///
/// # Errors
/// [`ConfigError`] with every mistake of the configuration.
pub fn start_at(config: &Mm7Config, listener: Option<TcpListener>, events: Events) -> Result<Arc<dyn Carrier>, ConfigError> {
    config.validate()?;
    let teller = Teller::new(&config.name, events);
    let (stop, stopped) = watch::channel(false);
    if let Some(listener) = listener {
        let door = listener::Door::new(config, listener, Arc::clone(&teller))?;
        tokio::spawn(listener::serve(Arc::new(door), stopped));
    }
    let exchange = Mm7 { writer: Writer::new(config), client: Client::new(config)?, judge: Judge::new(config), teller: Arc::clone(&teller), stop };
    let bounds = Bounds {
        window: config.window,
        rate: config.rate,
        rest_floor: Duration::from_millis(config.reconnect_floor_ms),
        rest_ceiling: Duration::from_millis(config.reconnect_ceiling_ms),
    };
    Ok(Arc::new(ExchangeCarrier::new(exchange, teller, bounds)))
}

/// One `SubmitReq` and its answer for each message.
struct Mm7 {
    writer: Writer,
    client: Client,
    judge: Judge,
    teller: Arc<Teller>,
    /// Turns true when nobody listens any more.
    stop: watch::Sender<bool>,
}

#[async_trait]
impl Exchange for Mm7 {
    async fn hand_over(&self, submission: &Submission) -> Handed {
        let post = match self.writer.request(submission) {
            Request::Post(post) => post,
            Request::TooLarge { status } => {
                let error_type = model::ErrorType::MediaFailed;
                return Handed { outcome: SegmentOutcome::Refused { error_type, status }, peer: Peer::Answers };
            }
        };
        let sent = self.client.send(post).await;
        self.judge.judge(sent, &self.teller)
    }

    fn close(&self) {
        self.stop.send_replace(true);
        self.client.close();
    }
}
