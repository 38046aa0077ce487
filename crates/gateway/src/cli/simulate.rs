//! `smsfactory simulate`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use runtime::Runtime;
use serde_json::{Value, json};
use simulator::handsets::Handsets;
use simulator::phones::{self, Phones};
use simulator::{mmsc, smsc};

use super::logging;
use super::{Failed, machine, output};

#[derive(Debug, Subcommand)]
pub(super) enum Simulate {
    /// An SMSC that speaks SMPP 3.4 and 5.0. Prints its address, and at the end (Ctrl-C) counts as JSON
    Smsc(Box<Smsc>),
    /// An MMSC that speaks MM4 and MM7. Prints its addresses, and at the end (Ctrl-C) counts as JSON
    Mmsc(Box<Mmsc>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Smsc {
    #[command(flatten)]
    options: smsc::Options,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, clap::Args)]
pub(super) struct Mmsc {
    #[command(flatten)]
    options: mmsc::Options,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, clap::Args)]
struct Shown {
    /// Show handsets on this loopback address (`127.0.0.1:8090`), as pages under /dev and as JSON under /dev/phones,
    /// and let them write; without credentials
    #[arg(long, value_name = "ADDRESS")]
    phones: Option<SocketAddr>,
}

impl Shown {
    /// Handsets, if they are shown.
    fn handsets(&self, runtime: &Arc<dyn Runtime>) -> Option<Arc<Handsets>> {
        self.phones.map(|_| Arc::new(Handsets::new(Arc::clone(runtime))))
    }

    /// Shows them. Returns where.
    async fn serve(&self, phones: Option<Phones>) -> Result<Option<String>, Failed> {
        let (Some(address), Some(phones)) = (self.phones, phones) else { return Ok(None) };
        let told = |error| Failed::new(format!("cannot show phones on {address}: {error}"));
        let address = phones::serve(phones, address).await.map_err(told)?;
        Ok(Some(format!("http://{address}/dev")))
    }
}

impl Simulate {
    pub(super) async fn run(self) -> Result<(), Failed> {
        logging::start(crate::config::LogFormat::Text, "info").map(drop).map_err(Failed::new)?;
        match self {
            Self::Smsc(given) => {
                let Smsc { options, shown } = *given;
                let runtime = machine();
                let handsets = shown.handsets(&runtime);
                let (listen, summary_secs) = (options.listen, options.summary_secs);
                let smsc = smsc::start_with(options, handsets.clone(), Arc::clone(&runtime))
                    .await
                    .map_err(|error| Failed::new(format!("cannot start on {listen}: {error}")))?;
                let phones = handsets.map(|handsets| Phones::new(handsets, runtime).with_smsc(&smsc));
                let mut line = json!({ "event": "listening", "address": smsc.address().to_string() });
                add(&mut line, shown.serve(phones).await?);
                output::say(line);
                until_told(summary_secs, || smsc.summary().to_json(), || smsc.flush()).await
            }
            Self::Mmsc(given) => {
                let Mmsc { options, shown } = *given;
                let runtime = machine();
                let handsets = shown.handsets(&runtime);
                let (mm4, mm7, summary_secs) = (options.listen_mm4, options.listen_mm7, options.summary_secs);
                let mmsc = mmsc::start_with(options, handsets.clone(), Arc::clone(&runtime))
                    .await
                    .map_err(|error| Failed::new(format!("cannot start on {mm4} and {mm7}: {error}")))?;
                let phones = handsets.map(|handsets| Phones::new(handsets, runtime).with_mmsc(&mmsc));
                let (mm4, mm7) = (mmsc.mm4_address().to_string(), mmsc.mm7_address().to_string());
                let mut line = json!({ "event": "listening", "mm4": mm4, "mm7": mm7 });
                add(&mut line, shown.serve(phones).await?);
                output::say(line);
                until_told(summary_secs, || mmsc.summary().to_json(), || mmsc.flush()).await
            }
        }
    }
}

/// Adds where the phones are.
fn add(line: &mut Value, phones: Option<String>) {
    if let Some(phones) = phones {
        line["phones"] = phones.into();
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
