//! `cargo run --release -p sim -- --seeds 100000`: runs seeds, and prints those that fail.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use sim::plan::SEVERAL_NODES;
use sim::seeds::{Summary, run_all};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

/// Simulates smsfactory with faults; one seed decides everything.
#[derive(Parser)]
struct Arguments {
    /// Run this seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Run so many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Two or three nodes on one store: counts seeds from 2^62 on.
    #[arg(long)]
    several_nodes: bool,
    /// Stop after so many failures.
    #[arg(long, default_value_t = 10)]
    failures: usize,
    /// Print everything that happens, logs included.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match simulate(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// Says whether every invariant held.
fn simulate(arguments: &Arguments) -> io::Result<bool> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = io::stdout();
    let base = if arguments.several_nodes { SEVERAL_NODES } else { 0 };
    if let Some(seed) = arguments.seed.map(|seed| if seed < base { base + seed } else { seed }) {
        if arguments.trace {
            let wanted = std::env::var("RUST_LOG").ok().and_then(|filter| filter.parse::<Targets>().ok());
            let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
            registry().with(filter).with(fmt::layer().without_time().with_ansi(false)).init();
        }
        let report = sim::scenario::run(seed, arguments.trace);
        writeln!(out, "seed {seed}: {} steps, digest {:016x}, {:?}", report.steps, report.digest, report.counts)?;
        report.violations.iter().try_for_each(|what| writeln!(out, "  {what}"))?;
        return Ok(report.violations.is_empty());
    }
    let (done, first) = (AtomicU64::new(0), base + arguments.from);
    let summary: Summary = run_all(first..first + arguments.seeds, arguments.failures, |report| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(1_000) || !report.violations.is_empty() {
            // Progress is for people, and may be lost where standard error is closed.
            let _ = writeln!(
                io::stderr(),
                "{done} seeds run; seed {}: {} violations",
                report.seed,
                report.violations.len()
            );
        }
    });
    out.write_all(summary.to_words().as_bytes())?;
    Ok(summary.failed.is_empty())
}
