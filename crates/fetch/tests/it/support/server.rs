//! An HTTP server that answers each connection with the bytes of a script, and counts who came.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A piece of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A wait.
    Wait(Duration),
    /// Nothing more, and the connection stays open.
    Hang,
}

/// What is answered to a request with this head, in lower case, for this path.
type Script = dyn Fn(&str, &str) -> Vec<Piece> + Send + Sync;

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on a free port of an address.
    pub(crate) async fn start(address: Ipv4Addr, script: impl Fn(&str) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        Self::on(SocketAddr::new(address.into(), 0), script).await
    }

    pub(crate) async fn on(address: SocketAddr, script: impl Fn(&str) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        Self::bound(TcpListener::bind(address).await.unwrap(), move |_, path| script(path))
    }

    /// Serves on a free port of an address by the head of the request, in lower case, and the port.
    pub(crate) async fn heard(
        address: Ipv4Addr,
        script: impl Fn(&str, u16) -> Vec<Piece> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self::bound(listener, move |head, _| script(head, port))
    }

    fn bound(listener: TcpListener, script: impl Fn(&str, &str) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let (accepted, heads, script) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::<Mutex<Vec<String>>>::default(),
            Arc::<Script>::from(Box::new(script) as Box<_>),
        );
        let (counted, noted) = (Arc::clone(&accepted), Arc::clone(&heads));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, Arc::clone(&script), Arc::clone(&noted)));
            }
        });
        Self { address, accepted, heads, task }
    }

    /// Answers everything with these bytes.
    pub(crate) async fn of_bytes(address: Ipv4Addr, bytes: Vec<u8>) -> Self {
        Self::start(address, move |_| vec![Piece::Bytes(bytes.clone())]).await
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections there were.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The heads of the requests, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, script: Arc<Script>, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let lower = head.to_lowercase();
    heads.lock().unwrap().push(lower.clone());
    for piece in script(&lower, &path) {
        match piece {
            // A client that has heard enough goes away.
            Piece::Bytes(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Piece::Wait(time) => tokio::time::sleep(time).await,
            Piece::Hang => std::future::pending().await,
        }
    }
}

/// A response with these header fields and this body, whose length is told.
pub(crate) fn response(status: u16, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut bytes = format!("HTTP/1.1 {status} x\r\n{fields}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
