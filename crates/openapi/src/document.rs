//! A document, put together from its operations and its schemas.

use model::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::conventions::Conventions;
use super::operation::Operation;
use super::{errors, headers};

/// What a document says of an API beside its operations and its schemas.
pub struct Document {
    /// The name of the API.
    pub title: &'static str,
    /// A sentence about it.
    pub summary: &'static str,
    /// What holds for all of it, in Markdown.
    pub description: &'static str,
    /// The groups of operations, each with its description.
    pub tags: &'static [(&'static str, &'static str)],
    /// The credentials of requests: a name, the scheme of HTTP, and their form.
    pub credentials: (&'static str, &'static str, &'static str),
    /// Every header that an answer may have.
    pub headers: &'static [&'static str],
    /// What the operations have in common.
    pub conventions: Conventions,
}

impl Document {
    /// The document (OpenAPI 3.1, section 4.8.1), with the webhooks of an API that has some.
    pub fn to_json(&self, operations: &[Operation], webhooks: Option<Value>, schemas: &Map<String, Value>) -> Value {
        let tag = |(name, description): &(&str, &str)| json!({ "name": name, "description": description });
        let (name, scheme, form) = self.credentials;
        let can_come = |code: ErrorCode| operations.iter().any(|operation| operation.refuses(code));
        let mut document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "version": env!("CARGO_PKG_VERSION"),
                "summary": self.summary,
                "description": self.description,
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": "/", "description": "The server that this document comes from." }],
            "tags": self.tags.iter().map(tag).collect::<Vec<_>>(),
            "security": [{ name: [] }],
            "paths": self.paths_of(operations),
        });
        if let Some(webhooks) = webhooks {
            document["webhooks"] = webhooks;
        }
        document["components"] = json!({
            "securitySchemes": { name: { "type": "http", "scheme": scheme, "description": form } },
            "headers": headers::components(self.headers),
            "schemas": schemas,
            "examples": errors::examples(can_come),
        });
        document
    }

    /// The operations by their paths.
    fn paths_of(&self, operations: &[Operation]) -> Value {
        let mut paths = Map::new();
        for operation in operations {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method] = operation.to_json(&self.conventions);
        }
        paths.into()
    }
}
