//! The ceiling: what axum and SQLite can do here when nothing is checked. The same JSON in and out, two rows in two
//! tables, concurrent requests committed as a group with `synchronous=FULL`, and a checkpoint on a second thread.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time and for tasks")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use clap::Parser;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Accepts messages and puts them on disk, and no more.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen
    #[arg(long)]
    listen: std::net::SocketAddr,
    /// The SQLite file
    #[arg(long)]
    file: PathBuf,
}

#[derive(Deserialize)]
struct Request {
    to: String,
    from: String,
    body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    direction: &'static str,
    to: String,
    from: String,
    body: String,
    message_type: &'static str,
    encoding: &'static str,
    segments: u16,
    status: &'static str,
    created_at: &'static str,
}

type Job = (Arc<Request>, oneshot::Sender<u64>);

/// Calls that may wait, and calls in one transaction.
const QUEUE: usize = 8_192;
const GROUP_MAX: usize = 1_024;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let (jobs, waiting) = mpsc::channel(QUEUE);
    let connection = connect(&options.file)?;
    connection.execute_batch(
        "CREATE TABLE message (id INTEGER PRIMARY KEY, recipient TEXT, originator TEXT, body TEXT, created_at INTEGER);
         CREATE TABLE delivery (message_id INTEGER PRIMARY KEY, status TEXT, carrier TEXT, due_at INTEGER);",
    )?;
    let checkpoints = connect(&options.file)?;
    std::thread::spawn(move || write(connection, waiting));
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(200));
            // A checkpoint that is in the way of a reader comes again.
            let _ = checkpoints.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    });
    let router = Router::new().route("/api/v1/messaging/message", post(accept)).with_state(jobs);
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    Ok(axum::serve(listener, router).await?)
}

fn connect(file: &PathBuf) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

async fn accept(
    State(jobs): State<mpsc::Sender<Job>>,
    Json(request): Json<Request>,
) -> Result<(StatusCode, Json<Answer>), StatusCode> {
    let request = Arc::new(request);
    let (sender, committed) = oneshot::channel();
    jobs.send((Arc::clone(&request), sender)).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let id = committed.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let answer = Answer {
        id: format!("msg_{id:022}"),
        direction: "outbound",
        to: request.to.clone(),
        from: request.from.clone(),
        body: request.body.clone(),
        message_type: "SMS",
        encoding: "GSM-7",
        segments: 1,
        status: "queued",
        created_at: "2026-03-15T14:30:00.000Z",
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

fn write(mut connection: Connection, mut waiting: mpsc::Receiver<Job>) -> Result<(), Failure> {
    let mut id = 0;
    while let Some(first) = waiting.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(job) = waiting.try_recv()
        {
            group.push(job);
        }
        let transaction = connection.transaction()?;
        let mut ids = Vec::with_capacity(group.len());
        for (request, _) in &group {
            id += 1;
            ids.push(id);
            let mut message = transaction.prepare_cached("INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5)")?;
            message.execute(params![id, request.to, request.from, request.body, 1_773_585_000_000i64])?;
            let mut delivery = transaction.prepare_cached("INSERT INTO delivery VALUES (?1, 'queued', 'main', ?2)")?;
            delivery.execute(params![id, 1_773_585_000_000i64])?;
        }
        transaction.commit()?;
        for ((_, sender), id) in group.into_iter().zip(ids) {
            // A client that has gone away needs no answer.
            let _ = sender.send(id);
        }
    }
    Ok(())
}
