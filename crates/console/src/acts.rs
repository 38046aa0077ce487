//! What an operator can change, each change as one call of the admin API: its form, its page, and its execution.
//!
//! Every act has a page of its own, so that it works without scripts; with scripts the page's form opens in a dialog.

use axum::Extension;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::routing::{MethodRouter, get};
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::api::{Fields, Problem};
use crate::calls::{Call, Method, encoded};
use crate::door::Role;
pub(crate) use crate::field::{Field, Kind};
use crate::field::{as_typed, input, json_of};
use crate::form::Form;
use crate::frame::{self, Part};
use crate::guard;
use crate::parts::word;
use crate::shared::Visit;
use crate::token::fresh;

/// Where an act leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// Back to the page that it belongs to.
    Back,
    /// To a page that shows what was answered, and that is not to be had again.
    Shows(fn(&Value) -> Markup),
    /// To the page of what was made, below this path.
    To(&'static str),
}

/// What an act's form is filled in with: a call that shows the resource as it is, and which of it stands in the form.
///
/// Texts come into a form in this way alone. They never stand in an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) call: Call,
    /// Values of fields, out of the answer.
    pub(crate) values: fn(&Value, &[Field]) -> Values,
}

/// Values of fields, each with the name of its field.
pub(crate) type Values = Vec<(String, String)>;

/// The fields that the answer has under their own names.
pub(crate) fn same_names(answer: &Value, fields: &[Field]) -> Values {
    let value = |field: &Field| Some((field.name.to_owned(), as_typed(&answer[field.name])?));
    fields.iter().filter_map(value).collect()
}

/// A change.
#[derive(Debug)]
pub(crate) struct Act {
    /// Its address, with names in braces.
    pub(crate) path: &'static str,
    /// Its one call.
    pub(crate) call: Call,
    /// Who may do it.
    pub(crate) least: Role,
    pub(crate) part: Part,
    /// What its button says.
    pub(crate) verb: &'static str,
    /// What is asked first, or what the form is about.
    pub(crate) about: &'static str,
    /// Whether it takes something away.
    pub(crate) is_destructive: bool,
    pub(crate) fields: &'static [Field],
    /// What the form is filled in with.
    pub(crate) filled: Option<Filled>,
    /// What the next page says.
    pub(crate) done: &'static str,
    /// The page that it belongs to.
    pub(crate) back: &'static str,
    pub(crate) then: Then,
}

/// Values of names, in the order in which the page has them.
pub(crate) type Given<'a> = &'a [(&'a str, &'a str)];

/// The names in a path, in order.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// A path with values in the places of its names.
fn path_with(path: &str, value: impl Fn(&str) -> String) -> String {
    let segments =
        path.split('/').map(|segment| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => encoded(&value(name)),
            None => segment.to_owned(),
        });
    segments.collect::<Vec<_>>().join("/")
}

fn as_given(values: &[(String, String)]) -> Vec<(&str, &str)> {
    values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn of_given(given: Given<'_>) -> impl Fn(&str) -> String {
    |name| given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()).unwrap_or_default()
}

impl Act {
    /// A button that leads to the act's page; nothing for those who may not do it. Its values stand in the address:
    /// ids and numbers alone.
    pub(crate) fn button(&self, visit: &Visit, given: Given<'_>) -> Markup {
        let mut path = path_with(self.path, of_given(given));
        let is_in_query = |name: &str| {
            self.fields.iter().any(|field| field.name == name) && names_in(self.path).all(|known| known != name)
        };
        let fields = given.iter().filter(|(name, _)| is_in_query(name));
        for (index, (name, value)) in fields.enumerate() {
            path.push_str(&format!("{}{name}={}", if index == 0 { "?" } else { "&" }, encoded(value)));
        }
        let class = if self.is_destructive { "button danger" } else { "button" };
        html! { @if visit.may(self.least) { a class=(class) href=(path) data-dialog { (self.verb) } } }
    }

