//! `smsfactory check`: what is wrong with a configuration, before a service finds out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use carrier::{CarrierConfig, CarrierKind};
use tokio::sync::mpsc;

use super::{Failed, output, serve};
use crate::http::tls;
use crate::real::OsEntropy;

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The configuration
    #[arg(long, short)]
    config: PathBuf,
    /// Do not connect to the carriers
    #[arg(long)]
    offline: bool,
}

impl Check {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = serve::read(&self.config)?;
        output::say(format!("{}: read, {} carriers, {} routes", self.config.display(), config.carrier.len(), config.route.len()));
        let mut mistakes = 0;
        let mut found = |result: Result<String, String>| match result {
            Ok(words) => output::say(format!("ok      {words}")),
            Err(words) => {
                mistakes += 1;
                output::say(format!("mistake {words}"));
            }
        };
        found(config.keys.read().map(|_| "keys: the pepper is there".to_owned()));
        found(config.admin.read_token().map(|token| format!("admin: the API is {}", if token.is_some() { "on" } else { "off, for there is no token" })));
        if let (Some(certificate), Some(key)) = (&config.api.tls_cert, &config.api.tls_key) {
            found(tls::acceptor(certificate, key).map(|_| "api: certificate and key go together".to_owned()));
        }
        found(store::check(&config.store.url).map(|words| format!("store: {words}")).map_err(|error| format!("store: {error}")));
        for carrier in config.carrier.iter().filter(|carrier| carrier.kind == CarrierKind::Smpp && !self.offline) {
            found(bind(carrier).await);
        }
        if mistakes == 0 { Ok(()) } else { Err(Failed::new(format!("{mistakes} mistakes"))) }
    }
}

/// How often the state of a session is looked at while it binds.
const LOOK: Duration = Duration::from_millis(50);

/// Binds one session and unbinds it again.
async fn bind(config: &CarrierConfig) -> Result<String, String> {
    let name = config.name.clone();
    let (events, _kept) = mpsc::unbounded_channel();
    let one = CarrierConfig { sessions: 1, ..config.clone() };
    let carrier = carrier::start(one, events, Arc::new(OsEntropy)).map_err(|error| error.to_string())?;
    let limit = Duration::from_secs(config.connect_timeout_secs + config.bind_timeout_secs + 1);
    let settled = tokio::time::timeout(limit, async {
        loop {
            let status = carrier.status();
            if status.sessions_bound > 0 || status.last_error.is_some() {
                return status;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    let status = settled.await.unwrap_or_else(|_| carrier.status());
    let bound = status.sessions_bound > 0;
    carrier.drain(Duration::from_secs(1)).await;
    match bound {
        true => Ok(format!("carrier `{name}`: bound to {}:{}", config.host, config.port)),
        false => Err(format!("carrier `{name}`: {}", status.last_error.unwrap_or_else(|| "no answer".to_owned()))),
    }
}
