//! Which experiment a run was: its scenario and its manifest as settings that can be held against another run's.

use std::collections::BTreeMap;

use super::{Error, could_not_run};
use crate::compare::{DifferenceKind, Subject};
use crate::results::{Manifest, RunDir};
use crate::summary::{Endpoint, Summary, Validity};

/// Parts of a scenario that do not change what is measured.
const BESIDE: [&str; 5] = ["name", "description", "seed", "thresholds", "budget"];

/// What is known of a run beside its calls.
pub(super) fn subject(dir: &RunDir, summary: Option<&Summary>) -> Result<Subject, Error> {
    let manifest = dir.manifest().map_err(could_not_run)?;
    let text = dir.scenario_text().map_err(could_not_run)?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        could_not_run(format!("{} is no TOML: {}; restore the file", dir.scenario_path().display(), e.message()))
    })?;
    let mut settings = of_manifest(&manifest);
    of_scenario(&table, manifest.called.endpoint, &mut settings);
    let name = dir.path().file_name().map_or_else(|| dir.path().display().to_string(), |n| n.to_string_lossy().into_owned());
    let validity = summary.map(|summary| summary.verdict.validity);
    Ok(Subject {
        name,
        start_utc: manifest.start_utc,
        seed: manifest.seed,
        settings,
        invalid: validity == Some(Validity::Invalid),
        // A run without a summary was killed: its report makes one, and says so.
        suspect: validity != Some(Validity::Valid) && validity != Some(Validity::Invalid),
    })
}

fn of_manifest(manifest: &Manifest) -> BTreeMap<(DifferenceKind, String), String> {
    let called = &manifest.called;
    let endpoint = match called.endpoint {
        Endpoint::Embedded => "embedded emulator".to_owned(),
        Endpoint::Model => "emulator's model".to_owned(),
        // Which port it is says nothing.
        Endpoint::Loopback => "this machine".to_owned(),
        Endpoint::Remote => manifest.endpoint.clone(),
    };
    let machine = &manifest.machine;
    let cores = machine.cores.map_or_else(|| "-".to_owned(), |n| n.to_string());
    [
        (DifferenceKind::Target, "endpoint", endpoint),
        (DifferenceKind::Target, "region", called.region.clone()),
        (DifferenceKind::Transport, "transport", called.transport.clone()),
        (DifferenceKind::Transport, "virtual_time", called.virtual_time.to_string()),
        (DifferenceKind::Machine, "os", machine.os.clone()),
        (DifferenceKind::Machine, "arch", machine.arch.clone()),
        (DifferenceKind::Machine, "cores", cores),
        (DifferenceKind::Machine, "load_cores", manifest.load_cores.to_string()),
        (DifferenceKind::Version, "version", manifest.version.clone()),
        (DifferenceKind::Version, "commit", manifest.commit.clone().unwrap_or_else(|| "-".to_owned())),
    ]
    .into_iter()
    .map(|(kind, key, value)| ((kind, key.to_owned()), value))
    .collect()
}

/// The scenario's keys; those of the emulator only where it answered.
fn of_scenario(table: &toml::Table, endpoint: Endpoint, settings: &mut BTreeMap<(DifferenceKind, String), String>) {
    let emulated = matches!(endpoint, Endpoint::Embedded | Endpoint::Model);
    for (key, value) in table.iter().filter(|(key, _)| !BESIDE.contains(&key.as_str())) {
        let kind = if key == "emulator" { DifferenceKind::Target } else { DifferenceKind::Scenario };
        if kind == DifferenceKind::Scenario || emulated {
            flatten(key, value, kind, settings);
        }
    }
}

fn flatten(path: &str, value: &toml::Value, kind: DifferenceKind, settings: &mut BTreeMap<(DifferenceKind, String), String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{path}.{key}"), value, kind, settings);
            }
        }
        _ if path == "emulator.seed" => {}
        _ => {
            let kind = if path == "load.transport" { DifferenceKind::Transport } else { kind };
            settings.insert((kind, path.to_owned()), plain(value));
        }
    }
}

/// A value as text: `20` and `20.0` are one number.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(", ")),
        toml::Value::Table(table) => {
            format!("{{{}}}", table.iter().map(|(k, v)| format!("{k} = {}", plain(v))).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str, endpoint: Endpoint) -> BTreeMap<(DifferenceKind, String), String> {
        let mut settings = BTreeMap::new();
        of_scenario(&text.parse().unwrap(), endpoint, &mut settings);
        settings
    }

    /// Two spellings of one scenario are one; what is beside the measurement is left out.
    #[test]
    fn spellings_do_not_matter() {
        let a = "name = \"a\"\nseed = 1\n[load]\nstages = [ { for = \"1s\", rate = 20 } ]\n[thresholds]\nok = \">= 1%\"\n";
        let b = "# another\nname = \"b\"\nload.stages = [ { rate = 20.0, for = '1s' } ]\n";
        assert_eq!(settings(a, Endpoint::Embedded), settings(b, Endpoint::Embedded));
    }

    /// The emulator's settings are the target's, and count only where it answers.
    #[test]
    fn the_emulator_is_the_target() {
        let text = "[load]\ntransport = \"sdk\"\n[emulator]\nseed = 4\nlatency = { median = \"45ms\" }\n";
        let with: Vec<(DifferenceKind, String)> = settings(text, Endpoint::Model).into_keys().collect();
        assert_eq!(
            with,
            [
                (DifferenceKind::Target, "emulator.latency.median".to_owned()),
                (DifferenceKind::Transport, "load.transport".to_owned())
            ]
        );
        assert_eq!(settings(text, Endpoint::Remote).len(), 1);
    }
}
