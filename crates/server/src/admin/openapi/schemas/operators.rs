//! Operators and the audit log.

use model::{ActorKind, OperatorName, Role, Via};
use serde_json::{Value, json};

use super::{body, count_or_null, one_of_or_null, time_or_null, whole};
use crate::operators::passwords::{BYTES_MAX, CHARACTERS_MIN};
use openapi::parts::reference;
use openapi::schemas::{flag, one_of, text, text_or_null, time};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Operator", operator()),
        ("NewOperator", new_operator()),
        ("OperatorChange", change()),
        ("SignInLink", link()),
        ("AuditEntry", entry()),
        ("Actor", actor()),
    ]
}

/// The name of an operator.
pub(in crate::admin::openapi) fn name() -> Value {
    json!({
        "type": "string",
        "pattern": "^(?!\\.*$)[A-Za-z0-9._@+-]{1,64}$",
        "description": format!("{}, and not dots alone.", OperatorName::EXPECTED),
    })
}

fn roles() -> [&'static str; 3] {
    Role::ALL.map(Role::as_str)
}

fn operator() -> Value {
    whole(&json!({
        "name": text("The name."),
        "role": one_of(&roles(), "The role."),
        "hasPassword": flag("Whether the operator can sign in by a password."),
        "createdAt": time("The time of the creation."),
        "disabledAt": time_or_null("The time at which the operator was disabled."),
    }))
}

fn password(description: &str) -> Value {
    json!({
        "type": ["string", "null"],
        "minLength": CHARACTERS_MIN,
        "maxLength": BYTES_MAX,
        "description": description,
    })
}

fn new_operator() -> Value {
    body(
        &["name", "role"],
        &json!({
            "name": name(),
            "role": one_of(&roles(), "The role."),
            "password": password("A password of at least 15 characters and at most 256 bytes; absent for none."),
        }),
    )
}

fn change() -> Value {
    body(
        &[],
        &json!({
            "role": one_of_or_null(&roles(), "The role."),
            "disabled": { "type": ["boolean", "null"], "description": "Whether the operator is disabled." },
            "password": password("A password of at least 15 characters and at most 256 bytes; `null` removes it."),
        }),
    )
}

fn link() -> Value {
    whole(&json!({
        "token": text("The token of the link."),
        "link": text_or_null("The link; `null` without `console.url`. The address is then `/console/login?token=…` at \
            this listener."),
        "expiresAt": time("The time at which it expires."),
    }))
}

fn entry() -> Value {
    let any = |description: &str| json!({ "description": description });
    whole(&json!({
        "id": text("`aud_` and 22 letters and digits."),
        "at": time("The time of the request."),
        "actor": reference("Actor"),
        "address": text_or_null("The address of the client."),
        "via": one_of(&[Via::Console, Via::Cli, Via::Api].map(Via::as_str), "The client."),
        "method": text("The method."),
        "route": text("The route, such as `/accounts/{id}`."),
        "path": text("The path, with its query."),
        "request": any("The body, without secrets and texts; `null` for none."),
        "before": any("The resource before the change; `null` for none."),
        "status": count_or_null("The status of the answer; `null` if the server ended before it."),
        "answeredAt": time_or_null("The time of the answer."),
        "after": any("The resource after the change, or the answer; `null` for none."),
    }))
}

fn actor() -> Value {
    whole(&json!({
        "kind": one_of(&[ActorKind::Token, ActorKind::Operator].map(ActorKind::as_str), "The kind."),
        "name": text("The name of the operator, or `token`."),
    }))
}
