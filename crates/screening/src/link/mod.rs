//! Links: what their host says about them.

pub(crate) mod domain;
pub(crate) mod punycode;

#[cfg(test)]
mod tests;
