//! Reading: the file over the defaults, the environment over both, and every mistake with its place.

use std::fmt;
use std::path::Path;

use toml::{Table, Value};

use super::{Config, DEFAULTS, check};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key, as a path such as `carrier[0].window`; empty for the file as a whole.
    pub key: String,
    /// Where it stands in the file, from 1; nowhere when it comes from the environment or is missing.
    pub line: Option<usize>,
    /// What is wrong.
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

/// Reads a configuration. `environment` is what variables override it with.
///
/// # Errors
/// Every mistake.
pub fn read(file: &Path, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigErrors> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| ConfigErrors {
        file: name.clone(),
        mistakes: vec![Mistake { key: String::new(), line: None, what: format!("cannot be read: {error}") }],
    })?;
    parse(&text, environment).map_err(|mistakes| ConfigErrors { file: name, mistakes })
}

/// Reads the text of a configuration.
///
/// # Errors
/// Every mistake.
pub fn parse(text: &str, environment: impl Iterator<Item = (String, String)>) -> Result<Config, Vec<Mistake>> {
    let defaults: Table = toml::from_str(DEFAULTS).expect("the embedded defaults are TOML");
    let given: Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        vec![Mistake { key: String::new(), line, what: error.message().to_owned() }]
    })?;
    let mut merged = defaults.clone();
    let mut mistakes = Vec::new();
    overlay(&mut merged, given);
    override_by(&mut merged, &defaults, environment, &mut mistakes);
    let config = deserialize(merged, &defaults, &mut mistakes);
    if let Some(config) = &config {
        check::check(config, &mut mistakes);
    }
    for mistake in &mut mistakes {
        mistake.line = mistake.line.or_else(|| find_line(text, &mistake.key));
    }
    mistakes.sort_by_key(|mistake| mistake.line.unwrap_or(usize::MAX));
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(mistakes),
    }
}

/// Puts the file's tables over the defaults, key by key.
fn overlay(defaults: &mut Table, given: Table) {
    for (key, value) in given {
        match (defaults.get_mut(&key), value) {
            (Some(Value::Table(section)), Value::Table(given)) => section.extend(given),
            (_, value) => drop(defaults.insert(key, value)),
        }
    }
}

/// Puts `SMSFACTORY_<SECTION>_<KEY>` over the file. Variables of other names are somebody else's.
fn override_by(merged: &mut Table, defaults: &Table, environment: impl Iterator<Item = (String, String)>, mistakes: &mut Vec<Mistake>) {
    for (name, value) in environment {
        let Some(name) = name.strip_prefix("SMSFACTORY_") else { continue };
        let Some((section, key)) = name.split_once('_').map(|(section, key)| (section.to_lowercase(), key.to_lowercase())) else { continue };
        let Some(Value::Table(known)) = defaults.get(&section) else { continue };
        let value = match known.get(&key) {
            None | Some(Value::String(_)) => Value::String(value),
            Some(_) => match toml::from_str::<Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value")) {
                Some(value) => value,
                None => {
                    let what = format!("SMSFACTORY_{name} is not a value of this key");
                    mistakes.push(Mistake { key: format!("{section}.{key}"), line: None, what });
                    continue;
                }
            },
        };
        if let Some(Value::Table(section)) = merged.get_mut(&section) {
            section.insert(key, value);
        }
    }
}

/// Makes a `Config` of the tables. What is wrong is noted, put back to its default, and the rest is read again, so that all mistakes come to light at once.
fn deserialize(mut merged: Table, defaults: &Table, mistakes: &mut Vec<Mistake>) -> Option<Config> {
    for _ in 0..MISTAKES_MAX {
        let result: Result<Config, _> = serde_path_to_error::deserialize(Value::Table(merged.clone()));
        let error = match result {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let key = error.path().to_string();
        let key = if key == "." { String::new() } else { key };
        let what = error.inner().to_string().trim().to_owned();
        mistakes.push(Mistake { key: key.clone(), line: None, what });
        if !put_back(&mut merged, defaults, &key) {
            return None;
        }
    }
    None
}

/// More mistakes than anybody reads.
const MISTAKES_MAX: usize = 50;

/// Takes the value at `path` out, or puts the default in its place. `false` when there is nothing to take out.
fn put_back(merged: &mut Table, defaults: &Table, path: &str) -> bool {
    let steps = steps(path);
    let Some((last, way)) = steps.split_last() else { return false };
    let mut table = merged;
    let mut default = Some(defaults);
    for step in way {
        default = default.and_then(|table| table.get(step.key)).and_then(Value::as_table);
        if next(table, step).is_none() {
            // The path ends inside a value that has no keys: that value is the mistake.
            return table.remove(step.key).is_some();
        }
        let Some(inner) = next(table, step) else { return false };
        table = inner;
    }
    match default.and_then(|table| table.get(last.key)) {
        Some(value) => table.insert(last.key.to_owned(), value.clone()).is_some_and(|old| old != *value),
        None => table.remove(last.key).is_some(),
    }
}

fn next<'a>(table: &'a mut Table, step: &Step<'_>) -> Option<&'a mut Table> {
    let value = table.get_mut(step.key)?;
    let value = match step.index {
        Some(index) => value.as_array_mut()?.get_mut(index)?,
        None => value,
    };
    value.as_table_mut()
}

struct Step<'a> {
    key: &'a str,
    index: Option<usize>,
}

