//! Reading: the file over the defaults, the environment over both, and every mistake with its place.

use std::collections::HashMap;
use std::path::Path;

use carrier::mm4::config::Mm4Config;
use carrier::mm7::config::Mm7Config;
use carrier::smpp::config::SmppConfig;
use carrier::{CarrierConfig, CarrierKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::mistake::{ConfigErrors, Mistake};
use super::secrets::is_secret;
use super::{Config, DEFAULTS, check, credentials};

/// Reads a configuration. `environment` has the variables that override it.
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
        // The message may quote the value.
        let written = line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default();
        let is_secret = written.split_once('=').is_some_and(|(key, _)| is_secret(key.trim()));
        let what = if is_secret { "is not a text in quotes".to_owned() } else { one_line(error.message()) };
        vec![Mistake { key: String::new(), line, what }]
    })?;
    let mut merged = defaults.clone();
    let mut mistakes = Vec::new();
    overlay(&mut merged, given);
    let environment: Vec<(String, String)> = environment.collect();
    let overridden = override_by(&mut merged, &defaults, &environment, &mut mistakes);
    if let Some((_, directory)) = environment.iter().find(|(variable, _)| variable == credentials::DIRECTORY) {
        credentials::prefer(&mut merged, Path::new(directory));
    }
    let tables = merged.remove("carrier");
    let config = deserialize::<Config>(merged, &defaults, "", &mut mistakes)
        .map(|config| Config { carrier: carriers(tables, &mut mistakes), ..config });
    if let Some(config) = &config {
        check::check(config, &mut mistakes);
    }
    for mistake in &mut mistakes {
        match overridden.get(&mistake.key) {
            Some(variable) => mistake.what = format!("{} (by {variable})", mistake.what),
            None => mistake.line = mistake.line.or_else(|| line_of_key(text, &mistake.key)),
        }
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

/// Variables of the command line itself, although their names look like those of keys.
const NO_KEYS: [&str; 2] = ["SMSFACTORY_ADMIN_URL", "SMSFACTORY_COPY_TO"];

/// Puts `SMSFACTORY_<SECTION>_<KEY>` over the file, and says which variable each key has from there. Variables of other
/// names are somebody else's.
fn override_by(
    merged: &mut Table,
    defaults: &Table,
    environment: &[(String, String)],
    mistakes: &mut Vec<Mistake>,
) -> HashMap<String, String> {
    let mut overridden = HashMap::new();
    for (variable, value) in environment.iter().filter(|(variable, _)| !NO_KEYS.contains(&variable.as_str())) {
        let Some(name) = variable.strip_prefix("SMSFACTORY_") else { continue };
        let Some((section, key)) =
            name.split_once('_').map(|(section, key)| (section.to_lowercase(), key.to_lowercase()))
        else {
            continue;
        };
        let Some(Value::Table(known)) = defaults.get(&section) else { continue };
        let path = format!("{section}.{key}");
        let value = match known.get(&key) {
            None | Some(Value::String(_)) => Some(Value::String(value.clone())),
            Some(_) => {
                toml::from_str::<Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"))
            }
        };
        match (value, merged.get_mut(&section)) {
            (Some(value), Some(Value::Table(table))) => {
                let other = other_form(&key);
                if !overridden.contains_key(&format!("{section}.{other}")) {
                    table.remove(&other);
                }
                table.insert(key, value);
            }
            _ => mistakes.push(Mistake {
                key: path.clone(),
                line: None,
                what: "has a value of the wrong type".to_owned(),
            }),
        }
        overridden.insert(path, variable.clone());
    }
    overridden
}

/// The other form in which a secret may be given: `token_file` for `token`, and the reverse.
fn other_form(key: &str) -> String {
    key.strip_suffix("_file").map_or_else(|| format!("{key}_file"), str::to_owned)
}

/// The carriers: which keys a table may have depends on its `kind`.
fn carriers(tables: Option<Value>, mistakes: &mut Vec<Mistake>) -> Vec<CarrierConfig> {
    let tables = match tables {
        None => Vec::new(),
        Some(Value::Array(tables)) => tables,
        Some(other) => {
            let what = format!("is {}, and must be a list of tables: [[carrier]]", other.type_str());
            mistakes.push(Mistake { key: "carrier".to_owned(), line: None, what });
            Vec::new()
        }
    };
    tables
        .into_iter()
        .enumerate()
        .filter_map(|(index, table)| carrier(table, &format!("carrier[{index}]"), mistakes))
        .collect()
}

fn carrier(table: Value, at: &str, mistakes: &mut Vec<Mistake>) -> Option<CarrierConfig> {
    let Value::Table(mut table) = table else {
        mistakes.push(Mistake {
            key: at.to_owned(),
            line: None,
            what: format!("is {}, and not a table", table.type_str()),
        });
        return None;
    };
    let kind = match table.remove("kind").map(CarrierKind::deserialize).transpose() {
        Ok(kind) => kind.unwrap_or_default(),
        Err(error) => {
            mistakes.push(Mistake { key: format!("{at}.kind"), line: None, what: one_line(error.message()) });
            return None;
        }
    };
    let (none, path) = (Table::new(), format!("{at}."));
    match kind {
        CarrierKind::Smpp => deserialize::<SmppConfig>(table, &none, &path, mistakes).map(CarrierConfig::from),
        CarrierKind::Mm4 => deserialize::<Mm4Config>(table, &none, &path, mistakes).map(CarrierConfig::from),
        CarrierKind::Mm7 => deserialize::<Mm7Config>(table, &none, &path, mistakes).map(CarrierConfig::from),
        CarrierKind::Sandbox => deserialize(table, &none, &path, mistakes).map(CarrierConfig::Sandbox),
    }
}

/// Makes a `T` of the tables, whose keys stand under `prefix`. What is wrong is noted, put back to its default, and the
/// rest is read again, so that all mistakes come to light at once.
fn deserialize<T: DeserializeOwned>(
    mut merged: Table,
    defaults: &Table,
    prefix: &str,
    mistakes: &mut Vec<Mistake>,
) -> Option<T> {
    for _ in 0..MISTAKES_MAX {
        let result: Result<T, _> = serde_path_to_error::deserialize(Value::Table(merged.clone()));
        let error = match result {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let key = error.path().to_string();
        let key = if key == "." { String::new() } else { key };
        // The message quotes the value.
        let what = if is_secret(&key) { "is not a text".to_owned() } else { one_line(error.inner().message()) };
        mistakes.push(Mistake { key: format!("{prefix}{key}"), line: None, what });
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

/// The line of the value at `path`, or of the nearest table around it, in the file.
pub fn line_of_key(text: &str, path: &str) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut at = None;
    for step in steps(path) {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == step.key) else { break };
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

/// Every mistake has one line: a message of several lines is joined.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
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
        let text = "[api]\nlisten = \"nowhere\"\nspeed = 3\n\n[limits]\ndaily_quota = \"many\"\n\n[[carrier]]\nname = \
            \"main\"\nwindow = 0\nwindo = 1\n";
        let mistakes = parsed(text, &[]).unwrap_err();
        let places: Vec<(Option<usize>, &str)> =
            mistakes.iter().map(|mistake| (mistake.line, mistake.key.as_str())).collect();
        for place in [
            (Some(2), "api.listen"),
            (Some(3), "api.speed"),
            (Some(6), "limits.daily_quota"),
            (Some(11), "carrier[0].windo"),
        ] {
            assert!(places.contains(&place), "{place:?} in {mistakes:?}");
        }
        for place in [(Some(8), "carrier[0].host"), (Some(10), "carrier[0].window")] {
            assert!(places.contains(&place), "{place:?} in {mistakes:?}");
        }
        let told = ConfigErrors { file: "my.toml".to_owned(), mistakes: mistakes.clone() }.to_string();
        assert_eq!(told.lines().count(), mistakes.len(), "one line each: {told}");
        assert!(told.lines().all(|line| line.starts_with("my.toml:")), "{told}");
    }

    #[test]
    fn a_syntax_error_has_a_line() {
        assert_eq!(parsed("[api]\nlisten = \n", &[]).unwrap_err()[0].line, Some(2));
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let pepper = "p".repeat(32);
        let variables = [
            ("SMSFACTORY_LIMITS_DAILY_QUOTA", "7"),
            ("SMSFACTORY_KEYS_PEPPER", pepper.as_str()),
            ("SMSFACTORY_OTHER", "x"),
            ("HOME", "/"),
        ];
        let config = parsed(&format!("[limits]\ndaily_quota = 5\n{MINIMAL}"), &variables).unwrap();
        assert_eq!(config.limits.daily_quota, 7);
        assert!(config.keys.read().is_ok());
        let mistakes =
            parsed(MINIMAL, &[("SMSFACTORY_API_LISEN", "x"), ("SMSFACTORY_LIMITS_DAILY_QUOTA", "x y")]).unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    }

    #[test]
    fn a_secret_of_the_environment_takes_the_place_of_the_one_in_the_file() {
        let token = "t".repeat(24);
        let text = format!("[admin]\ntoken_file = \"/nope\"\n{MINIMAL}");
        let config = parsed(&text, &[("SMSFACTORY_ADMIN_TOKEN", token.as_str())]).unwrap();
        assert!(config.admin.token.is_some() && config.admin.token_file.is_none());
        let text = format!("[admin]\ntoken = \"{token}\"\n{MINIMAL}");
        let config = parsed(&text, &[("SMSFACTORY_ADMIN_TOKEN_FILE", "/etc/token")]).unwrap();
        assert!(config.admin.token.is_none() && config.admin.token_file.is_some());
        let both = [("SMSFACTORY_ADMIN_TOKEN", token.as_str()), ("SMSFACTORY_ADMIN_TOKEN_FILE", "/etc/token")];
        let mistakes = parsed(MINIMAL, &both).unwrap_err();
        assert_eq!((mistakes.len(), mistakes[0].key.as_str()), (1, "admin.token"), "{mistakes:?}");
    }

    #[test]
    fn what_the_environment_gets_wrong_is_not_put_on_the_file() {
        let text = format!("[dispatch]\nbatch = 5\n{MINIMAL}");
        let mistakes = parsed(&text, &[("SMSFACTORY_DISPATCH_BATCH", "0")]).unwrap_err();
        assert_eq!(
            mistakes.iter().map(|mistake| (mistake.line, mistake.key.as_str())).collect::<Vec<_>>(),
            [(None, "dispatch.batch")]
        );
        assert!(mistakes[0].what.contains("SMSFACTORY_DISPATCH_BATCH"), "{mistakes:?}");
    }

    #[test]
    fn what_the_commands_read_themselves_is_no_key() {
        assert!(
            parsed(MINIMAL, &[("SMSFACTORY_ADMIN_URL", "http://127.0.0.1:9"), ("SMSFACTORY_SIMULATOR_PASSWORD", "x")])
                .is_ok()
        );
    }

    #[test]
    fn numbers_that_cannot_be_meant_are_refused_on_their_line() {
        for (section, key, value) in [
            ("[[carrier]]", "enquire_link_secs", "9223372036854775807"),
            ("[[carrier]]", "reconnect_floor_ms", "0"),
            ("[[carrier]]", "receipts_pending_max", "0"),
            ("[[carrier]]", "throttle_floor_ms", "20000"),
            ("[[carrier]]", "password", "\"seventeen octets!\""),
            ("[[carrier]]", "password_file", "\"/nope\""),
            ("[[carrier]]", "tls_ca", "\"/nope\"\ntls = true"),
            ("[[carrier]]", "receipt_pattern", "\"(?<id>x)\""),
            ("[dispatch]", "retry_ceiling_ms", "9223372036854775807"),
            ("[dispatch]", "fallback_after_secs", "9223372036854775807"),
            ("[dispatch]", "retry_floor_ms", "300001"),
            ("[api]", "sender_kinds", "[]"),
            ("[media]", "ports", "[]"),
            ("[media]", "ports", "[80, 0]"),
            ("[media]", "fetches_per_account", "65"),
            ("[media]", "fetches_max", "10001"),
            ("[media]", "user_agent", "\"ours\\u0007\""),
            ("[media]", "deny_networks", "[\"10.0.0.0/33\"]"),
            ("[api]", "head_timeout_secs", "9223372036854775807"),
            ("[limits]", "message_per_minute", "0"),
            ("[limits]", "failed_auth_per_minute", "0"),
        ] {
            let table = if section == "[[carrier]]" { MINIMAL.to_owned() } else { format!("{MINIMAL}{section}\n") };
            let mistakes = parsed(&format!("{table}{key} = {value}\n"), &[]).unwrap_err();
            assert_eq!((mistakes.len(), mistakes[0].line), (1, Some(table.lines().count() + 1)), "{mistakes:?}");
            assert!(
                mistakes[0].key.starts_with(section.trim_matches(['[', ']'])) && !mistakes[0].what.contains('\n'),
                "{mistakes:?}"
            );
        }
    }

    #[test]
    fn texts_that_would_break_the_service_are_refused_on_their_line() {
        for (section, key, value) in [
            ("[log]", "level", "\"inof\""),
            ("[log]", "level", "\"carrier=debug\""),
            ("[store]", "url", "\"sqlite::memory:\""),
            ("[store]", "url", "\"sqlite:\""),
            ("[store]", "url", "\"sqlite:file:x.db?mode=memory\""),
            ("[store]", "url", "\"sqlite:/var/lib/smsfactory/\""),
            ("[store]", "url", "\"mysql://me@db/x\""),
            ("[cluster]", "redis", "\"me:secret@cache\""),
            ("[cluster]", "redis", "\"redis://me:secret@cache/\""),
            ("[store]\nurl = \"postgres://me@db/x\"\n[cluster]", "redis", "\"http://me:secret@cache/\""),
            ("[api]", "listen", "\"127.0.0.1:0\""),
            ("[admin]", "listen", "\"127.0.0.1:0\""),
            ("[api]", "listen", "\"0.0.0.0:80\""),
            ("[admin]", "listen", "\"[::]:8081\""),
            ("[api]", "docs_base_url", "\"javascript:alert(1)\""),
            ("[api]", "docs_base_url", "\"docs.example.com\""),
            ("[api]", "docs_base_url", "\"https://docs.example.com/?a=b\""),
            ("[api]", "docs_base_url", "\"https://me:secret@docs.example.com\""),
            ("[api]", "docs_base_url", "\"https://docs.example.com/\""),
            ("[api]", "docs_base_url", "\"https://docs.example.com/a b\""),
            ("[api]", "docs_base_url", "\"\""),
            ("[api]", "public_url", "\"sms.example.com\""),
            ("[api]", "public_url", "\"https://sms.example.com/\""),
            ("[api]", "trusted_proxies", "[\"0.0.0.0/0\"]"),
            ("[media]", "allow_networks", "[\"::ffff:0:0/96\"]"),
            ("[media]", "allow_networks", "[\"64:ff9b::/96\"]"),
            ("[[carrier]]", "tlvs", "{ \"0x0424\" = \"y\" }"),
            ("[[carrier]]", "errors", "{ ESME_ROK = \"retry\" }"),
            ("[[carrier]]", "errors", "{ ESME_RSUBMITFAIL = \"throttle\", \"0x45\" = \"reject\" }"),
            ("[[carrier]]", "password", "\"pw\\u0000x\""),
            ("[[carrier]]", "service_type", "\"é\""),
            ("[media]", "allow_networks", "[\"::/0\"]"),
            ("[[carrier]]", "port", "0"),
            ("[media]", "directory", "\"\""),
            ("[media]", "directory", "\"/\""),
            ("[media]", "directory", "\"/./..\""),
            ("[keys]\npepper_file = \"secret\"", "pepper", "\"314159265358979323846264338327950288\""),
            ("[admin]\ntoken_file = \"secret\"", "token", "\"314159265358979323846264338327950288\""),
        ] {
            let table = if section == "[[carrier]]" { MINIMAL.to_owned() } else { format!("{MINIMAL}{section}\n") };
            let mistakes = parsed(&format!("{table}{key} = {value}\n"), &[]).unwrap_err();
            assert_eq!(
                (mistakes.len(), mistakes[0].line),
                (1, Some(table.lines().count() + 1)),
                "{value} {mistakes:?}"
            );
            assert!(!mistakes[0].what.contains("secret"), "{mistakes:?}");
        }
        for (key, value) in [
            ("name", "ma in"),
            ("name", "m\\u001bain"),
            ("host", "smsc.example.net:2775"),
            ("host", "smpp://smsc"),
            ("host", "a b"),
        ] {
            let text = "[[carrier]]\nname = \"main\"\nhost = \"smsc.example.net\"\nsystem_id = \"me\"\n";
            let text: String = text
                .lines()
                .map(|line| if line.starts_with(key) { format!("{key} = \"{value}\"\n") } else { format!("{line}\n") })
                .collect();
            let mistakes = parsed(&text, &[]).unwrap_err();
            assert_eq!(
                (mistakes.len(), mistakes[0].key.as_str()),
                (1, format!("carrier[0].{key}").as_str()),
                "{value} {mistakes:?}"
            );
        }
    }

    #[test]
    fn a_listener_beyond_loopback_wants_tls_or_the_operators_word() {
        for text in [
            "[api]\nlisten = \"0.0.0.0:80\"\nplain_http = true\n",
            "[api]\nlisten = \"0.0.0.0:443\"\ntls_cert = \"a\"\ntls_key = \"b\"\n",
            "[admin]\nlisten = \"10.0.0.1:8081\"\nplain_http = true\n",
            "[api]\nlisten = \"[::1]:80\"\n",
        ] {
            assert!(parsed(&format!("{MINIMAL}{text}"), &[]).is_ok(), "{text}");
        }
    }

    #[test]
    fn no_message_shows_a_secret() {
        for text in [
            "[admin]\ntoken = 314159265358\n",
            "[admin]\ntoken = 31415926535831415926535831415926535831415926535\n",
            "[keys]\npepper = 314159265358 979\n",
            "[keys]\npepper = [\"314159265358\"]\n",
            "[[carrier]]\nname = \"main\"\nhost = \"h\"\npassword = 314159265358\n",
            "[[carrier]]\nname = \"main\"\nkind = \"mm7\"\nurl = \"http://me:314159265358@h/\"\nlisten_password = \
             314159265358\n",
            "[store]\nurl = \"postgres://me:314159265358@db\"\n",
            "[store]\nurl = \"postgres://me:31415@9265358@db/x\"\n",
            "[store]\nurl = \"postgres://me:314159265358@db/x?sslmode=maybe\"\n",
            "[store]\nurl = \"314159265358@db/x\"\n",
        ] {
            let mistakes = parsed(text, &[]).unwrap_err();
            assert!(!format!("{mistakes:?}").contains("314159265358"), "{text}: {mistakes:?}");
        }
        let mistakes = parsed(
            MINIMAL,
            &[("SMSFACTORY_ADMIN_TOKEN", ""), ("SMSFACTORY_STORE_URL", "postgres://me:314159265358@db")],
        )
        .unwrap_err();
        assert!(!format!("{mistakes:?}").contains("314159265358"), "{mistakes:?}");
    }

    #[test]
    fn a_route_that_never_decides_is_a_mistake() {
        let mm4 = "[[carrier]]\nname = \"pictures\"\nkind = \"mm4\"\nhost = \"mmsc\"\ndomain = \
            \"a.example\"\npeer_domain = \"b.example\"\n";
        let route = |prefix: &str, kind: &str, carrier: &str| {
            let kind = if kind.is_empty() { String::new() } else { format!("type = \"{kind}\"\n") };
            format!("[[route]]\nprefix = \"{prefix}\"\n{kind}carriers = [\"{carrier}\"]\n")
        };
        for (first, second, sound) in [
            (route("", "", "main"), route("+1", "", "main"), false),
            (route("+1", "", "main"), route("", "", "main"), true),
            (route("", "SMS", "main"), route("", "MMS", "pictures"), true),
            (route("", "", "main"), route("+1", "", "pictures"), true),
            (route("+44", "", "main"), route("+1", "", "main"), true),
            (route("+1", "SMS", "main"), route("+1212", "", "main"), false),
        ] {
            let read = parsed(&format!("{MINIMAL}{mm4}{first}{second}"), &[]);
            assert_eq!(read.is_ok(), sound, "{first}{second}{read:?}");
        }
        let twice = parsed(&format!("{MINIMAL}[[route]]\ncarriers = [\"main\", \"main\"]\n"), &[]).unwrap_err();
        assert!(twice.len() == 1 && twice[0].what.contains("twice"), "{twice:?}");
    }

    #[test]
    fn routes_name_carriers_that_exist() {
        let mistakes =
            parsed(&format!("{MINIMAL}[[route]]\nprefix = \"1\"\ncarriers = [\"mian\"]\n"), &[]).unwrap_err();
        assert_eq!(mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [Some(6), Some(7)], "{mistakes:?}");
    }

    #[test]
    fn two_listeners_do_not_share_a_port() {
        let mmsc = |name: &str, listen: &str| {
            format!(
                "[[carrier]]\nname = \"{name}\"\nkind = \"mm7\"\nurl = \"http://127.0.0.1/\"\nlisten = \"{listen}\"\n"
            )
        };
        let lines = |first: &str, second: &str| {
            let mistakes =
                parsed(&format!("{MINIMAL}{}{}", mmsc("a", first), mmsc("b", second)), &[]).err().unwrap_or_default();
            mistakes.iter().map(|mistake| mistake.line.unwrap() - MINIMAL.lines().count()).collect::<Vec<_>>()
        };
        assert_eq!(lines("127.0.0.1:7001", "127.0.0.1:7002"), [0; 0]);
        assert_eq!(lines("0.0.0.0:7001", "127.0.0.1:7001"), [10]);
        assert_eq!(lines("127.0.0.1:7001", "127.0.0.1:7001"), [10]);
        assert_eq!(lines("127.0.0.1:8080", "127.0.0.1:7001"), [5]);
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let store = "[store]\nurl = \"postgres://me:hunter2@db/x\"\n[cluster]\nredis = \"redis://:hunter2@cache/\"\n";
        let config = parsed(&format!("[admin]\ntoken = \"hunter2hunter2hunter2\"\n{store}{MINIMAL}"), &[]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
