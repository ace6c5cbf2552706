//! A number that decides something says what it rests on: `// derived:`, `// source:` or `// measured:`, on its line, or in the comment
//! above it or above the statement, constant, field or arm that holds it.
//!
//! Free are 0, 1, 2 and the factors between units: thousands, percent, the minutes and hours of 60.

use super::exceptions::UNEXPLAINED;
use super::parse::{Literal, Source};
use super::resolve::House;
use super::rooms::top;
use super::{Breach, hold, house};

/// Rooms whose numbers decide what people are told.
pub(super) const DECIDING: &[&str] = &["compare", "load", "probe", "stats", "summary"];

const MARKS: &[&str] = &["derived:", "source:", "measured:"];

/// Unit factors, and the numbers that count.
const FREE: &[f64] = &[0.0, 1.0, 2.0, 100.0, 1e3, 1e6, 1e9, 1e12, 1e15, 1e-3, 1e-6, 1e-9, 60.0, 3_600.0, 86_400.0];

fn is_free(literal: &Literal) -> bool {
    literal.digits.parse::<f64>().is_ok_and(|value| FREE.iter().any(|free| free.to_bits() == value.to_bits()))
}

/// Whether a line's comment names what a number rests on, in so many words.
fn is_marked(line: &str) -> bool {
    let Some((_, comment)) = line.split_once("//") else { return false };
    MARKS.iter().any(|mark| comment.split_once(mark).is_some_and(|(_, reason)| !reason.trim().is_empty()))
}

fn is_comment_or_attribute(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with("#[")
}

/// Whether the comment that ends above a line, or begins on it, has a mark.
fn is_explained_at(source: &Source, line: usize) -> bool {
    let (before, from) = source.lines.split_at(line - 1);
    let above = before.iter().rev().take_while(|line| is_comment_or_attribute(line));
    let below = from.iter().take_while(|line| is_comment_or_attribute(line));
    above.chain(below).chain(from.first()).any(|line| is_marked(line))
}

/// Numbers that rest on nothing.
pub(super) fn unexplained(house: &House, rooms: &[&str]) -> Vec<Breach> {
    let mut found = Vec::new();
    for source in house.sources.iter().filter(|source| rooms.contains(&top(source))) {
        for literal in source.literals.iter().filter(|literal| !is_free(literal)) {
            if !is_explained_at(source, literal.line) && !is_explained_at(source, literal.held_from) {
                found.push(Breach::at(source, literal.line, &*source.path, &literal.text));
            }
        }
    }
    found
}

/// Numbers that decide have their derivation, source or measurement with them.
#[test]
fn numbers_say_what_they_rest_on() {
    let rule = "no `// derived:`, `// source:` or `// measured:` at these numbers:";
    hold(rule, &unexplained(house(), DECIDING), UNEXPLAINED.iter().copied());
}
