//! `smsfactory serve`: the service, until it is told to end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

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
        let ended = tokio::select! {
            told = told_to_end() => told,
            error = app.failed() => Err(Failed::new(format!("{error}; what was promised is on disk, and nothing more is promised before a new start"))),
        };
        tracing::info!("Ending: nothing more is accepted, and carriers may answer what they have");
        app.stop().await;
        ended
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

/// Waits for SIGTERM or SIGINT.
pub(super) async fn told_to_end() -> Result<(), Failed> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failed::new)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failed::new)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
