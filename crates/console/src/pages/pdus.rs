//! PDUs as a carrier's trace has them.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::{Column, link, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

/// The PDUs of a list; `empty` stands in their place where there are none.
pub(super) fn table_of(visit: &Visit, pdus: &Value, empty: &Markup) -> Markup {
    let rows: Vec<Vec<Markup>> = pdus.as_array().into_iter().flatten().map(|pdu| row(visit, pdu)).collect();
    let columns = [
        Column::Words("At"),
        Column::Words("Direction"),
        Column::Words("Operation"),
        Column::Numbers("Sequence"),
        Column::Words("Status"),
        Column::Words("Message"),
        Column::Words("Fields"),
    ];
    table("PDUs", &columns, &rows, empty)
}

fn row(visit: &Visit, pdu: &Value) -> Vec<Markup> {
    let fields: Vec<&Value> = pdu["fields"].as_array().into_iter().flatten().collect();
    vec![
        time(&pdu["at"], visit.now),
        html! { (word(pdu, "direction")) },
        html! { code { (word(pdu, "operation")) } },
        html! { (pdu["sequence"]) },
        text::short(pdu["status"].as_str().unwrap_or_default()),
        link("/console/messages", word(pdu, "messageId")),
        html! {
            @if let Some(why) = pdu["unreadable"].as_str() { p { "Unreadable: " (text::short(why)) } }
            @if !fields.is_empty() {
                details {
                    summary { (fields.len()) " fields" }
                    dl.pdu {
                        @for field in fields { div { dt { (word(field, "name")) } dd { (value(&field["value"])) } } }
                    }
                }
            }
        },
    ]
}

fn value(value: &Value) -> Markup {
    match value.as_str() {
        Some(shown) => text::short(shown),
        None => text::short(&value.to_string()),
    }
}
