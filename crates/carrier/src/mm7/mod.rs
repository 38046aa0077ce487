//! A carrier reached over MM7: an MMSC that takes messages and reports on them over HTTP (3GPP TS 23.140, 8.7).
//!
//! Reading order: [`config`] (every knob), `request` (what is said), `client` (how it gets there), `answer` (what
//! follows from what comes back), `listener` and `receive` (what the MMSC says unasked).

mod answer;
mod client;
pub mod config;
mod listener;
mod login;
mod receive;
mod request;
mod stream;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runtime::{Runtime, Supervisor};
use tokio::sync::watch;

use crate::exchange::{Bounds, Exchange, ExchangeCarrier, Handed, Peer, Teller};
use crate::keys::Mistake;
use crate::trace::{Decoded, Direction};
use crate::{Carrier, ConfigError, Events, Insight, SegmentOutcome, Submission, heads};
use answer::Judge;
use client::{Client, Sent};
use config::Mm7Config;
use request::{Request, Writer};

/// Starts a carrier, and listens where its configuration says.
pub(crate) fn start(
    config: &Mm7Config,
    events: Events,
    supervisor: &Supervisor,
    insight: Arc<Insight>,
) -> Result<Arc<dyn Carrier>, ConfigError> {
    let runtime = Arc::clone(supervisor.runtime());
    let listener = config.listen.map(TcpListener::bind).transpose();
    let listener = listener
        .map_err(|error| config.mistaken(vec![Mistake::new("listen", format!("cannot be listened on: {error}"))]))?;
    let teller = Teller::new(&config.name, events, insight);
    let (stop, stopped) = watch::channel(false);
    let listens_at = listener.as_ref().and_then(|listener| listener.local_addr().ok());
    if let Some(listener) = listener {
        let door = listener::Door::new(Arc::clone(&runtime), config, listener, Arc::clone(&teller))?;
        supervisor.watch("listener of an MM7 carrier", listener::serve(Arc::new(door), stopped));
    }
    let (writer, client, judge) = (Writer::new(config), Client::new(&runtime, config)?, Judge::new(config));
    let (on, told) = (Arc::clone(&runtime), Arc::clone(&teller));
    let exchange = Mm7 { runtime: on, writer, client, judge, teller: told, listens_at, stop };
    let bounds = Bounds {
        window: config.window,
        answers_within: config.answers_within(),
        rate: config.rate,
        receipt_wait: crate::receipt_wait(config.receipt_wait_hours),
        rest_floor: Duration::from_millis(config.reconnect_floor_ms),
        rest_ceiling: Duration::from_millis(config.reconnect_ceiling_ms),
    };
    Ok(Arc::new(ExchangeCarrier::new(runtime, exchange, teller, bounds)))
}

/// Finds out whether the MMSC can be reached, without asking it for anything. What was found, in a sentence.
///
/// # Errors
/// Why it cannot, in a sentence.
pub async fn probe(config: &Mm7Config, runtime: &Arc<dyn Runtime>) -> Result<String, String> {
    let connector = config.connector().map_err(|error| error.to_string())?;
    let (host, port) = (connector.host.clone(), connector.port);
    connector.connect(runtime).await.map_err(|error| format!("no connection to {host}:{port}: {error}"))?;
    Ok(format!("{host}:{port} takes connections"))
}

/// One `SubmitReq` and its answer for each message.
struct Mm7 {
    runtime: Arc<dyn Runtime>,
    writer: Writer,
    client: Client,
    judge: Judge,
    teller: Arc<Teller>,
    listens_at: Option<SocketAddr>,
    /// Turns true when nobody listens any more.
    stop: watch::Sender<bool>,
}

/// What came back, for the trace.
fn said(sent: &Sent) -> Decoded {
    match sent {
        Sent::Answered(answer) => {
            let status = format!("HTTP {}", answer.status.as_u16());
            heads::of_http("answer to SubmitReq", Some(status), answer.content_type.as_deref(), answer.body.len())
        }
        Sent::Not(why) => heads::of_answer("no connection", why.clone()),
        Sent::InPart(why, _) | Sent::Unanswered(why, _) => heads::of_answer("no answer", (*why).to_owned()),
    }
}

#[async_trait]
impl Exchange for Mm7 {
    async fn hand_over(&self, submission: &Submission) -> Handed {
        let post = match self.writer.request(submission) {
            Request::Post(post) => post,
            Request::TooLarge { status } => {
                let error_type = model::ErrorType::MediaFailed;
                return Handed { outcome: SegmentOutcome::Refused { error_type, status }, peer: Peer::NotAsked };
            }
        };
        let message = Some(submission.message.id);
        self.teller.trace(&self.runtime, Direction::Out, message, |_| {
            heads::of_http("POST SubmitReq", None, Some(&post.content_type), post.body.len())
        });
        let sent = self.client.send(post).await;
        self.teller.trace(&self.runtime, Direction::In, message, |_| said(&sent));
        self.judge.judge(sent, &self.teller)
    }

    fn listens_at(&self) -> Option<SocketAddr> {
        self.listens_at
    }

    fn close(&self) {
        self.stop.send_replace(true);
        self.client.close();
    }
}
