//! Pages of lists that are in memory.

use model::error::Refusal;
use pipeline::tenants::Listed;
use serde::Serialize;

use super::input::wrong;
use api::http::query::Parameters;

/// Items on a page, unless asked otherwise.
const LIMIT_DEFAULT: usize = 100;

/// Items on a page at most.
const LIMIT_MAX: usize = 1_000;

/// Which page is asked for: where it begins, and how long it is.
pub(super) struct PageQuery<T> {
    /// After this item, whether it is still there or not.
    pub(super) after: Option<T>,
    /// Items on the page at most.
    pub(super) limit: usize,
}

/// A page: `nextCursor` is null at the end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> PageQuery<T> {
    /// Reads a query; `parse` reads the name of an item.
    pub(super) fn read(query: &Parameters, parse: impl Fn(&str) -> Option<T>) -> Result<Self, Refusal> {
        let limit = match query.get("limit") {
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=LIMIT_MAX).contains(limit))
                .ok_or_else(|| wrong("limit", "an integer from 1 to 1000"))?,
            None => LIMIT_DEFAULT,
        };
        let after = match query.get("cursor") {
            Some(cursor) => Some(parse(cursor).ok_or_else(|| wrong("cursor", "a nextCursor of an earlier page"))?),
            None => None,
        };
        Ok(Self { after, limit })
    }
}

impl<V> Page<V> {
    /// The page of these items; `name` is what the next page begins after.
    pub(super) fn of<T>(listed: &Listed<T>, name: impl Fn(&T) -> String, view: impl Fn(&T) -> V) -> Self {
        let next_cursor = listed.items.last().filter(|_| listed.is_more).map(name);
        Self { data: listed.items.iter().map(view).collect(), next_cursor }
    }
}
