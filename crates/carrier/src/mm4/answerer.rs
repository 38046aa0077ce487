//! Sends our answers to the MMSC's requests, one after the other, beside everything else.

use std::sync::Arc;
use std::time::Duration;

use model::sampler::{Line, Sampler};
use runtime::Supervisor;
use tokio::sync::mpsc;
use wire::mm4::Answer;

use super::config::Mm4Config;
use super::outcome;
use super::smtp::{Envelope, Pool};
use crate::exchange::{Peer, Unconfirmed};

/// An answer, and who is told once the MMSC has it.
pub(super) struct Outgoing {
    pub(super) answer: Answer,
    pub(super) unconfirmed: Option<Unconfirmed>,
}

/// How many answers may wait. Past it the peer goes without, and asks again.
const WAITING_MAX: usize = 1_000;

/// Where to put answers. They are sent until nobody can put any more there.
pub(super) fn start(config: Arc<Mm4Config>, pool: Arc<Pool>, supervisor: &Supervisor) -> mpsc::Sender<Outgoing> {
    let (sender, mut answers) = mpsc::channel::<Outgoing>(WAITING_MAX);
    // Each request of the peer can cause a line.
    let lines = Sampler::new(1);
    supervisor.watch("answers of an MM4 carrier", async move {
        while let Some(Outgoing { answer, unconfirmed }) = answers.recv().await {
            if send(&config, &pool, &answer, &lines).await
                && let Some(unconfirmed) = unconfirmed
            {
                unconfirmed.is_with_peer(pool.runtime().instant());
            }
        }
    });
    sender
}

/// Whether the MMSC took it.
async fn send(config: &Mm4Config, pool: &Pool, answer: &Answer, lines: &Sampler) -> bool {
    let (Some(from), Some(to)) = (&answer.sender, &answer.to) else { return false };
    let envelope = Envelope { from: from.to_string(), to: to.to_string(), mail: answer.build() };
    let deadline = pool.runtime().instant() + Duration::from_secs(config.response_timeout_secs);
    let sent = pool.send(&envelope, deadline).await;
    let is_sent = sent.is_ok();
    if let Err(failure) = sent {
        let why = match outcome::of_failure(failure).peer {
            Peer::Fails(why) | Peer::RefusesUs(why) => why,
            Peer::NotAsked | Peer::Answers | Peer::Busy => "it did not take it".to_owned(),
        };
        if let Some(Line { left_out }) = lines.line(pool.runtime().instant()) {
            tracing::warn!(carrier.name = %config.name, left_out, "Carrier {} did not get an answer to its request: \
                {why}", config.name);
        }
    }
    is_sent
}
