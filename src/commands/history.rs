//! `livebench history`: the runs of a directory, and where they changed.

use std::io::{self, Write as _};

use super::compare::{held, inside};
use super::could_not_run;
use super::show::text;
use super::subject::subject;
use super::{Error, Exit, written};
use crate::cli::{HistoryArgs, HistoryFailOn, HistoryOutput};
use crate::compare::{ChangeVerdict, Subject, history, in_one_spelling};
use crate::report::compare as report;
use crate::results::{KnownThing, ResultsError, RunDir, known_thing};
use crate::stats::divisive::Search;
use crate::summary::Summary;

pub(super) fn history(args: &HistoryArgs) -> Result<Exit, Error> {
    if !args.dir.is_dir() {
        if let Some(KnownThing { what, taken_by }) = known_thing(&args.dir) {
            return Err(could_not_run(format!("{} is {what}, not a directory of runs; {taken_by}", args.dir.display())));
        }
        let what = format!("{} is not a directory; name the one that `livebench run --out` was given", args.dir.display());
        return Err(could_not_run(what));
    }
    let (mut runs, mut skipped) = (Vec::new(), Vec::new());
    for path in inside(&args.dir)? {
        match read(&path) {
            Ok(Some(run)) => runs.push(run),
            Ok(None) => skipped.push(format!("{} has no summary; livebench report makes one", path.display())),
            Err(error) => skipped.push(error.to_string()),
        }
    }
    if let (Some(KnownThing { what, taken_by }), true) = (known_thing(&args.dir), runs.is_empty() && skipped.is_empty()) {
        let what = format!("{} is {what}, not a directory of runs; {taken_by}", args.dir.display());
        return Err(could_not_run(what));
    }
    if runs.is_empty() && skipped.is_empty() {
        let what = format!("{} holds no runs; name the directory that `livebench run --out` was given", args.dir.display());
        return Err(could_not_run(what));
    }
    in_one_spelling(&mut runs.iter_mut().map(|(subject, _)| subject).collect::<Vec<_>>());
    let made = history::history(runs, skipped, &Search::default());
    let mut out = io::BufWriter::new(io::stdout().lock());
    let shown = match args.output {
        HistoryOutput::Text => text(|out| report::history(&made, out.columns(), out)),
        HistoryOutput::Json => report::json(&made, &mut out),
        HistoryOutput::Markdown => report::history_markdown(&made, &mut out),
        HistoryOutput::Junit => report::history_junit(&made, &mut out),
        HistoryOutput::Html => report::history_html(&made, &mut out),
    };
    written(shown.and_then(|()| out.flush()))?;
    let regressed = args.fail_on == HistoryFailOn::Regression && made.verdict == ChangeVerdict::Regressed;
    Ok(if regressed { Exit::Bad } else { Exit::Good })
}

/// A run with its summary; `None` if it has none.
fn read(path: &std::path::Path) -> Result<Option<(Subject, Summary)>, Error> {
    let of = || -> Result<_, ResultsError> {
        let dir = RunDir::open(path)?;
        let summary = held(&dir)?.0;
        Ok((dir, summary))
    };
    let (dir, summary) = of().map_err(could_not_run)?;
    summary.map(|summary| Ok((subject(&dir, Some(&summary))?, summary))).transpose()
}
