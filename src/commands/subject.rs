//! Which experiment a run was: its scenario and its manifest as settings that can be held against another run's.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Error, could_not_run};
use crate::compare::{DifferenceKind, SettingValues, Subject};
use crate::results::{Manifest, RunDir};
use crate::scenario::{self, Model, Scenario, Transport};
use crate::summary::{Endpoint, Stop, Summary, ThresholdStatus, Validity, planned_us};
use crate::units::parse_duration;

/// What a scenario is called in problems that nobody sees.
const SCENARIO: &str = "scenario.toml";

/// Parts of a scenario that do not change what is measured.
const BESIDE: [&str; 5] = ["name", "description", "seed", "thresholds", "budget"];

/// What is known of a run beside its calls.
pub(super) fn subject(dir: &RunDir, summary: Option<&Summary>) -> Result<Subject, Error> {
    let manifest = dir.manifest().map_err(could_not_run)?;
    let text = dir.scenario_text().map_err(could_not_run)?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        could_not_run(format!("{} is not TOML: {}; restore the file", dir.scenario_path().display(), e.message()))
    })?;
    let emulated = matches!(manifest.called.endpoint, Endpoint::Embedded | Endpoint::Model);
    let mut settings = of_manifest(&manifest);
    of_scenario(&said(&table), emulated, &mut settings);
    let name = dir.path().file_name().map_or_else(|| dir.path().display().to_string(), |n| n.to_string_lossy().into_owned());
    let validity = summary.map(|summary| summary.verdict.validity);
    let scenario = read(&table);
    let stop = summary.map_or(Stop::Killed, |summary| summary.stop);
    Ok(Subject {
        name,
        identity: Some(format!("{} {} {}", manifest.nonce, manifest.start_utc, manifest.name)),
        start_utc: manifest.start_utc,
        seed: manifest.seed,
        settings,
        meaning: meaning(&table, emulated),
        invalid: validity == Some(Validity::Invalid),
        // A run without a summary was killed: its report makes one, and says so.
        suspect: validity != Some(Validity::Valid) && validity != Some(Validity::Invalid),
        segments: manifest.segments.len().max(1),
        closed: scenario.as_ref().is_some_and(|scenario| matches!(scenario.load.model, Model::Closed(_))),
        planned_us: scenario.as_ref().and_then(|scenario| planned_us(scenario, stop)),
        thresholds: summary.map(thresholds).unwrap_or_default(),
        violations: summary.map(|summary| summary.idempotency.violations),
    })
}

fn thresholds(summary: &Summary) -> Vec<(String, ThresholdStatus)> {
    summary.thresholds.iter().map(|t| (format!("{} {}", t.metric, t.expression), t.status)).collect()
}

/// The scenario behind a table; `None` if it cannot be read, as one of another version. What was sent does not matter to what came back,
/// and the files of requests may be gone.
fn read(table: &toml::Table) -> Option<Scenario> {
    let mut table = table.clone();
    for mix in table.get_mut("mix").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        mix.as_table_mut().map(|mix| mix.remove("request_file"));
    }
    scenario::read(SCENARIO, &toml::to_string(&table).ok()?, Path::new("")).ok()
}

/// What the parts of a scenario mean, as one text each: equal for two spellings of one scenario, since it is made of the validated value.
fn meaning(table: &toml::Table, emulated: bool) -> BTreeMap<DifferenceKind, String> {
    let Some(mut scenario) = read(table) else { return BTreeMap::new() };
    // Every seed is the run's own, and the transport is the manifest's: an option may have replaced the scenario's.
    (scenario.load.transport, scenario.emulator.seed) = (Transport::Sdk, 0);
    // A file is no part of the validated value; its name stands for it, with the mix that it belongs to.
    let mixes = table.get("mix").and_then(toml::Value::as_array).into_iter().flatten().enumerate();
    let files: Vec<(usize, String)> =
        mixes.filter_map(|(n, mix)| mix.get("request_file").map(|file| (n, file.to_string()))).collect();
    let load = format!("{:?} {:?} {:?} {files:?}", scenario.load, scenario.mixes, scenario.idempotency);
    let target = emulated.then(|| (DifferenceKind::Target, format!("{:?}", scenario.emulator)));
    std::iter::once((DifferenceKind::Scenario, load)).chain(target).collect()
}

/// A scenario without what it need not say: a key is a default spelled out if the scenario means the same without it.
fn said(table: &toml::Table) -> toml::Table {
    let whole = meaning(table, true);
    let mut said = table.clone();
    for path in leaves(table) {
        let mut without = said.clone();
        remove(&mut without, &path);
        if !whole.is_empty() && meaning(&without, true) == whole {
            said = without;
        }
    }
    said
}

/// The path to every value that is no table, but for what is beside the measurement.
fn leaves(table: &toml::Table) -> Vec<Vec<String>> {
    let below = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Table(inner) => leaves(inner).into_iter().map(|rest| [vec![key.clone()], rest].concat()).collect(),
        _ => vec![vec![key.clone()]],
    };
    table.iter().filter(|(key, _)| !BESIDE.contains(&key.as_str())).flat_map(below).collect()
}

fn remove(table: &mut toml::Table, path: &[String]) {
    match path {
        [key] => _ = table.remove(key),
        [key, rest @ ..] => {
            if let Some(toml::Value::Table(inner)) = table.get_mut(key) {
                remove(inner, rest);
            }
        }
        [] => {}
    }
}

