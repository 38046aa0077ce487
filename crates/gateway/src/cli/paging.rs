//! Lists that are as long as they are asked for: page after page of an API, joined into one.

use axum::http::Method;
use serde_json::{Value, json};

use super::Failed;
use super::client::{Door, query};

/// The number of items that every list of the APIs takes for a page.
const PAGE: usize = 100;

/// How much of a list is shown.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Length {
    /// Show this many items; the command fetches as many pages as that takes
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Show the whole list
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Continue an earlier list, at the cursor printed below it
    #[arg(long)]
    cursor: Option<String>,
}

impl Length {
    /// The whole list.
    pub(super) const WHOLE: Self = Self { limit: u32::MAX, all: true, cursor: None };

    /// Asks the admin API for pages until there are as many items as wanted, or no more.
    pub(super) async fn gather(
        self,
        door: &Door,
        path: &str,
        filter: &[(&str, Option<String>)],
    ) -> Result<Value, Failed> {
        self.pages(filter, async |given: String| door.ask(Method::GET, &format!("{path}{given}"), None).await).await
    }

    /// The same, of a list whose page `ask` fetches by its query. A page may be empty while others follow.
    pub(super) async fn pages(
        self,
        filter: &[(&str, Option<String>)],
        ask: impl AsyncFn(String) -> Result<Value, Failed>,
    ) -> Result<Value, Failed> {
        let limit = if self.all { usize::MAX } else { self.limit as usize };
        let (mut cursor, mut items) = (self.cursor, Vec::new());
        loop {
            let page = [("limit", Some((limit - items.len()).min(PAGE).to_string())), ("cursor", cursor)];
            let mut answer = ask(query(&[filter, &page].concat())).await?;
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
