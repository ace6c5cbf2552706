//! Face Liveness without AWS: a pure model, and its HTTP edge.
//!
//! [`model`] judges calls with the time passed in: in virtual time it is called in process. [`http`] serves the same model
//! to any AWS client, whose signatures [`sigv4`] verifies. What nobody but the service can settle is decided here as its documents say, in one place, and written
//! down there. Refuses to listen anywhere but on this machine.

mod accounts;
pub mod call;
mod check;
mod check_results;
mod clock;
pub mod complete;
pub mod config;
pub mod delay;
mod errors;
pub mod fault;
pub mod http;
mod injector;
pub mod model;
pub mod reply;
pub mod results;
pub mod ruling;
mod service;
pub mod sessions;
pub mod sigv4;
pub mod snapshot;
pub mod streams;
#[cfg(test)]
mod tests;
mod tokens;
mod validate;
