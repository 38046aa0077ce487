//! Files of pages. Their names have a digest of their content, so that browsers may keep them for ever.

use sha2::{Digest, Sha256};

/// How long a browser may keep a file: for ever (`Cache-Control`).
const KEPT: &str = "public, max-age=31536000, immutable";

/// A style sheet, a script or an icon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    path: String,
    content: String,
    kind: &'static str,
}

impl Asset {
    /// A style sheet under this folder: the common part, and this behind it.
    pub fn style(folder: &str, content: &str) -> Self {
        Self::new(folder, format!("{}{content}", crate::STYLE), "css", "text/css; charset=utf-8")
    }

    /// An ES module under this folder: the common part, and this behind it.
    pub fn script(folder: &str, content: &str) -> Self {
        Self::new(folder, format!("{}{content}", crate::SCRIPT), "js", "text/javascript; charset=utf-8")
    }

    /// The icon.
    pub fn icon(folder: &str) -> Self {
        Self::new(folder, crate::ICON.to_owned(), "svg", "image/svg+xml")
    }

    fn new(folder: &str, content: String, ending: &str, kind: &'static str) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let digest: String = digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect();
        Self { path: format!("{folder}/{digest}.{ending}"), content, kind }
    }

    /// Its address.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it holds.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Its media type (`Content-Type`).
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// How long it may be kept (`Cache-Control`).
    pub const fn kept(&self) -> &'static str {
        KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_has_another_address() {
        let style = Asset::style("/dev/assets", "b { color: red }");
        assert_eq!(style, Asset::style("/dev/assets", "b { color: red }"));
        assert_ne!(style.path(), Asset::style("/dev/assets", "b { color: blue }").path());
        assert!(style.path().starts_with("/dev/assets/") && style.path().ends_with(".css"), "{}", style.path());
        assert!(style.content().starts_with(crate::STYLE));
        assert!(Asset::script("/dev/assets", "").content().starts_with(crate::SCRIPT));
    }
}
