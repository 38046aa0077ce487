//! What an arrival carries, as octets: what the store keeps and compares, and only this crate reads.
//!
//! The same message that comes again has the same octets, so that nothing is in them that an arrival does not say
//! itself. The first octet is the form, so that a reader can tell a later form from these. Lengths are 32 bits,
//! big-endian.

use std::sync::Arc;

use model::InboundAddress;
use wire::inbound::UserData;

/// What an arrival carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A short message, or a part of one.
    Sms(UserData),
    /// A multimedia message; its files are beside it.
    Mms(Mms),
}

/// What a multimedia message carries, its files aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mms {
    pub(super) subject: Option<String>,
    pub(super) text: String,
    /// The other recipients of a group message.
    pub(super) others: Vec<InboundAddress>,
}

const SMS: u8 = 1;
const MMS: u8 = 2;

/// The most other recipients that are kept.
pub(super) const OTHERS_MAX: usize = 100;

impl Content {
    pub(super) fn encode(&self) -> Arc<[u8]> {
        let mut out = Vec::new();
        match self {
            Self::Sms(data) => {
                out.push(SMS);
                out.extend(data.to_octets());
            }
            Self::Mms(Mms { subject, text, others }) => {
                out.extend([MMS, u8::from(subject.is_some())]);
                push(&mut out, subject.as_deref().unwrap_or_default());
                push(&mut out, text);
                others.iter().for_each(|other| push(&mut out, &other.to_string()));
            }
        }
        out.into()
    }

    /// `None` for octets that no version of this program has written.
    pub(super) fn decode(octets: &[u8]) -> Option<Self> {
        let (form, rest) = octets.split_first()?;
        match *form {
            SMS => UserData::from_octets(rest).map(Self::Sms),
            MMS => {
                let (has_subject, mut rest) = rest.split_first()?;
                let subject = take(&mut rest)?;
                let text = take(&mut rest)?.to_owned();
                let mut others = Vec::new();
                while !rest.is_empty() {
                    others.push(InboundAddress::of(take(&mut rest)?));
                }
                let subject = flag(*has_subject)?.then(|| subject.to_owned());
                Some(Self::Mms(Mms { subject, text, others }))
            }
            _ => None,
        }
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    // No carrier's message is as long as 32 bits can say.
    out.extend((text.len() as u32).to_be_bytes());
    out.extend(text.as_bytes());
}

fn take<'o>(rest: &mut &'o [u8]) -> Option<&'o str> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (text, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

const fn flag(octet: u8) -> Option<bool> {
    match octet {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use proptest::prelude::*;
    use wire::inbound::Coding;

    fn samples() -> Vec<Content> {
        let sms =
            |coding, octets: &[u8]| Content::Sms(UserData { coding, octets: octets.to_vec(), ..testing::plain("") });
        let others = ["+18005551234", "72345", "someone@example.com"].map(InboundAddress::of).to_vec();
        vec![
            sms(Coding::Gsm7, b""),
            sms(Coding::Gsm7, b"\0abc\xff"),
            sms(Coding::Latin1, b"\0abc\xff"),
            Content::Mms(Mms::default()),
            Content::Mms(Mms { subject: Some(String::new()), ..Mms::default() }),
            Content::Mms(Mms { subject: Some("Grüße".to_owned()), text: "a\nb".to_owned(), others }),
        ]
    }

    #[test]
    fn content_reads_back_and_differs_where_it_says_something_else() {
        let encoded: Vec<_> = samples().iter().map(Content::encode).collect();
        for (sample, octets) in samples().into_iter().zip(&encoded) {
            assert_eq!(Content::decode(octets), Some(sample));
        }
        for (at, octets) in encoded.iter().enumerate() {
            assert!(!encoded[..at].contains(octets));
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn arbitrary_octets_are_read_or_refused(
            mut octets in prop::collection::vec(any::<u8>(), 0..64),
            form in 0..4u8,
        ) {
            octets.insert(0, form);
            let content = Content::decode(&octets);
            // An address that cannot be one is taken for the nearest that can.
            let has_others = |content: &Content| matches!(content, Content::Mms(mms) if !mms.others.is_empty());
            if let Some(content) = content.filter(|content| !has_others(content)) {
                prop_assert_eq!(Content::decode(&content.encode()), Some(content));
            }
        }
    }
}
