//! Texts that a person types on a handset.

use std::str::FromStr;
use std::sync::Arc;

use wire::gsm::{self, Cut, Encoding};
use wire::smpp::Address;

use super::inbound::{Handset, InboundOptions, InboundOrder, deliveries};
use super::registry::Offer;
use super::{Shared, Smsc};
use crate::handsets::{Handsets, Number, Place, Written};
use crate::random::Random;

/// How a reply is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// The text as it is, in as many parts as it needs.
    #[default]
    Plain,
    /// In three parts at least: the text is repeated until it needs them.
    Long,
    /// With an emoji at its end, so that it is sent in UCS-2.
    Emoji,
    /// As [`Long`](Self::Long), the last part first.
    OutOfOrder,
    /// Every part twice.
    Duplicated,
    /// The word STOP, whatever the text is.
    Stop,
}

impl How {
    /// Every way.
    pub const ALL: [Self; 6] = [Self::Plain, Self::Long, Self::Emoji, Self::OutOfOrder, Self::Duplicated, Self::Stop];

    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Long => "long",
            Self::Emoji => "emoji",
            Self::OutOfOrder => "out-of-order",
            Self::Duplicated => "duplicated",
            Self::Stop => "stop",
        }
    }

    /// What is written in this way.
    pub(crate) fn text(self, text: &str) -> String {
        match self {
            Self::Plain | Self::Duplicated => text.to_owned(),
            Self::Long | Self::OutOfOrder => lengthened(text),
            Self::Emoji if gsm::measure(text).encoding == Encoding::Gsm7 => {
                format!("{text} 😀").trim_start().to_owned()
            }
            Self::Emoji => text.to_owned(),
            Self::Stop => "STOP".to_owned(),
        }
    }
}

impl FromStr for How {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|how| how.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|how| how.name()).collect();
            format!("`how` is one of {}, and not `{}`", names.join(", "), text.escape_debug())
        })
    }
}

/// The parts that a long reply has at least.
const LONG_PARTS: usize = 3;

/// A text that takes three parts at least: itself, or itself several times.
fn lengthened(text: &str) -> String {
    let sentence = if text.trim().is_empty() { "A long message of a handset, in several parts." } else { text.trim() };
    let mut long = sentence.to_owned();
    while parts(&long) < LONG_PARTS {
        long.push(' ');
        long.push_str(sentence);
    }
    long
}

fn parts(text: &str) -> usize {
    gsm::cut(text, gsm::measure(text).encoding, Cut::Udh8).map_or(usize::MAX, |segments| segments.len())
}

/// Why a reply was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// No session receives.
    #[error("no session that receives messages is bound to the simulated SMSC: the platform is not connected to it")]
    NoSession,
    /// The text cannot be sent.
    #[error("`text` cannot be sent: {0}")]
    Text(String),
}

/// A hand on an SMSC that lets its handsets write.
#[derive(Clone)]
pub(crate) struct Keyboard(Arc<Shared>);

impl Smsc {
    /// Lets handsets write.
    pub(crate) fn keyboard(&self) -> Keyboard {
        Keyboard(Arc::clone(&self.shared))
    }
}

impl Keyboard {
    /// Whether a session is bound that receives messages.
    pub(crate) fn has_receiver(&self) -> bool {
        self.0.registry.has_receiver()
    }

    /// Sends a message of a handset over a session that is bound, and returns its id.
    ///
    /// # Errors
    /// [`NotSent`].
    pub(crate) fn write(
        &self,
        handsets: &Handsets,
        from: &Number,
        to: &str,
        (text, how): (&str, How),
    ) -> Result<u64, NotSent> {
        let shared = &self.0;
        if !shared.registry.has_receiver() {
            return Err(NotSent::NoSession);
        }
        let text = how.text(text);
        let message = Handset { from: Address::guess(&from.to_string()), to: Address::guess(to), text: text.clone() };
        let order = if how == How::OutOfOrder { InboundOrder::Reverse } else { InboundOrder::Forward };
        let options = InboundOptions { inbound_order: order, ..shared.options.inbound.clone() };
        let mut random = Random::new(shared.options.seed);
        let parts = deliveries(&options, &message, shared.next_reference(), &mut random).map_err(NotSent::Text)?;
        let data_coding = parts.first().map(|part| part.text().0);
        let written = Written { to: to.to_owned(), text, pictures: Vec::new(), data_coding, parts: parts.len() };
        let id = handsets.wrote(from, written);
        for mut part in parts {
            let segment = usize::from(part.number_of.0) - 1;
            part.place = Some(Place { handset: from.clone(), message: id, segment });
            if how == How::Duplicated {
                shared.registry.deliver_to_any(Offer::Inbound(part.clone()));
            }
            shared.registry.deliver_to_any(Offer::Inbound(part));
        }
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_read_by_its_name() {
        for how in How::ALL {
            assert_eq!(how.name().parse(), Ok(how));
        }
        assert!("Plain".parse::<How>().unwrap_err().contains("`how`"));
    }

    #[test]
    fn a_way_makes_a_text_what_it_says() {
        for text in ["", "Hi", "日本語", &"x".repeat(1_000)] {
            assert!(parts(&How::Long.text(text)) >= LONG_PARTS, "{text}");
            assert_eq!(gsm::measure(&How::Emoji.text(text)).encoding, Encoding::Ucs2, "{text}");
            assert_eq!(How::Stop.text(text), "STOP");
            assert_eq!(How::Plain.text(text), text);
        }
        assert_eq!(How::Emoji.text("Hi"), "Hi 😀");
        assert_eq!(How::Emoji.text("Hi 🙂"), "Hi 🙂");
    }
}
