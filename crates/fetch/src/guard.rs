//! The guard: the one judgement that every literal, name and redirect goes through, whatever is asked for.
//!
//! [`Guard::judge`] reads a URL, has its name resolved once, and judges all that comes back. Only it makes a
//! [`Judged`], and only a [`Judged`] can be connected to (`connection.rs`): to the addresses that were judged, and to
//! no second answer of a name server.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::address::{self, Networks};
use crate::denial::Denial;
use crate::resolve::Resolve;
use crate::url::{Target, TargetHost, UrlRules};

/// What may be asked for.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// The ports; empty for every port.
    pub ports: Vec<u16>,
    /// Whether nothing but https is.
    pub https_only: bool,
    /// Whether names that are not of the public DNS are. What they resolve to is judged like all addresses.
    pub private_names: bool,
    /// Networks that may be reached although they are not public.
    pub allow_networks: Vec<IpNet>,
    /// Networks that may not be reached although they are public. Above `allow_networks`.
    pub deny_networks: Vec<IpNet>,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            ports: vec![80, 443, 8080, 8443],
            https_only: false,
            private_names: false,
            allow_networks: Vec::new(),
            deny_networks: Vec::new(),
        }
    }
}

/// Why a URL was not judged to be allowed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It breaks a rule.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// Nobody knows yet: its name could not be resolved.
    #[error("the host cannot be resolved: {0}")]
    Unresolved(io::Error),
    /// Nobody can know: this host does not tell its own addresses.
    #[error("the addresses of this host cannot be read: {0}")]
    Blind(io::Error),
}

/// A URL that may be asked for, and the addresses that may be asked. Made by [`Guard::judge`] alone.
#[derive(Clone, Debug)]
pub struct Judged {
    target: Target,
    addresses: Vec<SocketAddr>,
}

impl Judged {
    /// The URL.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Where to connect: at least one, each of them judged.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// The rules, ready to judge by.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    rules: UrlRules,
    networks: Networks,
}

impl Guard {
    /// A guard with these rules.
    pub fn new(settings: &GuardSettings) -> Self {
        Self {
            rules: UrlRules {
                ports: settings.ports.clone(),
                https_only: settings.https_only,
                private_names: settings.private_names,
            },
            networks: Networks::new(&settings.allow_networks, &settings.deny_networks),
        }
    }

    /// Judges a URL that a client gave us or, with `from`, one that the answer of `from` sends us to. A name is
    /// resolved once. The wait for that is the caller's to bound.
    ///
    /// # Errors
    /// [`Refused::Denied`] when it breaks a rule; otherwise when it cannot be judged.
    pub async fn judge(&self, text: &str, from: Option<&Judged>, resolver: &dyn Resolve) -> Result<Judged, Refused> {
        let target = self.read(text, from)?;
        let answers = match target.host() {
            TargetHost::Literal(_) => Vec::new(),
            TargetHost::Name(name) => resolver.resolve(name).await.map_err(Refused::Unresolved)?,
        };
        let own = address::own_addresses().map_err(Refused::Blind)?;
        Ok(self.verdict(target, &answers, &own)?)
    }

    /// Reads a URL, and judges what can be judged without its addresses.
    ///
    /// # Errors
    /// Why it may not be asked for.
    pub fn read(&self, text: &str, from: Option<&Judged>) -> Result<Target, Denial> {
        match from {
            None => Target::parse(text, &self.rules),
            Some(from) => from.target.redirected(text, &self.rules),
        }
    }

    /// The verdict, a pure function of the URL, the addresses of its name and those of this host. Every answer must be
    /// public: a name with answers of both kinds is an attack. A literal is its own only answer, whatever `answers`
    /// says.
    ///
    /// # Errors
    /// Why it may not be asked for.
    pub fn verdict(&self, target: Target, answers: &[IpAddr], own: &[IpAddr]) -> Result<Judged, Denial> {
        let answers = match target.host() {
            TargetHost::Literal(address) => &[*address][..],
            TargetHost::Name(_) => answers,
        };
        if answers.is_empty() {
            return Err(Denial::NoAddress);
        }
        for address in answers {
            self.networks.judge(*address, own)?;
        }
        // In the form in which they were judged: a mapped address is the IPv4 address.
        let addresses = answers.iter().map(|address| SocketAddr::new(address.to_canonical(), target.port())).collect();
        Ok(Judged { target, addresses })
    }
}