    /// The act's form, with these values in it; nothing for those who may not do it.
    pub(crate) fn form(&self, visit: &Visit, given: Given<'_>) -> Markup {
        let action = path_with(self.path, of_given(given));
        // Two forms on one page have two addresses.
        let ids = action.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let value = |field: &Field| match (field.kind, of_given(given)(field.name)) {
            // A form that was refused keeps the value that it was sent with.
            (Kind::Once, value) if value.is_empty() => fresh(&*visit.shared.console.entropy),
            (_, value) => value,
        };
        let class = if self.is_destructive { "danger" } else { "primary" };
        html! {
            @if visit.may(self.least) {
                form.act method="post" action=(action) {
                    input type="hidden" name="token" value=(visit.token.as_str());
                    @for field in self.fields { (input(&format!("by{ids}-{}", field.name), field, &value(field))) }
                    button class=(class) type="submit" { (self.verb) }
                }
            }
        }
    }

    /// The route that shows the act and does it.
    pub(crate) fn served<S: Clone + Send + Sync + 'static>(&'static self) -> MethodRouter<S> {
        type Visited = Extension<Visit>;
        type Sent = Extension<Form>;
        let shown = move |Extension(visit): Visited, uri: Uri, params: RawPathParams| async move {
            self.shown(&visit, &Form::parse(uri.query().unwrap_or_default().as_bytes()), &params).await
        };
        let done = move |Extension(visit): Visited,
                         Extension(form): Sent,
                         headers: HeaderMap,
                         params: RawPathParams| async move {
            self.done(&visit, &form, &headers, &params).await
        };
        get(shown).post(done)
    }

    async fn shown(&self, visit: &Visit, query: &Form, params: &RawPathParams) -> Response<Body> {
        let mut given: Values = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let back = path_with(self.back, of_given(&as_given(&given)));
        if !visit.may(self.least) {
            return frame::problem(visit, self.part, &Problem::of_role(self.least), &back, &html! {});
        }
        let asked = |field: &Field| Some((field.name.to_owned(), query.get(field.name)?.to_owned()));
        given.extend(self.fields.iter().filter(|field| field.kind != Kind::Once).filter_map(asked));
        if let Some(Filled { call, values }) = self.filled {
            let args: Vec<String> = names_in(call.route).map(of_given(&as_given(&given))).collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            match visit.api.get(&call, &args, &[]).await {
                Ok(answer) => given.extend(values(&answer, self.fields)),
                Err(problem) => return frame::problem(visit, self.part, &problem, &back, &html! {}),
            }
        }
        let given = as_given(&given);
        let content = html! {
            div.ask {
                p { (self.about) }
                @if self.is_destructive {
                    @for (name, value) in &given { p { span.label { (name) } " " bdi { (value) } } }
                }
                (self.form(visit, &given))
                p { a href=(back) data-cancel { "Cancel" } }
            }
        };
        frame::page(visit, self.part, self.verb, &[(self.part.name(), self.part.path().to_owned())], &content)
    }

    async fn done(&self, visit: &Visit, form: &Form, headers: &HeaderMap, params: &RawPathParams) -> Response<Body> {
        let of_path = |name: &str| params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
        let value = |name: &str| of_path(name).or_else(|| form.get(name).map(str::to_owned)).unwrap_or_default();
        let back = path_with(self.back, value);
        let back = guard::came_from(headers, &path_with(self.path, value), &back).unwrap_or(back);
        // The admin API refuses it too; here the answer comes without a call.
        if !visit.may(self.least) {
            return frame::problem(visit, self.part, &Problem::of_role(self.least), &back, &html! {});
        }
        let given: Values = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        match (self.asked(visit, form, value).await, self.then) {
            (Err(problem), _) => self.refused(visit, &problem, &back, &[given, self.typed(form)].concat()),
            (Ok(_), Then::Back) => guard::done(&back, self.done, visit.shared.is_secure()),
            (Ok(answer), Then::To(path)) => {
                let made = format!("{path}/{}", encoded(word(&answer, "id")));
                guard::done(&made, self.done, visit.shared.is_secure())
            }
            (Ok(answer), Then::Shows(content)) => self.answered(visit, &content(&answer), &back),
        }
    }

    /// Makes the act's call with what a form says.
    async fn asked(&self, visit: &Visit, form: &Form, value: impl Fn(&str) -> String) -> Result<Value, Problem> {
        let names: Vec<&str> = names_in(self.call.route).collect();
        let args: Vec<String> = names.iter().map(|name| value(name).trim().to_owned()).collect();
        if let Some(at) = args.iter().position(String::is_empty) {
            let mut problem = Problem::new(StatusCode::BAD_REQUEST, "A required field is missing");
            problem.fields.push((names[at].to_owned(), String::new()));
            return Err(problem);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let fields = self.fields.iter().filter(|field| !names.contains(&field.name));
        if self.call.method == Method::Delete {
            let query: Fields =
                fields.filter_map(|field| Some((field.name.to_owned(), form.get(field.name)?.to_owned()))).collect();
            return visit.api.call(&self.call, &args, &query, None).await;
        }
        let body: Map<String, Value> =
            fields.filter_map(|field| Some((field.name.to_owned(), json_of(field, form)?))).collect();
        if self.call.method == Method::Patch && body.is_empty() {
            let mut problem = Problem::new(StatusCode::BAD_REQUEST, "Nothing is filled in, so that nothing changes");
            problem.fields.extend(self.fields.iter().map(|field| (field.name.to_owned(), String::new())));
            return Err(problem);
        }
        visit.api.call(&self.call, &args, &[], Some(&Value::Object(body))).await
    }

    /// What was typed into a form, for the same form again. Secrets have to be typed again.
    fn typed(&self, form: &Form) -> Values {
        let fields = self.fields.iter().filter(|field| field.kind != Kind::Secret);
        let value = |field: &Field| match field.kind {
            Kind::Flag => form.get(field.name).is_some().to_string(),
            _ => form.values(field.name).collect::<Vec<_>>().join("\n"),
        };
        fields.map(|field| (field.name.to_owned(), value(field))).collect()
    }

    /// The page that says why nothing was changed. What was typed is kept if it can be mended.
    fn refused(&self, visit: &Visit, problem: &Problem, back: &str, typed: &[(String, String)]) -> Response<Body> {
        let is_lost = matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN);
        let again = html! {
            @if !is_lost && self.fields.iter().any(Field::is_typed) { (self.form(visit, &as_given(typed))) }
        };
        frame::problem(visit, self.part, problem, back, &again)
    }

    fn answered(&self, visit: &Visit, answer: &Markup, back: &str) -> Response<Body> {
        let content = html! {
            p.flash role="status" { (self.done) }
            (answer)
            p { a.button href=(back) { "Back" } }
        };
        frame::page(visit, self.part, self.verb, &[(self.part.name(), self.part.path().to_owned())], &content)
    }
}

/// Secrets that are shown once, each with its name; the last one can be copied.
pub(crate) fn secrets(shown: &[(&str, &str)]) -> Markup {
    let last = shown.len().saturating_sub(1);
    html! {
        p { strong { "This is shown once." } " Copy it now. It cannot be shown again." }
        dl.facts.secret {
            @for (index, (name, value)) in shown.iter().enumerate() {
                div { dt { (name) } dd { code id=[(index == last).then_some("secret")] { (value) } } }
            }
        }
        p { button type="button" data-copy="secret" hidden { "Copy" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_takes_values_as_whole_segments() {
        let given: Given<'_> = &[("id", "a/b"), ("x", "?")];
        assert_eq!(path_with("/console/accounts/{id}/keys/{x}", of_given(given)), "/console/accounts/a%2Fb/keys/%3F");
    }
}
