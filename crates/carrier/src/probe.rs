//! A try of a carrier, step by step, beside the connections that it has: the host, the port, TLS, and whether it lets
//! us in. No message is handed over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use runtime::Runtime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::lookup_host;
use wire::smpp::{Bind, BindKind, Body, CommandStatus, Pdu, decode, encode, frame};

use crate::config::CarrierConfig;
use crate::connect::{Connector, Stream};
use crate::smpp::config::SmppConfig;

/// How long a name may take to be resolved.
const RESOLVE: Duration = Duration::from_secs(10);

/// One step of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which: `settings`, `dns`, `tcp`, `tls`, `bind`, `enquire_link`, `unbind`, `hello`.
    pub name: &'static str,
    /// Whether it succeeded.
    pub is_ok: bool,
    /// What was found, or went wrong, in a sentence.
    pub detail: String,
    /// A hint for a failure.
    pub hint: Option<&'static str>,
    /// How long it took.
    pub took: Duration,
}

/// Takes the steps one after the other, up to the first that fails. They take no longer than the timeouts of the
/// configuration together.
pub async fn probe(config: &CarrierConfig, runtime: &Arc<dyn Runtime>) -> Vec<Step> {
    let mut steps = Steps { runtime, taken: Vec::new() };
    // The step that failed says why.
    let _ = match config {
        CarrierConfig::Smpp(config) => smpp(config, &mut steps).await,
        CarrierConfig::Mm4(config) => {
            let found = async {
                steps.resolve(&config.host, config.port).await?;
                let began = runtime.instant();
                let greeted = crate::mm4::probe(config, Arc::clone(runtime)).await;
                steps.note("hello", began, greeted, Some("check `host`, `port`, `domain` and the TLS keys"))
            };
            found.await.map(drop)
        }
        CarrierConfig::Mm7(config) => match config.connector() {
            Ok(connector) => steps.connect(&connector).await.map(drop),
            Err(error) => steps.fail("settings", error.to_string()),
        },
        CarrierConfig::Sandbox(_) => {
            steps.note("settings", runtime.instant(), Ok("it opens no connection"), None).map(drop)
        }
    };
    steps.taken
}

/// A step has failed, and is noted.
struct Failed;

struct Steps<'r> {
    runtime: &'r Arc<dyn Runtime>,
    taken: Vec<Step>,
}

