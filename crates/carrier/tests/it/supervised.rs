//! Links and listeners under a supervisor: a panic is a failure of the process, the end of a carrier is none.

use std::sync::Arc;
use std::time::Duration;

use carrier::CarrierConfig;
use carrier::mm4::config::Mm4Config;
use carrier::mm7::config::Mm7Config;
use model::{Entropy, SeededEntropy};
use simulator::smsc::Options;
use tokio::sync::mpsc;

use crate::support::{config, mmsc, smsc, supervisor, within};

/// Random numbers that are not to be had.
struct Broken;

impl Entropy for Broken {
    fn fill(&self, _bytes: &mut [u8]) {
        panic!("no random numbers");
    }
}

#[tokio::test]
async fn a_link_that_panics_is_a_failure_of_the_process() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = config(nobody.local_addr().unwrap());
    drop(nobody);
    let supervisor = supervisor();
    let (events, _kept) = mpsc::unbounded_channel();
    // How long the link waits before it connects again depends on chance.
    let carrier = carrier::start(config.into(), events, Arc::new(Broken), &supervisor).unwrap();
    let why = within("the link panics", supervisor.failed()).await;
    assert_eq!(why, "the task `link of an SMPP carrier` panicked: no random numbers");
    drop(carrier);
}

#[tokio::test]
async fn a_carrier_that_ends_is_no_failure() {
    let smsc = smsc(Options::default()).await;
    let listen = Some("127.0.0.1:0".parse().unwrap());
    let mm4 = Mm4Config {
        name: "mm4".to_owned(),
        host: "127.0.0.1".to_owned(),
        domain: "a.example".to_owned(),
        peer_domain: "b.example".to_owned(),
        listen,
        allow_peers: vec!["127.0.0.0/8".parse().unwrap()],
        ..Mm4Config::default()
    };
    let mm7 = Mm7Config { listen, ..mmsc::config("127.0.0.1:9".parse().unwrap()) };
    for config in [CarrierConfig::from(config(smsc.address())), mm4.into(), mm7.into()] {
        let supervisor = supervisor();
        let (events, mut told) = mpsc::unbounded_channel();
        let carrier = carrier::start(config, events, Arc::new(SeededEntropy::new(1)), &supervisor).unwrap();
        carrier.drain(Duration::from_secs(10)).await;
        drop(carrier);
        // Every task holds a sender of events until its end.
        assert!(within("all tasks have ended", told.recv()).await.is_none());
        assert_eq!(supervisor.failure(), None);
    }
}
