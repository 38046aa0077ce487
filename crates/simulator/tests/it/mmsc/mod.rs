//! The simulated MMSC as the platform sees it.

mod journal;
mod mm4;
mod mm7;
mod smtp;
mod support;
mod vasp;
