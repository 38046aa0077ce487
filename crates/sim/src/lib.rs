//! The simulation.

pub mod chance;
pub mod executor;
