//! `livebench check`

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use serde::Serialize;

use super::{Error, Exit, written};
use crate::cli::{CheckArgs, Output};
use crate::scenario::preview::{Preview, write_markdown};
use crate::scenario::{self, LoadError, Located, Style};

/// Columns of a drawn problem.
const WIDTH: usize = 100;

/// What became of one file.
struct Checked<'a> {
    path: &'a Path,
    result: Result<Preview, LoadError>,
}

pub(super) fn check(args: &CheckArgs) -> Result<Exit, Error> {
    let checked: Vec<Checked<'_>> = args
        .scenarios
        .iter()
        .map(|path| Checked { path, result: scenario::load(path).map(|(scenario, _)| Preview::of(&scenario)) })
        .collect();
    let mut out = anstream::stdout().lock();
    written(match args.output {
        Output::Text => write_text(&checked, &mut out),
        Output::Json => write_json(&checked, &mut out),
        Output::Markdown => write_table(&checked, &mut out),
    })?;
    let sound = checked.iter().all(|c| c.result.is_ok());
    Ok(if sound { Exit::Good } else { Exit::CouldNotRun })
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
    anstream::stderr().lock().write_all(error.draw(style, WIDTH).as_bytes())
}

fn write_text(checked: &[Checked<'_>], out: &mut impl Write) -> io::Result<()> {
    for (n, one) in checked.iter().enumerate() {
        match &one.result {
            Ok(preview) => {
                if n > 0 {
                    writeln!(out)?;
                }
                writeln!(out, "{}: OK", one.path.display())?;
                preview.write_text(out)?;
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
    let rows = checked.iter().map(|one| {
        let row = one.result.as_ref().map_err(|error| {
            let mut count = 0;
            error.visit(|_| count += 1);
            count
        });
        (one.path.display().to_string(), row)
    });
    write_markdown(rows, out)?;
    out.flush()?;
    checked.iter().filter_map(|one| one.result.as_ref().err()).try_for_each(complain)
}

/// One file in the JSON output.
#[derive(Serialize)]
struct CheckedRow<'a> {
    file: String,
    ok: bool,
    preview: Option<&'a Preview>,
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
    CheckedRow { file: one.path.display().to_string(), ok: one.result.is_ok(), preview: one.result.as_ref().ok(), problems }
}
