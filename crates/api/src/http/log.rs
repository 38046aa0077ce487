//! One line for each request, and one for each failure, up to a bound. Neither holds a text, a secret or a whole
//! number.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use model::sampler::{Line, Sampler};
use model::{AccountId, BroadcastId, MessageId};
use runtime::Runtime;

use super::envelope::Refused;
use openapi::status;

/// The message of a request. An extension of answers whose request named or made a message.
#[derive(Clone, Copy, Debug)]
pub struct About(pub MessageId);

/// The broadcast of a request. An extension of answers whose request named or made a broadcast.
#[derive(Clone, Copy, Debug)]
pub struct AboutBroadcast(pub BroadcastId);

/// The log lines of one listener or several, each kind with a limit, so that strangers cannot fill the disk with them.
///
/// Answers of accounts that got what they asked for have all their lines. Five kinds have at most so many a second:
/// answers to requests without an account, refusals of accounts, answers that say we failed, the causes of these, and
/// connections that came to nothing. The next line of a kind says how many lines were left out before it, and every ten
/// seconds a line reports those that no line has reported yet; the counters have all of them.
pub struct Lines {
    runtime: Arc<dyn Runtime>,
    strangers: Sampler,
    refusals: Sampler,
    failed: Sampler,
    failures: Sampler,
    connections: Sampler,
}

/// The time between two reports of omitted lines.
const TELL: Duration = Duration::from_secs(10);

impl Lines {
    /// So many lines of each kind a second.
    pub fn new(per_second: u32, runtime: Arc<dyn Runtime>) -> Self {
        let kind = || Sampler::new(per_second);
        Self { runtime, strangers: kind(), refusals: kind(), failed: kind(), failures: kind(), connections: kind() }
    }

