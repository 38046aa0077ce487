//! A client of HTTP/1.1 that can be told to send anything, and what the contract says of every answer.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::DEADLINE;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: None }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body as it stands, under whatever `Content-Type` is given as a header.
    pub(crate) fn octets(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A JSON body as it stands, sound or not.
    pub(crate) fn text(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").octets(body)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// The path, without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query; empty where there is none.
    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The whole request.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head.push_str("host: test\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head += "\r\n";
        [head.as_bytes(), self.body.as_deref().unwrap_or_default()].concat()
    }

    pub(crate) async fn send(&self, address: SocketAddr) -> Reply {
        let mut connection = Connection::open(address).await;
        connection.write(&self.to_bytes()).await;
        connection.reply_to(&self.method).await
    }
}

/// A connection.
pub(crate) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), input: Vec::new() }
    }

    /// Writes octets. A peer that has answered already and reads no more is no failure.
    pub(crate) async fn write(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets).await;
    }

    /// Says that nothing more will be written.
    pub(crate) async fn close_half(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// The next reply.
    pub(crate) async fn reply(&mut self) -> Reply {
        self.reply_to("GET").await
    }

    async fn reply_to(&mut self, method: &str) -> Reply {
        let head_length = loop {
            if let Some(at) = self.input.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(
                self.read().await,
                "the connection ended without a reply, after {:?}",
                String::from_utf8_lossy(&self.input)
            );
        };
        let head: Vec<u8> = self.input.drain(..head_length).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut reply = Reply { status, headers, body: Vec::new() };
        let length = if method == "HEAD" {
            0
        } else {
            reply.header("content-length").map_or(0, |length| length.parse().unwrap())
        };
        while self.input.len() < length {
            assert!(self.read().await, "the connection ended within a body");
        }
        reply.body = self.input.drain(..length).collect();
        reply
    }

    /// Whether the peer ends the connection now, having sent nothing more.
    pub(crate) async fn is_over(&mut self) -> bool {
        self.input.is_empty() && !self.read().await
    }

    /// Reads more; `false` at the end.
    async fn read(&mut self) -> bool {
        let read = tokio::time::timeout(DEADLINE, self.stream.read_buf(&mut self.input))
            .await
            .expect("the peer says something in time");
        read.is_ok_and(|count| count > 0)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header that stands once, or not at all.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} stands more than once: {:?}", self.headers);
        value
    }

    /// A header that is a whole number.
    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> u64 {
        let value = self.header(name).unwrap_or_else(|| panic!("{name} is missing from {self}"));
        value.parse().unwrap_or_else(|_| panic!("{name} is `{value}`"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The body of an answer with this status; null where it has none.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// This has the status, whatever its body.
    #[track_caller]
    pub(crate) fn expect_text(&self, status: u16) {
        assert_eq!(self.status, status, "{self}");
    }

    /// The code of an error answer; 0 for a success.
    #[track_caller]
    pub(crate) fn code(&self) -> u64 {
        if self.status < 400 { 0 } else { self.json()["code"].as_u64().unwrap_or_else(|| panic!("no code in {self}")) }
    }

    /// This is the refusal with this code, word for word, and bears all headers that the contract promises. `info` is
    /// null for none.
    #[track_caller]
    pub(crate) fn refused(&self, code: u16, info: Value) {
        self.has_rate_limit();
        self.refused_by_operator(code, info);
    }

    /// The same with the admin API, which has no rate limits.
    #[track_caller]
    pub(crate) fn refused_by_operator(&self, code: u16, info: Value) {
        let (_, status, message) = PUBLISHED.into_iter().find(|(published, ..)| *published == code).unwrap();
        let mut expected = json!({
            "code": code,
            "message": message,
            "status": status,
            "moreInfo": format!("https://docs.smsfactory.com/page/errors/{code}"),
        });
        if !info.is_null() {
            expected["additionalInfo"] = info;
        }
        assert_eq!((self.status, self.json()), (status, expected), "{self}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("retry-after").is_some(), matches!(code, 33002 | 33012 | 33105), "{self}");
        assert_eq!(self.header("www-authenticate").is_some(), code == 33001, "{self}");
        assert!(code != 33102 || self.header("allow").is_some(), "{self}");
        assert!(self.header("retry-after").is_none_or(|secs| secs.parse::<u64>().unwrap() >= 1), "{self}");
    }

    /// The rate-limit headers: limit, remaining, and the second at which the window ends.
    #[track_caller]
    pub(crate) fn has_rate_limit(&self) -> (u64, u64, u64) {
        let (limit, remaining) = (self.number("x-ratelimit-limit"), self.number("x-ratelimit-remaining"));
        assert!(remaining <= limit, "{self}");
        (limit, remaining, self.number("x-ratelimit-reset"))
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}

/// The published catalogue: code, status, message.
pub(crate) const PUBLISHED: [(u16, u16, &str); 31] = [
    (33000, 500, "An unexpected error occurred"),
    (33001, 401, "Authentication failed"),
    (33002, 429, "Rate limit exceeded"),
    (33003, 400, "Invalid phone number format"),
    (33004, 403, "The sender number is not assigned to this account"),
    (33005, 400, "A required field is missing"),
    (33006, 400, "Invalid message type"),
    (33007, 500, "Failed to send message"),
    (33008, 400, "Sender number is not available"),
    (33009, 400, "Sender number is not active"),
    (33010, 403, "Recipient number is blocked"),
    (33011, 403, "Sender number is blocked"),
    (33012, 429, "Daily messaging quota reached"),
    (33013, 409, "Duplicate idempotency key"),
    (33014, 413, "Media file too large"),
    (33015, 400, "Media type not supported"),
    (33016, 400, "Message body contains invalid characters"),
    (33017, 400, "Failed to upload media"),
    (33018, 400, "The provided media URL is not allowed"),
    (33019, 400, "Message content violates messaging compliance rules"),
    (33024, 400, "recipients must not contain duplicate phone numbers"),
    (33100, 400, "The request body is not valid JSON of the expected shape"),
    (33101, 404, "The requested resource was not found"),
    (33102, 405, "Method not allowed"),
    (33103, 415, "Content-Type must be application/json"),
    (33104, 413, "The request is too large"),
    (33105, 503, "The service is temporarily unavailable"),
    (33106, 400, "Invalid idempotency key"),
    (33107, 400, "Message body is too long"),
    (33108, 400, "Too many recipients"),
    (33109, 409, "The message can no longer be canceled"),
];
