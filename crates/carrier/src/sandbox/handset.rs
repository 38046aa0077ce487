//! The answers of the sandbox's handsets, by the last four digits of their numbers.

use model::message::Message;
use model::{InboundAddress, Originator};
use wire::gsm::{self, Cut, Encoding};
use wire::inbound::{Coding, UserData};

use crate::{Inbound, InboundContent, InboundFile, InboundMms, InboundPart, PartForm};

/// The text of two parts.
const LONG_TEXT: &str = "This is the first of two parts of a message that a handset of the sandbox sends. It is longer \
    than the 160 characters that one part has room for, so that this sentence comes in the second one.";

const PICTURE: &[u8] = include_bytes!("picture.png");

/// What the recipient of a message sends back, part by part.
pub(super) fn answers(message: &Message) -> Vec<Inbound> {
    let digits = message.recipient.digits();
    let text = |text: &str| InboundContent::Sms(UserData::new(Coding::Gsm7, text.as_bytes().to_vec()), None);
    let contents = match &digits[digits.len() - 4..] {
        "0009" => vec![text("STOP")],
        "0010" => vec![text("START")],
        "0011" => parts(message.reference),
        "0012" => vec![InboundContent::Mms(InboundMms {
            subject: None,
            text: "A picture from the sandbox".to_owned(),
            files: vec![InboundFile { content_type: "image/png".to_owned(), bytes: PICTURE.to_vec() }],
        })],
        _ => Vec::new(),
    };
    let inbound = |content| Inbound {
        from: InboundAddress::from(Originator::from(message.recipient)),
        to: vec![message.originator.into()],
        content,
    };
    contents.into_iter().map(inbound).collect()
}

/// The text of two parts, under the reference of the message that it answers.
fn parts(reference: u16) -> Vec<InboundContent> {
    let segments = gsm::cut(LONG_TEXT, Encoding::Gsm7, Cut::Udh8).unwrap_or_default();
    let part = |segment: gsm::Segment| {
        let part = InboundPart {
            form: PartForm::Header8,
            reference: reference & 0xFF,
            total: segment.total,
            number: segment.number,
            other_elements: [].into(),
        };
        InboundContent::Sms(UserData::new(Coding::Gsm7, segment.text), Some(part))
    };
    segments.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::inbound::{Decoded, decode};

    #[test]
    fn the_long_text_has_two_parts_that_join() {
        let parts = parts(0xABCD);
        let data: Vec<UserData> = parts
            .into_iter()
            .map(|content| match content {
                InboundContent::Sms(data, Some(part)) if part.reference == 0xCD && part.total == 2 => data,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((data.len(), decode(&data)), (2, Decoded::Text(LONG_TEXT.to_owned(), Coding::Gsm7)));
    }
}
