//! The operations, in the order of the document. An operation is a few lines: its method and path, its name and words,
//! its parameters, the schemas of its body and of its answer, and the errors that it may answer with. Its role is that
//! of `access.rs`.

mod accounts;
mod carriers;
mod keywords;
mod messages;
mod operators;
mod optouts;
mod pages;
mod screening;
mod senders;
mod server;
mod webhooks;

use axum::http::Method;
use model::Role;

use super::super::{BASE, access};
use openapi::operation::Operation;

/// Every operation of the admin listener.
pub(super) fn all() -> Vec<Operation> {
    let groups = [
        accounts::all(),
        senders::all(),
        keywords::all(),
        messages::all(),
        optouts::all(),
        carriers::all(),
        screening::all(),
        webhooks::all(),
        operators::all(),
        server::all(),
        pages::all(),
    ];
    groups.into_iter().flatten().map(with_role).collect()
}

/// Says which role an operation needs.
fn with_role(operation: Operation) -> Operation {
    let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap_or_default();
    let access = operation.path.strip_prefix(BASE).and_then(|route| access::of(&method, route));
    match access.map(|access| access.least) {
        Some(Role::Admin) => operation.remark("Role: `admin`."),
        Some(role) => operation.remark(&format!("Role: `{}` or higher.", role.as_str())),
        None => operation,
    }
}
