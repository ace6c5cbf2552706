//! The house rules, held by parsing the sources: who may use whom, who may touch clocks, threads and the AWS SDK, what a name means, what a
//! number rests on, how long things are.
//!
//! [`parse`] turns a file into facts, [`resolve`] turns the paths in it into places, and each rule is a plain function over the two, with its
//! test beside it. [`exceptions`] lists what stands today; an exception that nothing uses fails, too. [`planted`] hands the rules sources that break them.

mod circles;
mod edges;
mod exceptions;
mod literals;
mod names;
mod parse;
mod planted;
mod recipes;
mod resolve;
mod rooms;
mod sizes;
mod tokens;
mod uses;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use parse::Source;
use resolve::House;

/// The project's own sources, parsed once for all rules.
fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let mut texts = BTreeMap::new();
        collect(&root().join("src"), "", &mut texts);
        assert!(texts.len() > 20, "the sources were not found");
        House::of(&texts)
    })
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of all Rust files below a directory, by their path in it.
fn collect(directory: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), texts);
        } else if path.extension().is_some_and(|e| e == "rs") {
            texts.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// A breach of a rule: what the list of exceptions calls it, and what is told.
struct Breach {
    key: String,
    text: String,
}

impl Breach {
    fn at(source: &Source, line: usize, key: impl Into<String>, what: &str) -> Self {
        Breach { key: key.into(), text: format!("src/{}:{line}: {what}", source.path) }
    }
}

/// What is left to complain of: the breaches that no exception covers, and the exceptions that cover none.
fn left<'a>(breaches: &[Breach], exceptions: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let exceptions: Vec<&str> = exceptions.into_iter().collect();
    let open = breaches.iter().filter(|b| !exceptions.contains(&b.key.as_str())).map(|b| b.text.clone());
    let unused = exceptions.iter().filter(|e| !breaches.iter().any(|b| b.key == **e));
    open.chain(unused.map(|e| format!("the exception `{e}` is no longer needed: take it off the list"))).collect()
}

/// Fails with the rule and everything that breaks it.
#[track_caller]
fn hold<'a>(rule: &str, breaches: &[Breach], exceptions: impl IntoIterator<Item = &'a str>) {
    let wrong = left(breaches, exceptions);
    assert!(wrong.is_empty(), "{rule}\n{}", wrong.join("\n"));
}
