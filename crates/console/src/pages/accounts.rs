//! Accounts: the list, and a new one.

use axum::Extension;
use axum::body::Body;
use axum::http::{Response, Uri};
use maud::{Markup, html};

use super::{asked, shown};
use crate::acts::{Act, Field, Kind, Then};
use crate::calls;
use crate::door::Role;
use crate::frame::{self, Part};
use crate::parts::{Column, Filter, chip, count, filters, is_narrowed, items, link, pager, query, table, word};
use crate::shared::Visit;
use crate::text;
use crate::time::time;

const PATH: &str = "/console/accounts";

const FILTERS: &[Filter] = &[Filter::Typed("name", "Name", "A part of the name")];

const fn limit(name: &'static str, label: &'static str) -> Field {
    Field { name, label, hint: "", kind: Kind::Whole }
}

pub(super) const LIMITS: [Field; 4] = [
    limit("messagePerMinute", "Messages a minute"),
    limit("broadcastPerMinute", "Broadcasts a minute"),
    limit("readPerMinute", "Reads a minute"),
    limit("dailyQuota", "Messages a day"),
];

pub(super) const RETENTION: Field = Field {
    name: "retentionDays",
    label: "Days for which texts are kept",
    hint: "1 to 3650, or discard: a text is removed when its message has ended. As the configuration says, if this is \
           empty",
    kind: Kind::WholeOrWord,
};

pub(crate) static CREATE: Act = Act {
    path: "/console/accounts/new",
    call: calls::ACCOUNT_CREATE,
    least: Role::Admin,
    part: Part::Accounts,
    verb: "New account",
    about: "Limits that are left empty are those of the configuration.",
    is_destructive: false,
    fields: &[
        Field { name: "name", label: "Name", hint: "", kind: Kind::Text },
        LIMITS[0],
        LIMITS[1],
        LIMITS[2],
        LIMITS[3],
        RETENTION,
    ],
    filled: None,
    done: "The account is created.",
    back: PATH,
    then: Then::Back,
};

pub(crate) async fn list(Extension(visit): Extension<Visit>, uri: Uri) -> Response<Body> {
    let given = asked(&uri);
    let made = visit.api.get(&calls::ACCOUNTS, &[], &query(FILTERS, &given)).await.map(|found| {
        let rows: Vec<Vec<Markup>> = items(&found)
            .iter()
            .map(|account| {
                let id = word(account, "id");
                vec![
                    html! { a href={ (PATH) "/" (id) } { (text::short(word(account, "name"))) } },
                    chip(word(account, "state")),
                    html! { (count(&account["messagePerMinute"])) },
                    html! { (count(&account["dailyQuota"])) },
                    time(&account["createdAt"], visit.now),
                    link(PATH, id),
                ]
            })
            .collect();
        let columns = [
            Column::Words("Name"),
            Column::Words("State"),
            Column::Numbers("Messages a minute"),
            Column::Numbers("Messages a day"),
            Column::Words("Created"),
            Column::Words("Id"),
        ];
        let content = html! {
            p.acts { (CREATE.button(&visit, &[])) }
            (filters(PATH, FILTERS, &given))
            (table("Accounts", &columns, &rows, &html! {
                @if is_narrowed(FILTERS, &given) {
                    p { "No account has such a name. Clear the filter to see all accounts." }
                } @else {
                    p { "No accounts yet. Create the first one." }
                }
            }))
            (pager(PATH, FILTERS, &given, &found))
        };
        frame::page(&visit, Part::Accounts, "Accounts", &[], &content)
    });
    shown(&visit, Part::Accounts, made)
}
