//! The operator's web console: pages made on the server from what the admin API answers.
//!
//! It is a client of `/admin/v1` and of nothing else: it has no way to the store or to the pipeline, so that it cannot
//! offer more than the admin API does. Every page and every form makes calls of [`ALL`], a list that is compared with
//! the routes of the admin API.

mod acts;
mod api;
mod assets;
mod calls;
mod chart;
mod cookies;
mod door;
mod field;
mod form;
mod frame;
mod guard;
mod origin;
mod pages;
mod parts;
mod return_to;
mod routes;
mod shared;
mod sign;
mod text;
mod time;
mod token;

pub use calls::{ALL, Call, Method};
pub use door::{Actor, Client, Door, Role, SignIn, SignedIn, Unavailable};
pub use routes::router;
pub use shared::{Console, Settings};
