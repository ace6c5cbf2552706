//! `livebench init`: a scenario to start from.

use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use humantime::format_duration;
use serde_json::json;

use super::{Error, Exit, could_not_run, written};
use crate::cli::{InitArgs, Output};
use crate::plan;
use crate::scenario::{self, Template};
use crate::units::{Rate, parse_duration};

pub(super) fn init(args: &InitArgs) -> Result<Exit, Error> {
    if args.plan {
        return init_plan(args);
    }
    let mut template = given(args)?;
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        asked(args, &mut template, &mut io::stdin().lock(), &mut anstream::stderr().lock())?;
    }
    let path = args.file.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", template.name)));
    let text = template.text();
    // What cannot be run is not written: the reader says why.
    let directory = path.parent().unwrap_or_else(|| Path::new(""));
    scenario::read(&path.display().to_string(), &text, directory).map_err(could_not_run)?;
    write_new(&path, &text)?;
    let mut out = anstream::stdout().lock();
    let said = match args.output {
        Output::Json => writeln!(out, "{}", json!({ "file": path, "name": template.name })),
        Output::Text => writeln!(out, "{0}\nnext: livebench check {0}, then livebench run {0}", path.display()),
        Output::Markdown => writeln!(out, "Wrote `{}`.", path.display()),
    };
    written(said.and_then(|()| out.flush()))?;
    Ok(Exit::Good)
}

/// Writes a commented plan.
fn init_plan(args: &InitArgs) -> Result<Exit, Error> {
    let path = args.file.clone().unwrap_or_else(|| PathBuf::from("my-launch.toml"));
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).take(64).collect();
    let name = if name.starts_with(|c: char| c.is_ascii_alphanumeric()) { name } else { "my-launch".to_owned() };
    write_new(&path, &plan::TEMPLATE.replacen("my-launch", &name, 1))?;
    let mut out = anstream::stdout().lock();
    let said = match args.output {
        Output::Json => writeln!(out, "{}", json!({ "file": path, "name": name })),
        Output::Text => {
            writeln!(out, "{0}\nnext: fill in your numbers, then livebench check {0} and livebench plan {0}", path.display())
        }
        Output::Markdown => writeln!(out, "Wrote `{}`.", path.display()),
    };
    written(said.and_then(|()| out.flush()))?;
    Ok(Exit::Good)
}

/// The options, and the defaults of the others.
fn given(args: &InitArgs) -> Result<Template, Error> {
    let stem = args.file.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let usual_rate = Rate::per_second(10.0).map_err(could_not_run)?;
    let (rate, ramp) = (args.rate.unwrap_or(usual_rate), args.ramp.unwrap_or(Duration::from_secs(10)));
    Ok(Template {
        name: args.name.clone().or(stem).unwrap_or_else(|| "my-load".to_owned()),
        rate,
        length: args.length.unwrap_or_else(|| Template::usual_length(rate, ramp)),
        ramp,
        response_p99: args.response_p99.unwrap_or(Duration::from_millis(800)),
        max_spend_usd: args.max_spend_usd.unwrap_or(0.0),
    })
}

/// Asks for what was not given.
fn asked(args: &InitArgs, t: &mut Template, input: &mut impl BufRead, out: &mut impl Write) -> Result<(), Error> {
    let mut ask = |known: bool, what: &str, take: &mut dyn FnMut(Option<&str>) -> Result<String, String>| {
        if known { Ok(()) } else { question(what, take, input, out) }
    };
    ask(args.name.is_some() || args.file.is_some(), "Scenario name", &mut |answer| take_text(&mut t.name, answer))?;
    ask(args.rate.is_some(), "Calls per second", &mut |answer| take_rate(&mut t.rate, answer))?;
    ask(args.ramp.is_some(), "Ramp-up time (0s for none)", &mut |answer| take_duration(&mut t.ramp, answer))?;
    if args.length.is_none() {
        t.length = Template::usual_length(t.rate, t.ramp);
    }
    ask(args.length.is_some(), "Duration at that rate", &mut |answer| take_duration(&mut t.length, answer))?;
    ask(args.response_p99.is_some(), "Limit for the p99 response time", &mut |answer| {
        take_duration(&mut t.response_p99, answer)
    })?;
    ask(args.max_spend_usd.is_some(), "Maximum cost at AWS in dollars (0 forbids AWS)", &mut |answer| {
        take_usd(&mut t.max_spend_usd, answer)
    })
}

