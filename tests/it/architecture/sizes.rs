//! What has grown too long says something; unfinished marks say it, too.

use super::exceptions::{LONG, MANY_PARAMETERS};
use super::parse::{Function, Source};
use super::resolve::House;
use super::{Breach, hold, house};

/// Lines of code in a file, without tests and comments.
const FILE: usize = 450;

/// Lines of code in a function.
const FUNCTION: usize = 60;

/// Parameters of a function, without `self`; a tuple's parts count each.
const PARAMETERS: usize = 5;

/// Marks of what is not finished.
const MARKS: &[&str] = &["todo!", "unimplemented!", "TODO", "FIXME", "XXX"];

fn functions(house: &House) -> impl Iterator<Item = (&Source, &Function)> {
    house.sources.iter().flat_map(|source| source.functions.iter().map(move |function| (source, function)))
}

/// Files with too much in them.
pub(super) fn long_files(house: &House) -> Vec<Breach> {
    let long = house.sources.iter().filter(|source| source.code.len() > FILE);
    long.map(|source| Breach::at(source, 1, &*source.path, &format!("{} lines of code", source.code.len()))).collect()
}

/// Functions with too many lines of code.
pub(super) fn long_functions(house: &House) -> Vec<Breach> {
    let mut found = Vec::new();
    for (source, function) in functions(house) {
        let lines = source.code.iter().filter(|line| (function.line..=function.last_line).contains(line)).count();
        if lines > FUNCTION {
            let key = format!("{} {}", source.path, function.name);
            found.push(Breach::at(source, function.line, key, &format!("`{}` has {lines} lines of code", function.name)));
        }
    }
    found
}

/// Functions with too many parameters.
pub(super) fn many_parameters(house: &House) -> Vec<Breach> {
    let many = functions(house).filter(|(_, function)| function.parameters > PARAMETERS);
    many.map(|(source, function)| {
        let key = format!("{} {}", source.path, function.name);
        let what = format!("`{}` has {} parameters", function.name, function.parameters);
        Breach::at(source, function.line, key, &what)
    })
    .collect()
}

/// Lines outside tests that say that something is missing, in code and in comments.
pub(super) fn unfinished(house: &House) -> Vec<Breach> {
    let mut found = Vec::new();
    for source in &house.sources {
        for (i, line) in source.lines.iter().enumerate() {
            if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
                found.push(Breach::at(source, i + 1, &*source.path, mark));
            }
        }
    }
    found
}

/// A file is read in one sitting, and it is finished.
#[test]
fn files_are_short_and_finished() {
    hold("files that are too long:", &long_files(house()), []);
    hold("not finished:", &unfinished(house()), []);
}

/// A function is seen at one glance.
#[test]
fn functions_are_short() {
    hold("functions that are too long:", &long_functions(house()), LONG.iter().map(|(name, _)| *name));
}

/// A function that takes much lacks a type, and a tuple is none.
#[test]
fn functions_take_little() {
    hold("functions with too many parameters:", &many_parameters(house()), MANY_PARAMETERS.iter().map(|(name, _)| *name));
}
