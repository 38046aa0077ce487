//! The telephones on an address of their own.

use serde_json::json;
use simulator::phones::serve;
use simulator::smsc::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::smpp::BindKind;

use super::{HANDSET, Network, text};
use crate::client::{Client, within};

async fn open(network: &Network, head: &str) -> TcpStream {
    let address = serve(network.phones.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n\r\n").replace("HERE", &address.to_string()).as_bytes()).await.unwrap();
    stream
}

/// Reads until there is something.
async fn until(stream: &mut TcpStream, something: &str) -> String {
    let (mut octets, mut seen) = ([0; 4_096], String::new());
    while !seen.contains(something) {
        let read = within(something, stream.read(&mut octets)).await.unwrap();
        assert!(read > 0, "it ended without {something}: {seen}");
        seen.push_str(&String::from_utf8_lossy(&octets[..read]));
    }
    seen
}

#[tokio::test]
async fn changes_are_told_as_they_happen_and_who_missed_some_is_told_so() {
    let network = Network::start(Options { receipts: "none".parse().unwrap(), ..Options::default() }).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    let mut stream = open(&network, "GET /dev/phones/events HTTP/1.1\r\nHost: HERE").await;
    let head = until(&mut stream, "event: open").await;
    assert!(head.to_ascii_lowercase().contains("content-type: text/event-stream"), "{head}");
    client.ask(text("Hello")).await;
    let change = until(&mut stream, "event: change").await;
    assert!(change.contains(&format!("\"number\":\"{HANDSET}\"")), "{change}");
    let mut late = open(&network, "GET /dev/phones/events HTTP/1.1\r\nHost: HERE\r\nLast-Event-ID: 0").await;
    until(&mut late, "event: gap").await;
}

#[tokio::test]
async fn a_page_of_another_site_and_another_name_are_refused() {
    let network = Network::start(Options::default()).await;
    for (head, word) in [
        ("GET /dev/phones HTTP/1.1\r\nHost: rebound.example", "wrong_host"),
        ("GET /dev/phones HTTP/1.1\r\nHost: HERE\r\nSec-Fetch-Site: cross-site", "cross_site"),
        ("POST /dev/phone/1234/send HTTP/1.1\r\nHost: HERE\r\nOrigin: https://evil.example", "cross_site"),
    ] {
        let answer = until(&mut open(&network, head).await, word).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    let seen = until(&mut open(&network, "GET /dev/phones HTTP/1.1\r\nHost: HERE").await, "handsetsLeftOut").await;
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    let elsewhere = serve(network.phones.clone(), ([0, 0, 0, 0], 0).into()).await.unwrap_err();
    assert!(elsewhere.to_string().contains("this machine"), "{elsewhere}");
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let network = Network::start(Options::default()).await;
    let phone = format!("/dev/phones/{HANDSET}");
    for (method, path, body, named) in [
        ("PUT", phone.clone(), Some(json!({})), "`state` is missing"),
        ("PUT", phone.clone(), Some(json!({ "state": "asleep" })), "`state` is on, off"),
        ("PUT", phone.clone(), Some(json!({ "state": "slow" })), "`seconds`"),
        ("PUT", phone.clone(), Some(json!({ "state": "off", "colour": 1 })), "`colour` is no field"),
        ("POST", format!("{phone}/reply"), Some(json!({ "text": "x" })), "`to` is missing"),
        ("POST", format!("{phone}/reply"), Some(json!({ "to": "+1800", "text": 7 })), "`text` is a text"),
        ("POST", format!("{phone}/reply"), Some(json!({ "to": "+1800", "text": "" })), "`text` is missing"),
        ("POST", format!("{phone}/reply"), Some(json!({ "to": "+1800", "text": "x", "how": "loud" })), "`how`"),
        ("POST", format!("{phone}/reply"), Some(json!({ "to": "+1800", "picture": 7 })), "`picture`"),
        ("GET", format!("/dev/phone/{HANDSET}/latest?wait=61"), None, "`wait`"),
        ("GET", format!("/dev/phone/{HANDSET}/latest?after=noon"), None, "`after`"),
        ("GET", format!("/dev/phone/{HANDSET}/latest?since=1"), None, "`since` is no parameter"),
        ("GET", "/dev/phone/ACME/latest".to_owned(), None, "1 to 20 digits"),
    ] {
        let (status, told) = network.ask(method, &path, body).await;
        assert_eq!(status, 400, "{path}: {told}");
        assert!(told["message"].as_str().unwrap().contains(named), "{path}: {told}");
    }
    for (method, path, status) in [
        ("DELETE", phone.as_str(), 405),
        ("GET", "/dev/phones/+1/reply", 405),
        ("GET", "/dev/else", 404),
        ("GET", "/dev/phones/+1/pictures/7-0", 404),
    ] {
        assert_eq!(network.ask(method, path, None).await.0, status, "{method} {path}");
    }
}
