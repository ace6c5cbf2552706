//! A rule that never fires protects nothing: each is handed a small house that breaks it, and the same house unbroken.

use std::collections::BTreeMap;

use super::edges::{BACKGROUND, CLOCKS, Edge, SDK, touching};
use super::resolve::House;
use super::{Breach, circles, left, literals, names, rooms, sizes};

/// The planted house: `units`, `load` and `emulator` (with the limiter in it), `commands` on top.
const FLOORS: &[&[&str]] = &[&["units"], &["emulator"], &["load", "stats"], &["commands"]];

/// A sound house, before anything is planted in it.
const SOUND: &[(&str, &str)] = &[
    ("lib.rs", "pub mod commands;\npub mod emulator;\npub mod load;\npub mod stats;\npub mod units;\n"),
    ("units.rs", "pub struct Rate(pub f64);\n"),
    ("stats.rs", ""),
    ("emulator/mod.rs", "mod errors;\nmod limiter;\npub use errors::Refused;\npub use limiter::Limiter;\n"),
    ("emulator/errors.rs", "pub struct Refused;\n"),
    (
        "emulator/limiter/mod.rs",
        "mod bucket;\n#[cfg(test)]\nmod tests;\nmod window;\npub struct Limiter { window: window::Window }\npub(super) fn whole() {}\n",
    ),
    ("emulator/limiter/bucket.rs", "use super::whole;\npub struct Bucket;\n"),
    ("emulator/limiter/window.rs", "use crate::units::Rate;\npub(super) struct Window(Rate);\n"),
    ("emulator/limiter/tests.rs", "use super::window::Window;\nuse crate::commands::dispatch;\n"),
    ("load.rs", "use crate::emulator::Limiter;\npub struct Pacer;\n"),
    ("commands.rs", "use crate::load::Pacer;\npub enum Exit { Good }\npub fn dispatch() {}\n"),
];

/// The sound house with texts at the end of files of it.
fn house(additions: &[(&str, &str)]) -> House {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in SOUND.iter().chain(additions) {
        texts.entry((*path).to_owned()).or_default().push_str(text);
    }
    House::of(&texts)
}

fn planted(path: &str, text: &str) -> House {
    house(&[(path, text)])
}

/// What the breaches say, one a line.
fn told(breaches: &[Breach]) -> Vec<String> {
    breaches.iter().map(|breach| breach.text.clone()).collect()
}

/// Each text, planted in the limiter, is told of with its file.
#[track_caller]
fn caught(rule: impl Fn(&House) -> Vec<Breach>, texts: &[&str]) {
    for text in texts {
        let found = told(&rule(&planted("emulator/limiter/mod.rs", text)));
        let there = found.iter().any(|line| line.starts_with("src/emulator/limiter/mod.rs:"));
        assert!(there, "not caught: {text}\n{found:?}");
    }
}

/// None of the texts, planted in the limiter, is told of.
#[track_caller]
fn sound(rule: impl Fn(&House) -> Vec<Breach>, texts: &[&str]) {
    for text in texts {
        let found = told(&rule(&planted("emulator/limiter/mod.rs", text)));
        assert!(found.is_empty(), "caught: {text}\n{found:?}");
    }
}

fn upward(house: &House) -> Vec<Breach> {
    rooms::upward(house, FLOORS)
}

