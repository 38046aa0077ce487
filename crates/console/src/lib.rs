//! The operator's web console: pages made on the server from what the admin API answers.
//!
//! It is a client of `/admin/v1` and of nothing else: it has no way to the store or to the pipeline, so that it cannot
//! offer more than the admin API does.

mod door;

pub use door::{Actor, Client, Door, Role, SignIn, SignedIn, Unavailable};
