//! How what receipts say is written.

use model::status::SegmentFate;
use model::{ErrorType, ReceiptScope};

/// How a segment's fate is written: empty while it is open, `delivered`, or why it was lost.
pub fn fate_word(fate: SegmentFate) -> &'static str {
    match fate {
        SegmentFate::Pending => "",
        SegmentFate::Delivered => "delivered",
        SegmentFate::Undelivered(why) => why.as_str(),
    }
}

/// The fate that is written so.
pub fn fate(text: &str) -> Option<SegmentFate> {
    match text {
        "" => Some(SegmentFate::Pending),
        "delivered" => Some(SegmentFate::Delivered),
        why => ErrorType::parse(why).map(SegmentFate::Undelivered),
    }
}

/// How a receipt's scope is written: 1 for a segment, 0 for the whole message, n for all segments of a message that has
/// n.
pub(crate) const fn scope_number(scope: ReceiptScope) -> u16 {
    match scope {
        ReceiptScope::Segment => 1,
        ReceiptScope::Message => 0,
        ReceiptScope::AllOf(segments) => segments,
    }
}

/// The scope that is written so.
pub const fn scope(number: u16) -> ReceiptScope {
    match number {
        0 => ReceiptScope::Message,
        1 => ReceiptScope::Segment,
        segments => ReceiptScope::AllOf(segments),
    }
}

/// The keys of a receipt that are written so: one a line.
pub fn listed_keys(keys: &str) -> Vec<String> {
    keys.split('\n').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// The addresses of a receipt that are written so: with blanks between them.
pub fn listed_addresses(addresses: &str) -> Vec<String> {
    addresses.split_whitespace().map(str::to_owned).collect()
}
