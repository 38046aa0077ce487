//! STOP at work: a handset of the sandbox gets a message, answers STOP, and gets no further message.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::client::{self, escaped};
use super::super::refusal::refused;
use super::super::{Failed, machine, output};
use super::demo::{Demo, NUMBERS};
use super::first::url;
use server::app::App;

/// A handset that answers STOP, in the sandbox and behind the simulated SMSC.
pub(super) const HANDSET: &str = "+18005550009";

/// The time in which it has to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The time between two looks for the answer.
const LOOK: Duration = Duration::from_millis(20);

const BASE: &str = "/api/v1/messaging";

const COLUMNS: [(&str, &str); 6] = [
    ("AT", "/createdAt"),
    ("DIRECTION", "/direction"),
    ("FROM", "/from"),
    ("TO", "/to"),
    ("STATUS", "/status"),
    ("BODY", "/body"),
];

/// The message to which the handset answers.
pub(super) fn message() -> Value {
    json!({ "to": HANDSET, "from": NUMBERS[0], "body": "The shop is open again" })
}

/// Sends to the handset with the demo account's test key, waits for its answer, and prints the messages.
pub(super) async fn show(app: &App, demo: &Demo) -> Result<(), Failed> {
    let client = Client { app, demo };
    // The demo account may be one of an earlier start, in which the handset opted out.
    client.opt_in().await?;
    let (status, sent) = client.ask(&Method::POST, "/message", Some(&message())).await?;
    if status != StatusCode::CREATED {
        return Err(refused(status, &sent));
    }
    if machine().timeout(LIMIT, client.opted_out()).await.is_err() {
        output::say(format!("The handset {HANDSET} of the sandbox did not answer STOP within {LIMIT:?}.\n"));
        return Ok(());
    }
    let since = escaped(sent["createdAt"].as_str().unwrap_or_default());
    let (_, mut list) = client.ask(&Method::GET, &format!("/message?after={since}"), None).await?;
    if let Some(messages) = list["data"].as_array_mut() {
        messages.reverse();
    }
    output::say(format!("The handset {HANDSET} of the sandbox answers STOP (test key):\n"));
    output::list(&list, &COLUMNS, false);
    let (status, answer) = client.ask(&Method::POST, "/message", Some(&message())).await?;
    output::say(format!("\nThe next message to it: {}\n", refused(status, &answer)));
    // The commands that `dev` prints later work as they stand.
    client.opt_in().await
}

struct Client<'a> {
    app: &'a App,
    demo: &'a Demo,
}

impl Client<'_> {
    async fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value), Failed> {
        let key = &self.demo.test;
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", key.key_id, key.key_secret)));
        client::request(&url(self.app.api_address)?, method, &format!("{BASE}{path}"), &basic, body).await
    }

    async fn opt_in(&self) -> Result<(), Failed> {
        let (place, reason) = (format!("/optout/{}", escaped(HANDSET)), json!({ "reason": "another demonstration" }));
        let (status, answer) = self.ask(&Method::DELETE, &place, Some(&reason)).await?;
        if status.is_success() { Ok(()) } else { Err(refused(status, &answer)) }
    }

    /// Waits until the handset is opted out.
    async fn opted_out(&self) -> Result<(), Failed> {
        let list = format!("/optout?number={}", escaped(HANDSET));
        loop {
            let (_, found) = self.ask(&Method::GET, &list, None).await?;
            if found["data"].as_array().is_some_and(|found| !found.is_empty()) {
                return Ok(());
            }
            machine().sleep(LOOK).await;
        }
    }
}
