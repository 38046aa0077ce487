//! The telephones as pages: the wall of all handsets, and each handset with its messages.
//!
//! Everything works without scripts: forms are sent, and lead back to the handset. Texts are untrusted, and are shown
//! by `look`.

mod acts;
mod assets;
mod forms;
mod frame;
mod handset;
mod message;
mod wall;
mod wire;

use hyper::header::{HOST, HeaderValue, LOCATION};
use hyper::{Method, Response, StatusCode};

use super::answer::{Answered, Body, Refusal};
use super::input::query;
use super::routes::not_allowed;
use super::{Asked, Phones, is_read};
use crate::handsets::Number;
pub(super) use frame::refused;
use handset::Visit;

/// The page that an address is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// What leads to the wall.
    Root,
    /// All handsets.
    Wall,
    /// A handset.
    Handset(Number),
    /// What the form for a message of a handset is sent to.
    Reply(Number),
    /// What the buttons that switch a handset are sent to.
    Switch(Number),
    /// A style sheet, a script or an icon.
    Asset,
}

impl Page {
    /// The page at this path; `None` where there is none.
    pub(super) fn at(path: &str) -> Option<Self> {
        let steps: Vec<&str> = path.split('/').skip(1).collect();
        match &steps[..] {
            [""] | ["dev", ""] => Some(Self::Root),
            ["dev"] => Some(Self::Wall),
            ["dev", "assets", _] => Some(Self::Asset),
            ["dev", number] => Number::parse(number).map(Self::Handset),
            ["dev", number, "reply"] => Number::parse(number).map(Self::Reply),
            ["dev", number, "switch"] => Number::parse(number).map(Self::Switch),
            _ => None,
        }
    }

    /// Answers a request for it.
    pub(super) async fn answer(&self, phones: &Phones, request: Asked) -> Answered {
        match (self, is_read(request.method())) {
            (Self::Root, true) => Ok(see_other("/dev")),
            (Self::Wall, true) => wall::show(phones, request.uri().query().unwrap_or_default()),
            (Self::Handset(number), true) => {
                let before = before(request.uri().query().unwrap_or_default())?;
                let visit = Visit { host: &host(&request), before, ..Visit::default() };
                Ok(handset::show(phones, number, &visit))
            }
            (Self::Asset, true) => assets::serve(request.uri().path()),
            (Self::Reply(_) | Self::Switch(_), false) if *request.method() != Method::POST => {
                Ok(not_allowed("GET, HEAD, POST"))
            }
            (Self::Reply(number), false) => acts::reply(phones, number, request).await,
            (Self::Switch(number), false) => acts::switch(phones, number, request).await,
            // Where a form was refused, its address is the one that a person opens again.
            (Self::Reply(number) | Self::Switch(number), true) => Ok(see_other(&address(number))),
            (Self::Root | Self::Wall | Self::Handset(_) | Self::Asset, false) => Ok(not_allowed("GET, HEAD")),
        }
    }
}

/// The address of a handset's page.
fn address(number: &Number) -> String {
    format!("/dev/{}", number.digits())
}

/// The address of this server as the browser has it, which the guard has checked.
fn host(request: &Asked) -> String {
    request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned()
}

/// An answer that leads to another page.
fn see_other(path: &str) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(path) = HeaderValue::try_from(path) {
        answer.headers_mut().insert(LOCATION, path);
    }
    answer
}

/// The message before which others are asked for.
fn before(text: &str) -> Result<Option<u64>, Refusal> {
    let given = query(text, &["before"])?.pop();
    let wrong = || Refusal::wrong("`before` is the id of a message");
    given.map(|(_, value)| value.parse().map_err(|_| wrong())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_the_api_share_no_address() {
        let number = || Number::parse("18005550199").unwrap();
        for (path, page) in [
            ("/", Some(Page::Root)),
            ("/dev/", Some(Page::Root)),
            ("/dev", Some(Page::Wall)),
            ("/dev/+18005550199", Some(Page::Handset(number()))),
            ("/dev/%2B18005550199", Some(Page::Handset(number()))),
            ("/dev/18005550199/reply", Some(Page::Reply(number()))),
            ("/dev/18005550199/switch", Some(Page::Switch(number()))),
            ("/dev/assets/0.css", Some(Page::Asset)),
            ("/dev/phones", None),
            ("/dev/phones/18005550199", None),
            ("/dev/phones/events", None),
            ("/dev/phone/1/latest", None),
            ("/dev/phone", None),
            ("/dev/else", None),
            ("/dev/1/else", None),
            ("/console", None),
        ] {
            assert_eq!(Page::at(path), page, "{path}");
        }
    }
}
