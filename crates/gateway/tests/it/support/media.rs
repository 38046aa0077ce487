//! A server of media on this machine, and a platform that may fetch from it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{ANY_PORT, Config};

/// A photograph.
pub(crate) const PHOTO: &[u8] = include_bytes!("../../../../fetch/tests/media/photo.jpg");

/// A server of media. What it answers follows from the path: `/photo.jpg`, `/cut.jpg` (half of it), `/page.jpg` (HTML),
/// `/large.jpg` (a byte too many), `/slow.jpg` (when it is [let](Self::let_go)), and 404 for anything else.
pub(crate) struct MediaServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl MediaServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(ANY_PORT).await.unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), asked: Arc::default(), gate: Arc::new(Semaphore::new(0)) };
        let (asked, gate) = (Arc::clone(&server.asked), Arc::clone(&server.gate));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&asked), Arc::clone(&gate)));
            }
        });
        server
    }

    /// Lets a platform fetch from it.
    pub(crate) fn allow(&self, config: &mut Config) {
        config.media.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.media.ports = vec![self.address.port()];
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// How often it was asked for something.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Answers so many of those who wait for `/slow.jpg`.
    pub(crate) fn let_go(&self, count: usize) {
        self.gate.add_permits(count);
    }
}

async fn serve(mut stream: TcpStream, asked: Arc<AtomicUsize>, gate: Arc<Semaphore>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => return,
        }
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
    let (length, body) = match path.as_str() {
        "/photo.jpg" => (PHOTO.len(), PHOTO.to_vec()),
        "/cut.jpg" => (PHOTO.len() / 2, PHOTO[..PHOTO.len() / 2].to_vec()),
        "/page.jpg" => (20, b"<html>hello</html>\r\n".to_vec()),
        "/large.jpg" => (1_048_577, [PHOTO, &vec![0; 1_048_577 - PHOTO.len()]].concat()),
        "/slow.jpg" => {
            gate.acquire().await.unwrap().forget();
            (PHOTO.len(), PHOTO.to_vec())
        }
        _ => return drop(stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await),
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: {length}\r\n\r\n");
    // A platform that has seen enough hangs up.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
}