    /// The kinds, by the names that metrics and lines give them.
    pub fn kinds(&self) -> [(&'static str, &Sampler); 5] {
        [
            ("strangers", &self.strangers),
            ("refusals", &self.refusals),
            ("failed", &self.failed),
            ("failures", &self.failures),
            ("connections", &self.connections),
        ]
    }

    /// Reports from time to time the number of omitted lines that were not reported yet. Never ends.
    pub async fn tell(&self) {
        loop {
            self.runtime.sleep(TELL).await;
            for (kind, sampler) in self.kinds() {
                if let Some(left_out) = sampler.take_left_out() {
                    tracing::warn!(
                        kind,
                        left_out,
                        "{left_out} log lines of the kind `{kind}` were left out; the counters have them"
                    );
                }
            }
        }
    }

    /// Writes the line of a request.
    pub fn request(
        &self,
        method: &Method,
        route: &str,
        address: IpAddr,
        account: Option<AccountId>,
        response: &Response<Body>,
        took: Duration,
    ) {
        let status = response.status();
        let sampler = match account {
            _ if status.is_server_error() => Some(&self.failed),
            None => Some(&self.strangers),
            Some(_) if status.is_client_error() => Some(&self.refusals),
            Some(_) => None,
        };
        let Some(line) = sampler.map_or(Some(Line { left_out: None }), |sampler| sampler.line(self.runtime.instant()))
        else {
            return;
        };
        write(line, method, route, address, account, response, took);
    }

    /// Writes the line of a request of the operator, who is no stranger: all of these requests have a line.
    pub fn operated(&self, method: &Method, route: &str, address: IpAddr, response: &Response<Body>, took: Duration) {
        if response.status() == StatusCode::UNAUTHORIZED || response.status() == StatusCode::TOO_MANY_REQUESTS {
            return self.request(method, route, address, None, response, took);
        }
        write(Line { left_out: None }, method, route, address, None, response, took);
    }

    /// Writes the line of a failure of ours, with its cause.
    pub fn failure(&self, method: &Method, route: &str, response: &Response<Body>) {
        let Some(refused) =
            response.extensions().get::<Refused>().filter(|refused| status::of(refused.code).is_server_error())
        else {
            return;
        };
        let Some(Line { left_out }) = self.failures.line(self.runtime.instant()) else { return };
        let cause = refused.cause.as_deref().unwrap_or("no cause given");
        let code = refused.code.number();
        tracing::error!(
            target: "failure", %method, route, code, cause, left_out,
            "{method} {route} failed: {cause}"
        );
    }

    /// Writes the line of a connection that was refused or came to nothing, and why.
    pub fn connection(&self, door: &str, peer: SocketAddr, why: &str) {
        let Some(Line { left_out }) = self.connections.line(self.runtime.instant()) else { return };
        tracing::info!(target: "connection", door, %peer, why, left_out, "A connection from {peer} came to nothing: \
            {why}");
    }

    /// Writes that a connection could not be accepted.
    pub fn not_accepted(&self, door: &str, error: &std::io::Error) {
        let Some(Line { left_out }) = self.connections.line(self.runtime.instant()) else { return };
        tracing::warn!(target: "connection", door, %error, left_out, "Cannot accept a connection: {error}");
    }
}

fn write(
    line: Line,
    method: &Method,
    route: &str,
    address: IpAddr,
    account: Option<AccountId>,
    response: &Response<Body>,
    took: Duration,
) {
    let status = response.status().as_u16();
    let left_out = line.left_out;
    let message_id = response.extensions().get::<About>().map(|about| tracing::field::display(about.0));
    let broadcast_id = response.extensions().get::<AboutBroadcast>().map(|about| tracing::field::display(about.0));
    let refused = response.extensions().get::<Refused>();
    let code = refused.map(|refused| refused.code.number());
    // Why a refusal was one, where its code does not say it: of media, what the guard or the server of them said. That
    // of a failure has a line of its own.
    let cause = refused
        .filter(|refused| !status::of(refused.code).is_server_error())
        .and_then(|refused| refused.cause.as_deref());
    let account = account.map(tracing::field::display);
    let took_ms = took.as_secs_f64() * 1000.0;
    let route = if route.is_empty() { "unmatched" } else { route };
    let took_ms = (took_ms * 100.0).round() / 100.0;
    tracing::info!(
        target: "request", %method, route, status, code, cause, took_ms, %address, account, message_id, broadcast_id,
        left_out, "{method} {route} {status}"
    );
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use model::error::{ErrorCode, Refusal};
    use runtime::Machine;

    use super::super::envelope::Envelope;
    use super::*;

    /// Collects log lines.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The log lines during `work`.
    fn written(work: impl FnOnce()) -> String {
        let lines = Written::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn refusals_are_bounded_and_successes_of_accounts_are_not() {
        let account = Some(AccountId::from_bytes([1; 16]));
        let envelope = Envelope::new("https://docs.example");
        let text = written(|| {
            let lines = Lines::new(5, Arc::new(Machine::new()));
            for (route, account, code) in [
                ("good", account, None),
                ("limited", account, Some(ErrorCode::RateLimitExceeded)),
                ("guessed", None, Some(ErrorCode::AuthenticationFailed)),
                ("pages", None, None),
            ] {
                for _ in 0..1_000 {
                    let response = code
                        .map_or_else(|| Response::new(Body::empty()), |code: ErrorCode| envelope.refuse(code.into()));
                    lines.request(
                        &Method::GET,
                        route,
                        IpAddr::from([192, 0, 2, 1]),
                        account,
                        &response,
                        Duration::ZERO,
                    );
                }
            }
            let failed = envelope.refuse(ErrorCode::UnexpectedError.into());
            (0..1_000).for_each(|_| lines.failure(&Method::GET, "failed", &failed));
            let left_out: u64 = lines.kinds().into_iter().map(|(_, sampler)| sampler.left_out_ever()).sum();
            assert!((3_950..4_000).contains(&left_out), "{left_out}");
        });
        let count = |route: &str| text.matches(&format!("route=\"{route}\"")).count();
        assert_eq!(count("good"), 1_000);
        // A second may end within the test.
        for route in ["limited", "failed"] {
            assert!((5..=10).contains(&count(route)), "{route}: {}", count(route));
        }
        assert!((5..=10).contains(&(count("guessed") + count("pages"))), "both are of strangers");
    }

    #[test]
    fn the_operator_learns_why_media_were_refused() {
        let text = written(|| {
            let lines = Lines::new(100, Arc::new(Machine::new()));
            for (code, cause) in [
                (ErrorCode::MediaUploadFailed, "the server answered 404"),
                (ErrorCode::MessageSendFailed, "the disk is gone"),
            ] {
                let response = Envelope::new("https://docs.example").refuse(Refusal::new(code).caused_by(cause));
                lines.request(&Method::POST, "/message", IpAddr::from([192, 0, 2, 1]), None, &response, Duration::ZERO);
                lines.failure(&Method::POST, "/message", &response);
            }
        });
        assert_eq!(text.matches("the server answered 404").count(), 1, "{text}");
        assert!(
            text.contains("code=33017 cause=\"the server answered 404\"") && text.contains("failed: the disk is gone"),
            "{text}"
        );
        assert!(!text.contains("status=500 code=33007 cause"), "the line of a request does not say it again: {text}");
    }
}
