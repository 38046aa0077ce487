//! Receives webhooks: answers at once, hangs, or answers late, by the path, and measures how old each event is when it
//! comes.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Receives webhooks at `/hook/GROUP`, never answers at `/hang/GROUP`, and says at `/summary` what came since the last
/// `/reset`.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Event<'a> {
    timestamp: &'a str,
}

/// What came to one group of paths. Times in milliseconds since 1970.
#[derive(Default)]
struct Seen {
    ages_ms: Vec<u32>,
    first: u64,
    last: u64,
    unread: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    count: usize,
    unread: u64,
    first_ms: u64,
    last_ms: u64,
    p50_ms: u32,
    p99_ms: u32,
    longest_ms: u32,
}

type Groups = Arc<Mutex<BTreeMap<String, Seen>>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let router = Router::new()
        .route("/hook/{group}", post(take))
        .route("/hang/{group}", post(hang))
        .route("/summary", get(summary))
        .route("/reset", post(reset))
        .with_state(Groups::default());
    axum::serve(TcpListener::bind(Options::parse().listen).await?, router).await
}

async fn take(State(groups): State<Groups>, Path(group): Path<String>, body: Bytes) -> StatusCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let happened = serde_json::from_slice::<Event<'_>>(&body).ok().and_then(|event| millis(event.timestamp));
    let mut groups = groups.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = groups.entry(group).or_default();
    if seen.first == 0 {
        seen.first = now_ms;
    }
    seen.last = now_ms;
    match happened {
        Some(at) => seen.ages_ms.push(u32::try_from(now_ms.saturating_sub(at)).unwrap_or(u32::MAX)),
        None => seen.unread += 1,
    }
    StatusCode::NO_CONTENT
}

async fn hang() -> StatusCode {
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    StatusCode::NO_CONTENT
}

async fn reset(State(groups): State<Groups>) {
    groups.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

async fn summary(State(groups): State<Groups>) -> axum::Json<BTreeMap<String, Summary>> {
    let mut groups = groups.lock().unwrap_or_else(PoisonError::into_inner);
    let of = |(group, seen): (&String, &mut Seen)| {
        seen.ages_ms.sort_unstable();
        let at = |share: usize| seen.ages_ms.get(seen.ages_ms.len() * share / 100).or(seen.ages_ms.last()).copied();
        let summary = Summary {
            count: seen.ages_ms.len(),
            unread: seen.unread,
            first_ms: seen.first,
            last_ms: seen.last,
            p50_ms: at(50).unwrap_or(0),
            p99_ms: at(99).unwrap_or(0),
            longest_ms: seen.ages_ms.last().copied().unwrap_or(0),
        };
        (group.clone(), summary)
    };
    axum::Json(groups.iter_mut().map(of).collect())
}

/// Milliseconds since 1970 of a time as `2026-11-26T20:00:00.123Z`.
fn millis(text: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second, milli) = (number(11..13)?, number(14..16)?, number(17..19)?, number(20..23)?);
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + milli)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(millis("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(millis("2026-03-15T14:30:00.123Z"), Some(1_773_585_000_123));
        assert_eq!(millis("now"), None);
    }
}
