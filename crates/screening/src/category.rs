//! The categories that a message may fall into, with the words that explain each to a customer.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How many categories there are.
pub(crate) const COUNT: usize = 10;

/// One kind of content that carriers refuse. The names are stable: they are stored, configured and sent to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Category {
    /// Sells or solicits sex, sexual services, adult content or products.
    #[serde(rename = "shaft.sex")]
    Sex,
    /// Attacks, threatens or degrades people for a protected trait.
    #[serde(rename = "shaft.hate")]
    Hate,
    /// Promotes the sale, delivery or consumption of alcohol.
    #[serde(rename = "shaft.alcohol")]
    Alcohol,
    /// Promotes the sale of firearms, ammunition, parts or accessories.
    #[serde(rename = "shaft.firearms")]
    Firearms,
    /// Promotes tobacco, vapes or nicotine.
    #[serde(rename = "shaft.tobacco")]
    Tobacco,
    /// Gets credentials, codes, payment or a click by posing as somebody the recipient trusts.
    #[serde(rename = "phishing")]
    Phishing,
    /// A scam: prizes, advance fees, invented jobs, crypto doubling, emergencies, gift cards.
    #[serde(rename = "fraud")]
    Fraud,
    /// Promotes cannabis, THC or CBD.
    #[serde(rename = "regulated.cannabis")]
    Cannabis,
    /// Promotes casinos, betting or lotteries.
    #[serde(rename = "regulated.gambling")]
    Gambling,
    /// Promotes payday, bad-credit or third-party loans, debt relief or credit repair.
    #[serde(rename = "regulated.lending")]
    Lending,
}

impl Category {
    /// Every category, in the order of their declaration.
    pub const ALL: [Self; COUNT] = [
        Self::Sex,
        Self::Hate,
        Self::Alcohol,
        Self::Firearms,
        Self::Tobacco,
        Self::Phishing,
        Self::Fraud,
        Self::Cannabis,
        Self::Gambling,
        Self::Lending,
    ];

    /// The stable name, as it stands in `additionalInfo`, in policies and in data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sex => "shaft.sex",
            Self::Hate => "shaft.hate",
            Self::Alcohol => "shaft.alcohol",
            Self::Firearms => "shaft.firearms",
            Self::Tobacco => "shaft.tobacco",
            Self::Phishing => "phishing",
            Self::Fraud => "fraud",
            Self::Cannabis => "regulated.cannabis",
            Self::Gambling => "regulated.gambling",
            Self::Lending => "regulated.lending",
        }
    }

    /// What the category means, in one sentence for the sender of a refused message.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Sex => "The message sells or solicits sex, sexual services, adult content or adult products.",
            Self::Hate => {
                "The message attacks, threatens or degrades people for who they are, or uses a slur as abuse."
            }
            Self::Alcohol => "The message promotes buying, delivering or drinking alcohol.",
            Self::Firearms => "The message promotes firearms, ammunition, their parts or accessories.",
            Self::Tobacco => "The message promotes tobacco, vapes or other nicotine products.",
            Self::Phishing => {
                "The message asks for credentials, codes, a payment or a click in the name of a brand, carrier, \
                 employer or authority."
            }
            Self::Fraud => {
                "The message reads like a scam: a prize, an advance fee, easy money, an invented emergency or a \
                 request for gift cards."
            }
            Self::Cannabis => {
                "The message promotes cannabis, THC or CBD, which carriers refuse even where it is legal."
            }
            Self::Gambling => "The message promotes a casino, betting, a lottery or another game for money.",
            Self::Lending => "The message promotes high-risk or third-party lending, debt relief or credit repair.",
        }
    }

    /// How a sender can mend the message, in one sentence.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Sex => {
                "Leave the offer out; a clinic, a shop for clothes or an educator should name the appointment or the \
                 order and nothing else."
            }
            Self::Hate => "Remove the slur or the attack; to report abuse, describe it without repeating it.",
            Self::Alcohol => {
                "Confirm a booking, an order or an event without naming drinks and their prices, or ask the operator \
                 about an age-gated programme."
            }
            Self::Firearms => "Confirm an appointment, a class or a collection without offering goods for sale.",
            Self::Tobacco => "Leave the product and its price out, or ask the operator about an age-gated programme.",
            Self::Phishing => {
                "Link to your own domain, in full and without a shortener, name your business, and never ask for a \
                 code, a password or a card by text."
            }
            Self::Fraud => {
                "Say who you are and what the recipient ordered or joined; leave out prizes, fees to release money, \
                 earnings and pressure."
            }
            Self::Cannabis => "Write that the shop is open or the order is ready, without products, strains or prices.",
            Self::Gambling => {
                "Confirm the booking or the account event without bonuses, odds or an invitation to play."
            }
            Self::Lending => {
                "Write about the recipient's own account with you (a payment, a statement, a due date) and leave the \
                 offer out."
            }
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Category {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A name that is no category's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such category: {0}")]
pub struct UnknownCategory(pub String);

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(name: &str) -> Result<Self, UnknownCategory> {
        Self::ALL.into_iter().find(|category| category.name() == name).ok_or_else(|| UnknownCategory(name.to_owned()))
    }
}
