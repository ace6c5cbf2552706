//! `livebench report`: a run's summary again, and what is missing in its directory.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::show::{exit, text, warn};
use super::{Error, Exit, could_not_run, not_trusted, probe, talk, written};
use crate::cli::{Format, Output, ReportArgs};
use crate::report;
use crate::results::{ProbeDir, RunDir};
use crate::scenario::{self, Scenario};
use crate::summary::{SCHEMA, Summary, summarize};

pub(super) fn report(args: &ReportArgs) -> Result<Exit, Error> {
    let path = place(&args.run);
    if let Some(dir) = ProbeDir::open(&path).map_err(could_not_run)? {
        return probed(dir, args.format);
    }
    if path.join("plan.json").is_file() {
        return Err(could_not_run(format!("{} is a plan; read its plan.md, or open its plan.html", path.display())));
    }
    let dir = RunDir::open(&path).map_err(could_not_run)?;
    if dir.is_running() {
        return Err(could_not_run(format!("{} is still running; wait for its end, or stop it with Ctrl-C", path.display())));
    }
    let scenario = scenario_of(&dir)?;
    let found = dir.recorded(&scenario).map_err(could_not_run)?;
    let (facts, recorded) = (dir.facts(&found.segments).map_err(could_not_run)?, found.together());
    if found.torn {
        talk("note: the last line of samples.csv is torn and was left out");
    }
    let written = dir.summary().map_err(could_not_run)?;
    if let Some(old) = written.as_ref().filter(|written| written.schema < SCHEMA) {
        let by = dir.manifest().map_err(could_not_run)?.version;
        let said = format!("written by livebench {by}; this report has schema {SCHEMA}");
        talk(&format!("note: its summary.json has schema {}, {said}", old.schema));
    }
    dir.hold_against(written.as_ref(), &(&recorded.recorder).into()).map_err(could_not_run)?;
    let summary = summarize(&scenario, &recorded, &facts);
    let completed = match args.format {
        // What is printed is what could not be written.
        Format::Html | Format::Hlog => Ok(dir.complete(&scenario, &summary).map_err(could_not_run)?),
        _ => dir.complete(&scenario, &summary).map_err(not_trusted),
    };
    print(args, &dir, &scenario, &summary)?;
    warn(&summary);
    completed?;
    Ok(exit(&summary))
}

/// What a probe found, once more.
fn probed(dir: ProbeDir, format: Format) -> Result<Exit, Error> {
    let output = match format {
        Format::Terminal => Output::Text,
        Format::Markdown => Output::Markdown,
        Format::Json => Output::Json,
        Format::Html => {
            return probe::again(dir, |dir, finding| {
                let mut out = std::io::stdout().lock();
                dir.page(finding, &mut out).and_then(|()| out.flush())
            });
        }
        _ => {
            return Err(could_not_run(
                "a probe is reported as terminal, markdown, json or html; observations.csv has every call".to_owned(),
            ));
        }
    };
    probe::again(dir, |_, finding| probe::show(finding, output))
}

/// The directory that was meant: the one that was named; that of a file in it; or the newest run or probe in one that holds some, which
/// is then said.
fn place(named: &Path) -> PathBuf {
    if named.is_file() {
        return named.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    }
    if RunDir::is_run(named) || ProbeDir::is_probe(named) {
        return named.to_owned();
    }
    let Ok(entries) = std::fs::read_dir(named) else { return named.to_owned() };
    // Their names begin with the instant of their start, in UTC; `-2` tells those of one second apart.
    let started = |path: &Path| {
        path.file_name().map(|name| (name.to_string_lossy().chars().take(16).collect::<String>(), written_at(path)))
    };
    let inside = entries.flatten().map(|entry| entry.path()).filter(|path| RunDir::is_run(path) || ProbeDir::is_probe(path));
    let mut inside: Vec<PathBuf> = inside.collect();
    inside.sort_by_cached_key(|path| started(path));
    let Some(newest) = inside.pop() else { return named.to_owned() };
    if !inside.is_empty() {
        talk(&format!("note: {} is the newest of {} in {}", newest.display(), inside.len() + 1, named.display()));
    }
    newest
}

/// When a directory was last written to; the start of time where that is not known.
fn written_at(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Writes the report to stdout in the form asked for.
fn print(args: &ReportArgs, dir: &RunDir, scenario: &Scenario, summary: &Summary) -> Result<(), Error> {
    let out = &mut std::io::stdout().lock();
    let printed = match args.format {
        Format::Terminal => text(|out| report::terminal::write(summary, out.columns(), out)),
        Format::Markdown => report::markdown::write(summary, out),
        Format::Json => report::json::write(summary, out),
        Format::Csv => report::numbers::csv(summary, out),
        Format::Prometheus => report::numbers::prometheus(summary, out),
        Format::Junit => report::junit::write(summary, out),
        Format::Html => dir.page_parts().map_err(could_not_run)?.write(scenario, summary, out),
        Format::Hlog => out.write_all(dir.interval_log().map_err(could_not_run)?.as_bytes()),
        Format::Hgrm if !summary.histograms.contains_key(&args.series) => {
            let known = report::hgrm::series(summary).join(", ");
            return Err(could_not_run(format!("--series {} is not in this run; it has {known}", args.series)));
        }
        Format::Hgrm => report::hgrm::write(summary, &args.series, out),
    };
    written(printed.and_then(|()| out.flush()))
}

/// The scenario as it ran: its text, with the seed that may have come from `--seed`.
pub(super) fn scenario_of(dir: &RunDir) -> Result<Scenario, Error> {
    let text = dir.scenario_text().map_err(could_not_run)?;
    let text = without_request_files(&text);
    let name = dir.scenario_path().display().to_string();
    let mut scenario = scenario::read(&name, &text, dir.path()).map_err(could_not_run)?;
    let manifest = dir.manifest().map_err(could_not_run)?;
    scenario.reseed(manifest.seed);
    if manifest.shard.is_some_and(|own| !own.merged) {
        // They are those of the whole run, which only merging can judge.
        scenario.thresholds.clear();
    }
    Ok(scenario)
}

/// The text without the `request_file` of its mixes: what was sent does not matter to what came back, and the files may be gone. A text
/// that is no TOML is left for the reader to refuse.
fn without_request_files(text: &str) -> String {
    if !text.contains("request_file") {
        return text.to_owned();
    }
    let Ok(mut table) = text.parse::<toml::Table>() else { return text.to_owned() };
    for mix in table.get_mut("mix").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        mix.as_table_mut().map(|mix| mix.remove("request_file"));
    }
    toml::to_string(&table).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mix keeps everything but the file that may be gone.
    #[test]
    fn request_files_are_not_needed() {
        let text = "name = \"a\"\n[load]\nstages = [ { for = \"1s\", rate = 5 } ]\n[[mix]]\nname = \"m\"\nweight = 2\nrequest_file = \"gone.json\"\n";
        let plain = without_request_files(text);
        let scenario = scenario::read("a", &plain, std::path::Path::new("/")).unwrap();
        assert_eq!((scenario.mixes[0].name.as_str(), scenario.mixes[0].weight), ("m", 2));
    }
}
