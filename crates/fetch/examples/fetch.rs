//! Fetches as admission does, with the system's resolver: `fetch NETWORK PORT URL`, where `NETWORK` may be fetched from
//! although it is not public.
//!
//! Prints the type and the number of bytes, or the code and the cause. `scripts/interop` has it meet a name server that
//! lies.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::{AccountId, Mode, Owner};
use runtime::Machine;

fn main() -> ExitCode {
    match run() {
        Ok(line) => say(&line, ExitCode::SUCCESS),
        Err(line) => say(&line, ExitCode::FAILURE),
    }
}

fn say(line: &str, code: ExitCode) -> ExitCode {
    let _ = writeln!(io::stdout(), "{line}");
    code
}

fn run() -> Result<String, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, port, url] = arguments.as_slice() else { return Err("usage: fetch NETWORK PORT URL".to_owned()) };
    let mut settings = FetchSettings::default();
    settings.guard.allow_networks.push(network.parse().map_err(|error| format!("{network}: {error}"))?);
    settings.guard.ports.push(port.parse().map_err(|error| format!("{port}: {error}"))?);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let fetched = runtime.block_on(async {
        let fetcher = Fetcher::new(settings, Arc::new(SystemResolver), Arc::new(Machine::new()))
            .map_err(|error| error.to_string())?;
        let fetched = fetcher.fetch(Owner { account: AccountId::from_bytes([0; 16]), mode: Mode::Live }, url).await;
        fetched.map_err(|error| format!("{} {error}", error.code().number()))
    });
    // A thread that waits for a name server would hold the process up.
    runtime.shutdown_background();
    fetched.map(|fetched| format!("{} {}", fetched.kind, fetched.bytes.len()))
}
