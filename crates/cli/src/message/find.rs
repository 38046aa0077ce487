//! `smsfactory message find`: a search by any name of a message.

use axum::http::Method;
use model::MessageId;
use serde_json::{Value, json};

use crate::client::Door;
use crate::paging::Length;
use crate::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Find {
    /// An id, a number, a client's reference or a carrier's id
    #[arg(value_name = "NAME")]
    what: String,
    /// Only messages of this account; the search includes its idempotency keys
    #[arg(long)]
    account: Option<String>,
    #[command(flatten)]
    length: Length,
}

impl Find {
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        let (what, name) = (self.what.trim().to_owned(), self.what.clone());
        let answer = if what.parse::<MessageId>().is_ok() {
            let found = door.ask(Method::GET, &format!("/messages/{what}"), None).await?;
            json!({ "data": [found], "nextCursor": null })
        } else {
            self.listed(door, &what).await?
        };
        output::list(&answer, &super::COLUMNS, door.json);
        if answer["data"].as_array().is_some_and(Vec::is_empty) {
            return Err(Failed::new(format!("no message has the id, number or reference `{name}`")));
        }
        Ok(())
    }

    /// Digits alone may be a number as well as a carrier's id: if no message has them as its reference, they are a
    /// number.
    async fn listed(self, door: &Door, what: &str) -> Result<Value, Failed> {
        let Self { account, length, .. } = self;
        let has_digits_alone = what.bytes().all(|octet| octet.is_ascii_digit());
        let of = |field: &'static str, value: String| [("accountId", account.clone()), (field, Some(value))];
        if what.starts_with('+') {
            return length.gather(door, "/messages", &of("number", what.to_owned())).await;
        }
        let named = length.clone().gather(door, "/messages", &of("reference", what.to_owned())).await?;
        let is_found = named["data"].as_array().is_some_and(|found| !found.is_empty());
        if is_found || !has_digits_alone || !(7..=15).contains(&what.len()) {
            return Ok(named);
        }
        length.gather(door, "/messages", &of("number", format!("+{what}"))).await
    }
}
