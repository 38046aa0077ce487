//! HTTP, the same for both doors: connections in, requests to a router, and one error envelope on every path.

pub mod body;
pub mod canned;
pub mod caught;
pub mod envelope;
pub mod gate;
pub mod head;
pub mod log;
pub mod metrics;
pub mod query;
pub mod rooms;
pub mod serve;
pub mod tls;

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};

/// The other end of the connection that a request came over. An extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// An answer that is JSON.
pub fn json(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
