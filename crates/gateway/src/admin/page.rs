//! Pages of lists that are in memory.

use model::error::Refusal;
use serde::Serialize;

use super::input::wrong;
use crate::http::query::Parameters;

/// Items on a page, unless asked otherwise.
const LIMIT_DEFAULT: usize = 100;

/// Items on a page at most.
const LIMIT_MAX: usize = 1_000;

/// Which page is asked for.
pub(super) struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

/// A page: `nextCursor` is null at the end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

impl PageQuery {
    pub(super) fn new(query: &Parameters) -> Self {
        Self { limit: query.get("limit").map(str::to_owned), cursor: query.get("cursor").map(str::to_owned) }
    }

    /// The page of `items`, which are in order of `name`; `is_name` tells what can be one. It begins after the cursor's name, whether
    /// what bore it is still there or not.
    pub(super) fn of<T, V>(
        &self,
        items: &[T],
        name: impl Fn(&T) -> String,
        is_name: impl Fn(&str) -> bool,
        view: impl Fn(&T) -> V,
    ) -> Result<Page<V>, Refusal> {
        debug_assert!(items.is_sorted_by_key(&name), "a cursor means a place in an order");
        let limit = match &self.limit {
            Some(text) => text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| wrong("limit", "an integer from 1 to 1000"))?,
            None => LIMIT_DEFAULT,
        };
        let start = match &self.cursor {
            Some(cursor) if is_name(cursor) => items.partition_point(|item| name(item) <= *cursor),
            Some(_) => return Err(wrong("cursor", "a nextCursor of an earlier page")),
            None => 0,
        };
        let page = &items[start..items.len().min(start + limit)];
        let next_cursor = (start + page.len() < items.len()).then(|| page.last().map(&name)).flatten();
        Ok(Page { data: page.iter().map(view).collect(), next_cursor })
    }
}
