//! `smsfactory simulate`.

use std::time::Duration;

use clap::Subcommand;
use simulator::smsc::{self, Options};

use super::logging;
use super::{Failed, output};

#[derive(Debug, Subcommand)]
pub(super) enum Simulate {
    /// An SMSC that speaks SMPP 3.4 and 5.0. Prints where it listens, and at the end (Ctrl-C) what it saw, as JSON
    Smsc(Box<Options>),
}

impl Simulate {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let Self::Smsc(options) = self;
        logging::start(crate::config::LogFormat::Text, "info").map_err(Failed::new)?;
        let (listen, summary_secs) = (options.listen, options.summary_secs);
        let smsc = smsc::start(*options).await.map_err(|error| Failed::new(format!("cannot start on {listen}: {error}")))?;
        output::say(serde_json::json!({ "event": "listening", "address": smsc.address().to_string() }));
        let mut told_to_end = std::pin::pin!(super::serve::told_to_end());
        loop {
            tokio::select! {
                told = &mut told_to_end => break told?,
                () = tokio::time::sleep(Duration::from_secs(summary_secs)), if summary_secs > 0 => output::say(smsc.summary().to_json()),
            }
        }
        smsc.flush();
        output::say(smsc.summary().to_json());
        Ok(())
    }
}
