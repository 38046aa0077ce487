//! Secrets: which files hold them, and that no message shows them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Config;

/// Whether a key's value is a secret. Its last step decides: `carrier[0].password`.
pub(super) fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    let name = name.split('[').next().unwrap_or(name);
    name.ends_with("password") || matches!(name, "token" | "pepper" | "previous_pepper" | "s3_secret_key")
}

/// Files that hold secrets and that every user of this machine can read, each with the key that names it. An empty key
/// is the configuration itself.
pub fn readable_by_everybody(file: &Path, config: &Config) -> Vec<(String, PathBuf)> {
    let holds_secrets = fs::read_to_string(file)
        .ok()
        .and_then(|text| toml::from_str::<Table>(&text).ok())
        .is_some_and(|table| has_secret(&table));
    let own = holds_secrets.then(|| (String::new(), file.to_owned()));
    let named = [
        ("admin.token_file", config.admin.token_file.as_deref()),
        ("keys.pepper_file", config.keys.pepper_file.as_deref()),
        ("keys.previous_pepper_file", config.keys.previous_pepper_file.as_deref()),
        ("api.tls_key", config.api.tls_key.as_deref()),
    ];
    let named = named.into_iter().filter_map(|(key, file)| Some((key.to_owned(), file?.to_owned())));
    let of_carriers = config.carrier.iter().enumerate();
    let of_carriers = of_carriers.flat_map(|(index, carrier)| {
        carrier.secret_files().into_iter().map(move |(key, file)| (format!("carrier[{index}].{key}"), file.to_owned()))
    });
    own.into_iter().chain(named).chain(of_carriers).filter(|(_, file)| others_read(file)).collect()
}

/// The mistake in such a file, and its fix.
pub fn exposure(file: &Path) -> String {
    let file = file.display();
    format!("{file} holds a secret and is readable by every user of this machine: chmod o-r {file}")
}

/// Whether there is a secret in these tables.
fn has_secret(table: &Table) -> bool {
    table.iter().any(|(key, value)| match value {
        Value::Table(inner) => has_secret(inner),
        Value::Array(items) => items.iter().filter_map(Value::as_table).any(has_secret),
        Value::String(text) => is_secret(key) && !text.is_empty() || has_password(text),
        _ => false,
    })
}

/// Whether a text is a URL with a password in it.
fn has_password(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')))
}

/// Whether users who neither own a file nor belong to its group can read it. One that cannot be looked at is another
/// check's finding.
fn others_read(file: &Path) -> bool {
    const READ_BY_OTHERS: u32 = 0o004;
    fs::metadata(file).is_ok_and(|found| found.permissions().mode() & READ_BY_OTHERS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_keys_and_in_urls() {
        for (text, has) in [
            ("[admin]\ntoken = \"x\"", true),
            ("[admin]\ntoken = \"\"", false),
            ("[admin]\ntoken_file = \"/etc/t\"", false),
            ("[keys]\npepper = \"x\"", true),
            ("[[carrier]]\nname = \"main\"\npassword_env = \"P\"", false),
            ("[[carrier]]\nname = \"main\"\nlisten_password = \"p\"", true),
            ("[store]\nurl = \"postgres://me:secret@db/x\"", true),
            ("[store]\nurl = \"sqlite:./x.db\"", false),
        ] {
            assert_eq!(has_secret(&toml::from_str(text).unwrap()), has, "{text}");
        }
    }
}
