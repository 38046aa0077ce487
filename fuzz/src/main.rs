//! Changes seeds at random and gives them to the decoders, for some time each. What breaks a promise is kept in
//! `fuzz/found`, and the program fails.
#![allow(clippy::disallowed_methods, reason = "a fuzzer measures how long it has run")]
#![allow(clippy::print_stdout, reason = "a command for the terminal")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use fuzz::mutate::Mutator;
use fuzz::{TARGETS, Target};

/// An input that takes longer is reported.
const SLOW: Duration = Duration::from_secs(2);

/// Fuzzes every decoder, or one of them. `SMSFACTORY_SEED` chooses what is tried: a number, or `random`
#[derive(Parser)]
struct Options {
    /// How long each decoder is tried
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// The decoder; all of them without it
    #[arg(long)]
    target: Option<String>,
    /// Gives this input to the decoder, and nothing else
    #[arg(long, requires = "target")]
    input: Option<std::path::PathBuf>,
}

fn main() -> io::Result<ExitCode> {
    let options = Options::parse();
    let chosen: Vec<Target> =
        TARGETS.into_iter().filter(|target| options.target.as_deref().is_none_or(|name| name == target.name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        println!("there is no such target: {}", names.join(", "));
        return Ok(ExitCode::FAILURE);
    }
    if let Some(path) = options.input {
        let octets = std::fs::read(path)?;
        chosen.iter().for_each(|target| (target.run)(&octets));
        return Ok(ExitCode::SUCCESS);
    }
    let seed = trials::seed();
    println!("{}={seed}", trials::SEED);
    let mut is_sound = true;
    for target in chosen {
        is_sound &= try_out(&target, seed, Duration::from_secs(options.seconds))?;
    }
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tries one decoder. Whether it kept its promise.
fn try_out(target: &Target, seed: u64, time: Duration) -> io::Result<bool> {
    let seeds = fuzz::seeds(target)?.into_iter().map(|(_, octets)| octets).collect();
    let mut mutator = Mutator::new(seed, seeds);
    let (began, mut tried, mut slowest) = (Instant::now(), 0u64, Duration::ZERO);
    while began.elapsed() < time {
        let input = mutator.next_input();
        let at = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            let path = keep(target, &input)?;
            println!(
                "{}: input {tried} breaks a promise. Repeat it with: scripts/fuzz --input {path} {}",
                target.name, target.name
            );
            return Ok(false);
        }
        tried += 1;
        let took = at.elapsed();
        if took > slowest.max(SLOW) {
            println!("{}: an input takes {} ms: {}", target.name, took.as_millis(), keep(target, &input)?);
        }
        slowest = slowest.max(took);
    }
    println!("{:<14}{tried:>10} inputs, the slowest {} ms", target.name, slowest.as_millis());
    Ok(true)
}

fn keep(target: &Target, input: &[u8]) -> io::Result<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
    std::fs::create_dir_all(&directory)?;
    let digest = input
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3));
    let path = directory.join(format!("{}-{digest:016x}", target.name));
    std::fs::write(&path, input)?;
    Ok(path.display().to_string())
}
