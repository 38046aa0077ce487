//! The rules that a URL can break.

use std::net::IpAddr;

/// Why a URL may not be asked for. For the operator and the log; no answer to a client has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// Longer than [`crate::url::URL_CHARACTERS_MAX`], or in a redirect than [`crate::url::LOCATION_CHARACTERS_MAX`].
    #[error("the URL is too long")]
    TooLong,
    /// A control character, a backslash, or (but for redirects) a blank.
    #[error("the URL has a character that is not allowed: U+{:04X}", u32::from(*.0))]
    Character(char),
    /// Not a URL, or without a host.
    #[error("the URL cannot be read: {0}")]
    Unreadable(String),
    /// Neither http nor https.
    #[error("the scheme is neither http nor https")]
    Scheme,
    /// Not https, where nothing else is allowed.
    #[error("the scheme is not https")]
    Insecure,
    /// A user or a password.
    #[error("the URL has user info")]
    UserInfo,
    /// Not one of the ports.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// A name without a dot.
    #[error("the host is a name of one label")]
    SingleLabel,
    /// A name that is not of the public DNS.
    #[error("the host is a special-use name: {0}")]
    SpecialName(&'static str),
    /// An address that is not public.
    #[error("{0} is not public: {1}")]
    Address(IpAddr, &'static str),
    /// A name with no address.
    #[error("the host has no address")]
    NoAddress,
    /// From https to http.
    #[error("it leads from https to http")]
    Downgrade,
}

impl Denial {
    /// Whether it is about how a URL is written, and not about where it leads.
    pub const fn is_of_form(&self) -> bool {
        matches!(self, Self::TooLong | Self::Character(_) | Self::Unreadable(_))
    }
}