/// A use of a room above is seen in whatever form it comes, also below the `#[cfg(test)] mod tests;` in the middle of the file.
#[test]
fn uses_of_a_room_above_are_caught() {
    caught(
        upward,
        &[
            "use crate::commands::dispatch as _up;",
            "use crate::commands;",
            "pub use crate::commands::dispatch;",
            "use crate::{\n    units::Rate,\n    commands,\n};",
            "use crate::{units::{self, Rate}, commands::{Exit, dispatch}};",
            "use super::super::commands::dispatch;",
            "use self::super::super::commands::*;",
            "use crate as house;\nfn f() { house::commands::dispatch() }",
            "fn f() { crate::commands::dispatch() }",
            "fn f() { super::super::commands::dispatch() }",
            "fn f(exit: &crate::commands::Exit) {}",
            "fn f() { use crate::commands::dispatch; }",
            "fn f() { println!(\"{}\", crate::commands::dispatch()) }",
            "macro_rules! up { () => { $crate::commands::dispatch() } }",
            "struct S { exits: Vec<crate::commands::Exit> }",
            "impl From<crate::commands::Exit> for Limiter {}",
            "#[cfg(test)]\nmod more {}\nuse crate::commands::Exit;",
            "#[cfg(not(test))]\nuse crate::commands::Exit;",
            "#[cfg(any(test, unix))]\nuse crate::commands::Exit;",
            "mod inner { fn f() { super::super::super::commands::dispatch() } }",
            "mod tests_of_nothing { use crate::commands::dispatch; }",
        ],
    );
    let found = told(&upward(&planted("emulator/limiter/window.rs", "use super::super::super::commands::dispatch;\n")));
    let expected = "src/emulator/limiter/window.rs:3: emulator uses commands: `crate::commands::dispatch`";
    assert_eq!(found, [expected]);
}

/// What a room below hands on is still what stands above.
#[test]
fn a_room_above_is_not_reached_through_one_below() {
    let through = [("units.rs", "pub use crate::commands::Exit;\n"), ("emulator/errors.rs", "use crate::units::Exit;\n")];
    let found = told(&upward(&house(&through)));
    assert!(found.iter().any(|line| line.starts_with("src/units.rs:2:")), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("src/emulator/errors.rs:2:")), "{found:?}");
}

/// Uses of rooms below, texts, comments and tests are sound.
#[test]
fn uses_of_rooms_below_are_sound() {
    sound(
        upward,
        &[
            "",
            "use crate::units::Rate;",
            "use super::errors::Refused;",
            "// use crate::commands::dispatch;",
            "/// Like [`crate::commands::dispatch`].\nfn f() {}",
            "const TEXT: &str = \"crate::commands::dispatch\";",
            "fn f(s: &S) { s.commands.load() }",
            "#[cfg(test)]\nuse crate::commands::dispatch;",
            "#[cfg(all(test, unix))]\nuse crate::commands::dispatch;",
            "#[cfg(test)]\nmod more { use crate::commands::dispatch; }",
            "#[test]\nfn t() { crate::commands::dispatch() }",
            "impl Limiter { #[cfg(test)] fn f() { crate::commands::dispatch() } }",
        ],
    );
}

/// A module in no room, a room without a module and a file without a declaration are told of.
#[test]
fn rooms_and_files_have_a_place() {
    let attic = ("attic.rs", "use crate::units::Rate;");
    assert_eq!(house(&[attic]).orphans, ["attic.rs"]);
    let declared = house(&[attic, ("lib.rs", "mod attic;\n")]);
    assert!(declared.orphans.is_empty());
    assert_eq!(told(&upward(&declared)), ["src/attic.rs:1: `attic` is in no room"]);
    let found = told(&rooms::upward(&planted("units.rs", ""), &[FLOORS.concat().as_slice(), &["cellar"]]));
    assert_eq!(found, ["the room `cellar` is not there"]);
}

/// What of an edge is touched outside of its rooms.
fn outside(edge: &'static Edge) -> impl Fn(&House) -> Vec<Breach> {
    |house| {
        let is_allowed = |breach: &Breach| edge.allowed.iter().any(|(module, _)| *module == breach.key);
        touching(house, edge).into_iter().filter(|breach| !is_allowed(breach)).collect()
    }
}

