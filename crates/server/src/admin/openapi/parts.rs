//! Parts that several operations of the admin API have.

use model::Mode;
use serde_json::{Value, json};

use openapi::parts::{id, in_path, paging_of, query, required_query};

/// The parameters of lists of accounts, keys, senders, blocks, templates, webhooks and operators.
pub(super) fn pages() -> [Value; 2] {
    paging_of(100, 1_000)
}

/// The account in a path.
pub(super) fn account() -> Value {
    in_path("id", "The id of the account.", &id("acc"))
}

/// A sender in a path.
pub(super) fn sender() -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    in_path("number", "The number in E.164 form, the short code or the name.", &text)
}

/// A recipient in a path.
pub(super) fn recipient() -> Value {
    in_path("number", "The recipient. Write the plus as `%2B`, or as it is.", &openapi::parts::number())
}

/// A carrier in a path.
pub(super) fn carrier() -> Value {
    in_path("name", "The name of the carrier in the configuration.", &json!({ "type": "string", "minLength": 1 }))
}

/// The account that a list is narrowed to.
pub(super) fn of_account() -> Value {
    query("accountId", "Only those of this account.", &id("acc"))
}

/// The account that is meant.
pub(super) fn for_account() -> Value {
    required_query("accountId", "The account.", &id("acc"))
}

/// The mode that a list is narrowed to.
pub(super) fn of_mode() -> Value {
    query("mode", "Only those of live keys, or of test keys.", &mode())
}

/// The mode that is meant.
pub(super) fn for_mode() -> Value {
    let mut mode = mode();
    mode["default"] = Mode::Live.as_str().into();
    query("mode", "The mode of the keys.", &mode)
}

/// Live or test.
pub(super) fn mode() -> Value {
    json!({ "type": "string", "enum": [Mode::Live.as_str(), Mode::Test.as_str()] })
}
