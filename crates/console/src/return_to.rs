//! The way from a page that needs a sign-in through the sign-in and back.

use axum::http::uri::PathAndQuery;
use axum::http::{Method, Uri};

use crate::calls::encoded;
use crate::form::Form;

/// The page to which a sign-in leads where no other one was asked for.
pub(crate) const HOME: &str = "/console";

/// The address of the form for those who are not signed in. It leads to the page that they asked for.
pub(crate) fn address(method: &Method, uri: &Uri) -> String {
    let asked = uri.path_and_query().map_or(HOME, PathAndQuery::as_str);
    match *method == Method::GET && asked != HOME {
        true => format!("/console/sign-in?next={}", encoded(asked)),
        false => "/console/sign-in".to_owned(),
    }
}

/// The page to which a sign-in leads: the one that was asked for, if it is a page of the console.
pub(crate) fn page(form: &Form) -> &str {
    let is_ours = |path: &&str| {
        let below = path.strip_prefix(HOME);
        below.is_some_and(|below| below.starts_with(['/', '?'])) && path.chars().all(|letter| letter.is_ascii_graphic())
    };
    form.get("next").filter(is_ours).unwrap_or(HOME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_the_page_that_was_asked_for_and_to_no_other_site() {
        let uri = Uri::from_static("/console/messages?to=%2B18005550199&status=failed");
        let address = address(&Method::GET, &uri);
        let query = address.strip_prefix("/console/sign-in?").unwrap();
        assert_eq!(page(&Form::parse(query.as_bytes())), "/console/messages?to=%2B18005550199&status=failed");
        for asked in
            ["", "https://evil.example", "//evil.example", "/consoles", "/console/a b", "/console\\evil.example"]
        {
            let query = format!("next={}", encoded(asked));
            assert_eq!(page(&Form::parse(query.as_bytes())), HOME, "{asked}");
        }
        assert_eq!(super::address(&Method::POST, &uri), "/console/sign-in");
        assert_eq!(super::address(&Method::GET, &Uri::from_static(HOME)), "/console/sign-in");
    }
}
