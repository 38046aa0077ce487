//! A mistake in a configuration.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key, as a path such as `carrier[0].window`; empty for the file as a whole.
    pub key: String,
    /// Its line in the file, from 1; `None` if it comes from the environment or is missing.
    pub line: Option<usize>,
    /// The mistake.
    pub what: String,
}

/// Every mistake of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file, as it was named.
    pub file: String,
    /// The mistakes, in the order of their lines.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let end = if index + 1 < self.mistakes.len() { "\n" } else { "" };
            let line = mistake.line.map(|line| format!(":{line}")).unwrap_or_default();
            let key = if mistake.key.is_empty() { String::new() } else { format!("`{}`: ", mistake.key) };
            write!(f, "{}{line}: {key}{}{end}", self.file, mistake.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
