//! What is made of the declarations of the keys is current: the guide's tables, `deploy/emulator.toml`, and the schema that editors
//! find beside the scenarios. `LIVEBENCH_BLESS=1` makes them anew.

use std::path::Path;

use livebench::scenario::{self, reference};

const REMEDY: &str = "is not what the declarations of the keys say: LIVEBENCH_BLESS=1 cargo test --test it reference";

/// Holds the file at `path` to what `make` makes of it, or makes it so.
fn held(path: &str, make: impl Fn(&str) -> String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let fresh = make(&text);
    if std::env::var_os("LIVEBENCH_BLESS").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    } else {
        assert!(fresh == text, "{path} {REMEDY}");
    }
}

/// The file of the emulator is what the declarations say.
#[test]
fn the_emulator_file_is_current() {
    held("deploy/emulator.toml", |_| reference::emulator_file());
}

/// The schema that editors find beside the scenarios is the published one.
#[test]
fn the_schema_file_is_current() {
    held("scenarios/schema.json", |_| scenario::schema().to_owned());
}

/// The schema of plans that editors find beside them is the published one.
#[test]
fn the_plan_schema_file_is_current() {
    held("scenarios/plan.schema.json", |_| livebench::plan::schema());
}

/// The tables of the guide are what the declarations say.
#[test]
fn the_tables_are_current() {
    held("src/guide/scenario.md", |text| {
        reference::tables().iter().fold(text.to_owned(), |text, (name, table)| {
            let (begin, end) = (format!("<!-- keys: {name} -->\n"), format!("<!-- end of keys: {name} -->\n"));
            let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("the page has no {begin}"));
            let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the page has no {end}"));
            format!("{before}{begin}\n{table}\n{end}{after}")
        })
    });
}
