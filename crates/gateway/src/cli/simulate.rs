//! `smsfactory simulate`.

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
        let listen = options.listen;
        let smsc = smsc::start(*options).await.map_err(|error| Failed::new(format!("cannot start on {listen}: {error}")))?;
        output::say(serde_json::json!({ "event": "listening", "address": smsc.address().to_string() }));
        super::serve::told_to_end().await?;
        smsc.flush();
        output::say(smsc.summary().to_json());
        Ok(())
    }
}
