//! `livebench check`

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use serde::Serialize;

use super::show::text;
use super::{Error, Exit, written};
use crate::cli::{CheckArgs, Output};
use crate::live::PatientStderr;
use crate::load::{Part, Workload};
use crate::plan;
use crate::results::ProbesOnDisk;
use crate::scenario::preview::{Preview, write_markdown};
use crate::scenario::{self, FileKind, LoadError, Located, Scenario, Style};
use crate::shard::Shard;
use crate::units::plural;

/// Columns of a drawn problem.
const WIDTH: usize = 100;

/// What became of one file.
struct Checked<'a> {
    path: &'a Path,
    result: Result<Sound, LoadError>,
    /// What the shard that was asked for would make of it.
    shard: Option<ShardPreview>,
}

/// One shard's part of a scenario.
#[derive(Debug, Serialize)]
struct ShardPreview {
    /// Which shard.
    shard: String,
    /// Its calls; null where answers decide.
    calls: Option<u64>,
    /// Workers of the closed model; null in the open one.
    workers: Option<u64>,
    /// When its first call is due; null without any.
    first_due_s: Option<f64>,
    /// Calls in flight at most.
    concurrency: u64,
}

impl ShardPreview {
    fn of(scenario: &Scenario, shard: Shard) -> Option<Self> {
        let (workload, part) = (Workload::of(scenario).ok()?, Part::new(scenario, shard));
        let first = workload.schedule().and_then(|schedule| {
            let first = (0u64..).zip(schedule.iter()).find(|(k, _)| shard.owns(part.owner(*k)));
            first.map(|(_, due)| due.as_secs_f64())
        });
        let limits = part.limits(workload.limits(scenario, false));
        let workers =
            matches!(workload, Workload::Closed(_)).then(|| shard.part_of(workload.limits(scenario, false).concurrency as u64));
        let calls = workload.scheduled().map(|total| part.calls(total));
        Some(Self { shard: shard.to_string(), calls, workers, first_due_s: first, concurrency: limits.concurrency as u64 })
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "  shard {:<5}", self.shard)?;
        match (self.calls, self.workers) {
            (Some(calls), _) => write!(out, " {}", plural(calls, "call"))?,
            (None, Some(workers)) => write!(out, " {workers} workers")?,
            (None, None) => {}
        }
        if let Some(first) = self.first_due_s {
            write!(out, ", the first due after {first:.3} s")?;
        }
        writeln!(out, ", up to {} in flight", self.concurrency)
    }
}

/// What a sound file is.
enum Sound {
    Scenario(Box<Preview>),
    Plan(Vec<String>),
}

impl Sound {
    fn preview(&self) -> Option<&Preview> {
        if let Self::Scenario(preview) = self { Some(preview) } else { None }
    }
}

/// Reads a scenario or, where it has a demand and no load, a plan; and what a shard would make of it.
fn read(path: &Path, shard: Option<Shard>) -> Checked<'_> {
    let judged = judged(path);
    let part = |(scenario, _): &(Scenario, Preview)| ShardPreview::of(scenario, shard?);
    let shard = judged.as_ref().ok().and_then(part);
    let result = match judged {
        Err(_) if std::fs::read_to_string(path).is_ok_and(|text| FileKind::of_text(&text) == Some(FileKind::Plan)) => {
            plan::load(path, &ProbesOnDisk).map(|(plan, _)| Sound::Plan(plan::outline(&plan)))
        }
        judged => judged.map(|(_, preview)| Sound::Scenario(Box::new(preview))),
    };
    Checked { path, result, shard }
}

pub(super) fn check(args: &CheckArgs) -> Result<Exit, Error> {
    let checked: Vec<Checked<'_>> = args.scenarios.iter().map(|path| read(path, args.shard)).collect();
    written(match args.output {
        Output::Text => text(|out| write_text(&checked, out)),
        Output::Json => write_json(&checked, &mut anstream::stdout().lock()),
        Output::Markdown => write_table(&checked, &mut anstream::stdout().lock()),
    })?;
    let sound = checked.iter().all(|c| c.result.is_ok());
    Ok(if sound { Exit::Good } else { Exit::CouldNotRun })
}

