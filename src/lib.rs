//! livebench: load testing and quota probing for Amazon Rekognition's `CreateFaceLivenessSession`.

pub mod cli;
pub mod commands;
pub mod emulator;
pub mod load;
pub mod record;
pub mod report;
pub mod results;
pub mod scenario;
pub mod schedule;
pub mod stats;
pub mod summary;
pub mod target;
mod timer;
pub mod units;
