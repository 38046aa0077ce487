//! A load generator: keep-alive connections that send one request after the other (closed loop), or at a rate that is
//! offered whatever the server does (open loop). Prints one line of JSON: how many were answered as wanted, how fast,
//! and how long they took.
//!
//! In an open loop a request's time counts from when it was due, so that a server that stalls does not hide it.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time and for tasks")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sends requests over HTTP/1.1 and says how they were answered.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Where the server listens
    #[arg(long)]
    address: SocketAddr,
    /// The request's method and path; `{to}` stands for a recipient's digits, in random order
    #[arg(long, default_value = "POST /api/v1/messaging/message")]
    target: String,
    /// The body; `{to}` likewise. None for a GET
    #[arg(long)]
    body: Option<String>,
    /// More header lines
    #[arg(long)]
    header: Vec<String>,
    /// The status that counts as taken
    #[arg(long, default_value_t = 201)]
    wanted: u16,
    /// Connections
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Requests in all
    #[arg(long)]
    count: u64,
    /// Requests a second, offered; as fast as answers come when absent
    #[arg(long)]
    rate: Option<f64>,
    /// Where the recipients begin in their order
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    others: AtomicU64,
    failed: AtomicU64,
    first_other: std::sync::Mutex<Option<String>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = Arc::new(Options::parse());
    let (counts, next) = (Arc::new(Counts::default()), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let workers: Vec<_> = (0..options.connections)
        .map(|_| tokio::spawn(work(Arc::clone(&options), Arc::clone(&counts), Arc::clone(&next), began)))
        .collect();
    let mut times_us = Vec::new();
    for worker in workers {
        times_us.extend(worker.await.unwrap_or_default());
    }
    let took = began.elapsed();
    times_us.sort_unstable();
    let at = |share: f64| {
        times_us
            .get(((times_us.len() as f64 * share) as usize).min(times_us.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0)
    };
    let taken = counts.taken.load(Ordering::Relaxed);
    let report = serde_json::json!({
        "taken": taken,
        "others": counts.others.load(Ordering::Relaxed),
        "failed": counts.failed.load(Ordering::Relaxed),
        "firstOther": counts.first_other.lock().ok().and_then(|mut first| first.take()),
        "seconds": took.as_secs_f64(),
        "perSecond": (taken as f64 / took.as_secs_f64()).round(),
        "p50Ms": at(0.5) as f64 / 1e3,
        "p99Ms": at(0.99) as f64 / 1e3,
        "maxMs": at(1.0) as f64 / 1e3,
    });
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("{report}");
    }
}

/// One connection's share. Returns how long each request took, in microseconds.
async fn work(options: Arc<Options>, counts: Arc<Counts>, next: Arc<AtomicU64>, began: Instant) -> Vec<u32> {
    let mut times_us = Vec::new();
    let Ok(mut stream) = TcpStream::connect(options.address).await else {
        counts.failed.fetch_add(1, Ordering::Relaxed);
        return times_us;
    };
    // A connection on which this fails fails at once anyway.
    let _ = stream.set_nodelay(true);
    let (mut request, mut answer) = (String::new(), Vec::with_capacity(4096));
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= options.count {
            return times_us;
        }
        let due = match options.rate {
            Some(rate) => {
                let due = began + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                due
            }
            None => Instant::now(),
        };
        write_request(&options, recipient(options.seed + number), &mut request);
        match exchange(&mut stream, request.as_bytes(), &mut answer).await {
            Ok(status) if status == options.wanted => drop(counts.taken.fetch_add(1, Ordering::Relaxed)),
            Ok(_) => {
                counts.others.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut first) = counts.first_other.lock() {
                    first.get_or_insert_with(|| String::from_utf8_lossy(&answer).into_owned());
                }
            }
            Err(_) => {
                counts.failed.fetch_add(1, Ordering::Relaxed);
                return times_us;
            }
        }
        times_us.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

/// Digits of a number, in an order that looks random: an odd multiplier visits all of them once.
fn recipient(number: u64) -> u64 {
    12_000_000_000 + number.wrapping_mul(7_368_787) % 8_000_000_000
}

fn write_request(options: &Options, to: u64, request: &mut String) {
    use std::fmt::Write;
    request.clear();
    let to = to.to_string();
    let body = options.body.as_deref().map(|body| body.replace("{to}", &to));
    // Writing to a String cannot fail.
    let _ = write!(request, "{} HTTP/1.1\r\nhost: {}\r\n", options.target.replace("{to}", &to), options.address);
    options.header.iter().for_each(|line| {
        let _ = write!(request, "{line}\r\n");
    });
    let _ = match body {
        Some(body) => write!(request, "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        None => write!(request, "\r\n"),
    };
}

/// Sends a request and reads its answer. Returns the status.
async fn exchange(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> io::Result<u16> {
    stream.write_all(request).await?;
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).map_err(io::Error::other)?;
        let length = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
        if answer.len() >= head + 4 + length {
            return text
                .get(9..12)
                .and_then(|status| status.parse().ok())
                .ok_or_else(|| io::ErrorKind::InvalidData.into());
        }
    }
}
