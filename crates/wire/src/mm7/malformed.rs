//! Why something is not a message of MM7.

use super::StatusCode;

/// Why something is not a message of MM7.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There is nothing. Some peers answer so, and mean that all is well.
    #[error("there is nothing in it")]
    Blank,
    /// A multipart body without an envelope in it.
    #[error("no part of it is an envelope")]
    NoEnvelope,
    /// XML that cannot be read.
    #[error("it is not XML: {0}")]
    Xml(String),
    /// XML with a document type, which SOAP forbids (SOAP 1.1, section 3) and which could name files of ours.
    #[error("it has a document type")]
    DocumentType,
    /// More than an envelope has.
    #[error("it has too many {0}")]
    TooMuch(&'static str),
    /// An element that cannot be done without.
    #[error("it has no {0}")]
    Missing(&'static str),
}

impl Malformed {
    /// The status that tells a peer so.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Blank | Self::NoEnvelope | Self::Xml(_) | Self::DocumentType | Self::TooMuch(_) => {
                StatusCode::MESSAGE_FORMAT_CORRUPT
            }
            Self::Missing(_) => StatusCode::VALIDATION_ERROR,
        }
    }
}
