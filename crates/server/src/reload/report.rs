//! The report of a reload, for the log, the admin API and the command line.

use std::fmt;

use serde::Serialize;

/// One thing that a reload looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The key, such as `limits.max_recipients` or `carrier[main]`; empty for the file as a whole.
    pub key: String,
    /// The outcome.
    pub detail: String,
}

impl Entry {
    /// What became of a key.
    pub fn new(key: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { key: key.into(), detail: detail.into() }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() { f.write_str(&self.detail) } else { write!(f, "`{}`: {}", self.key, self.detail) }
    }
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Something was taken over, or waits for a restart.
    Reloaded,
    /// The configuration is the one that runs.
    Unchanged,
    /// There are mistakes, and nothing was changed.
    Refused,
}

/// What a reload did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What was taken over.
    pub applied: Vec<Entry>,
    /// What has another value in the file than in the running server, until that is started again.
    pub needs_restart: Vec<Entry>,
    /// Why nothing was changed.
    pub mistakes: Vec<Entry>,
}

impl Report {
    /// Nothing was changed, for these reasons.
    pub const fn refused(mistakes: Vec<Entry>) -> Self {
        Self { outcome: Outcome::Refused, applied: Vec::new(), needs_restart: Vec::new(), mistakes }
    }

    /// These were taken over, and those need a restart.
    pub const fn reloaded(applied: Vec<Entry>, needs_restart: Vec<Entry>) -> Self {
        let outcome =
            if applied.is_empty() && needs_restart.is_empty() { Outcome::Unchanged } else { Outcome::Reloaded };
        Self { outcome, applied, needs_restart, mistakes: Vec::new() }
    }

    /// The report in one sentence.
    pub fn summary(&self) -> String {
        let count = |entries: &[Entry], one: &str, many: &str| {
            format!("{} {}", entries.len(), if entries.len() == 1 { one } else { many })
        };
        match self.outcome {
            Outcome::Unchanged => "The configuration is unchanged".to_owned(),
            Outcome::Refused => format!(
                "The configuration was not reloaded and nothing was changed: {}",
                count(&self.mistakes, "mistake", "mistakes")
            ),
            Outcome::Reloaded => format!(
                "The configuration was reloaded: {}, {}",
                count(&self.applied, "change applied", "changes applied"),
                count(&self.needs_restart, "needs a restart", "need a restart")
            ),
        }
    }

    /// Writes the report to the log, a line for each entry.
    pub fn log(&self) {
        self.applied.iter().for_each(|entry| tracing::info!(key = entry.key, "Reload: {entry}"));
        self.needs_restart.iter().for_each(|entry| tracing::warn!(key = entry.key, "Reload: {entry}"));
        self.mistakes.iter().for_each(|entry| tracing::error!(key = entry.key, "Reload: {entry}"));
        match self.outcome {
            Outcome::Refused => tracing::error!("{}", self.summary()),
            Outcome::Reloaded | Outcome::Unchanged => tracing::info!("{}", self.summary()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_in_a_sentence_what_happened() {
        let entry = || Entry::new("log.level", "applied");
        for (report, outcome, summary) in [
            (Report::reloaded(vec![], vec![]), Outcome::Unchanged, "The configuration is unchanged"),
            (
                Report::reloaded(vec![entry()], vec![]),
                Outcome::Reloaded,
                "The configuration was reloaded: 1 change applied, 0 need a restart",
            ),
            (
                Report::reloaded(vec![], vec![entry()]),
                Outcome::Reloaded,
                "The configuration was reloaded: 0 changes applied, 1 needs a restart",
            ),
            (
                Report::refused(vec![entry(), entry()]),
                Outcome::Refused,
                "The configuration was not reloaded and nothing was changed: 2 mistakes",
            ),
        ] {
            assert_eq!((report.outcome, &*report.summary()), (outcome, summary));
        }
        assert_eq!(Entry::new("", "cannot be read").to_string(), "cannot be read");
        assert_eq!(entry().to_string(), "`log.level`: applied");
    }
}
