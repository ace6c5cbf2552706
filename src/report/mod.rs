//! Values to bytes: a summary for the terminal, for pull requests and for machines.
//!
//! Every format is a function `write(&Summary, &mut impl Write)`. Refuses to compute: what it prints stands in the summary.

pub mod compare;
pub mod json;
pub mod markdown;
mod parts;
pub mod probe;
pub mod terminal;

#[cfg(test)]
mod tests;
