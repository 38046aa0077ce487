//! `smsfactory serve`: the service, until it is told to end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failed, logging};
use crate::app::App;
use crate::config::{self, Config, secrets};
use crate::real::{OsEntropy, SystemClock};

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The configuration
    #[arg(long, short)]
    config: PathBuf,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = read(&self.config)?;
        logging::start(config.log.format, &config.log.level).map_err(Failed::new)?;
        for (_, file) in secrets::readable_by_everybody(&self.config, &config) {
            tracing::warn!("{}", secrets::exposure(&file));
        }
        let app = App::start(config, Arc::new(SystemClock), Arc::new(OsEntropy)).await.map_err(Failed::new)?;
        tracing::info!("Clients are served on {}, the operator on {}", app.api_address, app.admin_address);
        let mut signals = Signals::new()?;
        let ended = tokio::select! {
            () = signals.next() => Ok(()),
            error = app.failed() => Err(Failed::new(format!("{error}; what was promised is on disk, and nothing more is promised before a new start"))),
        };
        tracing::info!("Ending: nothing more is accepted, and carriers may answer what they have. A second signal ends at once");
        stop(app, &mut signals).await?;
        ended
    }
}

/// Ends the platform in order, or at once when a second signal comes.
pub(super) async fn stop(app: App, signals: &mut Signals) -> Result<(), Failed> {
    tokio::select! {
        () = app.stop() => Ok(()),
        () = signals.next() => Err(Failed::new("ended at once by a second signal; the outcome of attempts under way is unknown")),
    }
}

/// Reads a configuration under the environment of this process.
pub(super) fn read(file: &Path) -> Result<Config, Failed> {
    config::read(file, environment()).map_err(Failed::new)
}

/// The environment of this process. A variable that is no text is none of ours.
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()))
}

/// SIGTERM and SIGINT, one after the other.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on these signals do not end the process by themselves.
    pub(super) fn new() -> Result<Self, Failed> {
        let listen = |kind| signal(kind).map_err(Failed::new);
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
