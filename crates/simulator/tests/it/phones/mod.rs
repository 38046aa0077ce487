//! Telephones over HTTP, with a real ESME on the other side of the SMSC.

mod http;
mod messages;
pub(crate) mod page;
mod replies;
mod switches;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode};
use serde_json::{Value, json};
use simulator::handsets::Handsets;
use simulator::phones::Phones;
use simulator::smsc::{Options, Smsc, start_with};
use wire::smpp::{Body, Sm};

use crate::client::{message, within};
use crate::machine;

/// The recipient of [`message`], and its sender.
const HANDSET: &str = "+18005551234";
pub(crate) const PLATFORM: &str = "+18005559876";

/// An SMSC and the telephones behind it.
struct Network {
    smsc: Smsc,
    phones: Phones,
}

impl Network {
    async fn start(options: Options) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let handsets = Arc::new(Handsets::new(machine()));
        let smsc = start_with(Options { listen, ..options }, Some(Arc::clone(&handsets)), machine()).await.unwrap();
        let phones = Phones::new(handsets, machine()).with_smsc(&smsc);
        Self { smsc, phones }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        ask(&self.phones, method, path, body).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, None).await
    }

    /// Switches the handset.
    async fn switch(&self, to: Value) {
        let (status, shown) = self.ask("PUT", &format!("/dev/phones/{HANDSET}"), Some(to.clone())).await;
        assert_eq!((status, &shown["state"]), (StatusCode::OK, &to["state"]), "{shown}");
    }

    /// What the handset shows.
    async fn bubbles(&self) -> Vec<Value> {
        let (status, shown) = self.get(&format!("/dev/phones/{HANDSET}")).await;
        assert_eq!(status, StatusCode::OK, "{shown}");
        shown["data"].as_array().unwrap().clone()
    }

    /// The only message of the handset, once it is as wanted.
    async fn bubble(&self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        within(what, async {
            loop {
                match self.bubbles().await.as_slice() {
                    [bubble] if is_wanted(bubble) => return bubble.clone(),
                    _ => tokio::task::yield_now().await,
                }
            }
        })
        .await
    }
}

pub(crate) async fn ask(phones: &Phones, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = match &body {
        Some(_) => request.header("content-type", "application/json"),
        None => request,
    };
    let octets = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let peer = SocketAddr::from(([127, 0, 0, 1], 5));
    let answer = phones.answer(request.body(Full::new(octets)).unwrap(), peer).await;
    let status = answer.status();
    let octets = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&octets).unwrap_or(Value::Null))
}

/// A message that wants a receipt.
fn text(text: &str) -> Body {
    message(1, text.as_bytes())
}

/// The same, changed.
fn changed(text: &[u8], change: impl FnOnce(&mut Sm)) -> Body {
    let Body::SubmitSm(mut sm) = message(1, text) else { unreachable!() };
    change(&mut sm);
    Body::SubmitSm(sm)
}

/// A message of the handset, as a request says it.
fn reply(text: &str) -> Value {
    json!({ "to": PLATFORM, "text": text })
}
