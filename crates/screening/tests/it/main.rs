//! The promises of the screen.

mod data;
mod edits;
mod explain;
mod help;
mod hiding;
mod innocents;
mod languages;
mod links;
mod network;
mod pairs;
mod policy;
mod properties;

use screening::Screen;
use std::sync::LazyLock;

/// Loaded once for all tests.
static SCREEN: LazyLock<Screen> = LazyLock::new(Screen::builtin);
