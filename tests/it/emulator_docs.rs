//! `deploy/EMULATOR.md` is true: its defaults are the defaults, its switches are switches, and every test that it names exists.
//! Its blocks run in `tests/clients/readme_blocks.py`; that of Rust stands here, word for word.

use std::path::Path;

use livebench::emulator::config::EmulatorConfig;
use livebench::scenario::read_emulator;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    std::fs::read_to_string(root().join("deploy/EMULATOR.md")).unwrap()
}

/// The cells of every row below a heading, without the table's head.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = page();
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

/// Words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Settings of which one is as written.
fn with(setting: &str) -> EmulatorConfig {
    read_emulator("a row", &format!("[emulator]\n{setting}\n")).unwrap_or_else(|problems| {
        let words: Vec<String> = problems.located().iter().map(|p| p.message.to_string()).collect();
        panic!("{setting}: {words:?}")
    })
}

/// A switch that is said to be on by default changes nothing, and each of its other positions changes something.
#[test]
fn switches_have_their_defaults() {
    let plain = with("");
    let (mut defaults, mut others) = (0, 0);
    for row in rows("What is documented, what is inferred, and the switch for it") {
        assert_eq!(row.len(), 4, "{row:?}");
        for setting in quoted(&row[2]) {
            assert_eq!(with(setting), plain, "{setting} is not the default");
            defaults += 1;
        }
        for setting in quoted(&row[3]) {
            assert_ne!(with(setting), plain, "{setting} changes nothing");
            others += 1;
        }
        assert!(row[1].starts_with(|c: char| c.is_ascii_lowercase()), "{row:?}");
    }
    assert!(defaults >= 15 && others >= 30, "{defaults} {others}");
}

/// Every switch of tokens, validation and sessions, which is what only the service knows, has a row.
#[test]
fn unknowns_have_rows() {
    let schema: serde_json::Value = serde_json::from_str(livebench::scenario::schema()).unwrap();
    let emulator = &schema["$defs"]["emulator"]["properties"];
    let text = page();
    let mut keys = 0;
    for table in ["tokens", "validation", "sessions", "charge"] {
        let name = emulator[table]["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        let properties = name.map_or(&emulator[table]["properties"], |name| &schema["$defs"][name]["properties"]);
        for key in properties.as_object().unwrap_or_else(|| panic!("{table} has no keys")).keys() {
            // How long EXPIRED shows goes with whether it does.
            assert!(key == "expired_for" || text.contains(&format!("`{table}.{key} = ")), "{table}.{key} has no row");
            keys += 1;
        }
    }
    assert!(keys >= 13, "{keys}");
}

/// Every test that is named is there, and every sentence has one, or a reason why it has none.
#[test]
fn tests_exist() {
    let mut named = 0;
    let table = rows("Which test holds it to which sentence");
    for row in &table {
        assert_eq!(row.len(), 2, "{row:?}");
        let mut tests = 0;
        for (path, name) in quoted(&row[1]).filter_map(|quote| quote.split_once("::")) {
            let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
            let forms = [format!("fn {name}("), format!("def {name}("), format!("check(\"{name}\"")];
            assert!(forms.iter().any(|form| text.contains(form)), "{path} has no test {name}");
            tests += 1;
        }
        assert!(tests > 0 || row[1].contains("out of reach: ") || row[1] == "as above", "{row:?}");
        named += tests;
    }
    assert!(table.len() >= 50 && named >= 90, "{} {named}", table.len());
}

/// The Rust of the page compiles against the SDK that is used here, word for word.
#[test]
fn the_rust_is_rust() {
    let source = include_str!("emulator_docs.rs");
    let body = source.split("// EMULATOR.md begins\n").nth(1).unwrap().split("    // EMULATOR.md ends").next().unwrap();
    let page = page();
    let block = page.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(block), lines(body));
}

#[rustfmt::skip] // it stands on the page in these lines
#[allow(dead_code)] // it is there to compile
async fn example(config: &aws_config::SdkConfig) -> Result<(), Box<dyn std::error::Error>> {
    // EMULATOR.md begins
    let rekognition = aws_sdk_rekognition::Client::new(config);
    let session = rekognition.create_face_liveness_session().client_request_token("rust").send().await?;
    let results = rekognition.get_face_liveness_session_results().session_id(session.session_id()).send().await?;
    assert_eq!(results.status().as_str(), "CREATED");
    // EMULATOR.md ends
    Ok(())
}