fn of_manifest(manifest: &Manifest) -> BTreeMap<(DifferenceKind, String), String> {
    let called = &manifest.called;
    let endpoint = match called.endpoint {
        Endpoint::Embedded => "embedded emulator".to_owned(),
        Endpoint::Model => "emulator's model".to_owned(),
        // Which port it is says nothing.
        Endpoint::Loopback => "this machine".to_owned(),
        Endpoint::Remote => one_spelling(&manifest.endpoint),
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

/// An address without what need not be said: `HTTPS://Host:443/` is `https://host`.
fn one_spelling(endpoint: &str) -> String {
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return endpoint.to_owned() };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return endpoint.to_owned() };
    // source: RFC 9110, 4.2.1 and 4.2.2: the default ports
    let default = if scheme == "https" { 443 } else { 80 };
    let port = uri.port_u16().filter(|port| *port != default).map_or_else(String::new, |port| format!(":{port}"));
    format!("{scheme}://{}{port}{}", host.to_lowercase(), uri.path().trim_end_matches('/'))
}

/// The scenario's keys; those of the emulator only where it answered.
fn of_scenario(table: &toml::Table, emulated: bool, settings: &mut SettingValues) {
    for (key, value) in table.iter().filter(|(key, _)| !BESIDE.contains(&key.as_str())) {
        let kind = if key == "emulator" { DifferenceKind::Target } else { DifferenceKind::Scenario };
        if kind == DifferenceKind::Scenario || emulated {
            flatten(key, value, kind, settings);
        }
    }
}

fn flatten(path: &str, value: &toml::Value, kind: DifferenceKind, settings: &mut SettingValues) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{path}.{key}"), value, kind, settings);
            }
        }
        // Seeds are the run's own, and the manifest knows the transport that was used.
        _ if path == "emulator.seed" || path == "load.transport" => {}
        _ => _ = settings.insert((kind, path.to_owned()), plain(value)),
    }
}

/// A value as text: `20` and `20.0` are one number, `20s` and `20000ms` one time.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => {
            parse_duration(text).map_or_else(|_| text.clone(), |t| humantime::format_duration(t).to_string())
        }
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

    fn settings(text: &str, emulated: bool) -> SettingValues {
        let mut settings = BTreeMap::new();
        of_scenario(&said(&text.parse().unwrap()), emulated, &mut settings);
        settings
    }

    /// Two spellings of one scenario are one; what is beside the measurement is left out.
    #[test]
    fn spellings_do_not_matter() {
        let a = "name = \"a\"\nseed = 1\n[load]\nstages = [ { for = \"1s\", rate = 20 } ]\n[thresholds]\nok = \">= 1%\"\n";
        let b = "# another\nname = \"b\"\nload.stages = [ { rate = 20.0, for = '1000ms' } ]\nload.transport = \"sdk\"\n[emulator]\nseed = 7\n";
        assert_eq!(settings(a, true), settings(b, true));
    }

    /// Scenarios that mean the same are one, whichever way they say it; those that do not, are not.
    #[test]
    fn meaning_counts() {
        let of = |load: &str, more: &str| {
            let text = format!("name = \"a\"\n[load]\n{load}\n{more}");
            let found = meaning(&text.parse().unwrap(), true);
            assert_eq!(found.len(), 2, "{text}");
            found
        };
        let one = of("stages = [ { for = \"20s\", rate = 20 } ]", "");
        for (load, more) in [
            ("stages = [ { for = \"20000ms\", rate = 20.0 } ]", ""),
            (
                "stages = [ { for = \"20s\", from = 20, to = 20 } ]\narrivals = \"even\"\nmodel = \"open\"\noverflow = \"miss\"",
                "",
            ),
            (
                "stages = [ { for = \"20s\", rate = 20 } ]\ntransport = \"wire\"",
                "[idempotency]\nreplay = 0.0\n[thresholds]\nok = \">= 1%\"\n",
            ),
            ("stages = [ { for = \"20s\", rate = 20 } ]", "[[mix]]\nname = \"default\"\nweight = 1\n"),
        ] {
            assert_eq!(of(load, more), one, "{load} {more}");
        }
        for (load, more) in [
            ("stages = [ { for = \"21s\", rate = 20 } ]", ""),
            ("stages = [ { for = \"20s\", rate = 20 } ]\narrivals = \"poisson\"", ""),
            ("stages = [ { for = \"20s\", rate = 20 } ]", "[emulator]\nlatency = { median = \"46ms\", p99 = \"160ms\" }\n"),
        ] {
            assert_ne!(of(load, more), one, "{load} {more}");
        }
    }

    /// A default that is spelled out is no setting, and says nothing where something else differs.
    #[test]
    fn defaults_are_not_said() {
        let text = "name = \"a\"\n[load]\narrivals = \"even\"\noverflow = \"miss\"\nstages = [ { for = \"20s\", rate = 20 } ]\n";
        let keys: Vec<String> = settings(text, true).into_keys().map(|(_, key)| key).collect();
        assert_eq!(keys, ["load.stages"]);
    }

    /// The emulator's settings are the target's, and count only where it answers.
    #[test]
    fn the_emulator_is_the_target() {
        let text = "[load]\ntransport = \"sdk\"\n[emulator]\nseed = 4\nlatency = { median = \"45ms\" }\n";
        let with: Vec<(DifferenceKind, String)> = settings(text, true).into_keys().collect();
        assert_eq!(with, [(DifferenceKind::Target, "emulator.latency.median".to_owned())]);
        assert_eq!(settings(text, false).len(), 0);
    }
}
