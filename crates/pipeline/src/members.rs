//! The nodes that share a store, as each of them sees them: their reports, the living nodes, and their carriers.

use std::collections::BTreeMap;
use std::time::Duration;

use model::CarrierName;
use serde::{Deserialize, Serialize};
use store::contract::nodes::Epoch;

/// The report of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The carriers of its configuration, and the downtime of each; `None` for one that is up.
    pub(crate) carriers: BTreeMap<CarrierName, Option<Duration>>,
}

/// Its stored form. Nodes of the next release read it, too: unknown fields are ignored.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    carriers: BTreeMap<String, Option<u64>>,
}

impl Report {
    /// Its stored form.
    pub(crate) fn to_text(&self) -> String {
        let millis = |down: Duration| u64::try_from(down.as_millis()).unwrap_or(u64::MAX);
        let carriers = self.carriers.iter().map(|(name, down)| (name.to_string(), down.map(millis))).collect();
        // Strings and numbers can always be written.
        serde_json::to_string(&Written { carriers }).unwrap_or_default()
    }

    /// The report with this stored form; the report of a node without carriers if it cannot be read.
    pub(crate) fn parse(text: &str) -> Self {
        let Ok(Written { carriers }) = serde_json::from_str(text) else { return Self::default() };
        let carriers =
            carriers.into_iter().map(|(name, down)| (name.as_str().into(), down.map(Duration::from_millis))).collect();
        Self { carriers }
    }
}

/// A living node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) epoch: Epoch,
    pub(crate) name: String,
    /// Whether it gives its carriers away and takes no new ones.
    pub(crate) is_draining: bool,
    pub(crate) report: Report,
}

/// The common knowledge of all nodes: the living nodes and their carriers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) members: Vec<Member>,
    pub(crate) holders: BTreeMap<CarrierName, Epoch>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let carriers = BTreeMap::from([("north".into(), None), ("s\"o".into(), Some(Duration::from_millis(1_500)))]);
        let report = Report { carriers };
        assert_eq!(Report::parse(&report.to_text()), report);
        for other in ["", "{", "[]", "null", r#"{"carriers": 1}"#] {
            assert_eq!(Report::parse(other), Report::default(), "{other}");
        }
        assert_eq!(Report::parse(r#"{"carriers":{"north":null},"later":{}}"#).carriers.len(), 1);
    }
}
