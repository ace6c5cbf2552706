//! What may come into the tree: `deny.toml`, held against `Cargo.lock` and the packages of this machine without a network.
//!
//! `cargo deny` reads the same file in the workflow, and there the advisories too.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use crate::architecture::root;

/// `deny.toml`, as far as it goes: what this test does not hold may not stand in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deny {
    #[serde(rename = "graph")]
    _graph: toml::Table,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: String,
    wildcards: String,
    skip: Vec<Skip>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    #[serde(rename = "crate")]
    package: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: String,
    unknown_git: String,
    allow_registry: Vec<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

fn deny() -> Deny {
    toml::from_str(&std::fs::read_to_string(root().join("deny.toml")).unwrap()).unwrap()
}

fn lock() -> Vec<Locked> {
    toml::from_str::<Lock>(&std::fs::read_to_string(root().join("Cargo.lock")).unwrap()).unwrap().package
}

/// The packages that this machine builds, as cargo knows them.
fn packages() -> Vec<serde_json::Value> {
    let host = Command::new(env!("CARGO")).arg("-vV").output().unwrap().stdout;
    let host = String::from_utf8(host).unwrap().lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned)).unwrap();
    let arguments = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", &host];
    let told = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether `expression` (SPDX; older packages write `/` for `OR`) can be met with licences of `allow` alone.
fn met(expression: &str, allow: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+WITH+");
    let mut words = spaced.split_whitespace().peekable();
    let met = alternatives(&mut words, allow);
    assert_eq!(words.next(), None, "{expression} goes on after its end");
    met
}

type Words<'w> = std::iter::Peekable<std::str::SplitWhitespace<'w>>;

fn alternatives(words: &mut Words<'_>, allow: &[String]) -> bool {
    let mut met = conjunction(words, allow);
    while words.next_if_eq(&"OR").is_some() {
        met |= conjunction(words, allow); // read to its end in any case
    }
    met
}

fn conjunction(words: &mut Words<'_>, allow: &[String]) -> bool {
    let mut met = licence(words, allow);
    while words.next_if_eq(&"AND").is_some() {
        met &= licence(words, allow);
    }
    met
}

fn licence(words: &mut Words<'_>, allow: &[String]) -> bool {
    match words.next() {
        Some("(") => {
            let met = alternatives(words, allow);
            assert_eq!(words.next(), Some(")"), "a parenthesis stays open");
            met
        }
        word => allow.iter().any(|allowed| word == Some(allowed.as_str())),
    }
}

/// AND binds closer than OR, an exception is no plain licence, and parentheses hold.
#[test]
fn expressions_are_read() {
    let allow = ["MIT".to_owned(), "ISC".to_owned()];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("(GPL-3.0 OR MIT) AND BSL-1.0", false),
        ("MIT WITH LLVM-exception", false),
        ("", false),
    ] {
        assert_eq!(met(expression, &allow), expected, "{expression}");
    }
}

/// Every package can be had under a licence that is allowed.
#[test]
fn licences_are_allowed() {
    let allow = deny().licenses.allow;
    let packages = packages();
    assert!(packages.len() > 100, "cargo tells of {} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !met(package["license"].as_str().unwrap_or_default(), &allow))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}

/// A version requirement of deny.toml (`1` is every 1.x) and a version.
fn is_of(version: &str, wanted: &str) -> bool {
    version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// No package stands in the tree in two versions, but for those that say why; and none says so that does not.
#[test]
fn versions_are_single() {
    let bans = deny().bans;
    assert_eq!(bans.multiple_versions, "deny");
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Locked { name, version, .. } in lock() {
        versions.entry(name).or_default().insert(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    for Skip { package, reason } in &bans.skip {
        let (name, wanted) = package.split_once('@').unwrap();
        let left = versions.get_mut(name).unwrap_or_else(|| panic!("{package} is there once: take it off deny.toml"));
        let before = left.len();
        left.retain(|version| !is_of(version, wanted));
        assert_eq!(left.len() + 1, before, "{package} is not one of the versions that are there");
        assert!(!reason.is_empty(), "{package} says no reason");
    }
    versions.retain(|_, versions| versions.len() > 1);
    assert_eq!(versions, BTreeMap::new(), "each once more than deny.toml knows");
}

/// No dependency of ours takes any version.
#[test]
fn no_wildcards() {
    assert_eq!(deny().bans.wildcards, "deny");
    let packages = packages();
    let own = packages.iter().find(|package| package["name"] == env!("CARGO_PKG_NAME")).unwrap();
    let dependencies = own["dependencies"].as_array().unwrap();
    assert!(dependencies.len() > 10);
    let wild: Vec<_> = dependencies.iter().filter(|dependency| dependency["req"] == "*").collect();
    assert!(wild.is_empty(), "{wild:?}");
}

/// Everything but this package comes from a registry that is allowed.
#[test]
fn sources_are_known() {
    let sources = deny().sources;
    assert_eq!((&*sources.unknown_registry, &*sources.unknown_git), ("deny", "deny"));
    let allowed =
        |source: &str| source.strip_prefix("registry+").is_some_and(|url| sources.allow_registry.iter().any(|a| a == url));
    for Locked { name, version, source } in lock() {
        let known = source.as_deref().map_or(name == env!("CARGO_PKG_NAME"), allowed);
        assert!(known, "{name} {version} comes from {source:?}");
    }
}
