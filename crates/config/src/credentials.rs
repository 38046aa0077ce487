//! Credentials of the service: copies of secret files that systemd makes for one service (`LoadCredential=`).

use std::path::Path;

use toml::{Table, Value};

/// The variable in which systemd gives a service the directory of its credentials.
pub(super) const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Has every key that names the file of a secret name the credential of the same name instead, if there is one: the
/// service cannot read the file itself. So one configuration serves the service and the commands of root, which run
/// without credentials.
pub(super) fn prefer(table: &mut Table, directory: &Path) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => prefer(inner, directory),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_table_mut).for_each(|inner| prefer(inner, directory));
            }
            Value::String(file) if names_secret_file(key) => {
                let copy = Path::new(file).file_name().map(|name| directory.join(name)).filter(|copy| copy.is_file());
                if let Some(copy) = copy.as_deref().and_then(Path::to_str) {
                    copy.clone_into(file);
                }
            }
            _ => {}
        }
    }
}

fn names_secret_file(key: &str) -> bool {
    key.ends_with("_file") || matches!(key, "tls_key" | "tls_client_key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_the_credential_of_its_name() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("pepper"), "p").unwrap();
        std::fs::write(directory.path().join("main-password"), "p").unwrap();
        let text = "[keys]\npepper_file = \"/etc/s/pepper\"\nprevious_pepper_file = \"/etc/s/old\"\n[media]\n\
                    directory = \"/var/pepper\"\n[[carrier]]\nname = \"pepper\"\npassword_file = \"main-password\"\n";
        let mut table: Table = toml::from_str(text).unwrap();
        prefer(&mut table, directory.path());
        let copy = |name: &str| Value::String(directory.path().join(name).to_str().unwrap().to_owned());
        assert_eq!(table["keys"]["pepper_file"], copy("pepper"));
        assert_eq!(table["keys"]["previous_pepper_file"].as_str(), Some("/etc/s/old"), "no credential has this name");
        assert_eq!(table["media"]["directory"].as_str(), Some("/var/pepper"), "that is no file of a secret");
        assert_eq!(table["carrier"][0]["password_file"], copy("main-password"));
        assert_eq!(table["carrier"][0]["name"].as_str(), Some("pepper"));
    }
}
