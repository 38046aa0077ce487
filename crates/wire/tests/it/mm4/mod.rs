//! MM4: what is written, what peers of the field write, what is refused, and that nothing is lost between the two.

mod golden;
mod malformed;
mod round_trip;

use bytes::Bytes;
use wire::mm4::{Address, ForwardReq};
use wire::mms::{self, Attachment};

/// More than any mail of these tests has.
pub(crate) const BYTES_MAX: usize = 1_000_000;

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A message of text and a picture, as this platform sends it.
pub(crate) fn forward() -> ForwardReq {
    let picture = Bytes::from_static(
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    );
    let parts = mms::parts(
        Some("Gr\u{fc}\u{df}e"),
        Some(Attachment { content_type: "image/gif", extension: "gif", bytes: &picture }),
    );
    let to = vec![address("+12025550101/TYPE=PLMN@mms.peer.example")];
    let id = "0197f3c2a1b07c3d8e9fa0b1c2d3e4f5.1@mms.ours.example".to_owned();
    ForwardReq {
        sender: Some(address("system@mms.ours.example")),
        originator_system: Some(address("system@mms.ours.example")),
        delivery_report: true,
        message_class: Some("Personal".to_owned()),
        priority: Some(wire::mm4::Priority::Normal),
        expiry: Some(wire::mm4::Expiry::After(86_400)),
        date: Some(1_773_585_012),
        ..ForwardReq::new("t-1".to_owned(), id, address("+12025550102/TYPE=PLMN@mms.ours.example"), to, parts)
    }
}
