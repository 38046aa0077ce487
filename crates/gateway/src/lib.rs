//! The doors: the public API, the operator's, the command line, and the wiring behind them. No rule of the business is
//! here.
//!
//! Reading order: [`cli`] (what can be asked of the program), [`app`] (how its parts are put together), [`api`] (what
//! clients see), [`admin`] (what the operator sees), [`http`] (connections and envelopes), [`config`], [`reload`]
//! (another configuration while the server runs), [`files`] (how many connections there may be).
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