/// Clocks are found under every name.
#[test]
fn clocks_are_caught() {
    caught(
        outside(&CLOCKS),
        &[
            "fn f() { std::time::Instant::now(); }",
            "use std::time::Instant;\nfn f() { Instant::now(); }",
            "use std::time::Instant as Watch;\nfn f() { Watch::now(); }",
            "use std::{thread, time as t};\nfn f() { t::SystemTime::now(); }",
            "use std::time::*;\nfn f() { Instant::now(); }",
            "type Watch = std::time::Instant;\nfn f() { Watch::now(); }",
            "fn f() { <std::time::Instant>::now(); }",
            "fn f() { let read = std::time::Instant::now; }",
            "fn f() { assert!(tokio::time::Instant::now() > g()) }",
            "pub fn clock() -> std::time::Instant { std::time::Instant::now() }",
            "use jiff::Timestamp as Day;\nfn f() { Day::now(); }",
            "use rustix::time::clock_gettime as read;\nfn f() { read(1); }",
        ],
    );
    let handed_on = [
        ("units.rs", "pub use std::time::Instant as Tick;\n"),
        ("stats.rs", "use crate::units::Tick;\nfn f() { Tick::now(); }\n"),
    ];
    assert_eq!(told(&outside(&CLOCKS)(&house(&handed_on))), ["src/stats.rs:2: Instant::now: `crate::units::Tick::now`"]);
    sound(
        outside(&CLOCKS),
        &["use std::time::Instant;\nfn f(at: Instant) {}", "#[test]\nfn t() { std::time::Instant::now(); }", "// Instant::now()"],
    );
    assert!(told(&outside(&CLOCKS)(&planted("load.rs", "fn f() { std::time::Instant::now(); }\n"))).is_empty());
}

/// Background work and waiting are found under every name.
#[test]
fn background_work_is_caught() {
    caught(
        outside(&BACKGROUND),
        &[
            "fn f() { std::thread::sleep(std::time::Duration::ZERO); }",
            "use std::thread;\nfn f() { thread::spawn(|| ()); }",
            "use std::thread::*;\nfn f() { sleep(g()); }",
            "use tokio::time::sleep as rest;\nasync fn f() { rest(g()).await }",
            "async fn f() { tokio::select! { () = tokio::time::sleep(g()) => {} } }",
            "use tokio::{task::{self, JoinSet}, time};",
            "fn f() { std::thread::Builder::new().spawn(|| ()); }",
        ],
    );
    sound(outside(&BACKGROUND), &["fn f() { g::sleep(1); }", "use std::time::Duration;\nfn spawn() { sleep() }"]);
}

/// The SDK's crates are found wherever they are named.
#[test]
fn the_sdk_is_caught() {
    caught(
        outside(&SDK),
        &[
            "use aws_config::Region;",
            "use aws_sdk_rekognition as aws;",
            "fn f(c: ::aws_smithy_types::Document) {}",
            "extern crate aws_runtime as engine;\nfn f() { engine::start() }",
        ],
    );
    sound(outside(&SDK), &["const CRATE: &str = \"aws_config::Region\";"]);
}

/// The circles of a planted house, by their files.
fn rings(additions: &[(&str, &str)]) -> Vec<String> {
    circles::circles(&house(additions)).into_iter().map(|breach| breach.key).collect()
}

const MOD: &str = "emulator/limiter/mod.rs";
const BUCKET: &str = "emulator/limiter/bucket.rs";
const WINDOW: &str = "emulator/limiter/window.rs";

