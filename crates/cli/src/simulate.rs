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
    /// Starts an SMSC that speaks SMPP 3.4 and 5.0
    ///
    /// Prints its address, and its counts as JSON when Ctrl-C ends it.
    Smsc(Box<Smsc>),
    /// Starts an MMSC that speaks MM4 and MM7
    ///
    /// Prints its addresses, and its counts as JSON when Ctrl-C ends it.
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
    /// Show simulated handsets on this loopback address, such as 127.0.0.1:8090
    ///
    /// The pages are under /dev, the JSON is under /dev/phones, and neither needs credentials. The handsets can send
    /// messages, too.
    #[arg(long, value_name = "ADDRESS")]
    phones: Option<SocketAddr>,
}

impl Shown {
    /// The handsets, if the command shows them.
    fn handsets(&self, runtime: &Arc<dyn Runtime>) -> Option<Arc<Handsets>> {
        self.phones.map(|_| Arc::new(Handsets::new(Arc::clone(runtime))))
    }

    /// Shows the handsets. Returns the address of their pages.
    async fn serve(&self, phones: Option<Phones>) -> Result<Option<String>, Failed> {
        let (Some(address), Some(phones)) = (self.phones, phones) else { return Ok(None) };
        let told = |error| Failed::new(format!("cannot show handsets on {address}: {error}"));
        let address = phones::serve(phones, address).await.map_err(told)?;
        Ok(Some(format!("http://{address}/dev")))
    }
}

impl Simulate {
    pub(super) async fn run(self) -> Result<(), Failed> {
        logging::start(config::LogFormat::Text, "info").map(drop).map_err(Failed::new)?;
        match self {
            Self::Smsc(given) => {
                let Smsc { options, shown } = *given;
                let runtime = machine();
                let handsets = shown.handsets(&runtime);
                let (listen, summary_secs) = (options.listen, options.summary_secs);
                let started = smsc::start_with(options, handsets.clone(), Arc::clone(&runtime)).await;
                let smsc = started.map_err(|error| not_started(&error, listen, "`--listen`"))?;
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
                let started = mmsc::start_with(options, handsets.clone(), Arc::clone(&runtime)).await;
                let addresses = format!("{mm4} and {mm7}");
                let options = "`--listen-mm4` or `--listen-mm7`";
                let mmsc = started.map_err(|error| not_started(&error, addresses, options))?;
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

/// The failure to start a simulator on an address that an option names.
fn not_started(error: &std::io::Error, address: impl std::fmt::Display, option: &str) -> Failed {
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => format!("; {option} names another address"),
        _ => String::new(),
    };
    Failed::new(format!("cannot start on {address}: {error}{hint}"))
}

/// Adds the address of the phones.
fn add(line: &mut Value, phones: Option<String>) {
    if let Some(phones) = phones {
        line["phones"] = phones.into();
    }
}

/// Runs a simulator until a signal ends the process, and prints its counts: every so many seconds, and at the end.
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
