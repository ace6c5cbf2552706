//! No circle of files: of two files that need each other, neither can be read first.
//!
//! A file needs another if it imports or names something that is defined there. What `mod.rs` only declares or hands on by `pub use` it does
//! not need, and whoever imports from `mod.rs` what is defined in a child needs the child. A file may use the words of the files that it
//! stands under (`a/b.rs` those of `a/mod.rs`), as a chapter uses those of its preface: that alone makes no circle with a parent that uses its
//! children. But it then needs whatever those words need: a child that calls a function of its parent that calls another child needs that
//! other child.

use std::collections::{BTreeMap, BTreeSet};

use super::exceptions::CIRCLES;
use super::resolve::{House, Place, Use, UseKind, within};
use super::{Breach, hold, house};

/// For every file the files that it needs, each with the first line that says so.
type Edges = BTreeMap<usize, BTreeMap<usize, String>>;

fn needs(house: &House) -> Edges {
    let mut edges = Edges::new();
    for used in house.uses.iter().filter(|used| used.kind != UseKind::Reexport) {
        let Some(place) = &used.place else { continue };
        let why = format!("{}:{} `{}`", house.sources[used.source].path, used.line, used.path.join("::"));
        for to in ends(house, used.source, place) {
            edges.entry(used.source).or_default().entry(to).or_insert_with(|| why.clone());
        }
    }
    edges
}

/// The files that a file needs for something it names: where that is defined, or, if that is a file above it, what the definition needs.
fn ends(house: &House, from: usize, place: &Place) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut seen = Vec::new();
    let mut open = vec![place.clone()];
    while let Some(place) = open.pop() {
        let (Some(to), Some(item)) = (house.source_of(&place.module), &place.item) else { continue };
        if to == from || seen.contains(&place) {
            continue;
        }
        if !within(&house.sources[from].module, &house.sources[to].module) {
            found.insert(to);
            continue;
        }
        let lines = house.module(&place.module).and_then(|module| module.item(item)).map(|item| item.lines.clone());
        let inside = |used: &&Use| used.source == to && lines.as_ref().is_some_and(|lines| lines.contains(&used.line));
        open.extend(house.uses.iter().filter(inside).filter_map(|used| used.place.clone()));
        seen.push(place);
    }
    found
}

/// Everything that a file needs by way of others.
fn reach(edges: &Edges, from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        open.extend(edges.get(&file).into_iter().flat_map(BTreeMap::keys).filter(|next| reached.insert(**next)));
    }
    reached
}

/// The sets of files that all need each other.
pub(super) fn circles(house: &House) -> Vec<Breach> {
    let edges = needs(house);
    let reached: Vec<BTreeSet<usize>> = (0..house.sources.len()).map(|file| reach(&edges, file)).collect();
    let mut found = Vec::new();
    for file in 0..house.sources.len() {
        let circle: Vec<usize> = reached[file].iter().copied().filter(|other| reached[*other].contains(&file)).collect();
        // Each circle once, told by its first file.
        if circle.first() != Some(&file) {
            continue;
        }
        let names: Vec<&str> = circle.iter().map(|file| house.sources[*file].path.as_str()).collect();
        let ties = circle.iter().flat_map(|file| edges[file].iter().filter(|(to, _)| circle.contains(to)));
        let ties: Vec<String> = ties.map(|(to, why)| format!("    {why} needs {}", house.sources[*to].path)).collect();
        let key = names.join(" ");
        found.push(Breach { text: format!("{key}\n{}", ties.join("\n")), key });
    }
    found
}

/// No two files need each other, neither directly nor by way of others.
#[test]
fn no_two_files_need_each_other() {
    hold("files that need each other:", &circles(house()), CIRCLES.iter().map(|(files, _)| *files));
}
