//! Carriers: how each one does, and what of its receipts nothing could use.

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, StatusCode};
use maud::{Markup, html};
use serde_json::Value;

use super::shown;
use crate::api::Problem;
use crate::calls;
use crate::frame::{self, Part};
use crate::parts::{Column, chip, count, facts, items, link, said, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/carriers";

pub(crate) async fn list(Extension(visit): Extension<Visit>) -> Response<Body> {
    let made = visit.api.get(&calls::CARRIERS, &[], &[]).await.map(|carriers| {
        let content = html! { div #carriers data-refresh="5" { (carriers_table(&visit, &carriers)) } };
        frame::page(&visit, Part::Carriers, "Carriers", &[], &content)
    });
    shown(&visit, Part::Carriers, made)
}

pub(crate) fn carriers_table(visit: &Visit, carriers: &Value) -> Markup {
    let in_use = |value: &Value| html! { (count(&value["used"])) " / " (count(&value["of"])) };
    let rows: Vec<Vec<Markup>> = items(carriers)
        .iter()
        .map(|carrier| {
            vec![
                link(PATH, word(carrier, "name")),
                chip(word(carrier, "state")),
                in_use(&carrier["sessions"]),
                in_use(&carrier["window"]),
                html! { (carrier["throughput"]) },
                html! { (count(&carrier["queued"])) },
                html! { (count(&carrier["sent"])) },
                html! { (count(&carrier["delivered"])) },
                html! { (count(&carrier["undelivered"])) },
                html! { (count(&carrier["failed"])) },
                html! { (count(&carrier["throttled"])) },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Carrier"),
        Column::Words("State"),
        Column::Numbers("Sessions"),
        Column::Numbers("Window"),
        Column::Numbers("Segments/s"),
        Column::Numbers("Queued"),
        Column::Numbers("Sent"),
        Column::Numbers("Delivered"),
        Column::Numbers("Undelivered"),
        Column::Numbers("Failed"),
        Column::Numbers("Throttled"),
    ];
    let hint =
        if visit.may(crate::door::Role::Admin) { "Add a [[carrier]] to the configuration, and reload it." } else { "" };
    table("Carriers", &columns, &rows, &html! { p { "No carriers. " (hint) } })
}

pub(crate) async fn show(Extension(visit): Extension<Visit>, Path(name): Path<String>) -> Response<Body> {
    let made = one(&visit, &name).await;
    shown(&visit, Part::Carriers, made)
}

async fn one(visit: &Visit, name: &str) -> Result<Response<Body>, Problem> {
    let carriers = visit.api.get(&calls::CARRIERS, &[], &[]).await?;
    let carrier = items(&carriers)
        .iter()
        .find(|carrier| word(carrier, "name") == name)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "No carrier has this name"))?;
    let unmatched = visit.api.get(&calls::UNMATCHED, &[name], &[]).await?;
    let number = |name: &str| Some(html! { (count(&carrier[name])) });
    let in_use = |name: &str| Some(html! { (count(&carrier[name]["used"])) " of " (count(&carrier[name]["of"])) });
    let content = html! {
        section #carrier data-refresh="5" {
            (facts(&[
                ("State", Some(chip(word(carrier, "state")))),
                ("Sessions bound", in_use("sessions")),
                ("Window in use", in_use("window")),
                ("Segments a second", Some(html! { (carrier["throughput"]) })),
                ("Queued", number("queued")),
                ("Sent", number("sent")),
                ("Delivered", number("delivered")),
                ("Undelivered", number("undelivered")),
                ("Failed", number("failed")),
                ("Segments submitted", number("submitted")),
                ("Throttled", number("throttled")),
                ("Of unknown outcome", number("unknown")),
                ("Last error", said(carrier, "lastError")),
            ]))
            p.hint { "Counts are those of the node that answers, since its start." }
        }
        section { h2 { "Receipts that matched nothing" } (unmatched_table(visit, &unmatched)) }
    };
    let within = [("Carriers", PATH.to_owned())];
    Ok(frame::page(visit, Part::Carriers, word(carrier, "name"), &within, &content))
}

fn unmatched_table(visit: &Visit, unmatched: &Value) -> Markup {
    let list = |value: &Value| {
        let words: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        text::short(&words.join(", "))
    };
    let rows: Vec<Vec<Markup>> = items(unmatched)
        .iter()
        .map(|receipt| {
            vec![
                time(&receipt["at"], visit.now),
                chip(word(receipt, "reason")),
                chip(word(receipt, "fate")),
                list(&receipt["keys"]),
                text::short(word(receipt, "detail")),
                html! {
                    @if let Some(raw) = text::of(&receipt["received"]) { details { summary { "Received" } (raw) } }
                },
            ]
        })
        .collect();
    let columns = [
        Column::Words("Came"),
        Column::Words("Reason"),
        Column::Words("Fate"),
        Column::Words("Ids"),
        Column::Words("Detail"),
        Column::Words("Octets"),
    ];
    table("Receipts that matched nothing", &columns, &rows, &html! { p { "Every receipt found its message." } })
}
