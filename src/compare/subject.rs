//! Which experiment a run was, and where two sides' experiments differ.

use std::collections::{BTreeMap, BTreeSet};

use super::contract::{Difference, DifferenceKind, Incomparability};
use crate::summary::ThresholdStatus;

/// What may differ between two experiments: what it belongs to, the setting's name, its value.
pub type SettingValues = BTreeMap<(DifferenceKind, String), String>;

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
    pub settings: SettingValues,
    /// What the parts of its scenario mean, in a form that is equal where two of them mean the same, whatever their spelling; absent where
    /// the text cannot be read any more.
    pub meaning: BTreeMap<DifferenceKind, String>,
    /// What no other run has, wherever the directory was copied to; `None` if that is not known.
    pub identity: Option<String>,
    /// Whether its own verdict is INVALID.
    pub invalid: bool,
    /// Whether its own verdict is SUSPECT.
    pub suspect: bool,
    /// How many segments it has: more than one if it was cut off and resumed.
    pub segments: usize,
    /// Whether calls wait for answers (the closed model): how many there are is an answer of the service then, and no plan.
    pub closed: bool,
    /// How long its schedule is, in microseconds, if it came to its end; see [`crate::summary::sending_us`].
    pub planned_us: Option<u64>,
    /// What had to hold, as it was written (`response.p90 < 500ms`), and whether it did.
    pub thresholds: Vec<(String, ThresholdStatus)>,
    /// How often idempotency was violated; `None` if nobody counted.
    pub violations: Option<u64>,
}

/// Gives runs whose scenarios mean the same the same settings: those of the first of them. What is left differs in more than its spelling.
pub fn in_one_spelling(subjects: &mut [&mut Subject]) {
    for kind in [DifferenceKind::Scenario, DifferenceKind::Target] {
        let mut spelled: BTreeMap<String, SettingValues> = BTreeMap::new();
        for subject in subjects.iter_mut() {
            let Some(meaning) = subject.meaning.get(&kind).cloned() else { continue };
            let own = subject.settings.extract_if(.., |(of, key), _| *of == kind && written(kind, key)).collect();
            let settings = spelled.entry(meaning).or_insert(own);
            subject.settings.extend(settings.clone());
        }
    }
}

/// Whether a setting comes from the scenario's text: the target has others, its endpoint and region.
fn written(kind: DifferenceKind, key: &str) -> bool {
    kind == DifferenceKind::Scenario || key.starts_with("emulator")
}

/// The first run that stands among `others`, too, whatever its directory is called there.
pub fn again<'a>(runs: &[&'a Subject], others: &[&Subject]) -> Option<&'a Subject> {
    let known: BTreeSet<&String> = others.iter().filter_map(|other| other.identity.as_ref()).collect();
    runs.iter().copied().find(|run| run.identity.as_ref().is_some_and(|identity| known.contains(identity)))
}

/// The first run that stands twice among these.
pub fn twice<'a>(runs: &[&'a Subject]) -> Option<&'a Subject> {
    (1..runs.len()).find_map(|at| again(&runs[at..=at], &runs[..at]))
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
            reasons.push(Incomparability { kind, what: format!("the {} differs in {}", kind.name(), keys.join(", ")) });
        }
    }
    let invalid: Vec<&str> = all.iter().filter(|s| s.invalid).map(|s| s.name.as_str()).collect();
    if !invalid.is_empty() {
        reasons.push(Incomparability { kind: DifferenceKind::Validity, what: format!("INVALID: {}", invalid.join(", ")) });
    }
    let resumed: Vec<&str> = all.iter().filter(|s| s.segments > 1).map(|s| s.name.as_str()).collect();
    if !resumed.is_empty() {
        let what = format!("resumed, so no measurement without a break: {}", resumed.join(", "));
        reasons.push(Incomparability { kind: DifferenceKind::Segments, what });
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
