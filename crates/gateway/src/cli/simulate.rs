//! `smsfactory simulate`.

use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use runtime::Machine;
use serde_json::{Value, json};
use simulator::{mmsc, smsc};

use super::logging;
use super::{Failed, machine, output};

#[derive(Debug, Subcommand)]
pub(super) enum Simulate {
    /// An SMSC that speaks SMPP 3.4 and 5.0. Prints where it listens, and at the end (Ctrl-C) what it saw, as JSON
    Smsc(Box<smsc::Options>),
    /// An MMSC that speaks MM4 and MM7. Prints where it listens, and at the end (Ctrl-C) what it saw, as JSON
    Mmsc(Box<mmsc::Options>),
}

impl Simulate {
    pub(super) async fn run(self) -> Result<(), Failed> {
        logging::start(crate::config::LogFormat::Text, "info").map(drop).map_err(Failed::new)?;
        match self {
            Self::Smsc(options) => {
                let (listen, summary_secs) = (options.listen, options.summary_secs);
                let smsc = smsc::start(*options, Arc::new(Machine::new()))
                    .await
                    .map_err(|error| Failed::new(format!("cannot start on {listen}: {error}")))?;
                output::say(json!({ "event": "listening", "address": smsc.address().to_string() }));
                until_told(summary_secs, || smsc.summary().to_json(), || smsc.flush()).await
            }
            Self::Mmsc(options) => {
                let (mm4, mm7, summary_secs) = (options.listen_mm4, options.listen_mm7, options.summary_secs);
                let mmsc = mmsc::start(*options, Arc::new(Machine::new()))
                    .await
                    .map_err(|error| Failed::new(format!("cannot start on {mm4} and {mm7}: {error}")))?;
                output::say(json!({
                    "event": "listening",
                    "mm4": mmsc.mm4_address().to_string(),
                    "mm7": mmsc.mm7_address().to_string(),
                }));
                until_told(summary_secs, || mmsc.summary().to_json(), || mmsc.flush()).await
            }
        }
    }
}

/// Lets a simulator run until the process is told to end, and prints what it saw: every so many seconds, and at the
/// end.
async fn until_told(summary_secs: u64, summary: impl Fn() -> Value, flush: impl Fn()) -> Result<(), Failed> {
    let (mut signals, runtime) = (super::serve::Signals::new()?, machine());
    loop {
        tokio::select! {
            () = signals.next() => break,
            () = runtime.sleep(Duration::from_secs(summary_secs)), if summary_secs > 0 => output::say(summary()),
        }
    }
    flush();
    output::say(summary());
    Ok(())
}
