//! Everything that is tested from outside, linked once: the built binary, the library over loopback, the house rules, the documents.
#![allow(clippy::unwrap_used)] // clippy sees no test in a test's helper; helpers fail like the test

mod acceptance;
mod architecture;
mod call;
mod cli_check;
mod compare;
mod connection;
#[cfg(unix)] // it is told to stop by SIGTERM
mod emulate;
mod emulator_docs;
mod fuzz;
mod live;
mod plan;
mod probe;
mod readme;
mod recordings;
mod reference;
mod regression;
mod regression_aws;
mod regression_cli;
mod regression_compare;
mod regression_results;
mod regression_run;
mod report;
mod resume;
mod rust_sdk;
mod scenarios;
mod selftest;
mod shards;
mod supply;
mod support;
mod transports;
mod width;
mod words;
