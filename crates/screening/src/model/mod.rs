//! The statistical part: a linear classifier over hashed features that corrects what the rules say.

pub(crate) mod features;
pub(crate) mod weights;
