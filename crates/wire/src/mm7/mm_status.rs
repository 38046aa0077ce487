//! What a delivery report says of a message (3GPP TS 23.140, 8.7.3.3).

use crate::receipt::ReceiptState;

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $word:literal => $state:ident),* $(,)?) => {
        /// What a delivery report says of a message.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum MmStatus {
            $($(#[$doc])* $variant,)*
            /// A word that the specification does not have.
            Other(String),
        }

        impl MmStatus {
            /// Every status that has a name.
            pub const NAMED: &[Self] = &[$(Self::$variant),*];

            /// Its name, as it is written.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }

            /// What it says of a message. A word that nobody here knows is read as a receipt's would be.
            pub fn receipt_state(&self) -> ReceiptState {
                match self {
                    $(Self::$variant => ReceiptState::$state,)*
                    Self::Other(word) => ReceiptState::from_stat(word),
                }
            }
        }
    };
}

statuses! {
    /// Its time ran out.
    Expired = "Expired" => Expired,
    /// The handset has it.
    Retrieved = "Retrieved" => Delivered,
    /// The handset or its user refused it.
    Rejected = "Rejected" => Rejected,
    /// The MMSC cannot know, as when it went into another system. Nothing final.
    Indeterminate = "Indeterminate" => Unknown,
    /// It was passed on, to another handset or MMSC. Nothing final.
    Forwarded = "Forwarded" => Accepted,
    /// The handset will fetch it later.
    Deferred = "Deferred" => Enroute,
    /// The handset cannot be reached.
    Unreachable = "Unreachable" => Undeliverable,
    /// The handset cannot show it.
    NotSupported = "NotSupported" => Undeliverable,
    /// The handset did not know what to do with it.
    Unrecognised = "Unrecognised" => Undeliverable,
}

impl MmStatus {
    /// The status of this name: in any case, with blanks or hyphens or none, in American or British spelling.
    pub fn parse(word: &str) -> Self {
        let plain = |text: &str| {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_ascii_lowercase()
                .replace("ized", "ised")
        };
        let wanted = plain(word);
        Self::NAMED
            .iter()
            .find(|status| plain(status.as_str()) == wanted)
            .cloned()
            .unwrap_or_else(|| Self::Other(word.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_became_of_a_message() {
        for (word, state) in [
            ("Retrieved", ReceiptState::Delivered),
            (" RETRIEVED ", ReceiptState::Delivered),
            ("Expired", ReceiptState::Expired),
            ("Rejected", ReceiptState::Rejected),
            ("Indeterminate", ReceiptState::Unknown),
            ("Forwarded", ReceiptState::Accepted),
            ("Deferred", ReceiptState::Enroute),
            ("Unreachable", ReceiptState::Undeliverable),
            ("NotSupported", ReceiptState::Undeliverable),
            ("Not-Supported", ReceiptState::Undeliverable),
            ("Unrecognized", ReceiptState::Undeliverable),
            ("unrecognised", ReceiptState::Undeliverable),
            ("Delivered", ReceiptState::Delivered),
            ("whatever", ReceiptState::Unknown),
            ("", ReceiptState::Unknown),
        ] {
            assert_eq!(MmStatus::parse(word).receipt_state(), state, "{word}");
        }
    }

    #[test]
    fn a_name_reads_back() {
        for status in MmStatus::NAMED {
            assert_eq!(&MmStatus::parse(status.as_str()), status);
        }
    }
}
