//! What an operator can change, each change as one call of the admin API: its form, its page, and its execution.
//!
//! Every act has a page of its own, so that it works without scripts; with scripts the page's form opens in a dialog.

use axum::Extension;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::http::{Response, StatusCode, Uri};
use axum::routing::{MethodRouter, get};
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::api::{Fields, Problem};
use crate::calls::{Call, Method, encoded};
use crate::door::Role;
use crate::form::Form;
use crate::frame::{self, Part};
use crate::guard;
use crate::parts::word;
use crate::shared::Visit;

/// How a field is filled in, and what it is in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line of text. Left out where it is blank.
    Text,
    /// A secret, which the page does not show while it is typed. Left out where it is blank.
    Secret,
    /// A text of several lines. Left out where it is blank.
    Long,
    /// A whole number. Left out where it is blank.
    Whole,
    /// One of these.
    One(&'static [&'static str]),
    /// Any of these, as a list.
    Many(&'static [&'static str]),
    /// A list with one item a line.
    Lines,
    /// Yes or no.
    Flag,
    /// Not filled in: the page that leads to the act gives it.
    Given,
    /// Not filled in, and yes.
    Always(bool),
}

/// A field of an act.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name in the call.
    pub(crate) name: &'static str,
    /// Its name on the page.
    pub(crate) label: &'static str,
    /// What it means, or what it may be.
    pub(crate) hint: &'static str,
    pub(crate) kind: Kind,
}

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
    /// What the next page says.
    pub(crate) done: &'static str,
    /// The page that it belongs to.
    pub(crate) back: &'static str,
    pub(crate) then: Then,
}

/// Values of names, in the order in which the page has them.
pub(crate) type Given<'a> = &'a [(&'a str, &'a str)];

/// A path with values in the places of its names.
fn filled(path: &str, value: impl Fn(&str) -> String) -> String {
    let segments =
        path.split('/').map(|segment| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => encoded(&value(name)),
            None => segment.to_owned(),
        });
    segments.collect::<Vec<_>>().join("/")
}

fn of_given(given: Given<'_>) -> impl Fn(&str) -> String {
    |name| given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()).unwrap_or_default()
}

impl Act {
    /// A button that leads to the act's page; nothing for those who may not do it. Its values stand in the address:
    /// ids and numbers alone.
    pub(crate) fn button(&self, visit: &Visit, given: Given<'_>) -> Markup {
        let mut path = filled(self.path, of_given(given));
        let fields = given.iter().filter(|(name, _)| self.fields.iter().any(|field| field.name == *name));
        for (index, (name, value)) in fields.enumerate() {
            path.push_str(&format!("{}{name}={}", if index == 0 { "?" } else { "&" }, encoded(value)));
        }
        let class = if self.is_destructive { "button danger" } else { "button" };
        html! { @if visit.may(self.least) { a class=(class) href=(path) data-dialog { (self.verb) } } }
    }

    /// The act's form, with these values in it; nothing for those who may not do it.
    pub(crate) fn form(&self, visit: &Visit, given: Given<'_>) -> Markup {
        let action = filled(self.path, of_given(given));
        let value = of_given(given);
        let class = if self.is_destructive { "danger" } else { "primary" };
        html! {
            @if visit.may(self.least) {
                form.act method="post" action=(action) {
                    input type="hidden" name="token" value=(visit.token.as_str());
                    @for field in self.fields { (self.input(field, &value(field.name))) }
                    button class=(class) type="submit" { (self.verb) }
                }
            }
        }
    }

    fn input(&self, field: &Field, value: &str) -> Markup {
        let id = format!("{}-{}", self.verb.replace(' ', "-").to_lowercase(), field.name);
        let label = html! { label for=(id) { (field.label) } };
        let hint = html! { @if !field.hint.is_empty() { p.hint { (field.hint) } } };
        let is_in = |choice: &str| value.split('\n').any(|one| one == choice);
        html! {
            @match field.kind {
                Kind::Given => { input type="hidden" name=(field.name) value=(value); }
                Kind::Always(_) => {}
                Kind::Text => { (label) input id=(id) name=(field.name) value=(value) autocomplete="off"; (hint) }
                Kind::Secret => {
                    (label) input id=(id) name=(field.name) type="password" autocomplete="new-password"; (hint)
                }
                Kind::Whole => {
                    (label) input id=(id) name=(field.name) value=(value) inputmode="numeric" autocomplete="off"; (hint)
                }
                Kind::Long | Kind::Lines => {
                    (label) textarea id=(id) name=(field.name) rows="4" { (value) } (hint)
                }
                Kind::One(choices) => {
                    (label)
                    select id=(id) name=(field.name) {
                        @for choice in choices {
                            option value=(choice) selected[is_in(choice)] {
                                @if choice.is_empty() { "any" } @else { (choice) }
                            }
                        }
                    }
                    (hint)
                }
                Kind::Many(choices) => {
                    fieldset {
                        legend { (field.label) }
                        @for choice in choices {
                            label.check {
                                input type="checkbox" name=(field.name) value=(choice) checked[is_in(choice)];
                                " " (choice)
                            }
                        }
                        (hint)
                    }
                }
                Kind::Flag => {
                    label.check { input type="checkbox" name=(field.name) checked[value == "true"]; " " (field.label) }
                    (hint)
                }
            }
        }
    }