impl Steps<'_> {
    /// Notes a step. `hint` is for one that failed.
    fn note<T: ToString>(
        &mut self,
        name: &'static str,
        began: Instant,
        found: Result<T, String>,
        hint: Option<&'static str>,
    ) -> Result<T, Failed> {
        let took = self.runtime.instant().saturating_duration_since(began);
        let is_ok = found.is_ok();
        let detail = found.as_ref().map_or_else(Clone::clone, ToString::to_string);
        self.taken.push(Step { name, is_ok, detail, hint: hint.filter(|_| !is_ok), took });
        found.map_err(|_| Failed)
    }

    fn fail(&mut self, name: &'static str, why: String) -> Result<(), Failed> {
        self.note::<String>(name, self.runtime.instant(), Err(why), None).map(drop)
    }

    async fn resolve(&mut self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failed> {
        let began = self.runtime.instant();
        let found = match self.runtime.timeout(RESOLVE, lookup_host((host, port))).await {
            Ok(Ok(addresses)) => Ok(addresses.collect::<Vec<_>>()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        let found =
            found.and_then(|found| if found.is_empty() { Err("it has no address".to_owned()) } else { Ok(found) });
        let shown = found.as_ref().map(|addresses| {
            let addresses: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            format!("{host} is {}", addresses.join(", "))
        });
        self.note("dns", began, shown.map_err(Clone::clone), Some("check `host`"))?;
        found.map_err(|_| Failed)
    }

    /// Opens a connection, to the first address that takes one.
    async fn connect(&mut self, connector: &Connector) -> Result<Box<dyn Stream>, Failed> {
        let addresses = self.resolve(&connector.host, connector.port).await?;
        let began = self.runtime.instant();
        let mut opened = Err("no address".to_owned());
        for address in addresses {
            opened = match self.runtime.timeout(connector.limit, connector.tcp(address)).await {
                Ok(Ok(stream)) => Ok((address, stream)),
                Ok(Err(error)) => Err(format!("{address}: {error}")),
                Err(_) => Err(format!("{address}: no connection in time")),
            };
            if opened.is_ok() {
                break;
            }
        }
        let shown = opened.as_ref().map(|(address, _)| format!("{address} takes connections")).map_err(Clone::clone);
        self.note("tcp", began, shown, Some("check `port`, and ask the carrier whether it allows our address"))?;
        let Ok((_, stream)) = opened else { return Err(Failed) };
        if connector.tls.is_none() {
            return Ok(Box::new(stream));
        }
        let began = self.runtime.instant();
        let secured = match self.runtime.timeout(connector.limit, connector.secure(stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no handshake in time".to_owned()),
        };
        let shown = secured.as_ref().map(|_| "the connection is secured").map_err(Clone::clone);
        self.note("tls", began, shown, Some("check the TLS keys: `tls_ca`, `tls_server_name`"))?;
        secured.map_err(|_| Failed)
    }
}

/// Binds, asks for a sign of life, and unbinds. It binds as a transmitter, so that the SMSC delivers nothing to it.
async fn smpp(config: &SmppConfig, steps: &mut Steps<'_>) -> Result<(), Failed> {
    let (password, connector) = match (config.read_password(), config.connector()) {
        (Ok(password), Ok(connector)) => (password, connector),
        (Err(error), _) | (_, Err(error)) => return steps.fail("settings", error.to_string()),
    };
    let stream = steps.connect(&connector).await?;
    let mut peer = Peer { runtime: steps.runtime, stream, input: BytesMut::new(), bytes_max: config.pdu_bytes_max };
    let bind = Bind {
        system_id: config.system_id.clone().into_bytes(),
        password: password.into_bytes(),
        system_type: config.system_type.clone().into_bytes(),
        interface_version: config.version(),
        ..Bind::default()
    };
    let began = steps.runtime.instant();
    let limit = Duration::from_secs(config.bind_timeout_secs);
    let answer = peer.ask(Pdu::new(1, Body::Bind(BindKind::Transmitter, bind)), limit).await;
    let status = answer.as_ref().map_or(CommandStatus::ROK, |pdu| pdu.status);
    let bound = answer.and_then(|pdu| if pdu.status.is_ok() { Ok(pdu) } else { Err(named(pdu.status)) });
    steps.note(
        "bind",
        began,
        bound.map(|pdu| format!("{} answers {}", pdu.body.command(), pdu.status)),
        hint(status),
    )?;
    let asked = [
        ("enquire_link", Body::EnquireLink, config.enquire_link_timeout_secs),
        ("unbind", Body::Unbind, config.unbind_timeout_secs.max(1)),
    ];
    for (sequence, (name, body, secs)) in (2..).zip(asked) {
        let began = steps.runtime.instant();
        let answer = peer.ask(Pdu::new(sequence, body), Duration::from_secs(secs)).await;
        let answered = answer.map(|pdu| format!("{} answers {}", pdu.body.command(), pdu.status));
        steps.note(name, began, answered, None)?;
    }
    Ok(())
}

/// A status with its meaning.
fn named(status: CommandStatus) -> String {
    status.meaning().map_or_else(|| status.to_string(), |meaning| format!("{status}: {meaning}"))
}

/// The hint for a bind that was refused or not answered.
const fn hint(status: CommandStatus) -> Option<&'static str> {
    Some(match status {
        CommandStatus::RALYBND => "all sessions of the account are in use, perhaps by this carrier itself",
        CommandStatus::RINVPASWD => "check `password`",
        CommandStatus::RINVSYSID => "check `system_id`",
        CommandStatus::RINVSYSTYP => "check `system_type`",
        CommandStatus::RBINDFAIL => {
            "check `system_id` and `password`, and ask the carrier whether it allows our address"
        }
        CommandStatus::ROK => "the SMSC does not answer: check `port`, and whether it requires TLS",
        _ => "ask the carrier for the meaning of this status",
    })
}

/// An SMSC that is tried.
struct Peer<'r> {
    runtime: &'r Arc<dyn Runtime>,
    stream: Box<dyn Stream>,
    input: BytesMut,
    bytes_max: usize,
}

impl Peer<'_> {
    /// The answer to a request. What else comes meanwhile is left unanswered.
    async fn ask(&mut self, request: Pdu, limit: Duration) -> Result<Pdu, String> {
        let runtime = self.runtime;
        let asked = async {
            let mut octets = Vec::new();
            encode(&request, &mut octets);
            self.stream.write_all(&octets).await.map_err(|error| error.to_string())?;
            self.stream.flush().await.map_err(|error| error.to_string())?;
            loop {
                let pdu = self.next().await?;
                if pdu.sequence == request.sequence && pdu.body.command().is_response() {
                    return Ok(pdu);
                }
            }
        };
        runtime.timeout(limit, asked).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn next(&mut self) -> Result<Pdu, String> {
        loop {
            match frame::next(&self.input, self.bytes_max) {
                Ok(Some(length)) => {
                    let pdu = decode(&self.input[..length]);
                    self.input.advance(length);
                    return pdu.map_err(|error| format!("its {} cannot be read: {}", error.command, error.status));
                }
                Ok(None) => {}
                Err(_) => return Err("it does not speak SMPP".to_owned()),
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) => return Err("it closed the connection".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
