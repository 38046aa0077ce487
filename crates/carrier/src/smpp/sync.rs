//! What threads share things with. `modelled` puts loom's in its place.

pub(super) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub(super) use tokio::sync::Notify;
