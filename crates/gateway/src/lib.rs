//! The interfaces: the public API, the admin API, the command line, and the wiring behind them. There is no business
//! rule here.
//!
//! Reading order: [`cli`] (the commands of the program), [`app`] (the assembly of its parts), [`api`] (the public API),
//! [`admin`] (the admin API), [`http`] (connections and envelopes), [`config`], [`reload`] (another configuration while
//! the server runs), [`files`] (the limit of connections).
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

pub mod admin;
pub mod api;
pub mod app;
pub mod built;
pub mod cli;
pub mod config;
pub mod console;
mod csv_lines;
pub mod files;
pub mod http;
pub mod operators;
pub mod real;
pub mod reload;
pub mod screen;
mod settings;
pub mod start_error;