/// What the scenario in a file would do, if a run of it could begin: of Poisson arrivals some seeds draw none.
fn judged(path: &Path) -> Result<(Scenario, Preview), LoadError> {
    let (scenario, _) = scenario::load(path)?;
    let preview = Preview::of(&scenario);
    if preview.calls == Some(0) {
        let message = format!("the stages schedule no call with seed {}", preview.seed);
        let help = "lengthen them, raise the rate, or choose another seed".to_owned();
        return Err(LoadError::File { path: path.to_owned(), message, help });
    }
    Ok((scenario, preview))
}

/// Draws what is wrong with a file; nothing was run.
pub(super) fn refuse(error: &LoadError) -> Exit {
    // A stderr that cannot be written leaves the exit code to tell.
    let _ = complain(error);
    Exit::CouldNotRun
}

/// Draws what is wrong with a scenario on stderr, as the terminal allows.
fn complain(error: &LoadError) -> io::Result<()> {
    let stderr = io::stderr();
    let coloured = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
    let style = match (coloured, stderr.is_terminal()) {
        (true, _) => Style::Colour,
        (false, true) => Style::Unicode,
        (false, false) => Style::Plain,
    };
    PatientStderr.write_all(error.draw(style, WIDTH).as_bytes())
}

fn write_text(checked: &[Checked<'_>], out: &mut impl Write) -> io::Result<()> {
    for (n, one) in checked.iter().enumerate() {
        match &one.result {
            Ok(sound) => {
                if n > 0 {
                    writeln!(out)?;
                }
                writeln!(out, "{}: OK", one.path.display())?;
                match sound {
                    Sound::Scenario(preview) => preview.write_text(out)?,
                    Sound::Plan(lines) => lines.iter().try_for_each(|line| writeln!(out, "  {line}"))?,
                }
                one.shard.iter().try_for_each(|shard| shard.write(out))?;
            }
            Err(error) => {
                out.flush()?;
                complain(error)?;
            }
        }
    }
    out.flush()
}

fn write_table(checked: &[Checked<'_>], out: &mut impl Write) -> io::Result<()> {
    let rows = checked.iter().filter_map(|one| {
        let row = match &one.result {
            Ok(sound) => Ok(sound.preview()?),
            Err(error) => {
                let mut count = 0;
                error.visit(|_| count += 1);
                Err(count)
            }
        };
        Some((one.path.display().to_string(), row))
    });
    let plans = checked.iter().filter_map(|one| match &one.result {
        Ok(Sound::Plan(lines)) => Some((one.path, lines)),
        _ => None,
    });
    if plans.clone().count() < checked.len() {
        write_markdown(rows, out)?;
    }
    for (path, lines) in plans {
        writeln!(out, "- `{}`: a plan. {}", path.display(), lines.join("; "))?;
    }
    out.flush()?;
    checked.iter().filter_map(|one| one.result.as_ref().err()).try_for_each(complain)
}

/// One file in the JSON output.
#[derive(Serialize)]
struct CheckedRow<'a> {
    file: String,
    ok: bool,
    preview: Option<&'a Preview>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'a ShardPreview>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a [String]>,
    problems: Vec<serde_json::Value>,
}

fn write_json(checked: &[Checked<'_>], out: &mut impl Write) -> io::Result<()> {
    let rows: Vec<CheckedRow<'_>> = checked.iter().map(row).collect();
    serde_json::to_writer_pretty(&mut *out, &rows)?;
    writeln!(out)?;
    out.flush()
}

fn row<'a>(one: &'a Checked<'_>) -> CheckedRow<'a> {
    let mut problems = Vec::new();
    if let Err(error) = &one.result {
        // A problem is texts and numbers: it always has a JSON form.
        error.visit(|located: Located<'_>| problems.extend(serde_json::to_value(located)));
    }
    let sound = one.result.as_ref().ok();
    let plan = sound.and_then(|sound| if let Sound::Plan(lines) = sound { Some(lines.as_slice()) } else { None });
    CheckedRow {
        file: one.path.display().to_string(),
        ok: sound.is_some(),
        preview: sound.and_then(Sound::preview),
        shard: one.shard.as_ref(),
        plan,
        problems,
    }
}
