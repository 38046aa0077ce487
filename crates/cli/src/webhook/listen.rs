//! `smsfactory webhook listen`: follows the account's events and forwards them, signed, to a developer's machine.
//!
//! It needs no endpoint: while the command asks, the platform writes the log of the account. If the platform or the
//! receiver cannot be reached for a while, the command continues with the next event.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use model::EventId;
use pipeline::webhook::{Secret, signatures};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::TcpStream;

use super::super::{machine, output};
use super::{BASE, Failed};
use crate::client::{escaped, exchange, exchange_raw};
use crate::holder::Holder;
use server::real::OsEntropy;

/// The time between two looks for events when there are none.
const LOOK: Duration = Duration::from_secs(1);

/// The time before another try if the platform or the receiver cannot be reached.
const AGAIN: Duration = Duration::from_secs(2);

/// The time in which the receiver has to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, clap::Args)]
pub(super) struct Listen {
    /// The URL that gets the events, such as `http://localhost:3000/hook`
    #[arg(long, value_name = "URL")]
    forward_to: Uri,
    /// The secret for signatures, `whsec_…`; by default the command makes one, and prints it
    #[arg(long, env = "SMSFACTORY_WEBHOOK_SECRET")]
    secret: Option<String>,
    /// Begin after the event with this id, or at this time; by default with new events
    #[arg(long, value_name = "ID|TIME")]
    after: Option<String>,
}

/// An event as it is listed: its id, its type, and its JSON as it stands.
struct Event {
    id: EventId,
    kind: String,
    text: String,
}

impl Listen {
    pub(super) async fn run(self, holder: &Holder, as_json: bool) -> Result<(), Failed> {
        if self.forward_to.scheme_str() != Some("http") || self.forward_to.authority().is_none() {
            return Err(Failed::new("--forward-to is not an address such as http://localhost:3000/hook"));
        }
        let secret = match &self.secret {
            Some(text) => {
                Secret::parse(text).ok_or_else(|| Failed::new("--secret is not a secret of smsfactory (`whsec_…`)"))?
            }
            None => Secret::new(&OsEntropy),
        };
        output::note(format!("forwarding to {}; secret {}", self.forward_to, secret.reveal()));
        // The first request makes the platform write the log from now on.
        let mut after = match self.after.clone() {
            Some(after) => after,
            None => {
                let path = format!("{BASE}/event?follow=true&limit=1");
                exchange(holder.target(), &Method::GET, &path, &holder.authorization()?, String::new()).await?;
                machine().now().to_string()
            }
        };
        loop {
            let events = match events(holder, &after).await {
                Ok(events) => events,
                Err(Trouble::Refused(failed)) => return Err(failed),
                Err(Trouble::Passing(failed)) => {
                    output::note(format!("{failed}; trying again"));
                    machine().sleep(AGAIN).await;
                    continue;
                }
            };
            if events.is_empty() {
                machine().sleep(LOOK).await;
            }
            for event in events {
                self.forward(&event, &secret, as_json).await;
                after = event.id.to_string();
            }
        }
    }

    /// Forwards an event until the receiver answers. Any answer counts: the developer sees its status.
    async fn forward(&self, event: &Event, secret: &Secret, as_json: bool) {
        loop {
            match machine().timeout(TIMEOUT, self.post(event, secret)).await {
                Ok(Ok(status)) => {
                    let line = serde_json::json!({
                        "id": event.id.to_string(), "type": event.kind, "status": status.as_u16(),
                    });
                    match as_json {
                        true => output::say(line),
                        false => output::say(format!("{} {} {}", status.as_u16(), event.id, event.kind)),
                    }
                    return;
                }
                Ok(Err(failed)) => output::note(format!("{} was not forwarded: {failed}", event.id)),
                Err(_) => output::note(format!("{} was not answered within {} s", event.id, TIMEOUT.as_secs())),
            }
            machine().sleep(AGAIN).await;
        }
    }

    async fn post(&self, event: &Event, secret: &Secret) -> Result<StatusCode, Failed> {
        let authority = self.forward_to.authority().ok_or_else(|| Failed::new("there is no host"))?;
        let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
        let stream = TcpStream::connect(address).await.map_err(Failed::new)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Failed::new)?;
        // It ends with the answer; what goes wrong before, the answer tells.
        machine().spawn("connection", Box::pin(async move { drop(connection.await) }));
        let at_secs = machine().now().as_millis() / 1_000;
        let target = self.forward_to.path_and_query().map_or("/", |target| target.as_str());
        let mut request =
            Request::post(target).body(Full::new(Bytes::from(event.text.clone()))).map_err(Failed::new)?;
        let headers = [
            ("host", authority.to_string()),
            ("content-type", "application/json".to_owned()),
            ("webhook-id", event.id.to_string()),
            ("webhook-timestamp", at_secs.to_string()),
            ("webhook-signature", signatures(std::slice::from_ref(secret), event.id, at_secs, &event.text)),
        ];
        for (name, value) in headers {
            let value = HeaderValue::try_from(value).map_err(Failed::new)?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let response = sender.send_request(request).await.map_err(Failed::new)?;
        let status = response.status();
        response.into_body().collect().await.map_err(Failed::new)?;
        Ok(status)
    }
}

/// The reason why there are no events.
enum Trouble {
    /// The platform refuses, and would refuse again.
    Refused(Failed),
    /// The platform cannot be reached, or names a time for another request.
    Passing(Failed),
}

async fn events(holder: &Holder, after: &str) -> Result<Vec<Event>, Trouble> {
    let path = format!("{BASE}/event?follow=true&limit=100&after={}", escaped(after));
    let authorization = holder.authorization().map_err(Trouble::Refused)?;
    let asked = exchange_raw(holder.target(), &Method::GET, &path, &authorization, String::new()).await;
    let (status, text) = asked.map_err(Trouble::Passing)?;
    let answer: Value = serde_json::from_slice(&text).unwrap_or_default();
    if !status.is_success() {
        let failed = crate::refusal::refused(status, &answer);
        let is_passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        return Err(if is_passing { Trouble::Passing(failed) } else { Trouble::Refused(failed) });
    }
    read(&text).ok_or_else(|| Trouble::Refused(Failed::new("the address does not answer as smsfactory does")))
}

/// The events of a page, each as it stands in it, since the signature is over its octets.
fn read(page: &[u8]) -> Option<Vec<Event>> {
    #[derive(serde::Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        data: Vec<&'a RawValue>,
    }
    #[derive(serde::Deserialize)]
    struct Head {
        id: String,
        r#type: String,
    }
    let page: Page<'_> = serde_json::from_slice(page).ok()?;
    let event = |text: &&RawValue| {
        let Head { id, r#type } = serde_json::from_str(text.get()).ok()?;
        Some(Event { id: id.parse().ok()?, kind: r#type, text: text.get().to_owned() })
    };
    page.data.iter().map(event).collect()
}
