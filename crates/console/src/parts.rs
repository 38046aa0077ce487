//! The parts of pages: tables, facts, chips, filters, pages of lists.

use maud::{Markup, html};
use serde_json::Value;

use crate::calls::encoded;
use crate::form::Form;
use crate::text::short;

/// A text of an answer; empty where there is none.
pub(crate) fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The items of a list.
pub(crate) fn items(list: &Value) -> &[Value] {
    list["data"].as_array().map_or(&[], Vec::as_slice)
}

/// A whole number with its thousands apart.
pub(crate) fn count(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_u64() => grouped(number.as_u64().unwrap_or_default()),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A number with a narrow space between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push('\u{202F}');
        }
        shown.push(digit);
    }
    shown
}

/// How a state is to be taken.
fn tone(state: &str) -> &'static str {
    match state {
        "delivered" | "active" | "up" | "bound" | "received" | "completed" | "running" | "correct" | "succeeded" => {
            "good"
        }
        "failed" | "undelivered" | "blocked" | "down" | "disabled" | "unknown" | "failing" | "revoked"
        | "suspended" => "bad",
        "flagged" | "connecting" | "degraded" | "draining" | "pending" | "unsure" | "held" | "canceled" => "warn",
        "scheduled" | "queued" | "sent" | "sending" | "expanding" => "busy",
        _ => "plain",
    }
}

/// A state as a word with a colour.
pub(crate) fn chip(state: &str) -> Markup {
    html! { span class={ "chip " (tone(state)) } { (short(state)) } }
}

/// A column of a table.
pub(crate) enum Column {
    /// Words, from the left.
    Words(&'static str),
    /// Numbers, from the right.
    Numbers(&'static str),
    /// What can be done with a row.
    Acts,
}

impl Column {
    const fn name(&self) -> &'static str {
        match self {
            Self::Words(name) | Self::Numbers(name) => name,
            Self::Acts => "Actions",
        }
    }

    const fn class(&self) -> Option<&'static str> {
        match self {
            Self::Words(_) => None,
            Self::Numbers(_) => Some("number"),
            Self::Acts => Some("acts"),
        }
    }
}

/// A table; `empty` says what to do where it has no rows. On a narrow screen each row is a card, for which the roles
/// are said again: browsers forget them with another layout.
pub(crate) fn table(caption: &str, columns: &[Column], rows: &[Vec<Markup>], empty: &Markup) -> Markup {
    html! {
        @if rows.is_empty() {
            div.empty { (empty) }
        } @else {
            table role="table" aria-label=(caption) {
                thead role="rowgroup" {
                    tr role="row" {
                        @for column in columns {
                            th role="columnheader" scope="col" class=[column.class()] { (column.name()) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for row in rows {
                        tr role="row" {
                            @for (column, cell) in columns.iter().zip(row) {
                                td role="cell" class=[column.class()] data-label=(column.name()) { div { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Facts about one thing. Those without a value are left out.
pub(crate) fn facts(facts: &[(&str, Option<Markup>)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
            }
        }
    }
}

/// A text of an answer as a fact.
pub(crate) fn said(value: &Value, name: &str) -> Option<Markup> {
    Some(word(value, name)).filter(|text| !text.is_empty()).map(short)
}

/// An id that leads to its page.
pub(crate) fn link(path: &str, id: &str) -> Markup {
    html! { @if id.is_empty() { span.none { "none" } } @else { a.id href={ (path) "/" (encoded(id)) } { (id) } } }
}

/// A filter of a list.
#[derive(Debug)]
pub(crate) enum Filter {
    /// A text that is typed.
    Typed(&'static str, &'static str, &'static str),
    /// One of these.
    One(&'static str, &'static str, &'static [&'static str]),
}

impl Filter {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Typed(name, ..) | Self::One(name, ..) => name,
        }
    }
}

/// Whether one of these filters is given.
pub(crate) fn is_narrowed(filters: &[Filter], given: &Form) -> bool {
    filters.iter().any(|filter| given.get(filter.name()).is_some())
}

/// A form that narrows a list, and whose address can be shared.
pub(crate) fn filters(action: &str, filters: &[Filter], given: &Form) -> Markup {
    let is_narrowed = is_narrowed(filters, given);
    html! {
        form.filters method="get" action=(action) role="search" {
            @for filter in filters {
                div.field {
                    @match filter {
                        Filter::Typed(name, label, hint) => {
                            label for={ "by-" (name) } { (label) }
                            input id={ "by-" (name) } name=(name) value=[given.get(name)] placeholder=(hint)
                                autocomplete="off" spellcheck="false";
                        }
                        Filter::One(name, label, choices) => {
                            label for={ "by-" (name) } { (label) }
                            select id={ "by-" (name) } name=(name) {
                                option value="" { "Any" }
                                @for choice in *choices {
                                    option value=(choice) selected[given.get(name) == Some(*choice)] { (choice) }
                                }
                            }
                        }
                    }
                }
            }
            div.field.go {
                button type="submit" { "Filter" }
                @if is_narrowed { a href=(action) { "Clear" } }
            }
        }
    }
}

/// The query of a call: the filters that are given, the page, and its length.
pub(crate) fn query<'a>(filters: &[Filter], given: &'a Form) -> Vec<(&'static str, &'a str)> {
    let names = filters.iter().map(Filter::name).chain(["cursor"]);
    names.filter_map(|name| Some((name, given.get(name)?.trim()))).chain([("limit", "50")]).collect()
}

/// Links to the other pages of a list.
pub(crate) fn pager(action: &str, filters: &[Filter], given: &Form, list: &Value) -> Markup {
    let kept: Vec<(&str, &str)> =
        filters.iter().filter_map(|filter| Some((filter.name(), given.get(filter.name())?))).collect();
    let at = |cursor: Option<&str>| {
        let pairs = kept.iter().copied().chain(cursor.map(|cursor| ("cursor", cursor)));
        let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if query.is_empty() { action.to_owned() } else { format!("{action}?{}", query.join("&")) }
    };
    let next = list["nextCursor"].as_str();
    html! {
        @if next.is_some() || given.get("cursor").is_some() {
            nav.pager aria-label="Pages" {
                @if given.get("cursor").is_some() { a.button href=(at(None)) { "First page" } }
                @if let Some(next) = next { a.button href=(at(Some(next))) rel="next" { "Next page" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1\u{202F}000"), (1_234_567, "1\u{202F}234\u{202F}567")]
        {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn a_page_keeps_its_filters_in_its_address() {
        let filters = [Filter::Typed("to", "To", "")];
        let given = Form::parse(b"to=%2B1800&x=y");
        let html = pager("/console/messages", &filters, &given, &serde_json::json!({ "nextCursor": "a b" }));
        assert!(html.into_string().contains("/console/messages?to=%2B1800&amp;cursor=a%20b"));
    }
}
