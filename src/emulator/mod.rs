//! Face Liveness without AWS: a pure model, and its HTTP edge.
//!
//! [`model`] judges calls with the time passed in: in virtual time it is called in process. [`http`] serves the same model
//! to any AWS client, whose signatures [`sigv4`] verifies. What nobody but the service can settle is decided here as its documents say, in one place, and written
//! down there. Refuses to listen anywhere but on this machine.

mod books;
pub mod call;
mod check;
pub mod complete;
pub mod config;
mod decide;
pub mod delay;
mod errors;
pub mod fault;
pub mod http;
pub mod model;
pub mod reply;
pub mod results;
pub mod sessions;
pub mod sigv4;
pub mod snapshot;
#[cfg(test)]
mod tests;
mod tokens;
mod validate;
pub mod verdict;
