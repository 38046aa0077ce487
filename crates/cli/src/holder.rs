//! The holder of an API key: the address of the public API, and the key.

use std::path::PathBuf;

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::client::{COMMON, Target};
use super::{Failed, client, place};

/// The address of the public API, and the key of an account.
#[derive(Debug, clap::Args)]
pub(super) struct Holder {
    /// The address of the public API
    #[arg(
        long,
        global = true,
        help_heading = COMMON,
        env = "SMSFACTORY_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    api_url: Uri,
    /// A file with a key, as printed by `key create --json`; by default `SMSFACTORY_KEY_ID` and
    /// `SMSFACTORY_KEY_SECRET`, or the key of `dev` in ./data
    #[arg(long, global = true, help_heading = COMMON, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Holder {
    /// The address of the public API.
    pub(super) const fn target(&self) -> Target<'_> {
        Target { url: &self.api_url, option: Some("--api-url") }
    }

    /// The `Authorization` header of the key.
    pub(super) fn authorization(&self) -> Result<String, Failed> {
        let from_environment =
            || Some((std::env::var("SMSFACTORY_KEY_ID").ok()?, std::env::var("SMSFACTORY_KEY_SECRET").ok()?));
        let (id, secret) = match &self.key_file {
            Some(file) => key(&client::read(file)?).ok_or_else(|| {
                Failed::new(format!("{} holds no key in the form of `key create --json`", file.display()))
            })?,
            None => from_environment().or_else(|| key(&client::read(&place::key_file()).ok()?)).ok_or_else(|| {
                Failed::new("there is no API key: set SMSFACTORY_KEY_ID and SMSFACTORY_KEY_SECRET, or give --key-file")
            })?,
        };
        Ok(format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
    }
}

/// The key in a file, or the live one of the demo account in the file that `dev` made.
fn key(text: &str) -> Option<(String, String)> {
    let file: Value = serde_json::from_str(text).ok()?;
    let key = file.get("live").unwrap_or(&file);
    Some((key["keyId"].as_str()?.to_owned(), key["keySecret"].as_str()?.to_owned()))
}
