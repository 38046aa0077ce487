//! One line for each request, and one for each failure. Neither holds a text, a secret or a whole number.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Response};
use model::{AccountId, BroadcastId, MessageId};

use super::envelope::Refused;

/// What a request was about. An extension of answers whose request named or made a message.
#[derive(Clone, Copy, Debug)]
pub struct About(pub MessageId);

/// The broadcast that a request was about. An extension of answers whose request named or made one.
#[derive(Clone, Copy, Debug)]
pub struct AboutBroadcast(pub BroadcastId);

/// Writes the line of a request.
pub fn request(method: &Method, route: &str, address: IpAddr, account: Option<AccountId>, response: &Response<Body>, took: Duration) {
    let status = response.status().as_u16();
    let message_id = response.extensions().get::<About>().map(|about| tracing::field::display(about.0));
    let broadcast_id = response.extensions().get::<AboutBroadcast>().map(|about| tracing::field::display(about.0));
    let refused = response.extensions().get::<Refused>();
    let code = refused.map(|refused| refused.code.number());
    // Why a refusal was one, where its code does not say it: of media, what the guard or the server of them said. That of a failure has a line of its own.
    let cause = refused.filter(|refused| refused.code.http_status() < 500).and_then(|refused| refused.cause.as_deref());
    let account = account.map(tracing::field::display);
    let took_ms = took.as_secs_f64() * 1000.0;
    let route = if route.is_empty() { "unmatched" } else { route };
    tracing::info!(target: "request", %method, route, status, code, cause, took_ms = (took_ms * 100.0).round() / 100.0, %address, account, message_id, broadcast_id, "{method} {route} {status}");
}

/// Writes the line of a failure of ours, with its cause.
pub fn failure(method: &Method, route: &str, response: &Response<Body>) {
    let Some(refused) = response.extensions().get::<Refused>().filter(|refused| refused.code.http_status() >= 500) else { return };
    let cause = refused.cause.as_deref().unwrap_or("no cause given");
    tracing::error!(target: "failure", %method, route, code = refused.code.number(), cause, "{method} {route} failed: {cause}");
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use model::error::{ErrorCode, Refusal};

    use super::super::envelope::Envelope;
    use super::*;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_operator_learns_why_media_were_refused() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            for (code, cause) in [(ErrorCode::MediaUploadFailed, "the server answered 404"), (ErrorCode::MessageSendFailed, "the disk is gone")] {
                let response = Envelope::new("https://docs.example").refuse(Refusal::new(code).caused_by(cause));
                request(&Method::POST, "/message", IpAddr::from([192, 0, 2, 1]), None, &response, Duration::ZERO);
                failure(&Method::POST, "/message", &response);
            }
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("the server answered 404").count(), 1, "{text}");
        assert!(text.contains("code=33017 cause=\"the server answered 404\"") && text.contains("failed: the disk is gone"), "{text}");
        assert!(!text.contains("status=500 code=33007 cause"), "the line of a request does not say it again: {text}");
    }
}
