//! What the documentation says of the metrics is what a server shows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, eventually};

const DOCUMENTATION: &str = include_str!("../../../../docs/metrics.md");

/// A metric by the name of its series: its type and its labels, in alphabetical order.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

/// The rows of the documentation's tables.
fn documented() -> Metrics {
    let rows = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter(|row| row.starts_with("smsfactory_") || row.starts_with("process_"));
    rows.map(|row| {
        let (name, rest) = row.split_once("` | ").unwrap();
        let (name, labels) = name.strip_suffix('}').and_then(|name| name.split_once('{')).unwrap_or((name, ""));
        let labels = labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect();
        (name.to_owned(), (rest.split(" | ").next().unwrap().to_owned(), labels))
    })
    .collect()
}

/// The names that a server declares, each with its type.
fn declared(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, kind)| (format!("{name}{}", if kind == "counter" { "_total" } else { "" }), kind.to_owned()))
        .collect()
}

/// The labels of each sample, by the name of its series. `le` belongs to every histogram.
fn labels(text: &str) -> impl Iterator<Item = (&str, BTreeSet<String>)> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, labels) = line.split_once(['{', ' ']).unwrap();
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let labels = if line.contains('{') { labels.rsplit_once('}').unwrap().0 } else { "" };
        let names = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name.to_owned());
        (name, names.filter(|name| name != "le").collect())
    })
}

#[tokio::test]
async fn the_documentation_has_every_metric_with_its_type_and_its_labels_and_no_other() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    // Some metrics begin with the first of what they count.
    TcpStream::connect(stage.api).await.unwrap().write_all(b"GET / HT").await.unwrap();
    let text = eventually("a lost connection is counted", async || {
        let text = Ask::new("GET", "/metrics").send(stage.admin).await.text();
        text.contains("http_connections_lost").then_some(text)
    })
    .await;
    let documented = documented();
    let types: BTreeMap<String, String> =
        documented.iter().map(|(name, (kind, _))| (name.clone(), kind.clone())).collect();
    assert_eq!(types, declared(&text));
    for (name, labels) in labels(&text) {
        assert_eq!(documented[name].1, labels, "{name}");
    }
}

#[tokio::test]
async fn the_build_the_size_of_the_store_and_the_process_are_shown() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |_, _| {}).await;
    stage.time.advance(Duration::from_secs(60));
    let text = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is missing from\n{text}")).parse::<f64>().unwrap()
    };
    let (version, commit) = (server::built::VERSION, server::built::COMMIT);
    let build = format!("smsfactory_build_info{{version=\"{version}\",commit=\"{commit}\"}}");
    assert_eq!(value(&build), 1.0);
    assert!(value("smsfactory_store_bytes") > 0.0);
    for holds in ["store", "media"] {
        let [bytes, free] =
            ["disk_bytes", "disk_free_bytes"].map(|name| value(&format!("smsfactory_{name}{{holds=\"{holds}\"}}")));
        assert!(bytes > 0.0 && bytes >= free, "{holds}: {free} of {bytes}");
    }
    assert!(value("process_cpu_seconds_total") > 0.0 && value("process_threads") >= 1.0);
    assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
    assert!(value("process_resident_memory_bytes") > 1_000_000.0, "a server takes more than a megabyte");
    assert!(value("process_open_fds") > 3.0 && value("process_open_fds") < value("process_max_fds"));
    assert_eq!(value("process_start_time_seconds"), 1_773_585_000.0, "its start, not now");
}