/// Two files that need each other are a circle, whether by `use`, by `super::` or by a path, and also by way of a third or of their parent.
#[test]
fn circles_are_caught() {
    let two = ["emulator/limiter/bucket.rs emulator/limiter/window.rs"];
    let tie = (WINDOW, "pub struct Tie(super::bucket::Bucket);\n");
    for back in
        ["use super::window::Tie;", "fn f(_: crate::emulator::limiter::window::Tie) {}", "fn f() { g!(super::window::Tie) }"]
    {
        assert_eq!(rings(&[tie, (BUCKET, back)]), two, "{back}");
    }
    // The parent's function needs the window, so the bucket does, and the window needs the bucket.
    let parent = (MOD, "fn both() { window::draw() }\n");
    let children = [(BUCKET, "fn f() { super::both() }\n"), (WINDOW, "pub(super) fn draw() { super::bucket::fill() }\n")];
    assert_eq!(rings(&[parent, children[0], children[1]]), two);
    // Five in a ring, over rooms.
    let found = rings(&[("units.rs", "use crate::commands::dispatch;\n")]);
    assert_eq!(found, ["commands.rs emulator/limiter/mod.rs emulator/limiter/window.rs load.rs units.rs"]);
}

/// A parent that declares, hands on or composes its children is none, if they use its words alone; nor is what only tests tie.
#[test]
fn a_parent_and_its_children_are_sound() {
    assert!(rings(&[]).is_empty());
    assert!(rings(&[(WINDOW, "use super::whole;\nuse super::bucket::Bucket;\n")]).is_empty());
    assert!(rings(&[("emulator/errors.rs", "use super::Limiter;\n")]).is_empty());
    let ties = "#[cfg(test)]\nmod more { use super::super::window::Window; }\n";
    assert!(rings(&[(WINDOW, "use super::bucket::Bucket;\n"), (BUCKET, ties)]).is_empty());
    // A field is no function, though it has its name.
    let named = (MOD, "pub use window::draw;\npub struct Named { draw: u8 }\n");
    assert!(rings(&[named, (WINDOW, "use super::bucket::Tie;\n"), (BUCKET, "pub struct Tie(super::Named);\n")]).is_empty());
}

/// A name of two rooms is told of with both places; names of functions, of tests and inside functions are nobody else's.
#[test]
fn shared_names_are_caught() {
    let found = told(&names::in_two_rooms(&planted("load.rs", "type Rate = f64;\n")));
    assert_eq!(found, ["`Rate` is defined in src/load.rs:3, src/units.rs:1"]);
    for text in ["pub enum Rate {}", "trait Rate {}", "mod inner { pub struct Rate; }"] {
        assert_eq!(names::in_two_rooms(&planted("stats.rs", text)).len(), 1, "{text}");
    }
    for text in ["fn rate() {}", "#[cfg(test)]\nstruct Rate;", "fn f() { struct Rate; }", "pub use crate::units::Rate;"] {
        assert!(names::in_two_rooms(&planted("stats.rs", text)).is_empty(), "{text}");
    }
    let found = told(&names::twice_in_a_room(&planted("emulator/errors.rs", "pub struct Bucket;\n")));
    assert_eq!(found, ["`Bucket` is defined in src/emulator/errors.rs:2, src/emulator/limiter/bucket.rs:2"]);
}

/// The numbers in a text that rest on nothing.
fn numbers(text: &str) -> Vec<String> {
    let found = literals::unexplained(&planted("stats.rs", text), literals::DECIDING);
    found.into_iter().map(|breach| breach.text.replace("src/stats.rs:", "")).collect()
}

/// A number without a reason is told of with its line; a reason covers the statement it stands at, and no other.
#[test]
fn bare_numbers_are_caught() {
    assert_eq!(numbers("const A: f64 = 0.7;\n"), ["1: 0.7"]);
    assert_eq!(numbers("fn f(x: u64) -> bool {\n    x > 1_500\n}\n"), ["2: 1_500"]);
    assert_eq!(numbers("fn f() { g!(1, 1.37, 0x7f) }"), ["1: 1.37", "1: 0x7f"]);
    assert_eq!(numbers("#[cfg(test)]\nmod tests;\nconst A: u8 = 7;\n"), ["3: 7"]);
    assert_eq!(numbers("// derived: for A alone\nconst A: u8 = 7;\nconst B: u8 = 8;\n"), ["3: 8"]);
    assert_eq!(numbers("// derived: of the test, not of what it guards\nif_!();\nfn f(x: u8) {\n    g(7);\n}\n"), ["4: 7"]);
    assert_eq!(numbers("// derived:\nconst A: u8 = 7;\n"), ["2: 7"]);
    assert_eq!(numbers("// It is seven.\nconst A: u8 = 7;\n"), ["2: 7"]);
    assert!(literals::unexplained(&planted("units.rs", "const A: u8 = 7;\n"), literals::DECIDING).is_empty());
}

