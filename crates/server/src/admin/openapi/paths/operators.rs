//! `/operators` and `/audit`.

use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::admin_path;
use super::super::parts::pages;
use super::super::schemas::operator_name;
use openapi::operation::Operation;
use openapi::parts::{in_path, page_of, paging, query, reference};

const TAG: &str = "Operators";

pub(super) fn all() -> Vec<Operation> {
    vec![list(), create(), show(), change(), disable(), link(), audit()]
}

fn operator() -> Value {
    in_path("name", "The name of the operator. Its case does not matter.", &operator_name())
}

fn list() -> Operation {
    Operation::new("get", admin_path!("/operators"), "listOperators", (TAG, "List operators", "By name."))
        .parameters(pages())
        .answers(200, "A page of operators.", &page_of("Operator"))
}

fn create() -> Operation {
    let about = (TAG, "Create an operator", "Without a password, the operator signs in by links or through a proxy.");
    Operation::new("post", admin_path!("/operators"), "createOperator", about)
        .json("NewOperator", &json!({ "name": "grace", "role": "operator" }))
        .answers(201, "The operator.", &reference("Operator"))
        .codes([ErrorCode::MissingRequiredField])
}

fn show() -> Operation {
    Operation::new("get", admin_path!("/operators/{name}"), "getOperator", (TAG, "Get an operator", "With its role."))
        .parameters([operator()])
        .answers(200, "The operator.", &reference("Operator"))
        .of_one()
}

fn change() -> Operation {
    let about = (TAG, "Change an operator", "Absent fields do not change. The sessions of the operator end.");
    Operation::new("patch", admin_path!("/operators/{name}"), "changeOperator", about)
        .parameters([operator()])
        .optional_json("OperatorChange", &json!({ "role": "viewer", "disabled": false }))
        .answers(200, "The operator.", &reference("Operator"))
        .of_one()
}

fn disable() -> Operation {
    let about = (TAG, "Disable an operator", "Operators are never removed, because the audit log names them.");
    Operation::new("delete", admin_path!("/operators/{name}"), "disableOperator", about)
        .parameters([operator()])
        .answers_with(204, "The operator is disabled.", &[], Value::Null)
        .of_one()
}

fn link() -> Operation {
    let about = (
        TAG,
        "Make a link that signs an operator in",
        "The link signs in once, within 10 minutes. It is shown only once.",
    );
    Operation::new("post", admin_path!("/operators/{name}/link"), "createSignInLink", about)
        .parameters([operator()])
        .answers(201, "The link.", &reference("SignInLink"))
        .of_one()
}

fn audit() -> Operation {
    let about =
        (TAG, "List the audit log", "Changes, newest first: the actor, the request, the resource before and after.");
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    Operation::new("get", admin_path!("/audit"), "listAudit", about)
        .parameters([
            query("actor", "Only changes by this operator, or by `token`.", &text),
            query("path", "Only changes of paths with this prefix, such as `/accounts`.", &text),
            query("since", "Only changes at this time or later.", &time),
            query("before", "Only changes before this time.", &time),
        ])
        .parameters(paging())
        .answers(200, "A page of changes.", &page_of("AuditEntry"))
}
