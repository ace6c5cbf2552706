//! The emulator's HTTP/1.1 edge: reads the clock, asks the model, waits until the answer is due, answers.
//!
//! [`serve`] runs on the caller's runtime until told to stop; [`Embedded`] is the same on a thread of its own. Both join
//! everything they started. Refuses any address that is not this machine's.

mod admin;
mod alarm;
mod answer;
mod clients;
mod connection;
mod control;
mod embedded;
mod input;
mod log;
mod message;
mod metrics;
mod quotas;
mod serve;
mod state;
mod tls;
mod web;
mod wire;
mod written;

pub use self::clients::SeenClient;
pub use self::control::Control;
pub use self::embedded::{Embedded, Extras};
pub use self::log::{ArrivalLog, LogError, LoggedArrival, Record, read as arrivals};
pub use self::message::BODY_LIMIT;
pub use self::serve::{ServeError, listen, serve};
pub use self::state::{StateError, load as load_state, save as save_state};
pub use self::tls::{ServerTlsError, TlsFiles, generate as generate_tls, server_config};

#[cfg(test)]
mod tests;
