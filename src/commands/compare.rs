//! `livebench compare`: runs in, a verdict out.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::could_not_run;
use super::report::scenario_of;
use super::show::text;
use super::subject::subject;
use super::{Error, Exit, talk, written};
use crate::cli::{CompareArgs, CompareOutput, FailOn};
use crate::compare::{self, ChangeVerdict, CompareSettings, Comparison, Subject};
use crate::record::calls::Calls;
use crate::report::compare::{self as report, Overlay};
use crate::report::stages;
use crate::results::{ProbeDir, ResultsError, RunDir};
use crate::summary::Summary;

pub(super) fn compare(args: &CompareArgs) -> Result<Exit, Error> {
    let (of_base, of_new) = match args.runs.split_first() {
        Some((first, rest)) => (runs(std::slice::from_ref(first))?, runs(rest)?),
        None => (runs(&args.base)?, runs(&args.new)?),
    };
    // Both sides are read at once: reading is most of the work.
    let (base, new) = std::thread::scope(|threads| {
        let base = threads.spawn(|| side(&of_base));
        let new = side(&of_new);
        (base.join(), new)
    });
    let base = base.map_err(|_| could_not_run("the reader of the base came to a halt; please report this".to_owned()))?;
    let (mut base, mut new) = (base?, new?);
    compare::in_one_spelling(&mut base.iter_mut().chain(&mut new).map(|(subject, _)| subject).collect::<Vec<_>>());
    tell_apart(of_base.iter().zip(&mut base).chain(of_new.iter().zip(&mut new)).collect());
    let (base, new) = (in_order(base)?, in_order(new)?);
    let mut settings = CompareSettings { confidence: args.confidence, force: args.force, ..CompareSettings::default() };
    settings.min_effect.extend(args.min_effect.iter().copied());
    let comparison = compare::compare(&base, &new, &settings);
    show(&comparison, ComparedSides { base: &base, new: &new, first: of_base.first() }, args)?;
    Ok(exit(&comparison, args.fail_on))
}

/// What was compared: the runs of both sides, and the first one's directory.
#[derive(Clone, Copy)]
struct ComparedSides<'a> {
    base: &'a [(Subject, Calls)],
    new: &'a [(Subject, Calls)],
    first: Option<&'a PathBuf>,
}

fn show(comparison: &Comparison, sides: ComparedSides<'_>, args: &CompareArgs) -> Result<(), Error> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let shown = match args.output {
        CompareOutput::Text => text(|out| report::terminal(comparison, args.all, out.columns(), out)),
        CompareOutput::Json => report::json(comparison, &mut out),
        CompareOutput::Markdown => report::markdown(comparison, &mut out),
        CompareOutput::Junit => report::junit(comparison, args.fail_on == FailOn::Inconclusive, &mut out),
        CompareOutput::Html => {
            let [base, new] = [sides.base, sides.new].map(|side| side.iter().map(|(_, calls)| calls).collect::<Vec<_>>());
            report::html(&Overlay { comparison, base: &base, new: &new, stages: &stages_of(sides.first) }, &mut out)
        }
    };
    written(shown.and_then(|()| out.flush()))?;
    if matches!(comparison.verdict, ChangeVerdict::Inconclusive | ChangeVerdict::Incomparable) {
        talk(&format!("warning: {}", comparison.verdict));
    }
    Ok(())
}

fn exit(comparison: &Comparison, fail_on: FailOn) -> Exit {
    match (comparison.verdict, fail_on) {
        (ChangeVerdict::Improved | ChangeVerdict::Unchanged, _) | (ChangeVerdict::Inconclusive, FailOn::Regression) => Exit::Good,
        (ChangeVerdict::Regressed, _) => Exit::Bad,
        (ChangeVerdict::Inconclusive, FailOn::Inconclusive) | (ChangeVerdict::Incomparable, _) => Exit::NotTrusted,
    }
}

/// The runs that the paths name: each a run, or a directory that holds some.
fn runs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        // A file is told as what it is by whoever opens it.
        let inside = if RunDir::is_run(path) || path.is_file() { Vec::new() } else { inside(path)? };
        if inside.is_empty() {
            found.push(path.clone());
        } else {
            found.extend(inside);
        }
    }
    let mut seen = BTreeSet::new();
    for path in &found {
        // What cannot be read says so later.
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            let what =
                format!("{} is named twice on one side; a run counts once, make another with another seed", path.display());
            return Err(could_not_run(what));
        }
    }
    Ok(found)
}

/// The runs in a directory, by name.
pub(super) fn inside(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |e: io::Error| {
        could_not_run(format!("cannot read {}: {e}; name the directory of a run, like results/<UTC>-<name>", path.display()))
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        found.push(entry.map_err(unreadable)?.path());
    }
    // A probe beside the runs is no run, and nobody asked for it.
    found.retain(|path| RunDir::is_run(path) && !ProbeDir::is_probe(path));
    found.sort();
    Ok(found)
}

/// A run's summary and its calls, held against each other.
pub(super) fn held(dir: &RunDir) -> Result<(Option<Summary>, Calls), ResultsError> {
    let (summary, calls) = (dir.summary()?, dir.calls()?);
    dir.hold_against(summary.as_ref(), &(&calls).into())?;
    Ok((summary, calls))
}

fn side(paths: &[PathBuf]) -> Result<Vec<(Subject, Calls)>, Error> {
    let read = |path: &PathBuf| {
        let dir = RunDir::open(path).map_err(could_not_run)?;
        if dir.is_running() {
            return Err(could_not_run(format!("{} is still running; wait for its end", path.display())));
        }
        let (summary, calls) = held(&dir).map_err(could_not_run)?;
        Ok((subject(&dir, summary.as_ref())?, calls))
    };
    paths.iter().map(read).collect()
}

/// A side in the order of its runs' starts, so that one set of runs is one side however it was named. A run that stands twice in it is
/// refused, also where one is a copy.
fn in_order(mut side: Vec<(Subject, Calls)>) -> Result<Vec<(Subject, Calls)>, Error> {
    side.sort_by(|(a, _), (b, _)| (&a.start_utc, &a.identity, &a.name).cmp(&(&b.start_utc, &b.identity, &b.name)));
    if let Some(run) = compare::twice(&side.iter().map(|(subject, _)| subject).collect::<Vec<_>>()) {
        let what =
            format!("{} appears twice on one side, once as a copy; a run counts once: make another with another seed", run.name);
        return Err(Error::CouldNotRun(what.into()));
    }
    Ok(side)
}

/// Runs of one name, as in `base/20261121T101500Z-ci` and `head/20261121T101500Z-ci`, are told apart by the directories that hold them.
fn tell_apart(runs: Vec<(&PathBuf, &mut (Subject, Calls))>) {
    let names: BTreeSet<String> = runs.iter().map(|(_, (subject, _))| subject.name.clone()).collect();
    let paths: BTreeSet<&PathBuf> = runs.iter().map(|(path, _)| *path).collect();
    if names.len() == paths.len() {
        return;
    }
    for (path, (subject, _)) in runs {
        if let Some(parent) = path.parent().and_then(Path::file_name) {
            subject.name = format!("{}/{}", parent.to_string_lossy(), subject.name);
        }
    }
}

/// The stages of a run's load, for the charts; none where the scenario cannot be read any more.
fn stages_of(run: Option<&PathBuf>) -> Vec<(Duration, String)> {
    let scenario = run.and_then(|path| RunDir::open(path).ok()).and_then(|dir| scenario_of(&dir).ok());
    scenario.as_ref().map(stages).unwrap_or_default()
}
