//! The demo account, and the secrets that are made once and kept beside the store.

use std::fs;
use std::path::Path;

use model::number::NumberState;
use model::{AccountId, Entropy, KeyId, Mode, Originator};
use pipeline::tenants::TenantBook;
use serde::{Deserialize, Serialize};

use super::super::Failed;
use config::read;
use server::real::OsEntropy;

/// The numbers of the demo account, from the range that is kept for fiction.
pub(super) const NUMBERS: [&str; 2] = ["+18005550100", "+18005550101"];

/// The demo account's credentials, as they are kept for the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Demo {
    pub(super) account_id: String,
    pub(super) live: Key,
    pub(super) test: Key,
    pub(super) numbers: Vec<String>,
}

/// A key and its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    pub(super) key_id: String,
    pub(super) key_secret: String,
}

/// A secret of its own, made once and kept in a file that only its owner reads.
pub(super) fn kept(file: &Path) -> Result<String, Failed> {
    let told = |error: std::io::Error| Failed::new(format!("cannot use {}: {error}", file.display()));
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            OsEntropy.fill(&mut bytes);
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            write_private(file, &text).map_err(told)?;
            Ok(text)
        }
        Err(error) => Err(told(error)),
    }
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// The demo account: the one of the last start while its keys are good, or a new one.
pub(super) async fn demo(tenants: &TenantBook, file: &Path) -> Result<Demo, Failed> {
    let kept = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Demo>(&text).ok());
    let is_good = |demo: &Demo| {
        let account = demo.account_id.parse::<AccountId>().ok();
        let is_known =
            |id: &str| tenants.key(id).is_some_and(|key| Some(key.account) == account && key.revoked_at.is_none());
        [&demo.live, &demo.test].iter().all(|key| is_known(&key.key_id))
    };
    if let Some(demo) = kept.filter(is_good) {
        return Ok(demo);
    }
    let limits = read::parse("", std::iter::empty())
        .map(|config| config.limits.of_new_accounts())
        .map_err(|_| Failed::new("no defaults"))?;
    let account = tenants.create_account("demo".to_owned(), limits).await.map_err(Failed::new)?;
    let (live, live_secret) = tenants.create_key(account.id, Mode::Live, None, None).await.map_err(Failed::new)?;
    let (test, test_secret) = tenants.create_key(account.id, Mode::Test, None, None).await.map_err(Failed::new)?;
    for number in NUMBERS {
        let number = Originator::parse(number).map_err(Failed::new)?;
        match tenants.number(number) {
            None => {
                tenants.create_number(number, Some(account.id), NumberState::Active, None).await.map_err(Failed::new)?
            }
            Some(_) => {
                let change = store::contract::tenants::NumberChange {
                    account: Some(Some(account.id)),
                    state: Some(NumberState::Active),
                    ..Default::default()
                };
                tenants.change_number(number, change).await.map_err(Failed::new)?
            }
        };
    }
    let key = |id: KeyId, secret: &str| Key { key_id: id.to_string(), key_secret: secret.to_owned() };
    let demo = Demo {
        account_id: account.id.to_string(),
        live: key(live.id, live_secret.reveal()),
        test: key(test.id, test_secret.reveal()),
        numbers: NUMBERS.iter().map(|number| (*number).to_owned()).collect(),
    };
    let text = serde_json::to_string_pretty(&demo).map_err(Failed::new)?;
    write_private(file, &text).map_err(|error| Failed::new(format!("cannot write {}: {error}", file.display())))?;
    Ok(demo)
}
