//! MM4 against an MMSC that does what a test tells it, over real connections.
//!
//! `mmsc` has that MMSC; `handover` tries what becomes of a message, `answers` what its `MM4_forward.RES` changes,
//! `reports` and `inbound` what comes unasked, `field` has cases from the field, `doors` who is let in, `secured` TLS.

mod answers;
mod doors;
mod field;
mod handover;
mod inbound;
mod mmsc;
mod reports;
mod secured;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carrier::mm4::config::Mm4Config;
use carrier::{ConfigError, Submission};
use model::SeededEntropy;
use model::media::{Media, MediaType};
use model::message::{Message, MessageType};
use tokio::sync::mpsc;

use crate::support::{Bench, first_attempt, supervisor};
use mmsc::Mmsc;

/// How long an answer may take at the carriers of these tests.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// A carrier at this MMSC that listens on a port of its own.
fn config(mmsc: &Mmsc) -> Mm4Config {
    Mm4Config { listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..deaf(mmsc) }
}

/// A carrier at this MMSC that listens for nothing.
fn deaf(mmsc: &Mmsc) -> Mm4Config {
    Mm4Config {
        name: "mmsc".to_owned(),
        host: mmsc.address().ip().to_string(),
        port: mmsc.address().port(),
        domain: "mms.ours.example".to_owned(),
        peer_domain: "mms.peer.example".to_owned(),
        rate: 0,
        response_timeout_secs: RESPONSE_TIMEOUT.as_secs(),
        reconnect_floor_ms: 10,
        reconnect_ceiling_ms: 20,
        ..Mm4Config::default()
    }
}

/// Starts a carrier. Where it listens is of no meaning for one that listens for nothing.
fn start(config: Mm4Config) -> (Bench, SocketAddr) {
    let bench = try_start(config).unwrap();
    let listens_at = bench.carrier.status().listens_at;
    (bench, listens_at.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9))))
}

fn try_start(config: Mm4Config) -> Result<Bench, ConfigError> {
    let (sender, events) = mpsc::unbounded_channel();
    let carrier = carrier::start(config.into(), sender, Arc::new(SeededEntropy::new(1)), &supervisor())?;
    Ok(Bench::of(carrier, events))
}

/// An MMS of text and a picture.
fn mms(number: u32) -> Submission {
    let submission = first_attempt(number, "Gr\u{fc}\u{df}e");
    let message = Message { kind: MessageType::Mms, ..(*submission.message).clone() };
    let picture = b"\x89PNG\r\n\x1a\n.\r\n\0\xff".repeat(100);
    Submission {
        message: Arc::new(message),
        media: Some(Media { kind: MediaType::Png, bytes: picture.into() }),
        ..submission
    }
}

/// The id that a first attempt at the message of this number has at the carrier.
fn id(number: u32) -> String {
    format!("{number:032x}.1@mms.ours.example")
}

/// Lets everybody do what can be done now.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
