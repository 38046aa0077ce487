//! The style sheet, the script and the icon.

use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use look::Asset;

use crate::phones::answer::{Answered, Refusal, whole};

const FOLDER: &str = "/dev/assets";

pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::style(FOLDER, include_str!("../../../assets/phones.css")));
pub(super) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::script(FOLDER, include_str!("../../../assets/phones.js")));
pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| Asset::icon(FOLDER));

/// The answer to a request for one of them.
pub(super) fn serve(path: &str) -> Answered {
    let found = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.path() == path);
    let asset = found.ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, "no_such_address", "there is nothing at this address, or no more")
    })?;
    let kind = HeaderValue::from_static(asset.kind());
    let mut answer = whole(StatusCode::OK, kind, Bytes::from_static(asset.content().as_bytes()));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(asset.kept()));
    Ok(answer)
}
