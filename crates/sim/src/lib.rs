//! A deterministic simulation: the real pipeline over the real store on a disk in memory, with carriers, clients and
//! faults that all follow from one seed.
//!
//! Reading order: [`chance`], [`executor`] (one thread, time that jumps), [`plan`] (what a seed makes of a scenario),
//! [`site`] (the machine: its disk, the process that is up, and what starts it again), [`network`] and [`mod@line`] (a
//! carrier's two sides), `bringing` (messages of handsets), `hooks` (servers
//! that receive events), the actors (`client`, `handset`, `operator`, `nemesis`),
//! [`scenario`] (one run), `check` (what must hold), [`seeds`] (many runs). `docs/simulation.md` says what is simulated
//! and what is not.

mod bringing;
pub mod chance;
mod check;
mod client;
pub mod counts;
pub mod executor;
mod handset;
mod hooks;
pub mod ledger;
pub mod line;
mod nemesis;
pub mod network;
mod operator;
pub mod plan;
pub mod scenario;
pub mod seeds;
mod servers;
mod shown;
pub mod site;
pub mod weather;
mod world;
