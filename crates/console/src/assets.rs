//! The style sheet, the script and the icon.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use look::Asset;

const STYLE: &str = include_str!("../assets/console.css");
const SCRIPT: &str = include_str!("../assets/console.js");
const FOLDER: &str = "/console/assets";

/// All of them.
pub(crate) struct Assets([Asset; 3]);

impl Default for Assets {
    fn default() -> Self {
        Self([Asset::style(FOLDER, STYLE), Asset::script(FOLDER, SCRIPT), Asset::icon(FOLDER)])
    }
}

impl Assets {
    pub(crate) fn style(&self) -> &str {
        self.0[0].path()
    }

    pub(crate) fn script(&self) -> &str {
        self.0[1].path()
    }

    pub(crate) fn icon(&self) -> &str {
        self.0[2].path()
    }

    /// The answer to a request for one of them.
    pub(crate) fn serve(&self, path: &str) -> Option<Response<Body>> {
        let asset = self.0.iter().find(|asset| asset.path() == path)?;
        let mut response = Response::new(Body::from(asset.content().to_owned()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(asset.kept()));
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_under_its_digest_alone() {
        let assets = Assets::default();
        for path in [assets.style(), assets.script(), assets.icon()] {
            assert_eq!(assets.serve(path).unwrap().headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        }
        assert!(assets.serve("/console/assets/console.css").is_none());
    }
}
