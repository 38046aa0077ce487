//! Parts that operations are put together from: references, pages, parameters.

use serde_json::{Value, json};

/// A reference to a schema.
pub fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// A page of a list.
pub fn page_of(schema: &str) -> Value {
    json!({
        "type": "object",
        "required": ["data", "nextCursor"],
        "properties": {
            "data": { "type": "array", "items": reference(schema) },
            "nextCursor": {
                "type": ["string", "null"],
                "description": "The `cursor` of the next page; `null` on the last page. A page may have fewer items \
                    than `limit`, or none, and still have a next page.",
            },
        },
    })
}

/// A parameter of the query. An empty one is as good as absent.
pub fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "allowEmptyValue": true, "schema": schema })
}

/// The same, which must be there and must not be empty.
pub fn required_query(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "required": true, "description": description, "schema": schema })
}

/// A parameter of the path.
pub fn in_path(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}

/// A header of the request.
pub(crate) fn header(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": schema })
}

/// The parameters that lists with pages have.
pub fn paging() -> [Value; 2] {
    paging_of(50, 100)
}

/// The same, where a page has so many items by default and at most.
pub fn paging_of(default: u16, maximum: u16) -> [Value; 2] {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": maximum, "default": default });
    [
        query("limit", "The maximum number of items on a page.", &limit),
        query(
            "cursor",
            "The `nextCursor` of the previous page. Without it, the first page.",
            &json!({ "type": "string" }),
        ),
    ]
}

/// An id: its prefix and 22 letters and digits.
pub fn id(prefix: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{prefix}_[0-9A-Za-z]{{22}}$") })
}

/// A number in E.164 form.
pub fn number() -> Value {
    json!({ "type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$" })
}

/// The parameters that narrow a list to a time.
pub fn times() -> [Value; 2] {
    let time = json!({ "type": "string", "format": "date-time" });
    [
        query("after", "Only items created at this time or later.", &time),
        query("before", "Only items created before this time.", &time),
    ]
}
