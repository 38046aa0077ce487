//! Lists that are as long as they are asked for: page after page of the admin API, joined into one.

use axum::http::Method;
use serde_json::{Value, json};

use super::Failed;
use super::client::{Door, query};

/// The most that the admin API puts on a page of messages or broadcasts.
const PAGE: usize = 100;

/// How much of a list is shown.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Length {
    /// The number of items to show, from as many pages as needed
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Shows the whole list
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// The cursor that an earlier list ended with
    #[arg(long)]
    cursor: Option<String>,
}

impl Length {
    /// Asks for pages until there are as many items as wanted, or no more. A page may be empty while others follow.
    pub(super) async fn gather(
        self,
        door: &Door,
        path: &str,
        filter: &[(&str, Option<String>)],
    ) -> Result<Value, Failed> {
        let limit = if self.all { usize::MAX } else { self.limit as usize };
        let (mut cursor, mut items) = (self.cursor, Vec::new());
        loop {
            let page = [("limit", Some((limit - items.len()).min(PAGE).to_string())), ("cursor", cursor)];
            let mut answer =
                door.ask(Method::GET, &format!("{path}{}", query(&[filter, &page].concat())), None).await?;
            if let Some(Value::Array(data)) = answer.get_mut("data").map(Value::take) {
                items.extend(data);
            }
            cursor = answer["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() || items.len() >= limit {
                return Ok(json!({ "data": items, "nextCursor": cursor }));
            }
        }
    }
}
