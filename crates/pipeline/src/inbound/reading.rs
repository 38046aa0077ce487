//! What assembled parts say: their text, with gaps where parts are missing, or their data.
//!
//! A sender may cut a text anywhere, inside a character too. So neighbours are decoded together.

use model::message::MessageType;
use model::{InboundBody, InboundEncoding};
use store::contract::inbound::Assembled;
use wire::inbound::{Coding, Decoded, UserData, decode};

use super::content::{Content, Mms};

/// What stands in a text where parts are missing.
pub const GAP: &str = "[…]";

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) kind: MessageType,
    pub(super) body: InboundBody,
    pub(super) encoding: InboundEncoding,
    /// The other recipients of a group message.
    pub(super) others: Vec<model::InboundAddress>,
}

/// Reads assembled parts. What no version of this program has written is data.
pub(super) fn read(assembled: &Assembled) -> Reading {
    let contents: Option<Vec<(u8, Content)>> =
        assembled.parts.iter().map(|(number, octets)| Some((*number, Content::decode(octets)?))).collect();
    let Some(contents) = contents else {
        tracing::error!("The text of an inbound message cannot be decoded: the message is kept as binary data");
        return binary(assembled.parts.iter().flat_map(|(_, octets)| octets.iter().copied()).collect());
    };
    let mut parts = Vec::with_capacity(contents.len());
    for (number, content) in contents {
        match content {
            // It has no parts.
            Content::Mms(mms) => return multimedia(mms),
            Content::Sms(data) => parts.push((number, data)),
        }
    }
    short(parts, assembled.total)
}

/// Of the subject only what nothing else says: the text is the message.
fn multimedia(Mms { subject, text, others }: Mms) -> Reading {
    let text = if text.is_empty() { subject.unwrap_or_default() } else { text };
    let body = InboundBody::Text(text.into());
    Reading { kind: MessageType::Mms, body, encoding: InboundEncoding::Utf8, others }
}

fn binary(octets: Vec<u8>) -> Reading {
    let body = InboundBody::Binary(octets.into());
    Reading { kind: MessageType::Sms, body, encoding: InboundEncoding::Binary, others: Vec::new() }
}

fn short(parts: Vec<(u8, UserData)>, total: u8) -> Reading {
    let (mut text, mut encoding, mut next) = (String::new(), None, 1);
    for run in parts.chunk_by(|(a, _), (b, _)| a.checked_add(1) == Some(*b)) {
        let [(first, _), ..] = run else { continue };
        let data: Vec<UserData> = run.iter().map(|(_, data)| data.clone()).collect();
        let Decoded::Text(decoded, coding) = decode(&data) else {
            // Where a part is data, the message is.
            return binary(parts.into_iter().flat_map(|(_, part)| part.octets).collect());
        };
        if u16::from(*first) > next {
            text.push_str(GAP);
        }
        text.push_str(&decoded);
        encoding = encoding.max(rank_of(coding));
        next = u16::from(*first) + run.len() as u16;
    }
    if next <= u16::from(total) {
        text.push_str(GAP);
    }
    let encoding = encoding.map_or(InboundEncoding::Gsm7, |rank| ENCODINGS[rank]);
    Reading { kind: MessageType::Sms, body: InboundBody::Text(text.into()), encoding, others: Vec::new() }
}

/// Encodings of texts; where parts differ, the message has the last of theirs.
const ENCODINGS: [InboundEncoding; 5] = [
    InboundEncoding::Ascii,
    InboundEncoding::Gsm7,
    InboundEncoding::Latin1,
    InboundEncoding::Utf8,
    InboundEncoding::Ucs2,
];

fn rank_of(coding: Coding) -> Option<usize> {
    let encoding = match coding {
        Coding::Gsm7 | Coding::Gsm7Packed => InboundEncoding::Gsm7,
        Coding::Latin1 => InboundEncoding::Latin1,
        Coding::Ascii => InboundEncoding::Ascii,
        Coding::Ucs2 => InboundEncoding::Ucs2,
        Coding::Utf8 => InboundEncoding::Utf8,
        Coding::Binary => return None,
    };
    ENCODINGS.iter().position(|known| *known == encoding)
}
