//! The surroundings of the platform in `dev`: a simulated SMSC, a simulated MMSC, and a server with a picture.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use carrier::CarrierConfig;
use carrier::keys::Secret;
use carrier::mm4::config::Mm4Config;
use carrier::smpp::config::SmppConfig;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use runtime::{Machine, Runtime};
use simulator::handsets::Handsets;
use simulator::mmsc::{self, Mmsc};
use simulator::phones::Phones;
use simulator::smsc::{self, Smsc};
use tokio::net::TcpListener;

use super::super::{Failed, machine};
use config::Media;
use server::app::App;

/// Any free port of this machine, for its own eyes.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The carrier of SMS, and the carrier of MMS.
const SMSC: &str = "simulator";
const MMSC: &str = "mmsc";

/// Handsets that answer, by the ends of their numbers: as those of the sandbox do, but over SMPP.
const HANDSETS: [(&str, &str); 3] = [
    ("0009", "STOP"),
    ("0010", "START"),
    (
        "0011",
        "This answer is longer than the 160 characters of one segment, so it comes in two segments, each in a \
         deliver_sm of its own, and is joined again here.",
    ),
];

/// The picture.
const PICTURE: &[u8] = simulator::phones::PICTURE;

/// Everything around the platform. It ends when this is dropped.
pub(super) struct World {
    pub(super) smsc: Smsc,
    pub(super) mmsc: Mmsc,
    pub(super) phones: Phones,
    picture: SocketAddr,
}

impl World {
    pub(super) async fn start(smsc_listen: SocketAddr, mmsc_listen: SocketAddr) -> Result<Self, Failed> {
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let handsets = Arc::new(Handsets::new(Arc::clone(&runtime)));
        let mut options = smsc::Options {
            listen: smsc_listen,
            receipt_delay_ms: smsc::DelayMs(200, 600),
            ..smsc::Options::default()
        };
        options.inbound.inbound_answer =
            HANDSETS.map(|(digits, text)| smsc::AnswerOf { digits: digits.to_owned(), text: text.to_owned() }).to_vec();
        let smsc =
            smsc::start_with(options, Some(Arc::clone(&handsets)), Arc::clone(&runtime)).await.map_err(|error| {
                Failed::new(format!("cannot listen on {smsc_listen}: {error}; `--smsc-listen` names another address"))
            })?;
        let options = mmsc::Options {
            listen_mm4: mmsc_listen,
            listen_mm7: ANY_PORT,
            answer_delay_ms: mmsc::DelayMs(20, 60),
            report_delay_ms: mmsc::DelayMs(200, 600),
            ..mmsc::Options::default()
        };
        let mmsc =
            mmsc::start_with(options, Some(Arc::clone(&handsets)), Arc::clone(&runtime)).await.map_err(|error| {
                Failed::new(format!("cannot listen on {mmsc_listen}: {error}; `--mmsc-listen` names another address"))
            })?;
        let listener = TcpListener::bind(ANY_PORT).await.map_err(Failed::new)?;
        let picture = listener.local_addr().map_err(Failed::new)?;
        machine().spawn("pictures", Box::pin(show(listener)));
        let phones = Phones::new(handsets, runtime).with_smsc(&smsc).with_mmsc(&mmsc);
        Ok(Self { smsc, mmsc, phones, picture })
    }

    /// The simulators as carriers.
    pub(super) fn carriers(&self) -> Vec<CarrierConfig> {
        let (smsc, mmsc) = (self.smsc.address(), self.mmsc.mm4_address());
        let smsc = SmppConfig {
            name: SMSC.to_owned(),
            host: smsc.ip().to_string(),
            port: smsc.port(),
            system_id: "dev".to_owned(),
            password: Secret("dev".to_owned()),
            ..SmppConfig::default()
        };
        let mmsc = Mm4Config {
            name: MMSC.to_owned(),
            host: mmsc.ip().to_string(),
            port: mmsc.port(),
            domain: "mms.smsfactory.example".to_owned(),
            peer_domain: "mms.simulator.example".to_owned(),
            listen: Some(ANY_PORT),
            ..Mm4Config::default()
        };
        vec![smsc.into(), mmsc.into()]
    }

    /// Lets the platform fetch from this machine, because the picture is here.
    pub(super) fn allow(&self, media: &mut Media) {
        media.allow_networks.push(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
        media.ports.push(self.picture.port());
    }

    /// The URL of the picture.
    pub(super) fn picture(&self) -> String {
        format!("http://{}/hello.jpg", self.picture)
    }

    /// Tells the MMSC the address for its answers and reports, which is known once the platform listens.
    pub(super) fn meet(&self, app: &App) {
        let carriers = app.pipeline().carriers();
        let listens_at = carriers
            .iter()
            .find(|(carrier, _)| carrier.name() == MMSC)
            .and_then(|(carrier, _)| carrier.status().listens_at);
        if let Some(address) = listens_at {
            self.mmsc.set_reply_to(address.to_string());
        }
    }
}

/// Answers every request with the picture.
async fn show(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(picture));
                // A client that has hung up has seen enough.
                machine()
                    .spawn("picture", Box::pin(async move { drop(machine().timeout(SHOWN_WITHIN, connection).await) }));
            }
            Err(error) => {
                if let Some(rest) = net::rest_after(&error) {
                    machine().sleep(rest).await;
                }
            }
        }
    }
}

/// How long a connection for the picture may last, whatever its client does.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

async fn picture(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(PICTURE)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    Ok(response)
}
