//! The statistical part: a linear classifier over hashed features that corrects what the rules say.

pub mod corpus;
pub(crate) mod features;
pub mod train;
pub(crate) mod weights;
