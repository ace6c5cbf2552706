//! Values to bytes: a summary for the terminal, for browsers, for pull requests and for machines.
//!
//! Every format is a function into `impl Write`. Refuses to compute: what it prints stands in the summary.

pub mod compare;
pub mod hgrm;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod narrow;
pub mod numbers;
mod parts;
pub mod plan;
pub mod probe;
pub mod selftest;
mod stages;
pub mod terminal;

pub use parts::observed;
pub use stages::stages;

#[cfg(test)]
mod tests;
