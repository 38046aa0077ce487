//! The server: its configuration, the admin API, and the wiring behind all interfaces. There is no business rule here.
//!
//! Reading order: [`app`] (the assembly of its parts), [`admin`] (the admin API), [`config`], [`reload`] (another
//! configuration while the server runs), [`files`] (the limit of connections). The public API is the crate [`api`], and
//! the command line that starts a server the crate `cli`.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

pub mod admin;
pub mod app;
pub mod built;
pub mod console;
pub mod files;
pub mod operators;
pub mod real;
pub mod reload;
mod settings;
pub mod start_error;
