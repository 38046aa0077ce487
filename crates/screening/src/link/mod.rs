//! Links: finding them in a message, and what their host says about them.

pub(crate) mod domain;
pub(crate) mod find;
pub(crate) mod punycode;
