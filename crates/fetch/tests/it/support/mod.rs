//! What the tests share: names that resolve as they say, and a fetcher that may go to this machine.

mod server;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fetch::guard::GuardSettings;
use fetch::media::{FetchError, FetchSettings, Fetcher};
use fetch::resolve::Resolve;
use model::{AccountId, Media, Mode, Owner};

pub(crate) use server::{Piece, Server, response};

/// Where the servers are that may be fetched from.
pub(crate) const ALLOWED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Where those are that may not.
pub(crate) const FORBIDDEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Names and the answers that each gives, one after the other; the last one for good.
#[derive(Debug, Default)]
pub(crate) struct Names {
    answers: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn new<const N: usize>(answers: [(&'static str, &[&[Ipv4Addr]]); N]) -> Self {
        let addresses = |answer: &&[Ipv4Addr]| answer.iter().copied().map(IpAddr::V4).collect();
        let answers =
            answers.into_iter().map(|(name, answers)| (name, answers.iter().map(addresses).collect())).collect();
        Self { answers, asked: Mutex::default() }
    }

    /// Names with one answer each, of any family.
    pub(crate) fn of<const N: usize>(answers: [(&'static str, Vec<IpAddr>); N]) -> Self {
        Self {
            answers: answers.into_iter().map(|(name, answer)| (name, vec![answer])).collect(),
            asked: Mutex::default(),
        }
    }

    /// The names that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|asked| *asked == name).count();
        asked.push(name.to_owned());
        let answers = self.answers.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(answers[before.min(answers.len() - 1)].clone())
    }
}

/// Settings under which the allowed servers can be fetched from, on these ports.
pub(crate) fn settings(ports: &[u16]) -> FetchSettings {
    let guard = GuardSettings {
        ports: ports.to_vec(),
        allow_networks: vec![IpAddr::V4(ALLOWED).into()],
        ..GuardSettings::default()
    };
    FetchSettings { guard, ..FetchSettings::default() }
}

/// Fetches once.
pub(crate) async fn fetch(settings: FetchSettings, names: &Arc<Names>, url: &str) -> Result<Media, FetchError> {
    let resolver: Arc<dyn Resolve> = Arc::clone(names) as _;
    Fetcher::new(settings, resolver, Arc::new(runtime::Machine::new())).unwrap().fetch(account(1), url).await
}

pub(crate) const fn account(number: u8) -> Owner {
    Owner { account: AccountId::from_bytes([number; 16]), mode: Mode::Live }
}

/// Has paused time advance by milliseconds only, so that sockets, whose time is not paused, are looked at between; and
/// lets the kernel do its part.
pub(crate) fn tick() {
    tokio::spawn(async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            std::thread::yield_now();
        }
    });
}

/// One of the files in `tests/media`.
pub(crate) fn media(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/media").join(name)).unwrap()
}
