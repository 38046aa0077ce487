//! The phones of `dev`: from the public API through real SMPP and MM4 sessions to a handset, and back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::{Running, smsfactory};

/// `dev`, and where its phones are.
struct Dev {
    _running: Running,
    _directory: TempDir,
    address: String,
}

/// The handset that the first messages of `dev` are for, and the number that they are from.
const HANDSET: &str = "+18005550199";
const NUMBER: &str = "+18005550100";

impl Dev {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let data = directory.path().join("data");
        let data = data.to_str().unwrap();
        let arguments = ["dev", "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let mut command = smsfactory(&arguments);
        let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.starts_with("Phones ")).expect("where the phones are is printed");
        let place = line.split_whitespace().nth(1).unwrap();
        let address = place.strip_prefix("http://").and_then(|place| place.strip_suffix("/dev")).unwrap();
        let address = address.to_owned();
        lines.find(|line| line.contains("Ctrl-C ends")).expect("everything is printed");
        Self { _running: running, _directory: directory, address }
    }

    /// Asks with these further lines of the head; returns the status and the body.
    fn ask(&self, method: &str, path: &str, head: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, body) = self.text(method, path, head, body);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    fn text(&self, method: &str, path: &str, head: &str, body: Option<&Value>) -> (u16, String) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (length, kind) = (body.len(), "content-type: application/json\r\nconnection: close");
        let request = format!("{method} {path} HTTP/1.1\r\n{kind}\r\ncontent-length: {length}\r\n{head}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, &format!("host: {}", self.address), None)
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, &format!("host: {}", self.address), Some(body))
    }
}

#[test]
fn a_handset_of_dev_shows_what_the_platform_sent_and_writes_back() {
    let dev = Dev::start();
    let (status, latest) = dev.get(&format!("/dev/phone/{HANDSET}/latest?contains=Hello"));
    assert_eq!((status, &latest["text"], &latest["from"]), (200, &json!("Hello from smsfactory"), &json!(NUMBER)));
    let (_, shown) = dev.get(&format!("/dev/phones/{HANDSET}"));
    let bubbles: Vec<_> = shown["data"].as_array().unwrap().iter().map(|it| (&it["kind"], &it["receipt"])).collect();
    let acknowledged = json!("acknowledged");
    assert_eq!(bubbles, [(&json!("sms"), &acknowledged), (&json!("mms"), &acknowledged)], "{shown}");
    assert_eq!(shown["data"][1]["pictures"][0]["type"], "image/jpeg");

    let (status, told) = dev.post(&format!("/dev/phone/{HANDSET}/send"), &json!({ "to": NUMBER, "text": "Yes, at 5" }));
    assert_eq!((status, &told["by"], &told["acknowledged"]), (202, &json!("deliver_sm"), &json!(1)), "{told}");
    let shuffled = json!({ "to": NUMBER, "text": "A story.", "how": "out-of-order" });
    let (status, told) = dev.post(&format!("/dev/phones/{HANDSET}/reply"), &shuffled);
    assert_eq!((status, &told["parts"], &told["acknowledged"]), (202, &json!(3), &json!(3)), "{told}");
    let picture = json!({ "to": NUMBER, "text": "Look", "picture": "sample" });
    let (status, told) = dev.post(&format!("/dev/phones/{HANDSET}/reply"), &picture);
    assert_eq!((status, &told["by"], &told["acknowledged"]), (202, &json!("MM4_forward.REQ"), &json!(1)), "{told}");
}

#[test]
fn the_first_line_of_dev_leads_to_the_phones_as_a_page() {
    let dev = Dev::start();
    for (path, shown) in [("/dev", HANDSET), ("/dev/18005550199", "Hello from smsfactory")] {
        let (status, page) = dev.text("GET", path, &format!("host: {}", dev.address), None);
        assert!(status == 200 && page.starts_with("<!DOCTYPE html>") && page.contains(shown), "{path}: {page}");
    }
}

#[test]
fn the_phones_of_dev_need_no_token_and_answer_no_page_of_another_site() {
    let dev = Dev::start();
    let own = format!("host: {}", dev.address);
    assert_eq!(dev.get("/dev/phones").0, 200);
    assert_eq!(dev.get("/admin/v1/accounts").0, 401, "what the token guards, it guards still");
    for head in ["host: rebound.example".to_owned(), format!("{own}\r\nsec-fetch-site: cross-site")] {
        assert_eq!(dev.ask("GET", "/dev/phones", &head, None).0, 403, "{head}");
    }
}