    /// The route that shows the act and does it.
    pub(crate) fn served<S: Clone + Send + Sync + 'static>(&'static self) -> MethodRouter<S> {
        type Visited = Extension<Visit>;
        type Sent = Extension<Form>;
        let shown = move |Extension(visit): Visited, uri: Uri, params: RawPathParams| async move {
            self.shown(&visit, &Form::parse(uri.query().unwrap_or_default().as_bytes()), &params)
        };
        let done = move |Extension(visit): Visited, Extension(form): Sent, params: RawPathParams| async move {
            self.done(&visit, &form, &params).await
        };
        get(shown).post(done)
    }

    fn shown(&self, visit: &Visit, query: &Form, params: &RawPathParams) -> Response<Body> {
        let given: Vec<(&str, &str)> = params
            .iter()
            .chain(self.fields.iter().filter_map(|field| Some((field.name, query.get(field.name)?))))
            .collect();
        let back = filled(self.back, of_given(&given));
        if !visit.may(self.least) {
            return frame::problem(visit, self.part, &Problem::of_role(self.least), &back);
        }
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

    async fn done(&self, visit: &Visit, form: &Form, params: &RawPathParams) -> Response<Body> {
        let of_path = |name: &str| params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
        let value = |name: &str| of_path(name).or_else(|| form.get(name).map(str::to_owned)).unwrap_or_default();
        let back = filled(self.back, value);
        // The admin API refuses it too; here the answer comes without a call.
        if !visit.may(self.least) {
            return frame::problem(visit, self.part, &Problem::of_role(self.least), &back);
        }
        let names: Vec<&str> =
            self.call.route.split('/').filter_map(|name| name.strip_prefix('{')?.strip_suffix('}')).collect();
        let args: Vec<String> = names.iter().map(|name| value(name).trim().to_owned()).collect();
        if let Some(at) = args.iter().position(String::is_empty) {
            let mut problem = Problem::new(StatusCode::BAD_REQUEST, "A required field is missing");
            problem.fields.push((names[at].to_owned(), String::new()));
            return frame::problem(visit, self.part, &problem, &back);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let fields = self.fields.iter().filter(|field| !names.contains(&field.name));
        let answered = if self.call.method == Method::Delete {
            let query: Fields =
                fields.filter_map(|field| Some((field.name.to_owned(), form.get(field.name)?.to_owned()))).collect();
            visit.api.call(&self.call, &args, &query, None).await
        } else {
            let body: Map<String, Value> =
                fields.filter_map(|field| Some((field.name.to_owned(), json_of(field, form)?))).collect();
            if self.call.method == Method::Patch && body.is_empty() {
                let mut problem =
                    Problem::new(StatusCode::BAD_REQUEST, "Nothing is filled in, so that nothing changes");
                problem.fields.extend(self.fields.iter().map(|field| (field.name.to_owned(), String::new())));
                return frame::problem(visit, self.part, &problem, &back);
            }
            visit.api.call(&self.call, &args, &[], Some(&Value::Object(body))).await
        };
        match (answered, self.then) {
            (Err(problem), _) => frame::problem(visit, self.part, &problem, &back),
            (Ok(_), Then::Back) => guard::done(&back, self.done, visit.shared.is_secure()),
            (Ok(answer), Then::To(path)) => {
                let made = format!("{path}/{}", encoded(word(&answer, "id")));
                guard::done(&made, self.done, visit.shared.is_secure())
            }
            (Ok(answer), Then::Shows(content)) => self.answered(visit, &content(&answer), &back),
        }
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

/// The value of a field in the call; `None` where it is left out.
fn json_of(field: &Field, form: &Form) -> Option<Value> {
    let given = form.get(field.name);
    match field.kind {
        Kind::Text | Kind::Given | Kind::One(_) => given.map(|text| text.trim().into()),
        Kind::Secret => given.map(Into::into),
        // Browsers end lines as the network does.
        Kind::Long => given.map(|text| text.replace("\r\n", "\n").into()),
        // The admin API says of what is no number that it has to be one.
        Kind::Whole => given.map(|text| text.trim().parse::<u64>().map_or_else(|_| text.into(), Into::into)),
        Kind::Lines => {
            let lines = form.get(field.name).unwrap_or_default().lines().map(str::trim);
            Some(lines.filter(|line| !line.is_empty()).map(Value::from).collect())
        }
        Kind::Many(_) => Some(form.values(field.name).map(Value::from).collect()),
        Kind::Flag => Some(given.is_some().into()),
        Kind::Always(value) => Some(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_becomes_json_of_its_kind() {
        let form = Form::parse(b"a=+5+&lines=x%0D%0A%0D%0A+y+&many=p&many=q&blank=+&word=w%0D%0Av");
        for (name, kind, value) in [
            ("a", Kind::Whole, Some(json!(5))),
            ("a", Kind::Text, Some(json!("5"))),
            ("word", Kind::Whole, Some(json!("w\r\nv"))),
            ("word", Kind::Long, Some(json!("w\nv"))),
            ("blank", Kind::Text, None),
            ("a", Kind::Secret, Some(json!(" 5 "))),
            ("blank", Kind::Whole, None),
            ("lines", Kind::Lines, Some(json!(["x", "y"]))),
            ("none", Kind::Lines, Some(json!([]))),
            ("many", Kind::Many(&["p", "q"]), Some(json!(["p", "q"]))),
            ("a", Kind::Flag, Some(json!(true))),
            ("none", Kind::Flag, Some(json!(false))),
            ("none", Kind::Always(true), Some(json!(true))),
        ] {
            assert_eq!(json_of(&Field { name, label: "", hint: "", kind }, &form), value, "{name} {kind:?}");
        }
    }

    #[test]
    fn a_path_takes_values_as_whole_segments() {
        let given: Given<'_> = &[("id", "a/b"), ("x", "?")];
        assert_eq!(filled("/console/accounts/{id}/keys/{x}", of_given(given)), "/console/accounts/a%2Fb/keys/%3F");
    }
}