/// Asks until the answer is one. `take` shows the default for no answer, and takes one; nothing keeps the default.
fn question(
    what: &str,
    take: &mut dyn FnMut(Option<&str>) -> Result<String, String>,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<(), Error> {
    let failed = |e: io::Error| could_not_run(format!("cannot prompt: {e}; pass the options instead, see livebench init --help"));
    loop {
        let default = take(None).unwrap_or_default();
        write!(out, "{what} [{default}]: ").and_then(|()| out.flush()).map_err(failed)?;
        let mut answer = String::new();
        if input.read_line(&mut answer).map_err(failed)? == 0 {
            return Err(could_not_run("no file was written: the prompts were not answered".to_owned()));
        }
        match answer.trim() {
            "" => return Ok(()),
            answer => match take(Some(answer)) {
                Ok(_) => return Ok(()),
                Err(why) => writeln!(out, "  {why}").map_err(failed)?,
            },
        }
    }
}

fn take_text(value: &mut String, answer: Option<&str>) -> Result<String, String> {
    if let Some(answer) = answer {
        let fits = (1..=64).contains(&answer.len()) && answer.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'));
        if !fits {
            return Err("use 1 to 64 of a-z, 0-9, - and _".to_owned());
        }
        answer.clone_into(value);
    }
    Ok(value.clone())
}

fn take_rate(value: &mut Rate, answer: Option<&str>) -> Result<String, String> {
    if let Some(answer) = answer {
        let number = answer.trim_end_matches("/s").parse().ok().filter(|n: &f64| *n > 0.0);
        let number = number.ok_or_else(|| "enter a number above 0, like 10 or 2.5".to_owned())?;
        *value = Rate::per_second(number).map_err(|e| e.to_string())?;
    }
    Ok(value.as_f64().to_string())
}

fn take_duration(value: &mut Duration, answer: Option<&str>) -> Result<String, String> {
    if let Some(answer) = answer {
        *value = parse_duration(answer).map_err(|e| e.to_string())?;
    }
    Ok(format_duration(*value).to_string())
}

fn take_usd(value: &mut f64, answer: Option<&str>) -> Result<String, String> {
    if let Some(answer) = answer {
        let number = answer.trim_start_matches('$').parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0);
        *value = number.ok_or_else(|| "enter an amount in dollars, like 0 or 4.50".to_owned())?;
    }
    Ok(value.to_string())
}

pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |e: io::Error| {
        let path = path.display();
        could_not_run(match e.kind() {
            io::ErrorKind::AlreadyExists => format!("{path} already exists; choose another name, or delete it"),
            io::ErrorKind::NotFound => format!("cannot write {path}: {e}; create its directory first"),
            _ => format!("cannot write {path}: {e}; name another file"),
        })
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn args(words: &str) -> InitArgs {
        let Command::Init(args) = Cli::try_parse_from(words.split_whitespace()).unwrap().command else { panic!() };
        args
    }

    /// Answers are taken, empty ones keep the default, wrong ones are asked again, and what was given is not asked.
    #[test]
    fn questions() {
        let args = args("livebench init --length 5m");
        let mut template = given(&args).unwrap();
        let mut out = Vec::new();
        asked(&args, &mut template, &mut "Launch Day\nlaunch\nmany\n40\n\n1200ms\n$4.50\n".as_bytes(), &mut out).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert_eq!(said.matches('[').count(), 7, "{said}");
        assert!(said.contains("1 to 64 of a-z") && said.contains("a number above 0") && !said.contains("Duration"), "{said}");
        let wanted = Template {
            name: "launch".to_owned(),
            rate: Rate::per_second(40.0).unwrap(),
            length: Duration::from_secs(300),
            ramp: Duration::from_secs(10),
            response_p99: Duration::from_millis(1200),
            max_spend_usd: 4.5,
        };
        assert_eq!(template, wanted);
    }

    /// Who does not answer gets nothing written.
    #[test]
    fn silence() {
        let args = args("livebench init");
        let mut template = given(&args).unwrap();
        assert!(asked(&args, &mut template, &mut "launch\n".as_bytes(), &mut Vec::new()).is_err());
    }

    /// The name comes from the file when it is not given.
    #[test]
    fn named_by_its_file() {
        assert_eq!(given(&args("livebench init some/launch.toml")).unwrap().name, "launch");
        assert_eq!(given(&args("livebench init launch.toml --name other")).unwrap().name, "other");
    }

    /// A file that is there stays as it is.
    #[test]
    fn nothing_is_overwritten() {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("mine.toml");
        std::fs::write(&path, "mine").unwrap();
        let error = write_new(&path, "yours").unwrap_err();
        assert!(error.to_string().contains("already exists; choose another name"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
