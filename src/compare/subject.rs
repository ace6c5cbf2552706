//! Which experiment a run was, and where two sides' experiments differ.

use std::collections::{BTreeMap, BTreeSet};

use super::contract::{Difference, DifferenceKind, Incomparability};

/// What is known of a run beside its calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// Its directory's name.
    pub name: String,
    /// When it started, UTC, RFC 3339.
    pub start_utc: String,
    /// Its seed.
    pub seed: u64,
    /// Everything else that may differ: what it belongs to, the setting's name, its value.
    pub settings: BTreeMap<(DifferenceKind, String), String>,
    /// Whether its own verdict is INVALID.
    pub invalid: bool,
    /// Whether its own verdict is SUSPECT.
    pub suspect: bool,
}

/// Why the sides cannot be compared; empty if they can. Runs of one side must be alike, too.
pub fn comparable(base: &[&Subject], new: &[&Subject]) -> Vec<Incomparability> {
    let all: Vec<&Subject> = base.iter().chain(new).copied().collect();
    let mut reasons: Vec<Incomparability> = Vec::new();
    for kind in [DifferenceKind::Scenario, DifferenceKind::Target, DifferenceKind::Transport, DifferenceKind::Machine] {
        let keys: Vec<String> = keys(&all)
            .into_iter()
            .filter(|(k, _)| *k == kind)
            .filter(|key| values(&all, key).len() > 1)
            .map(|(_, key)| key)
            .collect();
        if !keys.is_empty() {
            reasons.push(Incomparability { kind, what: format!("the runs differ in {}: {}", kind.name(), keys.join(", ")) });
        }
    }
    let invalid: Vec<&str> = all.iter().filter(|s| s.invalid).map(|s| s.name.as_str()).collect();
    if !invalid.is_empty() {
        reasons.push(Incomparability { kind: DifferenceKind::Validity, what: format!("INVALID: {}", invalid.join(", ")) });
    }
    reasons
}

/// What is set differently on the two sides.
pub(super) fn differences(base: &[&Subject], new: &[&Subject]) -> Vec<Difference> {
    let all: Vec<&Subject> = base.iter().chain(new).copied().collect();
    let text = |values: BTreeSet<String>| values.into_iter().collect::<Vec<_>>().join(" | ");
    let mut found: Vec<Difference> = keys(&all)
        .into_iter()
        .map(|key| (values(base, &key), values(new, &key), key))
        .filter(|(base, new, _)| base != new)
        .map(|(base, new, (kind, key))| Difference { kind, key, base: text(base), new: text(new) })
        .collect();
    let seeds = |side: &[&Subject]| side.iter().map(|s| s.seed.to_string()).collect::<BTreeSet<_>>();
    if seeds(base) != seeds(new) {
        found.push(Difference {
            kind: DifferenceKind::Seed,
            key: "seed".to_owned(),
            base: text(seeds(base)),
            new: text(seeds(new)),
        });
    }
    found.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    found
}

fn keys(subjects: &[&Subject]) -> BTreeSet<(DifferenceKind, String)> {
    subjects.iter().flat_map(|s| s.settings.keys().cloned()).collect()
}

fn values(subjects: &[&Subject], key: &(DifferenceKind, String)) -> BTreeSet<String> {
    subjects.iter().map(|s| s.settings.get(key).cloned().unwrap_or_else(|| "-".to_owned())).collect()
}
