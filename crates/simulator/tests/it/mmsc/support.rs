//! What tests of both protocols need.

use std::net::SocketAddr;

use bytes::Bytes;
use simulator::mmsc::{Mmsc, Options};
use wire::mms::{Attachment, Part, parts};

use crate::machine;

/// Any port of this machine.
pub(super) fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A simulated MMSC on ports of its own.
pub(super) async fn mmsc(options: Options) -> Mmsc {
    let retry_ms = simulator::mmsc::DelayMs(1, 5);
    simulator::mmsc::start(Options { listen_mm4: anywhere(), listen_mm7: anywhere(), retry_ms, ..options }, machine())
        .await
        .unwrap()
}

/// The octets of the medium that is sent.
pub(super) const MEDIUM: &[u8] = b"\x89PNG\r\n\x1a\n.\r\n..\0\xFF";

/// Their SHA-256, as `sha256sum` says.
pub(super) const MEDIUM_SHA256: &str = "11359621b4e71e7a26568a4261b820b2c6a64f8cce9e15bc0bc2d4d46cd73419";

/// A message of text and a picture.
pub(super) fn content() -> Vec<Part> {
    let bytes = Bytes::from_static(MEDIUM);
    parts(Some("secret words"), Some(Attachment { content_type: "image/png", extension: "png", bytes: &bytes }))
}
