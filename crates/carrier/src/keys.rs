//! The parts of every carrier's keys: secrets, words, ranges, and mistakes in them.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;

/// A text that stays out of debug output.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// How the validity period is given to a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ValidityForm {
    /// So long from now: needs no common clock.
    #[serde(rename = "relative")]
    Relative,
    /// Until a time in UTC.
    #[serde(rename = "absolute")]
    Absolute,
    /// Not at all.
    #[serde(rename = "omit")]
    Omit,
}

/// Where a carrier's password may stand: in a file, in the environment, or in the table itself.
pub(crate) struct Password<'a> {
    pub(crate) given: &'a Secret,
    pub(crate) file: Option<&'a Path>,
    pub(crate) variable: Option<&'a str>,
}

impl Password<'_> {
    /// The password, and the key that names it.
    pub(crate) fn read(&self) -> Result<(&'static str, String), Mistake> {
        if let Some(file) = self.file {
            let key = "password_file";
            let read = std::fs::read_to_string(file)
                .map_err(|error| Mistake::new(key, format!("cannot be read from {}: {error}", file.display())))?;
            return Ok((key, read.trim_end_matches(['\r', '\n']).to_owned()));
        }
        if let Some(name) = self.variable {
            let key = "password_env";
            return std::env::var(name)
                .map(|value| (key, value))
                .map_err(|_| Mistake::new(key, format!("names {name}, which is not set")));
        }
        Ok(("password", self.given.0.clone()))
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key in the carrier's table.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
}

impl Mistake {
    pub(crate) fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.what)
    }
}

/// Every mistake of a carrier's configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("carrier `{carrier}`: {}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigError {
    /// The carrier.
    pub carrier: String,
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
}

/// Notes every key whose number is out of its bounds.
pub(crate) fn check_bounds<'a>(
    bounds: impl IntoIterator<Item = (&'a str, u64, RangeInclusive<u64>)>,
    mistakes: &mut Vec<Mistake>,
) {
    for (key, value, bounds) in bounds {
        if !bounds.contains(&value) {
            mistakes.push(Mistake::new(
                key,
                format!("is {value}, and not between {} and {}", bounds.start(), bounds.end()),
            ));
        }
    }
}

/// What is wrong with a `national_prefix` that is none.
pub(crate) const NO_PREFIX: &str = "is not `+` and the first 1 to 6 digits of a number";

/// Whether a text is the beginning of a number, short enough that something is left of the number.
pub(crate) fn is_prefix(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (1..=6).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}
