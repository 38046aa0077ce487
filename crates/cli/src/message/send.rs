//! `smsfactory message send` and `smsfactory message again`.

use std::path::PathBuf;

use axum::http::Method;
use serde_json::json;

use crate::client::{Door, escaped, read};
use crate::{Failed, choices, output};

/// A message on behalf of an account.
#[derive(Debug, clap::Args)]
pub(super) struct Send {
    /// The account; its limits and its quota count
    #[arg(long)]
    account: String,
    /// The recipient
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// The sender: a number, short code or name of the account
    #[arg(long, value_name = "SENDER")]
    from: String,
    /// The text
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["body_file", "media_url"])]
    body: Option<String>,
    /// A file with the text
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    body_file: Option<PathBuf>,
    /// The URL of the media of an MMS
    #[arg(long, value_name = "URL")]
    media_url: Option<String>,
    /// The mode: live for carriers, test for the sandbox; by default live
    #[arg(long, value_parser = choices::modes())]
    mode: Option<String>,
    /// The account's reference for the message
    #[arg(long)]
    reference: Option<String>,
    /// The carrier that gets the message first; by default the first of its route
    #[arg(long, value_name = "NAME")]
    carrier: Option<String>,
    /// Send nothing if the account has sent the same message under this key before
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// An earlier message once more.
#[derive(Debug, clap::Args)]
pub(super) struct Again {
    /// The id of the earlier message
    id: String,
    /// Send nothing if the account has sent the same message under this key before
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Send {
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        let body = match &self.body_file {
            Some(file) => Some(read(file)?),
            None => self.body,
        };
        let message = json!({
            "accountId": self.account,
            "mode": self.mode,
            "to": self.to,
            "from": self.from,
            "body": body,
            "mediaUrl": self.media_url,
            "reference": self.reference,
            "carrier": self.carrier,
            "idempotencyKey": self.idempotency_key,
        });
        output::one(&door.ask(Method::POST, "/messages", Some(&message)).await?, door.json);
        Ok(())
    }
}

impl Again {
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        output::confirm(&format!("Send {} again, as a new message, to the same recipient?", self.id), self.yes)?;
        let input = json!({ "idempotencyKey": self.idempotency_key });
        let path = format!("/messages/{}/again", escaped(&self.id));
        output::one(&door.ask(Method::POST, &path, Some(&input)).await?, door.json);
        Ok(())
    }
}
