//! The simulated MMSC as the platform sees it.

mod journal;
mod mm4;
mod mm7;
mod phones;
mod smtp;
mod support;
mod vasp;
