//! livebench: load testing for Amazon Rekognition's `CreateFaceLivenessSession`, with an emulator of it.
//!
//! This page is the map of the house. The README is for those who use it.
//!
//! # The one idea
//!
//! A call's intended time is data. The schedule is computed, not slept; the driver obeys it; the recorder reads it. Every call has three
//! instants, all offsets from the start of the run:
//!
//! ```text
//! due   when the schedule wanted it         lateness = sent - due    ours: the harness was late
//! sent  when it was handed to the client    service  = done - sent   theirs
//! done  when its answer was complete        response = done - due    what a user would have felt
//! ```
//!
//! so `response = lateness + service`, exactly. Nothing is ever invented to correct a histogram.
//!
//! # The way of the data
//!
//! ```text
//! scenario ──► schedule ──► load ══Sample══► record ──► summary ──► report ──► results/
//! (validated)  (due times)  (obeys)          (no clock)
//!                             │ Client
//!                   ┌─────────┴─────────┐
//!               sdk, wire             model
//!                   │ HTTP              (virtual time only)
//!        AWS, or the emulator
//! ```
//!
//! In real time the emulator is always reached over HTTP. In virtual time its model is called in process, by the same driver, with a
//! clock that jumps from event to event: an hour in less than a second.
//!
//! # The rooms
//!
//! From the ground up: a room uses only rooms above it in this table. `tests/it/architecture/` reads the imports and holds them to that.
//!
//! | room | what it does |
//! |---|---|
//! | [`num`] | the casts between whole numbers and floats |
//! | [`interval`] | what lies between two numbers, bounded or not |
//! | [`units`] | rates, shares, short texts, durations as people write them |
//! | [`key`] | what a key of a file is: name, form, default and meaning, as data |
//! | [`stats`] | plain maths; every random draw is hash(seed, stream, n) |
//! | [`service`] | what AWS says, once: operations, regions, quotas, prices, exceptions, constraints, lifetimes, each with its source |
//! | `prometheus` | the text format of Prometheus |
//! | `sigv4` | what both ends of a signature share: keys, instants, digits |
//! | [`http1`] | what both ends of HTTP/1.1 share: header fields, the end of a head, bodies in chunks |
//! | [`limiter`] | which calls are let through: a catalogue of limiters, pure functions of time |
//! | [`metric`] | the closed list of metrics: names, quantities, and who uses which |
//! | [`client::outcome`], [`client::request`] | the closed set of ways in which a call can end; what is asked |
//! | [`client`] | the trait [`Client`](client::Client) that drivers call |
//! | [`schedule`] | rate curves and arrivals: a closed-form sequence of due times |
//! | [`emulator::config`] | what the emulator shall be: its configuration, with the defaults |
//! | [`scenario`] | text to a validated [`Scenario`](scenario::Scenario), every problem at once; thresholds; the preview of `check` |
//! | [`record::sample`] | one call as it went |
//! | [`record`] | histograms, counters, the timeline, the idempotency ledger |
//! | [`summary`] | the [`Summary`](summary::Summary) contract, and the verdict on the run |
//! | [`compare`] | did it change, and how sure: the calls of two sides to a [`Comparison`](compare::Comparison); change points of a series |
//! | [`shard`] | one run over many machines: which part is mine, when all start, what was left out |
//! | [`selftest`] | how far this machine can be trusted: the schedule as the server saw it, the truth beside the report |
//! | [`emulator`] | the model: limiter, sessions, tokens, faults, with the time passed in |
//! | [`probe`] | which limiter stands before an API: the next experiment, and what the answers leave of each kind |
//! | [`plan`] | is it enough, what to ask for, what users feel: demand, quotas, chances, options |
//! | `timer` | the kernel's absolute timer |
//! | [`load`] | the pacer (the one keeper of time), the open and the closed driver, room, rate and budget; the session of one run |
//! | [`client::model`] | the emulator's model as a client, in virtual time |
//! | [`client::net`] | TCP and TLS connections, HTTP/1.1 on them, timeouts, the names of their failures |
//! | `client::signing` | Signature Version 4 with a key that is kept for the day |
//! | [`client::bare`] | the least that a client does, beside which the others are measured |
//! | [`client::sdk`], [`client::wire`] | the AWS SDK for Rust, and the same calls without its orchestrator |
//! | [`emulator::http`] | the emulator's HTTP and TLS edge, its arrival log |
//! | [`guide`] | the reference as pages: for rustdoc, a terminal and man |
//! | [`report`] | a summary for the terminal, Markdown and JSON, as bytes into `impl Write` |
//! | [`results`] | the run's directory: the only writer of files |
//! | [`live`] | a run as one watches it: on the terminal, a line a second, or scraped by Prometheus |
//! | [`awscli`] | the options and the output of AWS CLI v1, for `livebench call` |
//! | [`cli`] | what may be typed; does no work |
//! | [`commands`] | one straight-line function a subcommand: the only place that wires the rest together |
//!
//! `main.rs` is the process edge: parse, runtime, exit code.
//!
//! # The words
//!
//! | word | its one meaning |
//! |---|---|
//! | scenario | the file, and its validated value |
//! | stage | one straight piece of the rate curve |
//! | due, sent, done | the three instants of a call |
//! | lateness, service, response | the three times between them |
//! | outcome | how a call ended |
//! | throttled | refused for rate, always with its cause: quota, ramp or service |
//! | missed | due but never sent: the harness had no room |
//! | capped | due but refused by the scenario's own `max_rate` |
//! | quota | sustained rate and burst |
//! | ledger | which token got which session |
//! | summary | one run's numbers |
//! | verdict | of a run: VALID, SUSPECT or INVALID, may it be believed; of a comparison: improved, regressed, unchanged, inconclusive or incomparable; of a plan: enough, not enough or unsure |
//! | plan | capacity planning, and nothing else |
//!
//! # Invariants
//!
//! 1. Only [`load`], [`emulator::http`], [`results`], [`live`], [`commands`] and `main` spawn, sleep or wait for a signal. Every task is joined;
//!    nothing outlives its run.
//! 2. One clock, read in [`load`] and at the emulator's edge. Everywhere else time is a `Duration` since the start that is passed in. Wall
//!    time names the run, signs requests and dates answers, at the edges only.
//! 3. Nobody holds an unvalidated scenario. All problems of a file are reported at once, each with its line and its remedy.
//! 4. The SDK's retries are off. An outcome is decided on (exception name, HTTP status), never on message text. Three throttles stay three.
//! 5. A 200 is a success only with a lower-case 36-character UUID. Different session ids are counted, not 200s. An ordinary call carries a
//!    fresh token, unique over runs.
//! 6. A throttle is a result, not an error. Unknown is empty or null, never 0. A run whose own lateness or misses are large says so first.
//! 7. Every queue, loop and run has a bound.
//! 8. Accumulators merge: merging two equals recording both streams in any order. Percentiles are never averaged.
//! 9. Same scenario, same seed, virtual time: the same summary, byte for byte. No order is taken from a hash map.
//! 10. What only a live account can settle is a setting of the emulator and an observation of the harness, never a constant.
//! 11. Nothing is sent to AWS unless asked in so many words, within a budget of calls and money. Every endpoint that is no loopback address
//!     is AWS for this purpose, whichever flag, variable or profile chose it; without `--yes` not even a name is looked up.
//! 12. No secret reaches a file, a log line or a report.

pub mod awscli;
pub mod cli;
pub mod client;
pub mod commands;
pub mod compare;
pub mod emulator;
pub mod guide;
pub mod http1;
pub mod interval;
pub mod key;
pub mod limiter;
pub mod live;
pub mod load;
pub mod metric;
pub mod num;
pub mod plan;
pub mod probe;
mod prometheus;
pub mod record;
pub mod report;
pub mod results;
pub mod scenario;
pub mod schedule;
pub mod selftest;
pub mod service;
pub mod shard;
mod sigv4;
pub mod stats;
pub mod summary;
mod timer;
pub mod units;
