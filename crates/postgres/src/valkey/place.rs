//! How Valkey is reached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo};
use runtime::Runtime;

use super::{Ask, Count, script};
use ledger::StoreError;

/// How long it may take until a new connection counts.
const CONNECT: Duration = Duration::from_secs(1);

/// The Valkey that a URL names. It is shown without user and password.
pub(super) struct Place {
    client: Client,
    shown: String,
}

impl Place {
    /// What `url` says. Nothing is connected yet.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator, without any part of a password.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let refused = |_| StoreError::Refused(NOT_UNDERSTOOD.to_owned());
        let is_known = ["redis://", "rediss://", "unix://"].iter().any(|scheme| url.starts_with(scheme));
        if !is_known || url.contains("#insecure") {
            return Err(StoreError::Refused(NOT_UNDERSTOOD.to_owned()));
        }
        let info = url.into_connection_info().map_err(refused)?;
        let shown = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => return Err(StoreError::Refused(NOT_UNDERSTOOD.to_owned())),
        };
        Ok(Self { client: Client::open(info).map_err(refused)?, shown })
    }

    /// A new connection, on which something was counted.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(super) async fn connect(&self, runtime: &Arc<dyn Runtime>) -> Result<MultiplexedConnection, String> {
        // The waits are those of the runtime.
        let settings = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connect = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&settings).await?;
            // A replica answers, and cannot count.
            let trial = Ask {
                name: "trial".to_owned(),
                limit: u32::MAX,
                now: Some(Timestamp::from_millis(0)),
                known: Count::default(),
                is_take: true,
            };
            script::run(&mut connection, &trial).await.map(|_| connection)
        };
        match runtime.timeout(CONNECT, connect).await {
            Ok(connected) => connected.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} s", CONNECT.as_secs())),
        }
    }
}

/// The URL stays out of the message: it may hold a password.
const NOT_UNDERSTOOD: &str = "URL of Valkey is not understood; it is `redis://HOST:PORT/`, `unix:///PATH`, or \
    `rediss://HOST:PORT/` with TLS and a verified certificate, perhaps with `USER:PASSWORD@` before the host";

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Valkey at {}", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_its_password() {
        for (url, shown) in [
            ("redis://127.0.0.1/", "Valkey at 127.0.0.1:6379"),
            ("redis://me:secret@cache:7000/2", "Valkey at cache:7000"),
            ("rediss://:secret@cache/", "Valkey at cache:6379"),
            ("unix:///run/valkey.sock?pass=secret", "Valkey at /run/valkey.sock"),
        ] {
            assert_eq!(Place::parse(url).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_url_that_is_not_understood_is_not_shown() {
        for url in
            ["", "cache", "http://me:secret@cache/", "redis://me:secret@cache:port/", "rediss://:secret@c/#insecure"]
        {
            let refused = Place::parse(url).map(|place| place.to_string()).unwrap_err();
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
    }
}
