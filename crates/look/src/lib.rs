//! What all pages of the product share: the HTML around them, colours and sizes, files under names that browsers may
//! keep, and texts that strangers wrote, shown so that they do no harm.
//!
//! The operator's console, the telephones of the simulators and the public pages use it. It knows nothing of HTTP, and
//! nothing of what the pages are about.

mod asset;
mod page;
mod text;

pub use asset::Asset;
pub use page::{Head, page};
pub use text::{marked, segmented, short, text};

/// The colours, in light and in dark, the sizes, and the rules for texts of strangers: what every style sheet begins
/// with.
pub const STYLE: &str = include_str!("../assets/look.css");

/// What every script begins with.
pub const SCRIPT: &str = include_str!("../assets/look.js");

/// The icon, in SVG.
pub const ICON: &str = include_str!("../assets/icon.svg");

/// What pages are allowed (Content Security Policy): nothing runs and nothing is loaded but what the server of the page
/// serves itself, and no other site frames it.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
