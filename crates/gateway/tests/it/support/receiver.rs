//! An endpoint of webhooks: it keeps every request and answers as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{ANY_PORT, eventually};

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The path and the query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parameters of a form.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is answered, octet by octet; without a script `204`.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These octets. The connection goes on.
    Octets(Vec<u8>),
}

impl Answer {
    pub(crate) fn status(status: &str, headers: &str) -> Self {
        Self::Octets(format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n").into_bytes())
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    script: VecDeque<Answer>,
    always: Option<Answer>,
    connections: usize,
}

/// The endpoint. It ends with the value.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// One that takes everything.
    pub(crate) async fn start() -> Self {
        Self::answering(None).await
    }

    /// One that answers everything so.
    pub(crate) async fn answering(always: Option<Answer>) -> Self {
        let listener = TcpListener::bind(ANY_PORT).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { always, ..State::default() }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let state = Arc::clone(&shared);
                tokio::spawn(async move { drop(serve(stream, state).await) });
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?a=1", self.address)
    }

    /// Answers the next requests so, in this order.
    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().script.extend(answers);
    }

    /// Answers all requests so that have no script.
    pub(crate) fn always(&self, answer: Option<Answer>) {
        self.state.lock().unwrap().always = answer;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// The requests, once there are so many.
    pub(crate) async fn count(&self, count: usize) -> Vec<Received> {
        eventually(&format!("{count} requests came"), async || {
            Some(self.received()).filter(|received| received.len() >= count)
        })
        .await
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(received) = read(&mut stream, &mut buffer).await? else { return Ok(()) };
        let answer = {
            let mut state = state.lock().unwrap();
            state.received.push(received);
            let always = state.always.clone();
            state.script.pop_front().or(always).unwrap_or_else(|| Answer::status("200 OK", ""))
        };
        match answer {
            Answer::Octets(octets) => stream.write_all(&octets).await?,
        }
    }
}

/// The next request of a connection; nothing at its end.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Received>> {
    let mut part = [0; 4_096];
    loop {
        if let Some(end) = buffer.windows(4).position(|octets| octets == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let headers: Vec<(String, String)> = head
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.clone());
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let body = buffer[end + 4..end + 4 + length].to_vec();
                buffer.drain(..end + 4 + length);
                return Ok(Some(Received { target, headers, body }));
            }
        }
        match stream.read(&mut part).await? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&part[..read]),
        }
    }
}
