//! The names of carriers, and which carrier a message is assigned to.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The name of a carrier, as the configuration has it. A clone shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CarrierName(Arc<str>);

impl CarrierName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for CarrierName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for CarrierName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for CarrierName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for CarrierName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl PartialEq<str> for CarrierName {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for CarrierName {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Display for CarrierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CarrierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The carrier that a message is assigned to: the one that has it, had it last, or will be tried first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignment {
    /// No route leads to its recipient.
    NoRoute,
    /// This one.
    Carrier(CarrierName),
}

impl Assignment {
    /// The carrier, if there is one.
    pub const fn carrier(&self) -> Option<&CarrierName> {
        match self {
            Self::Carrier(name) => Some(name),
            Self::NoRoute => None,
        }
    }

    /// The stored form of the assignment, also in the admin API: the name of the carrier, empty without a route.
    pub fn as_str(&self) -> &str {
        self.carrier().map_or("", CarrierName::as_str)
    }

    /// The assignment that is written so.
    pub fn parse(text: &str) -> Self {
        if text.is_empty() { Self::NoRoute } else { Self::Carrier(text.into()) }
    }
}

impl From<CarrierName> for Assignment {
    fn from(name: CarrierName) -> Self {
        Self::Carrier(name)
    }
}

impl From<Option<CarrierName>> for Assignment {
    fn from(name: Option<CarrierName>) -> Self {
        name.map_or(Self::NoRoute, Self::Carrier)
    }
}

impl From<&str> for Assignment {
    /// The carrier of this name, which is not empty.
    fn from(name: &str) -> Self {
        Self::Carrier(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_reads_back_as_it_was_written() {
        for assignment in [Assignment::NoRoute, Assignment::from("main")] {
            assert_eq!(Assignment::parse(assignment.as_str()), assignment);
        }
        assert_eq!(Assignment::parse("").carrier(), None);
    }
}
