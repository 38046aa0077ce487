//! Answers every request with an empty 200: where Kannel reports its receipts.

use std::net::SocketAddr;

use axum::Router;
use clap::Parser;
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(about)]
struct Options {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(Options::parse().listen).await?;
    axum::serve(listener, Router::new().fallback(|| async {})).await
}
