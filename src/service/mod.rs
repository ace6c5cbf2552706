//! What AWS says of Rekognition Face Liveness, once, each fact with its source.
//!
//! Two kinds of source: the machine-readable API model (botocore 1.44.5, `rekognition/2016-06-27`), and AWS's documentation, named by
//! page. Refuses to hold what only a live account can settle: that is a setting of the emulator and an observation of the harness.

pub mod constraint;
pub mod exception;
pub mod lifetime;
pub mod operation;
pub mod price;
pub mod quota;
pub mod region;
