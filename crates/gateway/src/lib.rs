//! The doors: the public API, the operator's, the command line, and the wiring behind them. No rule of the business is here.
//!
//! Reading order: [`cli`] (what can be asked of the program), [`app`] (how its parts are put together), [`api`] (what clients see),
//! [`admin`] (what the operator sees), [`http`] (connections and envelopes), [`config`], [`files`] (how many connections there may be).
// Until its time and its tasks come from a `Runtime`.
#![allow(clippy::disallowed_methods, reason = "its time and its tasks do not come from a `Runtime` yet")]

pub mod admin;
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod files;
pub mod http;
pub mod real;
pub mod screen;
mod sessions;
