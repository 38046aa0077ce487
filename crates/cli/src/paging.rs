//! Lists that are as long as they are asked for: page after page of an API, joined into one.

use std::cmp::Reverse;

use axum::http::Method;
use model::MessageId;
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

    fn items_max(&self) -> usize {
        if self.all { usize::MAX } else { self.limit as usize }
    }

    /// Joins lists of messages that were gathered to this length and from this cursor: one list, newest first.
    pub(super) fn join(&self, lists: Vec<Value>) -> Value {
        let mut has_more = lists.iter().any(|list| list["nextCursor"].is_string());
        let items = lists.into_iter().filter_map(|mut list| match list["data"].take() {
            Value::Array(items) => Some(items),
            _ => None,
        });
        let mut items: Vec<Value> = items.flatten().collect();
        items.sort_by_cached_key(|item| Reverse(item["id"].as_str().and_then(|id| id.parse::<MessageId>().ok())));
        has_more |= items.len() > self.items_max();
        items.truncate(self.items_max());
        let cursor = items.last().filter(|_| has_more).map(|item| item["id"].clone());
        json!({ "data": items, "nextCursor": cursor })
    }

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
        let limit = self.items_max();
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
