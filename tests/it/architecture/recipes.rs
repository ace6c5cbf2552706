//! The recipes of `CONTRIBUTING.md` name files: they are there.

use super::root;

/// Words in backticks that are paths of the project; `<kind>` stands for any name, so a path with it names its directory.
fn paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path =
        |word: &&str| ["src/", "tests/", "deploy/", "benches/", "scenarios/", ".ci/"].iter().any(|top| word.starts_with(top));
    quoted.filter(is_path).map(|path| path.split('<').next().unwrap_or_default()).collect()
}

/// What a recipe tells to touch exists; a file that moves takes its recipe along.
#[test]
fn recipes_name_files_that_are_there() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let paths = paths(&text);
    assert!(paths.len() > 20, "{paths:?}");
    let missing: Vec<&&str> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md names what is not there: {missing:?}");
    assert!(text.contains("tests/it/architecture/"), "CONTRIBUTING.md says where the rules are held");
}

/// Paths are found, with and without a placeholder, and other words in backticks are none.
#[test]
fn paths_are_found() {
    assert_eq!(paths("in `src/a.rs` and `src/b/<kind>.rs`, not `area: what` or `Quota`"), ["src/a.rs", "src/b/"]);
}
