//! `GET /openapi.json`: the document of this API, which the crate [`openapi`] writes.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::http::{HeaderValue, Response};

use crate::http::json;

/// The document as it is served.
static SERVED: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());

/// Any page may read it: it has nothing that is not the same everywhere.
pub(super) async fn show() -> Response<Body> {
    let mut response = json(SERVED.clone());
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_document_has_the_routes_and_no_others() {
        let of_router: BTreeSet<String> = crate::routes()
            .iter()
            .flat_map(|route| route.allowed.split(", ").map(|method| format!("{method} {}", route.path)))
            .collect();
        let place = "a function in crates/openapi/src/paths/";
        testkit::openapi::has_the_routes(&openapi::document(), &of_router, place);
    }
}