/// `carrier[0].window` is two steps: item 0 of `carrier`, then `window`.
fn steps(path: &str) -> Vec<Step<'_>> {
    let step = |text| match str::split_once(text, '[') {
        Some((key, rest)) => Step { key, index: rest.trim_end_matches(']').parse().ok() },
        None => Step { key: text, index: None },
    };
    path.split('.').filter(|step| !step.is_empty()).map(step).collect()
}

/// The line on which the value at `path`, or the nearest table around it, stands in the file.
fn find_line(text: &str, path: &str) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut at = None;
    for step in steps(path) {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == step.key)?;
        let value = match (value.get_ref(), step.index) {
            (toml::de::DeValue::Array(items), Some(index)) => items.get(index)?,
            _ => value,
        };
        at = Some(if step.index.is_some() { value.span().start } else { key.span().start });
        match value.get_ref() {
            toml::de::DeValue::Table(next) => table = next,
            _ => break,
        }
    }
    at.map(|offset| line_of(text, offset))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, environment: &[(&str, &str)]) -> Result<Config, Vec<Mistake>> {
        parse(text, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    const MINIMAL: &str = "[[carrier]]\nname = \"main\"\nhost = \"smsc.example.net\"\nsystem_id = \"me\"\n";

    #[test]
    fn a_file_with_one_carrier_works() {
        let config = parsed(MINIMAL, &[]).unwrap();
        assert_eq!(config.carrier.len(), 1);
        assert_eq!(config.api.listen.port(), 8080);
        assert!(config.keys.read().unwrap_err().contains("keys.pepper"));
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let text = "[api]\nlisten = \"nowhere\"\nspeed = 3\n\n[limits]\ndaily_quota = \"many\"\n\n[[carrier]]\nname = \"main\"\nwindow = 0\nwindo = 1\n";
        let mistakes = parsed(text, &[]).unwrap_err();
        let places: Vec<(Option<usize>, &str)> = mistakes.iter().map(|mistake| (mistake.line, mistake.key.as_str())).collect();
        for place in [(Some(2), "api.listen"), (Some(3), "api.speed"), (Some(6), "limits.daily_quota"), (Some(11), "carrier[0].windo")] {
            assert!(places.contains(&place), "{place:?} in {mistakes:?}");
        }
        assert!(mistakes.iter().any(|mistake| mistake.key.starts_with("carrier[0]") && mistake.what.contains("`host`")), "{mistakes:?}");
    }

    #[test]
    fn a_syntax_error_has_a_line() {
        assert_eq!(parsed("[api]\nlisten = \n", &[]).unwrap_err()[0].line, Some(2));
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let pepper = "p".repeat(32);
        let variables = [("SMSFACTORY_LIMITS_DAILY_QUOTA", "7"), ("SMSFACTORY_KEYS_PEPPER", pepper.as_str()), ("SMSFACTORY_OTHER", "x"), ("HOME", "/")];
        let config = parsed(&format!("[limits]\ndaily_quota = 5\n{MINIMAL}"), &variables).unwrap();
        assert_eq!(config.limits.daily_quota, 7);
        assert!(config.keys.read().is_ok());
        let mistakes = parsed(MINIMAL, &[("SMSFACTORY_API_LISEN", "x"), ("SMSFACTORY_LIMITS_DAILY_QUOTA", "x y")]).unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    }

    #[test]
    fn routes_name_carriers_that_exist() {
        let mistakes = parsed(&format!("{MINIMAL}[[route]]\nprefix = \"1\"\ncarriers = [\"mian\"]\n"), &[]).unwrap_err();
        assert_eq!(mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [Some(6), Some(7)], "{mistakes:?}");
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let config = parsed(&format!("[admin]\ntoken = \"hunter2hunter2hunter2\"\n{MINIMAL}"), &[]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
