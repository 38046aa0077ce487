//! `smsfactory check-url`: the decision about a media URL, without fetching it.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use fetch::guard::{Guard, Judged, Refused};
use fetch::resolve::{Resolve, SystemResolver};
use fetch::url::{TargetHost, dns_name};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Failed, machine, output, serve};
use config::{self, Config, ConfigErrors};

#[derive(Debug, clap::Args)]
pub(super) struct CheckUrl {
    /// The media URL
    #[arg(required_unless_present = "jsonl")]
    url: Option<String>,
    /// Use these addresses for a host; DNS resolves other hosts
    #[arg(long, value_name = "HOST=IP[,IP]", value_parser = resolution)]
    resolve: Vec<Resolution>,
    /// Read JSON lines from standard input, each with `url`, `resolves_to`, `redirects_to` and
    /// `redirect_resolves_to`, and answer each with `allowed` and `why`
    #[arg(long, conflicts_with_all = ["url", "resolve"])]
    jsonl: bool,
    /// Use the `[media]` section of this configuration file; by default the default settings and the environment
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A name and its addresses.
#[derive(Clone, Debug)]
struct Resolution {
    name: String,
    addresses: Vec<IpAddr>,
}

/// A line of input.
#[derive(Deserialize)]
struct Line {
    url: String,
    #[serde(default, deserialize_with = "addresses")]
    resolves_to: Option<Vec<IpAddr>>,
    #[serde(default)]
    redirects_to: Option<String>,
    #[serde(default, deserialize_with = "addresses")]
    redirect_resolves_to: Option<Vec<IpAddr>>,
}

impl CheckUrl {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let media = read(self.config)?.media;
        let guard = Guard::new(&media.guard_settings());
        let Some(url) = self.url else {
            output::prompt_for_lines("{\"url\"}");
            return lines(&guard).await;
        };
        let known = self.resolve.into_iter().map(|resolution| (resolution.name, resolution.addresses)).collect();
        let known = Known(known);
        let runtime = machine();
        let judged = runtime.timeout(Duration::from_secs(media.timeout_seconds), guard.judge(&url, None, &known));
        match judged.await.unwrap_or_else(|_| Err(Refused::Unresolved(io::ErrorKind::TimedOut.into()))) {
            Ok(_) => output::say("allowed"),
            Err(refused) => {
                output::say(format!("refused: {refused}"));
                return Err(Failed::told());
            }
        }
        Ok(())
    }
}

fn read(file: Option<PathBuf>) -> Result<Config, Failed> {
    match file {
        Some(file) => serve::read(&file),
        None => config::read::parse("", serve::environment())
            .map_err(|mistakes| Failed::new(ConfigErrors { file: "environment".to_owned(), mistakes })),
    }
}

async fn lines(guard: &Guard) -> Result<(), Failed> {
    let mut unreadable = 0_u64;
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let line = line.map_err(Failed::new)?;
        match serde_json::from_str::<Line>(&line) {
            Ok(line) => output::say(judged(guard, line).await),
            Err(error) => {
                unreadable += 1;
                output::say(json!({ "error": error.to_string(), "line": index + 1 }));
            }
        }
    }
    output::all_read(unreadable)
}

async fn judged(guard: &Guard, line: Line) -> Value {
    match follow(guard, line).await {
        Ok(_) => json!({ "allowed": true, "why": null }),
        Err(refused) => json!({ "allowed": false, "why": refused.to_string() }),
    }
}

/// Judges the URL, then its redirect. A redirect to the same name resolves again if the line has addresses for it.
async fn follow(guard: &Guard, line: Line) -> Result<Judged, Refused> {
    let first = guard.judge(&line.url, None, &Given { addresses: line.resolves_to.clone(), name: None }).await?;
    let Some(location) = line.redirects_to else { return Ok(first) };
    let given = match (line.redirect_resolves_to, first.target().host()) {
        (None, TargetHost::Name(name)) => Given { addresses: line.resolves_to, name: Some(name.clone()) },
        (addresses, _) => Given { addresses, name: None },
    };
    guard.judge(&location, Some(&first), &given).await
}

/// The addresses of `--resolve`; the system resolves other names.
struct Known(HashMap<String, Vec<IpAddr>>);

#[async_trait]
impl Resolve for Known {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match self.0.get(name) {
            Some(addresses) => Ok(addresses.clone()),
            None => SystemResolver.resolve(name).await,
        }
    }
}

/// The addresses that a line has for one name, or for every name; the system resolves the others.
struct Given {
    addresses: Option<Vec<IpAddr>>,
    name: Option<String>,
}

#[async_trait]
impl Resolve for Given {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match &self.addresses {
            Some(addresses) if self.name.as_deref().is_none_or(|given| given == name) => Ok(addresses.clone()),
            _ => SystemResolver.resolve(name).await,
        }
    }
}

/// Reads `HOST=IP[,IP]`.
fn resolution(text: &str) -> Result<Resolution, String> {
    let (host, list) = text.split_once('=').ok_or("expected HOST=IP, such as example.com=192.0.2.1")?;
    let name = dns_name(host).ok_or_else(|| format!("`{host}` is not a host name"))?;
    Ok(Resolution { name, addresses: list.split(',').map(address).collect::<Result<_, _>>()? })
}

/// Reads an address, in brackets or not. A zone (`fe80::1%eth0`) changes nothing about what it is.
fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse().map_err(|_| format!("`{text}` is not an IP address"))
}

fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IpAddr>>, D::Error> {
    let texts: Option<Vec<String>> = Option::deserialize(deserializer)?;
    texts.map(|texts| texts.iter().map(|text| address(text)).collect()).transpose().map_err(serde::de::Error::custom)
}