/// Numbers that say what they rest on, that count, that convert units, or that only tests have, are sound.
#[test]
fn numbers_with_a_reason_are_sound() {
    for text in [
        "const A: f64 = 0.7; // derived: half of 1.4",
        "// source: Holm 1979\nconst A: f64 = 0.7;",
        "/// The share.\n// measured: 200 runs\nconst A: f64 = 0.7;",
        "// measured: 200 runs,\n// twice\n#[allow(dead_code)]\nconst A: f64 = 0.7;",
        "// derived: row by row\nconst A: &[f64] = &[\n    0.7,\n    0.8,\n];",
        "fn f() {\n    // derived: so\n    g(\n        0.7,\n    );\n}",
        "const A: u64 = 1_000 * 60 * 3600 + 0 + 1 + 2;",
        "fn f(a: (u8, u8, u8, (u8, u8, u8, u8))) -> u8 { a.3.3 }",
        "#[serde(range(min = 3))]\nstruct S;",
        "#[cfg(test)]\nmod more { const A: u8 = 7; }",
    ] {
        assert!(numbers(text).is_empty(), "{text}\n{:?}", numbers(text));
    }
}

/// Long functions, long files, many parameters and unfinished marks are told of; tests and comments do not count as code.
#[test]
fn sizes_are_caught() {
    let long = |lines: usize, line: &str| format!("fn f() {{\n{}}}\n", format!("{line}\n").repeat(lines));
    assert_eq!(
        told(&sizes::long_functions(&planted("stats.rs", &long(59, "g();")))),
        ["src/stats.rs:1: `f` has 61 lines of code"]
    );
    assert!(sizes::long_functions(&planted("stats.rs", &long(58, "g();"))).is_empty());
    assert!(sizes::long_functions(&planted("stats.rs", &long(99, "// g"))).is_empty());
    assert_eq!(sizes::long_files(&planted("stats.rs", &"fn f() {}\n".repeat(451))).len(), 1);
    assert!(
        sizes::long_files(&planted("stats.rs", &format!("#[cfg(test)]\nmod t {{\n{}}}\n", "fn f() {}\n".repeat(451)))).is_empty()
    );
    let six = "struct S;\nimpl S { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {} }\n";
    assert_eq!(told(&sizes::many_parameters(&planted("stats.rs", six))), ["src/stats.rs:2: `f` has 6 parameters"]);
    let dodged = "fn f(a: u8, b: u8, c: u8, d: u8, (e, f): (u8, u8)) {}\n";
    assert_eq!(sizes::many_parameters(&planted("stats.rs", dodged)).len(), 1);
    assert!(sizes::many_parameters(&planted("stats.rs", "fn f(a: u8, b: u8, c: u8, d: u8, (e): u8) {}\n")).is_empty());
    for text in ["fn f() { todo!() }", "// FIXME later", "fn f() { unimplemented!() }"] {
        assert_eq!(sizes::unfinished(&planted("stats.rs", text)).len(), 1, "{text}");
    }
}

/// An exception covers what it names, and fails where there is nothing to cover.
#[test]
fn exceptions_are_used() {
    let breaches = names::in_two_rooms(&planted("load.rs", "type Rate = f64;\n"));
    assert_eq!(left(&breaches, []).len(), 1);
    assert!(left(&breaches, ["Rate"]).is_empty());
    assert_eq!(left(&breaches, ["Rate", "Pace"]), ["the exception `Pace` is no longer needed: take it off the list"]);
}
