//! Signature Version 4 for both transports: a key that is kept for the day, and everything that does not depend on the body made once a
//! second.
//!
//! What signs is the same code; which headers are signed is the transport's matter, see `SignedHead`. Refuses to send anything.

mod ids;
mod seal;
mod signer;

pub(in crate::client) use ids::InvocationIds;
pub(in crate::client) use seal::JSON;
pub(in crate::client) use signer::{SignedFields, Signer};
